/* ciphertext.c -- plaintexts and ciphertexts as pieces of memory. */
#include <math.h>
#include <string.h>

#include "scheme/context.h"

static size_t ct_bytes(const ckks_ct *ct)
{
    return (size_t)(ct->degree + 1) * cki_words(ct->ctx, ct->level)
           * sizeof(uint64_t);
}

static size_t pt_bytes(const ckks_pt *pt)
{
    return cki_words(pt->ctx, pt->level) * sizeof(uint64_t);
}

ckks_status cki_ct_new(ckks_ct *out, const ckks_ctx *ctx, int degree,
                       int level, double scale, const char *name)
{
    *out = (ckks_ct){ .ctx = ctx, .degree = degree, .level = level,
                      .scale = scale };
    out->limb = cki_alloc(&ctx->memory, ct_bytes(out));
    if (out->limb == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for a ciphertext of %zu "
                        "bytes", name, ct_bytes(out));
    return CKKS_OK;
}

ckks_status cki_pt_new(ckks_pt *out, const ckks_ctx *ctx, int level,
                       double scale, const char *name)
{
    *out = (ckks_pt){ .ctx = ctx, .level = level, .scale = scale };
    out->limb = cki_alloc(&ctx->memory, pt_bytes(out));
    if (out->limb == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for a plaintext of %zu "
                        "bytes", name, pt_bytes(out));
    return CKKS_OK;
}

ckks_status cki_pt_over(ckks_pt *made, const ckks_pt *out,
                        const ckks_ctx *ctx, int level, double scale,
                        const char *name)
{
    if (out->limb == NULL || out->ctx != ctx || out->level != level)
        return cki_pt_new(made, ctx, level, scale, name);
    *made = (ckks_pt){ .ctx = ctx, .level = level, .scale = scale,
                       .limb = out->limb };
    return CKKS_OK;
}

void ckks_ct_clear(ckks_ct *ct)
{
    if (ct == NULL)
        return;
    if (ct->limb != NULL)
        cki_free(&ct->ctx->memory, ct->limb, ct_bytes(ct));
    memset(ct, 0, sizeof *ct);
}

void ckks_pt_clear(ckks_pt *pt)
{
    if (pt == NULL)
        return;
    if (pt->limb != NULL) {
        cki_wipe(pt->limb, pt_bytes(pt));
        cki_free(&pt->ctx->memory, pt->limb, pt_bytes(pt));
    }
    memset(pt, 0, sizeof *pt);
}

void cki_ct_give(ckks_ct *out, ckks_ct *made)
{
    if (out->limb != made->limb)
        ckks_ct_clear(out);
    *out = *made;
    memset(made, 0, sizeof *made);
}

static bool same_limbs(const ckks_ct *out, const ckks_ct *a)
{
    return a != NULL && a->limb == out->limb;
}

ckks_status cki_ct_over(ckks_ct *made, const ckks_ct *out, const ckks_ct *a,
                        const ckks_ct *b, const ckks_ctx *ctx, int degree,
                        int level, double scale, const char *name)
{
    if (same_limbs(out, a) || same_limbs(out, b) || out->limb == NULL
        || out->ctx != ctx || out->degree != degree || out->level != level)
        return cki_ct_new(made, ctx, degree, level, scale, name);
    *made = (ckks_ct){ .ctx = ctx, .degree = degree, .level = level,
                       .scale = scale, .limb = out->limb };
    return CKKS_OK;
}

void cki_ct_leave(ckks_ct *made, const ckks_ct *out)
{
    if (made->limb != out->limb)
        ckks_ct_clear(made);
}

void cki_pt_give(ckks_pt *out, ckks_pt *made)
{
    if (out->limb != made->limb)
        ckks_pt_clear(out);
    *out = *made;
    memset(made, 0, sizeof *made);
}

ckks_status cki_ct_copy(ckks_ct *out, const ckks_ct *a, const char *name)
{
    ckks_ct made;
    ckks_status s = cki_check_ct(a, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (out == a)
        return CKKS_OK;
    s = cki_ct_new(&made, a->ctx, a->degree, a->level, a->scale, name);
    if (s != CKKS_OK)
        return s;
    memcpy(made.limb, a->limb, ct_bytes(a));
    made.seeded = a->seeded;
    memcpy(made.seed, a->seed, sizeof made.seed);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_ct_copy(ckks_ct *out, const ckks_ct *a)
{
    return cki_ct_copy(out, a, "ckks_ct_copy");
}

void ckks_ct_swap(ckks_ct *a, ckks_ct *b)
{
    ckks_ct t = *a;

    *a = *b;
    *b = t;
}

ckks_status cki_check_ct(const ckks_ct *ct, const char *name)
{
    if (ct == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (ct->ctx == NULL || ct->limb == NULL)
        return cki_fail(CKKS_EARG, "%s: a ciphertext that was never made",
                        name);
    if (ct->degree < 1 || ct->degree > 2)
        return cki_fail(CKKS_EARG, "%s: degree %d, not 1 or 2", name,
                        ct->degree);
    if (ct->level < 0 || ct->level >= ct->ctx->num_primes)
        return cki_fail(CKKS_ELEVEL, "%s: level %d outside 0..%d", name,
                        ct->level, ct->ctx->num_primes - 1);
    if (!isfinite(ct->scale) || ct->scale < 1)
        return cki_fail(CKKS_ESCALE, "%s: scale %g", name, ct->scale);
    return CKKS_OK;
}

ckks_status cki_check_pt(const ckks_pt *pt, const char *name)
{
    if (pt == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (pt->ctx == NULL || pt->limb == NULL)
        return cki_fail(CKKS_EARG, "%s: a plaintext that was never made",
                        name);
    if (pt->level < 0 || pt->level >= pt->ctx->num_primes)
        return cki_fail(CKKS_ELEVEL, "%s: level %d outside 0..%d", name,
                        pt->level, pt->ctx->num_primes - 1);
    if (!isfinite(pt->scale) || pt->scale < 1)
        return cki_fail(CKKS_ESCALE, "%s: scale %g", name, pt->scale);
    return CKKS_OK;
}
