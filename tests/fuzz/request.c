/* request.c -- what an owner keeps of an upload.  It lies in the owner's own
 * folder, and is believed no more for that.  variant: the network.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "fuzz.h"
#include "vct.h"

enum { HEAD = 56, AT_PLAN = 24, NETS = 3 };

/* A result, the note of its request, and where this is looked for. */
typedef struct answered {
    char vct[128], note[160];
    uint8_t *bytes;
    size_t size;
} answered;

static uint8_t network(const fuzz_input *in)
{
    static const uint8_t small[NETS] = { 0, 2, 3 };

    return small[in->variant % NETS];
}

static void make(answered *a, uint8_t i)
{
    const fuzz_net *net = fuzz_net_at(i);
    const nn_plan *p = &net->plan;
    const unet_size size = { p->core_height, p->core_width };
    double *pixel = fuzz_room((size_t)(size.height * size.width * p->channels)
                              * sizeof *pixel);
    const double *all[] = { pixel };
    const unet_pixels pixels = unet_pixels_array(all);
    char name[24], folder[160];
    unet_job job = { 0 };
    nn_weights *w = NULL;
    unet_request r = { 0 };
    bool ok;

    snprintf(name, sizeof name, "request%u.vct", i);
    strcpy(a->vct, fuzz_place(name));
    strcpy(folder, fuzz_requests());
    ok = unet_job_init(&job, p, &size, 1) == CKKS_OK
         && unet_encrypt(a->vct, NULL, folder, fuzz_rng(), p, &job, &pixels,
                         net->ctx, net->sk, NULL) == CKKS_OK
         && nn_weights_init(&w, &net->model, p) == CKKS_OK
         && unet_evaluate(a->vct, NULL, a->vct, NULL, p, w, net->ctx,
                          net->keys, NULL) == CKKS_OK
         && unet_request_load(&r, folder, a->vct, p) == CKKS_OK;
    fuzz_must(ok, "a request of network %u", i);
    strcpy(a->note, folder);
    strcat(a->note, "/");
    for (int k = 0; k < UNET_ID; k++)
        snprintf(a->note + strlen(a->note), 3, "%02x", r.id[k]);
    strcat(a->note, ".req");
    ok = ckks_file_read(&a->bytes, &a->size, a->note, FUZZ_LARGEST) == CKKS_OK;
    fuzz_must(ok, "the note %s", a->note);
    unet_request_clear(&r);
    nn_weights_clear(&w);
    unet_job_clear(&job);
    fuzz_free(pixel);
}

static const answered *answered_of(const fuzz_input *in)
{
    static answered made[FUZZ_PLANS];
    answered *a = &made[network(in)];

    if (a->bytes == NULL) {
        const unsigned held = fuzz_hold();

        make(a, network(in));
        fuzz_go_on(held);
    }
    return a;
}

/* The plan and the digest. */
static void mend_request(fuzz_input *in)
{
    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < HEAD + VCT_DIGEST)
        fuzz_resize(in, HEAD + VCT_DIGEST);
    nn_plan_fingerprint(in->data + AT_PLAN, &fuzz_net_at(network(in))->plan);
    ckks_blake2b(in->data + in->size - VCT_DIGEST, VCT_DIGEST, in->data,
                 in->size - VCT_DIGEST, NULL, 0);
}

static ckks_status load_request(void *x, const fuzz_input *in)
{
    const answered *a = answered_of(in);
    const unsigned held = fuzz_hold();
    const bool ok = ckks_file_write(a->note, in->data, in->size, 0600)
                    == CKKS_OK;

    fuzz_must(ok, "%s", a->note);
    fuzz_go_on(held);
    return unet_request_load(x, fuzz_requests(), a->vct,
                             &fuzz_net_at(network(in))->plan);
}

static ckks_status save_request(uint8_t **out, size_t *size, const void *x,
                                const fuzz_input *in)
{
    ckks_status s = unet_request_save(fuzz_requests(), x);

    if (s == CKKS_OK)
        s = ckks_file_read(out, size, answered_of(in)->note, FUZZ_LARGEST);
    return s;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* The result is held against it; then its answers are forgotten. */
static void use_request(void *x, const fuzz_input *in)
{
    const fuzz_net *net = fuzz_net_at(network(in));
    const char *path[] = { answered_of(in)->vct };
    unet_result r = { 0 };

    (void)!unet_decrypt(&r, x, path, 1, &net->plan, net->ctx, net->sk, NULL);
    unet_request_forget(x);
    (void)!unet_decrypt(&r, x, path, 1, &net->plan, net->ctx, net->sk, NULL);
    unet_result_clear(&r);
}

static void clear_request(void *x)
{
    unet_request_clear(x);
}

static void misuse_request(const fuzz_input *in)
{
    const answered *a = answered_of(in);
    const nn_plan *p = &fuzz_net_at(network(in))->plan;
    unet_request r = { 0 };

    fuzz_must(unet_request_load(NULL, fuzz_requests(), a->vct, p) == CKKS_EARG
                  && unet_request_load(&r, fuzz_folder(), a->vct, p)
                         == CKKS_EPARAM
                  && unet_request_load(&r, fuzz_requests(), "/none", p)
                         == CKKS_EIO
                  && unet_request_save(NULL, &r) == CKKS_EARG
                  && unet_request_save(fuzz_requests(), &r) == CKKS_EARG,
              "request: misuse was taken");
    unet_request_forget(NULL);
    unet_request_clear(NULL);
}

static void seeds_request(const fuzz_target *t)
{
    for (uint8_t v = 0; v < NETS; v++) {
        const fuzz_input in = { .variant = v };
        const answered *a = answered_of(&in);

        fuzz_seed(t, v, FUZZ_SWEEP | FUZZ_MISUSE, 0, a->bytes, a->size);
        fuzz_seed(t, v, FUZZ_MEND, 0, a->bytes, a->size);
        fuzz_seed(t, v + 1, 0, 0, a->bytes, a->size);
        fuzz_seed(t, v, FUZZ_MEND, 0, a->bytes, a->size - 1);
        fuzz_seed(t, v, 0, 0, a->bytes, 20);
    }
}

const fuzz_target fuzz_request = {
    "request", sizeof(unet_request), mend_request, load_request, save_request,
    same, use_request, clear_request, misuse_request, seeds_request
};
