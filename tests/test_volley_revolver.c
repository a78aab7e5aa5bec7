/* test_volley_revolver.c -- the literal operators against plain loops.
 *
 * Errors are judged by their predicted standard deviation in the real part of
 * a slot (docs/09-noise.md; N ring degree, D scale, P special prime):
 *
 *   fresh      N 10.5 / 2 / D^2             encryption by the secret key
 *   rounding   N (1 + 2 N / 3) / 24 / D^2   what a rescaling adds
 *   rotation   rounding + N^2 10.5 / 24 sum of (q_j / P)^2 / D^2
 *
 * A sum of two slots adds their variances.  The rms must be within a factor 2
 * of the prediction above and 4 below, for the sample is small and factors
 * change from slot to slot; for a network 8 both ways; no slot may be off by 15
 * sd (product_limit of test_noise.c).  Weights are uniform in [-1, 1].
 */
#include <math.h>

#include "net_support.h"
#include "test.h"
#include "volley_revolver.h"

enum { MAX_SLOTS = 1 << 14 };

/* ---- a bench: context, keys, two-way encryption ------------------------- */

typedef struct bench {
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    unet_vr vr;
    int top;
    double n, scale;
} bench;

static const ckks_params small_params = {
    .log_n = 7, .num_primes = 4, .primes = { 48, 40, 40, 40 },
    .num_special = 1, .special = { 48 }, .dnum = 4,
    .security = CKKS_INSECURE
};

/* A context of these primes, a shape of rows of `width`. */
static bool bench_open(bench *b, const ckks_params *p, size_t width)
{
    uint8_t seed[CKKS_SEED_BYTES] = { 29 };

    memset(b, 0, sizeof *b);
    b->top = p->num_primes - 1;
    b->n = ldexp(1, p->log_n);
    b->scale = 0x1p40;
    return CHECK_OK(ckks_ctx_init(&b->ctx, p))
           && CHECK_OK(ckks_rng_init(&b->rng, seed))
           && CHECK_OK(ckks_sk_init(&b->sk, b->ctx, &b->rng))
           && CHECK_OK(ckks_pk_init(&b->pk, &b->rng, b->sk))
           && NN_OK(unet_vr_init(&b->vr, ckks_ctx_slots(b->ctx), width,
                                 NULL));
}

/* Exactly these keys. */
static bool bench_keys(bench *b, const unet_vr_keys *k)
{
    ckks_keys_clear(&b->keys);
    if (k->count > 0
        && !CHECK_OK(ckks_keys_init(&b->keys, &b->rng, b->sk, k->key,
                                    k->count)))
        return false;
    b->vr.keys = b->keys;
    return true;
}

static void bench_close(bench *b)
{
    ckks_keys_clear(&b->keys);
    ckks_pk_clear(&b->pk);
    ckks_sk_clear(&b->sk);
    ckks_rng_clear(&b->rng);
    ckks_ctx_clear(&b->ctx);
}

static size_t bench_slots(const bench *b)
{
    return b->vr.rows * b->vr.columns;
}

static bool close_up(bench *b, ckks_ct *ct, const double *slots, int level)
{
    ckks_pt pt = { 0 };
    bool ok = CHECK_OK(ckks_encode(&pt, b->ctx, slots, NULL, bench_slots(b),
                                   level, b->scale))
              && CHECK_OK(ckks_encrypt_sk(ct, &b->rng, &pt, b->sk));

    ckks_pt_clear(&pt);
    return ok;
}

static bool open_up(bench *b, double *slots, const ckks_ct *ct)
{
    ckks_pt pt = { 0 };
    bool ok = CHECK_OK(ckks_decrypt(&pt, ct, b->sk))
              && CHECK_OK(ckks_decode(slots, NULL, bench_slots(b), &pt));

    ckks_pt_clear(&pt);
    return ok;
}

static void fill(double *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (double)(int64_t)test_word(&seed) * 0x1p-63;
}

/* ---- errors ------------------------------------------------------------- */

static double fresh(const bench *b)
{
    return b->n * 10.5 / 2 / (b->scale * b->scale);
}

static double rounding(const bench *b)
{
    return b->n * (1 + 2 * b->n / 3) / 24 / (b->scale * b->scale);
}

static double rotation(const bench *b, int level)
{
    double sum = 0;

    for (int i = 0; i <= level; i++)
        sum += pow((double)ckks_ctx_prime(b->ctx, i)
                       / (double)ckks_ctx_special(b->ctx, 0), 2);
    return rounding(b) + b->n * b->n * 10.5 / 24 * sum / (b->scale * b->scale);
}

/* One row after another: got[i stride + j] against want[i columns + j]. */
static void judge(const char *what, const double *got, size_t stride,
                  const double *want, size_t rows, size_t columns,
                  double variance, double factor)
{
    double sum = 0, worst = 0, rms;
    size_t at = 0;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double d = fabs(got[i * stride + j] - want[i * columns + j]);

            sum += d * d;
            if (!(d <= worst)) {
                worst = d;
                at = i * columns + j;
            }
        }
    rms = sqrt(sum / (double)(rows * columns));
    CHECK(rms < factor * sqrt(variance), "%s: rms error %g, predicted %g",
          what, rms, sqrt(variance));
    CHECK(rms > sqrt(variance) / (2 * factor) || rows * columns < 8,
          "%s: rms error %g, predicted %g", what, rms, sqrt(variance));
    CHECK(worst < 15 * sqrt(variance), "%s: entry %zu is %.9g off, sd %g",
          what, at, worst, sqrt(variance));
}

static void check_cost(const char *what, const unet_vr_cost *done,
                       const unet_vr_cost *plan)
{
    CHECK(memcmp(done, plan, sizeof *done) == 0, "%s: done %ld rotations, %ld "
          "products, %ld plain, %ld relins, %ld rescales; planned %ld, %ld, "
          "%ld, %ld, %ld", what, done->rotations, done->products, done->plain,
          done->relins, done->rescales, plan->rotations, plan->products,
          plan->plain, plan->relins, plan->rescales);
}

