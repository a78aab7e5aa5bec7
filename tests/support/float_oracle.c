/* float_oracle.c -- a network in the clear by its definition. */
#include <math.h>

#include "float_oracle.h"

static int floor_div(int a, int b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static int mirrored(int i, int n)
{
    while (n > 1 && (i < 0 || i >= n))
        i = i < 0 ? -i : 2 * (n - 1) - i;
    return n > 1 ? i : 0;
}

/* Moves a place beyond layer l's map to the one whose value stands there; false
 * if that is 0. */
static bool oracle_place(const oracle *o, const nn_layer *l, int *y, int *x)
{
    const nn_model *m = o->m;
    const int h = l->height * o->height / m->height;
    const int w = l->width * o->width / m->width;
    int n, slot, ry, rx;

    if (m->border == NN_HALO)
        return true;                /* maps go on for ever                   */
    if (m->border != NN_WRAP)
        return *y >= 0 && *y < h && *x >= 0 && *x < w;
    ry = m->ring_y * l->height / m->height;
    rx = m->ring_x * l->width / m->width;
    n = h / ry * (w / rx);
    slot = floor_div(*y, ry) * (w / rx) + floor_div(*x, rx);
    slot -= floor_div(slot, n) * n;
    *y = (*y - floor_div(*y, ry) * ry) + slot / (w / rx) * ry;
    *x = (*x - floor_div(*x, rx) * rx) + slot % (w / rx) * rx;
    return true;
}

/* The value there, or 0. */
static double oracle_beyond(const oracle *o, int number, int c, int y, int x)
{
    return oracle_place(o, &o->m->layer[number], &y, &x)
               ? oracle_value(o, number, c, y, x) : 0;
}

static double oracle_conv(const oracle *o, const nn_layer *l, int ch, int y,
                          int x)
{
    const int c_in = o->m->layer[l->in[0]].channels / l->groups;
    const int group = ch / (l->channels / l->groups);
    double sum = (double)l->bias[ch];

    for (int c = 0; c < c_in; c++)
        for (int p = 0; p < l->kernel_y; p++)
            for (int q = 0; q < l->kernel_x; q++)
                sum += (double)l->weight[((ch * c_in + c) * l->kernel_y + p)
                                             * l->kernel_x + q]
                     * oracle_beyond(o, l->in[0], group * c_in + c,
                                     y * l->stride + p * l->dilation_y
                                         - l->pad_top,
                                     x * l->stride + q * l->dilation_x
                                         - l->pad_left);
    return sum;
}

/* Every pixel (v, u) gives to (2 v + p - pad, 2 u + q - pad). */
static double oracle_tconv(const oracle *o, const nn_layer *l, int ch, int y,
                           int x)
{
    const int k = l->kernel_y, pad = k == 4;
    double sum = (double)l->bias[ch];

    for (int c = 0; c < o->m->layer[l->in[0]].channels; c++)
        for (int v = floor_div(y, 2) - 2; v <= floor_div(y, 2) + 2; v++)
            for (int u = floor_div(x, 2) - 2; u <= floor_div(x, 2) + 2; u++) {
                const int p = y - 2 * v + pad, q = x - 2 * u + pad;

                if (p >= 0 && p < k && q >= 0 && q < k)
                    sum += (double)l->weight[((c * l->channels + ch) * k + p)
                                                 * k + q]
                         * oracle_beyond(o, l->in[0], c, v, u);
            }
    return sum;
}

/* Between the centres of pixels: the output's lie at (y + 1/2) / 2 - 1/2, those
 * outside of a map with an end at its edge. */
static double oracle_bilinear(const oracle *o, const nn_layer *l, int c, int y,
                              int x)
{
    const nn_layer *in = &o->m->layer[l->in[0]];
    const bool ends = o->m->border == NN_ZERO || o->m->border == NN_VALID;
    double at[2] = { (y + 0.5) / 2 - 0.5, (x + 0.5) / 2 - 0.5 };
    const int side[2] = { in->height, in->width };
    int low[2];
    double sum = 0;

    for (int i = 0; i < 2; i++) {
        if (ends)
            at[i] = fmin(fmax(at[i], 0), side[i] - 1);
        low[i] = (int)floor(at[i]);
        at[i] -= low[i];
    }
    for (int i = 0; i < 4; i++) {
        const double w = (i / 2 == 1 ? at[0] : 1 - at[0])
                         * (i % 2 == 1 ? at[1] : 1 - at[1]);

        if (w > 0)
            sum += w * oracle_beyond(o, l->in[0], c, low[0] + i / 2,
                                     low[1] + i % 2);
    }
    return sum;
}

static double oracle_pool(const oracle *o, const nn_layer *l, int c, int y,
                          int x)
{
    const int taps = l->kernel_y * l->kernel_x;
    double sum = 0;

    for (int i = 0; i < taps; i++)
        sum += oracle_value(o, l->in[0], c, l->kernel_y * y + i / l->kernel_x,
                            l->kernel_x * x + i % l->kernel_x) / taps;
    return sum;
}

static double oracle_maxpool(const oracle *o, const nn_layer *l, int c, int y,
                             int x)
{
    const int taps = l->kernel_y * l->kernel_x;
    double most = -INFINITY;

    for (int i = 0; i < taps; i++)
        most = fmax(most, oracle_value(o, l->in[0], c,
                                       l->kernel_y * y + i / l->kernel_x,
                                       l->kernel_x * x + i % l->kernel_x));
    return most;
}

static double oracle_dense(const oracle *o, const nn_layer *l, int c)
{
    const nn_layer *in = &o->m->layer[l->in[0]];
    const int area = in->height * in->width, n = in->channels * area;
    double sum = (double)l->bias[c];

    for (int i = 0; i < n; i++)
        sum += (double)l->weight[c * n + i]
             * oracle_value(o, l->in[0], i / area, i % area / in->width,
                            i % area % in->width);
    return sum;
}

double oracle_value(const oracle *o, int number, int c, int y, int x)
{
    const nn_layer *l = &o->m->layer[number];
    double v;

    switch (l->op) {
    case NN_IMAGE:
        y = mirrored(y, o->height);
        x = mirrored(x, o->width);
        return o->pixel[(c * o->height + y) * o->width + x] * o->m->mul
             + o->m->add;
    case NN_CONV:
        return oracle_conv(o, l, c, y, x);
    case NN_TCONV:
        return oracle_tconv(o, l, c, y, x);
    case NN_POOL:
        return oracle_pool(o, l, c, y, x);
    case NN_MAXPOOL:
        return oracle_maxpool(o, l, c, y, x);
    case NN_RELU:
        return fmax(oracle_value(o, l->in[0], c, y, x), 0);
    case NN_UPSAMPLE:
        return l->bilinear ? oracle_bilinear(o, l, c, y, x)
                           : oracle_value(o, l->in[0], c, floor_div(y, 2),
                                          floor_div(x, 2));
    case NN_ADD:
        v = 0;
        for (int i = 0; i < l->num_in; i++)
            v += oracle_value(o, l->in[i], c, y, x);
        return v;
    case NN_CONCAT:
        for (int i = 0; i < l->num_in; i++) {
            int channels = o->m->layer[l->in[i]].channels;

            if (c < channels)
                return oracle_value(o, l->in[i], c, y, x);
            c -= channels;
        }
        return NAN;
    case NN_DENSE:
        return oracle_dense(o, l, c);
    case NN_SQUARE:
        v = oracle_value(o, l->in[0], c, y, x);
        return v * v;
    case NN_QUADRATIC:
        v = oracle_value(o, l->in[0], c, y, x);
        return (double)l->a[c] * v * v + (double)l->b[c] * v + (double)l->c[c];
    case NN_BATCHNORM:
        v = oracle_value(o, l->in[0], c, y, x);
        return (v - (double)l->mean[c]) / sqrt((double)l->var[c] + l->eps)
             * (double)l->weight[c] + (double)l->bias[c];
    }
    return NAN;
}

