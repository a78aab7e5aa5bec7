/* net_support.c -- small random networks, evaluated slot by slot. */
#include "net_support.h"

#include <math.h>

bool nn_status(const char *file, int line, const char *text, ckks_status got,
               ckks_status want)
{
    return got == want
           || test_fail(file, line, text, "got %s (%s), want %s",
                        ckks_status_name(got),
                        got == CKKS_OK ? "" : nn_last_error(),
                        ckks_status_name(want));
}

/* ---- numbers -------------------------------------------------------------- */

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

double rms_of(const double *x, size_t n)
{
    double sum = 0;

    for (size_t j = 0; j < n; j++)
        sum += x[j] * x[j];
    return sqrt(sum / (double)n);
}

double rms_difference(const double *a, const double *b, size_t n)
{
    double sum = 0;

    for (size_t j = 0; j < n; j++)
        sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sqrt(sum / (double)n);
}

double worst_difference(const double *a, const double *b, size_t n)
{
    double worst = 0;

    for (size_t j = 0; j < n; j++)
        worst = fmax(worst, fabs(a[j] - b[j]));
    return worst;
}

/* ---- slotwise ------------------------------------------------------------------ */

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

/* Under border zero: the pixel is one of an image, and of the slot's own. */
static bool slot_inside(const nn_layout *l, size_t slot, int cy, int cx)
{
    size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;
    int y = (int)(slot % grid / (size_t)l->grid_x) + cy;
    int x = (int)(slot % (size_t)l->grid_x) + cx;

    return slot / grid < (size_t)l->batch && y >= 0 && y < l->grid_y && x >= 0
           && x < l->grid_x;
}

/* y += w times x seen from (a, b) through a tap at (dy, dx). */
static void slot_tap(double *y, const slot_map *x, int c, int a, int b,
                     double w, const rig *r)
{
    const nn_layout *l = &r->p.layout;
    int cy = carry_of(a, x->ry), cx = carry_of(b, x->rx);
    const double *from = slot_at(x, c, a - cy * x->ry, b - cx * x->rx);
    bool cut = r->m.border == NN_ZERO && (cy != 0 || cx != 0);
    size_t turn = (size_t)((cy * l->grid_x + cx + 4 * (int)x->slots)
                           % (int)x->slots);

    for (size_t j = 0; j < x->slots; j++)
        if (!cut || slot_inside(l, j, cy, cx))
            y[j] += w * from[(j + turn) % x->slots];
}

static void slot_conv(slot_map *y, const slot_map *x, const nn_layer *l,
                      const rig *r)
{
    int k = l->op == NN_CONV ? l->kernel : 1, taps = k * k;

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

/* ---- weights, ranges, gains -------------------------------------------------- */

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
        return l->channels * in * l->kernel * l->kernel;
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

static double spread_of(const double *v, size_t n)
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

/* Sets weights layer by layer and measures ranges. */
static bool calibrate(rig *r)
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
            terms *= l->kernel * l->kernel;
        sum += terms * pow(x->range.rms * l->range.gain, 2);
    }
    return 0x1p-13 / sqrt(12) * sqrt(sum);
}

static bool measure_gains(rig *r)
{
    double *out = malloc(r->count * sizeof *out);
    bool ok = CHECK(out != NULL, "no memory");

    for (int i = 0; i < r->m.num_layers && ok; i++) {
        nn_range *range = &r->m.layer[i].range;
        double amplitude = 1e-3 * range->rms;

        ok = slotwise_run(out, r, i, amplitude);
        range->gain = rms_difference(out, r->slotwise, r->count) / amplitude;
    }
    free(out);
    r->quantised = quantised_sd(&r->m);
    return ok;
}

/* ---- rigs -------------------------------------------------------------------------- */

nn_aim rig_aim(const rig_shape *s)
{
    return (nn_aim){ .security = CKKS_INSECURE, .log_n = s->log_n,
                     .ring_y = s->ring_y, .ring_x = s->ring_x,
                     .max_batch = s->max_batch };
}

void rig_text(char out[96], const rig_shape *s)
{
    static const char *const border[] = { "wrap", "halo", "zero" };

    snprintf(out, 96, "%s N=2^%d ring %dx%d image %dx%dx%d batch %d",
             border[s->border], s->log_n, s->ring_y, s->ring_x, s->channels,
             s->height, s->width, s->max_batch);
}