/* Level and scale of a linear operator's result. */
static void check_place(const char *what, const bench *b, const ckks_ct *ct,
                        int level)
{
    CHECK(ct->level == level && ct->degree == 1
          && fabs(ct->scale / b->scale - 1) < 0x1p-40, "%s: level %d, scale "
          "2^%.12f, degree %d", what, ct->level, log2(ct->scale), ct->degree);
}

/* ---- packing ------------------------------------------------------------ */

TEST(vr_shapes)
{
    unet_vr vr = { 7, 7, NULL, { 0 } };

    NN_STATUS(unet_vr_init(&vr, 24, 3, NULL), CKKS_EARG);
    NN_STATUS(unet_vr_init(&vr, 0, 1, NULL), CKKS_EARG);
    NN_STATUS(unet_vr_init(&vr, 32, 0, NULL), CKKS_EARG);
    NN_STATUS(unet_vr_init(&vr, 32, 33, NULL), CKKS_EARG);
    CHECK(strstr(nn_last_error(), "33") != NULL, "%s", nn_last_error());
    NN_STATUS(unet_vr_init(NULL, 32, 1, NULL), CKKS_EARG);
    CHECK(vr.rows == 7 && vr.columns == 7, "written on failure");
    for (size_t width = 1; width <= 32; width++) {
        NN_OK(unet_vr_init(&vr, 32, width, NULL));
        CHECK(vr.rows * vr.columns == 32 && vr.columns >= width
              && vr.columns < 2 * width, "%zu x %zu for %zu", vr.rows,
              vr.columns, width);
        for (size_t p = 1; p <= 32; p++) {
            size_t period = unet_vr_period(&vr, p);

            CHECK(vr.rows % period == 0
                  && unet_vr_teams(&vr, p) * period >= p
                  && (unet_vr_teams(&vr, p) - 1) * period < p
                  && (period < 2 * p), "p %zu of %zu rows: period %zu", p,
                  vr.rows, period);
        }
    }
}

TEST(vr_packs_by_the_two_maps)
{
    double a[8 * 5], bt[11 * 5], slots[64], back[8 * 5];
    unet_vr vr;

    fill(a, 40, 1);
    fill(bt, 55, 2);
    NN_OK(unet_vr_init(&vr, 64, 16, NULL));
    NN_OK(unet_vr_pack(slots, &vr, a, 3, 5));
    for (size_t k = 0; k < 64; k++)
        CHECK(slots[k] == (k / 16 < 3 && k % 16 < 5 ? a[k / 16 * 5 + k % 16]
                                                    : 0), "slot %zu", k);
    NN_OK(unet_vr_unpack(back, &vr, slots, 3, 5));
    CHECK(memcmp(back, a, 15 * sizeof *a) == 0, "unpacked otherwise");
    /* 11 columns, 4 rows: three teams of four, the last one lacks one */
    for (size_t team = 0; team < 3; team++) {
        NN_OK(unet_vr_pack_team(slots, &vr, bt, 11, 5, team));
        for (size_t k = 0; k < 64; k++) {
            size_t j = 4 * team + k / 16 % 4;

            CHECK(slots[k] == (j < 11 && k % 16 < 5 ? bt[j * 5 + k % 16] : 0),
                  "team %zu slot %zu", team, k);
        }
    }
    NN_STATUS(unet_vr_pack_team(slots, &vr, bt, 11, 5, 3), CKKS_EARG);
    NN_STATUS(unet_vr_pack_team(slots, &vr, bt, 17, 1, 0), CKKS_EARG);
    NN_STATUS(unet_vr_pack_team(slots, &vr, bt, 0, 1, 0), CKKS_EARG);
    NN_STATUS(unet_vr_pack_team(slots, &vr, bt, 1, 17, 0), CKKS_EARG);
    NN_STATUS(unet_vr_pack(slots, &vr, a, 5, 5), CKKS_EARG);
    NN_STATUS(unet_vr_pack(slots, &vr, a, 1, 17), CKKS_EARG);
    NN_STATUS(unet_vr_unpack(back, &vr, slots, 5, 1), CKKS_EARG);
}

/* Every pixel under a copy has the kernel's number there; each corner begins
 * a copy in exactly one of the k^2 images. */
