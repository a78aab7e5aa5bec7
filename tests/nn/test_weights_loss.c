/* test_weights_loss.c -- what rounding to integers leaves of weights, by the
 * integers that the network then has. */
#include "net_support.h"
#include "stage/weights.h"

#include <math.h>

/* The weights of a model's convolutions, times so much. */
static void shrink(nn_model *m, double by)
{
    for (int i = 0; i < m->num_layers; i++) {
        nn_layer *l = &m->layer[i];
        float *w = (float *)(uintptr_t)l->weight;
        const int inputs = l->num_in > 0 ? m->layer[l->in[0]].channels : 0;
        const size_t n = (size_t)l->channels * (size_t)inputs
                         * (size_t)l->kernel_y * (size_t)l->kernel_x;

        for (size_t k = 0; l->op == NN_CONV && k < n; k++)
            w[k] = (float)(w[k] * by);
    }
}

/* Largest integer of stage k's weights. */
static int largest(const nni_placed *p, int k)
{
    nni_map m;
    int top = 0;

    if (!NN_OK(nni_map_init(&m, p, k, true)))
        return -1;
    for (int i = 0; i < m.num_phases; i++)
        for (int j = 0; j < m.channels * m.phase[i].terms; j++)
            if (abs(m.phase[i].weight[j]) > top)
                top = abs(m.phase[i].weight[j]);
    nni_map_clear(&m);
    return top;
}

TEST(weights_loss_is_that_of_the_integers)
{
    static const rig_shape s = { NN_HALO, 11, 2, 2, 16, 16, 1, 1,
                                 NN_SLOTS_ANY };

    for (int small = 0; small < 2; small++) {
        nn_model m = { 0 };
        nn_plan *p = calloc(1, sizeof *p);
        nn_weights *w = NULL;
        nn_aim aim = rig_aim(&s);
        double most = 0;

        if (CHECK(p != NULL, "no memory")
            && rig_model(&m, &s, net_kind_named("unet 1")->build)) {
            if (small)
                shrink(&m, 0x1p-11);
            if (NN_OK(nn_plan_make(p, &m, &aim))
                && NN_OK(nn_weights_init(&w, &m, p)))
                for (int k = 0; k + 1 < p->num_steps; k++) {
                    most = fmax(most, p->step[k].loss);
                    const double loss = p->step[k].loss;
                    const int top = largest(&w->placed, k);

                    CHECK(small ? loss > 0.05 && top < 16
                                : loss < 0.01 && top > 256,
                          "stage %d: loss %g, integers up to %d", k, loss,
                          top);
                    test_note("stage %d: loss %.4f, integers up to %d", k,
                              loss, top);
                }
        }
        CHECK(p != NULL && p->weights_loss == most, "%g, the most is %g",
              p == NULL ? 0 : p->weights_loss, most);
        nn_weights_clear(&w);
        nn_model_clear(&m);
        free(p);
    }
}