bool rig_model(nn_model *out, const rig_shape *s, net_builder *build)
{
    static const char *const border[] = { "wrap", "halo", "zero" };
    static model_maker k;
    const char *output;
    uint8_t *bytes;
    size_t size;
    bool ok;

    maker_start(&k, border[s->border], s->border == NN_WRAP ? 1 : 0,
                s->channels, s->height, s->width);
    if (s->border == NN_WRAP) {
        char ring[40];

        snprintf(ring, sizeof ring, "\"ring\":[%d,%d]", s->ring_y, s->ring_x);
        CHECK(text_replace(k.net, sizeof k.net, "\"ring\":[1,1]", ring),
              "%s", k.net);
    }
    output = build(&k, s->channels);
    maker_finish(&k, output);
    bytes = maker_bytes(&size, &k);
    ok = CHECK(bytes != NULL, "no memory")
         && NN_OK(nn_model_load(out, bytes, size));
    free(bytes);
    maker_clear(&k);
    return ok;
}

bool rig_repack(rig *r, const double *pixel)
{
    const nn_plan *p = &r->p;
    const nn_layout *l = &p->layout;
    size_t plane = (size_t)l->height * (size_t)l->width;
    size_t size = (size_t)p->channels * plane;
    double *tile = malloc((size_t)r->images * size * sizeof *tile);
    const double *each[RIG_MAX_IMAGES];

    if (!CHECK(tile != NULL, "no memory"))
        return false;
    for (int i = 0; i < r->images; i++) {
        each[i] = tile + (size_t)i * size;
        for (size_t j = 0; j < size; j++) {
            int c = (int)(j / plane), y, x, h = p->core_height;
            int w = p->core_width;

            y = (int)(j % plane / (size_t)l->width) - p->halo;
            x = (int)(j % (size_t)l->width) - p->halo;
            while (y < 0 || y >= h)         /* mirror, edge not repeated     */
                y = h == 1 ? 0 : y < 0 ? -y : 2 * (h - 1) - y;
            while (x < 0 || x >= w)
                x = w == 1 ? 0 : x < 0 ? -x : 2 * (w - 1) - x;
            tile[(size_t)i * size + j] =
                pixel[(((size_t)i * (size_t)p->channels + (size_t)c)
                       * (size_t)h + (size_t)y) * (size_t)w + (size_t)x];
        }
    }
    nn_pack(r->in, p, each, r->images);
    free(tile);
    return r->w == NULL
           || NN_OK(nn_clear(r->clear, r->in, p, r->w, r->ranges));
}

static bool rig_memory(rig *r)
{
    const nn_plan *p = &r->p;
    size_t pixels = (size_t)p->channels * (size_t)p->core_height
                    * (size_t)p->core_width;

    r->images = p->layout.batch < RIG_MAX_IMAGES ? p->layout.batch
                                                 : RIG_MAX_IMAGES;
    r->count = (size_t)nn_plan_outputs(p) * p->layout.slots;
    r->pixel = malloc((size_t)r->images * pixels * sizeof *r->pixel);
    r->in = malloc((size_t)nn_plan_inputs(p) * p->layout.slots
                   * sizeof *r->in);
    r->slotwise = malloc(r->count * sizeof *r->slotwise);
    r->clear = malloc(r->count * sizeof *r->clear);
    r->ranges = malloc((size_t)p->num_steps * sizeof *r->ranges);
    return CHECK(r->pixel != NULL && r->in != NULL && r->slotwise != NULL
                     && r->clear != NULL && r->ranges != NULL, "no memory");
}

/* Bytes at random, a ramp under them: no symmetry, no period. */
static void rig_pixels(rig *r)
{
    uint64_t seed = 3;
    const nn_plan *p = &r->p;
    size_t each = (size_t)p->channels * (size_t)p->core_height
                  * (size_t)p->core_width;

    for (size_t j = 0; j < (size_t)r->images * each; j++)
        r->pixel[j] = floor((double)(test_word(&seed) % 176)
                            + 80 * (double)(j % each) / (double)each);
}

bool rig_init(rig *r, const rig_shape *s, net_builder *build)
{
    nn_aim aim = rig_aim(s);
    bool ok = rig_model(&r->m, s, build)
              && NN_OK(nn_plan_make(&r->p, &r->m, &aim))
              && rig_memory(r);

    if (!ok)
        return false;
    rig_pixels(r);
    ok = rig_repack(r, r->pixel) && calibrate(r)
         && slotwise_run(r->slotwise, r, -1, 0);
    r->spread = spread_of(r->slotwise, r->count);
    return ok && measure_gains(r)
           && NN_OK(nn_plan_make(&r->p, &r->m, &aim))
           && NN_OK(nn_weights_init(&r->w, &r->m, &r->p))
           && NN_OK(nn_clear(r->clear, r->in, &r->p, r->w, r->ranges));
}

