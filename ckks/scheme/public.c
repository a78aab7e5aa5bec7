/* public.c -- public keys.
 *
 * Read first: key.h, docs/05-encryption.md.
 */
#include "scheme/key.h"

static size_t pk_bytes(const ckks_ctx *ctx)
{
    return 2 * cki_all_primes(ctx) * ctx->n * sizeof(uint64_t);
}

ckks_status cki_pk_new(ckks_pk **out, const ckks_ctx *ctx, const char *name)
{
    ckks_pk *pk = cki_alloc(&ctx->memory, sizeof *pk);

    if (pk == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        sizeof *pk);
    *pk = (ckks_pk){ .ctx = ctx };
    pk->limb = cki_alloc(&ctx->memory, pk_bytes(ctx));
    if (pk->limb == NULL) {
        cki_free(&ctx->memory, pk, sizeof *pk);
        return cki_fail(CKKS_EMEM, "%s: no memory for a public key of %zu "
                        "bytes", name, pk_bytes(ctx));
    }
    *out = pk;
    return CKKS_OK;
}

void cki_pk_expand(ckks_pk *pk)
{
    const ckks_ctx *ctx = pk->ctx;
    uint64_t *a = pk->limb + cki_all_primes(ctx) * ctx->n;

    for (int t = 0; t < (int)cki_all_primes(ctx); t++)
        cki_expand_limb(a + (size_t)t * ctx->n, pk->seed, 0, t, ctx);
}

ckks_status ckks_pk_init(ckks_pk **out, ckks_rng *rng, const ckks_sk *sk)
{
    CKI_NEAREST;
    const ckks_ctx *ctx;
    ckks_pk *pk;
    uint64_t *work;
    int8_t *e;
    size_t size;
    ckks_status s = cki_check_rng(rng, "ckks_pk_init");

    if (s == CKKS_OK && (out == NULL || sk == NULL))
        s = cki_fail(CKKS_EARG, "ckks_pk_init: null pointer");
    if (s != CKKS_OK)
        return s;
    ctx = sk->ctx;
    size = ctx->n * (sizeof *work + sizeof *e);
    s = cki_pk_new(&pk, ctx, "ckks_pk_init");
    if (s != CKKS_OK)
        return s;
    work = cki_alloc(&ctx->memory, size);
    if (work == NULL) {
        ckks_pk_clear(&pk);
        return cki_fail(CKKS_EMEM, "ckks_pk_init: no memory for %zu bytes",
                        size);
    }
    s = cki_rng_begin(rng, "ckks_pk_init");
    if (s != CKKS_OK) {
        cki_free(&ctx->memory, work, size);
        ckks_pk_clear(&pk);
        return s;
    }
    e = (int8_t *)(work + ctx->n);
    cki_draw_seed(pk->seed, ctx, rng);
    cki_draw_error(e, ctx, rng);
    cki_pk_expand(pk);
    for (size_t t = 0; t < cki_all_primes(ctx); t++)
        cki_hide_limb(pk->limb + t * ctx->n,
                      pk->limb + (cki_all_primes(ctx) + t) * ctx->n,
                      sk->limb + t * ctx->n, e, NULL, 0, work, (int)t, ctx);
    cki_wipe(work, size);
    cki_free(&ctx->memory, work, size);
    ckks_pk_clear(out);
    *out = pk;
    return CKKS_OK;
}

void ckks_pk_clear(ckks_pk **pk)
{
    if (pk == NULL || *pk == NULL)
        return;
    cki_free(&(*pk)->ctx->memory, (*pk)->limb, pk_bytes((*pk)->ctx));
    cki_free(&(*pk)->ctx->memory, *pk, sizeof **pk);
    *pk = NULL;
}
