/* test_layers.c -- every kind of layer alone: the float network, the clear
 * twin and the encrypted run agree, over rings, grids, batches and borders.
 *
 * Caught when planted: a tap read from the wrong side; grid_y for grid_x in a
 * rotation; a batch norm's factor left out; b/a for b/2a, or the constant of
 * a quadratic dropped; masks transposed, or open behind the batch; negative
 * biases forgotten; a square where a = 0; noise of a quadratic without its a,
 * or a quarter of the rounding; rotations of the image without an error of
 * their own; keys at too low a level.
 */
#include "net_support.h"

static void single_layers(nn_border border)
{
    rig_shape s;

    for (const net_kind *k = net_kinds; k->build != NULL; k++)
        for (int i = 0; k->single && rig_shape_at(&s, k, border, i); i++)
            rig_check(k, &s, true);
}

TEST(layers_wrap)
{
    single_layers(NN_WRAP);
}

TEST(layers_halo)
{
    single_layers(NN_HALO);
}

TEST(layers_zero)
{
    single_layers(NN_ZERO);
}

/* At degrees that are used a rotated input has several times the error of a
 * fresh one (docs/09-noise.md); at the small ones above it has hardly more. */
TEST(layers_noise_of_rotations)
{
    rig_shape s = { .border = NN_ZERO, .log_n = 12, .ring_y = 1, .ring_x = 1,
                    .height = 16, .width = 16, .channels = 1 };

    s.slots = NN_SLOTS_COMPLEX;
    rig_check(net_kind_named("conv3"), &s, true);
    s.slots = NN_SLOTS_REAL;
    rig_check(net_kind_named("conv3"), &s, true);
    s.border = NN_HALO;
    rig_check(net_kind_named("conv3"), &s, true);
}
