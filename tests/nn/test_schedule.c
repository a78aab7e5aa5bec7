/* test_schedule.c -- what is counted is what is run: every call of libckks by
 * kind and level, one task of many alike against all, memory as it is laid out;
 * and the arena against a naive one.
 *
 * Caught when planted: phases split into pieces each by its own sums; a body's
 * steps counted once for all its tasks; a piece given back to the arena a page
 * too short; a hole of just the right size passed by for a larger one.  (A
 * slice's sums added twice: test_network.c, test_cnn.c.)
 */
#include <math.h>

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

/* 64 channels on a ring of 4 x 4 (inputs or sums rotated): in its corners sums
 * are rotated by four steps, along its edges by two, inside by none.  The sums
 * of a corner are more than a piece holds. */
static const char *wide(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 64, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "b", "s", 64, 64, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_plain(k, "pool", "p", "t", NULL);
    maker_tconv(k, "u", "p", 64, 2);
    maker_conv(k, "logit", "u", 2, 1, 3);
    return "logit";
}

/* The channels fall into the same pieces in every phase that a mean is taken
 * of: else one channel of a piece does not stand for the others. */
TEST(schedule_splits_all_phases_alike)
{
    const rig_shape s = { NN_HALO, 12, 4, 4, 16, 16, 1, 0, NN_SLOTS_COMPLEX };
    const nn_aim aim = rig_aim(&s);
    nn_model m = { 0 };
    nn_plan *p = calloc(1, sizeof *p);

    if (CHECK(p != NULL, "no memory") && rig_model(&m, &s, wide)
        && NN_OK(nn_plan_make(p, &m, &aim)))
        net_check_sampled(&m, p);
    nn_model_clear(&m);
    free(p);
}

/* Such pieces, run: what is decrypted is what the twin says. */
TEST(schedule_split_pieces_run)
{
    const rig_shape s = { NN_HALO, 10, 4, 4, 16, 16, 1, 1, NN_SLOTS_COMPLEX };
    rig r = { 0 };
    rig_error e = { 0 };

    if (rig_init(&r, &s, wide) && rig_encrypted(&e, &r, 5))
        CHECK(e.sd < 0.02 * r.spread, "sd %.3g of an error, %.3g of logits",
              e.sd, r.spread);
    rig_clear(&r);
}

/* ---- what is rotated ----------------------------------------------------- */

/* With a byte of memory every stage is done the way that takes least; each is
 * counted both ways, as plans say which. */
static void check_least(const nn_plan *made, const nn_model *m)
{
    const nni_bound tight = { HUGE_VAL, HUGE_VAL, 1 };
    nn_plan *p = calloc(3, sizeof *p);
    nni_placed placed = { 0 };
    nni_maps maps = { 0 };
    nn_machine machine;
    net n = { 0 };

    if (CHECK(p != NULL, "no memory") && NN_OK(nni_init(&n, m, "check_least"))
        && NN_OK(nni_place_plan(&placed, &n, made))
        && NN_OK(nn_machine_default(&machine, "avx512ifma"))) {
        for (int way = 0; way < 3; way++) {
            p[way] = *made;
            for (int k = 0; k < made->num_steps; k++)
                p[way].step[k].rotate_inputs = way == 1;
            NN_OK(nni_price(&p[way], &placed, &maps, way == 2, &machine, 1,
                            way == 2 ? &tight : NULL));
        }
        for (int k = 0; k < made->num_steps; k++)
            CHECK(p[2].step[k].bytes
                      <= fmin(p[0].step[k].bytes, p[1].step[k].bytes),
                  "%s: %.0f bytes; sums rotated %.0f, inputs %.0f",
                  made->step[k].name, p[2].step[k].bytes, p[0].step[k].bytes,
                  p[1].step[k].bytes);
    }
    nni_maps_clear(&maps);
    nni_placed_clear(&placed);
    nni_clear(&n);
    free(p);
}

TEST(schedule_memory_decides_what_is_rotated)
{
    const rig_shape s = { NN_HALO, 12, 4, 4, 16, 16, 1, 0, NN_SLOTS_COMPLEX };
    const nn_aim aim = rig_aim(&s);
    nn_model m = { 0 };
    nn_plan *p = calloc(1, sizeof *p);

    if (CHECK(p != NULL, "no memory") && rig_model(&m, &s, wide)
        && NN_OK(nn_plan_make(p, &m, &aim)))
        check_least(p, &m);
    nn_model_clear(&m);
    free(p);
}

/* ---- the arena ----------------------------------------------------------- */

/* Places are multiples of UNIT if sizes are, less the padding. */
enum { GRAINS = 2048, PIECES = 64, MOST = 24, UNIT = 8192 };

/* Of the holes that are at most an eighth larger the smallest, of those the
 * lowest, else the lowest place for so many grains, by looking at each.  What is
 * free behind the last one used is no hole. */
static size_t naive_place(const bool *used, size_t grains)
{
    size_t first = GRAINS, tight = GRAINS, least = GRAINS;

    for (size_t at = 0, free; at < GRAINS; at += free + 1) {
        for (free = 0; at + free < GRAINS && !used[at + free]; free++)
            ;
        if (free >= grains && 8 * free <= 9 * grains && free < least
            && at + free < GRAINS) {
            tight = at;
            least = free;
        }
        if (free >= grains && first == GRAINS)
            first = at;
    }
    return tight < GRAINS ? tight : first;
}

static size_t naive_take(bool *used, size_t grains)
{
    const size_t at = naive_place(used, grains);

    for (size_t i = at; i < at + grains && i < GRAINS; i++)
        used[i] = true;
    return at;
}

TEST(schedule_arena_takes_holes_that_fit)
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
        grains[i] = 1 + test_word(&seed) % MOST;
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
