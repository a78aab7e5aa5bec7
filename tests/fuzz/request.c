/* request.c -- what an owner keeps of an upload.  It lies in the owner's own
 * folder, and is believed no more for that.  variant: the network.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "vct.h"

enum { HEAD = 56, AT_PLAN = 24, NETS = 3 };

enum { IMAGES = 3, RESULTS = 4 };
enum { WHOLE, FIRST, REST, OTHER };

/* The result of an upload of a few sets, its two parts, and one of another
 * upload; the note of the first one's request, and where it is looked for. */
typedef struct answered {
    char result[RESULTS][128], note[160];
    uint8_t *bytes;
    size_t size;
} answered;

static uint8_t network(const fuzz_input *in)
{
    static const uint8_t small[NETS] = { 0, 2, 3 };

    return small[in->variant % NETS];
}

static bool upload(const char *path, const fuzz_net *net, const unet_job *job)
{
    const nn_plan *p = &net->plan;
    double *pixel = fuzz_room((size_t)(p->core_height * p->core_width
                                       * p->channels) * sizeof *pixel);
    const double *all[IMAGES] = { pixel, pixel, pixel };
    const unet_pixels pixels = unet_pixels_array(all);
    const bool ok = unet_encrypt(path, NULL, fuzz_requests(), fuzz_rng(), p,
                                 job, &pixels, net->ctx, net->sk, NULL)
                    == CKKS_OK;

    fuzz_free(pixel);
    return ok;
}

static bool answer(const answered *a, const fuzz_net *net, const unet_job *job)
{
    const unet_part first = { 0, 1 }, rest = { 1, job->sets - 1 };
    const unet_part *const part[] = { NULL, &first, &rest, NULL };
    const char *in = fuzz_place("up.vct");
    nn_weights *w = NULL;
    bool ok = nn_weights_init(&w, &net->model, &net->plan) == CKKS_OK
              && upload(in, net, job);

    for (int k = 0; k < RESULTS && ok; k++)
        ok = (k != OTHER || upload(in, net, job))
             && unet_evaluate(a->result[k], NULL, in, part[k], NULL,
                              &net->plan, w, net->ctx, net->keys, NULL) == CKKS_OK;
    nn_weights_clear(&w);
    return ok;
}

