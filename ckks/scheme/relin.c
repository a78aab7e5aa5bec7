/* relin.c -- relinearisation, alone or with rescaling.
 *
 * Read first: keyswitch.h, docs/07-key-switching.md.
 */
#include <math.h>

#include "scheme/check.h"
#include "scheme/keyswitch.h"

/* (a_0, a_1) + switched a_2, or that divided by q_l in the same division. */
static ckks_status relinearise(ckks_ct *out, const ckks_ct *a,
                               const ckks_keys *keys, bool rescale,
                               const char *name)
{
    cki_term term = { .x = cki_ct_limb(a, 2, 0) };
    const cki_addend addend[2] = { { .x = cki_ct_limb(a, 0, 0), .half = 0 },
                                   { .x = cki_ct_limb(a, 1, 0), .half = 1 } };
    cki_sink sink;
    const cki_switching all = { .sink = &sink, .term = &term,
                                .addend = addend, .num_sinks = 1,
                                .num_terms = 1, .num_addends = 2 };
    ckks_ct made;
    double scale = a->scale;
    int level = a->level - rescale;
    ckks_status s = cki_find_key(&term.key, keys, CKKS_KEY_RELIN, 0, a->level,
                                 name);

    if (s != CKKS_OK)
        return s;
    if (rescale) {
        scale /= (double)a->ctx->rns.mod[a->level].p;
        s = cki_check_scale_room(a->ctx, level, scale, name);
    }
    if (s == CKKS_OK)
        s = cki_ct_over(&made, out, a, NULL, a->ctx, 1, level, scale, name);
    if (s != CKKS_OK)
        return s;
    sink.out[0] = cki_ct_limb(&made, 0, 0);
    sink.out[1] = cki_ct_limb(&made, 1, 0);
    s = cki_switch(&all, a->ctx, a->level, rescale, name);
    if (s != CKKS_OK) {
        cki_ct_leave(&made, out);
        return s;
    }
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_relin(ckks_ct *out, const ckks_ct *a, const ckks_keys *keys)
{
    CKI_NEAREST;
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
    CKI_NEAREST;
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
