/* check.c -- see check.h. */
#include "scheme/check.h"

#include <math.h>

ckks_status cki_check_one(const ckks_ct *out, const ckks_ct *a,
                          const char *name)
{
    ckks_status s = cki_check_ct(a, name);

    if (s == CKKS_OK && out == NULL)
        s = cki_fail(CKKS_EARG, "%s: null pointer", name);
    return s;
}

static ckks_status check_ctx_level(const ckks_ctx *ctx_a, int level_a,
                                   const ckks_ctx *ctx_b, int level_b,
                                   const char *name)
{
    if (ctx_a != ctx_b)
        return cki_fail(CKKS_ECTX, "%s: operands come from different contexts",
                        name);
    if (level_a != level_b)
        return cki_fail(CKKS_ELEVEL, "%s: levels differ: a %d, b %d", name,
                        level_a, level_b);
    return CKKS_OK;
}

ckks_status cki_check_scales(double a, double b, int level, const char *name)
{
    if (cki_same_scale(a, b))
        return CKKS_OK;
    return cki_fail(CKKS_ESCALE, "%s: scales differ: a 2^%.9f, b 2^%.9f "
                    "(ratio 1 %+.3g); level %d", name, log2(a), log2(b),
                    b / a - 1, level);
}

ckks_status cki_check_two(const ckks_ct *out, const ckks_ct *a,
                          const ckks_ct *b, const char *name)
{
    ckks_status s = cki_check_one(out, a, name);

    if (s == CKKS_OK)
        s = cki_check_ct(b, name);
    if (s == CKKS_OK)
        s = check_ctx_level(a->ctx, a->level, b->ctx, b->level, name);
    return s;
}

ckks_status cki_check_with_plain(const ckks_ct *out, const ckks_ct *a,
                                 const ckks_pt *b, const char *name)
{
    ckks_status s = cki_check_one(out, a, name);

    if (s == CKKS_OK)
        s = cki_check_pt(b, name);
    if (s == CKKS_OK)
        s = check_ctx_level(a->ctx, a->level, b->ctx, b->level, name);
    return s;
}

/* ---- scales, limbs, numbers --------------------------------------------- */

bool cki_same_scale(double a, double b)
{
    return fabs(a - b) <= 0x1p-32 * a;
}

bool cki_scale_fits(const ckks_ctx *ctx, int level, double scale)
{
    return isfinite(scale) && scale >= 1
           && log2(scale) + 1 < ctx->log_q[level];
}

ckks_status cki_check_scale_room(const ckks_ctx *ctx, int level, double scale,
                                 const char *name)
{
    if (cki_scale_fits(ctx, level, scale))
        return CKKS_OK;
    return cki_fail(CKKS_ESCALE, "%s: scale 2^%.2f leaves no room: log2(Q) is "
                    "%.2f at level %d", name, log2(scale), ctx->log_q[level],
                    level);
}

ckks_status cki_check_limb(const uint64_t *x, const ckks_ctx *ctx, int prime,
                           const char *name)
{
    uint64_t p;
    int all;

    if (x == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    all = ctx->num_primes + ctx->num_special;
    if (prime < 0 || prime >= all)
        return cki_fail(CKKS_EARG, "%s: prime number %d, outside 0..%d", name,
                        prime, all - 1);
    p = ctx->rns.mod[prime].p;
    for (size_t i = 0; i < ctx->n; i++)
        if (x[i] >= p)
            return cki_fail(CKKS_EARG, "%s: word %zu is %llu, not below the "
                            "prime %llu", name, i, (unsigned long long)x[i],
                            (unsigned long long)p);
    return CKKS_OK;
}

ckks_status cki_check_real(const ckks_ctx *ctx, double im, const char *name)
{
    if (ctx->real && im != 0)
        return cki_fail(CKKS_EARG, "%s: imaginary part %g; this ring has real "
                        "slots", name, im);
    return CKKS_OK;
}
