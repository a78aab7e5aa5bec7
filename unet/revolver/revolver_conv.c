/* revolver_conv.c -- convolution by kernel spanning, and squares.
 *
 * Read first: docs/12-volley.md, last section; revolver.h.
 *
 * Copies of the kernel side by side multiply the image, k^2 products at once
 * for every copy; SumForConv adds each square of k x k up in its upper left
 * corner; a mask keeps these corners.  The k^2 ways to begin the tiling reach
 * every corner once.  What a rotation brings in from the next row of pixels, or
 * from the next image, arrives where no copy lies within the image, and the
 * mask drops it: rotations of the whole ciphertext do.
 */
#include <stdlib.h>
#include <string.h>

#include "revolver/revolver_steps.h"

/* x = sum over i < k of (x turned by i step), by Horner's rule: k - 1 turns by
 * the same step, one key. */
static ckks_status vr_line(ckks_ct *x, uni_vr *vr, int k, long step)
{
    ckks_ct sum = { 0 };
    ckks_status s = k > 1 ? uni_vri_lower(ckks_ct_copy(&sum, x), "a sum")
                          : CKKS_OK;

    for (int i = 1; i < k && s == CKKS_OK; i++) {
        s = uni_vri_turn(&sum, vr, step);
        if (s == CKKS_OK)
            s = uni_vri_lower(ckks_add(&sum, &sum, x), "a sum");
    }
    if (s == CKKS_OK && k > 1)
        ckks_ct_swap(x, &sum);
    ckks_ct_clear(&sum);
    return s;
}

ckks_status uni_vri_window(ckks_ct *x, uni_vr *vr, uni_vr_window g)
{
    ckks_status s = vr_line(x, vr, g.kernel, 1);

    return s == CKKS_OK ? vr_line(x, vr, g.kernel, g.width) : s;
}

ckks_status uni_vr_sum_for_conv(ckks_ct *out, uni_vr *vr, const ckks_ct *a,
                                 uni_vr_window g)
{
    static const char where[] = "uni_vr_sum_for_conv";
    uni_vr_keys keys = { 0 };
    ckks_ct x = { 0 };
    ckks_status s = uni_vri_check(vr, a, 1, 0, where);

    if (s == CKKS_OK && out == NULL)
        s = nn_fail(CKKS_EARG, "%s: null pointer", where);
    if (s == CKKS_OK)
        s = uni_vri_check_window(vr, g, where);
    if (s == CKKS_OK)
        s = uni_vri_need_window(&keys, vr, g, a->level);
    if (s == CKKS_OK)
        s = uni_vri_check_keys(vr, &keys, where);
    if (s == CKKS_OK)
        s = uni_vri_lower(ckks_ct_copy(&x, a), where);
    if (s == CKKS_OK)
        s = uni_vri_window(&x, vr, g);
    if (s == CKKS_OK)
        ckks_ct_swap(out, &x);
    ckks_ct_clear(&x);
    return s;
}

/* 1 where a window of the tiling that begins at (u, v) has its corner. */
static void vr_keep(double *slots, const uni_vr *vr, uni_vr_window g, int u,
                    int v)
{
    memset(slots, 0, vr->rows * vr->columns * sizeof *slots);
    for (size_t i = 0; i < vr->rows; i++)
        for (int y = u; y + g.kernel <= g.height; y += g.kernel)
            for (int x = v; x + g.kernel <= g.width; x += g.kernel)
                slots[i * vr->columns + (size_t)(y * g.width + x)] = 1;
}

/* How many of the k tilings, along an axis, have room for a window. */
static int vr_starts(int side, int k)
{
    return side - k + 1 < k ? side - k + 1 : k;
}

/* sum += the outputs at the corners of one tiling. */
static ckks_status vr_tiling(ckks_ct *sum, uni_vr *vr, const ckks_ct *a,
                             size_t channels, const uni_vr_weight *span,
                             uni_vr_window g, int u, int v, double *work)
{
    ckks_ct t = { 0 };
    ckks_status s = CKKS_OK;

    span += (size_t)(u * g.kernel + v) * channels;
    for (size_t c = 0; c < channels && s == CKKS_OK; c++)
        s = span[c].slots != NULL
                ? uni_vri_mask(&t, vr, &a[c], span[c].slots)
                : uni_vri_times(&t, vr, &a[c], &span[c].ct);
    if (s == CKKS_OK)
        s = uni_vri_down(&t, vr);
    if (s == CKKS_OK)
        s = uni_vri_window(&t, vr, g);
    if (s == CKKS_OK) {
        vr_keep(work, vr, g, u, v);
        s = uni_vri_mask(sum, vr, &t, work);
    }
    ckks_ct_clear(&t);
    return s;
}

