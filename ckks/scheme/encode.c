/* encode.c -- slots to plaintexts.
 *
 * Read first: docs/04-encoding.md, embed.h.  The real coefficients of embed.c
 * are rounded to integers, halves away from zero, and reduced modulo every
 * prime.
 */
#include <math.h>

#include "scheme/check.h"

static const double two60 = 1152921504606846976.0;
static const double two62 = 4611686018427387904.0;
static const double two120 = 1329227995784915872903807060280344576.0;

/* The nearest integer, halves away from zero, for |x| < 2^62: the difference
 * to the integer part is exact. */
static inline int64_t round_away(double x)
{
    int64_t a = (int64_t)x;
    double d = x - (double)a;

    return a + (d >= 0.5) - (d <= -0.5);
}

/* Reduction of c, |c| < 2^62, modulo p and times w: with offset the least
 * multiple of p above 2^62, c + offset is positive and below 2^63 + p, and a
 * Shoup product takes any word (Lemma S). */
typedef struct reducer {
    uint64_t p, offset;
    uint64_t one;           /* Shoup companion of 1                          */
    uint64_t w60, s60;      /* 2^60 mod p and its companion                  */
} reducer;

static reducer reducer_make(const cki_mod *m)
{
    reducer r = { .p = m->p };

    r.offset = (((uint64_t)1 << 62) / m->p + 1) * m->p;
    r.one = cki_shoup(1, m);
    r.w60 = cki_reduce((uint64_t)1 << 60, m);
    r.s60 = cki_shoup(r.w60, m);
    return r;
}

static inline uint64_t reduce_int(int64_t c, const reducer *r)
{
    return cki_mul_shoup((uint64_t)c + r->offset, 1, r->one, r->p);
}

/* low + 2^60 high */
static inline uint64_t reduce_two(int64_t low, int64_t high, const reducer *r)
{
    uint64_t h = cki_mul_shoup((uint64_t)high + r->offset, r->w60, r->s60,
                               r->p);

    return cki_add(h, reduce_int(low, r), r->p);
}

/* The nearest integer to c, |c| < 2^120, as low + 2^60 high: nothing is
 * rounded but the last difference. */
static inline void split60(int64_t *low, int64_t *high, double c)
{
    *high = (int64_t)(c / two60);
    *low = round_away(c - (double)*high * two60);
}

/* limb = the integers low + 2^60 high modulo p; high is NULL if all are 0, and
 * then |low| <= top < 2^62. */
static void reduce_limb(uint64_t *limb, const int64_t *low,
                        const int64_t *high, uint64_t top, size_t n,
                        const cki_mod *m, const cki_kernel *kernel)
{
    const reducer r = reducer_make(m);

    if (high != NULL)
        for (size_t k = 0; k < n; k++)
            limb[k] = reduce_two(low[k], high[k], &r);
    else if (top >= m->p)
        for (size_t k = 0; k < n; k++)
            limb[k] = reduce_int(low[k], &r);
    else                                            /* the common case       */
        kernel->lift(limb, (const uint64_t *)low, INT64_MAX, m->p, n);
    VERIFY_BELOW(limb, n, m->p);
}

/* Every limb of pt, NTT form. */
static void plaintext_fill(ckks_pt *pt, const int64_t *low,
                           const int64_t *high, uint64_t top)
{
    const ckks_ctx *ctx = pt->ctx;

    CKI_PARALLEL
    for (int i = 0; i <= pt->level; i++) {
        CKI_NEAREST;
        uint64_t *limb = cki_pt_limb(pt, i);

        reduce_limb(limb, low, high, top, ctx->n, &ctx->rns.mod[i],
                    ctx->rns.kernel);
        cki_ntt_fwd(&ctx->rns, limb, i);
    }
}

/* Coefficients must stay below min(2^120, Q_level / 2).  A product of more
 * than one prime is rounded, by less than 64 2^-53: kept off the edge. */
static double coefficient_limit(const ckks_ctx *ctx, int level)
{
    double q = 0.5 * (double)ctx->rns.mod[0].p;

    if (level == 0)
        return q;
    for (int i = 1; i <= level && q < 2 * two120; i++)
        q *= (double)ctx->rns.mod[i].p;
    q -= q * 7.1054273576010019e-15;                /* 2^-47                 */
    return q < two120 ? q : two120;
}

static ckks_status check_encode(const ckks_pt *out, const ckks_ctx *ctx,
                                int level, double scale, const char *name)
{
    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: a null pointer", name);
    if (level < 0 || level >= ctx->num_primes)
        return cki_fail(CKKS_ELEVEL, "%s: level %d; there are 0..%d", name,
                        level, ctx->num_primes - 1);
    if (!isfinite(scale) || scale < 1)
        return cki_fail(CKKS_ESCALE, "%s: scale %g", name, scale);
    return cki_check_scale_room(ctx, level, scale, name);
}

