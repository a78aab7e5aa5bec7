/* revolver_steps.c -- its contracts are in revolver_steps.h. */
#include <stdlib.h>

#include "revolver/revolver_steps.h"

ckks_status uni_vri_lower(ckks_status s, const char *where)
{
    return s == CKKS_OK ? s : nn_fail(s, "%s: %s", where, ckks_last_error());
}

/* ---- checks ----------------------------------------------------------- */

ckks_status uni_vri_check(const uni_vr *vr, const ckks_ct *a, size_t count,
                           int levels, const char *where)
{
    if (vr == NULL || a == NULL)
        return nn_fail(CKKS_EARG, "%s: null pointer", where);
    if (count < 1)
        return nn_fail(CKKS_EARG, "%s: no ciphertext", where);
    for (size_t i = 0; i < count; i++) {
        if (a[i].limb == NULL || a[i].degree != 1)
            return nn_fail(CKKS_EARG, "%s: ciphertext %zu is %s", where, i,
                           a[i].limb == NULL ? "empty" : "of degree 2");
        if (ckks_ctx_slots(a[i].ctx) != vr->rows * vr->columns)
            return nn_fail(CKKS_EARG, "%s: ciphertext %zu has %zu slots, not "
                           "%zu x %zu", where, i, ckks_ctx_slots(a[i].ctx),
                           vr->rows, vr->columns);
        if (a[i].ctx != a[0].ctx)
            return nn_fail(CKKS_ECTX, "%s: ciphertext %zu is of another "
                           "context", where, i);
        if (a[i].level != a[0].level)
            return nn_fail(CKKS_ELEVEL, "%s: ciphertext %zu has level %d, "
                           "number 0 has %d", where, i, a[i].level,
                           a[0].level);
    }
    if (a[0].level < levels)
        return nn_fail(CKKS_ELEVEL, "%s: an input of level %d, it takes %d "
                       "levels", where, a[0].level, levels);
    return CKKS_OK;
}

ckks_status uni_vri_check_window(const uni_vr *vr, uni_vr_window g,
                                  const char *where)
{
    if (g.kernel < 1 || g.height < g.kernel || g.width < g.kernel)
        return nn_fail(CKKS_EARG, "%s: a window of %d x %d in an image of "
                       "%d x %d (height x width)", where, g.kernel, g.kernel,
                       g.height, g.width);
    if ((size_t)g.height > vr->columns / (size_t)g.width)
        return nn_fail(CKKS_EARG, "%s: an image of %d x %d does not fit rows "
                       "of %zu", where, g.height, g.width, vr->columns);
    return CKKS_OK;
}

ckks_status uni_vri_check_keys(const uni_vr *vr, const uni_vr_keys *need,
                                const char *where)
{
    static const char *const name[] = { "relinearisation", "rotation",
                                        "conjugation" };

    if (vr->keys == NULL && need->count > 0)
        return nn_fail(CKKS_EKEY, "%s: no keys; it needs %zu", where,
                       need->count);
    for (size_t i = 0; i < need->count; i++) {
        const ckks_key_request *k = &need->key[i];
        const int level = ckks_keys_level(vr->keys, k->kind, k->step);

        if (level < k->level)
            return nn_fail(CKKS_EKEY, "%s: the %s key of step %d is at level "
                           "%d, it needs %d (-1: there is none)", where,
                           name[k->kind], k->step, level, k->level);
    }
    return CKKS_OK;
}

ckks_status uni_vri_check_weights(const uni_vr *vr, const uni_vr_weight *w,
                                   size_t count, const ckks_ct *a,
                                   const char *where)
{
    if (w == NULL)
        return nn_fail(CKKS_EARG, "%s: null pointer", where);
    for (size_t i = 0; i < count; i++) {
        if (w[i].count != vr->rows * vr->columns)
            return nn_fail(CKKS_EARG, "%s: factor %zu has %zu slots, not "
                           "%zu x %zu", where, i, w[i].count, vr->rows,
                           vr->columns);
        if ((w[i].slots == NULL) != (w[0].slots == NULL))
            return nn_fail(CKKS_EARG, "%s: factor %zu is %s, number 0 is not",
                           where, i, w[i].slots == NULL ? "encrypted"
                                                        : "in the clear");
        if (w[i].slots == NULL && w[i].ct.ctx != a->ctx)
            return nn_fail(CKKS_ECTX, "%s: factor %zu is of another context",
                           where, i);
        if (w[i].slots == NULL && w[i].ct.level != a->level)
            return nn_fail(CKKS_ELEVEL, "%s: factor %zu is encrypted at level "
                           "%d, the input has %d", where, i, w[i].ct.level,
                           a->level);
    }
    return CKKS_OK;
}

