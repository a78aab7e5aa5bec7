/* scalar.c -- sums and products with numbers: add_const, mul_const,
 * mul_int, and neg, the product with -1.
 *
 * Read first: docs/06-levels.md; add.c for the order of check, allocate and
 * compute.
 */
#include <math.h>

#include "ckks_primitives.h"
#include "scheme/check.h"

/* out = c a, one factor a half of each limb: in NTT order X^(N/2) takes the
 * value I = psi^(N/2) at the first half of the indices and -I at the second,
 * so re + im X^(N/2) is a constant on each half. */
static void times_gaussian(ckks_ct *out, const ckks_ct *a, double re,
                           double im)
{
    const ckks_ctx *ctx = a->ctx;
    const size_t half = ctx->n / 2;

    for (int i = 0; i <= a->level; i++) {
        const cki_mod *m = &ctx->rns.mod[i];
        uint64_t x = cki_from_double(re, m);
        uint64_t y = cki_mul(cki_from_double(im, m),
                             cki_pow(ctx->rns.psi[i], half, m), m);
        uint64_t w[2] = { cki_add(x, y, m->p), cki_sub(x, y, m->p) };

        for (int k = 0; k <= a->degree; k++)
            for (size_t h = 0; h < 2; h++)
                ctx->rns.kernel->scale_add(
                    cki_ct_limb(out, k, i) + h * half,
                    cki_ct_limb(a, k, i) + h * half, w[h], NULL, half, m);
    }
}

/* out = a (X^(N/2) + X^(-N/2)): at place i X is psi^e, e = 4 br(i) + 1, and
 * theta = psi^(N/2) is a root of order 8: theta^e is theta where br(i) is even,
 * i < N/2, and -theta elsewhere; (theta + 1/theta)^2 = 2.  Slot j belongs to e
 * = 5^j, which is 1 mod 8 for even j, 5 for odd. */
ckks_status ckks_mul_alternating(ckks_ct *out, const ckks_ct *a)
{
    CKI_NEAREST;
    const char *name = "ckks_mul_alternating";
    ckks_ct made;
    ckks_status s = cki_check_one(out, a, name);

    if (s == CKKS_OK && !a->ctx->real)
        s = cki_fail(CKKS_EARG, "%s: in the real ring only", name);
    if (s == CKKS_OK)
        s = cki_ct_over(&made, out, a, NULL, a->ctx, a->degree, a->level,
                        a->scale, name);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i <= a->level; i++) {
        const cki_mod *m = &a->ctx->rns.mod[i];
        const size_t half = a->ctx->n / 2;
        const uint64_t theta = cki_pow(a->ctx->rns.psi[i], half, m);
        const uint64_t root = cki_add(theta, cki_inv(theta, m), m->p);

        for (int k = 0; k <= a->degree; k++)
            for (size_t h = 0; h < 2; h++)
                a->ctx->rns.kernel->scale_add(
                    cki_ct_limb(&made, k, i) + h * half,
                    cki_ct_limb(a, k, i) + h * half,
                    h == 0 ? root : m->p - root, NULL, half, m);
    }
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_mul_const(ckks_ct *out, const ckks_ct *a, double re,
                           double im, double scale)
{
    CKI_NEAREST;
    CKI_PIN(re);
    CKI_PIN(im);
    CKI_PIN(scale);
    ckks_ct made;
    ckks_status s = cki_check_one(out, a, "ckks_mul_const");

    if (s != CKKS_OK)
        return s;
    if (!isfinite(re) || !isfinite(im))
        return cki_fail(CKKS_EARG, "ckks_mul_const: constant %g + %g i", re,
                        im);
    if (!(scale >= 1))
        return cki_fail(CKKS_ESCALE, "ckks_mul_const: scale %g below 1",
                        scale);
    if (fabs(re) * scale >= 0x1p62 || fabs(im) * scale >= 0x1p62)
        return cki_fail(CKKS_EARG, "ckks_mul_const: constant %g + %g i times "
                        "scale %g is not below 2^62", re, im, scale);
    s = cki_check_real(a->ctx, im, "ckks_mul_const");
    if (s == CKKS_OK)
        s = cki_check_scale_room(a->ctx, a->level, a->scale * scale,
                                 "ckks_mul_const");
    if (s == CKKS_OK)
        s = cki_ct_over(&made, out, a, NULL, a->ctx, a->degree, a->level,
                        a->scale * scale, "ckks_mul_const");
    if (s != CKKS_OK)
        return s;
    times_gaussian(&made, a, round(re * scale), round(im * scale));
    cki_ct_give(out, &made);
    return CKKS_OK;
}

