/* revolver_keys.c -- which keys the operators of the literal Volley Revolver
 * need.
 *
 * Read first: revolver.h.
 */
#include "revolver/revolver_steps.h"

ckks_status uni_vri_need(uni_vr_keys *keys, const uni_vr *vr,
                          ckks_key_kind kind, long step, int level)
{
    const long slots = (long)(vr->rows * vr->columns);
    ckks_key_request *k = keys->key;

    step = (step % slots + slots) % slots;
    if (kind == CKKS_KEY_ROTATE && step == 0)
        return CKKS_OK;
    for (; k < keys->key + keys->count; k++)
        if (k->kind == kind && k->step == step) {
            k->level = level > k->level ? level : k->level;
            return CKKS_OK;
        }
    if (keys->count >= UNET_VR_MAX_KEYS)
        return nn_fail(CKKS_EARG, "more than %d keys", UNET_VR_MAX_KEYS);
    keys->key[keys->count++] = (ckks_key_request){ kind, (int)step, level };
    return CKKS_OK;
}

ckks_status uni_vri_need_window(uni_vr_keys *keys, const uni_vr *vr,
                                 uni_vr_window g, int level)
{
    ckks_status s = CKKS_OK;

    if (g.kernel == 1)
        return CKKS_OK;
    s = uni_vri_need(keys, vr, CKKS_KEY_ROTATE, 1, level);
    return s == CKKS_OK
               ? uni_vri_need(keys, vr, CKKS_KEY_ROTATE, g.width, level)
               : s;
}

/* Keys are added to a copy, which is kept if all is well: *keys = *sum. */
static ckks_status vr_need_begin(uni_vr_keys *sum, const uni_vr_keys *keys,
                                 const uni_vr *vr, int level, int levels,
                                 const char *where)
{
    if (keys == NULL || vr == NULL)
        return nn_fail(CKKS_EARG, "%s: null pointer", where);
    if (level < levels)
        return nn_fail(CKKS_ELEVEL, "%s: inputs of level %d, it takes %d",
                       where, level, levels);
    *sum = *keys;
    return CKKS_OK;
}

static ckks_status vr_need_end(uni_vr_keys *keys, const uni_vr_keys *sum,
                               ckks_status s)
{
    if (s == CKKS_OK)
        *keys = *sum;
    return s;
}

/* Steps from, 2 from, 4 from ..., count of them. */
static ckks_status vr_need_powers(uni_vr_keys *keys, const uni_vr *vr,
                                  long from, int count, int level)
{
    ckks_status s = CKKS_OK;

    for (int i = 0; i < count && s == CKKS_OK; i++)
        s = uni_vri_need(keys, vr, CKKS_KEY_ROTATE, from * (1L << i), level);
    return s;
}

/* A turn by one row. */
static ckks_status vr_need_shift(uni_vr_keys *keys, const uni_vr *vr,
                                 int level)
{
    return uni_vri_need(keys, vr, CKKS_KEY_ROTATE, (long)vr->columns, level);
}

ckks_status uni_vr_need_sum_columns(uni_vr_keys *keys, const uni_vr *vr,
                                     int level)
{
    uni_vr_keys sum;
    ckks_status s = vr_need_begin(&sum, keys, vr, level, 0,
                                  "uni_vr_need_sum_columns");

    if (s == CKKS_OK)
        s = vr_need_powers(&sum, vr, 1, uni_vri_log2(vr->columns), level);
    return vr_need_end(keys, &sum, s);
}

/* The first column copied into all others, one level lower. */
static ckks_status vr_need_spread(uni_vr_keys *keys, const uni_vr *vr,
                                  int level)
{
    return vr_need_powers(keys, vr, -1, uni_vri_log2(vr->columns), level - 1);
}

ckks_status uni_vr_need_product(uni_vr_keys *keys, const uni_vr *vr,
                                 size_t p, int level, bool encrypted)
{
    uni_vr_keys sum;
    ckks_status s = vr_need_begin(&sum, keys, vr, level,
                                  UNET_VR_PRODUCT_LEVELS,
                                  "uni_vr_need_product");

    if (s == CKKS_OK && encrypted)
        s = uni_vri_need(&sum, vr, CKKS_KEY_RELIN, 0, level);
    if (s == CKKS_OK && encrypted && uni_vr_period(vr, p) > 1)
        s = vr_need_shift(&sum, vr, level);
    if (s == CKKS_OK)
        s = uni_vr_need_sum_columns(&sum, vr, level - 1);
    if (s == CKKS_OK)
        s = vr_need_spread(&sum, vr, level - 1);
    return vr_need_end(keys, &sum, s);
}

ckks_status uni_vr_need_conv(uni_vr_keys *keys, const uni_vr *vr,
                              uni_vr_window g, int level, bool encrypted)
{
    uni_vr_keys sum;
    ckks_status s = vr_need_begin(&sum, keys, vr, level, UNET_VR_CONV_LEVELS,
                                  "uni_vr_need_conv");

    if (s == CKKS_OK)
        s = uni_vri_check_window(vr, g, "uni_vr_need_conv");
    if (s == CKKS_OK && encrypted)
        s = uni_vri_need(&sum, vr, CKKS_KEY_RELIN, 0, level);
    if (s == CKKS_OK)
        s = uni_vri_need_window(&sum, vr, g, level - 1);
    return vr_need_end(keys, &sum, s);
}

ckks_status uni_vr_need_square(uni_vr_keys *keys, const uni_vr *vr,
                                int level)
{
    uni_vr_keys sum;
    ckks_status s = vr_need_begin(&sum, keys, vr, level,
                                  UNET_VR_SQUARE_LEVELS,
                                  "uni_vr_need_square");

    if (s == CKKS_OK)
        s = uni_vri_need(&sum, vr, CKKS_KEY_RELIN, 0, level);
    return vr_need_end(keys, &sum, s);
}
