/* test_revolver.c -- packing, sums and the matrix product of the
 * literal Volley Revolver against plain loops. */
#include "revolver_support.h"

/* ---- packing ------------------------------------------------------------ */

TEST(vr_shapes)
{
    uni_vr vr = { 7, 7, NULL, { 0 } };

    NN_STATUS(uni_vr_init(&vr, 24, 3, NULL), CKKS_EARG);
    NN_STATUS(uni_vr_init(&vr, 0, 1, NULL), CKKS_EARG);
    NN_STATUS(uni_vr_init(&vr, 32, 0, NULL), CKKS_EARG);
    NN_STATUS(uni_vr_init(&vr, 32, 33, NULL), CKKS_EARG);
    CHECK(strstr(nn_last_error(), "33") != NULL, "%s", nn_last_error());
    NN_STATUS(uni_vr_init(NULL, 32, 1, NULL), CKKS_EARG);
    CHECK(vr.rows == 7 && vr.columns == 7, "written on failure");
    for (size_t width = 1; width <= 32; width++) {
        NN_OK(uni_vr_init(&vr, 32, width, NULL));
        CHECK(vr.rows * vr.columns == 32 && vr.columns >= width
              && vr.columns < 2 * width, "%zu x %zu for %zu", vr.rows,
              vr.columns, width);
        for (size_t p = 1; p <= 32; p++) {
            size_t period = uni_vr_period(&vr, p);

            CHECK(vr.rows % period == 0
                  && uni_vr_teams(&vr, p) * period >= p
                  && (uni_vr_teams(&vr, p) - 1) * period < p
                  && (period < 2 * p), "p %zu of %zu rows: period %zu", p,
                  vr.rows, period);
        }
    }
}

TEST(vr_packs_by_the_two_maps)
{
    double a[8 * 5], bt[11 * 5], slots[64], back[8 * 5];
    uni_vr vr;

    vr_random(a, 40, 1);
    vr_random(bt, 55, 2);
    NN_OK(uni_vr_init(&vr, 64, 16, NULL));
    NN_OK(uni_vr_pack(slots, &vr, a, 3, 5));
    for (size_t k = 0; k < 64; k++)
        CHECK(slots[k] == (k / 16 < 3 && k % 16 < 5 ? a[k / 16 * 5 + k % 16]
                                                    : 0), "slot %zu", k);
    NN_OK(uni_vr_unpack(back, &vr, slots, 3, 5));
    CHECK(memcmp(back, a, 15 * sizeof *a) == 0, "unpacked otherwise");
    /* 11 columns, 4 rows: three teams of four, the last one lacks one */
    for (size_t team = 0; team < 3; team++) {
        NN_OK(uni_vr_pack_team(slots, &vr, bt, 11, 5, team));
        for (size_t k = 0; k < 64; k++) {
            size_t j = 4 * team + k / 16 % 4;

            CHECK(slots[k] == (j < 11 && k % 16 < 5 ? bt[j * 5 + k % 16] : 0),
                  "team %zu slot %zu", team, k);
        }
    }
    NN_STATUS(uni_vr_pack_team(slots, &vr, bt, 11, 5, 3), CKKS_EARG);
    NN_STATUS(uni_vr_pack_team(slots, &vr, bt, 17, 1, 0), CKKS_EARG);
    NN_STATUS(uni_vr_pack_team(slots, &vr, bt, 0, 1, 0), CKKS_EARG);
    NN_STATUS(uni_vr_pack_team(slots, &vr, bt, 1, 17, 0), CKKS_EARG);
    NN_STATUS(uni_vr_pack(slots, &vr, a, 5, 5), CKKS_EARG);
    NN_STATUS(uni_vr_pack(slots, &vr, a, 1, 17), CKKS_EARG);
    NN_STATUS(uni_vr_unpack(back, &vr, slots, 5, 1), CKKS_EARG);
}

/* Every pixel under a copy has the kernel's number there; each corner begins
 * a copy in exactly one of the k^2 images. */
TEST(vr_spans_kernels)
{
    static const uni_vr_window shape[] = {
        { 5, 6, 3 }, { 8, 4, 2 }, { 3, 3, 3 }, { 4, 7, 1 }, { 7, 3, 2 }
    };
    double slots[128], kernel[9];
    int starts[32];

    vr_random(kernel, 9, 3);
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        const uni_vr_window g = shape[i];
        uni_vr vr;

        memset(starts, 0, sizeof starts);
        NN_OK(uni_vr_init(&vr, 128, 32, NULL));
        for (int uv = 0; uv < g.kernel * g.kernel; uv++) {
            int u = uv / g.kernel, v = uv % g.kernel;

            NN_OK(uni_vr_span(slots, &vr, g, kernel, u, v));
            for (int k = 0; k < 128; k++) {
                int y = k % 32 / g.width - u, x = k % 32 % g.width - v;
                int top = y - (y + g.kernel) % g.kernel;
                int left = x - (x + g.kernel) % g.kernel;
                bool in = y >= 0 && x >= 0
                          && top + u + g.kernel <= g.height
                          && left + v + g.kernel <= g.width;

                CHECK(slots[k] == (in ? kernel[(y - top) * g.kernel + x - left]
                                      : 0), "%dx%d k %d (%d,%d) slot %d: %g",
                      g.height, g.width, g.kernel, u, v, k, slots[k]);
                starts[k % 32] += in && y == top && x == left && k < 32;
            }
        }
        for (int k = 0; k < 32; k++)
            CHECK(starts[k] == (k / g.width <= g.height - g.kernel
                                && k % g.width <= g.width - g.kernel),
                  "%dx%d k %d: corner %d begins %d copies", g.height, g.width,
                  g.kernel, k, starts[k]);
    }
}

/* ---- sums --------------------------------------------------------------- */