int uni_vri_log2(size_t n)
{
    int log = 0;

    while ((size_t)1 << log < n)
        log++;
    return log;
}

double *uni_vri_slots(const uni_vr *vr, const char *where)
{
    double *x = malloc(vr->rows * vr->columns * sizeof *x);

    if (x == NULL)
        nn_fail(CKKS_EMEM, "%s: no memory for %zu slots", where,
                vr->rows * vr->columns);
    return x;
}

/* ---- operations ------------------------------------------------------- */

static ckks_status vr_rotate(ckks_ct *out, uni_vr *vr, const ckks_ct *a,
                             long step)
{
    const long slots = (long)(vr->rows * vr->columns);

    step = (step % slots + slots) % slots;
    vr->done.rotations += step != 0;
    return uni_vri_lower(ckks_rotate(out, a, vr->keys, (int)step),
                          "a rotation");
}

ckks_status uni_vri_turn(ckks_ct *x, uni_vr *vr, long step)
{
    return vr_rotate(x, vr, x, step);
}

ckks_status uni_vri_fold(ckks_ct *x, uni_vr *vr, long step)
{
    ckks_ct turned = { 0 };
    ckks_status s = vr_rotate(&turned, vr, x, step);

    if (s == CKKS_OK)
        s = uni_vri_lower(ckks_add(x, x, &turned), "a sum");
    ckks_ct_clear(&turned);
    return s;
}

/* sum += term, which is consumed. */
static ckks_status vr_collect(ckks_ct *sum, ckks_ct *term)
{
    ckks_status s = CKKS_OK;

    if (sum->limb == NULL)
        ckks_ct_swap(sum, term);
    else
        s = uni_vri_lower(ckks_add(sum, sum, term), "a sum");
    ckks_ct_clear(term);
    return s;
}

ckks_status uni_vri_mask(ckks_ct *sum, uni_vr *vr, const ckks_ct *a,
                          const double *slots)
{
    ckks_pt mask = { 0 };
    ckks_ct term = { 0 };
    ckks_status s = ckks_encode(&mask, a->ctx, slots, NULL,
                                vr->rows * vr->columns, a->level,
                                (double)ckks_ctx_prime(a->ctx, a->level));

    if (s == CKKS_OK)
        s = ckks_mul_plain(&term, a, &mask);
    ckks_pt_clear(&mask);
    vr->done.plain++;
    return s == CKKS_OK ? vr_collect(sum, &term)
                        : uni_vri_lower(s, "a product with slots");
}

ckks_status uni_vri_times(ckks_ct *sum, uni_vr *vr, const ckks_ct *a,
                           const ckks_ct *b)
{
    ckks_ct term = { 0 };
    ckks_status s = ckks_mul(&term, a, b);

    vr->done.products++;
    return s == CKKS_OK ? vr_collect(sum, &term)
                        : uni_vri_lower(s, "a product");
}

ckks_status uni_vri_down(ckks_ct *x, uni_vr *vr)
{
    vr->done.rescales++;
    if (x->degree == 1)
        return uni_vri_lower(ckks_rescale(x, x), "a rescaling");
    vr->done.relins++;
    return uni_vri_lower(ckks_relin_rescale(x, x, vr->keys),
                          "a relinearisation");
}

ckks_status uni_vri_plus(ckks_ct *x, const uni_vr_weight *bias)
{
    ckks_pt pt = { 0 };
    ckks_status s;

    if (bias->slots == NULL)
        return uni_vri_lower(ckks_add(x, x, &bias->ct), "a bias");
    s = ckks_encode(&pt, x->ctx, bias->slots, NULL, bias->count, x->level,
                    x->scale);
    if (s == CKKS_OK)
        s = ckks_add_plain(x, x, &pt);
    ckks_pt_clear(&pt);
    return uni_vri_lower(s, "a bias");
}

void uni_vri_cost_add(uni_vr_cost *sum, uni_vr_cost c, long times)
{
    sum->rotations += times * c.rotations;
    sum->products += times * c.products;
    sum->plain += times * c.plain;
    sum->relins += times * c.relins;
    sum->rescales += times * c.rescales;
}