void rig_clear(rig *r)
{
    nn_weights_clear(&r->w);
    nn_model_clear(&r->m);
    free(r->pixel);
    free(r->in);
    free(r->slotwise);
    free(r->clear);
    free(r->ranges);
    memset(r, 0, sizeof *r);
}

/* ---- encrypted ------------------------------------------------------------------------ */

typedef struct session {
    nn_pool *pool;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    ckks_ct *in, *out;
    int inputs, outputs;
} session;

static bool session_init(session *s, const nn_plan *p, uint64_t seed)
{
    uint8_t bytes[CKKS_SEED_BYTES] = { 0 };
    ckks_memory memory;

    memcpy(bytes, &seed, sizeof seed);
    if (!NN_OK(nn_pool_init(&s->pool)))
        return false;
    memory = nn_pool_memory(s->pool);
    s->inputs = nn_plan_inputs(p);
    s->outputs = nn_plan_outputs(p);
    s->in = calloc((size_t)s->inputs, sizeof *s->in);
    s->out = calloc((size_t)s->outputs, sizeof *s->out);
    return CHECK(s->in != NULL && s->out != NULL, "no memory")
           && NN_OK(nn_plan_context(&s->ctx, p, &memory))
           && CHECK_OK(ckks_rng_init(&s->rng, bytes))
           && CHECK_OK(ckks_sk_init(&s->sk, s->ctx, &s->rng))
           && CHECK_OK(ckks_keys_init(&s->keys, &s->rng, s->sk, p->key,
                                      p->num_keys));
}

static void session_clear(session *s)
{
    for (int i = 0; s->in != NULL && i < s->inputs; i++)
        ckks_ct_clear(&s->in[i]);
    for (int i = 0; s->out != NULL && i < s->outputs; i++)
        ckks_ct_clear(&s->out[i]);
    free(s->in);
    free(s->out);
    ckks_keys_clear(&s->keys);
    ckks_sk_clear(&s->sk);
    ckks_rng_clear(&s->rng);
    ckks_ctx_clear(&s->ctx);
    nn_pool_clear(&s->pool);
}

static bool session_encrypt(session *s, const rig *r)
{
    size_t slots = r->p.layout.slots;
    ckks_pt pt = { 0 };
    bool ok = true;

    for (int i = 0; i < s->inputs && ok; i++)
        ok = CHECK_OK(ckks_encode(&pt, s->ctx, r->in + (size_t)i * slots, NULL,
                                  slots, r->p.in_level, r->p.in_scale))
             && CHECK_OK(ckks_encrypt_sk(&s->in[i], &s->rng, &pt, s->sk));
    ckks_pt_clear(&pt);
    return ok;
}

/* hash = H(hash, bytes of the ciphertext). */
static bool hash_ct(uint8_t hash[32], const ckks_ct *ct)
{
    size_t size = ckks_ct_size(ct);
    uint8_t *bytes = malloc(size);
    bool ok = CHECK(bytes != NULL, "no memory")
              && CHECK_OK(ckks_ct_save(bytes, size, ct));

    if (ok)
        ckks_blake2b(hash, 32, bytes, size, hash, 32);
    free(bytes);
    return ok;
}

static bool session_compare(rig_error *e, session *s, const rig *r)
{
    size_t slots = r->p.layout.slots;
    double *re = malloc(2 * slots * sizeof *re), *im = re + slots, sum = 0;
    ckks_pt pt = { 0 };
    bool ok = CHECK(re != NULL, "no memory");

    for (int i = 0; i < s->outputs && ok; i++) {
        const double *want = r->clear + (size_t)i * slots;

        ok = CHECK(s->out[i].level == 0
                       && s->out[i].scale == r->p.out_scale,
                   "output %d: level %d, scale %.17g; plan 0, %.17g", i,
                   s->out[i].level, s->out[i].scale, r->p.out_scale)
             && hash_ct(e->hash, &s->out[i])
             && CHECK_OK(ckks_decrypt(&pt, &s->out[i], s->sk))
             && CHECK_OK(ckks_decode(re, im, slots, &pt));
        for (size_t j = 0; ok && j < slots; j++) {
            sum += (re[j] - want[j]) * (re[j] - want[j]);
            e->worst = fmax(e->worst, fabs(re[j] - want[j]));
            e->imaginary = fmax(e->imaginary, fabs(im[j]));
        }
    }
    e->sd = sqrt(sum / (double)r->count);
    ckks_pt_clear(&pt);
    free(re);
    return ok;
}

