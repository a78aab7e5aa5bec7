/* test_decode.c -- decoding, from planted words to slots.
 *
 * The words are those of integer polynomials the oracle writes; the slots are
 * sums over the definition in long double.
 */
#include <math.h>

#include "encode_support.h"

/* pt with the integer coefficients of m. */
static void plant(fixture *f, ckks_pt *pt, const opoly *m, int level,
                  double scale)
{
    double zero = 0;

    if (ckks_encode(pt, f->ctx, &zero, NULL, 1, level, scale) != CKKS_OK)
        abort();
    oracle_write(pt->limb, &f->o, m, level, 0);
}

/* Decodes m, of which the first N coefficients are given, and compares each
 * slot with the sum, up to 2^-50 of the norm. */
static void check_decode(fixture *f, opoly *m, int level, double scale,
                         const char *what)
{
    const size_t n = f->slots;
    long double norm = 0;
    ckks_pt pt = { 0 };

    fixture_complete(f, m);
    for (size_t k = 0; k < f->o.n; k++) {
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
        for (int encoder = 0; encoder < ENCODERS; encoder++) {
            fixture f;
            opoly m;

            if (!fixture_init(&f, log_n, encoder, bits, 6))
                return;
            opoly_init(&m, f.o.n);
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
static void check_edges(int encoder)
{
    static const int bits[] = { 49, 40, 40, 61 };
    fixture f;
    opoly m;
    mpz_t q, half;

    if (!fixture_init(&f, 3, encoder, bits, 4))
        return;
    opoly_init(&m, f.o.n);
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

TEST(decode_edges)
{
    check_edges(GENERATOR_5);
    check_edges(REAL_RING);
}

/* A number c in all slots is one coefficient: no sum, relative error 2^-50. */
TEST(decode_is_accurate_to_2_50)
{
    static const int bits[] = { 49, 40, 40, 61 };
    uint64_t state = 4;
    fixture f;
    opoly m;
    ckks_pt pt = { 0 };

    if (!fixture_init(&f, 4, GENERATOR_5, bits, 4))
        return;
    opoly_init(&m, f.o.n);
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

/* ---- misuse ------------------------------------------------------------- */

TEST(decode_misuse)
{
    enum { N = 16 };
    static const int bits[] = { 49, 40 };
    double re[N / 2 + 1], im[N / 2 + 1];
    ckks_pt pt = { 0 }, never = { 0 };
    fixture f;

    if (!fixture_init(&f, 4, GENERATOR_5, bits, 2))
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
        CHECK_OK(ckks_decode(NULL, NULL, 0, &pt));
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
    return aligned_memory((size + 63) / 64 * 64);
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
