/* float_layers.c -- the layers of a network in the clear: one function for each
 * kind, each a few loops in the order of its definition.
 *
 * Read first: float.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clear/float.h"

ckks_status nni_float_map_init(float_map *out, int channels, int height,
                                  int width)
{
    uint64_t n = (uint64_t)channels * (uint64_t)height * (uint64_t)width;

    out->channels = channels;
    out->height = height;
    out->width = width;
    out->v = n > SIZE_MAX / sizeof *out->v
           ? NULL : malloc((size_t)n * sizeof *out->v);
    if (out->v == NULL)
        return nn_fail(CKKS_EMEM, "nn_model_float: no memory for %d x %d x %d "
                       "doubles", channels, height, width);
    return CKKS_OK;
}

double *nni_float_row(const float_map *x, int c, int y)
{
    return x->v + ((size_t)c * (size_t)x->height + (size_t)y)
                  * (size_t)x->width;
}

/* ---- borders --------------------------------------------------------------
 * Pixel (y, x) of a map of height H = R_y G_y and width W = R_x G_x lies in
 * slot floor(y / R_y) G_x + floor(x / R_x) of ciphertext (y mod R_y, x mod
 * R_x); floor and mod serve y = -1 and y = H as well, and slots are numbered
 * modulo G_y G_x.
 */
