/* float.c -- the network in the clear: what everything else is compared with.
 *
 * One function for each kind of layer, each a few loops in the order of its
 * definition; doubles, and the file's own weights.  Nothing is folded, nothing
 * shared with the encrypted path but the model.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn.h"

/* A tensor, v of shape (channels, height, width). */
typedef struct float_map {
    int channels, height, width;
    double *v;
} float_map;

typedef struct float_run {
    const nn_model *m;
    float_map map[NN_MAX_LAYERS];
    int last[NN_MAX_LAYERS];        /* the last layer that reads this one    */
} float_run;

static ckks_status float_map_init(float_map *out, int channels, int height,
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

static double *float_row(const float_map *x, int c, int y)
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
        return float_row(f, c, y)[x];
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
    return float_row(f, c, (int)(slot / gx) * ry + a)
                    [(int)(slot % gx) * rx + b];
}

/* out = x with `more` rows and columns on every side. */
static ckks_status float_pad(const float_run *r, float_map *out,
                             const float_map *x, int more)
{
    int h = x->height, w = x->width;
    ckks_status s = float_map_init(out, x->channels, h + 2 * more,
                                   w + 2 * more);

    if (s != CKKS_OK)
        return s;
    for (int c = 0; c < x->channels; c++)
        for (int y = -more; y < h + more; y++) {
            double *to = float_row(out, c, y + more);

            for (int i = -more; i < w + more; i++)
                to[i + more] = float_beyond(r, x, c, y, i);
        }
    return CKKS_OK;
}

/* ---- layers -------------------------------------------------------------- */

/* y[o][i][j] = bias[o] + sum_{c,p,q} w[o][c][p][q] x[c][s i + p][s j + q], x
 * padded by (k-1)/2 or, under valid, not at all. */
static void float_conv_rows(float_map *y, const float_map *x,
                            const nn_layer *l)
{
    int k = l->kernel, s = l->stride;
    const float *w = l->weight;

    for (int o = 0; o < y->channels; o++, w += x->channels * k * k)
        for (int i = 0; i < y->height; i++) {
            double *restrict out = float_row(y, o, i);
            const float *tap = w;

            for (int j = 0; j < y->width; j++)
                out[j] = (double)l->bias[o];
            for (int c = 0; c < x->channels; c++)
                for (int p = 0; p < k; p++)
                    for (int q = 0; q < k; q++) {
                        const double *in = float_row(x, c, s * i + p) + q;
                        double weight = (double)*tap++;

                        for (int j = 0; j < y->width; j++)
                            out[j] += weight * in[s * j];
                    }
        }
}

static ckks_status float_conv(const float_run *r, float_map *y,
                              const float_map *x, const nn_layer *l)
{
    int more = r->m->border == NN_VALID ? 0 : l->kernel / 2;
    float_map padded = {0};
    ckks_status s = CKKS_OK;

    if (more > 0)
        s = float_pad(r, &padded, x, more);
    if (s == CKKS_OK)
        float_conv_rows(y, more > 0 ? &padded : x, l);
    free(padded.v);
    return s;
}

/* y[o][2i + p][2j + q] = bias[o] + sum_c w[c][o][p][q] x[c][i][j] */
static void float_tconv(float_map *y, const float_map *x, const nn_layer *l)
{
    for (int o = 0; o < y->channels; o++)
        for (int i = 0; i < y->height; i++) {
            double *restrict out = float_row(y, o, i);

            for (int j = 0; j < y->width; j++)
                out[j] = (double)l->bias[o];
            for (int c = 0; c < x->channels; c++) {
                const double *in = float_row(x, c, i / 2);
                const float *w = l->weight + (c * y->channels + o) * 4
                               + i % 2 * 2;

                for (int j = 0; j < x->width; j++) {
                    out[2 * j] += (double)w[0] * in[j];
                    out[2 * j + 1] += (double)w[1] * in[j];
                }
            }
        }
}

