/* float_layers.c -- the layers of a network in the clear: one function for each
 * kind, each a few loops in the order of its definition.
 *
 * Read first: float.h.
 */
#include <math.h>
#include <string.h>

#include "clear/float.h"

/* The numbers of x[c] in window (k, i, j): their sum, or the largest. */
static double float_window(const float_run *r, const float_map *x,
                           const nn_layer *l, int c, int k, int i, int j)
{
    const int d = nni_float_deep(r, l->kernel_z);
    const int h = l->kernel_y, w = l->kernel_x;
    double sum = 0, most = -HUGE_VAL;

    for (int t = 0; t < d; t++)
        for (int p = 0; p < h; p++)
            for (int q = 0; q < w; q++) {
                const double v = nni_float_row(x, c, d * k + t, h * i + p)
                                     [w * j + q];

                sum += v;
                most = v > most ? v : most;
            }
    return l->op == NN_MAXPOOL ? most : sum;
}

/* y[c][k][i][j] = mean, or maximum, of x[c][d k + t][h i + p][w j + q] over the
 * kernel, d x h x w. */
static void float_pool(const float_run *r, float_map *y, const float_map *x,
                       const nn_layer *l)
{
    const double taps = (double)nni_float_deep(r, l->kernel_z)
                        * (double)l->kernel_y * l->kernel_x;
    const double share = l->op == NN_MAXPOOL ? 1 : taps;

    for (int c = 0; c < y->channels; c++)
        for (int k = 0; k < y->depth; k++)
            for (int i = 0; i < y->height; i++)
                for (int j = 0; j < y->width; j++)
                    nni_float_row(y, c, k, i)[j] =
                        float_window(r, x, l, c, k, i, j) / share;
}

static void float_relu(float_map *y, const float_map *x)
{
    size_t n = (size_t)x->channels * nni_float_channel(x);

    for (size_t i = 0; i < n; i++)
        y->v[i] = x->v[i] > 0 ? x->v[i] : 0;
}

/* Square, quadratic and batch normalisation: a x^2 + b x + c a channel. */
static void float_polynomial(float_map *y, const float_map *x,
                             const nn_layer *l)
{
    const size_t n = nni_float_channel(x);

    for (int ch = 0; ch < x->channels; ch++) {
        double a = 1, b = 0, c = 0;
        const double *in = nni_float_row(x, ch, 0, 0);
        double *out = nni_float_row(y, ch, 0, 0);

        if (l->op == NN_QUADRATIC) {
            a = (double)l->a[ch];
            b = (double)l->b[ch];
            c = (double)l->c[ch];
        } else if (l->op == NN_BATCHNORM) {
            a = 0;
            b = (double)l->weight[ch] / sqrt((double)l->var[ch] + l->eps);
            c = (double)l->bias[ch] - (double)l->mean[ch] * b;
        }
        for (size_t i = 0; i < n; i++)
            out[i] = (a * in[i] + b) * in[i] + c;
    }
}

static void float_concat(const float_run *r, float_map *y, const nn_layer *l)
{
    double *to = y->v;

    for (int k = 0; k < l->num_in; k++) {
        const float_map *x = &r->map[l->in[k]];
        size_t n = (size_t)x->channels * nni_float_channel(x);

        memcpy(to, x->v, n * sizeof *to);
        to += n;
    }
}

static void float_add(const float_run *r, float_map *y, const nn_layer *l)
{
    size_t n = (size_t)y->channels * nni_float_channel(y);

    memset(y->v, 0, n * sizeof *y->v);
    for (int k = 0; k < l->num_in; k++)
        for (size_t i = 0; i < n; i++)
            y->v[i] += r->map[l->in[k]].v[i];
}

static void float_dense(float_map *y, const float_map *x, const nn_layer *l)
{
    size_t n = (size_t)x->channels * nni_float_channel(x);
    const float *w = l->weight;

    for (int o = 0; o < y->channels; o++) {
        y->v[o] = (double)l->bias[o];
        for (size_t i = 0; i < n; i++)
            y->v[o] += (double)*w++ * x->v[i];
    }
}

