/* float_conv.c -- convolutions in the clear, ways up, and what lies beyond the
 * edge of a map.
 *
 * Read first: float.h.
 */
#include <stdlib.h>
#include <string.h>

#include "clear/float.h"

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

/* The value at (z, y, x), near the map; z is on it. */
static double float_beyond(const float_run *r, const float_map *f, int c, int z,
                           int y, int x)
{
    const nn_model *m = r->m;
    int ry, rx, gy, gx, a, b;
    int64_t slot, slots;

    if (y >= 0 && y < f->height && x >= 0 && x < f->width)
        return nni_float_row(f, c, z, y)[x];
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
    return nni_float_row(f, c, z, (int)(slot / gx) * ry + a)
                    [(int)(slot % gx) * rx + b];
}

typedef struct float_pads {
    int front, top, left, back, bottom, right;
} float_pads;

/* Row v of plane z with columns beside it; with an edge that is repeated if
 * `clamped`. */
static void float_pad_row(double *to, const float_run *r, const float_map *x,
                          float_pads p, bool clamped, int c, int z, int v)
{
    const int w = x->width;

    for (int i = -p.left; i < w + p.right; i++) {
        int u = clamped ? i < 0 ? 0 : i < w ? i : w - 1 : i;

        to[i + p.left] = float_beyond(r, x, c, z, v, u);
    }
}

/* out = x with so many planes, rows and columns beside it; clamped: rows and
 * columns of zeros and of maps without borders repeat the edge. */
static ckks_status float_pad(const float_run *r, float_map *out,
                             const float_map *x, float_pads p, bool clamped)
{
    const int d = x->depth, h = x->height;
    ckks_status s = nni_float_map_init(out, x->channels, d + p.front + p.back,
                                       h + p.top + p.bottom,
                                       x->width + p.left + p.right);

    clamped &= r->m->border != NN_WRAP;
    if (s != CKKS_OK)
        return s;
    for (int c = 0; c < x->channels; c++)
        for (int z = -p.front; z < d + p.back; z++)
            for (int y = -p.top; y < h + p.bottom; y++) {
                double *to = nni_float_row(out, c, z + p.front, y + p.top);
                int v = clamped ? y < 0 ? 0 : y < h ? y : h - 1 : y;

                if (z < 0 || z >= d)
                    memset(to, 0, (size_t)out->width * sizeof *to);
                else
                    float_pad_row(to, r, x, p, clamped, c, z, v);
            }
    return CKKS_OK;
}

/* ---- layers -------------------------------------------------------------- */

/* out[j] += w in[s j] for n of them. */
static void float_add_row(double *restrict out, const double *restrict in,
                          double w, int s, int n)
{
    if (s == 1)                             /* what compilers make vectors of */
        for (int j = 0; j < n; j++)
            out[j] += w * in[j];
    else
        for (int j = 0; j < n; j++)
            out[j] += w * in[s * j];
}

/* y[o][k][i][j] = bias[o] + sum_{c,r,p,q} w[o][c][r][p][q] x[f + c][t][u][v],
 * t = s k + d_z r, u = s i + d_y p, v = s j + d_x q,
 * of padded x; c runs over the channels of a group, the first of which is f.
 * One row: the sum's terms in this order. */
static void float_conv_row(const float_run *r, float_map *y, const float_map *x,
                           const nn_layer *l, int o, int k, int i)
{
    const int s = l->stride, of_group = x->channels / l->groups;
    const int first = o / (l->channels / l->groups) * of_group;
    const int kernel_z = nni_float_deep(r, l->kernel_z);
    const int dilation_z = nni_float_deep(r, l->dilation_z);
    const float *tap = l->weight
                       + (size_t)(o * of_group) * (size_t)kernel_z
                             * (size_t)l->kernel_y * (size_t)l->kernel_x;
    double *out = nni_float_row(y, o, k, i);

    for (int j = 0; j < y->width; j++)
        out[j] = (double)l->bias[o];
    for (int c = first; c < first + of_group; c++)
        for (int t = 0; t < kernel_z; t++)
            for (int p = 0; p < l->kernel_y; p++) {
                const double *row = nni_float_row(x, c, s * k + dilation_z * t,
                                                  s * i + l->dilation_y * p);

                for (int q = 0; q < l->kernel_x; q++)
                    float_add_row(out, row + l->dilation_x * q,
                                  (double)*tap++, s, y->width);
            }
}