static ckks_status vr_check_conv(const uni_vr *vr, const ckks_ct *a,
                                 size_t channels, const uni_vr_weight *span,
                                 const uni_vr_weight *bias, uni_vr_window g)
{
    static const char where[] = "uni_vr_conv";
    uni_vr_keys keys = { 0 };
    ckks_status s = uni_vri_check(vr, a, channels, UNET_VR_CONV_LEVELS,
                                   where);

    if (s == CKKS_OK)
        s = uni_vri_check_window(vr, g, where);
    if (s == CKKS_OK)
        s = uni_vri_check_weights(vr, span, channels * (size_t)g.kernel
                                                 * (size_t)g.kernel,
                                   a, where);
    if (s == CKKS_OK && bias != NULL
        && bias->count != vr->rows * vr->columns)
        s = nn_fail(CKKS_EARG, "%s: a bias of %zu slots, not %zu x %zu",
                    where, bias->count, vr->rows, vr->columns);
    if (s == CKKS_OK)
        s = uni_vr_need_conv(&keys, vr, g, a->level, span->slots == NULL);
    if (s == CKKS_OK)
        s = uni_vri_check_keys(vr, &keys, where);
    return s;
}

ckks_status uni_vr_conv(ckks_ct *out, uni_vr *vr, const ckks_ct *a,
                         size_t channels, const uni_vr_weight *span,
                         const uni_vr_weight *bias, uni_vr_window g)
{
    ckks_ct sum = { 0 };
    double *work;
    ckks_status s = vr_check_conv(vr, a, channels, span, bias, g);

    if (s == CKKS_OK && out == NULL)
        s = nn_fail(CKKS_EARG, "uni_vr_conv: null pointer");
    if (s != CKKS_OK)
        return s;
    work = uni_vri_slots(vr, "uni_vr_conv");
    if (work == NULL)
        return CKKS_EMEM;
    for (int u = 0; u < vr_starts(g.height, g.kernel); u++)
        for (int v = 0; v < vr_starts(g.width, g.kernel) && s == CKKS_OK; v++)
            s = vr_tiling(&sum, vr, a, channels, span, g, u, v, work);
    free(work);
    if (s == CKKS_OK)
        s = uni_vri_down(&sum, vr);
    if (s == CKKS_OK && bias != NULL)
        s = uni_vri_plus(&sum, bias);
    if (s == CKKS_OK)
        ckks_ct_swap(out, &sum);
    ckks_ct_clear(&sum);
    return s;
}

uni_vr_cost uni_vr_conv_cost(size_t channels, uni_vr_window g,
                               bool encrypted)
{
    const long tilings = (long)vr_starts(g.height, g.kernel)
                         * vr_starts(g.width, g.kernel);
    const long products = tilings * (long)channels;
    uni_vr_cost c = { 0 };

    c.rotations = tilings * 2 * (g.kernel - 1);
    c.products = encrypted ? products : 0;
    c.plain = tilings + (encrypted ? 0 : products);
    c.relins = encrypted ? tilings : 0;
    c.rescales = tilings + 1;
    return c;
}

ckks_status uni_vr_square(ckks_ct *out, uni_vr *vr, const ckks_ct *a)
{
    uni_vr_keys keys = { 0 };
    ckks_ct x = { 0 };
    ckks_status s = uni_vri_check(vr, a, 1, UNET_VR_SQUARE_LEVELS,
                                   "uni_vr_square");

    if (s == CKKS_OK && out == NULL)
        s = nn_fail(CKKS_EARG, "uni_vr_square: null pointer");
    if (s == CKKS_OK)
        s = uni_vr_need_square(&keys, vr, a->level);
    if (s == CKKS_OK)
        s = uni_vri_check_keys(vr, &keys, "uni_vr_square");
    if (s == CKKS_OK) {
        vr->done.products++;
        s = uni_vri_lower(ckks_square(&x, a), "uni_vr_square");
    }
    if (s == CKKS_OK)
        s = uni_vri_down(&x, vr);
    if (s == CKKS_OK)
        ckks_ct_swap(out, &x);
    ckks_ct_clear(&x);
    return s;
}
