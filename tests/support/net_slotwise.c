/* net_slotwise.c -- the reference: a network layer by layer on all slots, and
 * what is measured with it. */
#include "net_support.h"

#include <math.h>

/* ---- numbers ------------------------------------------------------------ */

static double uniform(uint64_t *seed)
{
    return (double)(test_word(seed) >> 11) * 0x1p-52 - 1;       /* [-1, 1)   */
}

/* Irwin-Hall: sd 1, near enough to a Gaussian. */
static double gaussian(uint64_t *seed)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += 0.5 * uniform(seed);
    return sum;
}

/* ---- slotwise ----------------------------------------------------------- */

/* A tensor on slots: shape (channels, ry, rx, slots). */
typedef struct slot_map {
    int channels, ry, rx;
    size_t slots;
    double *v;
} slot_map;

static bool slot_map_init(slot_map *out, int channels, int ry, int rx,
                          size_t slots)
{
    *out = (slot_map){ channels, ry, rx, slots, NULL };
    out->v = calloc((size_t)channels * (size_t)ry * (size_t)rx * slots,
                    sizeof *out->v);
    return CHECK(out->v != NULL, "no memory");
}

static double *slot_at(const slot_map *x, int c, int a, int b)
{
    return x->v + (((size_t)c * (size_t)x->ry + (size_t)a) * (size_t)x->rx
                   + (size_t)b) * x->slots;
}

static size_t slot_count(const slot_map *x)
{
    return (size_t)x->channels * (size_t)x->ry * (size_t)x->rx * x->slots;
}

/* A step of at most one pixel out of the ring goes one place on in the grid. */
static int carry_of(int a, int ring)
{
    return a < 0 ? -1 : a >= ring ? 1 : 0;
}

/* Whether a slot of ring position (a, b) of a map of ry x rx holds a pixel of an
 * image that is there whole. */
static bool slot_is_pixel(const nn_plan *p, int ry, int rx, int a, int b,
                          size_t slot)
{
    const nn_layout *l = &p->layout;
    size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;
    int y = (int)(slot % grid / (size_t)l->grid_x), x;

    x = (int)(slot % grid % (size_t)l->grid_x);
    return slot / grid < l->slots / grid
           && (y * ry + a) * (l->ring_y / ry) < p->core_height
           && (x * rx + b) * (l->ring_x / rx) < p->core_width;
}

/* Under border zero: 0 where no pixel is. */
static void slot_clear(slot_map *x, const rig *r)
{
    for (int c = 0; c < x->channels && r->m.border == NN_ZERO; c++)
        for (int a = 0; a < x->ry; a++)
            for (int b = 0; b < x->rx; b++)
                for (size_t j = 0; j < x->slots; j++)
                    if (!slot_is_pixel(&r->p, x->ry, x->rx, a, b, j))
                        slot_at(x, c, a, b)[j] = 0;
}

/* The pixels of a channel of the output are copied, nothing else. */
static void copy_pixels(double *to, const double *from, const nn_plan *p)
{
    const nn_layout *l = &p->layout;
    const int gap = p->out_gap;
    const int h = gap > 0 ? (p->core_height + gap - 1) / gap : 1;
    const int w = gap > 0 ? (p->core_width + gap - 1) / gap : 1;
    const size_t images = l->slots / ((size_t)l->grid_y * (size_t)l->grid_x);

    for (size_t i = 0; i < images; i++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                size_t at = (size_t)nn_layout_phase(l, gap, y, x) * l->slots
                            + nn_layout_slot(l, gap, (int)i, y, x);

                to[at] = from[at];
            }
}

void slotwise_pixels(double *out, const rig *r)
{
    const size_t plane = (size_t)nn_layout_phases(&r->p.layout, r->p.out_gap)
                         * r->p.layout.slots;
    double *kept = calloc(plane, sizeof *kept);

    if (r->p.border == NN_ZERO && r->p.out_neurons < 2
        && CHECK(kept != NULL, "no memory"))
        for (size_t c = 0; c < r->count / plane; c++) {
            memset(kept, 0, plane * sizeof *kept);
            copy_pixels(kept, out + c * plane, &r->p);
            memcpy(out + c * plane, kept, plane * sizeof *kept);
        }
    free(kept);
}

