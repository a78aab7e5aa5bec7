/* from_words.c -- objects of words and coefficients that another
 * library computed.
 *
 * Read first: docs/interop.md.
 */
#include <math.h>
#include <string.h>

#include "ckks_primitives.h"
#include "scheme/check.h"
#include "scheme/key.h"

/* level and scale are such as the context has, x holds parts polynomials. */
static ckks_status check_words(const void *out, const ckks_ctx *ctx,
                               const uint64_t *x, int parts, int level,
                               double scale, const char *name)
{
    if (out == NULL || ctx == NULL || x == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (level < 0 || level >= ctx->num_primes)
        return cki_fail(CKKS_ELEVEL, "%s: level %d outside 0..%d", name,
                        level, ctx->num_primes - 1);
    if (!isfinite(scale) || scale < 1)
        return cki_fail(CKKS_ESCALE, "%s: scale %g", name, scale);
    for (int k = 0; k < parts; k++)
        for (int i = 0; i <= level; i++, x += ctx->n) {
            ckks_status s = cki_check_limb(x, ctx, i, name);

            if (s != CKKS_OK)
                return s;
        }
    return cki_check_scale_room(ctx, level, scale, name);
}

ckks_status ckks_pt_from_words(ckks_pt *out, const ckks_ctx *ctx,
                               const uint64_t *x, int level, double scale)
{
    CKI_NEAREST;
    CKI_PIN(scale);
    static const char name[] = "ckks_pt_from_words";
    ckks_pt made;
    ckks_status s = check_words(out, ctx, x, 1, level, scale, name);

    if (s == CKKS_OK)
        s = cki_pt_new(&made, ctx, level, scale, name);
    if (s != CKKS_OK)
        return s;
    memcpy(made.limb, x, cki_words(ctx, level) * sizeof *x);
    cki_pt_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_ct_from_words(ckks_ct *out, const ckks_ctx *ctx,
                               const uint64_t *x, int degree, int level,
                               double scale)
{
    CKI_NEAREST;
    CKI_PIN(scale);
    static const char name[] = "ckks_ct_from_words";
    ckks_ct made;
    ckks_status s;

    if (degree < 1 || degree > 2)
        return cki_fail(CKKS_EARG, "%s: degree %d, not 1 or 2", name, degree);
    s = check_words(out, ctx, x, degree + 1, level, scale, name);
    if (s == CKKS_OK)
        s = cki_ct_new(&made, ctx, degree, level, scale, name);
    if (s != CKKS_OK)
        return s;
    memcpy(made.limb, x,
           (size_t)(degree + 1) * cki_words(ctx, level) * sizeof *x);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

/* ---- secret keys: time depends on N alone -------------------------------- */

ckks_status ckks_sk_from_coefficients(ckks_sk **out, const ckks_ctx *ctx,
                                      const int8_t *c)
{
    CKI_NEAREST;
    static const char name[] = "ckks_sk_from_coefficients";
    ckks_sk *made;
    unsigned bad = 0;
    ckks_status s;

    if (out == NULL || ctx == NULL || c == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    for (size_t i = 0; i < ctx->n; i++) {
        const unsigned code = (unsigned)(c[i] + 1);

        bad |= code & ~3u;
        bad |= code & code >> 1 & 1u;               /* 1 for code 3          */
    }
    if (bad != 0)
        return cki_fail(CKKS_EARG, "%s: one of %zu coefficients is none of "
                        "-1, 0, 1", name, ctx->n);
    s = cki_sk_new(&made, ctx, name);
    if (s != CKKS_OK)
        return s;
    memcpy(made->coeff, c, ctx->n);
    cki_sk_expand(made);
    ckks_sk_clear(out);
    *out = made;
    return CKKS_OK;
}

ckks_status ckks_sk_coefficients(int8_t *out, const ckks_sk *sk)
{
    if (out == NULL || sk == NULL)
        return cki_fail(CKKS_EARG, "ckks_sk_coefficients: null pointer");
    memcpy(out, sk->coeff, sk->ctx->n);
    return CKKS_OK;
}