TEST(vr_sum_columns)
{
    static double x[64], want[64], got[64];
    static const size_t widths[] = { 1, 4, 16, 64 };

    vr_random(x, 64, 4);
    for (size_t w = 0; w < 4; w++) {
        uni_vr_keys k = { 0 };
        ckks_ct a = { 0 };
        vr_bench b;

        if (vr_bench_open(&b, &vr_small_params, widths[w])
            && NN_OK(uni_vr_need_sum_columns(&k, &b.vr, 2))
            && vr_bench_keys(&b, &k) && vr_encrypt(&b, &a, x, 2)
            && NN_OK(uni_vr_sum_columns(&a, &b.vr, &a))     /* out = a, too  */
            && vr_decrypt(&b, got, &a)) {
            const size_t f = b.vr.columns, n = b.vr.rows;

            for (size_t i = 0; i < n; i++) {
                want[i] = 0;
                for (size_t j = 0; j < f; j++)
                    want[i] += x[i * f + j];
            }
            vr_judge("sum of columns", got, f, want, n, 1,
                  (double)f * vr_fresh(&b)
                      + (double)(f - 1) * vr_rotation(&b, 2), 2);
            vr_check_place("sum of columns", &b, &a, 2);
        }
        ckks_ct_clear(&a);
        vr_bench_close(&b);
    }
}

/* ---- the product -------------------------------------------------------- */

/* Variance of an entry (i, j) of the result; level: of the input. */
static double product_variance(const vr_bench *b, const vr_product_case *c,
                               int level)
{
    const double f = (double)b->vr.columns, used = (double)c->inner;
    const double turns = (double)uni_vr_period(&b->vr, c->p);
    const double q = (double)ckks_ctx_prime(b->ctx, level);
    double v = used / 3 * vr_fresh(b);      /* errors of A meet B            */

    if (c->encrypted)       /* those of B meet A; encryption: as a rotation  */
        v += used / 3 * (turns + 1) / 2 * vr_rotation(b, level)
             * pow(b->scale / q, 2);
    v += f * vr_rounding(b) + (f - 1) * vr_rotation(b, level - 1);
    v += f * vr_rounding(b) + (f - 1) * vr_rotation(b, level - 2);
    return v + vr_rounding(b);
}

static void check_product(const vr_product_case *k, const ckks_params *params,
                          double scale)
{
    uni_vr_cost plan;
    uni_vr_keys keys = { 0 };
    vr_product_rig r = { 0 };
    ckks_ct out = { 0 };
    char what[96];
    vr_bench b;

    snprintf(what, sizeof what, "%zux%zu * %zux%zu, rows of %zu, %zu parts%s",
             k->m, k->inner, k->inner, k->p, k->width, k->parts,
             k->encrypted ? ", encrypted" : "");
    if (!vr_bench_open(&b, params, k->width))
        goto done;
    b.scale = scale;
    if (!NN_OK(uni_vr_need_product(&keys, &b.vr, k->p, b.top, k->encrypted))
        || !vr_bench_keys(&b, &keys) || !vr_product_open(&r, &b, k, b.top)
        || !NN_OK(uni_vr_product(&out, &b.vr, r.in, k->parts, r.b, k->p))
        || !vr_decrypt(&b, r.slots, &out))
        goto done;
    vr_check_place(what, &b, &out, b.top - UNET_VR_PRODUCT_LEVELS);
    plan = uni_vr_product_cost(&b.vr, k->parts, k->p, k->encrypted);
    vr_check_cost(what, &b.vr.done, &plan);
    vr_judge(what, r.slots, b.vr.columns, r.want, k->m, k->p,
          product_variance(&b, k, b.top), 2);
    for (size_t j = 0; j < vr_bench_slots(&b); j++)
        CHECK(j % b.vr.columns < k->p || fabs(r.slots[j]) < 1e-4,
              "%s: slot %zu behind C is %g", what, j, r.slots[j]);
done:
    ckks_ct_clear(&out);
    vr_product_close(&r);
    vr_bench_close(&b);
}

TEST(vr_product_of_matrices)
{
    static const vr_product_case cases[] = {
        { 4, 4, 4, 4, 1, true },        /* square                            */
        { 4, 4, 4, 4, 1, false },
        { 8, 8, 5, 3, 1, true },        /* p no power of two                 */
        { 8, 8, 8, 8, 1, true },        /* p = rows                          */
        { 8, 3, 7, 2, 1, false },       /* m < rows                          */
        { 16, 4, 11, 10, 1, true },     /* three teams, the last one short   */
        { 16, 3, 16, 16, 1, false },    /* four teams                        */
        { 8, 7, 15, 5, 3, true },       /* three parts, rows 5 of 8 used     */
        { 32, 2, 64, 9, 2, true },      /* parts and five teams              */
        { 64, 1, 50, 7, 1, true },      /* one row: one team a column        */
        { 64, 1, 33, 4, 1, false },
        { 1, 64, 1, 1, 1, true },       /* rows of one entry                 */
        { 4, 16, 1, 4, 1, true },       /* outer product                     */
        { 16, 4, 16, 1, 1, true },      /* a column                          */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_product(&cases[i], &vr_small_params, 0x1p40);
}

/* 128 bits of security, every key real. */
TEST(vr_product_at_128_bits)
{
    static const ckks_params params = {
        .log_n = 13, .num_primes = 4, .primes = { 48, 37, 37, 37 },
        .num_special = 1, .special = { 48 }, .dnum = 4
    };
    static const vr_product_case enc = { 64, 64, 50, 6, 1, true };
    static const vr_product_case clear = { 128, 20, 200, 10, 2, false };

    check_product(&enc, &params, 0x1p37);
    check_product(&clear, &params, 0x1p37);
}
