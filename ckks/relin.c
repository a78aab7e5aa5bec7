/* relin.c -- layer 7: relinearisation, alone or with rescaling.
 *
 * Read first: switch.h, docs/07-key-switching.md.
 */
#include <math.h>

#include "switch.h"

/* out_k = a_k + sum_k / P */
static void relin_into(ckks_ct *out, const ckks_ct *a, cki_switch *w)
{
    const ckks_ctx *ctx = a->ctx;

    for (int k = 0; k < 2; k++) {
        cki_mod_down(cki_ct_limb(out, k, 0), w->sum[k], a->level, &ctx->rns,
                     w->coeff);
        for (int i = 0; i <= a->level; i++) {
            uint64_t *z = cki_ct_limb(out, k, i);

            ctx->rns.kernel->add(z, z, cki_ct_limb(a, k, i), ctx->n,
                                 &ctx->rns.mod[i]);
        }
    }
}

/* out_k = (P a_k + sum_k) / (P q_l) */
static void relin_rescale_into(ckks_ct *out, const ckks_ct *a, cki_switch *w)
{
    const ckks_ctx *ctx = a->ctx;

    for (int k = 0; k < 2; k++) {
        for (int i = 0; i <= a->level; i++) {
            uint64_t *z = w->sum[k] + (size_t)i * ctx->n;

            ctx->rns.kernel->scale_add(z, cki_ct_limb(a, k, i),
                                       ctx->rns.p_mod[i], z, ctx->n,
                                       &ctx->rns.mod[i]);
        }
        cki_mod_down_rescale(cki_ct_limb(out, k, 0), w->sum[k], a->level,
                             &ctx->rns, w->coeff);
    }
}

static ckks_status relinearise(ckks_ct *out, const ckks_ct *a,
                               const ckks_keys *keys, bool rescale,
                               const char *name)
{
    const cki_key *key = NULL;
    ckks_ct made;
    cki_switch w;
    double scale = a->scale;
    int level = a->level - rescale;
    ckks_status s = cki_find_key(&key, keys, CKKS_KEY_RELIN, 0, a->level, name);

    if (s != CKKS_OK)
        return s;
    if (rescale)
        scale /= (double)a->ctx->rns.mod[a->level].p;
    s = cki_ct_new(&made, a->ctx, 1, level, scale, name);
    if (s != CKKS_OK)
        return s;
    s = cki_switch_init(&w, a->ctx, a->level, false, name);
    if (s != CKKS_OK) {
        ckks_ct_clear(&made);
        return s;
    }
    cki_mod_up(&w, cki_ct_limb(a, 2, 0));
    cki_inner_products(&w, key);
    if (rescale)
        relin_rescale_into(&made, a, &w);
    else
        relin_into(&made, a, &w);
    cki_switch_clear(&w);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_relin(ckks_ct *out, const ckks_ct *a, const ckks_keys *keys)
{
    ckks_status s = cki_check_keys(out, a, keys, "ckks_relin");

    if (s != CKKS_OK)
        return s;
    if (a->degree == 1)
        return cki_ct_copy(out, a, "ckks_relin");
    return relinearise(out, a, keys, false, "ckks_relin");
}

ckks_status ckks_relin_rescale(ckks_ct *out, const ckks_ct *a,
                               const ckks_keys *keys)
{
    ckks_status s = cki_check_keys(out, a, keys, "ckks_relin_rescale");

    if (s != CKKS_OK)
        return s;
    if (a->level == 0)
        return cki_fail(CKKS_ELEVEL, "ckks_relin_rescale: level 0, no prime "
                        "left to divide by");
    if (a->scale < (double)a->ctx->rns.mod[a->level].p)
        return cki_fail(CKKS_ESCALE, "ckks_relin_rescale: scale 2^%.2f divided "
                        "by a prime of %.2f bits is below 1", log2(a->scale),
                        log2((double)a->ctx->rns.mod[a->level].p));
    if (a->degree == 1)
        return ckks_rescale(out, a);
    return relinearise(out, a, keys, true, "ckks_relin_rescale");
}
