/* steps.c -- layer 8: single steps on the caller's words, for teaching and
 * for checking one library against another.
 *
 * Read first: docs/conventions.md.
 */
#include "context.h"

/* prime is a number in the context, x holds N words below it. */
static ckks_status check_limb(const uint64_t *x, const ckks_ctx *ctx,
                              int prime, const char *name)
{
    int all;

    if (x == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    all = ctx->num_primes + ctx->num_special;
    if (prime < 0 || prime >= all)
        return cki_fail(CKKS_EARG, "%s: prime number %d, outside 0..%d", name,
                        prime, all - 1);
    for (size_t i = 0; i < ctx->n; i++)
        if (x[i] >= ctx->rns.mod[prime].p)
            return cki_fail(CKKS_EARG, "%s: word %zu is %llu, not below the "
                            "prime %llu", name, i, (unsigned long long)x[i],
                            (unsigned long long)ctx->rns.mod[prime].p);
    return CKKS_OK;
}

ckks_status ckks_ntt(uint64_t *x, const ckks_ctx *ctx, int prime)
{
    ckks_status s = check_limb(x, ctx, prime, "ckks_ntt");

    if (s == CKKS_OK)
        cki_ntt_fwd(&ctx->rns, x, prime);
    return s;
}

ckks_status ckks_ntt_inverse(uint64_t *x, const ckks_ctx *ctx, int prime)
{
    ckks_status s = check_limb(x, ctx, prime, "ckks_ntt_inverse");

    if (s == CKKS_OK)
        cki_ntt_inv(&ctx->rns, x, prime);
    return s;
}
