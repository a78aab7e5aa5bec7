/* clear.c -- blind clear: the integers of both sides on one. */
#include <stdlib.h>
#include <string.h>

#include "blind/twin.h"
#include "volley/blind/verbs.h"

/* Scores of all images, 32-bit floats, (channels, size without halo). */
typedef struct clear_scores {
    uint8_t *data;
    size_t size;
} clear_scores;

static int clear_keep(clear_scores *s, const blind_network *n,
                      const int64_t *score, size_t image)
{
    const blind_step *last = &n->step[n->num_steps - 1];
    const blind_step *from = &n->step[last->in[0]];
    const size_t each = 4 * blind_step_count(last) * (size_t)from->channels;
    uint8_t *to = realloc(s->data, s->size + each);

    (void)image;
    if (to == NULL)
        return volley_fail("no memory for scores");
    s->data = to;
    to += s->size;
    s->size += each;
    for (int c = 0; c < from->channels; c++)
        for (int z = 0; z < last->size[0]; z++)
            for (int y = 0; y < last->size[1]; y++)
                for (int x = 0; x < last->size[2]; x++, to += 4) {
                    const float value = (float)score[blind_step_at(
                        from, c, z + n->halo[0], y + n->halo[1],
                        x + n->halo[2])];
                    uint32_t bits;

                    memcpy(&bits, &value, sizeof bits);
                    for (int b = 0; b < 4; b++)
                        to[b] = (uint8_t)(bits >> 8 * b);
                }
    return VOLLEY_DONE;
}

/* chance: NULL, or what roundings go by. */
static int clear_image(blind_images *x, clear_scores *scores,
                       blind_rounding chance, size_t i)
{
    const blind_network *n = x->n;
    const int last = n->num_steps - 1;
    int64_t *input = malloc(blind_step_count(&n->step[0]) * sizeof *input);
    int64_t **value = calloc((size_t)n->num_steps, sizeof *value);
    bool over = false;
    int code = input != NULL && value != NULL
                   ? volley_blind_input(input, x, i)
                   : volley_fail("no memory for an image");

    if (code == VOLLEY_DONE)
        code = volley_check(blind_twin_run(value, &over, n, input, chance));
    if (code == VOLLEY_DONE && over)
        code = volley_fail("image %zu of %zu: numbers left the range that the "
                           "network was calibrated for", i + 1, x->count);
    for (size_t j = 0; j < x->pixels && code == VOLLEY_DONE; j++)
        x->mask[i][j] = (uint8_t)value[last][j];
    if (code == VOLLEY_DONE && x->a->value[OPT_LOGITS] != NULL)
        code = clear_keep(scores, n, value[n->step[last].in[0]], i);
    if (value != NULL)
        blind_twin_clear(value, n);
    free(value);
    free(input);
    return code == VOLLEY_DONE ? volley_blind_labels(x, i) : code;
}

static int clear_tell(const blind_images *x, double seconds)
{
    nni_json_writer w;
    char time[32];

    volley_blind_warn(x);
    if (x->a->value[OPT_JSON] == NULL) {
        printf("%zu image%s, %d bits, %s\n", x->count,
               x->count == 1 ? "" : "s", x->n->bits,
               volley_time(time, seconds));
        return VOLLEY_DONE;
    }
    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_word(&w, "images", x->count);
    nni_json_put_int(&w, "bits", x->n->bits);
    nni_json_put_word(&w, "clipped", x->clipped);
    nni_json_put_double(&w, "seconds", seconds);
    volley_blind_put(&w, x);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

int volley_run_blind_clear(const volley_args *a)
{
    const double start = volley_clock();
    blind_images x = {0};
    clear_scores scores = {0};
    blind_network *n = NULL;
    const bool chance = a->value[OPT_CHANCE] != NULL;
    int seed = 0, code = volley_int(&seed, a, OPT_CHANCE, 0, 1 << 29, 0);
    uint64_t state = (uint64_t)seed << 32;

    if (code == VOLLEY_DONE)
        code = volley_blind_model(&n, a->word[0], a);
    if (code == VOLLEY_DONE)
        code = volley_blind_open(&x, a, n, a->word + 1, a->words - 1);
    for (size_t i = 0; i < x.count && code == VOLLEY_DONE; i++)
        code = clear_image(&x, &scores, chance ? &state : NULL, i);
    if (code == VOLLEY_DONE)
        code = volley_blind_save(&x);
    if (code == VOLLEY_DONE && a->value[OPT_LOGITS] != NULL)
        code = volley_write(a->value[OPT_LOGITS], scores.data, scores.size,
                            0644);
    if (code == VOLLEY_DONE)
        code = clear_tell(&x, volley_clock() - start);
    if (x.n != NULL)
        volley_blind_clear(&x);
    blind_network_clear(&n);
    free(scores.data);
    return code;
}