static ckks_status check_slots(const ckks_ctx *ctx, const double *re,
                               const double *im, size_t n)
{
    if (re == NULL && n > 0)
        return cki_fail(CKKS_EARG, "ckks_encode: a null pointer");
    if (n > ctx->slots)
        return cki_fail(CKKS_EARG, "ckks_encode: %zu values; there are %zu "
                        "slots", n, ctx->slots);
    for (size_t j = 0; j < n; j++)
        if (!isfinite(re[j]) || (im != NULL && !isfinite(im[j]))
            || (im != NULL && ctx->real && im[j] != 0))
            return cki_fail(CKKS_EARG, "ckks_encode: slot %zu is %g + %g i%s",
                            j, re[j], im == NULL ? 0 : im[j],
                            ctx->real ? "; this ring has real slots" : "");
    return CKKS_OK;
}

/* pt = the integers nearest to the doubles c, |c_k| <= top; spoils c.
 * work: N words. */
static void plaintext_round(ckks_pt *pt, double *c, double top, int64_t *work)
{
    const size_t n = pt->ctx->n;

    if (top < two62) {
        for (size_t k = 0; k < n; k++)
            work[k] = round_away(c[k]);
        plaintext_fill(pt, work, NULL, (uint64_t)top + 1);
    } else {
        int64_t *high = (int64_t *)(void *)c;

        for (size_t k = 0; k < n; k++)
            split60(&work[k], &high[k], c[k]);
        plaintext_fill(pt, work, high, 0);
    }
}

ckks_status ckks_encode(ckks_pt *out, const ckks_ctx *ctx, const double *re,
                        const double *im, size_t n, int level, double scale)
{
    CKI_NEAREST;
    CKI_PIN(scale);
    ckks_status s = check_encode(out, ctx, level, scale, "ckks_encode");
    ckks_pt made = { 0 };
    double *x, *c, top, limit;
    size_t size;

    if (s == CKKS_OK)
        s = check_slots(ctx, re, im, n);
    if (s != CKKS_OK)
        return s;
    size = (cki_embed_work(ctx->embed) + ctx->n) * sizeof(double);
    x = cki_alloc(&ctx->memory, size);
    if (x == NULL)
        return cki_fail(CKKS_EMEM, "ckks_encode: no memory for %zu bytes",
                        size);
    c = x + cki_embed_work(ctx->embed);
    top = cki_embed_to_poly(c, x, ctx->embed, re, im, n, scale);
    limit = coefficient_limit(ctx, level);
    if (!(top < limit))
        s = cki_fail(CKKS_ESCALE, "ckks_encode: a coefficient of 2^%.2f; at "
                     "level %d and scale 2^%.2f they must stay below 2^%.2f",
                     log2(top), level, log2(scale), log2(limit));
    if (s == CKKS_OK)
        s = cki_pt_over(&made, out, ctx, level, scale, "ckks_encode");
    if (s == CKKS_OK) {
        plaintext_round(&made, c, top, (int64_t *)(void *)x);
        cki_pt_give(out, &made);
    }
    cki_wipe(x, size);
    cki_free(&ctx->memory, x, size);
    return s;
}

/* c0 + c1 X^(N/2): at place i of the NTT form X is psi^(2 br(i) + 1), and
 * X^(N/2) is I^(2 br(i) + 1), I = psi^(N/2), I^2 = -1: it is I where br(i) is
 * even, i < N/2, and -I elsewhere. */
ckks_status ckks_encode_const(ckks_pt *out, const ckks_ctx *ctx, double re,
                              double im, int level, double scale)
{
    CKI_NEAREST;
    CKI_PIN(re);
    CKI_PIN(im);
    CKI_PIN(scale);
    ckks_status s = check_encode(out, ctx, level, scale, "ckks_encode_const");
    ckks_pt made = { 0 };
    int64_t low0, high0, low1, high1;
    double limit;

    if (s != CKKS_OK)
        return s;
    if (!isfinite(re) || !isfinite(im))
        return cki_fail(CKKS_EARG, "ckks_encode_const: %g + %g i", re, im);
    s = cki_check_real(ctx, im, "ckks_encode_const");
    if (s != CKKS_OK)
        return s;
    limit = coefficient_limit(ctx, level);
    if (!(fabs(re * scale) < limit) || !(fabs(im * scale) < limit))
        return cki_fail(CKKS_ESCALE, "ckks_encode_const: %g + %g i times 2^"
                        "%.2f does not stay below 2^%.2f", re, im,
                        log2(scale), log2(limit));
    s = cki_pt_new(&made, ctx, level, scale, "ckks_encode_const");
    if (s != CKKS_OK)
        return s;
    split60(&low0, &high0, re * scale);
    split60(&low1, &high1, im * scale);
    CKI_PARALLEL
    for (int i = 0; i <= level; i++) {
        CKI_NEAREST;
        const cki_mod *m = &ctx->rns.mod[i];
        const reducer r = reducer_make(m);
        uint64_t a = reduce_two(low0, high0, &r);
        uint64_t b = cki_mul(reduce_two(low1, high1, &r),
                             cki_pow(ctx->rns.psi[i], ctx->n / 2, m), m);
        uint64_t plus = cki_add(a, b, m->p), minus = cki_sub(a, b, m->p);
        uint64_t *limb = cki_pt_limb(&made, i);

        for (size_t k = 0; k < ctx->n / 2; k++) {
            limb[k] = plus;
            limb[ctx->n / 2 + k] = minus;
        }
    }
    cki_pt_give(out, &made);
    return CKKS_OK;
}
