/* add.c -- sums and differences, one limb at a time.
 *
 * Read first: docs/06-levels.md.  Every function checks all, allocates all,
 * then computes; the result is moved into the output at the end, so that any
 * output may be any input.  Sums are computed where they are wanted if the
 * output is an input: nothing fails from there on.
 */
#include <string.h>

#include "scheme/check.h"

typedef void combine_fn(uint64_t *, const uint64_t *, const uint64_t *,
                        size_t, const cki_mod *);

/* Part k of a, or NULL beyond its degree. */
static const uint64_t *part(const ckks_ct *a, int k, int i)
{
    return k <= a->degree ? cki_ct_limb(a, k, i) : NULL;
}

static ckks_status add_or_sub(ckks_ct *out, const ckks_ct *a,
                              const ckks_ct *b, bool subtract,
                              const char *name)
{
    CKI_NEAREST;
    ckks_ct made;
    const ckks_ctx *ctx;
    combine_fn *fn;
    int degree;
    ckks_status s = cki_check_two(out, a, b, name);

    if (s == CKKS_OK)
        s = cki_check_scales(a->scale, b->scale, a->level, name);
    if (s != CKKS_OK)
        return s;
    ctx = a->ctx;
    fn = subtract ? ctx->rns.kernel->sub : ctx->rns.kernel->add;
    degree = a->degree > b->degree ? a->degree : b->degree;
    if (out == a && degree == a->degree) {
        made = *out;
        made.seeded = 0;
    } else {
        s = cki_ct_over(&made, out, a, b, ctx, degree,
                        a->level, a->scale, name);
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
    CKI_NEAREST;
    ckks_ct made = { 0 };
    const ckks_ctx *ctx;
    combine_fn *fn;
    ckks_status s = cki_check_with_plain(out, a, b, name);

    if (s == CKKS_OK)
        s = cki_check_scales(a->scale, b->scale, a->level, name);
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
