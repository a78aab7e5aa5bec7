/* test_encode.c -- encoding and decoding, from the FFT to the words.
 *
 * Judged by sums over the definition in long double and by the big-integer
 * oracle, never by a round trip: encode and decode can be wrong together.
 */
#include <math.h>

#include "test.h"

#include "context.h"
#include "fft.h"
#include "oracle/oracle.h"

static const cki_fft_engine *const engines[] = {
    &cki_fft_builtin,
#ifndef CKKS_FFT_BUILTIN
    &cki_fft_fftw,
#endif
};
enum { ENGINES = sizeof engines / sizeof *engines };

static const ckks_memory default_memory;

static void *aligned(size_t size)
{
    void *p = cki_alloc(&default_memory, size);

    if (p == NULL)
        abort();
    return p;
}

/* In [-1, 1). */
static double unit(uint64_t *state)
{
    return (double)(int64_t)test_word(state) * 0x1p-63;
}

/* ---- the circle and the FFT --------------------------------------------- */

/* Within half a unit in the last place, and the error of the long double angle
 * (2^-61), of what the C library says. */
TEST(circle_points_are_rounded_to_nearest)
{
    enum { MAX = 1 << 16 };
    const long double pi = 3.14159265358979323846264338327950288L;
    double *re = aligned(MAX * sizeof *re), *im = aligned(MAX * sizeof *im);

    for (size_t order = 4; order <= MAX; order *= 4) {
        cki_circle(re, im, order, order);
        for (size_t k = 0; k < order; k++) {
            long double angle = 2 * pi * (long double)k / (long double)order;
            long double c = cosl(angle), s = sinl(angle);

            CHECK(fabsl((long double)re[k] - c) <= fabsl(c) * 0x1p-53L
                      + 0x1p-60L, "order %zu point %zu: %a", order, k, re[k]);
            CHECK(fabsl((long double)im[k] - s) <= fabsl(s) * 0x1p-53L
                      + 0x1p-60L, "order %zu point %zu: %a", order, k, im[k]);
        }
        CHECK(re[0] == 1 && im[0] == 0 && re[order / 4] == 0
                  && im[order / 4] == 1 && re[order / 2] == -1
                  && im[order / 2] == 0, "order %zu: a quarter turn", order);
    }
    free(re);
    free(im);
}

/* The circle in long double, by which the sums below go. */
static void long_circle(long double *re, long double *im, size_t n)
{
    const long double pi = 3.14159265358979323846264338327950288L;

    for (size_t k = 0; k < n; k++) {
        re[k] = cosl(2 * pi * (long double)k / (long double)n);
        im[k] = sinl(2 * pi * (long double)k / (long double)n);
    }
}

static size_t index_re(const cki_fft_engine *e, size_t k)
{
    return e->split ? k : 2 * k;
}

static size_t index_im(const cki_fft_engine *e, size_t k, size_t n)
{
    return e->split ? n + k : 2 * k + 1;
}

/* Compares `count` of the n outputs of one transform with the sum, by the
 * error in units of the 2-norm of the outputs. */
static void check_fft(const cki_fft_engine *e, size_t n, size_t count,
                      bool forward, uint64_t seed)
{
    size_t bytes = 2 * n * sizeof(double), log = 0;
    double *in = aligned(bytes), *out = aligned(bytes), norm = 0;
    long double *c = aligned(n * sizeof *c), *s = aligned(n * sizeof *s);
    uint64_t state = seed;
    void *own = NULL;

    long_circle(c, s, n);
    for (size_t k = 0; k < 2 * n; k++) {
        in[k] = unit(&state);
        norm += in[k] * in[k];
    }
    for (size_t m = n; m > 1; m /= 2)
        log++;
    memcpy(out, in, bytes);
    if (CHECK_OK(e->init(&own, &default_memory, n)))
        (forward ? e->evaluate : e->interpolate)(out, own);
    for (size_t h = 0; own != NULL && h < count; h++) {
        size_t t = count == n ? h : (size_t)(test_word(&state) % n);
        size_t at = forward ? e->place(t, n) : t;
        long double re = 0, im = 0, d;

        for (size_t k = 0; k < n; k++) {
            size_t from = forward ? k : e->place(k, n);
            long double x = in[index_re(e, from)];
            long double y = in[index_im(e, from, n)];
            long double a = c[t * k % n];
            long double b = forward ? s[t * k % n] : -s[t * k % n];

            re += x * a - y * b;
            im += x * b + y * a;
        }
        d = hypotl(re - out[index_re(e, at)], im - out[index_im(e, at, n)]);
        CHECK(d <= 0x1p-52L * (long double)((double)log * sqrt(norm)),
              "%s n=%zu %s %zu: off by %Lg", e->name, n,
              forward ? "value" : "coefficient", t, d);
    }
    if (own != NULL)
        e->clear(own, &default_memory);
    free(in);
    free(out);
    free(c);
    free(s);
}