/* y += w times x seen from (a, b) through a tap at (dy, dx). */
static void slot_tap(double *y, const slot_map *x, int c, int a, int b,
                     double w, const rig *r)
{
    const nn_layout *l = &r->p.layout;
    int cy = carry_of(a, x->ry), cx = carry_of(b, x->rx);
    const double *from = slot_at(x, c, a - cy * x->ry, b - cx * x->rx);
    size_t turn = (size_t)((cy * l->grid_x + cx + 4 * (int)x->slots)
                           % (int)x->slots);

    for (size_t j = 0; j < x->slots; j++)
        y[j] += w * from[(j + turn) % x->slots];
}

static void slot_conv(slot_map *y, const slot_map *x, const nn_layer *l,
                      const rig *r)
{
    int k = l->op == NN_CONV ? l->kernel_y : 1, taps = k * k;

    for (int o = 0; o < y->channels; o++)
        for (int a = 0; a < y->ry; a++)
            for (int b = 0; b < y->rx; b++) {
                double *out = slot_at(y, o, a, b);

                for (size_t j = 0; j < y->slots; j++)
                    out[j] = (double)l->bias[o];
                for (int c = 0; c < x->channels; c++)
                    for (int t = 0; t < taps; t++)
                        slot_tap(out, x, c, a + t / k - k / 2,
                                 b + t % k - k / 2,
                                 (double)l->weight[(o * x->channels + c)
                                                   * taps + t], r);
            }
}

static void slot_tconv(slot_map *y, const slot_map *x, const nn_layer *l)
{
    for (int o = 0; o < y->channels; o++)
        for (int a = 0; a < y->ry; a++)
            for (int b = 0; b < y->rx; b++) {
                double *out = slot_at(y, o, a, b);

                for (size_t j = 0; j < y->slots; j++)
                    out[j] = (double)l->bias[o];
                for (int c = 0; c < x->channels; c++) {
                    const double *in = slot_at(x, c, a / 2, b / 2);
                    double w = (double)l->weight[(c * y->channels + o) * 4
                                                 + a % 2 * 2 + b % 2];

                    for (size_t j = 0; j < y->slots; j++)
                        out[j] += w * in[j];
                }
            }
}

static void slot_pool(slot_map *y, const slot_map *x)
{
    for (int c = 0; c < y->channels; c++)
        for (int a = 0; a < x->ry; a++)
            for (int b = 0; b < x->rx; b++) {
                double *out = slot_at(y, c, a / 2, b / 2);
                const double *in = slot_at(x, c, a, b);

                for (size_t j = 0; j < y->slots; j++)
                    out[j] += in[j] / 4;
            }
}

static void slot_pointwise(slot_map *y, const slot_map *x, const nn_layer *l)
{
    size_t plane = slot_count(x) / (size_t)x->channels;

    for (size_t i = 0; i < slot_count(x); i++) {
        size_t c = i / plane;
        double v = x->v[i];

        if (l->op == NN_SQUARE)
            y->v[i] = v * v;
        else if (l->op == NN_QUADRATIC)
            y->v[i] = (double)l->a[c] * v * v + (double)l->b[c] * v
                      + (double)l->c[c];
        else
            y->v[i] = (v - (double)l->mean[c])
                          / sqrt((double)l->var[c] + l->eps)
                          * (double)l->weight[c] + (double)l->bias[c];
    }
}

static void slot_concat(slot_map *y, const slot_map *map, const nn_layer *l)
{
    double *to = y->v;

    for (int k = 0; k < l->num_in; k++) {
        const slot_map *x = &map[l->in[k]];

        memcpy(to, x->v, slot_count(x) * sizeof *to);
        to += slot_count(x);
    }
}

static bool slot_layer(slot_map *map, int i, const rig *r)
{
    const nn_layer *l = &r->m.layer[i];
    const slot_map *x = &map[l->in[0]];
    slot_map *y = &map[i];
    int ry = x->ry, rx = x->rx;

    if (l->op == NN_TCONV) {
        ry *= 2;
        rx *= 2;
    } else if (l->op == NN_POOL) {
        ry /= 2;
        rx /= 2;
    }
    if (!slot_map_init(y, l->channels, ry, rx, x->slots))
        return false;
    if (l->op == NN_CONV || l->op == NN_DENSE)
        slot_conv(y, x, l, r);
    else if (l->op == NN_TCONV)
        slot_tconv(y, x, l);
    else if (l->op == NN_POOL)
        slot_pool(y, x);
    else if (l->op == NN_CONCAT)
        slot_concat(y, map, l);
    else
        slot_pointwise(y, x, l);
    slot_clear(y, r);
    return true;
}

static void slot_maps_clear(slot_map *map, int layers)
{
    for (int i = 0; i < layers; i++)
        free(map[i].v);
    free(map);
}

