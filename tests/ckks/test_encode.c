/* test_encode.c -- encoding, down to the words.
 *
 * Judged by sums over the definition in long double and by the big-integer
 * oracle, never by a round trip: encode and decode can be wrong together.
 */
#include <float.h>
#include <math.h>

#include "encode_support.h"

/* The words of pt are those of integers within half of f->coeff.
 *
 * The oracle reads the integers from the words, all limbs together: one wrong
 * word makes a number as large as Q.  An integer is right if it is at most a
 * half from the real number, but for the error `slack` of doubles, which the
 * rounding may follow over the edge. */
static void check_plaintext(fixture *f, const ckks_pt *pt, long double slack,
                            const char *what)
{
    opoly m;

    opoly_init(&m, f->o.n);
    oracle_read(&m, &f->o, pt->limb, pt->level, 0);
    for (size_t k = 0; k < f->n; k++) {
        long double got = oracle_real(m.c[k]);

        CHECK(fabsl(got - f->coeff[k]) <= 0.5L + slack,
              "%s: N=%zu level %d scale 2^%.1f coefficient %zu: %.20Lg, want "
              "%.20Lg", what, f->n, pt->level, log2(pt->scale), k, got,
              f->coeff[k]);
    }
    opoly_clear(&m);
}

static long double largest(const long double *x, size_t n)
{
    long double top = 0;

    for (size_t k = 0; k < n; k++)
        top = fabsl(x[k]) > top ? fabsl(x[k]) : top;
    return top;
}

enum { COMPLEX_SLOTS, REAL_SLOTS, CONSTANT, FEW_SLOTS, BASIS, SHAPES };

/* Fills f->re and f->im; returns how many slots are handed over. */
static size_t make_slots(fixture *f, int shape, uint64_t *state)
{
    const size_t n = f->slots;
    size_t count = shape == FEW_SLOTS ? n / 2 + 1 : n;

    for (size_t j = 0; j < n; j++) {
        f->re[j] = shape == CONSTANT ? 0.7310585786300049 : random_unit(state);
        f->im[j] = shape == REAL_SLOTS || shape == CONSTANT
                       ? 0 : random_unit(state);
        if (shape == BASIS)
            f->re[j] = f->im[j] = j == 1 ? 1 : 0;
        if (f->real)
            f->im[j] = 0;
    }
    if (count > n)
        count = n;
    for (size_t j = count; j < n; j++)
        f->re[j] = f->im[j] = 0;
    return count;
}

static void check_encode_shape(fixture *f, int shape, int level, double scale,
                               uint64_t *state)
{
    size_t n = f->slots, count = make_slots(f, shape, state);
    ckks_pt pt = { 0 };

    for (size_t j = 0; j < n; j++) {
        f->want_re[j] = f->re[j];
        f->want_im[j] = f->im[j];
    }
    oracle_coeffs(f->coeff, &f->o, f->want_re, f->want_im, scale);
    if (log2l(largest(f->coeff, f->n)) < ckks_ctx_log_q(f->ctx, level) - 1.1
        && CHECK_OK(ckks_encode(&pt, f->ctx, f->re,
                                shape == REAL_SLOTS ? NULL : f->im, count,
                                level, scale))) {
        CHECK(pt.level == level && pt.scale == scale && pt.ctx == f->ctx,
              "level %d scale %g", pt.level, pt.scale);
        check_plaintext(f, &pt, 0x1p-49L * largest(f->coeff, f->n)
                                    + 0x1p-50L * scale, "encode");
    }
    ckks_pt_clear(&pt);
}

/* All ring degrees to 2^7, both generators, both rings, both engines, all
 * levels, from coefficients of a few bits to beyond one word. */
TEST(encode_words_are_the_nearest_integers)
{
    static const int bits[] = { 49, 40, 40, 60, 30 };
    static const double log_scale[] = { 20, 40, 57, 61, 62.5, 80, 100.25 };
    uint64_t state = 1;

    for (int log_n = 2; log_n <= 7; log_n++)
        for (int encoder = 0; encoder < ENCODERS; encoder++)
            for (size_t v = 0; v < num_fft_engines; v++) {
                fixture f;

                if (!fixture_init(&f, log_n, encoder, bits, 5))
                    return;
                fixture_engine(&f, fft_engines[v]);
                for (size_t i = 0; i < sizeof log_scale / sizeof(double); i++)
                    for (int level = 0; level < 5; level++) {
                        int shape = (int)(test_word(&state) % SHAPES);

                        check_encode_shape(&f, shape, level,
                                           exp2(log_scale[i]), &state);
                    }
                fixture_clear(&f);
            }
}