TEST(fft_engines_match_the_sum)
{
    for (size_t v = 0; v < ENGINES; v++) {
        for (size_t n = 2; n <= 512; n *= 2) {          /* N = 4 .. 2^10     */
            check_fft(engines[v], n, n, true, n);
            check_fft(engines[v], n, n, false, n + 1);
        }
        for (size_t n = 1024; n <= 65536; n *= 2) {
            check_fft(engines[v], n, 16, true, n);
            check_fft(engines[v], n, 16, false, n + 1);
        }
    }
}

TEST(fft_places_are_a_permutation)
{
    bool seen[1024];

    for (size_t v = 0; v < ENGINES; v++)
        for (size_t n = 2; n <= 1024; n *= 2) {
            memset(seen, 0, sizeof seen);
            for (size_t t = 0; t < n; t++) {
                size_t at = engines[v]->place(t, n);

                CHECK(at < n && !seen[at], "%s n=%zu t=%zu", engines[v]->name,
                      n, t);
                if (at < n)
                    seen[at] = true;
            }
        }
}

/* ---- contexts, oracles and slots for the rest --------------------------- */

typedef struct fixture {
    ckks_ctx *ctx;
    oracle    o;
    size_t    n;            /* N                                             */
    double   *re, *im;      /* N/2 slots                                     */
    double   *got_re, *got_im;
    long double *want_re, *want_im;
    long double *coeff;     /* N                                             */
} fixture;

static bool fixture_init(fixture *f, int log_n, int generator,
                         const int *bits, int num_primes)
{
    ckks_params p = { .log_n = log_n, .num_primes = num_primes, .dnum = 1,
                      .security = CKKS_INSECURE, .generator = generator };
    uint64_t prime[CKKS_MAX_PRIMES];

    memset(f, 0, sizeof *f);
    for (int i = 0; i < num_primes; i++)
        p.primes[i] = (uint64_t)bits[i];
    if (!CHECK_OK(ckks_ctx_init(&f->ctx, &p)))
        return false;
    for (int i = 0; i < num_primes; i++)
        prime[i] = ckks_ctx_prime(f->ctx, i);
    f->n = (size_t)1 << log_n;
    oracle_init(&f->o, f->n, prime, num_primes, 0, 1, generator, true);
    f->re = aligned(f->n * sizeof *f->re);
    f->im = aligned(f->n * sizeof *f->im);
    f->got_re = aligned(f->n * sizeof *f->got_re);
    f->got_im = aligned(f->n * sizeof *f->got_im);
    f->want_re = aligned(f->n * sizeof *f->want_re);
    f->want_im = aligned(f->n * sizeof *f->want_im);
    f->coeff = aligned(f->n * sizeof *f->coeff);
    return true;
}

static void fixture_clear(fixture *f)
{
    if (f->ctx == NULL)
        return;
    oracle_clear(&f->o);
    ckks_ctx_clear(&f->ctx);
    free(f->re);
    free(f->im);
    free(f->got_re);
    free(f->got_im);
    free(f->want_re);
    free(f->want_im);
    free(f->coeff);
}

