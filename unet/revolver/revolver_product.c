/* revolver_product.c -- the matrix product of the Volley Revolver, and
 * the sums and turns it is made of.
 *
 * Read first: docs/12-volley.md, last section; revolver.h.
 *
 * B^T lies down the matrix row by row, with a period that divides the number of
 * rows, so it is a ring: turned by r rows, row i of A meets row (i + r) mod
 * period of B^T, whatever runs in from the other end.  Slot by slot products
 * summed along the row then are entry (i, (i + r) mod period) of C; the sum
 * arrives in column 0, is spread along the row, and a mask keeps the one place
 * where it belongs.  After `period` turns every entry has been hit once.
 */
#include <stdlib.h>
#include <string.h>

#include "revolver/revolver_steps.h"

/* ---- sums -------------------------------------------------------------- */

static ckks_status vr_end(ckks_ct *out, ckks_ct *x, ckks_status s)
{
    if (s == CKKS_OK)
        ckks_ct_swap(out, x);
    ckks_ct_clear(x);
    return s;
}

static ckks_status vr_sum_columns(ckks_ct *x, uni_vr *vr)
{
    ckks_status s = CKKS_OK;

    for (size_t i = 1; s == CKKS_OK && i < vr->columns; i *= 2)
        s = uni_vri_fold(x, vr, (long)i);
    return s;
}

ckks_status uni_vr_sum_columns(ckks_ct *out, uni_vr *vr, const ckks_ct *a)
{
    static const char where[] = "uni_vr_sum_columns";
    uni_vr_keys keys = { 0 };
    ckks_ct x = { 0 };
    ckks_status s = uni_vri_check(vr, a, 1, 0, where);

    if (s == CKKS_OK && out == NULL)
        s = nn_fail(CKKS_EARG, "%s: null pointer", where);
    if (s == CKKS_OK)
        s = uni_vr_need_sum_columns(&keys, vr, a->level);
    if (s == CKKS_OK)
        s = uni_vri_check_keys(vr, &keys, where);
    if (s == CKKS_OK)
        s = uni_vri_lower(ckks_ct_copy(&x, a), where);
    if (s == CKKS_OK)
        s = vr_sum_columns(&x, vr);
    return vr_end(out, &x, s);
}

/* The mask F_0, a copy of column 0 alone; work: slots. */
static ckks_status vr_spread(ckks_ct *x, uni_vr *vr, double *work)
{
    const size_t slots = vr->rows * vr->columns;
    ckks_ct first = { 0 };
    ckks_status s;

    for (size_t j = 0; j < slots; j++)
        work[j] = j % vr->columns == 0;
    s = uni_vri_mask(&first, vr, x, work);
    if (s == CKKS_OK)
        s = uni_vri_down(&first, vr);
    for (size_t i = 1; s == CKKS_OK && i < vr->columns; i *= 2)
        s = uni_vri_fold(&first, vr, -(long)i);
    return vr_end(x, &first, s);
}

/* ---- the product ------------------------------------------------------ */

/* What a product has besides its inputs. */
typedef struct vr_product {
    uni_vr *vr;
    const ckks_ct *a;
    size_t parts, p, period;
    ckks_ct *wheel;             /* (parts): encrypted factors, turned        */
    double *work;               /* slots                                     */
} vr_product;

/* t = sum over parts of a * (b turned by r rows).  Encrypted factors turn by
 * one row a call, with one key, as the revolver does; clear ones for free. */
static ckks_status vr_multiply(ckks_ct *t, const vr_product *p,
                               const uni_vr_weight *b, size_t r)
{
    const size_t slots = p->vr->rows * p->vr->columns;
    const size_t turn = r * p->vr->columns;
    ckks_status s = CKKS_OK;

    for (size_t c = 0; c < p->parts && s == CKKS_OK; c++) {
        if (b[c].slots != NULL) {
            for (size_t j = 0; j < slots; j++)
                p->work[j] = b[c].slots[(j + turn) % slots];
            s = uni_vri_mask(t, p->vr, &p->a[c], p->work);
            continue;
        }
        if (r == 0)
            s = uni_vri_lower(ckks_ct_copy(&p->wheel[c], &b[c].ct),
                               "a factor");
        else
            s = uni_vri_turn(&p->wheel[c], p->vr, (long)p->vr->columns);
        if (s == CKKS_OK)
            s = uni_vri_times(t, p->vr, &p->a[c], &p->wheel[c]);
    }
    return s == CKKS_OK ? uni_vri_down(t, p->vr) : s;
}

