/* secret.c -- secret keys.
 *
 * Read first: key.h, docs/05-encryption.md.
 */
#include "scheme/key.h"

static ckks_status check_ctx(const ckks_ctx *ctx, const char *name)
{
    if (ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null context", name);
    return CKKS_OK;
}

ckks_status cki_sk_new(ckks_sk **out, const ckks_ctx *ctx, const char *name)
{
    ckks_sk *sk = cki_alloc(&ctx->memory, sizeof *sk);
    size_t words = cki_all_primes(ctx) * ctx->n * sizeof(uint64_t);

    if (sk == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        sizeof *sk);
    *sk = (ckks_sk){ .ctx = ctx, .size = words + ctx->n };
    sk->limb = cki_alloc(&ctx->memory, sk->size);
    if (sk->limb == NULL) {
        cki_free(&ctx->memory, sk, sizeof *sk);
        return cki_fail(CKKS_EMEM, "%s: no memory for a secret key of %zu "
                        "bytes", name, words + ctx->n);
    }
    sk->coeff = (int8_t *)(sk->limb + cki_all_primes(ctx) * ctx->n);
    *out = sk;
    return CKKS_OK;
}

void cki_sk_expand(ckks_sk *sk)
{
    const ckks_ctx *ctx = sk->ctx;

    for (int t = 0; t < (int)cki_all_primes(ctx); t++) {
        uint64_t *limb = sk->limb + (size_t)t * ctx->n;

        cki_from_small(&ctx->rns, limb, sk->coeff, t);
        cki_ntt_fwd(&ctx->rns, limb, t);
    }
}

ckks_status ckks_sk_init(ckks_sk **out, const ckks_ctx *ctx, ckks_rng *rng)
{
    CKI_NEAREST;
    ckks_sk *sk;
    cki_stream st;
    ckks_status s = check_ctx(ctx, "ckks_sk_init");

    if (s == CKKS_OK)
        s = cki_check_rng(rng, "ckks_sk_init");
    if (s == CKKS_OK && out == NULL)
        s = cki_fail(CKKS_EARG, "ckks_sk_init: null pointer");
    if (s == CKKS_OK)
        s = cki_sk_new(&sk, ctx, "ckks_sk_init");
    if (s != CKKS_OK)
        return s;
    s = cki_rng_begin(rng, "ckks_sk_init");
    if (s != CKKS_OK) {
        ckks_sk_clear(&sk);
        return s;
    }
    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_sample_ternary(sk->coeff, ctx->n, &st);
    cki_wipe(&st, sizeof st);
    cki_sk_expand(sk);
    ckks_sk_clear(out);
    *out = sk;
    return CKKS_OK;
}

void ckks_sk_clear(ckks_sk **sk)
{
    if (sk == NULL || *sk == NULL)
        return;
    cki_wipe((*sk)->limb, (*sk)->size);
    cki_free(&(*sk)->ctx->memory, (*sk)->limb, (*sk)->size);
    cki_free(&(*sk)->ctx->memory, *sk, sizeof **sk);
    *sk = NULL;
}