bool rig_encrypted(rig_error *out, const rig *r, uint64_t seed)
{
    session s = { 0 };
    bool ok;

    memset(out, 0, sizeof *out);
    ok = session_init(&s, &r->p, seed) && session_encrypt(&s, r)
         && NN_OK(nn_run(s.out, s.in, &r->p, r->w, s.keys, NULL));
    if (ok) {
        out->peak = nn_pool_peak(s.pool);
        snprintf(out->kernel, sizeof out->kernel, "%s",
                 ckks_ctx_kernel(s.ctx));
        for (int i = 0; i < s.inputs; i++)
            CHECK(s.in[i].limb == NULL, "input %d was not consumed", i);
        ok = session_compare(out, &s, r);
    }
    session_clear(&s);
    return ok;
}

/* ---- shapes ---------------------------------------------------------------------------- */

/* A grid that fills the slots, on rings that the poolings divide. */
static bool wrap_shape(rig_shape *s, int unit, int i)
{
    static const struct { int log_n, grid_y, ring_y, ring_x; } shape[] = {
        { 6, 4, 1, 1 }, { 6, 8, 2, 3 }, { 7, 64, 1, 2 }, { 6, 1, 3, 1 },
        { 5, 2, 4, 4 }
    };

    if (i >= (int)(sizeof shape / sizeof *shape))
        return false;
    s->log_n = shape[i].log_n;
    s->ring_y = unit * shape[i].ring_y;
    s->ring_x = unit * shape[i].ring_x;
    s->height = s->ring_y * shape[i].grid_y;
    s->width = s->ring_x * ((1 << (s->log_n - 1)) / shape[i].grid_y);
    return true;
}

/* Smallest N that holds one image, more by `extra`. */
static void fit_slots(rig_shape *s, int halo, int extra)
{
    int grid_y = (s->height + 2 * halo + s->ring_y - 1) / s->ring_y;
    int grid_x = (s->width + 2 * halo + s->ring_x - 1) / s->ring_x;

    s->log_n = 5;
    while ((1 << (s->log_n - 1)) < grid_y * grid_x)
        s->log_n++;
    s->log_n += extra;
}

/* Batches that fill the slots and such that do not; rings that do not divide
 * the image. */
static bool halo_shape(rig_shape *s, const net_kind *kind, int i)
{
    static const struct { int ring_y, ring_x, extra, batch; } shape[] = {
        { 2, 2, 0, 0 }, { 3, 4, 1, 0 }, { 1, 2, 2, 2 }, { 4, 3, 1, 1 }
    };
    int unit = 1 << kind->pools;
    nn_model m = { 0 };

    if (i >= (int)(sizeof shape / sizeof *shape))
        return false;
    s->ring_y = unit * shape[i].ring_y;
    s->ring_x = unit * shape[i].ring_x;
    s->max_batch = shape[i].batch;
    s->height = unit * (i == 0 ? 5 : 3);
    s->width = unit * (i == 1 ? 7 : 4);
    if (!rig_model(&m, s, kind->build))
        return false;
    fit_slots(s, (nn_halo_radius(&m) + unit - 1) / unit * unit,
              unit < 8 ? shape[i].extra : shape[i].extra / 2);
    nn_model_clear(&m);
    return true;
}

static bool zero_shape(rig_shape *s, const net_kind *kind, int i)
{
    static const struct { int ring_y, ring_x, grid_y, grid_x, extra, batch; }
    shape[] = {
        { 1, 1, 3, 5, 0, 0 }, { 2, 3, 4, 2, 1, 0 }, { 1, 2, 1, 4, 2, 2 },
        { 2, 1, 3, 1, 0, 1 }, { 1, 1, 4, 4, 0, 0 }
    };
    int unit = 1 << kind->pools;

    if (i >= (int)(sizeof shape / sizeof *shape))
        return false;
    s->ring_y = unit * (kind->dense ? 1 : shape[i].ring_y);
    s->ring_x = unit * (kind->dense ? 1 : shape[i].ring_x);
    s->max_batch = shape[i].batch;
    s->height = s->ring_y * (kind->dense ? 1 : shape[i].grid_y);
    s->width = s->ring_x * (kind->dense ? 1 : shape[i].grid_x);
    fit_slots(s, 0, shape[i].extra);
    return true;
}

