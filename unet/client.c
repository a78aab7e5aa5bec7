/* client.c -- what the owner of the images does before a result: keys and
 * encryption; decrypt.c does the rest.
 *
 * Needs the plan and no weights.  The server's part is in server.c and calls
 * nothing here.  Contracts in unet.h.
 */
#include <stdlib.h>

#include "vct.h"

/* The scheme's message becomes libunet's. */
ckks_status unet_keygen(ckks_sk **sk, ckks_keys **keys, ckks_rng *rng,
                        const ckks_ctx *ctx, const nn_plan *p)
{
    ckks_sk *secret = NULL;
    ckks_status s;

    if (sk == NULL || keys == NULL || rng == NULL || ctx == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "unet_keygen: null pointer");
    s = nn_plan_check(p);
    if (s != CKKS_OK)
        return s;
    s = ckks_sk_init(&secret, ctx, rng);
    if (s == CKKS_OK)
        s = ckks_keys_init(keys, rng, secret, p->key, p->num_keys);
    if (s != CKKS_OK) {
        ckks_sk_clear(&secret);
        return nn_relay(s, NULL);
    }
    ckks_sk_clear(sk);
    *sk = secret;
    return CKKS_OK;
}

/* One set of packed slots (nn_plan_inputs, layout.slots) into the file; name:
 * shape (nn_plan_inputs, 16), what names the c_1. */
static ckks_status client_encrypt_set(unet_writer *w, uint8_t *name,
                                      const double *slots, ckks_rng *rng,
                                      const nn_plan *p, const ckks_ctx *ctx,
                                      const ckks_sk *sk)
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
        s = nn_relay(s, NULL);
        if (s == CKKS_OK)
            s = uni_name_c1(name + (size_t)k * UNET_ID, &ct);
        if (s == CKKS_OK)
            s = unet_writer_put(w, &ct);
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    return s;
}

/* All sets into a file that is open; the request learns what was uploaded. */
static ckks_status client_encrypt_all(unet_writer *w, unet_request *request,
                                      ckks_rng *rng, const nn_plan *p,
                                      const unet_pixels *pixels,
                                      const ckks_ctx *ctx, const ckks_sk *sk,
                                      const unet_progress *progress)
{
    const unet_job *job = &request->job;
    const size_t row = (size_t)request->inputs * UNET_ID;
    double *slots = malloc((size_t)nn_plan_inputs(p) * p->layout.slots
                           * sizeof *slots);
    ckks_status s = CKKS_OK;

    if (slots == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %d x %zu slots",
                       nn_plan_inputs(p), p->layout.slots);
    for (size_t set = 0; set < job->sets && s == CKKS_OK; set++) {
        if (progress != NULL && progress->set != NULL)
            progress->set(progress->step.user, set, job->sets);
        s = unet_pack(slots, p, job, pixels, set);
        if (s == CKKS_OK)
            s = client_encrypt_set(w, request->upload + set * row, slots, rng,
                                   p, ctx, sk);
    }
    free(slots);
    return s;
}

ckks_status unet_encrypt(const char *path, uint64_t *bytes,
                         const char *requests, ckks_rng *rng,
                         const nn_plan *p, const unet_job *job,
                         const unet_pixels *pixels, const ckks_ctx *ctx,
                         const ckks_sk *sk, const unet_progress *progress)
{
    unet_writer *w = NULL;
    unet_request request = {0};
    ckks_status s;

    if (path == NULL || rng == NULL || p == NULL || job == NULL
        || pixels == NULL || ctx == NULL || sk == NULL)
        return nn_fail(CKKS_EARG, "unet_encrypt: null pointer");
    s = nn_plan_check(p);
    if (s == CKKS_OK)
        s = uni_request_init(&request, p, job);
    if (s == CKKS_OK)
        s = nn_relay(ckks_rng_bytes(request.id, UNET_ID, rng), NULL);
    if (s == CKKS_OK)
        s = unet_writer_open(&w, path, p, job, UNET_INPUT, request.id, NULL);
    if (s == CKKS_OK)
        s = client_encrypt_all(w, &request, rng, p, pixels, ctx, sk, progress);
    if (s == CKKS_OK && requests != NULL)
        s = unet_request_save(requests, &request);
    if (s == CKKS_OK && progress != NULL && progress->request != NULL)
        s = progress->request(progress->step.user, request.id);
    if (s == CKKS_OK)
        s = unet_writer_finish(w, bytes);
    unet_writer_clear(&w);
    unet_request_clear(&request);
    return s;
}
