/* test_revolver_conv.c -- convolution, means and squares of the
 * literal Volley Revolver against plain loops. */
#include "revolver_support.h"

enum { MAX_SLOTS = 1 << 12 };

typedef struct conv_case {
    size_t width;
    uni_vr_window g;
    size_t images, channels;
    bool encrypted;
} conv_case;

static double conv_naive(const double *x, const double *kernel,
                         const conv_case *c, size_t image, int y, int x0)
{
    const size_t area = (size_t)c->g.height * (size_t)c->g.width;
    const size_t k = (size_t)c->g.kernel;
    double sum = 0;

    for (size_t ch = 0; ch < c->channels; ch++)
        for (size_t r = 0; r < k; r++)
            for (size_t s = 0; s < k; s++)
                sum += kernel[(ch * k + r) * k + s]
                       * x[(ch * c->images + image) * area
                           + ((size_t)y + r) * (size_t)c->g.width
                           + (size_t)x0 + s];
    return sum;
}

static void check_conv(const conv_case *c, const ckks_params *params,
                       double scale)
{
    enum { MOST = 3 * 25 };
    static double got[MAX_SLOTS], slots[MAX_SLOTS];
    const size_t k = (size_t)c->g.kernel;
    const size_t area = (size_t)c->g.height * (size_t)c->g.width;
    double *x = vr_doubles(c->channels * c->images * area);
    const double offset = c->g.kernel == 2 ? 0 : 0.75;  /* 0: no bias       */
    double *want = vr_doubles(c->images * area), kernel[MOST], v;
    ckks_ct in[3] = { { 0 } }, out = { 0 };
    uni_vr_weight span[MOST] = { { 0 } }, bias = { 0 };
    uni_vr_keys keys = { 0 };
    uni_vr_cost plan;
    char what[96];
    vr_bench b;
    bool ok;

    snprintf(what, sizeof what, "%zu channels of %dx%d, kernel %zu, %zu "
             "images%s", c->channels, c->g.height, c->g.width, k, c->images,
             c->encrypted ? ", encrypted" : "");
    vr_random(x, c->channels * c->images * area, 7);
    vr_random(kernel, c->channels * k * k, 8);
    ok = vr_bench_open(&b, params, c->width);
    b.scale = scale;
    ok = ok && NN_OK(uni_vr_need_conv(&keys, &b.vr, c->g, b.top,
                                       c->encrypted))
         && vr_bench_keys(&b, &keys);
    /* what lies behind the images and in the other rows must not matter */
    for (size_t ch = 0; ch < c->channels && ok; ch++) {
        vr_random(slots, vr_bench_slots(&b), 100 + ch);
        for (size_t i = 0; i < c->images; i++)
            memcpy(slots + i * b.vr.columns, x + (ch * c->images + i) * area,
                   area * sizeof *x);
        ok = vr_encrypt(&b, &in[ch], slots, b.top);
        for (size_t uv = 0; uv < k * k && ok; uv++)
            ok = NN_OK(uni_vr_span(slots, &b.vr, c->g, kernel + ch * k * k,
                                    (int)(uv / k), (int)(uv % k)))
                 && NN_OK(uni_vr_weight_init(&span[uv * c->channels + ch],
                                              b.ctx, slots, b.top, 0, &b.rng,
                                              c->encrypted ? b.pk : NULL));
    }
    for (size_t j = 0; ok && j < vr_bench_slots(&b); j++)
        slots[j] = offset;
    ok = ok && NN_OK(uni_vr_weight_init(&bias, b.ctx, slots, b.top - 2,
                                         b.scale, &b.rng,
                                         c->encrypted ? b.pk : NULL))
         && NN_OK(uni_vr_conv(&out, &b.vr, in, c->channels, span,
                               offset != 0 ? &bias : NULL, c->g))
         && vr_decrypt(&b, got, &out);
    if (ok) {
        plan = uni_vr_conv_cost(c->channels, c->g, c->encrypted);
        vr_check_cost(what, &b.vr.done, &plan);
        vr_check_place(what, &b, &out, b.top - UNET_VR_CONV_LEVELS);
        for (size_t i = 0; i < c->images; i++)
            for (int y = 0; y < c->g.height; y++)
                for (int z = 0; z < c->g.width; z++)
                    want[i * area + (size_t)(y * c->g.width + z)] = offset
                        + (y + c->g.kernel <= c->g.height
                           && z + c->g.kernel <= c->g.width
                               ? conv_naive(x, kernel, c, i, y, z) : 0);
        v = (double)c->channels / 3 * vr_fresh(&b) + vr_rounding(&b);
        if (c->encrypted)
            v += (double)c->channels / 3 * vr_rotation(&b, b.top)
                 * pow(b.scale / (double)ckks_ctx_prime(b.ctx, b.top), 2);
        v = (double)k * v + (double)(k - 1) * vr_rotation(&b, b.top - 1);
        v = (double)k * v + (double)(k - 1) * vr_rotation(&b, b.top - 1);
        v += vr_rounding(&b) + (c->encrypted ? vr_rounding(&b) : 0);
        vr_judge(what, got, b.vr.columns, want, c->images, area, v, 2);
    }
    free(x);
    free(want);
    for (size_t i = 0; i < MOST; i++)
        uni_vr_weight_clear(&span[i]);
    uni_vr_weight_clear(&bias);
    for (int i = 0; i < 3; i++)
        ckks_ct_clear(&in[i]);
    ckks_ct_clear(&out);
    vr_bench_close(&b);
}

