/* client.c -- what the owner of the images does before a result: keys and
 * encryption; decrypt.c does the rest.
 *
 * Needs the plan and no weights.  The server's part is in server.c and calls
 * nothing here.  Contracts in unet.h.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vct.h"

/* The scheme's message becomes libunet's.  Keys, or the maker of them. */
static ckks_status client_keys(ckks_sk **sk, ckks_keys **keys,
                               ckks_keys_maker **maker, ckks_rng *rng,
                               const ckks_ctx *ctx, const nn_plan *p)
{
    ckks_sk *secret = NULL;
    ckks_status s = nn_plan_check(p);

    if (s != CKKS_OK)
        return s;
    s = ckks_sk_init(&secret, ctx, rng);
    if (s == CKKS_OK)
        s = keys != NULL
            ? ckks_keys_init(keys, rng, secret, p->key, p->num_keys)
            : ckks_keys_maker_init(maker, rng, secret, p->key, p->num_keys);
    if (s != CKKS_OK) {
        ckks_sk_clear(&secret);
        return nn_relay(s, NULL);
    }
    ckks_sk_clear(sk);
    *sk = secret;
    return CKKS_OK;
}

ckks_status unet_keygen(ckks_sk **sk, ckks_keys **keys, ckks_rng *rng,
                        const ckks_ctx *ctx, const nn_plan *p)
{
    if (sk == NULL || keys == NULL || rng == NULL || ctx == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "unet_keygen: null pointer");
    return client_keys(sk, keys, NULL, rng, ctx, p);
}

ckks_status unet_keygen_maker(ckks_sk **sk, ckks_keys_maker **keys,
                              ckks_rng *rng, const ckks_ctx *ctx,
                              const nn_plan *p)
{
    if (sk == NULL || keys == NULL || rng == NULL || ctx == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "unet_keygen_maker: null pointer");
    return client_keys(sk, NULL, keys, rng, ctx, p);
}

/* ---- encryption, one ciphertext after the other --------------------------- */

struct unet_encryption {
    const nn_plan *plan;
    const unet_pixels *pixels;
    const ckks_ctx *ctx;
    const ckks_sk *sk;
    ckks_rng *rng;
    unet_writer *writer;
    unet_request request;       /* learns what is uploaded                   */
    uint64_t done, left;        /* ciphertexts                               */
    bool whole;                 /* all are written                           */
    double *slots;              /* shape (nn_plan_inputs, slots): of a set   */
};

static size_t client_slots(const nn_plan *p)
{
    return (size_t)nn_plan_inputs(p) * p->layout.slots * sizeof(double);
}

static void client_clear(unet_encryption *e)
{
    if (e->slots != NULL)
        uni_wipe(e->slots, client_slots(e->plan));
    free(e->slots);
    unet_writer_clear(&e->writer);
    unet_request_clear(&e->request);
}

/* To a sink, or to the file path.  e: zeros but for what the caller has. */
static ckks_status client_begin(unet_encryption *e, const unet_job *job,
                                const unet_sink *sink, const char *path)
{
    const nn_plan *p = e->plan;
    ckks_status s = nn_plan_check(p);

    if (s == CKKS_OK)
        s = uni_request_init(&e->request, p, job);
    if (s != CKKS_OK)
        return s;
    e->left = (uint64_t)e->request.job.sets * e->request.inputs;
    e->slots = malloc(client_slots(p));
    if (e->slots == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %d x %zu slots",
                       nn_plan_inputs(p), p->layout.slots);
    s = nn_relay(ckks_rng_bytes(e->request.id, UNET_ID, e->rng), NULL);
    if (s != CKKS_OK)
        return s;
    return sink != NULL
        ? unet_writer_to(&e->writer, sink, p, job, UNET_INPUT, e->request.id,
                         NULL)
        : unet_writer_open(&e->writer, path, p, job, UNET_INPUT,
                           e->request.id, NULL);
}

