/* shape.c -- sizes, kernels and windows of a model's layers along three axes,
 * z, y, x; two-dimensional ones have one plane. */
#include <string.h>

#include "blind/fold.h"

/* The rounded size of a halo network: the radius at each side, a multiple of
 * the coarsest map's pixel. */
void blind_model_size(blind_network *n, const nn_model *m)
{
    int period = 1, halo;

    n->dims = m->depth > 0 ? 3 : 2;
    n->size[0] = m->depth > 0 ? m->depth : 1;
    n->size[1] = m->height;
    n->size[2] = m->width;
    if (m->border != NN_HALO)
        return;
    for (int i = 0; i < m->num_layers; i++)
        if (m->height / m->layer[i].height > period)
            period = m->height / m->layer[i].height;
    halo = (nn_halo_radius(m) + period - 1) / period * period;
    for (int a = 1; a < 3; a++) {
        n->halo[a] = halo;
        n->size[a] += 2 * halo;
    }
}

void blind_layer_pool(int pool[3], const nn_layer *l)
{
    pool[0] = l->kernel_z;
    pool[1] = l->kernel_y;
    pool[2] = l->kernel_x;
}

void blind_layer_taps(int taps[3], int apart[3], const nn_layer *l)
{
    taps[0] = l->kernel_z;
    taps[1] = l->kernel_y;
    taps[2] = l->kernel_x;
    apart[0] = l->op == NN_CONV ? l->dilation_z : 1;
    apart[1] = l->op == NN_CONV ? l->dilation_y : 1;
    apart[2] = l->op == NN_CONV ? l->dilation_x : 1;
}

void blind_layer_window(blind_conv *c, const nn_layer *l, int dims)
{
    const int before[3] = { l->pad_front, l->pad_top, l->pad_left };
    const int behind[3] = { l->pad_back, l->pad_bottom, l->pad_right };
    int taps[3], apart[3];

    blind_layer_taps(taps, apart, l);
    c->transposed = l->op == NN_TCONV;
    c->stride = c->transposed ? 2 : l->stride;
    c->out = l->channels;
    for (int a = 0; a < 3; a++) {
        c->kernel[a] = (taps[a] - 1) * apart[a] + 1;
        c->before[a] = before[a];
        c->out_size[a] = a == 0 && dims == 2 ? 1
            : (c->size[a] + before[a] + behind[a] - c->kernel[a]) / c->stride
              + 1;
    }
}