TEST(vr_convolution)
{
    static const conv_case cases[] = {
        { 16, { 4, 4, 3 }, 4, 1, true },    /* corners for 2 x 2 tilings     */
        { 64, { 8, 8, 3 }, 1, 1, true },    /* the image fills the ciphertext */
        { 32, { 5, 6, 3 }, 2, 2, true },    /* not square; two channels      */
        { 32, { 5, 6, 3 }, 2, 2, false },
        { 32, { 6, 5, 2 }, 2, 3, false },
        { 32, { 5, 5, 5 }, 2, 1, false },   /* one output an image           */
        { 32, { 4, 7, 1 }, 2, 1, true },    /* nothing to sum                */
        { 16, { 1, 9, 1 }, 4, 1, false },
    };
    static const ckks_params params = {
        .log_n = 13, .num_primes = 3, .primes = { 48, 40, 40 },
        .num_special = 1, .special = { 48 }, .dnum = 3
    };
    static const conv_case real = { 784, { 28, 28, 3 }, 4, 1, true };

    CHECK(uni_vr_conv_cost(1, cases[0].g, true).rotations == 4 * 4
          && uni_vr_conv_cost(1, real.g, true).rotations == 9 * 4,
          "rotations for tilings that hold no window");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_conv(&cases[i], &vr_small_params, 0x1p40);
    check_conv(&real, &params, 0x1p40);             /* 128 bits              */
}

TEST(vr_squares)
{
    static double x[64], want[64], got[64];
    uni_vr_keys keys = { 0 };
    ckks_ct a = { 0 };
    vr_bench b;

    vr_random(x, 64, 9);
    if (vr_bench_open(&b, &vr_small_params, 30)
        && NN_OK(uni_vr_need_square(&keys, &b.vr, 2))
        && vr_bench_keys(&b, &keys) && vr_encrypt(&b, &a, x, 2)
        && NN_OK(uni_vr_square(&a, &b.vr, &a)) && vr_decrypt(&b, got, &a)) {
        for (int j = 0; j < 64; j++)
            want[j] = x[j] * x[j];
        vr_judge("square", got, 64, want, 1, 64,
              vr_rounding(&b) + 4 * vr_fresh(&b), 2);
        CHECK(a.level == 1 && fabs(a.scale / (0x1p80 / (double)
                  ckks_ctx_prime(b.ctx, 2)) - 1) < 0x1p-40,
              "level %d scale 2^%g", a.level, log2(a.scale));
    }
    ckks_ct_clear(&a);
    vr_bench_close(&b);
}

TEST(vr_sum_for_conv)
{
    static const uni_vr_window g = { 4, 8, 3 };
    static double x[64], want[64], got[64];
    uni_vr_keys keys = { 0 };
    ckks_ct a = { 0 };
    vr_bench b;

    vr_random(x, 64, 10);
    if (vr_bench_open(&b, &vr_small_params, 32)
        && NN_OK(uni_vr_need_conv(&keys, &b.vr, g, 3, false))
        && vr_bench_keys(&b, &keys) && vr_encrypt(&b, &a, x, 2)
        && NN_OK(uni_vr_sum_for_conv(&a, &b.vr, &a, g))
        && vr_decrypt(&b, got, &a)) {
        for (size_t j = 0; j < 64; j++) {
            want[j] = 0;
            for (size_t r = 0; r < 3; r++)
                for (size_t s = 0; s < 3; s++)
                    want[j] += x[(j + r * 8 + s) % 64];
        }
        vr_judge("sum for conv", got, 64, want, 1, 64,
              9 * vr_fresh(&b) + 8 * vr_rotation(&b, 2), 2);
        CHECK(keys.count == 2 && b.vr.done.rotations == 4, "%zu keys, %ld "
              "rotations", keys.count, b.vr.done.rotations);
    }
    ckks_ct_clear(&a);
    vr_bench_close(&b);
}
