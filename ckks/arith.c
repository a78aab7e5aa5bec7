/* arith.c -- layer 6: arithmetic on ciphertexts, one limb at a time.
 *
 * Read first: docs/06-levels.md.  Every function checks all, allocates all,
 * then computes; the result is moved into the output at the end, so that any
 * output may be any input.  Sums are computed where they are wanted if the
 * output is an input: nothing fails from there on.
 */
#include <math.h>
#include <string.h>

#include "context.h"

/* ---- checks ------------------------------------------------------------- */

static ckks_status check_one(const ckks_ct *out, const ckks_ct *a,
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

static ckks_status check_scales(double a, double b, int level,
                                const char *name)
{
    if (cki_same_scale(a, b))
        return CKKS_OK;
    return cki_fail(CKKS_ESCALE, "%s: scales differ: a 2^%.9f, b 2^%.9f "
                    "(ratio 1 %+.3g); level %d", name, log2(a), log2(b),
                    b / a - 1, level);
}

static ckks_status check_room(const ckks_ctx *ctx, int level, double scale,
                              const char *name)
{
    if (isfinite(scale) && log2(scale) + 1 < ctx->log_q[level])
        return CKKS_OK;
    return cki_fail(CKKS_ESCALE, "%s: scale 2^%.2f leaves no room: log2(Q) is "
                    "%.2f at level %d", name, log2(scale), ctx->log_q[level],
                    level);
}

static ckks_status check_two(const ckks_ct *out, const ckks_ct *a,
                             const ckks_ct *b, const char *name)
{
    ckks_status s = check_one(out, a, name);

    if (s == CKKS_OK)
        s = cki_check_ct(b, name);
    if (s == CKKS_OK)
        s = check_ctx_level(a->ctx, a->level, b->ctx, b->level, name);
    return s;
}

static ckks_status check_plain(const ckks_ct *out, const ckks_ct *a,
                               const ckks_pt *b, const char *name)
{
    ckks_status s = check_one(out, a, name);

    if (s == CKKS_OK)
        s = cki_check_pt(b, name);
    if (s == CKKS_OK)
        s = check_ctx_level(a->ctx, a->level, b->ctx, b->level, name);
    return s;
}

/* ---- sums --------------------------------------------------------------- */

typedef void combine_fn(uint64_t *, const uint64_t *, const uint64_t *,
                        size_t, const cki_mod *);

/* Words that stay in the first-level cache while several operations pass over
 * them. */
enum { TILE = 1024 };

static size_t tile_at(size_t at, size_t n)
{
    return n - at < TILE ? n - at : TILE;
}

/* Part k of a, or NULL beyond its degree. */
static const uint64_t *part(const ckks_ct *a, int k, int i)
{
    return k <= a->degree ? cki_ct_limb(a, k, i) : NULL;
}

static ckks_status add_or_sub(ckks_ct *out, const ckks_ct *a,
                              const ckks_ct *b, bool subtract,
                              const char *name)
{
    ckks_ct made;
    const ckks_ctx *ctx;
    combine_fn *fn;
    int degree;
    ckks_status s = check_two(out, a, b, name);

    if (s == CKKS_OK)
        s = check_scales(a->scale, b->scale, a->level, name);
    if (s != CKKS_OK)
        return s;
    ctx = a->ctx;
    fn = subtract ? ctx->rns.kernel->sub : ctx->rns.kernel->add;
    degree = a->degree > b->degree ? a->degree : b->degree;
    if (out == a && degree == a->degree) {
        made = *out;
        made.seeded = 0;
    } else {
        s = cki_ct_new(&made, ctx, degree, a->level, a->scale, name);
    }
    if (s != CKKS_OK)
        return s;
    for (int k = 0; k <= degree; k++)
        for (int i = 0; i <= a->level; i++) {
            const uint64_t *x = part(a, k, i), *y = part(b, k, i);
            uint64_t *z = cki_ct_limb(&made, k, i);
            const cki_mod *m = &ctx->rns.mod[i];

            if (x != NULL && y != NULL)
                fn(z, x, y, ctx->n, m);
            else if (x != NULL && x != z)
                memcpy(z, x, ctx->n * sizeof *z);
            else if (x == NULL)
                ctx->rns.kernel->scale_add(z, y, subtract ? m->p - 1 : 1, NULL,
                                           ctx->n, m);
        }
    if (out == a && degree == a->degree)
        *out = made;
    else
        cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_add(ckks_ct *out, const ckks_ct *a, const ckks_ct *b)
{
    return add_or_sub(out, a, b, false, "ckks_add");
}

ckks_status ckks_sub(ckks_ct *out, const ckks_ct *a, const ckks_ct *b)
{
    return add_or_sub(out, a, b, true, "ckks_sub");
}

static ckks_status add_or_sub_plain(ckks_ct *out, const ckks_ct *a,
                                    const ckks_pt *b, bool subtract,
                                    const char *name)
{
    ckks_ct made = { 0 };
    const ckks_ctx *ctx;
    combine_fn *fn;
    ckks_status s = check_plain(out, a, b, name);

    if (s == CKKS_OK)
        s = check_scales(a->scale, b->scale, a->level, name);
    if (s == CKKS_OK)
        s = cki_ct_copy(&made, a, name);
    if (s != CKKS_OK)
        return s;
    ctx = a->ctx;
    fn = subtract ? ctx->rns.kernel->sub : ctx->rns.kernel->add;
    made.seeded = 0;
    for (int i = 0; i <= a->level; i++) {
        uint64_t *z = cki_ct_limb(&made, 0, i);

        fn(z, z, cki_pt_limb(b, i), ctx->n, &ctx->rns.mod[i]);
    }
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_add_plain(ckks_ct *out, const ckks_ct *a, const ckks_pt *b)
{
    return add_or_sub_plain(out, a, b, false, "ckks_add_plain");
}

ckks_status ckks_sub_plain(ckks_ct *out, const ckks_ct *a, const ckks_pt *b)
{
    return add_or_sub_plain(out, a, b, true, "ckks_sub_plain");
}

/* ---- constants ---------------------------------------------------------- */

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

ckks_status ckks_mul_const(ckks_ct *out, const ckks_ct *a, double re,
                           double im, double scale)
{
    ckks_ct made;
    ckks_status s = check_one(out, a, "ckks_mul_const");

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
    s = check_room(a->ctx, a->level,
                       a->scale * scale, "ckks_mul_const");
    if (s == CKKS_OK)
        s = cki_ct_new(&made, a->ctx, a->degree, a->level, a->scale * scale, "ckks_mul_const");
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
    ckks_status s = check_one(out, a, name);

    if (s == CKKS_OK)
        s = cki_ct_new(&made, a->ctx, a->degree, a->level, a->scale, name);
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
    return mul_signed(out, a, c, "ckks_mul_int");
}

ckks_status ckks_neg(ckks_ct *out, const ckks_ct *a)
{
    return mul_signed(out, a, -1, "ckks_neg");
}

/* z[k] += w, n words. */
static void add_word(uint64_t *z, uint64_t w, size_t n, const ckks_ctx *ctx,
                     const cki_mod *m)
{
    uint64_t same[TILE];

    for (size_t k = 0; k < TILE && k < n; k++)
        same[k] = w;
    for (size_t k = 0; k < n; k += TILE)
        ctx->rns.kernel->add(z + k, z + k, same, tile_at(k, n), m);
}

ckks_status ckks_add_const(ckks_ct *out, const ckks_ct *a, double re,
                           double im)
{
    const ckks_ctx *ctx;
    double x, y;
    ckks_status s = check_one(out, a, "ckks_add_const");

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
    s = cki_ct_copy(out, a, "ckks_add_const");      /* nothing if out is a   */
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

/* ---- products ----------------------------------------------------------- */

ckks_status ckks_mul_plain(ckks_ct *out, const ckks_ct *a, const ckks_pt *b)
{
    ckks_ct made;
    const ckks_ctx *ctx;
    ckks_status s = check_plain(out, a, b, "ckks_mul_plain");

    if (s == CKKS_OK)
        s = check_room(a->ctx, a->level, a->scale * b->scale,
                       "ckks_mul_plain");
    if (s == CKKS_OK)
        s = cki_ct_new(&made, a->ctx, a->degree, a->level,
                       a->scale * b->scale, "ckks_mul_plain");
    if (s != CKKS_OK)
        return s;
    ctx = a->ctx;
    for (int k = 0; k <= a->degree; k++)
        for (int i = 0; i <= a->level; i++)
            ctx->rns.kernel->mul(cki_ct_limb(&made, k, i),
                                 cki_ct_limb(a, k, i), cki_pt_limb(b, i),
                                 ctx->n, &ctx->rns.mod[i]);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

/* (a_0 b_0, a_0 b_1 + a_1 b_0, a_1 b_1) */
static void tensor(ckks_ct *out, const ckks_ct *a, const ckks_ct *b, int i)
{
    const size_t n = a->ctx->n;
    const cki_kernel *k = a->ctx->rns.kernel;
    const cki_mod *m = &a->ctx->rns.mod[i];
    const uint64_t *a0 = cki_ct_limb(a, 0, i), *a1 = cki_ct_limb(a, 1, i);
    const uint64_t *b0 = cki_ct_limb(b, 0, i), *b1 = cki_ct_limb(b, 1, i);
    uint64_t *z0 = cki_ct_limb(out, 0, i), *z1 = cki_ct_limb(out, 1, i);
    uint64_t *z2 = cki_ct_limb(out, 2, i);

    for (size_t t = 0; t < n; t += TILE) {
        const size_t some = tile_at(t, n);

        k->mul(z0 + t, a0 + t, b0 + t, some, m);
        k->mul(z1 + t, a0 + t, b1 + t, some, m);
        k->mul_add(z1 + t, a1 + t, b0 + t, z1 + t, some, m);
        k->mul(z2 + t, a1 + t, b1 + t, some, m);
    }
}

/* (a_0^2, 2 a_0 a_1, a_1^2), added to what is there if `more`. */
static void tensor_square(ckks_ct *out, const ckks_ct *a, int i, bool more)
{
    const size_t n = a->ctx->n;
    const cki_kernel *k = a->ctx->rns.kernel;
    const cki_mod *m = &a->ctx->rns.mod[i];
    const uint64_t *a0 = cki_ct_limb(a, 0, i), *a1 = cki_ct_limb(a, 1, i);
    uint64_t *z0 = cki_ct_limb(out, 0, i), *z1 = cki_ct_limb(out, 1, i);
    uint64_t *z2 = cki_ct_limb(out, 2, i), twice[TILE];

    for (size_t t = 0; t < n; t += TILE) {
        const size_t some = tile_at(t, n);

        k->add(twice, a0 + t, a0 + t, some, m);
        if (more) {
            k->mul_add(z0 + t, a0 + t, a0 + t, z0 + t, some, m);
            k->mul_add(z1 + t, twice, a1 + t, z1 + t, some, m);
            k->mul_add(z2 + t, a1 + t, a1 + t, z2 + t, some, m);
        } else {
            k->mul(z0 + t, a0 + t, a0 + t, some, m);
            k->mul(z1 + t, twice, a1 + t, some, m);
            k->mul(z2 + t, a1 + t, a1 + t, some, m);
        }
    }
}

static ckks_status multiply(ckks_ct *out, const ckks_ct *a, const ckks_ct *b,
                            const char *name)
{
    ckks_ct made;
    double scale;
    ckks_status s = check_two(out, a, b, name);

    if (s != CKKS_OK)
        return s;
    if (a->degree != 1 || b->degree != 1)
        return cki_fail(CKKS_EARG, "%s: degrees %d and %d, not 1; relinearise "
                        "first", name, a->degree, b->degree);
    scale = a->scale * b->scale;
    s = check_room(a->ctx, a->level, scale, name);
    if (s == CKKS_OK)
        s = cki_ct_new(&made, a->ctx, 2, a->level, scale, name);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i <= a->level; i++) {
        if (a == b)
            tensor_square(&made, a, i, false);
        else
            tensor(&made, a, b, i);
    }
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_mul(ckks_ct *out, const ckks_ct *a, const ckks_ct *b)
{
    return multiply(out, a, b, "ckks_mul");
}

ckks_status ckks_square(ckks_ct *out, const ckks_ct *a)
{
    return multiply(out, a, a, "ckks_square");
}

ckks_status ckks_add_square(ckks_ct *out, const ckks_ct *a)
{
    const char *name = "ckks_add_square";
    ckks_status s = check_two(out, a, out, name);

    if (s == CKKS_OK && (out->degree != 2 || a->degree != 1))
        s = cki_fail(CKKS_EARG, "%s: degrees %d and %d, not 2 and 1", name,
                     out->degree, a->degree);
    if (s == CKKS_OK)
        s = check_scales(out->scale, a->scale * a->scale, a->level, name);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i <= a->level; i++)
        tensor_square(out, a, i, true);
    return CKKS_OK;
}

/* ---- levels ------------------------------------------------------------- */

ckks_status ckks_rescale(ckks_ct *out, const ckks_ct *a)
{
    ckks_ct made;
    const ckks_ctx *ctx;
    uint64_t *work;
    size_t size;
    double scale;
    ckks_status s = check_one(out, a, "ckks_rescale");

    if (s != CKKS_OK)
        return s;
    ctx = a->ctx;
    if (a->level == 0)
        return cki_fail(CKKS_ELEVEL, "ckks_rescale: level 0, no prime left to "
                        "divide by");
    scale = a->scale / (double)ctx->rns.mod[a->level].p;
    if (scale < 1)
        return cki_fail(CKKS_ESCALE, "ckks_rescale: scale 2^%.2f divided by a "
                        "prime of %.2f bits is below 1", log2(a->scale),
                        log2((double)ctx->rns.mod[a->level].p));
    size = (2 + CKI_GROUP) * ctx->n * sizeof *work;
    s = cki_ct_new(&made, ctx, a->degree, a->level - 1, scale, "ckks_rescale");
    if (s != CKKS_OK)
        return s;
    work = cki_alloc(&ctx->memory, size);
    if (work == NULL) {
        ckks_ct_clear(&made);
        return cki_fail(CKKS_EMEM, "ckks_rescale: no memory for %zu bytes",
                        size);
    }
    for (int k = 0; k <= a->degree; k++)
        cki_rescale(cki_ct_limb(&made, k, 0), cki_ct_limb(a, k, 0), a->level,
                    &ctx->rns, work);
    cki_free(&ctx->memory, work, size);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_drop_level(ckks_ct *out, const ckks_ct *a, int level)
{
    ckks_ct made;
    ckks_status s = check_one(out, a, "ckks_drop_level");

    if (s != CKKS_OK)
        return s;
    if (level < 0 || level > a->level)
        return cki_fail(CKKS_ELEVEL, "ckks_drop_level: level %d, not 0..%d",
                        level, a->level);
    s = check_room(a->ctx, level, a->scale,
                       "ckks_drop_level");
    if (s == CKKS_OK)
        s = cki_ct_new(&made, a->ctx, a->degree, level, a->scale, "ckks_drop_level");
    if (s != CKKS_OK)
        return s;
    for (int k = 0; k <= a->degree; k++)
        memcpy(cki_ct_limb(&made, k, 0), cki_ct_limb(a, k, 0),
               cki_words(a->ctx, level) * sizeof(uint64_t));
    cki_ct_give(out, &made);
    return CKKS_OK;
}
