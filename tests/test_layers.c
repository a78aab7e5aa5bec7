/* test_layers.c -- every kind of layer: float, clear and encrypted agree. */
#include "net_support.h"

static void all_shapes(nn_border border, bool single)
{
    rig_shape s;

    for (const net_kind *k = net_kinds; k->build != NULL; k++)
        for (int i = 0; k->single == single && rig_shape_at(&s, k, border, i);
             i++)
            rig_check(k, &s, true);
}

TEST(layers_wrap)
{
    all_shapes(NN_WRAP, true);
}

TEST(layers_halo)
{
    all_shapes(NN_HALO, true);
}

TEST(layers_zero)
{
    all_shapes(NN_ZERO, true);
}
TEST(network_wrap)
{
    all_shapes(NN_WRAP, false);
}

TEST(network_halo)
{
    all_shapes(NN_HALO, false);
}

TEST(network_zero)
{
    all_shapes(NN_ZERO, false);
}
