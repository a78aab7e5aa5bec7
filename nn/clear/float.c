/* float.c -- the network in the clear: what everything else is compared with.
 *
 * Doubles, and the file's own weights.  Nothing is folded, nothing shared with
 * the encrypted path but the model.
 */
#include <stdlib.h>
#include <string.h>

#include "clear/float.h"

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
static ckks_status float_image(float_run *r, const double *pixel, int depth,
                               int height, int width, int halo, int step)
{
    const nn_model *m = r->m;
    float_map *x = &r->map[0];
    ckks_status s = nni_float_map_init(x, m->channels, depth,
                                   float_round_up(height + 2 * halo, step),
                                   float_round_up(width + 2 * halo, step));

    if (s != CKKS_OK)
        return s;
    for (int k = 0; k < m->channels * depth; k++)       /* planes of all     */
        for (int i = 0; i < x->height; i++) {
            int from = float_reflect(i - halo, height);
            const double *in = pixel + ((size_t)k * (size_t)height
                                        + (size_t)from) * (size_t)width;
            double *out = nni_float_row(x, 0, k, i);

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
        s = nni_float_layer(r, i);
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

static ckks_status float_check_depth(const nn_model *m, int depth)
{
    if (m->depth == 0 && depth != 1)
        return nn_fail(CKKS_EARG, "nn_model_float: a depth of %d, model %s has "
                       "two dimensions, want 1", depth, m->name);
    if (depth < 1 || depth > NN_MAX_DEPTH)
        return nn_fail(CKKS_EARG, "nn_model_float: a depth of %d, want 1..%d",
                       depth, NN_MAX_DEPTH);
    if (m->depth > 0 && (m->border == NN_WRAP || m->border == NN_HALO))
        return nn_fail(CKKS_EARG, "nn_model_float: model %s has three "
                       "dimensions: border zero or valid", m->name);
    if (float_one_size(m) && m->depth > 0 && depth != m->depth)
        return nn_fail(CKKS_EARG, "nn_model_float: a depth of %d, model %s "
                       "takes %d only (border valid, or a dense layer)", depth,
                       m->name, m->depth);
    return CKKS_OK;
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
        for (int k = 0; k < y->depth; k++)
            for (int i = 0; i < rows; i++, logit += columns)
                memcpy(logit, nni_float_row(y, c, k, i + halo) + halo,
                       (size_t)columns * sizeof *logit);
    }
}

ckks_status nn_model_float(double *logit, const nn_model *m,
                           const double *pixel, int depth, int height,
                           int width)
{
    int step = 1, halo = 0;
    float_run *r;
    ckks_status s;

    if (logit == NULL || m == NULL || pixel == NULL || m->layer == NULL)
        return nn_fail(CKKS_EARG, "nn_model_float: null pointer");
    s = float_check_depth(m, depth);
    if (s == CKKS_OK)
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
    s = float_image(r, pixel, depth, height, width, halo, step);
    if (s == CKKS_OK)
        s = float_layers(r);
    if (s == CKKS_OK)
        float_result(logit, r, height, width, halo);
    for (int i = 0; i < m->num_layers; i++)
        free(r->map[i].v);
    free(r);
    return s;
}