/* The next ciphertext; before the first one of a set its slots are packed. */
static ckks_status client_next(unet_encryption *e)
{
    const nn_plan *p = e->plan;
    const size_t n = p->layout.slots;
    const size_t k = (size_t)(e->done % e->request.inputs);
    const size_t set = (size_t)(e->done / e->request.inputs);
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    ckks_status s = CKKS_OK;

    if (k == 0)
        s = unet_pack(e->slots, p, &e->request.job, e->pixels, set);
    if (s == CKKS_OK) {
        s = ckks_encode(&pt, e->ctx, e->slots + k * n, NULL, n, p->in_level,
                        p->in_scale);
        if (s == CKKS_OK)
            s = ckks_encrypt_sk(&ct, e->rng, &pt, e->sk);
        s = nn_relay(s, NULL);
    }
    if (s == CKKS_OK)
        s = uni_name_c1(e->request.upload + e->done * UNET_ID, &ct);
    if (s == CKKS_OK)
        s = unet_writer_put(e->writer, &ct);
    if (s == CKKS_OK) {
        e->done++;
        e->left--;
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    return s;
}

ckks_status unet_encryption_init(unet_encryption **out, const unet_sink *sink,
                                 ckks_rng *rng, const nn_plan *p,
                                 const unet_job *job,
                                 const unet_pixels *pixels,
                                 const ckks_ctx *ctx, const ckks_sk *sk)
{
    unet_encryption *e;
    ckks_status s;

    if (out == NULL || sink == NULL || rng == NULL || p == NULL || job == NULL
        || pixels == NULL || ctx == NULL || sk == NULL)
        return nn_fail(CKKS_EARG, "unet_encryption_init: null pointer");
    e = malloc(sizeof *e);
    if (e == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu bytes", sizeof *e);
    *e = (unet_encryption){ .plan = p, .pixels = pixels, .ctx = ctx, .sk = sk,
                            .rng = rng };
    s = client_begin(e, job, sink, NULL);
    if (s != CKKS_OK) {
        unet_encryption_clear(&e);
        return s;
    }
    unet_encryption_clear(out);
    *out = e;
    return CKKS_OK;
}

void unet_encryption_clear(unet_encryption **e)
{
    if (e == NULL || *e == NULL)
        return;
    client_clear(*e);
    free(*e);
    *e = NULL;
}

uint64_t unet_encryption_left(const unet_encryption *e)
{
    return e == NULL ? 0 : e->left;
}

ckks_status unet_encryption_next(unet_encryption *e)
{
    ckks_status s;

    if (e == NULL || e->left == 0)
        return nn_fail(CKKS_EARG, "unet_encryption_next: null pointer, or all "
                       "is encrypted");
    s = client_next(e);
    if (s == CKKS_OK && e->left == 0) {
        s = unet_writer_finish(e->writer, NULL);
        e->whole = s == CKKS_OK;
    }
    return s;
}

const unet_request *unet_encryption_request(const unet_encryption *e)
{
    return e != NULL && e->whole ? &e->request : NULL;
}

/* ---- all at once ------------------------------------------------------------ */

static ckks_status client_all(unet_encryption *e, const char *requests,
                              const unet_progress *progress)
{
    const uint64_t inputs = e->request.inputs;
    ckks_status s = CKKS_OK;

    while (e->left > 0 && s == CKKS_OK) {
        if (e->done % inputs == 0 && progress != NULL && progress->set != NULL)
            progress->set(progress->step.user, (size_t)(e->done / inputs),
                          e->request.job.sets);
        s = client_next(e);
    }
    if (s == CKKS_OK && requests != NULL)
        s = unet_request_save(requests, &e->request);
    if (s == CKKS_OK && progress != NULL && progress->request != NULL)
        s = progress->request(progress->step.user, e->request.id);
    return s;
}

ckks_status unet_encrypt_to(const unet_sink *sink, unet_request *request,
                            ckks_rng *rng, const nn_plan *p,
                            const unet_job *job, const unet_pixels *pixels,
                            const ckks_ctx *ctx, const ckks_sk *sk,
                            const unet_progress *progress)
{
    unet_encryption e = { .plan = p, .pixels = pixels, .ctx = ctx, .sk = sk,
                          .rng = rng };
    ckks_status s;

    if (sink == NULL || rng == NULL || p == NULL || job == NULL
        || pixels == NULL || ctx == NULL || sk == NULL)
        return nn_fail(CKKS_EARG, "unet_encrypt_to: null pointer");
    s = client_begin(&e, job, sink, NULL);
    if (s == CKKS_OK)
        s = client_all(&e, NULL, progress);
    if (s == CKKS_OK)
        s = unet_writer_finish(e.writer, NULL);
    if (s == CKKS_OK && request != NULL) {
        unet_request_clear(request);
        *request = e.request;
        memset(&e.request, 0, sizeof e.request);
    }
    client_clear(&e);
    return s;
}

ckks_status unet_encrypt(const char *path, uint64_t *bytes,
                         const char *requests, ckks_rng *rng,
                         const nn_plan *p, const unet_job *job,
                         const unet_pixels *pixels, const ckks_ctx *ctx,
                         const ckks_sk *sk, const unet_progress *progress)
{
    unet_encryption e = { .plan = p, .pixels = pixels, .ctx = ctx, .sk = sk,
                          .rng = rng };
    ckks_status s;

    if (path == NULL || rng == NULL || p == NULL || job == NULL
        || pixels == NULL || ctx == NULL || sk == NULL)
        return nn_fail(CKKS_EARG, "unet_encrypt: null pointer");
    s = client_begin(&e, job, NULL, path);
    if (s == CKKS_OK)
        s = client_all(&e, requests, progress);
    if (s == CKKS_OK)
        s = unet_writer_finish(e.writer, bytes);
    client_clear(&e);
    return s;
}
