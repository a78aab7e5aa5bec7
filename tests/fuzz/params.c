/* params.c -- parameters as bytes, of libckks and of SEAL: what loads makes a
 * context, and that saves to the same bytes.
 */
#include <string.h>

#include "base/bytes.h"
#include "objects.h"
#include "seal/seal.h"

enum { TOY_LOG_N = 6, TOY_PRIMES = 8 };

/* NULL: refused, or too large to be tried. */
static ckks_ctx *make(const ckks_params *p)
{
    ckks_ctx *ctx = NULL;

    if (p->num_primes <= TOY_PRIMES && p->log_n <= TOY_LOG_N)
        (void)!ckks_ctx_init(&ctx, p);
    return ctx;
}

static void none(void *x)
{
    (void)x;
}

/* ---- libckks's ----------------------------------------------------------- */

static void mend_params(fuzz_input *in)
{
    uint64_t primes;
    uint8_t flags;

    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < CKI_HEAD + 64)
        fuzz_resize(in, CKI_HEAD + 64);
    flags = in->data[7] & 1;
    primes = cki_load64(in->data + CKI_HEAD + 16)
             + cki_load64(in->data + CKI_HEAD + 24);
    if (primes <= CKKS_MAX_PRIMES + CKKS_MAX_SPECIAL)
        fuzz_resize(in, CKI_HEAD + 64 + 8 * primes);
    fuzz_frame(in, CKI_KIND_PARAMS);
    in->data[7] = flags;
    ckks_blake2b(in->data + 24, 16, in->data + CKI_HEAD,
                 in->size - CKI_HEAD - 8, NULL, 0);
    if (in->data[FUZZ_AT_SUM] == 1)
        cki_head_seal(in->data, in->size);
}

static ckks_status load_params(void *x, const fuzz_input *in)
{
    return ckks_params_load(x, in->data, in->size);
}

static void use_params(void *x, const fuzz_input *in)
{
    ckks_ctx *ctx = make(x);
    ckks_sk *sk = NULL;
    const size_t size = ckks_params_size(ctx);
    uint8_t *out = fuzz_room(size);

    if (ctx == NULL) {
        fuzz_free(out);
        return;
    }
    fuzz_must(ckks_params_save(out, size, ctx) == CKKS_OK && size == in->size
                  && fuzz_same_object(in->data, out, size),
              "params: %zu bytes were loaded, other %zu are saved", in->size,
              size);
    if (ckks_sk_init(&sk, ctx, fuzz_rng()) == CKKS_OK)
        fuzz_use_key(ctx, sk, NULL, NULL);
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&ctx);
    fuzz_free(out);
}

static void misuse_params(const fuzz_input *in)
{
    const ckks_ctx *ctx = fuzz_world_at(0)->ctx;
    const size_t size = ckks_params_size(ctx);
    uint8_t *room = fuzz_room(size);

    fuzz_must(ckks_params_save(room, size, ctx) == CKKS_OK
                  && ckks_params_load(NULL, room, size) == CKKS_EARG
                  && ckks_params_load(NULL, NULL, 0) == CKKS_EARG
                  && ckks_params_size(NULL) == 0
                  && ckks_params_save(room, size, NULL) == CKKS_EARG
                  && ckks_params_save(room, size - 1, ctx) == CKKS_EARG
                  && ckks_params_save(NULL, size, ctx) == CKKS_EARG
                  && in->data != NULL, "params: misuse was taken");
    fuzz_free(room);
}

static void seeds_params(const fuzz_target *t)
{
    for (uint8_t i = 0; i < FUZZ_CONTEXTS; i++) {
        const ckks_ctx *ctx = fuzz_world_at(i)->ctx;
        const size_t size = ckks_params_size(ctx);
        uint8_t *out = fuzz_room(size);

        fuzz_must(ckks_params_save(out, size, ctx) == CKKS_OK, "params");
        fuzz_seed(t, i, FUZZ_MEND, 0, out, size);
        fuzz_seed(t, i, FUZZ_SWEEP | FUZZ_MISUSE, 0, out, size);
        fuzz_free(out);
    }
}

const fuzz_target fuzz_params = {
    "params", sizeof(ckks_params), mend_params, load_params, NULL, NULL,
    use_params, none, misuse_params, seeds_params
};

/* ---- SEAL's -------------------------------------------------------------- */

enum { FIELDS = 33, MODULUS = 24 };

/* The headers and the size that K asks for. */
static void mend_seal_params(fuzz_input *in)
{
    uint64_t k;

    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < FIELDS)
        fuzz_resize(in, FIELDS);
    k = cki_load64(in->data + 25);
    if (k > CKKS_MAX_PRIMES)
        return;
    fuzz_resize(in, FIELDS + MODULUS * (k + 1));
    cki_seal_head_write(in->data, in->size);
    for (uint64_t t = 0; t <= k; t++)
        cki_seal_head_write(in->data + FIELDS + MODULUS * t, MODULUS);
}

static ckks_status load_seal_params(void *x, const fuzz_input *in)
{
    return ckks_seal_params_load(x, in->data, in->size);
}

static void use_seal_params(void *x, const fuzz_input *in)
{
    ckks_params *p = x;
    ckks_ctx *ctx;
    size_t size;
    uint8_t *out;

    p->security = CKKS_INSECURE;        /* SEAL's files do not say           */
    ctx = make(p);
    size = ckks_seal_params_size(ctx);
    out = fuzz_room(size);
    if (size > 0)
        fuzz_must(ckks_seal_params_save(out, size, ctx) == CKKS_OK
                      && size == in->size
                      && fuzz_same_seal(in->data, out, size),
                  "seal_params: not the bytes that were loaded");
    ckks_ctx_clear(&ctx);
    fuzz_free(out);
}

static void misuse_seal_params(const fuzz_input *in)
{
    const ckks_ctx *ctx = fuzz_world_at(FUZZ_SEAL)->ctx;
    ckks_params p;
    uint8_t byte[1];

    fuzz_must(ckks_seal_params_load(NULL, in->data, in->size) == CKKS_EARG
                  && ckks_seal_params_load(&p, NULL, 0) == CKKS_EARG
                  && ckks_seal_params_size(NULL) == 0
                  && ckks_seal_params_save(byte, 1, NULL) == CKKS_EARG
                  && ckks_seal_params_save(byte, 1, ctx) == CKKS_EARG,
              "seal_params: misuse was taken");
    for (unsigned i = 0; i < FUZZ_CONTEXTS; i++)
        fuzz_must(i == FUZZ_SEAL
                      || (ckks_seal_params_size(fuzz_world_at(i)->ctx) == 0
                          && ckks_seal_params_save(byte, 1,
                                                   fuzz_world_at(i)->ctx)
                                 == CKKS_EPARAM),
                  "seal_params: context %u is none of SEAL", i);
}

static void seeds_seal_params(const fuzz_target *t)
{
    const ckks_ctx *ctx = fuzz_world_at(FUZZ_SEAL)->ctx;
    const size_t size = ckks_seal_params_size(ctx);
    uint8_t *out = fuzz_room(size);

    fuzz_must(ckks_seal_params_save(out, size, ctx) == CKKS_OK, "params");
    fuzz_seed(t, 0, FUZZ_MEND, 0, out, size);
    fuzz_seed(t, 0, FUZZ_SWEEP | FUZZ_MISUSE, 0, out, size);
    fuzz_free(out);
}

const fuzz_target fuzz_seal_params = {
    "seal_params", sizeof(ckks_params), mend_seal_params, load_seal_params,
    NULL, NULL, use_seal_params, none, misuse_seal_params, seeds_seal_params
};
