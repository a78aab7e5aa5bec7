/* test_revolver_refuse.c -- missing keys, wrong arguments, no
 * memory: a status, and outputs as they were. */
#include "revolver_support.h"

/* Each key of the list is needed, at its level; without it nothing is done. */
TEST(vr_every_key_is_needed)
{
    static const vr_product_case k = { 8, 4, 8, 4, 1, true };
    uni_vr_keys all = { 0 }, fewer;
    vr_product_rig r = { 0 };
    ckks_ct out = { 0 };
    vr_snapshot s;
    vr_bench b;

    if (!vr_bench_open(&b, &vr_small_params, k.width)
        || !NN_OK(uni_vr_need_product(&all, &b.vr, k.p, b.top, true))
        || !vr_product_open(&r, &b, &k, b.top)
        || !CHECK_OK(ckks_ct_copy(&out, &r.in[0])))
        goto done;
    s = vr_snap(&out);
    CHECK(all.count == 1 + 1 + 2 * 3, "%zu keys", all.count);
    NN_STATUS(uni_vr_product(&out, &b.vr, r.in, 1, r.b, k.p), CKKS_EKEY);
    for (size_t i = 0; i < 2 * all.count; i++) {
        fewer = all;
        if (i < all.count)              /* one is missing                    */
            fewer.key[i] = fewer.key[--fewer.count];
        else                            /* one is a level too low            */
            fewer.key[i - all.count].level--;
        if (!vr_bench_keys(&b, &fewer))
            break;
        NN_STATUS(uni_vr_product(&out, &b.vr, r.in, 1, r.b, k.p), CKKS_EKEY);
        vr_check_same(&s, &out, "a missing key");
    }
    CHECK(b.vr.done.rotations == 0 && b.vr.done.products == 0,
          "work before keys were looked at");
done:
    ckks_ct_clear(&out);
    vr_product_close(&r);
    vr_bench_close(&b);
}

TEST(vr_need_joins_requests)
{
    uni_vr_keys k = { 0 };
    uni_vr vr;

    NN_OK(uni_vr_init(&vr, 64, 64, NULL));
    NN_OK(uni_vr_need_sum_columns(&k, &vr, 1));
    CHECK(k.count == 6, "%zu", k.count);
    NN_OK(uni_vr_need_product(&k, &vr, 1, 5, false));   /* -32 is 32        */
    CHECK(k.count == 11, "%zu", k.count);
    for (size_t i = 0; i < k.count; i++)
        CHECK(k.key[i].level == (k.key[i].step <= 32 ? 4 : 3),
              "step %d level %d", k.key[i].step, k.key[i].level);
    NN_OK(uni_vr_need_sum_columns(&k, &vr, 5));
    CHECK(k.count == 11 && k.key[0].level == 5, "%zu", k.count);
    NN_STATUS(uni_vr_need_product(&k, &vr, 1, 2, true), CKKS_ELEVEL);
    NN_STATUS(uni_vr_need_conv(&k, &vr, (uni_vr_window){ 9, 9, 3 }, 3,
                                false), CKKS_EARG);
    NN_STATUS(uni_vr_need_square(NULL, &vr, 3), CKKS_EARG);
    k.count = UNET_VR_MAX_KEYS - 1;
    for (size_t i = 0; i < k.count; i++)
        k.key[i] = (ckks_key_request){ CKKS_KEY_CONJ, (int)i, 0 };
    NN_STATUS(uni_vr_need_sum_columns(&k, &vr, 3), CKKS_EARG);
    CHECK(k.count == UNET_VR_MAX_KEYS - 1, "written on failure");
}

