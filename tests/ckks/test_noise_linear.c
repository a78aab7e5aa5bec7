/* test_noise_linear.c -- measured errors against predicted ones, of what needs
 * no key switching, and of a layer from fresh ciphertexts to slots.
 *
 * Read first: test_noise.c.  A fresh ciphertext is off by an encoding's
 * rounding, 1/12 a coefficient, and an error of 10.5.  Sums add variances; a
 * product of two values x, y is off by x e_y + y e_x, e in slots: with E the
 * mean of |x|^2 (2/3 in the unit square, 1/3 from -1 to 1) that is as much as
 * an error of variance E (V_x + V_y) a coefficient.  Such an error is Gaussian
 * for given x and y, and |x|^2 is up to three times its mean: tails reach
 * sqrt(3) times as many sd.  Flooding is uniform in [-2^w, 2^w).
 *
 * Decoding adds nothing of its own but rounding of doubles (test_decode.c); it
 * is part of each measurement.  In the long form 10^7 slots of either ring are
 * looked at.
 */
#include <math.h>

#include "noise_support.h"

static const double encoding = 1.0 / 12, fresh = 10.5 + 1.0 / 12;

static double mean_square(const bench *b)
{
    return b->real ? 1.0 / 3 : 2.0 / 3;
}

/* Tails of products with values. */
static const double valued_limit[2] = { 5.3 * 1.74, 7.2 * 1.74 };

/* before = x y, slot by slot */
static void product_of_slots(const bench *b, double x[2][NOISE_MAX_SLOTS],
                             double y[2][NOISE_MAX_SLOTS])
{
    for (size_t j = 0; j < b->slots; j++) {
        before[0][j] = x[0][j] * y[0][j] - x[1][j] * y[1][j];
        before[1][j] = x[0][j] * y[1][j] + x[1][j] * y[0][j];
    }
}

/* ---- encoding ------------------------------------------------------------ */

static void check_encode(bench *b)
{
    for (int level = 0; level <= b->top; level += b->top) {
        ckks_pt pt = { 0 };

        noise_slots(b, before, 31);
        noise_pt(b, &pt, level, 0x1p30, 31);
        if (CHECK_OK(ckks_decode(after[0], after[1], b->slots, &pt)))
            noise_judge(b, "encode and decode", level, 0, sqrt(encoding),
                        0x1p30, gaussian_limit);
        ckks_pt_clear(&pt);
    }
}

TEST(noise_of_encoding)
{
    noise_every_set(check_encode);
}

/* ---- sums and integer combinations --------------------------------------- */

static void check_add(bench *b)
{
    static double x[2][NOISE_MAX_SLOTS];
    const int level = b->top;
    ckks_ct a = { 0 }, c = { 0 };
    ckks_pt pt = { 0 };

    noise_slots(b, before, 32);
    noise_slots(b, x, 33);
    for (size_t j = 0; j < b->slots; j++) {
        before[0][j] += x[0][j];
        before[1][j] += x[1][j];
    }
    noise_ct(b, &a, level, 0x1p30, 32);
    noise_ct(b, &c, level, 0x1p30, 33);
    noise_pt(b, &pt, level, 0x1p30, 33);
    if (CHECK_OK(ckks_add(&c, &a, &c))) {
        noise_open(b, after, &c);
        noise_judge(b, "add", level, 0, sqrt(2 * fresh), 0x1p30,
                    gaussian_limit);
    }
    if (CHECK_OK(ckks_add_plain(&a, &a, &pt))) {
        noise_open(b, after, &a);
        noise_judge(b, "add_plain", level, 0, sqrt(fresh + encoding), 0x1p30,
                    gaussian_limit);
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&a);
    ckks_ct_clear(&c);
}

TEST(noise_of_sums)
{
    noise_every_set(check_add);
}

static void check_combine(bench *b)
{
    enum { TERMS = 5 };
    static const int32_t index[TERMS] = { 0, 1, 2, 3, 4 };
    static const int32_t weight[2 * TERMS] = { 3, -70, 1, 0, 500,
                                               -9000, 40000, 5, 7, -1 };
    static double x[2][NOISE_MAX_SLOTS], want[2][2][NOISE_MAX_SLOTS];
    const ckks_block block = { 0, 2, TERMS, index, weight };
    ckks_ct in[TERMS], out[2];
    const ckks_ct *from[TERMS];
    ckks_ct *to[2] = { &out[0], &out[1] };

    memset(in, 0, sizeof in);
    memset(out, 0, sizeof out);
    memset(want, 0, sizeof want);
    for (int k = 0; k < TERMS; k++) {
        noise_slots(b, x, (uint64_t)(34 + k));
        noise_ct(b, &in[k], 0, 0x1p14, (uint64_t)(34 + k));
        from[k] = &in[k];
        for (int r = 0; r < 2; r++)
            for (size_t j = 0; j < b->slots; j++) {
                want[r][0][j] += weight[r * TERMS + k] * x[0][j];
                want[r][1][j] += weight[r * TERMS + k] * x[1][j];
            }
    }
    if (CHECK_OK(ckks_combine(to, 2, from, TERMS, &block, 1, 0x1p14)))
        for (int r = 0; r < 2; r++) {
            double squares = 0;

            for (int k = 0; k < TERMS; k++)
                squares += pow(weight[r * TERMS + k], 2);
            memcpy(before, want[r], sizeof before);
            noise_open(b, after, &out[r]);
            noise_judge(b, r == 0 ? "combine" : "combine, large weights", 0, 0,
                        sqrt(squares * fresh), 0x1p14, gaussian_limit);
        }
    for (int k = 0; k < TERMS; k++)
        ckks_ct_clear(&in[k]);
    ckks_ct_clear(&out[0]);
    ckks_ct_clear(&out[1]);
}

