/* test_revolver_net.c -- a network by the literal operators against
 * plain loops. */
#include "revolver_support.h"

/* One image (channels, 5, 6), layer by layer; also mean squares of what is
 * squared. */
static void net_naive(double *out, double squares[2], const uni_vr_net *n,
                      const double *x)
{
    double map[VR_NET_MAPS * VR_NET_OUT], hidden[VR_NET_HIDDEN];

    for (int o = 0; o < VR_NET_MAPS; o++)
        for (int y = 0; y < 3; y++)
            for (int z = 0; z < 4; z++) {
                double sum = n->conv_bias[o];

                for (int c = 0; c < VR_NET_CHANNELS; c++)
                    for (int k = 0; k < 9; k++)
                        sum += n->conv[(o * VR_NET_CHANNELS + c) * 9 + k]
                               * x[c * VR_NET_AREA + (y + k / 3) * 6 + z
                                   + k % 3];
                squares[0] += sum * sum / (VR_NET_MAPS * VR_NET_OUT);
                map[(o * 3 + y) * 4 + z] = sum * sum;
            }
    for (int j = 0; j < VR_NET_HIDDEN; j++) {
        double sum = n->dense1_bias[j];

        for (int i = 0; i < VR_NET_MAPS * VR_NET_OUT; i++)
            sum += n->dense1[j * VR_NET_MAPS * VR_NET_OUT + i] * map[i];
        squares[1] += sum * sum / VR_NET_HIDDEN;
        hidden[j] = sum * sum;
    }
    for (int j = 0; j < VR_NET_CLASSES; j++) {
        out[j] = n->dense2_bias[j];
        for (int i = 0; i < VR_NET_HIDDEN; i++)
            out[j] += n->dense2[j * VR_NET_HIDDEN + i] * hidden[i];
    }
}

/* Variance of a logit: each layer's own noise, the gain of the layers behind.
 * Weights of variance g_1, g_2; a square's gain is 4 times the mean square of
 * its input. */
static double net_variance(const vr_bench *b, const double squares[2],
                           double g1, double g2)
{
    const double move = vr_rotation(b, b->top), f = (double)b->vr.columns;
    const double own = 2 * f * (move + vr_rounding(b)); /* of a product      */
    double v = 9 * vr_rounding(b) + 8 * move + vr_rounding(b);

    v = 4 * squares[0] * v + vr_rounding(b);
    v = VR_NET_MAPS * VR_NET_OUT * g1 * v + own;
    v = 4 * squares[1] * v + vr_rounding(b);
    return VR_NET_HIDDEN * g2 * v + own;
}

enum { IMAGES = 4, PIXELS = VR_NET_CHANNELS * VR_NET_AREA };

/* in[c] = channel c of the images, shape (images, channels, 5, 6). */
static bool net_encrypt(ckks_ct *in, vr_bench *b, const double *x)
{
    double map[IMAGES * VR_NET_AREA], slots[128];
    bool ok = true;

    for (int c = 0; c < VR_NET_CHANNELS && ok; c++) {
        for (int i = 0; i < IMAGES; i++)
            memcpy(map + i * VR_NET_AREA, x + i * PIXELS + c * VR_NET_AREA,
                   VR_NET_AREA * sizeof *x);
        ok = NN_OK(uni_vr_pack(slots, &b->vr, map, IMAGES, VR_NET_AREA))
             && vr_encrypt(b, &in[c], slots, b->top);
    }
    return ok;
}

