/* test_schedule.c -- what is counted is what is run: every call of libckks by
 * kind and level, one task of many alike against all, memory as it is laid out;
 * and the arena against a naive one.
 *
 * Caught when planted: a body's steps counted once for all its tasks; a piece
 * given back to the arena a page too short, a hole of just the right size passed
 * by.  (A slice's sums added twice: test_network.c, test_cnn.c.)
 */
#include "net_support.h"
#include "plan/price.h"

#include <math.h>

/* ---- calls --------------------------------------------------------------- */

typedef struct calls {
    const nn_line *line;
    size_t lines;
    double *made;               /* shape (lines)                             */
    double others;              /* that are on no line                       */
} calls;

static void count_call(void *user, int step, int kind, int level,
                       double seconds)
{
    calls *c = user;

    if (kind == NNI_FREE)
        return;
    c->others += seconds < 0;
    for (size_t i = 0; i < c->lines; i++)
        if (c->line[i].step == step && c->line[i].kind == kind
            && c->line[i].level == level) {
            c->made[i]++;
            return;
        }
    c->others++;
}

/* Runs the rig's network and compares each line's calls. */
static void check_calls(rig *r, const char *what)
{
    nn_line *line = NULL;
    size_t lines = 0;
    calls c = { 0 };
    nn_progress hooks = { .user = &c, .took = count_call };

    if (!NN_OK(nn_plan_explain(&line, &lines, &r->p, &r->m, NULL, 1)))
        return;
    c = (calls){ .line = line, .lines = lines,
                 .made = calloc(lines + 1, sizeof *c.made) };
    if (CHECK(c.made != NULL, "no memory") && rig_run(r, 1, &hooks)) {
        CHECK(c.others == 0, "%s: %g calls on no line", what, c.others);
        for (size_t i = 0; i < lines; i++)
            CHECK(c.made[i] == line[i].calls, "%s: %s, \"%s\" at level %d: %g "
                  "calls, counted %g", what, r->p.step[line[i].step].name,
                  nn_line_name(line[i].kind), line[i].level, c.made[i],
                  line[i].calls);
    }
    free(c.made);
    free(line);
}

TEST(schedule_counts_what_is_run)
{
    for (const net_kind *k = net_kinds; k->build != NULL; k++)
        for (int border = NN_WRAP; border <= NN_ZERO; border++) {
            rig_shape s;
            rig r = { 0 };

            if (!k->single && k->pools < 2
                && rig_shape_at(&s, k, (nn_border)border, 1)
                && rig_init(&r, &s, k->build))
                check_calls(&r, k->name);
            rig_clear(&r);
        }
}

/* ---- one task of many alike ---------------------------------------------- */

static void check_sampled(const nn_plan *p, const nni_placed *placed, int k,
                          const nni_map *map, bool by_inputs)
{
    const char *name = placed->stage[k].of->name;
    nni_count c[2];
    nni_schedule s;
    nn_machine machine;

    if (!NN_OK(nn_machine_default(&machine, "avx2"))
        || !NN_OK(nni_schedule_init(&s, placed, k,
                                    placed->stage[k].neurons > 0 ? NULL : map,
                                    by_inputs, "check_sampled")))
        return;
    for (int i = 0; i < 2; i++) {
        c[i] = nni_count_of(&p->params, &machine, 1, 1e6);
        c[i].sampled = i == 1 && nni_alike(&s);
        NN_OK(nni_count_stage(&c[i], &s));
    }
    for (int i = 0; i < NNI_KINDS; i++)
        CHECK(i == NNI_FREE || c[0].tally.calls[i] == c[1].tally.calls[i],
              "%s: \"%s\": %g calls, %g counted by one of many", name,
              nn_line_name(i), c[0].tally.calls[i], c[1].tally.calls[i]);
    CHECK(c[0].tally.rotations == c[1].tally.rotations
              && c[0].tally.relins == c[1].tally.relins
              && c[0].tally.products == c[1].tally.products,
          "%s: %g rotations, %g relinearisations, %g products; by one of many "
          "%g, %g, %g", name, c[0].tally.rotations, c[0].tally.relins,
          c[0].tally.products, c[1].tally.rotations, c[1].tally.relins,
          c[1].tally.products);
    CHECK(fabs(c[1].seconds / c[0].seconds - 1) < 1e-9,
          "%s: %.9g s, by one of many %.9g", name, c[0].seconds, c[1].seconds);
    CHECK(fabs(c[1].peak / c[0].peak - 1) < 1e-9,
          "%s: peak %.0f, by one of many %.0f", name, c[0].peak, c[1].peak);
    nni_schedule_clear(&s);
}