static slot_map *slot_image(const rig *r)
{
    slot_map *map = calloc((size_t)r->m.num_layers, sizeof *map);

    if (!CHECK(map != NULL, "no memory"))
        return NULL;
    if (!slot_map_init(&map[0], r->m.channels, r->p.layout.ring_y,
                       r->p.layout.ring_x, r->p.layout.slots)) {
        free(map);
        return NULL;
    }
    memcpy(map[0].v, r->in, slot_count(&map[0]) * sizeof *map[0].v);
    return map;
}

bool slotwise_run(double *out, rig *r, int noisy, double amplitude)
{
    uint64_t seed = 77;
    slot_map *map = slot_image(r);
    bool ok = map != NULL;

    for (int i = 0; i < r->m.num_layers && ok; i++) {
        if (i > 0)
            ok = slot_layer(map, i, r);
        if (ok && i == noisy)
            for (size_t j = 0; j < slot_count(&map[i]); j++)
                map[i].v[j] += amplitude * gaussian(&seed);
    }
    if (ok)
        memcpy(out, map[r->m.output].v, r->count * sizeof *out);
    if (map != NULL)
        slot_maps_clear(map, r->m.num_layers);
    return ok;
}

/* ---- weights, ranges, gains --------------------------------------------- */

static void fill(const float *v, int n, double low, double high,
                 uint64_t *seed)
{
    float *to = (float *)(uintptr_t)v;

    for (int i = 0; i < n; i++)
        to[i] = (float)(low + (high - low) * 0.5 * (uniform(seed) + 1));
}

static void scale_by(const float *v, int n, double f)
{
    float *to = (float *)(uintptr_t)v;

    for (int i = 0; i < n; i++)
        to[i] = (float)((double)to[i] * f);
}

static int weight_count(const nn_model *m, const nn_layer *l)
{
    int in = m->layer[l->in[0]].channels;

    switch (l->op) {
    case NN_CONV:
        return l->channels * in * l->kernel_y * l->kernel_y;
    case NN_TCONV:
        return l->channels * in * 4;
    case NN_DENSE:
        return l->channels * in;
    default:
        return 0;
    }
}

/* Signs of both kinds everywhere; every third channel of a quadratic is
 * linear, every second has a < 0. */
static void dress(const nn_model *m, const nn_layer *l, uint64_t *seed)
{
    int c = l->channels;

    if (weight_count(m, l) > 0) {
        fill(l->weight, weight_count(m, l), -1, 1, seed);
    } else if (l->op == NN_BATCHNORM) {
        fill(l->weight, c, 0.6, 1.2, seed);
        fill(l->bias, c, -0.2, 0.2, seed);
        fill(l->mean, c, -0.2, 0.2, seed);
        fill(l->var, c, 0.5, 1.5, seed);
    } else if (l->op == NN_QUADRATIC) {
        fill(l->a, c, 2, 4, seed);
        fill(l->b, c, -0.5, 0.5, seed);
        fill(l->c, c, -0.3, 0.3, seed);
        for (int i = 1; i < c; i += 2)
            scale_by(l->a + i, 1, -1);
        for (int i = 2; i < c; i += 3)
            scale_by(l->a + i, 1, 0);
    }
}

double spread_of(const double *v, size_t n)
{
    double mean = 0, sum = 0;

    for (size_t j = 0; j < n; j++)
        mean += v[j] / (double)n;
    for (size_t j = 0; j < n; j++)
        sum += (v[j] - mean) * (v[j] - mean);
    return sqrt(sum / (double)n);
}

/* Spread of a channel about its mean, over all channels; of few values, at
 * least a fifth of their size. */
static double spread(const slot_map *x)
{
    size_t plane = slot_count(x) / (size_t)x->channels;
    double sum = 0;

    for (int c = 0; c < x->channels; c++)
        sum += pow(spread_of(x->v + (size_t)c * plane, plane), 2);
    return fmax(sqrt(sum / x->channels), 0.2 * rms_of(x->v, slot_count(x)));
}

/* A linear layer gets outputs of mean +-0.6 and spread 0.12: squares of squares
 * then keep short tails. */