TEST(vr_refuses)
{
    static const vr_product_case k = { 8, 8, 8, 8, 1, true };
    static const uni_vr_window g = { 2, 4, 2 };
    uni_vr_keys keys = { 0 };
    uni_vr_weight clear = { 0 }, low = { 0 }, other_bias = { NULL, 5, { 0 } };
    vr_product_rig r = { 0 };
    ckks_ct out = { 0 }, two = { 0 }, three[2] = { { 0 }, { 0 } };
    vr_snapshot s;
    uni_vr other;
    vr_bench b;

    if (!vr_bench_open(&b, &vr_small_params, k.width)
        || !NN_OK(uni_vr_need_product(&keys, &b.vr, k.p, b.top, true))
        || !NN_OK(uni_vr_need_conv(&keys, &b.vr, g, b.top, true))
        || !vr_bench_keys(&b, &keys) || !vr_product_open(&r, &b, &k, b.top)
        || !CHECK_OK(ckks_ct_copy(&out, &r.in[0]))
        || !CHECK_OK(ckks_square(&two, &r.in[0]))
        || !CHECK_OK(ckks_ct_copy(&three[0], &r.in[0]))
        || !CHECK_OK(ckks_drop_level(&three[1], &r.in[0], 2))
        || !NN_OK(uni_vr_weight_init(&clear, b.ctx, r.slots, 0, 0, NULL,
                                      NULL))
        || !NN_OK(uni_vr_weight_init(&low, b.ctx, r.slots, 2, 0, &b.rng,
                                      b.pk)))
        goto done;
    s = vr_snap(&out);
    other = b.vr;
    other.rows *= 2;

    NN_STATUS(uni_vr_product(&out, &b.vr, r.in, 1, r.b, 0), CKKS_EARG);
    NN_STATUS(uni_vr_product(&out, &b.vr, r.in, 1, r.b, 9), CKKS_EARG);
    CHECK(strstr(nn_last_error(), "9 columns") != NULL, "%s",
          nn_last_error());
    NN_STATUS(uni_vr_product(&out, &b.vr, r.in, 0, r.b, 8), CKKS_EARG);
    NN_STATUS(uni_vr_product(&out, &b.vr, r.in, 1, NULL, 8), CKKS_EARG);
    NN_STATUS(uni_vr_product(&out, &b.vr, NULL, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(uni_vr_product(NULL, &b.vr, r.in, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(uni_vr_product(&out, NULL, r.in, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(uni_vr_product(&out, &other, r.in, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(uni_vr_product(&out, &b.vr, &two, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(uni_vr_product(&out, &b.vr, three, 2, r.b, 8), CKKS_ELEVEL);
    NN_STATUS(uni_vr_product(&out, &b.vr, three + 1, 1, r.b, 8),
              CKKS_ELEVEL);                     /* level 2 of 3              */
    NN_STATUS(uni_vr_product(&out, &b.vr, r.in, 1, &low, 8), CKKS_ELEVEL);
    NN_STATUS(uni_vr_product(&out, &b.vr, r.in, 1, &r.b[1], 8), CKKS_EARG);
    NN_STATUS(uni_vr_conv(&out, &b.vr, r.in, 1, r.b, NULL,
                           (uni_vr_window){ 2, 4, 2 }), CKKS_EARG);
    uni_vr_weight_clear(&r.b[1]);
    CHECK_OK(ckks_ct_copy(&three[1], &r.in[0]));
    NN_OK(uni_vr_weight_init(&r.b[1], b.ctx, r.slots, 0, 0, NULL, NULL));
    NN_STATUS(uni_vr_product(&out, &b.vr, three, 2, r.b, 8), CKKS_EARG);
    CHECK(strstr(nn_last_error(), "in the clear") != NULL, "%s",
          nn_last_error());
    NN_STATUS(uni_vr_conv(&out, &b.vr, r.in, 1, &clear, &other_bias,
                           (uni_vr_window){ 2, 4, 1 }), CKKS_EARG);
    NN_STATUS(uni_vr_conv(&out, &b.vr, r.in, 1, &clear, NULL,
                           (uni_vr_window){ 3, 3, 1 }), CKKS_EARG);
    NN_STATUS(uni_vr_sum_for_conv(&out, &b.vr, r.in,
                                  (uni_vr_window){ 2, 4, 3 }), CKKS_EARG);
    NN_STATUS(uni_vr_sum_for_conv(&out, &b.vr, r.in,
                                  (uni_vr_window){ 2, 4, 0 }), CKKS_EARG);
    NN_STATUS(uni_vr_sum_for_conv(&out, &b.vr, &two, g), CKKS_EARG);
    NN_STATUS(uni_vr_square(&out, &b.vr, &two), CKKS_EARG);
    NN_STATUS(uni_vr_sum_for_conv(&out, &b.vr, r.in,
                                  (uni_vr_window){ 2, 3, 2 }), CKKS_EKEY);
    NN_STATUS(uni_vr_weight_init(&low, b.ctx, NULL, 0, 0, NULL, NULL),
              CKKS_EARG);
    NN_STATUS(uni_vr_weight_init(&low, b.ctx, r.slots, 9, 0x1p30, &b.rng,
                                  b.pk), CKKS_ELEVEL);
    CHECK(low.ct.level == 2, "the weight was written");
    CHECK_OK(ckks_drop_level(&three[1], &r.in[0], 0));
    NN_STATUS(uni_vr_square(&out, &b.vr, &three[1]), CKKS_ELEVEL);
    NN_STATUS(uni_vr_conv(&out, &b.vr, &three[1], 1, &clear, NULL,
                           (uni_vr_window){ 2, 4, 1 }), CKKS_ELEVEL);
    vr_check_same(&s, &out, "a refusal");
    CHECK(b.vr.done.rotations + b.vr.done.products + b.vr.done.plain == 0,
          "work before a refusal");
done:
    uni_vr_weight_clear(&clear);
    uni_vr_weight_clear(&low);
    ckks_ct_clear(&out);
    ckks_ct_clear(&two);
    ckks_ct_clear(&three[0]);
    ckks_ct_clear(&three[1]);
    vr_product_close(&r);
    vr_bench_close(&b);
}

/* ---- no memory ---------------------------------------------------------- */

/* Allocations of a context that are still granted; < 0: all. */
typedef struct ration {
    long left, alive;
} ration;

static void *ration_take(void *user, size_t size)
{
    ration *r = user;
    void *p;

    if (r->left == 0)
        return NULL;
    p = aligned_alloc(64, (size + 63) / 64 * 64);
    r->left -= r->left > 0;
    r->alive += p != NULL;
    return p;
}

static void ration_give(void *user, void *p, size_t size)
{
    (void)size;
    ((ration *)user)->alive -= p != NULL;
    free(p);
}

/* Whichever allocation of the context fails: CKKS_EMEM, nothing written,
 * nothing lost. */
TEST(vr_without_memory)
{
    static const vr_product_case k = { 4, 4, 4, 2, 1, true };
    ration ration_ = { -1, 0 };
    ckks_params params = vr_small_params;
    uni_vr_keys keys = { 0 };
    vr_product_rig r = { 0 };
    ckks_ct out = { 0 };
    ckks_status st = CKKS_EMEM;
    vr_snapshot s;
    vr_bench b;
    long n, alive;

    params.memory = (ckks_memory){ ration_take, ration_give, &ration_ };
    if (!vr_bench_open(&b, &params, k.width)
        || !NN_OK(uni_vr_need_product(&keys, &b.vr, k.p, b.top, true))
        || !vr_bench_keys(&b, &keys) || !vr_product_open(&r, &b, &k, b.top)
        || !CHECK_OK(ckks_ct_copy(&out, &r.in[0])))
        goto done;
    s = vr_snap(&out);
    alive = ration_.alive;
    for (n = 0; n < 2000 && st == CKKS_EMEM; n++) {
        ration_.left = n;
        st = uni_vr_product(&out, &b.vr, r.in, 1, r.b, k.p);
        ration_.left = -1;
        if (st == CKKS_OK)
            break;
        vr_check_same(&s, &out, "no memory");
        CHECK(ration_.alive == alive, "allocation %ld: %ld objects, were %ld",
              n, ration_.alive, alive);
    }
    CHECK(st == CKKS_OK && n > 20, "allocation %ld: %s", n,
          ckks_status_name(st));
done:
    ckks_ct_clear(&out);
    vr_product_close(&r);
    vr_bench_close(&b);
    CHECK(ration_.alive == 0, "%ld objects left", ration_.alive);
}