static void check_network(const nn_model *m, const nn_plan *p)
{
    net n = { 0 };
    nni_placed placed = { 0 };

    if (NN_OK(nni_init(&n, m, "check_network"))
        && NN_OK(nni_place_plan(&placed, &n, p)))
        for (int k = 0; k < placed.num_stages; k++) {
            nni_map map = { 0 };

            if (NN_OK(nni_map_init(&map, &placed, k, false)))
                for (int way = 0; way < 2; way++)
                    check_sampled(p, &placed, k, &map, way == 1);
            nni_map_clear(&map);
        }
    nni_placed_clear(&placed);
    nni_clear(&n);
}

TEST(schedule_one_task_counts_for_all)
{
    for (const net_kind *k = net_kinds; k->build != NULL; k++)
        for (int border = NN_WRAP; border <= NN_ZERO; border++) {
            rig_shape s;
            nn_model m = { 0 };
            nn_plan *p = calloc(1, sizeof *p);
            nn_aim aim;

            if (CHECK(p != NULL, "no memory") && !k->single
                && rig_shape_at(&s, k, (nn_border)border, 1)
                && rig_model(&m, &s, k->build)) {
                aim = rig_aim(&s);
                if (NN_OK(nn_plan_make(p, &m, &aim)))
                    check_network(&m, p);
            }
            nn_model_clear(&m);
            free(p);
        }
}

/* ---- the arena ----------------------------------------------------------- */

/* Places are multiples of UNIT if sizes are, less the padding. */
enum { GRAINS = 512, PIECES = 64, UNIT = 8192 };

/* The lowest place for so many grains, by looking at each. */
static size_t naive_take(bool *used, size_t grains)
{
    for (size_t at = 0; at + grains <= GRAINS; at++) {
        size_t free = 0;

        while (free < grains && !used[at + free])
            free++;
        if (free < grains)
            continue;
        for (size_t i = 0; i < grains; i++)
            used[at + i] = true;
        return at;
    }
    return GRAINS;
}

TEST(schedule_arena_is_first_fit)
{
    nni_arena a = { 0 };
    bool used[GRAINS] = { false };
    size_t at[PIECES], grains[PIECES] = { 0 }, top = 0;
    uint64_t seed = 1;

    for (int round = 0; round < 20000; round++) {
        const size_t i = test_word(&seed) % PIECES;

        if (grains[i] > 0) {
            nni_arena_give(&a, at[i] * UNIT, grains[i] * UNIT - NNI_PAD - 3);
            for (size_t k = 0; k < grains[i]; k++)
                used[at[i] + k] = false;
            grains[i] = 0;
            continue;
        }
        grains[i] = 1 + test_word(&seed) % 8;
        at[i] = naive_take(used, grains[i]);
        top = at[i] + grains[i] > top ? at[i] + grains[i] : top;
        if (!CHECK(nni_arena_take(&a, grains[i] * UNIT - NNI_PAD - 3)
                       == at[i] * UNIT, "round %d: %zu grains", round,
                   grains[i]))
            break;
    }
    CHECK(a.top == top * UNIT, "top %zu, want %zu", a.top,
          top * UNIT);
    nni_arena_clear(&a);
}
