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

/* ---- calls --------------------------------------------------------------- */

TEST(schedule_counts_what_is_run)
{
    for (const net_kind *k = net_kinds; k->build != NULL; k++)
        for (int border = NN_WRAP; border <= NN_ZERO; border++) {
            rig_shape s;
            rig r = { 0 };

            if (!k->single && k->pools < 2
                && rig_shape_at(&s, k, (nn_border)border, 1)
                && rig_init(&r, &s, k->build))
                rig_check_calls(&r, k->name);
            rig_clear(&r);
        }
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
                    net_check_sampled(&m, p);
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
