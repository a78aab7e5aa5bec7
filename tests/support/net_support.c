/* net_support.c -- small random networks: made, planned, encrypted. */
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

/* ---- numbers ------------------------------------------------------------ */

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

/* ---- rigs --------------------------------------------------------------- */

nn_aim rig_aim(const rig_shape *s)
{
    return (nn_aim){ .security = CKKS_INSECURE, .log_n = s->log_n,
                     .ring_y = s->ring_y, .ring_x = s->ring_x,
                     .max_batch = s->max_batch, .slots = s->slots };
}

void rig_text(char out[96], const rig_shape *s)
{
    static const char *const border[] = { "wrap", "halo", "zero", "valid" };

    snprintf(out, 96, "%s N=2^%d%s ring %dx%d image %dx%dx%d batch %d",
             border[s->border], s->log_n,
             s->slots == NN_SLOTS_REAL ? " real" : "", s->ring_y, s->ring_x,
             s->channels, s->height, s->width, s->max_batch);
}

bool rig_model(nn_model *out, const rig_shape *s, net_builder *build)
{
    static const char *const border[] = { "wrap", "halo", "zero", "valid" };
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
    if (maker_channels(&k, output) > 1)
        maker_labels(&k, output, maker_channels(&k, output));
    else
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
    ok = rig_repack(r, r->pixel) && slotwise_calibrate(r)
         && slotwise_run(r->slotwise, r, -1, 0);
    r->spread = spread_of(r->slotwise, r->count);
    return ok && slotwise_gains(r)
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

/* ---- encrypted ---------------------------------------------------------- */

typedef struct holder {
    nn_pages *pool;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    ckks_ct *in, *out;
    int inputs, outputs;
} holder;

static bool holder_init(holder *s, const nn_plan *p, uint64_t seed)
{
    uint8_t bytes[CKKS_SEED_BYTES] = { 0 };
    ckks_memory memory;

    memcpy(bytes, &seed, sizeof seed);
    if (!NN_OK(nn_pages_init(&s->pool)))
        return false;
    memory = nn_pages_memory(s->pool);
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

static void holder_clear(holder *s)
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
    nn_pages_clear(&s->pool);
}

static bool holder_encrypt(holder *s, const rig *r)
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

double apart_most(const double *x, int labels, size_t count)
{
    size_t n = labels > 0 ? count / (size_t)labels : 0;
    double most = 0;

    for (int a = 0; a < labels; a++) {
        most = fmax(most, rms_of(x + (size_t)a * n, n));
        for (int b = 0; b < a; b++)
            most = fmax(most, rms_difference(x + (size_t)a * n,
                                             x + (size_t)b * n, n));
    }
    return most;
}

static bool holder_compare(rig_error *e, holder *s, const rig *r)
{
    size_t slots = r->p.layout.slots;
    double *re = malloc((slots + r->count) * sizeof *re), *im = re + r->count;
    double *error = re, sum = 0;    /* under border zero those of pixels */
    ckks_pt pt = { 0 };
    bool ok = CHECK(re != NULL, "no memory");

    for (int i = 0; i < s->outputs && ok; i++, re += slots) {
        const double *want = r->clear + (size_t)i * slots;

        ok = CHECK(s->out[i].level == r->p.out_level
                       && s->out[i].scale == r->p.out_scale,
                   "output %d: level %d, scale %.17g; plan %d, %.17g",
                   i, s->out[i].level, s->out[i].scale, r->p.out_level,
                   r->p.out_scale)
             && hash_ct(e->hash, &s->out[i])
             && CHECK_OK(ckks_decrypt(&pt, &s->out[i], s->sk))
             && CHECK_OK(ckks_decode(re, im, slots, &pt));
        for (size_t j = 0; ok && j < slots; j++) {
            e->imaginary = fmax(e->imaginary, fabs(im[j]));
            re[j] -= want[j];
        }
    }
    if (ok)
        slotwise_pixels(error, r);
    for (size_t j = 0; ok && j < r->count; j++) {
        sum += error[j] * error[j];
        e->worst = fmax(e->worst, fabs(error[j]));
    }
    e->sd = sqrt(sum / (double)r->count / slotwise_share(r));
    e->apart = ok ? apart_most(error, r->p.num_labels, r->count)
                        / sqrt(slotwise_share(r)) : 0;
    ckks_pt_clear(&pt);
    free(error);
    return ok;
}

bool rig_run(const rig *r, uint64_t seed, const nn_progress *hooks)
{
    holder s = { 0 };
    bool ok = holder_init(&s, &r->p, seed) && holder_encrypt(&s, r)
              && NN_OK(net_run(s.out, s.in, &r->p, r->w, s.keys, hooks));

    holder_clear(&s);
    return ok;
}

bool rig_encrypted(rig_error *out, const rig *r, uint64_t seed)
{
    holder s = { 0 };
    bool ok;

    memset(out, 0, sizeof *out);
    ok = holder_init(&s, &r->p, seed) && holder_encrypt(&s, r)
         && NN_OK(net_run(s.out, s.in, &r->p, r->w, s.keys, NULL));
    if (ok) {
        out->peak = nn_pages_peak(s.pool);
        snprintf(out->kernel, sizeof out->kernel, "%s",
                 ckks_ctx_kernel(s.ctx));
        for (int i = 0; i < s.inputs; i++)
            CHECK(s.in[i].limb == NULL, "input %d was not consumed", i);
        ok = holder_compare(out, &s, r);
    }
    holder_clear(&s);
    return ok;
}