TEST(encode_large_degrees)
{
    static const int bits[] = { 50, 45 };
    uint64_t state = 2;

    for (int log_n = 8; log_n <= 10; log_n++)
        for (int encoder = GENERATOR_5; encoder <= REAL_RING; encoder++) {
            fixture f;

            if (!fixture_init(&f, log_n, encoder, bits, 2))
                return;
            for (int shape = 0; shape < SHAPES; shape++)
                check_encode_shape(&f, shape, 1, 0x1p40, &state);
            fixture_clear(&f);
        }
}

/* Where no FFT is in the way the rounding itself can be seen: a constant,
 * with halves, in both coefficients; the real ring has the first only. */
TEST(encode_const_is_exact)
{
    static const int bits[] = { 61, 40, 31, 20 };
    static const double part[] = { 0, 1, -1, 0.5, -0.5, 2.5, -2.5, 1.25,
                                   0.49999999999999994, -0.49999999999999994,
                                   123456789.5, -0x1p52, 0x1.8p51,
                                   -0x1.fffffffffffffp59, 0x1.8p70,
                                   -0x1.23456789abcdep110 };
    const size_t parts = sizeof part / sizeof *part;

    for (int at = 0; at < 10; at++) {
        const int log_n = 2 + at / 2;
        fixture f;

        if (!fixture_init(&f, log_n, at % 2 ? REAL_RING : GENERATOR_5, bits,
                          4))
            return;
        for (int level = 0; level < 4; level++)
            for (size_t i = 0; i < parts * parts; i++) {
                double a = part[i / parts], b = part[i % parts];
                double limit = exp2(ckks_ctx_log_q(f.ctx, level) - 1.001);
                ckks_pt pt = { 0 };
                opoly m, want;

                if (fabs(a) > limit || fabs(b) > limit || (f.real && b != 0))
                    continue;
                if (!CHECK_OK(ckks_encode_const(&pt, f.ctx, a * 0x1p-30,
                                                b * 0x1p-30, level, 0x1p30)))
                    continue;
                opoly_init(&m, f.o.n);
                opoly_init(&want, f.o.n);
                oracle_read(&m, &f.o, pt.limb, level, 0);
                mpz_set_d(want.c[0], round(a));
                mpz_set_d(want.c[f.n / 2], round(b));
                CHECK(opoly_equal(&m, &want),
                      "N=%zu level %d: constant %a + %a i", f.n, level, a, b);
                opoly_clear(&m);
                opoly_clear(&want);
                ckks_pt_clear(&pt);
            }
        fixture_clear(&f);
    }
}

/* The bound of coefficients: q_0 / 2 at level 0 to the last integer. */
TEST(encode_stops_at_half_the_modulus)
{
    static const int bits[] = { 30, 40, 50, 50 };
    fixture f;
    ckks_pt pt = { 0 };
    double half;

    if (!fixture_init(&f, 3, GENERATOR_5, bits, 4))
        return;
    half = (double)(ckks_ctx_prime(f.ctx, 0) / 2);
    CHECK_OK(ckks_encode_const(&pt, f.ctx, half, -half, 0, 1));
    CHECK_STATUS(ckks_encode_const(&pt, f.ctx, half + 1, 0, 0, 1),
                 CKKS_ESCALE);
    CHECK_STATUS(ckks_encode_const(&pt, f.ctx, 0, -half - 1, 0, 1),
                 CKKS_ESCALE);
    CHECK_OK(ckks_encode_const(&pt, f.ctx, 0x1.ffffp119, 0, 3, 1));
    CHECK_STATUS(ckks_encode_const(&pt, f.ctx, 0x1p120, 0, 3, 1),
                 CKKS_ESCALE);
    ckks_pt_clear(&pt);
    fixture_clear(&f);
}

