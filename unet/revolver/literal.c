/* literal.c -- a trained classifier through the literal operators: parameters,
 * keys, encryption, evaluation, decryption, each timed.
 *
 * Read first: revolver.h, docs/12-volley.md, last section.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ckks.h"
#include "nn.h"
#include "revolver/literal.h"
#include "revolver/revolver_model.h"

/* Primes of a digit of the key switching, and special primes.  A second pair
 * costs three bits of every prime, where N is given, and takes a sixth off the
 * time; a third leaves too few. */
enum { LITERAL_DIGIT = 2 };

/* The least and the most bits of a level's prime, which are the scale's.  At
 * N = 2^14 a key switching leaves an error of about 2^13 / 2^bits in a slot,
 * and the sums along rows of f = 1024 columns make it sqrt(2 f) times that:
 * 2^-11.5 at 30 bits, times the network's gain of 2^3 to 2^4 from there to the
 * logits. */
enum { LITERAL_LEAST = 30, LITERAL_MOST = 40 };

typedef struct literal_run {
    uni_literal *out;
    const nn_model *m;
    uni_vr_from from;
    uni_vr_plan plan;
    ckks_params params;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    uni_vr_model *weights;
    ckks_ct *in, result;
    double *slots;
} literal_run;

static ckks_status literal_lower(ckks_status s)
{
    return s == CKKS_OK ? s : nn_fail(s, "%s", ckks_last_error());
}

/* ---- parameters ------------------------------------------------------- */

/* Bits of q_0 above the other primes: those of the largest logit, two of
 * headroom, one for the sign. */
static int literal_headroom(const nn_model *m)
{
    const double max = m->layer[m->output].range.max;

    return 3 + (int)fmin(fmax(ceil(log2(max)), 1), 20);
}

/* All special primes together are as large as the digit with q_0, or more. */
static int literal_special(int bits, int headroom)
{
    return bits + (headroom + LITERAL_DIGIT - 1) / LITERAL_DIGIT;
}

/* Bits of log2(QP) with primes of so many. */
static int literal_log_qp(int bits, int headroom)
{
    return (UNET_VR_NET_LEVELS + 1) * bits + headroom
           + LITERAL_DIGIT * literal_special(bits, headroom);
}

static ckks_status literal_params(literal_run *r)
{
    ckks_params *p = &r->params;
    const int headroom = literal_headroom(r->m);
    int bits = 0, limit = 0;
    ckks_status s = CKKS_OK;

    for (p->log_n = 10; p->log_n <= 17; p->log_n++) {
        limit = ckks_max_log_qp(p->log_n, 128);
        for (bits = LITERAL_MOST; literal_log_qp(bits, headroom) > limit;)
            bits--;
        if (bits < LITERAL_LEAST)
            continue;
        s = uni_vr_net_plan(&r->plan, &r->from.net,
                             (size_t)1 << (p->log_n - 1), UNET_VR_NET_LEVELS,
                             false);
        if (s == CKKS_OK)
            break;
    }
    if (p->log_n > 17)
        return s != CKKS_OK ? s : nn_fail(CKKS_EPARAM, "model %s: no N with "
                                          "%d levels of %d bits", r->m->name,
                                          (int)UNET_VR_NET_LEVELS,
                                          (int)LITERAL_LEAST);
    p->num_primes = UNET_VR_NET_LEVELS + 1;
    p->primes[0] = (uint64_t)(bits + headroom);
    for (int i = 1; i < p->num_primes; i++)
        p->primes[i] = (uint64_t)bits;
    p->num_special = LITERAL_DIGIT;
    for (int i = 0; i < p->num_special; i++)
        p->special[i] = (uint64_t)literal_special(bits, headroom);
    p->dnum = (p->num_primes + LITERAL_DIGIT - 1) / LITERAL_DIGIT;
    r->out->log_scale = bits;
    return literal_lower(ckks_ctx_init(&r->ctx, p));
}

/* ---- stages ----------------------------------------------------------- */

static ckks_status literal_setup(literal_run *r)
{
    const uni_vr_net *net = &r->from.net;
    uni_literal *out = r->out;
    ckks_status s = uni_vr_from_init(&r->from, r->m);

    if (s == CKKS_OK)
        s = literal_params(r);
    if (s == CKKS_OK)
        s = uni_vr_model_init(&r->weights, net, r->ctx, UNET_VR_NET_LEVELS,
                               ldexp(1, out->log_scale), NULL, NULL);
    if (s != CKKS_OK)
        return s;
    out->log_n = r->params.log_n;
    out->levels = r->plan.levels;
    out->log_qp = ckks_ctx_log_qp(r->ctx);
    out->security_bits = ckks_ctx_security_bits(r->ctx);
    out->rows = r->plan.shape.rows;
    out->columns = r->plan.shape.columns;
    out->images = out->images < out->rows ? out->images : out->rows;
    out->maps = net->maps;
    out->hidden = net->hidden;
    out->classes = net->classes;
    r->slots = malloc(out->rows * out->columns * sizeof *r->slots);
    r->in = calloc((size_t)net->channels, sizeof *r->in);
    out->logit = malloc(out->images * (size_t)net->classes
                        * sizeof *out->logit);
    if (r->slots == NULL || r->in == NULL || out->logit == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu x %zu slots", out->rows,
                       out->columns);
    return CKKS_OK;
}

