/* halo.c -- how far a network sees, by interval arithmetic.
 *
 * For one row y of the output, go through the layers backwards and keep for
 * each the interval of rows that y depends on:
 *
 *     conv k, s, d   [s lo - p, s hi - p + d (k-1)], p rows padded above
 *     pool k         [k lo, k hi + k-1]
 *     tconv 2x2      [floor(lo / 2), floor(hi / 2)], nearest alike
 *     tconv 4x4      [floor((lo - 1) / 2), floor((hi + 1) / 2)], bilinear alike
 *     all others     [lo, hi]
 *
 * What several layers read gets the hull of their intervals.  The distances
 * from y to both ends of the image's interval depend on y modulo 2^depth only.
 * Columns are rows, with kernels of their own.
 */
#include "nn.h"

typedef struct halo_span {
    int64_t lo, hi;         /* lo > hi: empty                                */
} halo_span;

static int64_t halo_half(int64_t v)
{
    return v >= 0 ? v / 2 : -((1 - v) / 2);
}

/* Along the columns if across, else along the rows. */
static halo_span halo_back(const nn_layer *y, halo_span s, bool across)
{
    const int64_t k = across ? y->kernel_x : y->kernel_y;
    const int64_t d = across ? y->dilation_x : y->dilation_y;
    const int64_t p = across ? y->pad_left : y->pad_top;
    const int64_t wide = (y->op == NN_TCONV && k == 4)
                         || (y->op == NN_UPSAMPLE && y->bilinear);

    switch (y->op) {
    case NN_CONV:
        return (halo_span){ y->stride * s.lo - p,
                            y->stride * s.hi - p + d * (k - 1) };
    case NN_POOL:
    case NN_MAXPOOL:
        return (halo_span){ k * s.lo, k * s.hi + k - 1 };
    case NN_TCONV:
    case NN_UPSAMPLE:
        return (halo_span){ halo_half(s.lo - wide), halo_half(s.hi + wide) };
    default:
        return s;
    }
}

/* The image's interval for row or column y of the output. */
static halo_span halo_image(const nn_model *m, int64_t y, bool across)
{
    halo_span span[NN_MAX_LAYERS];

    for (int i = 0; i < m->num_layers; i++)
        span[i] = (halo_span){ 1, 0 };
    span[m->output] = (halo_span){ y, y };
    for (int i = m->output; i > 0; i--) {
        const nn_layer *l = &m->layer[i];
        halo_span s = halo_back(l, span[i], across);

        for (int k = 0; k < l->num_in; k++) {
            halo_span *in = &span[l->in[k]];
            bool empty = in->lo > in->hi;

            in->lo = empty || s.lo < in->lo ? s.lo : in->lo;
            in->hi = empty || s.hi > in->hi ? s.hi : in->hi;
        }
    }
    return span[0];
}

/* An output that is one number for the image sees all of it. */
int nn_halo_radius(const nn_model *m)
{
    int64_t period = 1, radius = 0;

    if (m == NULL || m->num_layers < 2)
        return 0;
    if (m->layer[m->output].height != m->height
        || m->layer[m->output].width != m->width)
        return m->height > m->width ? m->height : m->width;
    for (int i = 0; i < m->num_layers; i++)
        if (m->height / m->layer[i].height > period)
            period = m->height / m->layer[i].height;
    for (int64_t y = 0; y < 2 * period; y++) {
        halo_span s = halo_image(m, y / 2, y % 2 == 1);

        radius = y / 2 - s.lo > radius ? y / 2 - s.lo : radius;
        radius = s.hi - y / 2 > radius ? s.hi - y / 2 : radius;
    }
    return (int)radius;
}