static ckks_status mul_signed(ckks_ct *out, const ckks_ct *a, int64_t c,
                              const char *name)
{
    ckks_ct made;
    ckks_status s = cki_check_one(out, a, name);

    if (s == CKKS_OK)
        s = cki_ct_over(&made, out, a, NULL, a->ctx, a->degree, a->level,
                        a->scale, name);
    if (s != CKKS_OK)
        return s;
    for (int k = 0; k <= a->degree; k++)
        for (int i = 0; i <= a->level; i++) {
            const cki_mod *m = &a->ctx->rns.mod[i];

            a->ctx->rns.kernel->scale_add(cki_ct_limb(&made, k, i),
                                          cki_ct_limb(a, k, i),
                                          cki_from_signed(c, m), NULL,
                                          a->ctx->n, m);
        }
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_mul_int(ckks_ct *out, const ckks_ct *a, int64_t c)
{
    CKI_NEAREST;
    return mul_signed(out, a, c, "ckks_mul_int");
}

ckks_status ckks_neg(ckks_ct *out, const ckks_ct *a)
{
    CKI_NEAREST;
    return mul_signed(out, a, -1, "ckks_neg");
}

/* z[k] += w, n words. */
static void add_word(uint64_t *z, uint64_t w, size_t n, const ckks_ctx *ctx,
                     const cki_mod *m)
{
    uint64_t same[CKI_TILE];

    for (size_t k = 0; k < CKI_TILE && k < n; k++)
        same[k] = w;
    for (size_t k = 0; k < n; k += CKI_TILE)
        ctx->rns.kernel->add(z + k, z + k, same, cki_tile(k, n), m);
}

ckks_status ckks_add_const(ckks_ct *out, const ckks_ct *a, double re,
                           double im)
{
    CKI_NEAREST;
    CKI_PIN(re);
    CKI_PIN(im);
    const ckks_ctx *ctx;
    double x, y;
    ckks_status s = cki_check_one(out, a, "ckks_add_const");

    if (s != CKKS_OK)
        return s;
    ctx = a->ctx;
    if (!isfinite(re) || !isfinite(im))
        return cki_fail(CKKS_EARG, "ckks_add_const: constant %g + %g i", re,
                        im);
    x = round(re * a->scale);
    y = round(im * a->scale);
    if (log2(fmax(fmax(fabs(x), fabs(y)), 1)) + 1 >= ctx->log_q[a->level])
        return cki_fail(CKKS_ESCALE, "ckks_add_const: constant %g + %g i times "
                        "scale 2^%.2f is not below Q/2, log2(Q) %.2f", re, im,
                        log2(a->scale), ctx->log_q[a->level]);
    s = cki_check_real(ctx, im, "ckks_add_const");
    if (s == CKKS_OK)
        s = cki_ct_copy(out, a, "ckks_add_const");  /* nothing if out is a   */
    if (s != CKKS_OK)
        return s;
    out->seeded = 0;
    for (int i = 0; i <= out->level; i++) {
        const cki_mod *m = &ctx->rns.mod[i];
        uint64_t *z = cki_ct_limb(out, 0, i), u = cki_from_double(x, m);
        uint64_t v = cki_mul(cki_from_double(y, m),
                             cki_pow(ctx->rns.psi[i], ctx->n / 2, m), m);
        uint64_t w[2] = { cki_add(u, v, m->p), cki_sub(u, v, m->p) };

        for (size_t h = 0; h < 2; h++)
            add_word(z + h * (ctx->n / 2), w[h], ctx->n / 2, ctx, m);
    }
    return CKKS_OK;
}
