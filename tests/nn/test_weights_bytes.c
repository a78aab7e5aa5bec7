/* test_weights_bytes.c -- the memory that weights take: what the planner counts
 * beside what is allocated, and that nothing of it stays between stages. */
#include "net_support.h"
#include "plan/bounds.h"
#include "stage/weights.h"

#include <malloc.h>

/* Bytes that a stage's integers were given. */
static double given(nni_map *m)
{
    double bytes = 0;

    for (int i = 0; i < m->num_phases; i++)
        bytes += (double)malloc_usable_size(m->phase[i].weight);
    return bytes;
}

/* The planner counts a row of doubles beside them, as long as the longest
 * phase, for each row of integers. */
static double table(const nni_map *m, int period)
{
    int most = 0;

    for (int i = 0; i < m->num_phases; i++)
        most = m->phase[i].terms > most ? m->phase[i].terms : most;
    return (double)m->channels * (period > 0 ? period : 1) * most * 8;
}

static void check_stages(const nn_weights *w, const char *name)
{
    nni_maps maps = { 0 };

    if (!NN_OK(nni_maps_make(&maps, &w->placed)))
        return;
    for (int k = 0; k < w->net.num_stages; k++) {
        const double counted = nni_integers_bytes(&w->placed, k, &maps);
        nni_map m;
        double real, beside;

        if (w->placed.stage[k].neurons > 0) {
            CHECK(counted == 0, "%s: %g bytes of a matrix", name, counted);
            continue;
        }
        if (!NN_OK(nni_map_init(&m, &w->placed, k, true)))
            continue;
        real = given(&m);
        beside = table(&m, w->placed.stage[k].period);
        /* an allocation is rounded up to 16 bytes, and at least 24 */
        CHECK(counted - beside <= real
                  && counted - beside >= real - 32.0 * m.num_phases,
              "%s, stage %d: %.0f bytes counted, %.0f of them the table; %.0f "
              "allocated", name, k, counted, beside, real);
        for (int i = 0; i < m.num_phases; i++)
            CHECK(w->map[k].phase[i].weight == NULL, "%s, stage %d: integers "
                  "stay", name, k);
        nni_map_clear(&m);
    }
    nni_maps_clear(&maps);
}

TEST(weights_bytes_are_those_allocated)
{
    for (const net_kind *k = net_kinds; k->build != NULL; k++)
        for (int border = NN_WRAP; border <= NN_ZERO; border++) {
            nn_model m = { 0 };
            nn_plan *p = calloc(1, sizeof *p);
            nn_weights *w = NULL;
            rig_shape s;
            nn_aim aim;

            if (CHECK(p != NULL, "no memory") && k->pools < 2
                && rig_shape_at(&s, k, (nn_border)border, 1)
                && rig_model(&m, &s, k->build)) {
                aim = rig_aim(&s);
                if (NN_OK(nn_plan_make(p, &m, &aim))
                    && NN_OK(nn_weights_init(&w, &m, p)))
                    check_stages(w, k->name);
            }
            nn_weights_clear(&w);
            nn_model_clear(&m);
            free(p);
        }
}

TEST(weights_floats_are_the_models)
{
    static const rig_shape s = { NN_HALO, 11, 2, 2, 16, 16, 1, 1,
                                 NN_SLOTS_ANY };
    nn_model m = { 0 };
    net n = { 0 };
    double all = 0;

    if (rig_model(&m, &s, net_kind_named("unet 1")->build)
        && NN_OK(nni_init(&n, &m, "weights_floats_are_the_models"))) {
        nni_placed placed = { .net = &n, .num_stages = n.num_stages };

        placed.stage = calloc((size_t)n.num_stages, sizeof *placed.stage);
        for (int k = 0; placed.stage != NULL && k < n.num_stages; k++)
            placed.stage[k].of = &n.stage[k];
        for (int i = 0; i < m.num_layers; i++) {
            const nn_layer *l = &m.layer[i];
            const double in = l->num_in > 0 ? m.layer[l->in[0]].channels : 0;

            if (l->op == NN_CONV)
                all += in * l->channels * l->kernel_y * l->kernel_x;
            if (l->op == NN_TCONV)
                all += in * l->channels * 4;
        }
        if (CHECK(placed.stage != NULL, "no memory"))
            CHECK(all > 0 && nni_floats_bytes(&placed) == 4 * all,
                  "%.0f bytes counted, %.0f floats", nni_floats_bytes(&placed),
                  all);
        free(placed.stage);
    }
    nni_clear(&n);
    nn_model_clear(&m);
}