/* Exchanges the context's engine. */
static void fixture_engine(fixture *f, int generator, const cki_fft_engine *e)
{
    cki_fft_clear(&f->ctx->fft, &f->ctx->memory);
    if (cki_fft_init_engine(&f->ctx->fft, &f->ctx->memory, f->ctx->log_n,
                            generator, e) != CKKS_OK)
        abort();
}

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

    opoly_init(&m, f->n);
    oracle_read(&m, &f->o, pt->limb, pt->level, false);
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

/* ---- encode ------------------------------------------------------------- */

enum { COMPLEX_SLOTS, REAL_SLOTS, CONSTANT, FEW_SLOTS, BASIS, SHAPES };

/* Fills f->re and f->im; returns how many slots are handed over. */
static size_t make_slots(fixture *f, int shape, uint64_t *state)
{
    const size_t n = f->n / 2;
    size_t count = shape == FEW_SLOTS ? n / 2 + 1 : n;

    for (size_t j = 0; j < n; j++) {
        f->re[j] = shape == CONSTANT ? 0.7310585786300049 : unit(state);
        f->im[j] = shape == REAL_SLOTS || shape == CONSTANT ? 0 : unit(state);
        if (shape == BASIS)
            f->re[j] = f->im[j] = j == 1 ? 1 : 0;
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
    size_t n = f->n / 2, count = make_slots(f, shape, state);
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

/* All ring degrees to 2^7, both generators, both engines, all levels, from
 * coefficients of a few bits to beyond one word. */
TEST(encode_words_are_the_nearest_integers)
{
    static const int bits[] = { 49, 40, 40, 60, 30 };
    static const double log_scale[] = { 20, 40, 57, 61, 62.5, 80, 100.25 };
    uint64_t state = 1;

    for (int log_n = 2; log_n <= 7; log_n++)
        for (int generator = 3; generator <= 5; generator += 2)
            for (size_t v = 0; v < ENGINES; v++) {
                fixture f;

                if (!fixture_init(&f, log_n, generator, bits, 5))
                    return;
                fixture_engine(&f, generator, engines[v]);
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

    for (int log_n = 8; log_n <= 10; log_n++) {
        fixture f;

        if (!fixture_init(&f, log_n, 5, bits, 2))
            return;
        for (int shape = 0; shape < SHAPES; shape++)
            check_encode_shape(&f, shape, 1, 0x1p40, &state);
        fixture_clear(&f);
    }
}

/* Where no FFT is in the way the rounding itself can be seen: a constant,
 * with halves, in both coefficients. */
TEST(encode_const_is_exact)
{
    static const int bits[] = { 61, 40, 31, 20 };
    static const double part[] = { 0, 1, -1, 0.5, -0.5, 2.5, -2.5, 1.25,
                                   0.49999999999999994, -0.49999999999999994,
                                   123456789.5, -0x1p52, 0x1.8p51,
                                   -0x1.fffffffffffffp59, 0x1.8p70,
                                   -0x1.23456789abcdep110 };
    const size_t parts = sizeof part / sizeof *part;

    for (int log_n = 2; log_n <= 6; log_n++) {
        fixture f;

        if (!fixture_init(&f, log_n, 5, bits, 4))
            return;
        for (int level = 0; level < 4; level++)
            for (size_t i = 0; i < parts * parts; i++) {
                double a = part[i / parts], b = part[i % parts];
                double limit = exp2(ckks_ctx_log_q(f.ctx, level) - 1.001);
                ckks_pt pt = { 0 };
                opoly m, want;

                if (fabs(a) > limit || fabs(b) > limit)
                    continue;
                if (!CHECK_OK(ckks_encode_const(&pt, f.ctx, a * 0x1p-30,
                                                b * 0x1p-30, level, 0x1p30)))
                    continue;
                opoly_init(&m, f.n);
                opoly_init(&want, f.n);
                oracle_read(&m, &f.o, pt.limb, level, false);
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

    if (!fixture_init(&f, 3, 5, bits, 4))
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

/* ---- decode ------------------------------------------------------------- */

/* pt with the integer coefficients of m. */
static void plant(fixture *f, ckks_pt *pt, const opoly *m, int level,
                  double scale)
{
    double zero = 0;

    if (ckks_encode(pt, f->ctx, &zero, NULL, 1, level, scale) != CKKS_OK)
        abort();
    oracle_write(pt->limb, &f->o, m, level, false);
}

/* Decodes m and compares each slot with the sum, up to 2^-50 of the norm. */
static void check_decode(fixture *f, const opoly *m, int level, double scale,
                         const char *what)
{
    const size_t n = f->n / 2;
    long double norm = 0;
    ckks_pt pt = { 0 };

    for (size_t k = 0; k < f->n; k++) {
        f->coeff[k] = oracle_real(m->c[k]);
        norm += f->coeff[k] * f->coeff[k];
    }
    norm = sqrtl(norm) / scale;
    plant(f, &pt, m, level, scale);
    oracle_slots(f->want_re, f->want_im, &f->o, f->coeff, 1 / (long double)
                 scale);
    if (CHECK_OK(ckks_decode(f->got_re, f->got_im, n, &pt)))
        for (size_t j = 0; j < n; j++) {
            long double d = hypotl(f->got_re[j] - f->want_re[j],
                                   f->got_im[j] - f->want_im[j]);

            CHECK(d <= 0x1p-50L * norm,
                  "%s: N=%zu level %d scale 2^%.0f slot %zu: %.17g + %.17g i, "
                  "want %.17Lg + %.17Lg i", what, f->n, level, log2(scale), j,
                  f->got_re[j], f->got_im[j], f->want_re[j], f->want_im[j]);
        }
    ckks_pt_clear(&pt);
}

/* A random integer of at most `bits` bits and a sign. */
static void random_integer(mpz_t out, size_t bits, uint64_t *state)
{
    uint64_t w[16];

    for (size_t i = 0; i < 16; i++)
        w[i] = test_word(state);
    mpz_import(out, 16, -1, sizeof *w, 0, 0, w);
    mpz_tdiv_r_2exp(out, out, bits);
    if (test_word(state) % 2 == 0)
        mpz_neg(out, out);
}

/* Coefficients of every size that fits, so that 1, 2, ... and all limbs are
 * needed; all of them, or a single one. */
TEST(decode_matches_the_sum)
{
    static const int bits[] = { 49, 40, 40, 61, 22, 50 };
    uint64_t state = 3;

    for (int log_n = 2; log_n <= 6; log_n++)
        for (int generator = 3; generator <= 5; generator += 2) {
            fixture f;
            opoly m;

            if (!fixture_init(&f, log_n, generator, bits, 6))
                return;
            opoly_init(&m, f.n);
            for (int level = 0; level < 6; level++)
                for (size_t size = 4;
                     size < (size_t)ckks_ctx_log_q(f.ctx, level) - 1;
                     size += 9) {
                    double scale = test_word(&state) % 2 == 0 ? 1 : 0x1p40;
                    size_t only = test_word(&state) % f.n;
                    bool sparse = test_word(&state) % 4 == 0;

                    for (size_t k = 0; k < f.n; k++) {
                        random_integer(m.c[k], size, &state);
                        if (sparse && k != only)
                            mpz_set_ui(m.c[k], 0);
                    }
                    check_decode(&f, &m, level, scale,
                                 sparse ? "sparse" : "dense");
                }
            opoly_clear(&m);
            fixture_clear(&f);
        }
}

/* The ends of the range: +-(Q-1)/2, and numbers next to the products of the
 * first primes and their halves, where digits are 0 or at their bounds (at a
 * scale that makes decode read that far). */
TEST(decode_edges)
{
    static const int bits[] = { 49, 40, 40, 61 };
    fixture f;
    opoly m;
    mpz_t q, half;

    if (!fixture_init(&f, 3, 5, bits, 4))
        return;
    opoly_init(&m, f.n);
    mpz_inits(q, half, NULL);
    for (int level = 0; level < 4; level++) {
        oracle_q(half, &f.o, level);
        mpz_fdiv_q_2exp(half, half, 1);
        for (int i = 0; i <= level; i++)
            for (int e = -1; e <= 1; e++) {
                double scale = i == 0 ? 1 : exp2(ckks_ctx_log_q(f.ctx, i - 1));

                oracle_q(q, &f.o, i - 1);
                for (size_t k = 0; k < f.n; k++) {
                    mpz_mul_si(m.c[k], q, k == 0 ? 1 : k == 1 ? -1 : 0);
                    mpz_add_ui(m.c[k], m.c[k], 1);
                    mpz_sub_ui(m.c[k], m.c[k], (unsigned)(e + 1));
                }
                check_decode(&f, &m, level, scale, "product");
                /* Half of it: the digits below at their bounds. */
                for (size_t k = 0; k < f.n; k++)
                    mpz_tdiv_q_2exp(m.c[k], m.c[k], 1);
                check_decode(&f, &m, level, scale, "half");
            }
        for (size_t k = 0; k < f.n; k++) {
            mpz_set(m.c[k], half);
            if (k % 3 == 1)
                mpz_neg(m.c[k], m.c[k]);
        }
        check_decode(&f, &m, level, 1, "range");
    }
    mpz_clears(q, half, NULL);
    opoly_clear(&m);
    fixture_clear(&f);
}

/* A number c in all slots is one coefficient: no sum, relative error 2^-50. */
TEST(decode_is_accurate_to_2_50)
{
    static const int bits[] = { 49, 40, 40, 61 };
    uint64_t state = 4;
    fixture f;
    opoly m;
    ckks_pt pt = { 0 };

    if (!fixture_init(&f, 4, 5, bits, 4))
        return;
    opoly_init(&m, f.n);
    for (int i = 0; i < 2000; i++) {
        long double want;

        random_integer(m.c[0], 1 + (size_t)i % 120, &state);
        want = oracle_real(m.c[0]) / 3;
        plant(&f, &pt, &m, 3, 3);
        if (CHECK_OK(ckks_decode(f.got_re, f.got_im, f.n / 2, &pt)))
            CHECK(fabsl(f.got_re[5] - want) <= 0x1p-50L * fabsl(want)
                      && f.got_im[5] == 0, "%.17g + %.17g i, want %.17Lg",
                  f.got_re[5], f.got_im[5], want);
    }
    ckks_pt_clear(&pt);
    opoly_clear(&m);
    fixture_clear(&f);
}

/* ---- both, at full size ------------------------------------------------- */

/* With words judged above, a round trip shows that nothing depends on N: the
 * error is that of rounding N coefficients, sd sqrt(N/12) / scale a slot. */
TEST(encode_decode_round_trip_to_2_15)
{
    static const int bits[] = { 49, 40, 40 };
    uint64_t state = 5;

    for (int log_n = 8; log_n <= 15; log_n++) {
        fixture f;
        ckks_pt pt = { 0 };
        double sum = 0, worst = 0, sd;

        if (!fixture_init(&f, log_n, 5, bits, 3))
            return;
        for (size_t j = 0; j < f.n / 2; j++) {
            f.re[j] = unit(&state);
            f.im[j] = unit(&state);
        }
        if (CHECK_OK(ckks_encode(&pt, f.ctx, f.re, f.im, f.n / 2, 2, 0x1p40))
            && CHECK_OK(ckks_decode(f.got_re, f.got_im, f.n / 2, &pt)))
            for (size_t j = 0; j < f.n / 2; j++) {
                double d = hypot(f.re[j] - f.got_re[j], f.im[j] - f.got_im[j]);

                sum += d * d;
                worst = d > worst ? d : worst;
            }
        sd = sqrt((double)f.n / 12) * 0x1p-40;
        CHECK(fabs(log2(sqrt(sum / ((double)f.n / 2)) / sd)) < 0.25
                  && worst < 8 * sd, "N=2^%d: rms 2^%.2f, worst 2^%.2f, "
              "predicted 2^%.2f", log_n, log2(sqrt(sum / ((double)f.n / 2))),
              log2(worst), log2(sd));
        ckks_pt_clear(&pt);
        fixture_clear(&f);
    }
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
    if (!fixture_init(&f, 4, 5, bits, LIMBS))
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
        bad[3] = (double)NAN;
        REFUSED(ckks_encode(&pt, f.ctx, bad, im, 8, 1, 0x1p30), CKKS_EARG);
        REFUSED(ckks_encode(&pt, f.ctx, re, bad, 8, 1, 0x1p30), CKKS_EARG);
        bad[3] = 1e308;
        bad[4] = 1e308;
        REFUSED(ckks_encode(&pt, f.ctx, bad, bad, 8, 1, 1e10), CKKS_ESCALE);
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

TEST(decode_misuse)
{
    enum { N = 16 };
    static const int bits[] = { 49, 40 };
    double re[N / 2 + 1], im[N / 2 + 1];
    ckks_pt pt = { 0 }, never = { 0 };
    fixture f;

    if (!fixture_init(&f, 4, 5, bits, 2))
        return;
    for (size_t j = 0; j <= N / 2; j++)
        re[j] = im[j] = 77;
    if (CHECK_OK(ckks_encode_const(&pt, f.ctx, 3, 4, 1, 0x1p20))) {
        CHECK_STATUS(ckks_decode(re, im, N / 2 + 1, &pt), CKKS_EARG);
        CHECK_STATUS(ckks_decode(NULL, im, N / 2, &pt), CKKS_EARG);
        CHECK_STATUS(ckks_decode(re, im, N / 2, NULL), CKKS_EARG);
        CHECK_STATUS(ckks_decode(re, im, N / 2, &never), CKKS_EARG);
        for (size_t j = 0; j <= N / 2; j++)
            CHECK(re[j] == 77 && im[j] == 77, "slot %zu was written", j);
        CHECK_OK(ckks_decode(re, NULL, 3, &pt));
        CHECK(re[0] == 3 && re[2] == 3 && re[3] == 77 && im[0] == 77,
              "three real parts: %g %g %g", re[0], re[2], re[3]);
        CHECK_OK(ckks_decode(re, im, 1, &pt));
        CHECK(re[0] == 3 && im[0] == 4 && im[1] == 77, "one slot: %g + %g i",
              re[0], im[0]);
    }
    ckks_pt_clear(&pt);
    fixture_clear(&f);
}

/* ---- no memory ---------------------------------------------------------- */

/* Memory that runs out after `left` more calls; counts what is held. */
typedef struct limited {
    int left;
    size_t held;
} limited;

static void *limited_allocate(void *user, size_t size)
{
    limited *l = user;

    if (l->left == 0)
        return NULL;
    l->left--;
    l->held += size;
    return aligned((size + 63) / 64 * 64);
}

static void limited_release(void *user, void *p, size_t size)
{
    limited *l = user;

    l->held -= size;
    free(p);
}

TEST(encode_decode_without_memory)
{
    limited memory = { 1000, 0 };
    ckks_params p = { .log_n = 4, .num_primes = 2, .primes = { 49, 40 },
                      .dnum = 1, .security = CKKS_INSECURE };
    double re[8] = { 1, 2, 3 };
    ckks_ctx *ctx = NULL;
    ckks_pt pt = { 0 };
    ckks_status s = CKKS_EMEM;

    p.memory = (ckks_memory){ limited_allocate, limited_release, &memory };
    if (!CHECK_OK(ckks_ctx_init(&ctx, &p)))
        return;
    for (int k = 0; s == CKKS_EMEM && k < 10; k++) {
        memory.left = k;
        s = ckks_encode(&pt, ctx, re, NULL, 8, 1, 0x1p20);
        CHECK(s == CKKS_OK || (s == CKKS_EMEM && pt.limb == NULL),
              "encode, %d allocations: %s", k, ckks_status_name(s));
    }
    CHECK(s == CKKS_OK, "encode needs more than 10 allocations");
    memory.left = 0;
    CHECK_STATUS(ckks_encode_const(&pt, ctx, 1, 0, 1, 0x1p20), CKKS_EMEM);
    re[0] = 77;
    CHECK_STATUS(ckks_decode(re, NULL, 8, &pt), CKKS_EMEM);
    CHECK(re[0] == 77, "decode wrote %g", re[0]);
    memory.left = 1;
    CHECK_OK(ckks_decode(re, NULL, 8, &pt));
    ckks_pt_clear(&pt);
    ckks_ctx_clear(&ctx);
    CHECK(memory.held == 0, "%zu bytes were never released", memory.held);
}
