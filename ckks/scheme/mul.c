/* mul.c -- products and squares, one limb at a time.
 *
 * Read first: docs/06-levels.md; add.c for the order of check, allocate and
 * compute.  Products of two different ciphertexts go tile by tile: all that is
 * made from a tile finds its words in the first-level cache; the kernel squares
 * in one pass.
 */
#include "scheme/check.h"

ckks_status ckks_mul_plain(ckks_ct *out, const ckks_ct *a, const ckks_pt *b)
{
    CKI_NEAREST;
    ckks_ct made;
    const ckks_ctx *ctx;
    ckks_status s = cki_check_with_plain(out, a, b, "ckks_mul_plain");

    if (s == CKKS_OK)
        s = cki_check_scale_room(a->ctx, a->level, a->scale * b->scale,
                                 "ckks_mul_plain");
    if (s == CKKS_OK)
        s = cki_ct_over(&made, out, a, NULL, a->ctx, a->degree, a->level,
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

    for (size_t t = 0; t < n; t += CKI_TILE) {
        const size_t some = cki_tile(t, n);

        k->mul(z0 + t, a0 + t, b0 + t, some, m);
        k->mul(z1 + t, a0 + t, b1 + t, some, m);
        k->mul_add(z1 + t, a1 + t, b0 + t, z1 + t, some, m);
        k->mul(z2 + t, a1 + t, b1 + t, some, m);
    }
}

/* (a_0^2, 2 a_0 a_1, a_1^2), added to what is there if `more`. */
static void tensor_square(ckks_ct *out, const ckks_ct *a, int i, bool more)
{
    const cki_rns *r = &a->ctx->rns;

    r->kernel->square(cki_ct_limb(out, 0, i), cki_ct_limb(out, 1, i),
                      cki_ct_limb(out, 2, i), cki_ct_limb(a, 0, i),
                      cki_ct_limb(a, 1, i), more, r->n, &r->mod[i]);
}

static ckks_status multiply(ckks_ct *out, const ckks_ct *a, const ckks_ct *b,
                            const char *name)
{
    CKI_NEAREST;
    ckks_ct made;
    double scale;
    ckks_status s = cki_check_two(out, a, b, name);

    if (s != CKKS_OK)
        return s;
    if (a->degree != 1 || b->degree != 1)
        return cki_fail(CKKS_EARG, "%s: degrees %d and %d, not 1; relinearise "
                        "first", name, a->degree, b->degree);
    scale = a->scale * b->scale;
    s = cki_check_scale_room(a->ctx, a->level, scale, name);
    if (s == CKKS_OK)
        s = cki_ct_over(&made, out, a, b, a->ctx, 2, a->level,
                        scale, name);
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
    CKI_NEAREST;
    const char *name = "ckks_add_square";
    ckks_status s = cki_check_two(out, a, out, name);

    if (s == CKKS_OK && (out->degree != 2 || a->degree != 1))
        s = cki_fail(CKKS_EARG, "%s: degrees %d and %d, not 2 and 1", name,
                     out->degree, a->degree);
    if (s == CKKS_OK)
        s = cki_check_scales(out->scale, a->scale * a->scale, a->level, name);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i <= a->level; i++)
        tensor_square(out, a, i, true);
    return CKKS_OK;
}