/* ---- both, at full size ------------------------------------------------- */

/* With words judged above, a round trip shows that nothing depends on N: the
 * error is that of rounding N coefficients, sd sqrt(N/12) / scale a slot, in
 * the real ring, where they count twice, sqrt(2N/12). */
TEST(encode_decode_round_trip_to_2_15)
{
    static const int bits[] = { 49, 40, 40 };
    uint64_t state = 5;

    for (int at = 0; at < 16; at++) {
        const int log_n = 8 + at / 2;
        fixture f;
        ckks_pt pt = { 0 };
        double sum = 0, worst = 0, sd;

        if (!fixture_init(&f, log_n, at % 2 ? REAL_RING : GENERATOR_5, bits,
                          3))
            return;
        for (size_t j = 0; j < f.slots; j++) {
            f.re[j] = random_unit(&state);
            f.im[j] = f.real ? 0 : random_unit(&state);
        }
        if (CHECK_OK(ckks_encode(&pt, f.ctx, f.re, f.im, f.slots, 2, 0x1p40))
            && CHECK_OK(ckks_decode(f.got_re, f.got_im, f.slots, &pt)))
            for (size_t j = 0; j < f.slots; j++) {
                double d = hypot(f.re[j] - f.got_re[j], f.im[j] - f.got_im[j]);

                sum += d * d;
                worst = d > worst ? d : worst;
            }
        sd = sqrt((double)f.o.n / 12) * 0x1p-40;
        CHECK(fabs(log2(sqrt(sum / ((double)f.slots)) / sd)) < 0.25
                  && worst < 8 * sd, "N=2^%d: rms 2^%.2f, worst 2^%.2f, "
              "predicted 2^%.2f", log_n, log2(sqrt(sum / ((double)f.slots))),
              log2(worst), log2(sd));
        ckks_pt_clear(&pt);
        fixture_clear(&f);
    }
}

/* An output that is a plaintext of the level asked for keeps its memory; the
 * words are those of a fresh one. */
TEST(encode_into_the_same_plaintext)
{
    static const int bits[] = { 49, 40, 40 };
    double one[8], two[8];
    ckks_pt pt = { 0 }, fresh = { 0 };
    const uint64_t *memory;
    fixture f;

    if (!fixture_init(&f, 4, GENERATOR_5, bits, 3))
        return;
    for (int j = 0; j < 8; j++) {
        one[j] = 0.25 * j - 1;
        two[j] = 3 - 0.5 * j;
    }
    CHECK_OK(ckks_encode(&pt, f.ctx, one, NULL, 8, 2, 0x1p30));
    CHECK_OK(ckks_encode(&fresh, f.ctx, two, NULL, 8, 2, 0x1p35));
    memory = pt.limb;
    CHECK_OK(ckks_encode(&pt, f.ctx, two, NULL, 8, 2, 0x1p35));
    CHECK(pt.limb == memory && pt.scale == fresh.scale && pt.level == 2
              && memcmp(pt.limb, fresh.limb, 3 * f.n * sizeof *memory) == 0,
          "another plaintext than a fresh one");
    CHECK_OK(ckks_encode(&fresh, f.ctx, two, NULL, 8, 1, 0x1p35));
    CHECK_OK(ckks_encode(&pt, f.ctx, two, NULL, 8, 1, 0x1p35));
    CHECK(pt.level == 1
              && memcmp(pt.limb, fresh.limb, 2 * f.n * sizeof *memory) == 0,
          "another level: another plaintext than a fresh one");
    ckks_pt_clear(&pt);
    ckks_pt_clear(&fresh);
    fixture_clear(&f);
}

/* ---- misuse ------------------------------------------------------------- */