/* The mask F_r of a team: row i, column (i + r) mod period behind those of the
 * teams before. */
static void vr_places(const vr_product *p, size_t team, size_t r)
{
    memset(p->work, 0, p->vr->rows * p->vr->columns * sizeof *p->work);
    for (size_t i = 0; i < p->vr->rows; i++) {
        const size_t j = team * p->period + (i + r) % p->period;

        if (j < p->p)
            p->work[i * p->vr->columns + j] = 1;
    }
}

/* sum += what one team gives at its turn r. */
static ckks_status vr_chamber(ckks_ct *sum, const vr_product *p,
                              const uni_vr_weight *b, size_t team, size_t r)
{
    ckks_ct t = { 0 };
    ckks_status s = vr_multiply(&t, p, b + team * p->parts, r);

    if (s == CKKS_OK)
        s = vr_sum_columns(&t, p->vr);
    if (s == CKKS_OK)
        s = vr_spread(&t, p->vr, p->work);
    if (s == CKKS_OK) {
        vr_places(p, team, r);
        s = uni_vri_mask(sum, p->vr, &t, p->work);
    }
    ckks_ct_clear(&t);
    return s;
}

static ckks_status vr_check_product(const uni_vr *vr, const ckks_ct *a,
                                    size_t parts, const uni_vr_weight *b,
                                    size_t p)
{
    static const char where[] = "uni_vr_product";
    uni_vr_keys keys = { 0 };
    ckks_status s = uni_vri_check(vr, a, parts, UNET_VR_PRODUCT_LEVELS,
                                   where);

    if (s == CKKS_OK && (p < 1 || p > vr->columns))
        s = nn_fail(CKKS_EARG, "%s: %zu columns of results in rows of %zu",
                    where, p, vr->columns);
    if (s == CKKS_OK)
        s = uni_vri_check_weights(vr, b, parts * uni_vr_teams(vr, p), a,
                                   where);
    if (s == CKKS_OK)
        s = uni_vr_need_product(&keys, vr, p, a->level, b->slots == NULL);
    if (s == CKKS_OK)
        s = uni_vri_check_keys(vr, &keys, where);
    return s;
}

ckks_status uni_vr_product(ckks_ct *out, uni_vr *vr, const ckks_ct *a,
                            size_t parts, const uni_vr_weight *b, size_t p)
{
    ckks_ct sum = { 0 };
    vr_product w = { vr, a, parts, p, 0, NULL, NULL };
    ckks_status s = vr_check_product(vr, a, parts, b, p);

    if (s == CKKS_OK && out == NULL)
        s = nn_fail(CKKS_EARG, "uni_vr_product: null pointer");
    if (s != CKKS_OK)
        return s;
    w.period = uni_vr_period(vr, p);
    w.work = uni_vri_slots(vr, "uni_vr_product");
    w.wheel = calloc(parts, sizeof *w.wheel);
    if (w.work == NULL || w.wheel == NULL)
        s = nn_fail(CKKS_EMEM, "uni_vr_product: no memory for %zu parts",
                    parts);
    for (size_t team = 0; team < uni_vr_teams(vr, p); team++)
        for (size_t r = 0; r < w.period && s == CKKS_OK; r++)
            s = vr_chamber(&sum, &w, b, team, r);
    if (s == CKKS_OK)
        s = uni_vri_down(&sum, vr);
    for (size_t c = 0; w.wheel != NULL && c < parts; c++)
        ckks_ct_clear(&w.wheel[c]);
    free(w.wheel);
    free(w.work);
    return vr_end(out, &sum, s);
}

uni_vr_cost uni_vr_product_cost(const uni_vr *vr, size_t parts, size_t p,
                                  bool encrypted)
{
    const long turns = (long)uni_vr_period(vr, p);
    const long teams = (long)uni_vr_teams(vr, p);
    const long products = teams * turns * (long)parts;
    const long log = uni_vri_log2(vr->columns);
    uni_vr_cost c = { 0 };

    c.rotations = teams * turns * 2 * log;
    c.plain = teams * turns * 2;
    c.rescales = teams * turns * 2 + 1;
    if (encrypted) {
        c.rotations += teams * (turns - 1) * (long)parts;
        c.products = products;
        c.relins = teams * turns;
    } else {
        c.plain += products;
    }
    return c;
}
