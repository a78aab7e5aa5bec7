/* check.c -- see operands.h. */
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