/* The call must give the status and leave pt as it was. */
#define REFUSED(call, want)                                               \
    do {                                                                  \
        CHECK_STATUS(call, want);                                         \
        CHECK(memcmp(&pt, &before, sizeof pt) == 0                        \
                  && memcmp(pt.limb, words, sizeof words) == 0,           \
              "%s wrote its output", #call);                              \
    } while (0)

TEST(encode_misuse)
{
    enum { N = 16, LIMBS = 2 };
    static const int bits[] = { 49, 40 };
    double re[N] = { 0.5, -0.25 }, im[N] = { 0 }, bad[N] = { 0 };
    uint64_t words[LIMBS * N];
    ckks_pt pt, before;
    fixture f;

    memset(&pt, 0, sizeof pt);
    if (!fixture_init(&f, 4, GENERATOR_5, bits, LIMBS))
        return;
    if (CHECK_OK(ckks_encode(&pt, f.ctx, re, im, N / 2, 1, 0x1p30))) {
        before = pt;
        memcpy(words, pt.limb, sizeof words);
        REFUSED(ckks_encode(NULL, f.ctx, re, im, 8, 1, 0x1p30), CKKS_EARG);
        REFUSED(ckks_encode(&pt, NULL, re, im, 8, 1, 0x1p30), CKKS_EARG);
        REFUSED(ckks_encode(&pt, f.ctx, NULL, im, 8, 1, 0x1p30), CKKS_EARG);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 9, 1, 0x1p30), CKKS_EARG);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 8, -1, 0x1p30), CKKS_ELEVEL);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 8, 2, 0x1p30), CKKS_ELEVEL);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 8, 1, 0.5), CKKS_ESCALE);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 8, 1, (double)INFINITY),
                CKKS_ESCALE);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 8, 1, (double)NAN),
                CKKS_ESCALE);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 8, 1, 0x1p100), CKKS_ESCALE);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 8, 0, 0x1p60), CKKS_ESCALE);
        REFUSED(ckks_encode(&pt, f.ctx, re, im, 8, 1, 1e308), CKKS_ESCALE);
        for (int j = 0; j < N / 2; j++) {
            bad[j] = (double)NAN;
            REFUSED(ckks_encode(&pt, f.ctx, bad, im, 8, 1, 0x1p30), CKKS_EARG);
            REFUSED(ckks_encode(&pt, f.ctx, re, bad, 8, 1, 0x1p30), CKKS_EARG);
            bad[j] = 0;
        }
        bad[3] = 1e308;
        bad[4] = 1e308;
        REFUSED(ckks_encode(&pt, f.ctx, bad, bad, 8, 1, 1e10), CKKS_ESCALE);
        for (int j = 0; j < 256; j++) {     /* infinite sums, and no numbers */
            for (int k = 0; k < 8; k++)
                bad[k] = j >> k & 1 ? DBL_MAX : -DBL_MAX;
            REFUSED(ckks_encode(&pt, f.ctx, bad, bad, 8, 1, 1), CKKS_ESCALE);
        }
        REFUSED(ckks_encode_const(NULL, f.ctx, 1, 0, 1, 0x1p30), CKKS_EARG);
        REFUSED(ckks_encode_const(&pt, NULL, 1, 0, 1, 0x1p30), CKKS_EARG);
        REFUSED(ckks_encode_const(&pt, f.ctx, (double)NAN, 0, 1, 0x1p30),
                CKKS_EARG);
        REFUSED(ckks_encode_const(&pt, f.ctx, 0, -(double)INFINITY, 1, 2),
                CKKS_EARG);
        REFUSED(ckks_encode_const(&pt, f.ctx, 1, 0, 2, 0x1p30), CKKS_ELEVEL);
        REFUSED(ckks_encode_const(&pt, f.ctx, 1, 0, -1, 2), CKKS_ELEVEL);
        REFUSED(ckks_encode_const(&pt, f.ctx, 1, 0, 1, 0), CKKS_ESCALE);
        REFUSED(ckks_encode_const(&pt, f.ctx, 1, 0, 1, (double)NAN),
                CKKS_ESCALE);
        REFUSED(ckks_encode_const(&pt, f.ctx, 1, 0, 1, 0x1p90), CKKS_ESCALE);
        /* The object it is made into may hold another plaintext. */
        CHECK_OK(ckks_encode(&pt, f.ctx, re, NULL, 0, 0, 0x1p20));
        CHECK(pt.level == 0, "level %d", pt.level);
        for (size_t k = 0; k < N; k++)
            CHECK(pt.limb[k] == 0, "no slots: word %zu", k);
    }
    ckks_pt_clear(&pt);
    fixture_clear(&f);
}