/* Row by row: what a row of all outputs reads stays near the processor. */
ckks_status nni_float_conv(const float_run *r, float_map *y,
                           const float_map *x, const nn_layer *l)
{
    const float_pads more = { l->pad_front, l->pad_top, l->pad_left,
                              l->pad_back, l->pad_bottom, l->pad_right };
    float_map padded = {0};
    ckks_status s = float_pad(r, &padded, x, more, false);

    for (int k = 0; s == CKKS_OK && k < y->depth; k++)
        for (int i = 0; i < y->height; i++)
            for (int o = 0; o < y->channels; o++)
                float_conv_row(r, y, &padded, l, o, k, i);
    free(padded.v);
    return s;
}

/* y[o][2k + t][2i + p][2j + q] =
 * bias[o] + sum_c w[c][o][t][p][q] x[c][k][i][j],
 * in two dimensions without k and t. */
static void float_tconv(const float_run *r, float_map *y, const float_map *x,
                        const nn_layer *l)
{
    const int two = nni_float_deep(r, 2);

    for (int o = 0; o < y->channels; o++)
        for (int k = 0; k < y->depth; k++)
            for (int i = 0; i < y->height; i++) {
                double *restrict out = nni_float_row(y, o, k, i);

                for (int j = 0; j < y->width; j++)
                    out[j] = (double)l->bias[o];
                for (int c = 0; c < x->channels; c++) {
                    const double *in = nni_float_row(x, c, k / two, i / 2);
                    const float *w = l->weight
                                     + ((c * y->channels + o) * two + k % two)
                                           * 4 + i % 2 * 2;

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
                       * nni_float_row(x, c, 0, (i + 1 - p) / 2 + 1)
                             [(j + 1 - q) / 2 + 1];
    return sum;
}

/* Between pixel centres, of x padded by 1: output pixel i lies at (i - 1/2) / 2
 * of the input's pixels. */
static double float_bilinear(const float_map *x, int c, int i, int j)
{
    const double *a = nni_float_row(x, c, 0, (i + 1) / 2);
    const double *b = nni_float_row(x, c, 0, (i + 1) / 2 + 1);
    const double y = i % 2 == 0 ? 0.75 : 0.25, u = j % 2 == 0 ? 0.75 : 0.25;
    const int k = (j + 1) / 2;

    return (1 - y) * ((1 - u) * a[k] + u * a[k + 1])
           + y * ((1 - u) * b[k] + u * b[k + 1]);
}

/* To twice the size, from places beside each pixel; two dimensions. */
static ckks_status float_beside(const float_run *r, float_map *y,
                                const float_map *x, const nn_layer *l)
{
    const float_pads one = { 0, 1, 1, 0, 1, 1 };
    float_map padded = {0};
    ckks_status s = float_pad(r, &padded, x, one, l->op == NN_UPSAMPLE);

    for (int o = 0; s == CKKS_OK && o < y->channels; o++)
        for (int i = 0; i < y->height; i++)
            for (int j = 0; j < y->width; j++)
                nni_float_row(y, o, 0, i)[j] =
                    l->op == NN_TCONV ? float_tconv4(&padded, l, o, i, j)
                                      : float_bilinear(&padded, o, i, j);
    free(padded.v);
    return s;
}

static void float_nearest(const float_run *r, float_map *y, const float_map *x)
{
    const int two = nni_float_deep(r, 2);

    for (int c = 0; c < y->channels; c++)
        for (int k = 0; k < y->depth; k++)
            for (int i = 0; i < y->height; i++)
                for (int j = 0; j < y->width; j++)
                    nni_float_row(y, c, k, i)[j] =
                        nni_float_row(x, c, k / two, i / 2)[j / 2];
}

ckks_status nni_float_up(const float_run *r, float_map *y, const float_map *x,
                         const nn_layer *l)
{
    if (l->op == NN_UPSAMPLE ? l->bilinear : l->kernel_y == 4)
        return float_beside(r, y, x, l);
    if (l->op == NN_UPSAMPLE)
        float_nearest(r, y, x);
    else
        float_tconv(r, y, x, l);
    return CKKS_OK;
}