TEST(noise_of_combinations)
{
    noise_every_set(check_combine);
}

/* ---- products ------------------------------------------------------------ */

static void check_mul(bench *b)
{
    static double x[2][NOISE_MAX_SLOTS], y[2][NOISE_MAX_SLOTS];
    const double square = mean_square(b);
    const int level = b->top;
    ckks_ct a = { 0 }, c = { 0 }, out = { 0 };
    ckks_pt pt = { 0 };

    noise_slots(b, x, 40);
    noise_slots(b, y, 41);
    product_of_slots(b, x, y);
    noise_ct(b, &a, level, 0x1p26, 40);
    noise_ct(b, &c, level, 0x1p26, 41);
    noise_pt(b, &pt, level, 0x1p26, 41);
    if (CHECK_OK(ckks_mul(&out, &a, &c))) {
        noise_open(b, after, &out);
        noise_judge(b, "mul", level, 0, sqrt(2 * square * fresh), 0x1p26,
                    valued_limit);
    }
    if (CHECK_OK(ckks_mul_plain(&out, &a, &pt))) {
        noise_open(b, after, &out);
        noise_judge(b, "mul_plain", level, 0,
                    sqrt(square * (fresh + encoding)), 0x1p26, valued_limit);
    }
    product_of_slots(b, x, x);
    if (CHECK_OK(ckks_square(&out, &a))) {
        noise_open(b, after, &out);
        noise_judge(b, "square", level, 0, sqrt(4 * square * fresh), 0x1p26,
                    valued_limit);
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&a);
    ckks_ct_clear(&c);
    ckks_ct_clear(&out);
}

TEST(noise_of_products)
{
    noise_every_set(check_mul);
}

/* A network's layer: product, relinearised and brought down at once, from fresh
 * ciphertexts to slots; within a factor 2 of what its parts predict. */
static void check_layer(bench *b)
{
    static double x[2][NOISE_MAX_SLOTS], y[2][NOISE_MAX_SLOTS];
    const int level = b->top;
    const double scale = 0x1p30, log_q = log2((double)ckks_ctx_prime(b->ctx,
                                                                    level));
    const double product = sqrt(2 * mean_square(b) * fresh) * scale
                           / exp2(log_q);
    const double sd = hypot(hypot(product, noise_rounding(b)),
                            noise_switching(b, level,
                                            noise_log_p(b, level) + log_q));
    ckks_ct a = { 0 }, c = { 0 };

    noise_slots(b, x, 42);
    noise_slots(b, y, 43);
    product_of_slots(b, x, y);
    noise_ct(b, &a, level, scale, 42);
    noise_ct(b, &c, level, scale, 43);
    if (CHECK_OK(ckks_mul(&a, &a, &c))
        && CHECK_OK(ckks_relin_rescale(&c, &a, b->keys))) {
        noise_open(b, after, &c);
        noise_judge(b, "layer of mul, relin, rescale", level, 0, sd, c.scale,
                    product_limit);
    }
    ckks_ct_clear(&a);
    ckks_ct_clear(&c);
}

TEST(noise_of_a_layer)
{
    noise_every_set(check_layer);
}

/* ---- flooding ------------------------------------------------------------ */

static void check_flooding(bench *b)
{
    ckks_ct a = { 0 };
    ckks_pt pt = { 0 };

    noise_ct(b, &a, b->top, 0x1p30, 44);
    noise_open(b, before, &a);
    if (CHECK_OK(ckks_decrypt_flooded(&pt, &b->rng, &a, b->sk, 4, 20))
        && CHECK_OK(ckks_decode(after[0], after[1], b->slots, &pt)))
        noise_judge(b, "flooding of 2^24", b->top, 0, 0x1p24 / sqrt(3), 0x1p30,
                    gaussian_limit);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&a);
}

TEST(noise_of_flooding)
{
    noise_every_set(check_flooding);
}

/* ---- all ----------------------------------------------------------------- */

/* After the others; those were not all run if a word chose some. */
TEST(noise_worst_slot_of_all)
{
    static const char *const ring[] = { "complex", "real" };
    const size_t all = test_long() ? 10000000 : 100000;

    for (int real = 0; real < 2; real++) {
        const noise_total *t = &noise_totals[real];

        test_note("%s ring: %zu slots%s, the worst at %.2f of its limit: %s",
                  ring[real], t->slots, t->slots < all ? " (not all tests)"
                                                       : "",
                  t->worst, t->where);
        CHECK(t->worst < 1, "%s ring: %s", ring[real], t->where);
    }
}