static int float_floor_div(int a, int b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/* The value at (y, x), near the map. */
static double float_beyond(const float_run *r, const float_map *f, int c,
                           int y, int x)
{
    const nn_model *m = r->m;
    int ry, rx, gy, gx, a, b;
    int64_t slot, slots;

    if (y >= 0 && y < f->height && x >= 0 && x < f->width)
        return nni_float_row(f, c, y)[x];
    if (m->border != NN_WRAP)
        return 0;
    ry = (int)((int64_t)m->ring_y * f->height / m->height);
    rx = (int)((int64_t)m->ring_x * f->width / m->width);
    gy = f->height / ry;
    gx = f->width / rx;
    slots = (int64_t)gy * gx;
    a = y - float_floor_div(y, ry) * ry;
    b = x - float_floor_div(x, rx) * rx;
    slot = (int64_t)float_floor_div(y, ry) * gx + float_floor_div(x, rx);
    slot = (slot % slots + slots) % slots;
    return nni_float_row(f, c, (int)(slot / gx) * ry + a)
                    [(int)(slot % gx) * rx + b];
}

typedef struct float_pads {
    int top, left, bottom, right;
} float_pads;

/* out = x with so many rows and columns beside it; clamped: those of zeros and
 * of maps without borders repeat the edge. */
static ckks_status float_pad(const float_run *r, float_map *out,
                             const float_map *x, float_pads p, bool clamped)
{
    int h = x->height, w = x->width;
    ckks_status s = nni_float_map_init(out, x->channels, h + p.top + p.bottom,
                                       w + p.left + p.right);

    clamped &= r->m->border != NN_WRAP;
    if (s != CKKS_OK)
        return s;
    for (int c = 0; c < x->channels; c++)
        for (int y = -p.top; y < h + p.bottom; y++) {
            double *to = nni_float_row(out, c, y + p.top);
            int v = clamped ? y < 0 ? 0 : y < h ? y : h - 1 : y;

            for (int i = -p.left; i < w + p.right; i++) {
                int u = clamped ? i < 0 ? 0 : i < w ? i : w - 1 : i;

                to[i + p.left] = float_beyond(r, x, c, v, u);
            }
        }
    return CKKS_OK;
}

/* ---- layers -------------------------------------------------------------- */

/* y[o][i][j] = bias[o] + sum_{c,p,q} w[o][c][p][q] x[f + c][u][v],
 * u = s i + d p, v = s j + d q,
 * of padded x; c runs over the channels of a group, the first of which is f. */
static void float_conv_row(float_map *y, const float_map *x, const nn_layer *l,
                           int o, int i)
{
    const int s = l->stride, of_group = x->channels / l->groups;
    const int first = o / (l->channels / l->groups) * of_group;
    const float *tap = l->weight
                       + (size_t)(o * of_group) * (size_t)l->kernel_y
                             * (size_t)l->kernel_x;
    double *restrict out = nni_float_row(y, o, i);

    for (int j = 0; j < y->width; j++)
        out[j] = (double)l->bias[o];
    for (int c = first; c < first + of_group; c++)
        for (int p = 0; p < l->kernel_y; p++) {
            const double *row = nni_float_row(x, c, s * i + l->dilation_y * p);

            for (int q = 0; q < l->kernel_x; q++) {
                const double *in = row + l->dilation_x * q;
                const double weight = (double)*tap++;

                for (int j = 0; j < y->width; j++)
                    out[j] += weight * in[s * j];
            }
        }
}

static ckks_status float_conv(const float_run *r, float_map *y,
                              const float_map *x, const nn_layer *l)
{
    const float_pads more = { l->pad_top, l->pad_left, l->pad_bottom,
                              l->pad_right };
    float_map padded = {0};
    ckks_status s = float_pad(r, &padded, x, more, false);

    if (s == CKKS_OK)
        for (int o = 0; o < y->channels; o++)
            for (int i = 0; i < y->height; i++)
                float_conv_row(y, &padded, l, o, i);
    free(padded.v);
    return s;
}

/* y[o][2i + p][2j + q] = bias[o] + sum_c w[c][o][p][q] x[c][i][j] */
static void float_tconv(float_map *y, const float_map *x, const nn_layer *l)
{
    for (int o = 0; o < y->channels; o++)
        for (int i = 0; i < y->height; i++) {
            double *restrict out = nni_float_row(y, o, i);

            for (int j = 0; j < y->width; j++)
                out[j] = (double)l->bias[o];
            for (int c = 0; c < x->channels; c++) {
                const double *in = nni_float_row(x, c, i / 2);
                const float *w = l->weight + (c * y->channels + o) * 4
                               + i % 2 * 2;

                for (int j = 0; j < x->width; j++) {
                    out[2 * j] += (double)w[0] * in[j];
                    out[2 * j + 1] += (double)w[1] * in[j];
                }
            }
        }
}

/* One number of a transposed convolution 4x4 of stride 2 and padding 1, of x
 * padded by 1: y[o][i][j] = bias[o] + sum of w[c][o][p][q] x[c][u][v] over all
 * p, q with 2 u - 1 + p = i and 2 v - 1 + q = j. */
static double float_tconv4(const float_map *x, const nn_layer *l, int o, int i,
                           int j)
{
    double sum = (double)l->bias[o];

    for (int c = 0; c < x->channels; c++)
        for (int p = (i + 1) % 2; p < 4; p += 2)
            for (int q = (j + 1) % 2; q < 4; q += 2)
                sum += (double)l->weight[((c * l->channels + o) * 4 + p) * 4
                                         + q]
                       * nni_float_row(x, c, (i + 1 - p) / 2 + 1)
                             [(j + 1 - q) / 2 + 1];
    return sum;
}

/* Between pixel centres, of x padded by 1: output pixel i lies at (i - 1/2) / 2
 * of the input's pixels. */
static double float_bilinear(const float_map *x, int c, int i, int j)
{
    const double *a = nni_float_row(x, c, (i + 1) / 2);
    const double *b = nni_float_row(x, c, (i + 1) / 2 + 1);
    const double y = i % 2 == 0 ? 0.75 : 0.25, u = j % 2 == 0 ? 0.75 : 0.25;
    const int k = (j + 1) / 2;

    return (1 - y) * ((1 - u) * a[k] + u * a[k + 1])
           + y * ((1 - u) * b[k] + u * b[k + 1]);
}

/* To twice the size, from places beside each pixel. */
static ckks_status float_up(const float_run *r, float_map *y,
                            const float_map *x, const nn_layer *l)
{
    const float_pads one = { 1, 1, 1, 1 };
    float_map padded = {0};
    ckks_status s = float_pad(r, &padded, x, one, l->op == NN_UPSAMPLE);

    for (int o = 0; s == CKKS_OK && o < y->channels; o++)
        for (int i = 0; i < y->height; i++)
            for (int j = 0; j < y->width; j++)
                nni_float_row(y, o, i)[j] =
                    l->op == NN_TCONV ? float_tconv4(&padded, l, o, i, j)
                                      : float_bilinear(&padded, o, i, j);
    free(padded.v);
    return s;
}

static void float_nearest(float_map *y, const float_map *x)
{
    for (int c = 0; c < y->channels; c++)
        for (int i = 0; i < y->height; i++)
            for (int j = 0; j < y->width; j++)
                nni_float_row(y, c, i)[j] = nni_float_row(x, c, i / 2)[j / 2];
}

/* y[c][i][j] = mean of x[c][h i + p][w j + q] over the kernel, h x w. */
static void float_pool(float_map *y, const float_map *x, const nn_layer *l)
{
    const int h = l->kernel_y, w = l->kernel_x;

    for (int c = 0; c < y->channels; c++)
        for (int i = 0; i < y->height; i++)
            for (int j = 0; j < y->width; j++) {
                double sum = 0;

                for (int p = 0; p < h; p++)
                    for (int q = 0; q < w; q++)
                        sum += nni_float_row(x, c, h * i + p)[w * j + q];
                nni_float_row(y, c, i)[j] = sum / ((double)h * w);
            }
}

/* The largest in place of the mean. */
static void float_maxpool(float_map *y, const float_map *x, const nn_layer *l)
{
    const int h = l->kernel_y, w = l->kernel_x;

    for (int c = 0; c < y->channels; c++)
        for (int i = 0; i < y->height; i++)
            for (int j = 0; j < y->width; j++) {
                double most = nni_float_row(x, c, h * i)[w * j];

                for (int p = 0; p < h; p++)
                    for (int q = 0; q < w; q++)
                        most = fmax(most, nni_float_row(x, c, h * i + p)
                                              [w * j + q]);
                nni_float_row(y, c, i)[j] = most;
            }
}

static void float_relu(float_map *y, const float_map *x)
{
    size_t n = (size_t)x->channels * (size_t)x->height * (size_t)x->width;

    for (size_t i = 0; i < n; i++)
        y->v[i] = x->v[i] > 0 ? x->v[i] : 0;
}

/* Square, quadratic and batch normalisation: a x^2 + b x + c a channel. */
static void float_polynomial(float_map *y, const float_map *x,
                             const nn_layer *l)
{
    size_t n = (size_t)x->height * (size_t)x->width;

    for (int ch = 0; ch < x->channels; ch++) {
        double a = 1, b = 0, c = 0;
        const double *in = nni_float_row(x, ch, 0);
        double *out = nni_float_row(y, ch, 0);

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
        size_t n = (size_t)x->channels * (size_t)x->height * (size_t)x->width;

        memcpy(to, x->v, n * sizeof *to);
        to += n;
    }
}

static void float_add(const float_run *r, float_map *y, const nn_layer *l)
{
    size_t n = (size_t)y->channels * (size_t)y->height * (size_t)y->width;

    memset(y->v, 0, n * sizeof *y->v);
    for (int k = 0; k < l->num_in; k++)
        for (size_t i = 0; i < n; i++)
            y->v[i] += r->map[l->in[k]].v[i];
}

static void float_dense(float_map *y, const float_map *x, const nn_layer *l)
{
    size_t n = (size_t)x->channels * (size_t)x->height * (size_t)x->width;
    const float *w = l->weight;

    for (int o = 0; o < y->channels; o++) {
        y->v[o] = (double)l->bias[o];
        for (size_t i = 0; i < n; i++)
            y->v[o] += (double)*w++ * x->v[i];
    }
}

/* The size of a layer's output on this input.
 *   errors  CKKS_EARG  a size that the layer does not take */
static ckks_status float_size(int *height, int *width, const float_run *r,
                              const nn_layer *l)
{
    const float_map *x = &r->map[l->in[0]];
    const int h = l->kernel_y, w = l->kernel_x;
    int high = x->height, wide = x->width;
    bool fits = true;

    for (int k = 1; k < l->num_in; k++)
        fits &= r->map[l->in[k]].height == high
                && r->map[l->in[k]].width == wide;
    if (l->op == NN_CONV) {
        high += l->pad_top + l->pad_bottom - l->dilation_y * (h - 1) - 1;
        wide += l->pad_left + l->pad_right - l->dilation_x * (w - 1) - 1;
        fits = high >= 0 && wide >= 0;
        high = high / l->stride + 1;
        wide = wide / l->stride + 1;
    } else if (l->op == NN_TCONV || l->op == NN_UPSAMPLE) {
        fits = high <= NN_MAX_SIDE && wide <= NN_MAX_SIDE;
        high *= 2;
        wide *= 2;
    } else if (l->op == NN_POOL || l->op == NN_MAXPOOL) {
        fits = high >= h && wide >= w
               && (r->m->border != NN_HALO || (high % h == 0 && wide % w == 0));
        high /= h;
        wide /= w;
    } else if (l->op == NN_DENSE) {
        high = wide = 1;
    }
    *height = high;
    *width = wide;
    if (fits)
        return CKKS_OK;
    return nn_fail(CKKS_EARG, "nn_model_float: layer %s does not take a map of "
                   "%d x %d (beside others of other sizes, if it joins some)",
                   l->name, x->height, x->width);
}

ckks_status nni_float_layer(float_run *r, int number)
{
    const nn_layer *l = &r->m->layer[number];
    const float_map *x = &r->map[l->in[0]];
    float_map *y = &r->map[number];
    int height, width;
    ckks_status s = float_size(&height, &width, r, l);

    if (s == CKKS_OK)
        s = nni_float_map_init(y, l->channels, height, width);
    if (s != CKKS_OK)
        return s;
    switch (l->op) {
    case NN_CONV:
        return float_conv(r, y, x, l);
    case NN_TCONV:
        if (l->kernel_y == 4)
            return float_up(r, y, x, l);
        float_tconv(y, x, l);
        break;
    case NN_UPSAMPLE:
        if (l->bilinear)
            return float_up(r, y, x, l);
        float_nearest(y, x);
        break;
    case NN_POOL:
        float_pool(y, x, l);
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
    case NN_MAXPOOL:
        float_maxpool(y, x, l);
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
