/* revolver.c -- the matrix in the slots: shape, packing, factors.
 *
 * Read first: docs/12-volley.md, last section; revolver.h, which has the
 * contracts.  Nothing here computes on ciphertexts (revolver_product.c,
 * revolver_conv.c); keys are in revolver_keys.c.
 */
#include <stdlib.h>
#include <string.h>

#include "revolver/revolver_steps.h"

ckks_status uni_vr_init(uni_vr *out, size_t slots, size_t width,
                         const ckks_keys *keys)
{
    size_t columns = 1;

    if (out == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_init: null pointer");
    if (slots == 0 || (slots & (slots - 1)) != 0)
        return nn_fail(CKKS_EARG, "uni_vr_init: %zu slots are no power of "
                       "two", slots);
    if (width < 1 || width > slots)
        return nn_fail(CKKS_EARG, "uni_vr_init: rows of %zu entries, not "
                       "1..%zu, the slots there are", width, slots);
    while (columns < width)
        columns *= 2;
    *out = (uni_vr){ slots / columns, columns, keys, { 0 } };
    return CKKS_OK;
}

/* ---- packing ---------------------------------------------------------- */

static ckks_status vr_check_vectors(const uni_vr *vr, size_t count,
                                    size_t length, const char *where)
{
    if (count > vr->rows || length > vr->columns)
        return nn_fail(CKKS_EARG, "%s: %zu vectors of %zu numbers do not fit "
                       "%zu rows of %zu", where, count, length, vr->rows,
                       vr->columns);
    return CKKS_OK;
}

ckks_status uni_vr_pack(double *slots, const uni_vr *vr,
                         const double *vectors, size_t count, size_t length)
{
    ckks_status s;

    if (slots == NULL || vr == NULL || vectors == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_pack: null pointer");
    s = vr_check_vectors(vr, count, length, "uni_vr_pack");
    if (s != CKKS_OK)
        return s;
    for (size_t i = 0; i < vr->rows; i++)
        for (size_t j = 0; j < vr->columns; j++)
            slots[i * vr->columns + j] =
                i < count && j < length ? vectors[i * length + j] : 0;
    return CKKS_OK;
}

ckks_status uni_vr_unpack(double *vectors, const uni_vr *vr,
                           const double *slots, size_t count, size_t length)
{
    ckks_status s;

    if (vectors == NULL || vr == NULL || slots == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_unpack: null pointer");
    s = vr_check_vectors(vr, count, length, "uni_vr_unpack");
    if (s != CKKS_OK)
        return s;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < length; j++)
            vectors[i * length + j] = slots[i * vr->columns + j];
    return CKKS_OK;
}

size_t uni_vr_period(const uni_vr *vr, size_t p)
{
    size_t period = 1;

    while (period < p && period < vr->rows)
        period *= 2;
    return period;
}

size_t uni_vr_teams(const uni_vr *vr, size_t p)
{
    size_t period = uni_vr_period(vr, p);

    return p / period + (p % period != 0);
}

ckks_status uni_vr_pack_team(double *slots, const uni_vr *vr,
                              const double *bt, size_t p, size_t length,
                              size_t team)
{
    size_t period;

    if (slots == NULL || vr == NULL || bt == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_pack_team: null pointer");
    if (p < 1 || p > vr->columns || length > vr->columns)
        return nn_fail(CKKS_EARG, "uni_vr_pack_team: a factor of %zu x %zu "
                       "(length x columns) does not fit rows of %zu", length,
                       p, vr->columns);
    if (team >= uni_vr_teams(vr, p))
        return nn_fail(CKKS_EARG, "uni_vr_pack_team: team %zu of %zu", team,
                       uni_vr_teams(vr, p));
    period = uni_vr_period(vr, p);
    for (size_t i = 0; i < vr->rows; i++) {
        const size_t j = team * period + i % period;

        for (size_t l = 0; l < vr->columns; l++)
            slots[i * vr->columns + l] =
                j < p && l < length ? bt[j * length + l] : 0;
    }
    return CKKS_OK;
}

ckks_status uni_vr_span(double *slots, const uni_vr *vr, uni_vr_window g,
                         const double *kernel, int u, int v)
{
    const int k = g.kernel;
    ckks_status s;

    if (slots == NULL || vr == NULL || kernel == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_span: null pointer");
    s = uni_vri_check_window(vr, g, "uni_vr_span");
    if (s != CKKS_OK)
        return s;
    if (u < 0 || u >= k || v < 0 || v >= k)
        return nn_fail(CKKS_EARG, "uni_vr_span: corner (%d, %d), not below "
                       "(%d, %d)", u, v, k, k);
    memset(slots, 0, vr->rows * vr->columns * sizeof *slots);
    for (int y = u; y + k <= g.height; y += k)
        for (int x = v; x + k <= g.width; x += k)
            for (int r = 0; r < k; r++)
                memcpy(slots + (y + r) * g.width + x, kernel + r * k,
                       (size_t)k * sizeof *slots);
    for (size_t i = 1; i < vr->rows; i++)
        memcpy(slots + i * vr->columns, slots, vr->columns * sizeof *slots);
    return CKKS_OK;
}

/* ---- factors ---------------------------------------------------------- */

ckks_status uni_vr_weight_init(uni_vr_weight *out, const ckks_ctx *ctx,
                                const double *slots, int level, double scale,
                                ckks_rng *rng, const ckks_pk *pk)
{
    uni_vr_weight w = { 0 };
    ckks_pt pt = { 0 };
    ckks_status s;

    if (out == NULL || ctx == NULL || slots == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_weight_init: null pointer");
    w.count = ckks_ctx_slots(ctx);
    if (pk == NULL) {
        w.slots = malloc(w.count * sizeof *w.slots);
        if (w.slots == NULL)
            return nn_fail(CKKS_EMEM, "uni_vr_weight_init: no memory for %zu "
                           "slots", w.count);
        memcpy(w.slots, slots, w.count * sizeof *w.slots);
    } else {
        if (scale == 0)
            scale = (double)ckks_ctx_prime(ctx, level);
        s = ckks_encode(&pt, ctx, slots, NULL, w.count, level, scale);
        if (s == CKKS_OK)
            s = ckks_encrypt(&w.ct, rng, &pt, pk);
        ckks_pt_clear(&pt);
        if (s != CKKS_OK)
            return uni_vri_lower(s, "uni_vr_weight_init");
    }
    uni_vr_weight_clear(out);
    *out = w;
    return CKKS_OK;
}

void uni_vr_weight_clear(uni_vr_weight *w)
{
    if (w == NULL)
        return;
    free(w->slots);
    ckks_ct_clear(&w->ct);
    *w = (uni_vr_weight){ 0 };
}