static void make(answered *a, uint8_t i)
{
    const fuzz_net *net = fuzz_net_at(i);
    const nn_plan *p = &net->plan;
    const unet_size one = { p->core_height, p->core_width };
    const unet_size size[IMAGES] = { one, one, one };
    char name[24];
    unet_job job = { 0 };
    unet_request r = { 0 };
    bool ok;

    for (unsigned k = 0; k < RESULTS; k++) {
        snprintf(name, sizeof name, "result%u-%u.vct", i, k);
        strcpy(a->result[k], fuzz_place(name));
    }
    ok = unet_job_init(&job, p, size, IMAGES) == CKKS_OK
         && answer(a, net, &job)
         && unet_request_load(&r, fuzz_requests(), a->result[WHOLE], p)
                == CKKS_OK;
    fuzz_must(ok, "a request of network %u", i);
    strcpy(a->note, fuzz_requests());
    strcat(a->note, "/");
    for (int k = 0; k < UNET_ID; k++)
        snprintf(a->note + strlen(a->note), 3, "%02x", r.id[k]);
    strcat(a->note, ".req");
    ok = ckks_file_read(&a->bytes, &a->size, a->note, FUZZ_LARGEST) == CKKS_OK;
    fuzz_must(ok, "the note %s", a->note);
    unet_request_clear(&r);
    unet_job_clear(&job);
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
    (void)!nn_plan_fingerprint(in->data + AT_PLAN,
                               &fuzz_net_at(network(in))->plan);
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
    return unet_request_load(x, fuzz_requests(), a->result[WHOLE],
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

/* In memory it is what it is in a file, and comes back. */
static void in_memory(const unet_request *x, const fuzz_input *in)
{
    const nn_plan *p = &fuzz_net_at(network(in))->plan;
    const size_t size = unet_request_size(x);
    uint8_t *bytes = fuzz_room(size), *again = fuzz_room(size);
    unet_request r = { 0 };

    fuzz_must(unet_request_bytes(bytes, size, x) == CKKS_OK, "request: %s",
              nn_last_error());
    if (unet_request_parse(&r, bytes, size, p) == CKKS_OK)
        fuzz_must(unet_request_bytes(again, size, &r) == CKKS_OK
                      && memcmp(bytes, again, size) == 0,
                  "request: other bytes");
    else
        fuzz_must(in->fault != 0, "request: %s", nn_last_error());
    unet_request_clear(&r);
    fuzz_free(bytes);
    fuzz_free(again);
}

/* Its images anew, to memory: by steps, with keys of a maker, or at once. */
static ckks_status encrypt_anew(unet_memory *m, const unet_request *x,
                                const fuzz_net *net,
                                const unet_pixels *pixels, bool steps)
{
    const unet_sink sink = unet_memory_sink(m, "memory");
    const nn_plan *p = &net->plan;
    unet_encryption *e = NULL;
    ckks_keys_maker *maker = NULL;
    ckks_sk *sk = NULL;
    unet_request r = { 0 };
    ckks_status s;

    if (!steps) {
        s = unet_encrypt_to(&sink, &r, fuzz_rng(), p, &x->job, pixels,
                            net->ctx, net->sk, NULL);
        unet_request_clear(&r);
        return s;
    }
    s = unet_keygen_maker(&sk, &maker, fuzz_rng(), net->ctx, p);
    if (s == CKKS_OK)
        s = unet_encryption_init(&e, &sink, fuzz_rng(), p, &x->job, pixels,
                                 net->ctx, sk);
    while (s == CKKS_OK && unet_encryption_left(e) > 0)
        s = unet_encryption_next(e);
    fuzz_must((s == CKKS_OK) == (unet_encryption_request(e) != NULL),
              "request: %s", ckks_status_name(s));
    unet_encryption_clear(&e);
    ckks_keys_maker_clear(&maker);
    ckks_sk_clear(&sk);
    return s;
}

static void encrypt(const unet_request *x, const fuzz_input *in)
{
    const fuzz_net *net = fuzz_net_at(network(in));
    const nn_plan *p = &net->plan;
    const unet_size most = { p->core_height, p->core_width };
    double *pixel = fuzz_room((size_t)(most.height * most.width * p->channels)
                              * sizeof *pixel);
    const double *all[IMAGES] = { pixel, pixel, pixel };
    const unet_pixels pixels = unet_pixels_array(all);
    unet_memory m = { 0 };
    bool same_sizes = x->job.images <= IMAGES;
    ckks_status s;

    for (size_t i = 0; i < x->job.images && same_sizes; i++)
        same_sizes = x->job.size[i].height == most.height
                     && x->job.size[i].width == most.width;
    for (int steps = 0; steps < 2 && same_sizes; steps++) {
        s = encrypt_anew(&m, x, net, &pixels, steps);
        fuzz_must(in->fault != 0 || s == CKKS_OK, "request: %s",
                  nn_last_error());
        unet_memory_clear(&m);
    }
    fuzz_free(pixel);
}

/* Results are held against it, whole and in parts, some of them missing,
 * doubled or of another request. */
static void use_request(void *x, const fuzz_input *in)
{
    static const int taken[][2] = { { WHOLE, -1 }, { FIRST, REST },
                                    { REST, FIRST }, { FIRST, -1 },
                                    { FIRST, FIRST }, { OTHER, -1 },
                                    { FIRST, OTHER } };
    const fuzz_net *net = fuzz_net_at(network(in));
    const answered *a = answered_of(in);
    unet_result r = { 0 };

    in_memory(x, in);
    if (fuzz_patient(in))
        encrypt(x, in);
    for (size_t k = 0; k < sizeof taken / sizeof *taken; k++) {
        const int second = taken[k][1];
        const char *path[] = { a->result[taken[k][0]],
                               a->result[second < 0 ? 0 : second] };

        (void)!unet_decrypt(&r, k % 2 ? NULL : x, path, second < 0 ? 1 : 2,
                            &net->plan, net->ctx, net->sk, NULL);
        unet_request_forget(x);
    }
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

    const fuzz_net *net = fuzz_net_at(network(in));
    const unet_source none = { 0 };
    unet_result result = { 0 };
    unet_encryption *e = NULL;
    unet_sink sink = { 0 };

    fuzz_must(unet_request_bytes(NULL, 1, &r) == CKKS_EARG
                  && unet_request_parse(&r, NULL, 1, p) == CKKS_EARG
                  && unet_encrypt_to(&sink, NULL, fuzz_rng(), p, NULL, NULL,
                                     net->ctx, net->sk, NULL) == CKKS_EARG
                  && unet_encryption_init(&e, NULL, fuzz_rng(), p, NULL, NULL,
                                          net->ctx, net->sk) == CKKS_EARG
                  && unet_encryption_next(e) == CKKS_EARG
                  && unet_keygen_maker(NULL, NULL, fuzz_rng(), net->ctx, p)
                         == CKKS_EARG
                  && unet_decrypt_from(&result, NULL, &none, 1, p, net->ctx,
                                       net->sk, NULL) == CKKS_EARG
                  && unet_decrypt_from(NULL, NULL, &none, 1, p, net->ctx,
                                       net->sk, NULL) == CKKS_EARG,
              "request: misuse of sources and sinks was taken");
    unet_memory_clear(NULL);
    unet_encryption_clear(NULL);
    fuzz_must(unet_request_load(NULL, fuzz_requests(), a->result[WHOLE], p)
                      == CKKS_EARG
                  && unet_request_load(&r, fuzz_folder(), a->result[WHOLE], p)
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
