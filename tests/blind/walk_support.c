/* walk_support.c -- what two parties computed, against the twin. */
#include "walk_support.h"

#include <math.h>
#include <stdlib.h>

#include "test.h"

/* What both have of each step, joined. */
void walk_join(int64_t **value, const blind_network *n,
               blind_share *const *client, blind_share *const *server)
{
    for (int k = 0; k + 1 < n->num_steps; k++) {
        const size_t count = blind_step_count(&n->step[k]);

        value[k] = malloc(count * sizeof **value);
        for (size_t i = 0; i < count && value[k] != NULL; i++)
            value[k][i] = (int64_t)(client[k][i] + server[k][i]);
    }
}

/* Step k of the twin from the inputs that the parties had. */
void walk_check_step(const blind_network *n, int k, int64_t *const *value,
                     const uint8_t *label)
{
    const blind_step *s = &n->step[k];
    const size_t count = blind_step_count(s);
    const int64_t *in[NN_MAX_INPUTS] = { NULL };
    int64_t *want = malloc(count * sizeof *want);
    const int64_t most = s->op == BLIND_CONV || s->op == BLIND_SQUARE ? 1
                         : s->op == BLIND_ADD ? s->num_in : 0;
    size_t wrong = 0;
    bool over = false;

    for (int i = 0; i < s->num_in; i++)
        in[i] = value[s->in[i]];
    if (!CHECK_OK(blind_twin_step(want, &over, n, k, in, NULL)))
        return;
    for (size_t i = 0; i < count; i++) {
        const int64_t is = k == n->num_steps - 1 ? label[i] : value[k][i];

        wrong += is - want[i] > most || want[i] - is > most;
    }
    CHECK(wrong == 0, "step %s: %zu of %zu numbers are more than %lld off",
          s->name, wrong, count, (long long)most);
    free(want);
}

/* sd of the twin's scores when it rounds by chance. */
static double scores_sd(const blind_network *n, const int64_t *input,
                        const int64_t *score)
{
    const int k = n->step[n->num_steps - 1].in[0];
    const size_t count = blind_step_count(&n->step[k]);
    double sum = 0;

    for (uint64_t seed = 1; seed <= 3; seed++) {
        int64_t *value[BLIND_MAX_STEPS];
        uint64_t state = seed;
        bool over;

        if (!CHECK_OK(blind_twin_run(value, &over, n, input, &state)))
            return 0;
        for (size_t i = 0; i < count; i++)
            sum += pow((double)(value[k][i] - score[i]), 2);
        blind_twin_clear(value, n);
    }
    return sqrt(sum / (3.0 * (double)count));
}

/* Where pixel i of the labels lies on the map of scores, which has the halo
 * around it. */
static size_t in_map(const blind_network *n, const blind_step *from, size_t i)
{
    int core[3];
    size_t w, h;

    blind_network_core(core, n);
    h = (size_t)core[1];
    w = (size_t)core[2];
    return blind_step_at(from, 0, (int)(i / w / h) + n->halo[0],
                         (int)(i / w % h) + n->halo[1],
                         (int)(i % w) + n->halo[2]);
}

/* The largest score less the next, at place i; of one class |score|. */
static double margin(const blind_step *from, const int64_t *score, size_t i)
{
    const size_t plane = blind_step_count(from) / (size_t)from->channels;
    double best = (double)score[i], next = from->channels == 1 ? 0 : -INFINITY;

    if (from->channels == 1)
        return fabs(best);
    for (int c = 1; c < from->channels; c++) {
        const double v = (double)score[(size_t)c * plane + i];

        next = fmax(next, fmin(v, best));
        best = fmax(best, v);
    }
    return best - next;
}

void walk_check_mask(const blind_network *n, const int64_t *input,
                     const uint8_t *label)
{
    const int last = n->num_steps - 1, k = n->step[last].in[0];
    int64_t *value[BLIND_MAX_STEPS];
    size_t differ = 0, count = blind_step_count(&n->step[last]);
    double sd, worst = 0;
    bool over;

    if (!CHECK_OK(blind_twin_run(value, &over, n, input, NULL)))
        return;
    sd = scores_sd(n, input, value[k]);
    for (size_t i = 0; i < count; i++)
        if (label[i] != value[last][i]) {
            differ++;
            worst = fmax(worst, margin(&n->step[k], value[k],
                                        in_map(n, &n->step[k], i)));
        }
    /* The difference of two scores has sqrt(2) of it; of random weights the
     * error varies from pixel to pixel. */
    CHECK(worst <= 8 * sqrt(2) * sd + 1, "a pixel differs whose margin is %g, "
          "sd %g", worst, sd);
    test_note("%s, %d bits: %zu of %zu pixels differ from the twin, sd of "
              "scores %.2f units, margin at most %.0f", n->name, n->bits,
              differ, count, sd, worst);
    blind_twin_clear(value, n);
}