bool rig_shape_at(rig_shape *out, const net_kind *kind, nn_border border,
                  int i)
{
    *out = (rig_shape){ .border = border, .channels = kind->channels };
    switch (border) {
    case NN_WRAP:
        return !kind->dense && wrap_shape(out, 1 << kind->pools, i);
    case NN_HALO:
        return !kind->dense && halo_shape(out, kind, i);
    default:
        return kind->zero && zero_shape(out, kind, i);
    }
}

/* ---- one check of everything ------------------------------------------------------------- */

/* Image i of packed logits, without halo, against nn_model_float. */
static void check_float(const rig *r, const double *slots, int i,
                        double bound, const char *what, const char *text)
{
    const nn_plan *p = &r->p;
    bool flat = r->m.layer[r->m.output].height == 1 && r->m.height > 1;
    int h = flat ? 1 : p->core_height, w = flat ? 1 : p->core_width;
    int columns = p->layout.width >> p->out_pool;
    size_t size = (size_t)p->channels * (size_t)p->core_height
                  * (size_t)p->core_width;
    double *want = malloc((size_t)p->layout.height * (size_t)p->layout.width
                          * sizeof *want);
    double *got = malloc((size_t)p->layout.height * (size_t)p->layout.width
                         * sizeof *got);
    double worst = 0;

    if (CHECK(want != NULL && got != NULL, "no memory")
        && NN_OK(nn_model_float(want, &r->m, r->pixel + (size_t)i * size,
                                   p->core_height, p->core_width))) {
        nn_unpack(got, p, slots, i);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                worst = fmax(worst, fabs(want[y * w + x]
                                         - got[(y + p->halo) * columns
                                               + x + p->halo]));
        CHECK(worst <= bound, "%s: %s, image %d: off by %.3g from the float "
              "network, allowed %.3g", text, what, i, worst, bound);
    }
    free(want);
    free(got);
}

/* Errors of weights are the same in all slots: they may add up, and where all
 * pixels are averaged before a dense layer they do. */
static void check_clear(rig *r, bool dense, const char *text)
{
    double sd = rms_difference(r->clear, r->slotwise, r->count);
    double allowed = 1e-2 * r->spread;

    if (dense) {
        allowed = 0x1p-9 * rms_of(r->slotwise, r->count);
        r->quantised = allowed;
    }
    CHECK(sd <= allowed && sd <= 8 * r->quantised,
          "%s: clear twin off by %.3g rms, allowed %.3g, predicted %.3g", text,
          sd, allowed, r->quantised);
    for (int i = 0; i < r->images; i++) {
        check_float(r, r->slotwise, i, 1e-9, "slotwise", text);
        check_float(r, r->clear, i, 64 * r->quantised, "clear", text);
    }
}

static void check_encrypted(const rig *r, double factor, const char *text)
{
    rig_error e;

    if (!rig_encrypted(&e, r, 1))
        return;
    CHECK(e.sd <= factor * r->p.error_sd && e.sd >= r->p.error_sd / factor,
          "%s: error of sd %.3g, predicted %.3g (ratio %.2f), logit %.3g",
          text, e.sd, r->p.error_sd, e.sd / r->p.error_sd, r->spread);
    CHECK(e.worst <= 8 * factor * r->p.error_sd,
          "%s: a slot off by %.3g, predicted sd %.3g", text, e.worst,
          r->p.error_sd);
    CHECK(e.imaginary <= 8 * factor * r->p.error_sd,
          "%s: imaginary parts up to %.3g, predicted sd %.3g", text,
          e.imaginary, r->p.error_sd);
    if (getenv("VOLLEY_RATIOS") != NULL)
        test_note("%s: ratio %.2f", text, e.sd / r->p.error_sd);
}

void rig_check(const net_kind *kind, const rig_shape *s, bool encrypted)
{
    rig r = { 0 };
    char shape[96], text[160];

    rig_text(shape, s);
    snprintf(text, sizeof text, "%s, %s", kind->name, shape);
    if (CHECK(rig_init(&r, s, kind->build), "%s", text)) {
        check_clear(&r, kind->dense, text);
        if (encrypted)
            check_encrypted(&r, kind->single ? 2 : 8, text);
    }
    rig_clear(&r);
}
