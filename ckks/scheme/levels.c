/* levels.c -- rescaling, and dropping levels without it.
 *
 * Read first: docs/06-levels.md; add.c for the order of check, allocate and
 * compute.
 */
#include <math.h>
#include <string.h>

#include "scheme/check.h"

ckks_status ckks_rescale(ckks_ct *out, const ckks_ct *a)
{
    CKI_NEAREST;
    ckks_ct made;
    const ckks_ctx *ctx;
    uint64_t *work;
    size_t size;
    double scale;
    ckks_status s = cki_check_one(out, a, "ckks_rescale");

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
    s = cki_check_scale_room(ctx, a->level - 1, scale, "ckks_rescale");
    if (s == CKKS_OK)
        s = cki_ct_over(&made, out, a, NULL, ctx, a->degree, a->level - 1,
                        scale, "ckks_rescale");
    if (s != CKKS_OK)
        return s;
    work = cki_alloc(&ctx->memory, size);
    if (work == NULL) {
        cki_ct_leave(&made, out);
        return cki_fail(CKKS_EMEM, "ckks_rescale: no memory for %zu bytes",
                        size);
    }
    cki_rescale(made.limb, a->limb, a->degree + 1, a->level, &ctx->rns, work);
    cki_free(&ctx->memory, work, size);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_drop_level(ckks_ct *out, const ckks_ct *a, int level)
{
    CKI_NEAREST;
    ckks_ct made;
    ckks_status s = cki_check_one(out, a, "ckks_drop_level");

    if (s != CKKS_OK)
        return s;
    if (level < 0 || level > a->level)
        return cki_fail(CKKS_ELEVEL, "ckks_drop_level: level %d, not 0..%d",
                        level, a->level);
    s = cki_check_scale_room(a->ctx, level, a->scale, "ckks_drop_level");
    if (s == CKKS_OK)
        s = cki_ct_over(&made, out, a, NULL, a->ctx, a->degree, level,
                        a->scale, "ckks_drop_level");
    if (s != CKKS_OK)
        return s;
    for (int k = 0; k <= a->degree; k++)
        memcpy(cki_ct_limb(&made, k, 0), cki_ct_limb(a, k, 0),
               cki_words(a->ctx, level) * sizeof(uint64_t));
    cki_ct_give(out, &made);
    return CKKS_OK;
}