static void float_pool(float_map *y, const float_map *x)
{
    for (int c = 0; c < y->channels; c++)
        for (int i = 0; i < y->height; i++) {
            const double *a = float_row(x, c, 2 * i);
            const double *b = float_row(x, c, 2 * i + 1);
            double *out = float_row(y, c, i);

            for (int j = 0; j < y->width; j++)
                out[j] = (a[2 * j] + a[2 * j + 1] + b[2 * j] + b[2 * j + 1])
                       / 4;
        }
}

/* Square, quadratic and batch normalisation: a x^2 + b x + c a channel. */
static void float_polynomial(float_map *y, const float_map *x,
                             const nn_layer *l)
{
    size_t n = (size_t)x->height * (size_t)x->width;

    for (int ch = 0; ch < x->channels; ch++) {
        double a = 1, b = 0, c = 0;
        const double *in = float_row(x, ch, 0);
        double *out = float_row(y, ch, 0);

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

/* Size of a layer's output along an axis. */
static int float_side(const nn_model *m, const nn_layer *l, int side)
{
    switch (l->op) {
    case NN_CONV:
        if (m->border == NN_VALID)
            side -= l->kernel - 1;
        return (side + l->stride - 1) / l->stride;
    case NN_TCONV:
        return 2 * side;
    case NN_POOL:
        return side / 2;
    case NN_DENSE:
        return 1;
    default:
        return side;
    }
}

static ckks_status float_layer(float_run *r, int number)
{
    const nn_layer *l = &r->m->layer[number];
    const float_map *x = &r->map[l->in[0]];
    float_map *y = &r->map[number];
    int up = l->op == NN_TCONV ? 2 : 1, down = l->op == NN_POOL ? 2 : 1;
    ckks_status s;

    if (x->height % down != 0 || x->width % down != 0)
        return nn_fail(CKKS_EARG, "nn_model_float: layer %s: pool of an odd "
                       "size, %d x %d", l->name, x->height, x->width);
    if (up == 2 && (x->height > NN_MAX_SIDE || x->width > NN_MAX_SIDE))
        return nn_fail(CKKS_EARG, "nn_model_float: layer %s: tconv of %d x %d",
                       l->name, x->height, x->width);
    s = float_map_init(y, l->channels, float_side(r->m, l, x->height),
                       float_side(r->m, l, x->width));
    if (s != CKKS_OK)
        return s;
    switch (l->op) {
    case NN_CONV:
        return float_conv(r, y, x, l);
    case NN_TCONV:
        float_tconv(y, x, l);
        break;
    case NN_POOL:
        float_pool(y, x);
        break;
    case NN_CONCAT:
        float_concat(r, y, l);
        break;
    case NN_DENSE:
        float_dense(y, x, l);
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

/* ---- the whole network --------------------------------------------------- */

static int float_round_up(int v, int step)
{
    return (v + step - 1) / step * step;
}

/* Index i of n reflected without repeating the edge: period 2 (n - 1). */
static int float_reflect(int i, int n)
{
    int period = 2 * (n - 1);

    if (n == 1)
        return 0;
    i = (i % period + period) % period;
    return i < n ? i : period - i;
}

/* The input with `halo` more rows and columns before the image, and as many
 * behind it as fill the map. */
static ckks_status float_image(float_run *r, const double *pixel, int height,
                               int width, int halo, int step)
{
    const nn_model *m = r->m;
    float_map *x = &r->map[0];
    ckks_status s = float_map_init(x, m->channels,
                                   float_round_up(height + 2 * halo, step),
                                   float_round_up(width + 2 * halo, step));

    if (s != CKKS_OK)
        return s;
    for (int c = 0; c < m->channels; c++)
        for (int i = 0; i < x->height; i++) {
            int from = float_reflect(i - halo, height);
            const double *in = pixel + ((size_t)c * (size_t)height
                                        + (size_t)from) * (size_t)width;
            double *out = float_row(x, c, i);

            for (int j = 0; j < x->width; j++)
                out[j] = in[float_reflect(j - halo, width)] * m->mul + m->add;
        }
    return CKKS_OK;
}

static ckks_status float_layers(float_run *r)
{
    const nn_model *m = r->m;
    ckks_status s = CKKS_OK;

    for (int i = 1; i < m->num_layers; i++)
        for (int k = 0; k < m->layer[i].num_in; k++)
            r->last[m->layer[i].in[k]] = i;
    for (int i = 1; i < m->num_layers && s == CKKS_OK; i++) {
        s = float_layer(r, i);
        for (int k = 0; k < m->layer[i].num_in; k++) {
            int in = m->layer[i].in[k];

            if (r->last[in] == i && in != m->output) {
                free(r->map[in].v);
                r->map[in].v = NULL;
            }
        }
    }
    return s;
}

/* Whether the weights or the border fit one size of images only. */
static bool float_one_size(const nn_model *m)
{
    bool one = m->border == NN_WRAP || m->border == NN_VALID;

    for (int i = 0; i < m->num_layers; i++)
        one |= m->layer[i].op == NN_DENSE;
    return one;
}

static ckks_status float_check_size(const nn_model *m, int height, int width)
{
    if (height < 1 || width < 1 || height > NN_MAX_SIDE || width > NN_MAX_SIDE)
        return nn_fail(CKKS_EARG, "nn_model_float: an image of %d x %d, want "
                       "1..%d a side", height, width, NN_MAX_SIDE);
    if (float_one_size(m) && (height != m->height || width != m->width))
        return nn_fail(CKKS_EARG, "nn_model_float: an image of %d x %d, model "
                       "%s takes %d x %d only (border %s, or a dense layer)",
                       height, width, m->name, m->height, m->width,
                       m->border == NN_WRAP ? "wrap" : m->border == NN_VALID
                                                  ? "valid" : "zero");
    return CKKS_OK;
}

/* Under halo the image begins at a multiple of 2^depth, so that poolings meet
 * it in the same phase whatever the halo. */
static int float_period(const nn_model *m)
{
    int period = 1;

    for (int i = 0; i < m->num_layers; i++)
        if (m->height / m->layer[i].height > period)
            period = m->height / m->layer[i].height;
    return period;
}

/* What the last layer gives, without the halo. */
static void float_result(double *logit, const float_run *r, int height,
                         int width, int halo)
{
    const nn_model *m = r->m;
    const float_map *y = &r->map[m->output];
    int rows = m->border == NN_HALO ? height : y->height;
    int columns = m->border == NN_HALO ? width : y->width;

    for (int c = 0; c < y->channels; c++) {
        if (m->num_classes > 0) {
            *logit++ = y->v[c];
            continue;
        }
        for (int i = 0; i < rows; i++, logit += columns)
            memcpy(logit, float_row(y, c, i + halo) + halo,
                   (size_t)columns * sizeof *logit);
    }
}

ckks_status nn_model_float(double *logit, const nn_model *m,
                           const double *pixel, int height, int width)
{
    int step = 1, halo = 0;
    float_run *r;
    ckks_status s;

    if (logit == NULL || m == NULL || pixel == NULL || m->layer == NULL)
        return nn_fail(CKKS_EARG, "nn_model_float: null pointer");
    s = float_check_size(m, height, width);
    if (s != CKKS_OK)
        return s;
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return nn_fail(CKKS_EMEM, "nn_model_float: no memory");
    r->m = m;
    if (m->border == NN_HALO) {
        step = float_period(m);
        halo = float_round_up(nn_halo_radius(m), step);
    }
    s = float_image(r, pixel, height, width, halo, step);
    if (s == CKKS_OK)
        s = float_layers(r);
    if (s == CKKS_OK)
        float_result(logit, r, height, width, halo);
    for (int i = 0; i < m->num_layers; i++)
        free(r->map[i].v);
    free(r);
    return s;
}