static bool slot_dress(slot_map *map, int i, const rig *r, uint64_t *seed)
{
    nn_layer *l = &r->m.layer[i];
    int count = weight_count(&r->m, l);
    size_t plane;

    dress(&r->m, l, seed);
    if (count == 0)
        return slot_layer(map, i, r);
    scale_by(l->bias, l->channels, 0);
    if (!slot_layer(map, i, r))
        return false;
    scale_by(l->weight, count, 0.12 / spread(&map[i]));
    plane = slot_count(&map[i]) / (size_t)l->channels;
    for (int c = 0; c < l->channels; c++) {
        double mean = 0;

        for (size_t j = 0; j < plane; j++)
            mean += map[i].v[(size_t)c * plane + j] / (double)plane;
        mean *= 0.12 / spread(&map[i]);
        fill(l->bias + c, 1, (c % 2 == 0 ? 0.6 : -0.6) - mean,
             (c % 2 == 0 ? 0.6 : -0.6) - mean, seed);
    }
    free(map[i].v);
    return slot_layer(map, i, r);
}

/* Of each label: the largest |logit|, and the logit beside the largest other
 * one. */
static void label_ranges(nn_model *m, const double *v, size_t plane)
{
    for (int k = 0; k < m->num_labels; k++) {
        double sum = 0, most = 0;

        for (size_t j = 0; j < plane; j++) {
            double other = -INFINITY;

            for (int i = 0; i < m->num_labels; i++)
                if (i != k)
                    other = fmax(other, v[(size_t)i * plane + j]);
            most = fmax(most, fabs(v[(size_t)k * plane + j]));
            sum += pow(v[(size_t)k * plane + j] - other, 2);
        }
        m->label_max[k] = most;
        m->label_margin[k] = sqrt(sum / (double)plane);
    }
}

/* Sets weights layer by layer and measures ranges. */
bool slotwise_calibrate(rig *r)
{
    uint64_t seed = 11;
    slot_map *map = slot_image(r);
    bool ok = map != NULL;

    for (int i = 0; i < r->m.num_layers && ok; i++) {
        if (i > 0)
            ok = slot_dress(map, i, r, &seed);
        if (!ok)
            break;
        r->m.layer[i].range.rms = rms_of(map[i].v, slot_count(&map[i]));
        r->m.layer[i].range.max = 0;
        for (size_t j = 0; j < slot_count(&map[i]); j++)
            r->m.layer[i].range.max = fmax(r->m.layer[i].range.max,
                                           fabs(map[i].v[j]));
        if (i == r->m.output && r->m.num_labels > 0)
            label_ranges(&r->m, map[i].v,
                         slot_count(&map[i]) / (size_t)r->m.num_labels);
    }
    if (map != NULL)
        slot_maps_clear(map, r->m.num_layers);
    return ok;
}

/* A weight is off by up to half of 2^-13 (plan.c's first choice of moduli):
 * sd 2^-13 / sqrt(12), times the root of the sum of squares it meets. */
static double quantised_sd(const nn_model *m)
{
    double sum = 0;

    for (int i = 1; i < m->num_layers; i++) {
        const nn_layer *l = &m->layer[i];
        const nn_layer *x = &m->layer[l->in[0]];
        double terms = x->channels;

        if (weight_count(m, l) == 0)
            continue;
        if (l->op == NN_CONV)
            terms *= l->kernel_y * l->kernel_y;
        sum += terms * pow(x->range.rms * l->range.gain, 2);
    }
    return 0x1p-13 / sqrt(12) * sqrt(sum);
}

double slotwise_share(const rig *r)
{
    double *one = malloc(r->count * sizeof *one), share = 1;

    if (!CHECK(one != NULL, "no memory"))
        return 1;
    for (size_t i = 0; i < r->count; i++)
        one[i] = 1;
    slotwise_pixels(one, r);
    share = pow(rms_of(one, r->count), 2);
    free(one);
    return share;
}

bool slotwise_gains(rig *r)
{
    double *out = malloc(r->count * sizeof *out), share;
    bool ok = CHECK(out != NULL, "no memory");

    if (!ok)
        return false;
    share = slotwise_share(r);

    for (int i = 0; i < r->m.num_layers && ok; i++) {
        nn_range *range = &r->m.layer[i].range;
        double amplitude = 1e-3 * range->rms;

        ok = slotwise_run(out, r, i, amplitude);
        range->gain = rms_difference(out, r->slotwise, r->count)
                      / sqrt(share) / amplitude;
        for (size_t j = 0; j < r->count; j++)
            out[j] -= r->slotwise[j];
        if (r->m.num_labels > 0)
            range->gain = apart_most(out, r->m.num_labels, r->count)
                          / sqrt(share) / amplitude;
    }
    free(out);
    r->quantised = quantised_sd(&r->m);
    return ok;
}