TEST(vr_spans_kernels)
{
    static const unet_vr_window shape[] = {
        { 5, 6, 3 }, { 8, 4, 2 }, { 3, 3, 3 }, { 4, 7, 1 }, { 7, 3, 2 }
    };
    double slots[128], kernel[9];
    int starts[32];

    fill(kernel, 9, 3);
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        const unet_vr_window g = shape[i];
        unet_vr vr;

        memset(starts, 0, sizeof starts);
        NN_OK(unet_vr_init(&vr, 128, 32, NULL));
        for (int uv = 0; uv < g.kernel * g.kernel; uv++) {
            int u = uv / g.kernel, v = uv % g.kernel;

            NN_OK(unet_vr_span(slots, &vr, g, kernel, u, v));
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

TEST(vr_sums_shifts_and_spreads)
{
    static double x[64], want[64], got[64];
    static const size_t widths[] = { 1, 4, 16, 64 };

    fill(x, 64, 4);
    for (size_t w = 0; w < 4; w++) {
        unet_vr_keys k = { 0 };
        ckks_ct a = { 0 }, out = { 0 };
        size_t f, n;
        bench b;
        double v, move;

        if (!bench_open(&b, &small_params, widths[w])
            || !NN_OK(unet_vr_need_shift(&k, &b.vr, 2))
            || !NN_OK(unet_vr_need_sum_rows(&k, &b.vr, 2))
            || !NN_OK(unet_vr_need_sum_columns(&k, &b.vr, 2))
            || !NN_OK(unet_vr_need_spread(&k, &b.vr, 2))
            || !bench_keys(&b, &k) || !close_up(&b, &a, x, 2))
            goto next;
        f = b.vr.columns;
        n = b.vr.rows;
        move = rotation(&b, 2);

        if (NN_OK(unet_vr_shift(&out, &b.vr, &a, n + 3))
            && open_up(&b, got, &out)) {
            for (size_t j = 0; j < 64; j++)
                want[j] = x[(j + 3 % n * f) % 64];
            judge("shift", got, 64, want, 1, 64,
                  fresh(&b) + (double)(3 % n) * move, 2);
            check_place("shift", &b, &out, 2);
        }
        if (NN_OK(unet_vr_sum_rows(&out, &b.vr, &a))
            && open_up(&b, got, &out)) {
            for (size_t j = 0; j < 64; j++) {
                want[j] = 0;
                for (size_t i = 0; i < n; i++)
                    want[j] += x[i * f + j % f];
            }
            judge("sum of rows", got, 64, want, 1, 64,
                  (double)n * fresh(&b) + (double)(n - 1) * move, 2);
        }
        if (NN_OK(unet_vr_sum_columns(&out, &b.vr, &a))
            && open_up(&b, got, &out)) {
            for (size_t i = 0; i < n; i++) {
                want[i] = 0;
                for (size_t j = 0; j < f; j++)
                    want[i] += x[i * f + j];
            }
            judge("sum of columns", got, f, want, n, 1,
                  (double)f * fresh(&b) + (double)(f - 1) * move, 2);
        }
        if (NN_OK(unet_vr_spread(&a, &b.vr, &a))        /* out = a, too */
            && open_up(&b, got, &a)) {
            for (size_t j = 0; j < 64; j++)
                want[j] = x[j - j % f];
            v = fresh(&b) + (double)f * rounding(&b)
                + (double)(f - 1) * rotation(&b, 1);
            judge("spread", got, 64, want, 1, 64, v, 2);
            check_place("spread", &b, &a, 1);
        }
    next:
        ckks_ct_clear(&a);
        ckks_ct_clear(&out);
        bench_close(&b);
    }
}

/* ---- the product -------------------------------------------------------- */

typedef struct product_case {
    size_t width;               /* of the shape                              */
    size_t m, inner, p, parts;  /* A m x inner, in parts; B inner x p        */
    bool encrypted;
} product_case;

/* Variance of an entry (i, j) of the result; level: of the input. */
static double product_variance(const bench *b, const product_case *c,
                               int level)
{
    const double f = (double)b->vr.columns, parts = (double)c->parts;
    const double used = (double)c->inner;
    const double turns = (double)unet_vr_period(&b->vr, c->p);
    const double q = (double)ckks_ctx_prime(b->ctx, level);
    double v = used / 3 * fresh(b);         /* errors of A meet B            */

    if (c->encrypted)       /* those of B meet A; encryption: as a rotation  */
        v += used / 3 * (turns + 1) / 2 * rotation(b, level)
             * pow(b->scale / q, 2);
    (void)parts;
    v += f * rounding(b) + (f - 1) * rotation(b, level - 1);
    v += f * rounding(b) + (f - 1) * rotation(b, level - 2);
    return v + rounding(b);
}

/* a: (m, inner), bt: (p, inner); c = A B by definition. */
static void product_naive(double *c, const double *a, const double *bt,
                          const product_case *k)
{
    for (size_t i = 0; i < k->m; i++)
        for (size_t j = 0; j < k->p; j++) {
            c[i * k->p + j] = 0;
            for (size_t l = 0; l < k->inner; l++)
                c[i * k->p + j] += a[i * k->inner + l] * bt[j * k->inner + l];
        }
}

enum { MAX_PARTS = 3, MAX_TEAMS = 16 };

typedef struct product_rig {
    double *a, *bt, *want, *slots, *block;
    ckks_ct in[MAX_PARTS];
    unet_vr_weight b[MAX_PARTS * MAX_TEAMS];
} product_rig;

static double *doubles(size_t n)
{
    double *x = calloc(n + 1, sizeof *x);

    if (x == NULL)
        abort();
    return x;
}

/* Columns from, from + 1, ..., count of them. */
static void cut(double *out, const double *x, size_t rows, size_t length,
                size_t from, size_t count)
{
    for (size_t i = 0; i < rows; i++)
        memcpy(out + i * count, x + i * length + from, count * sizeof *x);
}

static bool product_open(product_rig *r, bench *b, const product_case *k,
                         int level)
{
    const size_t share = k->inner / k->parts;
    bool ok = true;

    memset(r, 0, sizeof *r);
    r->a = doubles(k->m * k->inner);
    r->bt = doubles(k->p * k->inner);
    r->want = doubles(k->m * k->p);
    r->slots = doubles(bench_slots(b));
    r->block = doubles((k->m + k->p) * k->inner);
    fill(r->a, k->m * k->inner, 5);
    fill(r->bt, k->p * k->inner, 6);
    product_naive(r->want, r->a, r->bt, k);
    for (size_t c = 0; c < k->parts && ok; c++) {
        cut(r->block, r->a, k->m, k->inner, c * share, share);
        ok = NN_OK(unet_vr_pack(r->slots, &b->vr, r->block, k->m, share))
             && close_up(b, &r->in[c], r->slots, level);
        cut(r->block, r->bt, k->p, k->inner, c * share, share);
        for (size_t t = 0; t < unet_vr_teams(&b->vr, k->p) && ok; t++)
            ok = NN_OK(unet_vr_pack_team(r->slots, &b->vr, r->block, k->p,
                                         share, t))
                 && NN_OK(unet_vr_weight_init(&r->b[t * k->parts + c], b->ctx,
                                              r->slots, level, 0, &b->rng,
                                              k->encrypted ? b->pk : NULL));
    }
    return ok;
}

static void product_close(product_rig *r)
{
    free(r->a);
    free(r->bt);
    free(r->want);
    free(r->slots);
    free(r->block);
    for (size_t i = 0; i < MAX_PARTS; i++)
        ckks_ct_clear(&r->in[i]);
    for (size_t i = 0; i < MAX_PARTS * MAX_TEAMS; i++)
        unet_vr_weight_clear(&r->b[i]);
}

static void check_product(const product_case *k, const ckks_params *params,
                          double scale)
{
    unet_vr_cost plan;
    unet_vr_keys keys = { 0 };
    product_rig r = { 0 };
    ckks_ct out = { 0 };
    char what[96];
    bench b;

    snprintf(what, sizeof what, "%zux%zu * %zux%zu, rows of %zu, %zu parts%s",
             k->m, k->inner, k->inner, k->p, k->width, k->parts,
             k->encrypted ? ", encrypted" : "");
    if (!bench_open(&b, params, k->width))
        goto done;
    b.scale = scale;
    if (!NN_OK(unet_vr_need_product(&keys, &b.vr, k->p, b.top, k->encrypted))
        || !bench_keys(&b, &keys) || !product_open(&r, &b, k, b.top)
        || !NN_OK(unet_vr_product(&out, &b.vr, r.in, k->parts, r.b, k->p))
        || !open_up(&b, r.slots, &out))
        goto done;
    check_place(what, &b, &out, b.top - UNET_VR_PRODUCT_LEVELS);
    plan = unet_vr_product_cost(&b.vr, k->parts, k->p, k->encrypted);
    check_cost(what, &b.vr.done, &plan);
    judge(what, r.slots, b.vr.columns, r.want, k->m, k->p,
          product_variance(&b, k, b.top), 2);
    for (size_t j = 0; j < bench_slots(&b); j++)
        CHECK(j % b.vr.columns < k->p || fabs(r.slots[j]) < 1e-4,
              "%s: slot %zu behind C is %g", what, j, r.slots[j]);
done:
    ckks_ct_clear(&out);
    product_close(&r);
    bench_close(&b);
}

TEST(vr_product_of_matrices)
{
    static const product_case cases[] = {
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
        check_product(&cases[i], &small_params, 0x1p40);
}

/* 128 bits of security, every key real. */
TEST(vr_product_at_128_bits)
{
    static const ckks_params params = {
        .log_n = 13, .num_primes = 4, .primes = { 48, 37, 37, 37 },
        .num_special = 1, .special = { 48 }, .dnum = 4
    };
    static const product_case enc = { 64, 64, 50, 6, 1, true };
    static const product_case clear = { 128, 20, 200, 10, 2, false };

    check_product(&enc, &params, 0x1p37);
    check_product(&clear, &params, 0x1p37);
}

/* ---- convolution, means, squares ---------------------------------------- */

typedef struct conv_case {
    size_t width;
    unet_vr_window g;
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
    double *x = doubles(c->channels * c->images * area);
    double *want = doubles(c->images * area), kernel[MOST], v;
    ckks_ct in[3] = { { 0 } }, out = { 0 };
    unet_vr_weight span[MOST] = { { 0 } }, bias = { 0 };
    unet_vr_keys keys = { 0 };
    unet_vr_cost plan;
    char what[96];
    bench b;
    bool ok;

    snprintf(what, sizeof what, "%zu channels of %dx%d, kernel %zu, %zu "
             "images%s", c->channels, c->g.height, c->g.width, k, c->images,
             c->encrypted ? ", encrypted" : "");
    fill(x, c->channels * c->images * area, 7);
    fill(kernel, c->channels * k * k, 8);
    ok = bench_open(&b, params, c->width);
    b.scale = scale;
    ok = ok && NN_OK(unet_vr_need_conv(&keys, &b.vr, c->g, b.top,
                                       c->encrypted))
         && bench_keys(&b, &keys);
    /* what lies behind the images and in the other rows must not matter */
    for (size_t ch = 0; ch < c->channels && ok; ch++) {
        fill(slots, bench_slots(&b), 100 + ch);
        for (size_t i = 0; i < c->images; i++)
            memcpy(slots + i * b.vr.columns, x + (ch * c->images + i) * area,
                   area * sizeof *x);
        ok = close_up(&b, &in[ch], slots, b.top);
        for (size_t uv = 0; uv < k * k && ok; uv++)
            ok = NN_OK(unet_vr_span(slots, &b.vr, c->g, kernel + ch * k * k,
                                    (int)(uv / k), (int)(uv % k)))
                 && NN_OK(unet_vr_weight_init(&span[uv * c->channels + ch],
                                              b.ctx, slots, b.top, 0, &b.rng,
                                              c->encrypted ? b.pk : NULL));
    }
    for (size_t j = 0; ok && j < bench_slots(&b); j++)
        slots[j] = 0.75;
    ok = ok && NN_OK(unet_vr_weight_init(&bias, b.ctx, slots, b.top - 2,
                                         b.scale, &b.rng,
                                         c->encrypted ? b.pk : NULL))
         && NN_OK(unet_vr_conv(&out, &b.vr, in, c->channels, span, &bias,
                               c->g))
         && open_up(&b, got, &out);
    if (ok) {
        plan = unet_vr_conv_cost(c->channels, c->g, c->encrypted);
        check_cost(what, &b.vr.done, &plan);
        check_place(what, &b, &out, b.top - UNET_VR_CONV_LEVELS);
        for (size_t i = 0; i < c->images; i++)
            for (int y = 0; y < c->g.height; y++)
                for (int z = 0; z < c->g.width; z++)
                    want[i * area + (size_t)(y * c->g.width + z)] = 0.75
                        + (y + c->g.kernel <= c->g.height
                           && z + c->g.kernel <= c->g.width
                               ? conv_naive(x, kernel, c, i, y, z) : 0);
        v = (double)c->channels / 3 * fresh(&b) + rounding(&b);
        if (c->encrypted)
            v += (double)c->channels / 3 * rotation(&b, b.top)
                 * pow(b.scale / (double)ckks_ctx_prime(b.ctx, b.top), 2);
        v = (double)k * v + (double)(k - 1) * rotation(&b, b.top - 1);
        v = (double)k * v + (double)(k - 1) * rotation(&b, b.top - 1);
        v += rounding(&b) + (c->encrypted ? rounding(&b) : 0);
        judge(what, got, b.vr.columns, want, c->images, area, v, 2);
    }
    free(x);
    free(want);
    for (size_t i = 0; i < MOST; i++)
        unet_vr_weight_clear(&span[i]);
    unet_vr_weight_clear(&bias);
    for (int i = 0; i < 3; i++)
        ckks_ct_clear(&in[i]);
    ckks_ct_clear(&out);
    bench_close(&b);
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

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_conv(&cases[i], &small_params, 0x1p40);
    check_conv(&real, &params, 0x1p40);             /* 128 bits              */
}

TEST(vr_means_and_squares)
{
    static const unet_vr_window g = { 5, 6, 2 };
    static double x[64], want[64], got[64];
    unet_vr_keys keys = { 0 };
    ckks_ct a = { 0 }, out = { 0 };
    bench b;

    fill(x, 64, 9);
    if (!bench_open(&b, &small_params, 30)
        || !NN_OK(unet_vr_need_pool(&keys, &b.vr, g, 3))
        || !NN_OK(unet_vr_need_square(&keys, &b.vr, 2))
        || !bench_keys(&b, &keys) || !close_up(&b, &a, x, 3)
        || !NN_OK(unet_vr_pool(&out, &b.vr, &a, g))
        || !open_up(&b, got, &out))
        goto done;
    for (int j = 0; j < 64; j++) {
        int y = j % 32 / 6, z = j % 32 % 6;

        want[j] = y % 2 == 0 && z % 2 == 0 && y < 4 && z < 6
                      ? (x[j] + x[j + 1] + x[j + 6] + x[j + 7]) / 4 : 0;
    }
    /* of most slots the mask leaves the rounding alone */
    judge("mean", got, 64, want, 1, 64,
          rounding(&b) + 3 * rotation(&b, 3) / 16 * 0.2, 2);
    check_place("mean", &b, &out, 2);
    CHECK(b.vr.done.rotations == 2 && b.vr.done.plain == 1
          && b.vr.done.rescales == 1, "cost of a mean");

    if (!NN_OK(unet_vr_square(&out, &b.vr, &out)) || !open_up(&b, got, &out))
        goto done;
    for (int j = 0; j < 64; j++)
        want[j] *= want[j];
    judge("square", got, 64, want, 1, 64, rounding(&b), 2);
    CHECK(out.level == 1 && fabs(out.scale / (0x1p80 / (double)
              ckks_ctx_prime(b.ctx, 2)) - 1) < 0x1p-40, "level %d scale 2^%g",
          out.level, log2(out.scale));
done:
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    bench_close(&b);
}

TEST(vr_sum_for_conv)
{
    static const unet_vr_window g = { 4, 8, 3 };
    static double x[64], want[64], got[64];
    unet_vr_keys keys = { 0 };
    ckks_ct a = { 0 };
    bench b;

    fill(x, 64, 10);
    if (bench_open(&b, &small_params, 32)
        && NN_OK(unet_vr_need_pool(&keys, &b.vr, g, 2))
        && bench_keys(&b, &keys) && close_up(&b, &a, x, 2)
        && NN_OK(unet_vr_sum_for_conv(&a, &b.vr, &a, g))
        && open_up(&b, got, &a)) {
        for (size_t j = 0; j < 64; j++) {
            want[j] = 0;
            for (size_t r = 0; r < 3; r++)
                for (size_t s = 0; s < 3; s++)
                    want[j] += x[(j + r * 8 + s) % 64];
        }
        judge("sum for conv", got, 64, want, 1, 64,
              9 * fresh(&b) + 8 * rotation(&b, 2), 2);
        CHECK(keys.count == 2 && b.vr.done.rotations == 4, "%zu keys, %ld "
              "rotations", keys.count, b.vr.done.rotations);
    }
    ckks_ct_clear(&a);
    bench_close(&b);
}

/* ---- the network -------------------------------------------------------- */

enum { NET_MAPS = 2, NET_HIDDEN = 6, NET_CLASSES = 3 };
static const unet_vr_window net_image = { 5, 6, 3 };
enum { NET_OUT = 3 * 4, NET_AREA = 30 };

/* One image, layer by layer; also mean squares of what is squared. */
static void net_naive(double *out, double squares[2], const unet_vr_net *n,
                      const double *x)
{
    double map[NET_MAPS * NET_OUT], hidden[NET_HIDDEN];

    for (int o = 0; o < NET_MAPS; o++)
        for (int y = 0; y < 3; y++)
            for (int z = 0; z < 4; z++) {
                double sum = n->conv_bias[o];

                for (int r = 0; r < 3; r++)
                    for (int s = 0; s < 3; s++)
                        sum += n->conv[o * 9 + r * 3 + s]
                               * x[(y + r) * 6 + z + s];
                squares[0] += sum * sum / (NET_MAPS * NET_OUT);
                map[(o * 3 + y) * 4 + z] = sum * sum;
            }
    for (int j = 0; j < NET_HIDDEN; j++) {
        double sum = n->dense1_bias[j];

        for (int i = 0; i < NET_MAPS * NET_OUT; i++)
            sum += n->dense1[j * NET_MAPS * NET_OUT + i] * map[i];
        squares[1] += sum * sum / NET_HIDDEN;
        hidden[j] = sum * sum;
    }
    for (int j = 0; j < NET_CLASSES; j++) {
        out[j] = n->dense2_bias[j];
        for (int i = 0; i < NET_HIDDEN; i++)
            out[j] += n->dense2[j * NET_HIDDEN + i] * hidden[i];
    }
}

/* Variance of a logit: each layer's own noise, the gain of the layers behind.
 * Weights of variance g_1, g_2; a square's gain is 4 times the mean square of
 * its input. */
static double net_variance(const bench *b, const double squares[2],
                           double g1, double g2)
{
    const double move = rotation(b, b->top), f = (double)b->vr.columns;
    const double own = 2 * f * (move + rounding(b));    /* of a product      */
    double v = 9 * rounding(b) + 8 * move + rounding(b);

    v = 4 * squares[0] * v + rounding(b);
    v = NET_MAPS * NET_OUT * g1 * v + own;
    v = 4 * squares[1] * v + rounding(b);
    return NET_HIDDEN * g2 * v + own;
}

static void net_weights(unet_vr_net *n, double *w)
{
    const double fan1 = 1 / sqrt(9), fan2 = 1 / sqrt(NET_MAPS * NET_OUT);

    fill(w, 400, 11);
    *n = (unet_vr_net){ 1, net_image, NET_MAPS, NET_HIDDEN, NET_CLASSES,
                        w, w + 18, w + 20, w + 170, w + 200, w + 230 };
    for (int i = 0; i < 18; i++)
        w[i] *= fan1;
    for (int i = 0; i < NET_HIDDEN * NET_MAPS * NET_OUT; i++)
        w[20 + i] *= fan2;
}

static const ckks_params net_params = {
    .log_n = 8, .num_primes = 11,
    .primes = { 48, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40 },
    .num_special = 1, .special = { 48 }, .dnum = 11,
    .security = CKKS_INSECURE
};

static void check_net(bool encrypted)
{
    double w[400], x[4 * NET_AREA], want[4 * NET_CLASSES], slots[128];
    double squares[2] = { 0, 0 };
    unet_vr_model *m = NULL;
    unet_vr_net n;
    unet_vr_plan plan;
    ckks_ct ct = { 0 };
    bench b;

    net_weights(&n, w);
    fill(x, 4 * NET_AREA, 12);
    for (int i = 0; i < 4; i++)
        net_naive(want + i * NET_CLASSES, squares, &n, x + i * NET_AREA);
    squares[0] /= 4;
    squares[1] /= 4;
    if (!bench_open(&b, &net_params, NET_AREA)
        || !NN_OK(unet_vr_net_plan(&plan, &n, 128, b.top, encrypted))
        || !bench_keys(&b, &plan.keys)
        || !NN_OK(unet_vr_model_init(&m, &n, b.ctx, b.top, b.scale, &b.rng,
                                     encrypted ? b.pk : NULL)))
        goto done;
    memset(w, 0, sizeof w);                 /* nothing of it is kept         */
    plan.shape.keys = b.keys;
    b.vr = plan.shape;
    CHECK(b.vr.rows == 4 && b.vr.columns == 32, "%zu x %zu", b.vr.rows,
          b.vr.columns);
    if (NN_OK(unet_vr_pack(slots, &b.vr, x, 4, NET_AREA))
        && close_up(&b, &ct, slots, b.top)
        && NN_OK(unet_vr_model_run(&ct, &b.vr, &ct, m))
        && open_up(&b, slots, &ct)) {
        CHECK(ct.level == b.top - plan.levels, "level %d", ct.level);
        check_cost("network", &b.vr.done, &plan.total);
        judge(encrypted ? "network, encrypted weights" : "network", slots,
              b.vr.columns, want, 4, NET_CLASSES,
              net_variance(&b, squares, 1.0 / 3 / (NET_MAPS * NET_OUT),
                           1.0 / 3), 8);
    }
done:
    unet_vr_model_clear(&m);
    ckks_ct_clear(&ct);
    bench_close(&b);
}

TEST(vr_network)
{
    check_net(false);
    check_net(true);
}

/* The paper's network for MNIST at N = 2^15: what the plan says. */
TEST(vr_plan_of_the_papers_network)
{
    const unet_vr_net n = { .channels = 1, .image = { 28, 28, 3 }, .maps = 4,
                            .hidden = 64, .classes = 10 };
    unet_vr_plan p;

    if (!NN_OK(unet_vr_net_plan(&p, &n, 1 << 15, 10, true)))
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
    NN_STATUS(unet_vr_net_plan(&p, &n, 1 << 15, 9, true), CKKS_ELEVEL);
    NN_STATUS(unet_vr_net_plan(&p, &n, 1 << 9, 10, true), CKKS_EARG);
}

/* ---- refusals ----------------------------------------------------------- */

/* A ciphertext's fields and words, to see that nothing was written. */
typedef struct snapshot {
    ckks_ct ct;
    uint64_t sum;
} snapshot;

static uint64_t words_sum(const ckks_ct *ct)
{
    uint64_t sum = 0;
    size_t n = (size_t)(ct->degree + 1) * (size_t)(ct->level + 1)
               * 2 * ckks_ctx_slots(ct->ctx);

    for (size_t i = 0; i < n; i++)
        sum = sum * 0x9e3779b97f4a7c15u + ct->limb[i];
    return sum;
}

static snapshot snap(const ckks_ct *ct)
{
    return (snapshot){ *ct, words_sum(ct) };
}

static void check_same(const snapshot *s, const ckks_ct *ct, const char *what)
{
    CHECK(s->ct.limb == ct->limb && s->ct.level == ct->level
          && s->ct.scale == ct->scale && s->sum == words_sum(ct),
          "%s: the output was written", what);
}

/* Each key of the list is needed, at its level; without it nothing is done. */
TEST(vr_every_key_is_needed)
{
    static const product_case k = { 8, 4, 8, 4, 1, true };
    unet_vr_keys all = { 0 }, fewer;
    product_rig r = { 0 };
    ckks_ct out = { 0 };
    snapshot s;
    bench b;

    if (!bench_open(&b, &small_params, k.width)
        || !NN_OK(unet_vr_need_product(&all, &b.vr, k.p, b.top, true))
        || !product_open(&r, &b, &k, b.top)
        || !CHECK_OK(ckks_ct_copy(&out, &r.in[0])))
        goto done;
    s = snap(&out);
    CHECK(all.count == 1 + 1 + 2 * 3 - 0, "%zu keys", all.count);
    NN_STATUS(unet_vr_product(&out, &b.vr, r.in, 1, r.b, k.p), CKKS_EKEY);
    for (size_t i = 0; i < 2 * all.count; i++) {
        fewer = all;
        if (i < all.count)              /* one is missing                    */
            fewer.key[i] = fewer.key[--fewer.count];
        else                            /* one is a level too low            */
            fewer.key[i - all.count].level--;
        if (!bench_keys(&b, &fewer))
            break;
        NN_STATUS(unet_vr_product(&out, &b.vr, r.in, 1, r.b, k.p), CKKS_EKEY);
        check_same(&s, &out, "a missing key");
    }
    CHECK(b.vr.done.rotations == 0 && b.vr.done.products == 0,
          "work before keys were looked at");
done:
    ckks_ct_clear(&out);
    product_close(&r);
    bench_close(&b);
}

TEST(vr_need_joins_requests)
{
    unet_vr_keys k = { 0 };
    unet_vr vr;

    NN_OK(unet_vr_init(&vr, 64, 64, NULL));
    NN_OK(unet_vr_need_sum_columns(&k, &vr, 1));
    CHECK(k.count == 6, "%zu", k.count);
    NN_OK(unet_vr_need_spread(&k, &vr, 5));     /* -32 is 32                 */
    CHECK(k.count == 11, "%zu", k.count);
    for (size_t i = 0; i < k.count; i++)
        CHECK(k.key[i].level == (k.key[i].step >= 32 ? 4 : 1),
              "step %d level %d", k.key[i].step, k.key[i].level);
    NN_OK(unet_vr_need_sum_columns(&k, &vr, 3));
    CHECK(k.count == 11 && k.key[0].level == 3, "%zu", k.count);
    NN_STATUS(unet_vr_need_spread(&k, &vr, 0), CKKS_ELEVEL);
    NN_STATUS(unet_vr_need_product(&k, &vr, 1, 2, true), CKKS_ELEVEL);
    NN_STATUS(unet_vr_need_conv(&k, &vr, (unet_vr_window){ 9, 9, 3 }, 3,
                                false), CKKS_EARG);
    NN_STATUS(unet_vr_need_square(NULL, &vr, 3), CKKS_EARG);
    k.count = UNET_VR_MAX_KEYS - 1;
    for (size_t i = 0; i < k.count; i++)
        k.key[i] = (ckks_key_request){ CKKS_KEY_CONJ, (int)i, 0 };
    NN_STATUS(unet_vr_need_sum_columns(&k, &vr, 3), CKKS_EARG);
    CHECK(k.count == UNET_VR_MAX_KEYS - 1, "written on failure");
}

TEST(vr_refuses)
{
    static const product_case k = { 8, 8, 8, 8, 1, true };
    static const unet_vr_window g = { 2, 4, 2 };
    unet_vr_keys keys = { 0 };
    unet_vr_weight clear = { 0 }, low = { 0 };
    product_rig r = { 0 };
    ckks_ct out = { 0 }, two = { 0 }, three[2] = { { 0 }, { 0 } };
    snapshot s;
    unet_vr other;
    bench b;

    if (!bench_open(&b, &small_params, k.width)
        || !NN_OK(unet_vr_need_product(&keys, &b.vr, k.p, b.top, true))
        || !NN_OK(unet_vr_need_pool(&keys, &b.vr, g, b.top))
        || !bench_keys(&b, &keys) || !product_open(&r, &b, &k, b.top)
        || !CHECK_OK(ckks_ct_copy(&out, &r.in[0]))
        || !CHECK_OK(ckks_square(&two, &r.in[0]))
        || !CHECK_OK(ckks_ct_copy(&three[0], &r.in[0]))
        || !CHECK_OK(ckks_drop_level(&three[1], &r.in[0], 2))
        || !NN_OK(unet_vr_weight_init(&clear, b.ctx, r.slots, 0, 0, NULL,
                                      NULL))
        || !NN_OK(unet_vr_weight_init(&low, b.ctx, r.slots, 2, 0, &b.rng,
                                      b.pk)))
        goto done;
    s = snap(&out);
    other = b.vr;
    other.rows *= 2;

    NN_STATUS(unet_vr_product(&out, &b.vr, r.in, 1, r.b, 0), CKKS_EARG);
    NN_STATUS(unet_vr_product(&out, &b.vr, r.in, 1, r.b, 9), CKKS_EARG);
    CHECK(strstr(nn_last_error(), "9 columns") != NULL, "%s",
          nn_last_error());
    NN_STATUS(unet_vr_product(&out, &b.vr, r.in, 0, r.b, 8), CKKS_EARG);
    NN_STATUS(unet_vr_product(&out, &b.vr, r.in, 1, NULL, 8), CKKS_EARG);
    NN_STATUS(unet_vr_product(&out, &b.vr, NULL, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(unet_vr_product(NULL, &b.vr, r.in, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(unet_vr_product(&out, NULL, r.in, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(unet_vr_product(&out, &other, r.in, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(unet_vr_product(&out, &b.vr, &two, 1, r.b, 8), CKKS_EARG);
    NN_STATUS(unet_vr_product(&out, &b.vr, three, 2, r.b, 8), CKKS_ELEVEL);
    NN_STATUS(unet_vr_product(&out, &b.vr, three + 1, 1, r.b, 8),
              CKKS_ELEVEL);                     /* level 2 of 3              */
    NN_STATUS(unet_vr_product(&out, &b.vr, r.in, 1, &low, 8), CKKS_ELEVEL);
    NN_STATUS(unet_vr_product(&out, &b.vr, r.in, 1, &r.b[1], 8), CKKS_EARG);
    NN_STATUS(unet_vr_conv(&out, &b.vr, r.in, 1, r.b, NULL,
                           (unet_vr_window){ 2, 4, 2 }), CKKS_EARG);
    NN_STATUS(unet_vr_conv(&out, &b.vr, r.in, 1, &clear, NULL,
                           (unet_vr_window){ 3, 3, 1 }), CKKS_EARG);
    NN_STATUS(unet_vr_pool(&out, &b.vr, r.in, (unet_vr_window){ 2, 4, 3 }),
              CKKS_EARG);
    NN_STATUS(unet_vr_pool(&out, &b.vr, r.in, (unet_vr_window){ 2, 4, 0 }),
              CKKS_EARG);
    NN_STATUS(unet_vr_sum_for_conv(&out, &b.vr, &two, g), CKKS_EARG);
    NN_STATUS(unet_vr_square(&out, &b.vr, &two), CKKS_EARG);
    NN_STATUS(unet_vr_sum_rows(&out, &b.vr, r.in), CKKS_EKEY);
    NN_STATUS(unet_vr_weight_init(&low, b.ctx, NULL, 0, 0, NULL, NULL),
              CKKS_EARG);
    NN_STATUS(unet_vr_weight_init(&low, b.ctx, r.slots, 9, 0x1p30, &b.rng,
                                  b.pk), CKKS_ELEVEL);
    CHECK(low.ct.level == 2, "the weight was written");
    CHECK_OK(ckks_drop_level(&three[1], &r.in[0], 0));
    NN_STATUS(unet_vr_square(&out, &b.vr, &three[1]), CKKS_ELEVEL);
    NN_STATUS(unet_vr_spread(&out, &b.vr, &three[1]), CKKS_ELEVEL);
    check_same(&s, &out, "a refusal");
    CHECK(b.vr.done.rotations + b.vr.done.products + b.vr.done.plain == 0,
          "work before a refusal");
done:
    unet_vr_weight_clear(&clear);
    unet_vr_weight_clear(&low);
    ckks_ct_clear(&out);
    ckks_ct_clear(&two);
    ckks_ct_clear(&three[0]);
    ckks_ct_clear(&three[1]);
    product_close(&r);
    bench_close(&b);
}

TEST(vr_network_refuses)
{
    double w[400], slots[128] = { 0 };
    unet_vr_model *m = NULL, *kept;
    unet_vr_plan plan;
    unet_vr_net n, bad;
    ckks_ct ct = { 0 }, low = { 0 };
    snapshot s;
    bench b;

    net_weights(&n, w);
    if (!bench_open(&b, &net_params, NET_AREA)
        || !NN_OK(unet_vr_net_plan(&plan, &n, 128, b.top, false))
        || !bench_keys(&b, &plan.keys)
        || !NN_OK(unet_vr_model_init(&m, &n, b.ctx, b.top, b.scale, NULL,
                                     NULL))
        || !close_up(&b, &ct, slots, b.top)
        || !CHECK_OK(ckks_drop_level(&low, &ct, b.top - 1)))
        goto done;
    kept = m;
    s = snap(&ct);
    bad = n;
    bad.dense2 = NULL;
    NN_STATUS(unet_vr_model_init(&m, &bad, b.ctx, b.top, b.scale, NULL, NULL),
              CKKS_EARG);
    bad = n;
    bad.hidden = 129;
    NN_STATUS(unet_vr_model_init(&m, &bad, b.ctx, b.top, b.scale, NULL, NULL),
              CKKS_EARG);
    bad = n;
    bad.image.kernel = 6;
    NN_STATUS(unet_vr_model_init(&m, &bad, b.ctx, b.top, b.scale, NULL, NULL),
              CKKS_EARG);
    bad = n;
    bad.classes = 0;
    NN_STATUS(unet_vr_model_init(&m, &bad, b.ctx, b.top, b.scale, NULL, NULL),
              CKKS_EARG);
    NN_STATUS(unet_vr_model_init(&m, &n, b.ctx, b.top + 1, b.scale, NULL,
                                 NULL), CKKS_ELEVEL);
    NN_STATUS(unet_vr_model_init(&m, &n, b.ctx, 9, b.scale, NULL, NULL),
              CKKS_ELEVEL);
    NN_STATUS(unet_vr_model_init(&m, &n, b.ctx, b.top, 0, NULL, NULL),
              CKKS_ESCALE);
    NN_STATUS(unet_vr_model_init(&m, &n, b.ctx, b.top, b.scale, NULL, b.pk),
              CKKS_EARG);                       /* no source of randomness   */
    CHECK(m == kept, "the model was replaced");
    NN_STATUS(unet_vr_model_run(&ct, &b.vr, &low, m), CKKS_ELEVEL);
    low.scale *= 1.001;
    low.level = b.top;
    CHECK_OK(ckks_mul_const(&low, &ct, 1, 0, 4));
    NN_STATUS(unet_vr_model_run(&ct, &b.vr, &low, m), CKKS_ESCALE);
    b.vr.keys = NULL;
    NN_STATUS(unet_vr_model_run(&ct, &b.vr, &ct, m), CKKS_EKEY);
    NN_STATUS(unet_vr_model_run(&ct, &b.vr, &ct, NULL), CKKS_EARG);
    NN_OK(unet_vr_init(&b.vr, 128, 64, b.keys));
    NN_STATUS(unet_vr_model_run(&ct, &b.vr, &ct, m), CKKS_EARG);
    check_same(&s, &ct, "a refusal");
done:
    unet_vr_model_clear(&m);
    unet_vr_model_clear(&m);
    ckks_ct_clear(&ct);
    ckks_ct_clear(&low);
    bench_close(&b);
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
    static const product_case k = { 4, 4, 4, 2, 1, true };
    ration ration_ = { -1, 0 };
    ckks_params params = small_params;
    unet_vr_keys keys = { 0 };
    product_rig r = { 0 };
    ckks_ct out = { 0 };
    ckks_status st = CKKS_EMEM;
    snapshot s;
    bench b;
    long n, alive;

    params.memory = (ckks_memory){ ration_take, ration_give, &ration_ };
    if (!bench_open(&b, &params, k.width)
        || !NN_OK(unet_vr_need_product(&keys, &b.vr, k.p, b.top, true))
        || !bench_keys(&b, &keys) || !product_open(&r, &b, &k, b.top)
        || !CHECK_OK(ckks_ct_copy(&out, &r.in[0])))
        goto done;
    s = snap(&out);
    alive = ration_.alive;
    for (n = 0; n < 2000 && st == CKKS_EMEM; n++) {
        ration_.left = n;
        st = unet_vr_product(&out, &b.vr, r.in, 1, r.b, k.p);
        ration_.left = -1;
        if (st == CKKS_OK)
            break;
        check_same(&s, &out, "no memory");
        CHECK(ration_.alive == alive, "allocation %ld: %ld objects, were %ld",
              n, ration_.alive, alive);
    }
    CHECK(st == CKKS_OK && n > 20, "allocation %ld: %s", n,
          ckks_status_name(st));
done:
    ckks_ct_clear(&out);
    product_close(&r);
    bench_close(&b);
    CHECK(ration_.alive == 0, "%ld objects left", ration_.alive);
}