static void check_net(bool encrypted)
{
    double w[400], x[IMAGES * PIXELS], want[IMAGES * VR_NET_CLASSES];
    double slots[128], squares[2] = { 0, 0 };
    uni_vr_model *m = NULL;
    uni_vr_net n;
    uni_vr_plan plan;
    ckks_ct in[VR_NET_CHANNELS] = { { 0 } };
    vr_bench b;

    vr_net_weights(&n, w);
    vr_random(x, IMAGES * PIXELS, 12);
    for (int i = 0; i < IMAGES; i++)
        net_naive(want + i * VR_NET_CLASSES, squares, &n, x + i * PIXELS);
    squares[0] /= IMAGES;
    squares[1] /= IMAGES;
    if (!vr_bench_open(&b, &vr_net_params, VR_NET_AREA)
        || !NN_OK(uni_vr_net_plan(&plan, &n, 128, b.top, encrypted))
        || !vr_bench_keys(&b, &plan.keys)
        || !NN_OK(uni_vr_model_init(&m, &n, b.ctx, b.top, b.scale, &b.rng,
                                     encrypted ? b.pk : NULL)))
        goto done;
    memset(w, 0, sizeof w);                 /* nothing of it is kept         */
    plan.shape.keys = b.keys;
    b.vr = plan.shape;
    CHECK(b.vr.rows == IMAGES && b.vr.columns == 32, "%zu x %zu", b.vr.rows,
          b.vr.columns);
    if (net_encrypt(in, &b, x)
        && NN_OK(uni_vr_model_run(&in[1], &b.vr, in, m))
        && vr_decrypt(&b, slots, &in[1])) {
        CHECK(in[1].level == b.top - plan.levels, "level %d", in[1].level);
        vr_check_cost("network", &b.vr.done, &plan.total);
        vr_judge(encrypted ? "network, encrypted weights" : "network", slots,
                 b.vr.columns, want, IMAGES, VR_NET_CLASSES,
                 net_variance(&b, squares,
                              1.0 / 3 / (VR_NET_MAPS * VR_NET_OUT), 1.0 / 3),
                 8);
    }
done:
    uni_vr_model_clear(&m);
    for (int c = 0; c < VR_NET_CHANNELS; c++)
        ckks_ct_clear(&in[c]);
    vr_bench_close(&b);
}

TEST(vr_network)
{
    check_net(false);
    check_net(true);
}

/* The paper's network for MNIST at N = 2^16: what the plan says. */
TEST(vr_plan_of_the_papers_network)
{
    const uni_vr_net n = { .channels = 1, .image = { 28, 28, 3 }, .maps = 4,
                            .hidden = 64, .classes = 10 };
    uni_vr_plan p;

    if (!NN_OK(uni_vr_net_plan(&p, &n, 1 << 15, 10, true)))
        return;
    CHECK(p.shape.rows == 32 && p.shape.columns == 1024, "shape");
    CHECK(p.levels == 10, "%d levels", p.levels);
    CHECK(p.conv.rotations == 4 * 36 && p.conv.products == 4 * 9,
          "convolution: %ld rotations, %ld products", p.conv.rotations,
          p.conv.products);
    /* two teams of 32 turns, 2 log2 f rotations each, and the wheels */
    CHECK(p.dense1.rotations == 64 * 20 + 2 * 31 * 4
          && p.dense1.products == 64 * 4, "dense: %ld rotations, %ld products",
          p.dense1.rotations, p.dense1.products);
    CHECK(p.dense2.rotations == 16 * 20 + 15 && p.dense2.products == 16,
          "dense: %ld rotations", p.dense2.rotations);
    CHECK(p.keys.count == 1 + 20 + 1 + 1, "%zu keys", p.keys.count);
    for (size_t i = 0; i < p.keys.count; i++) {
        const ckks_key_request *k = &p.keys.key[i];
        const bool back = k->step > 1 << 14;    /* to the right              */
        int level = k->kind == CKKS_KEY_RELIN ? 10
                    : k->step == 1 || k->step == 28 ? 10 - 1
                    : k->step == 1024 ? 10 - 3 : back ? 10 - 5 : 10 - 4;

        CHECK(k->level == level, "step %d at level %d, not %d", k->step,
              k->level, level);
    }
    NN_STATUS(uni_vr_net_plan(&p, &n, 1 << 15, 9, true), CKKS_ELEVEL);
    NN_STATUS(uni_vr_net_plan(&p, &n, 1 << 9, 10, true), CKKS_EARG);
}