typedef struct float_sides {
    int of[3];              /* z, y, x                                       */
} float_sides;

static float_sides float_sides_of(const float_map *x)
{
    return (float_sides){ { x->depth, x->height, x->width } };
}

/* Whether a layer takes a map of this size, which becomes that of what comes
 * out. */
static bool float_fits(float_sides *side, const float_run *r, const nn_layer *l)
{
    const bool deep = r->m->depth > 0;
    const int kernel[3] = { nni_float_deep(r, l->kernel_z), l->kernel_y,
                            l->kernel_x };
    const int dilation[3] = { deep ? l->dilation_z : 1, l->dilation_y,
                              l->dilation_x };
    const int pads[3] = { l->pad_front + l->pad_back,
                          l->pad_top + l->pad_bottom,
                          l->pad_left + l->pad_right };
    bool fits = true;

    for (int i = deep ? 0 : 1; i < 3; i++) {
        int *n = &side->of[i];

        if (l->op == NN_CONV) {
            *n += pads[i] - dilation[i] * (kernel[i] - 1) - 1;
            fits &= *n >= 0;
            *n = *n / l->stride + 1;
        } else if (l->op == NN_TCONV || l->op == NN_UPSAMPLE) {
            fits &= *n <= NN_MAX_SIDE;
            *n *= 2;
        } else if (l->op == NN_POOL || l->op == NN_MAXPOOL) {
            fits &= *n >= kernel[i]
                    && (r->m->border != NN_HALO || *n % kernel[i] == 0);
            *n /= kernel[i];
        }
    }
    if (l->op == NN_DENSE)
        *side = (float_sides){ { 1, 1, 1 } };
    return fits;
}

/* The size of a layer's output on this input.
 *   errors  CKKS_EARG  a size that the layer does not take */
static ckks_status float_size(float_sides *out, const float_run *r,
                              const nn_layer *l)
{
    const float_map *x = &r->map[l->in[0]];
    bool fits;

    *out = float_sides_of(x);
    fits = float_fits(out, r, l);
    for (int k = 1; k < l->num_in; k++) {
        const float_map *other = &r->map[l->in[k]];

        fits &= other->depth == x->depth && other->height == x->height
                && other->width == x->width;
    }
    if (fits)
        return CKKS_OK;
    if (r->m->depth > 0)
        return nn_fail(CKKS_EARG, "nn_model_float: layer %s does not take a "
                       "map of %d x %d x %d (beside others of other sizes, if "
                       "it joins some)", l->name, x->depth, x->height,
                       x->width);
    return nn_fail(CKKS_EARG, "nn_model_float: layer %s does not take a map of "
                   "%d x %d (beside others of other sizes, if it joins some)",
                   l->name, x->height, x->width);
}

ckks_status nni_float_layer(float_run *r, int number)
{
    const nn_layer *l = &r->m->layer[number];
    const float_map *x = &r->map[l->in[0]];
    float_map *y = &r->map[number];
    float_sides size;
    ckks_status s = float_size(&size, r, l);

    if (s == CKKS_OK)
        s = nni_float_map_init(y, l->channels, size.of[0], size.of[1],
                               size.of[2]);
    if (s != CKKS_OK)
        return s;
    switch (l->op) {
    case NN_CONV:
        return nni_float_conv(r, y, x, l);
    case NN_TCONV:
    case NN_UPSAMPLE:
        return nni_float_up(r, y, x, l);
    case NN_POOL:
    case NN_MAXPOOL:
        float_pool(r, y, x, l);
        break;
    case NN_CONCAT:
        float_concat(r, y, l);
        break;
    case NN_ADD:
        float_add(r, y, l);
        break;
    case NN_DENSE:
        float_dense(y, x, l);
        break;
    case NN_RELU:
        float_relu(y, x);
        break;
    case NN_SQUARE:
    case NN_QUADRATIC:
    case NN_BATCHNORM:
    case NN_IMAGE:
        float_polynomial(y, x, l);
        break;
    }
    return CKKS_OK;
}
