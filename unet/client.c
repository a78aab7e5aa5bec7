/* client.c -- what the owner of the images does: keys, encryption, decryption.
 *
 * Needs the plan and no weights.  The server's part is in server.c and calls
 * nothing here.  Contracts in unet.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unet.h"

/* The scheme's message becomes libunet's. */
static ckks_status client_relay(ckks_status s)
{
    return s == CKKS_OK ? s : nn_fail(s, "%s", ckks_last_error());
}

ckks_status unet_keygen(ckks_sk **sk, ckks_keys **keys, ckks_rng *rng,
                        const ckks_ctx *ctx, const nn_plan *p)
{
    ckks_sk *secret = NULL;
    ckks_status s;

    if (sk == NULL || keys == NULL || rng == NULL || ctx == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "unet_keygen: null pointer");
    s = ckks_sk_init(&secret, ctx, rng);
    if (s == CKKS_OK)
        s = ckks_keys_init(keys, rng, secret, p->key, p->num_keys);
    if (s != CKKS_OK) {
        ckks_sk_clear(&secret);
        return client_relay(s);
    }
    ckks_sk_clear(sk);
    *sk = secret;
    return CKKS_OK;
}

/* One set of packed slots (nn_plan_inputs, layout.slots) into the file. */
static ckks_status client_encrypt_set(unet_writer *w, const double *slots,
                                      ckks_rng *rng, const nn_plan *p,
                                      const ckks_ctx *ctx, const ckks_sk *sk)
{
    const size_t n = p->layout.slots;
    const int count = nn_plan_inputs(p);
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    ckks_status s = CKKS_OK;

    for (int k = 0; k < count && s == CKKS_OK; k++) {
        s = ckks_encode(&pt, ctx, slots + (size_t)k * n, NULL, n, p->in_level,
                        p->in_scale);
        if (s == CKKS_OK)
            s = ckks_encrypt_sk(&ct, rng, &pt, sk);
        s = client_relay(s);
        if (s == CKKS_OK)
            s = unet_writer_put(w, &ct);
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    return s;
}

ckks_status unet_encrypt(const char *path, uint64_t *bytes, ckks_rng *rng,
                         const nn_plan *p, const unet_job *job,
                         const unet_pixels *pixels, const ckks_ctx *ctx,
                         const ckks_sk *sk, const unet_progress *progress)
{
    unet_writer *w = NULL;
    double *slots;
    ckks_status s;

    if (path == NULL || rng == NULL || p == NULL || job == NULL
        || pixels == NULL || ctx == NULL || sk == NULL)
        return nn_fail(CKKS_EARG, "unet_encrypt: null pointer");
    slots = malloc((size_t)nn_plan_inputs(p) * p->layout.slots
                   * sizeof *slots);
    if (slots == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %d x %zu slots",
                       nn_plan_inputs(p), p->layout.slots);
    s = unet_writer_open(&w, path, p, job, UNET_INPUT);
    for (size_t set = 0; set < job->sets && s == CKKS_OK; set++) {
        if (progress != NULL && progress->set != NULL)
            progress->set(progress->step.user, set, job->sets);
        s = unet_pack(slots, p, job, pixels, set);
        if (s == CKKS_OK)
            s = client_encrypt_set(w, slots, rng, p, ctx, sk);
    }
    if (s == CKKS_OK)
        s = unet_writer_finish(w, bytes);
    unet_writer_clear(&w);
    free(slots);
    return s;
}

double unet_bound(const nn_plan *p)
{
    if (p->params.ring == CKKS_RING_REAL)
        return 64 * fmax(p->logit_max, 1);
    return fmax(64 * p->error_sd, 1e-3);
}

static ckks_status client_result_init(unet_result *r, const nn_plan *p,
                                      const unet_reader *reader)
{
    const unet_job *job = unet_reader_job(reader);
    ckks_status s = unet_job_init(&r->job, p, job->size, job->images);

    if (s != CKKS_OK)
        return s;
    r->logit = calloc(job->images, sizeof *r->logit);
    for (size_t i = 0; i < job->images && r->logit != NULL; i++) {
        size_t size = (size_t)job->size[i].height * (size_t)job->size[i].width;

        if (p->num_classes > 0)
            size = (size_t)p->out_channels;

        r->logit[i] = calloc(size, sizeof **r->logit);
        if (r->logit[i] == NULL)
            return nn_fail(CKKS_EMEM, "no memory for %zu pixels", size);
    }
    if (r->logit == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images", job->images);
    r->bytes = unet_reader_bytes(reader);
    r->bound = unet_bound(p);
    return CKKS_OK;
}

/* The slots (nn_plan_outputs, layout.slots) of one set; im: scratch of
 * layout.slots. */
static ckks_status client_decrypt_set(double *slots, double *im,
                                      unet_result *r, unet_reader *reader,
                                      const nn_plan *p, const ckks_ctx *ctx,
                                      const ckks_sk *sk)
{
    const bool real = p->params.ring == CKKS_RING_REAL;
    const size_t n = p->layout.slots;
    const int count = nn_plan_outputs(p);
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    ckks_status s = CKKS_OK;

    for (int k = 0; k < count && s == CKKS_OK; k++) {
        const double *stray = real ? slots + (size_t)k * n : im;

        s = unet_reader_next(&ct, reader, ctx);
        if (s != CKKS_OK)
            break;
        s = ckks_decrypt(&pt, &ct, sk);
        if (s == CKKS_OK)
            s = ckks_decode(slots + (size_t)k * n, im, n, &pt);
        s = client_relay(s);
        for (size_t j = 0; j < n && s == CKKS_OK; j++)
            r->stray = fmax(r->stray, fabs(stray[j]));
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    return s;
}

static ckks_status client_check_range(const unet_result *r, const nn_plan *p,
                                      const char *path)
{
    if (r->stray < r->bound)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%s: the result has left its range (or the "
                   "secret key is another): %s up to %.3g, the bound is %.3g",
                   path, p->params.ring == CKKS_RING_REAL ? "slots"
                                                          : "imaginary parts",
                   r->stray, r->bound);
}

static ckks_status client_decrypt_all(unet_result *r, unet_reader *reader,
                                      const nn_plan *p, const ckks_ctx *ctx,
                                      const ckks_sk *sk,
                                      const unet_progress *progress)
{
    const size_t n = p->layout.slots;
    double *slots = malloc(((size_t)nn_plan_outputs(p) + 1) * n
                           * sizeof *slots);
    ckks_status s = CKKS_OK;

    if (slots == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %d x %zu slots",
                       nn_plan_outputs(p), n);
    for (size_t set = 0; set < r->job.sets && s == CKKS_OK; set++) {
        if (progress != NULL && progress->set != NULL)
            progress->set(progress->step.user, set, r->job.sets);
        s = client_decrypt_set(slots, slots + (size_t)nn_plan_outputs(p) * n,
                               r, reader, p, ctx, sk);
        if (s == CKKS_OK)
            s = unet_unpack(r->logit, p, &r->job, slots, set);
    }
    free(slots);
    return s;
}

ckks_status unet_decrypt(unet_result *out, const char *path, const nn_plan *p,
                         const ckks_ctx *ctx, const ckks_sk *sk,
                         const unet_progress *progress)
{
    unet_reader *reader = NULL;
    unet_result r = {0};
    ckks_status s;

    if (out == NULL || path == NULL || p == NULL || ctx == NULL || sk == NULL)
        return nn_fail(CKKS_EARG, "unet_decrypt: null pointer");
    s = unet_reader_open(&reader, path, p, UNET_OUTPUT);
    if (s == CKKS_OK)
        s = client_result_init(&r, p, reader);
    if (s == CKKS_OK)
        s = client_decrypt_all(&r, reader, p, ctx, sk, progress);
    if (s == CKKS_OK)
        s = client_check_range(&r, p, path);
    unet_reader_close(&reader);
    if (s != CKKS_OK) {
        unet_result_clear(&r);
        return s;
    }
    unet_result_clear(out);
    *out = r;
    return CKKS_OK;
}

void unet_result_clear(unet_result *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->job.images && r->logit != NULL; i++)
        free(r->logit[i]);
    free(r->logit);
    unet_job_clear(&r->job);
    memset(r, 0, sizeof *r);
}