static ckks_status literal_keygen(literal_run *r)
{
    const uni_vr_keys *k = &r->plan.keys;
    ckks_status s = literal_lower(ckks_rng_init(&r->rng, NULL));

    if (s == CKKS_OK)
        s = literal_lower(ckks_sk_init(&r->sk, r->ctx, &r->rng));
    if (s == CKKS_OK)
        s = literal_lower(ckks_keys_init(&r->keys, &r->rng, r->sk, k->key,
                                         k->count));
    if (s == CKKS_OK) {
        r->plan.shape.keys = r->keys;
        r->out->keys = k->count;
        r->out->key_bytes = ckks_keys_size(r->keys);
    }
    return s;
}

/* Channel c of all images, as the network takes it; area numbers a row. */
static ckks_status literal_pack(literal_run *r, const double *const *pixel,
                                int c)
{
    const size_t area = (size_t)r->m->height * (size_t)r->m->width;
    const size_t images = r->out->images;
    double *value = malloc(images * area * sizeof *value);
    ckks_status s;

    if (value == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images", images);
    for (size_t i = 0; i < images; i++)
        for (size_t j = 0; j < area; j++)
            value[i * area + j] = pixel[i][(size_t)c * area + j] * r->m->mul
                                  + r->m->add;
    s = uni_vr_pack(r->slots, &r->plan.shape, value, images, area);
    free(value);
    return s;
}

static ckks_status literal_encrypt(literal_run *r, const double *const *pixel)
{
    const size_t n = r->out->rows * r->out->columns;
    ckks_pt pt = { 0 };
    ckks_status s = CKKS_OK;

    for (int c = 0; c < r->m->channels && s == CKKS_OK; c++) {
        s = literal_pack(r, pixel, c);
        if (s == CKKS_OK)
            s = literal_lower(ckks_encode(&pt, r->ctx, r->slots, NULL, n,
                                          UNET_VR_NET_LEVELS,
                                          ldexp(1, r->out->log_scale)));
        if (s == CKKS_OK)
            s = literal_lower(ckks_encrypt_sk(&r->in[c], &r->rng, &pt,
                                              r->sk));
        if (s == CKKS_OK)
            r->out->upload_bytes += ckks_ct_size(&r->in[c]);
    }
    ckks_pt_clear(&pt);
    return s;
}

static ckks_status literal_evaluate(literal_run *r)
{
    uni_vr *vr = &r->plan.shape;
    ckks_status s = uni_vr_model_run(&r->result, vr, r->in, r->weights);

    r->out->rotations = vr->done.rotations;
    r->out->products = vr->done.products;
    r->out->plain = vr->done.plain;
    if (s == CKKS_OK)
        r->out->download_bytes = ckks_ct_size(&r->result);
    return s;
}

static ckks_status literal_decrypt(literal_run *r)
{
    const size_t n = r->out->rows * r->out->columns;
    ckks_pt pt = { 0 };
    ckks_status s = literal_lower(ckks_decrypt(&pt, &r->result, r->sk));

    if (s == CKKS_OK)
        s = literal_lower(ckks_decode(r->slots, NULL, n, &pt));
    if (s == CKKS_OK)
        s = uni_vr_unpack(r->out->logit, &r->plan.shape, r->slots,
                           r->out->images, (size_t)r->out->classes);
    ckks_pt_clear(&pt);
    return s;
}

/* ---- all of them ------------------------------------------------------ */

static void literal_end(literal_run *r)
{
    for (int c = 0; r->in != NULL && c < r->m->channels; c++)
        ckks_ct_clear(&r->in[c]);
    free(r->in);
    free(r->slots);
    ckks_ct_clear(&r->result);
    uni_vr_model_clear(&r->weights);
    uni_vr_from_clear(&r->from);
    ckks_keys_clear(&r->keys);
    ckks_sk_clear(&r->sk);
    ckks_rng_clear(&r->rng);
    ckks_ctx_clear(&r->ctx);
}

static double literal_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds since *clock, which is set to now. */
static double literal_lap(double *clock)
{
    const double now = literal_clock(), before = *clock;

    *clock = now;
    return now - before;
}

ckks_status uni_literal_run(uni_literal *out, const nn_model *m,
                            const double *const *pixel, size_t images)
{
    literal_run r = { .out = out, .m = m };
    double clock = literal_clock();
    ckks_status s;

    *out = (uni_literal){ .images = images };
    if (images == 0)
        return nn_fail(CKKS_EARG, "model %s: no image", m->name);
    s = literal_setup(&r);
    out->setup = literal_lap(&clock);
    if (s == CKKS_OK)
        s = literal_keygen(&r);
    out->keygen = literal_lap(&clock);
    if (s == CKKS_OK)
        s = literal_encrypt(&r, pixel);
    out->encrypt = literal_lap(&clock);
    if (s == CKKS_OK)
        s = literal_evaluate(&r);
    out->evaluate = literal_lap(&clock);
    if (s == CKKS_OK)
        s = literal_decrypt(&r);
    out->decrypt = literal_lap(&clock);
    literal_end(&r);
    if (s != CKKS_OK)
        uni_literal_clear(out);
    return s;
}

void uni_literal_clear(uni_literal *l)
{
    free(l->logit);
    *l = (uni_literal){ .logit = NULL };
}