TEST(vr_network_refuses)
{
    double w[400], x[IMAGES * PIXELS] = { 0 };
    uni_vr_model *m = NULL, *kept;
    uni_vr_plan plan;
    uni_vr_net n, bad;
    ckks_ct ct[2] = { { 0 } }, low[2] = { { 0 } };
    vr_snapshot s;
    vr_bench b;

    vr_net_weights(&n, w);
    if (!vr_bench_open(&b, &vr_net_params, VR_NET_AREA)
        || !NN_OK(uni_vr_net_plan(&plan, &n, 128, b.top, false))
        || !vr_bench_keys(&b, &plan.keys)
        || !NN_OK(uni_vr_model_init(&m, &n, b.ctx, b.top, b.scale, NULL,
                                     NULL))
        || !NN_OK(uni_vr_init(&b.vr, 128, VR_NET_AREA, b.keys))
        || !net_encrypt(ct, &b, x)
        || !CHECK_OK(ckks_drop_level(&low[0], &ct[0], b.top - 1))
        || !CHECK_OK(ckks_drop_level(&low[1], &ct[1], b.top - 1)))
        goto done;
    kept = m;
    s = vr_snap(&ct[0]);
    bad = n;
    bad.dense2 = NULL;
    NN_STATUS(uni_vr_model_init(&m, &bad, b.ctx, b.top, b.scale, NULL, NULL),
              CKKS_EARG);
    bad = n;
    bad.hidden = 129;
    NN_STATUS(uni_vr_model_init(&m, &bad, b.ctx, b.top, b.scale, NULL, NULL),
              CKKS_EARG);
    bad = n;
    bad.image.kernel = 6;
    NN_STATUS(uni_vr_model_init(&m, &bad, b.ctx, b.top, b.scale, NULL, NULL),
              CKKS_EARG);
    bad = n;
    bad.classes = 0;
    NN_STATUS(uni_vr_model_init(&m, &bad, b.ctx, b.top, b.scale, NULL, NULL),
              CKKS_EARG);
    NN_STATUS(uni_vr_model_init(&m, &n, b.ctx, b.top + 1, b.scale, NULL,
                                 NULL), CKKS_ELEVEL);
    NN_STATUS(uni_vr_model_init(&m, &n, b.ctx, 9, b.scale, NULL, NULL),
              CKKS_ELEVEL);
    NN_STATUS(uni_vr_model_init(&m, &n, b.ctx, b.top, 0, NULL, NULL),
              CKKS_ESCALE);
    NN_STATUS(uni_vr_model_init(&m, &n, b.ctx, b.top, b.scale, NULL, b.pk),
              CKKS_EARG);                       /* no source of randomness   */
    CHECK(m == kept, "the model was replaced");
    NN_STATUS(uni_vr_model_run(ct, &b.vr, low, m), CKKS_ELEVEL);
    CHECK_OK(ckks_ct_copy(&low[0], &ct[0]));
    NN_STATUS(uni_vr_model_run(ct, &b.vr, low, m), CKKS_ELEVEL);
    CHECK_OK(ckks_mul_const(&low[1], &ct[1], 1, 0, 4));
    NN_STATUS(uni_vr_model_run(ct, &b.vr, low, m), CKKS_ESCALE);
    b.vr.keys = NULL;
    NN_STATUS(uni_vr_model_run(ct, &b.vr, ct, m), CKKS_EKEY);
    NN_STATUS(uni_vr_model_run(ct, &b.vr, ct, NULL), CKKS_EARG);
    NN_OK(uni_vr_init(&b.vr, 128, 64, b.keys));
    NN_STATUS(uni_vr_model_run(ct, &b.vr, ct, m), CKKS_EARG);
    vr_check_same(&s, &ct[0], "a refusal");
done:
    uni_vr_model_clear(&m);
    uni_vr_model_clear(&m);
    for (int c = 0; c < 2; c++) {
        ckks_ct_clear(&ct[c]);
        ckks_ct_clear(&low[c]);
    }
    vr_bench_close(&b);
}
