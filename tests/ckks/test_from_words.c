/* test_from_words.c -- objects of words and coefficients from elsewhere, in both
 * rings: what goes out comes back, what is out of range is refused.
 */
#include <math.h>

#include "misuse_support.h"

enum { LOG_N = 5, N = 1 << LOG_N, LEVEL = 2, WORDS = (LEVEL + 1) * N };

static ckks_ctx *context(int ring)
{
    const ckks_params p = { .log_n = LOG_N, .num_primes = LEVEL + 1,
                            .primes = { 50, 40, 40 }, .num_special = 1,
                            .special = { 50 }, .dnum = 3, .ring = ring,
                            .security = CKKS_INSECURE };
    ckks_ctx *ctx = NULL;

    CHECK_OK(ckks_ctx_init(&ctx, &p));
    return ctx;
}

/* A ciphertext's words and a secret's coefficients through another context of
 * the same parameters, as another program has them: the values come out. */
static void there_and_back(int ring)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 7 };
    ckks_ctx *here = context(ring), *there = context(ring);
    ckks_sk *sk = NULL, *other = NULL;
    ckks_rng rng = { 0 };
    ckks_pt pt = { 0 }, given = { 0 }, back = { 0 };
    ckks_ct ct = { 0 }, square = { 0 }, copy = { 0 };
    double re[N / 2], got[N / 2];
    int8_t c[N];

    for (int j = 0; j < N / 2; j++)
        re[j] = sin(j);
    if (here == NULL || there == NULL
        || !CHECK_OK(ckks_rng_init(&rng, seed))
        || !CHECK_OK(ckks_sk_init(&sk, here, &rng))
        || !CHECK_OK(ckks_encode(&pt, here, re, NULL, N / 2, LEVEL, 0x1p40))
        || !CHECK_OK(ckks_encrypt_sk(&ct, &rng, &pt, sk))
        || !CHECK_OK(ckks_square(&square, &ct)))
        goto done;
    CHECK_OK(ckks_sk_coefficients(c, sk));
    CHECK_OK(ckks_sk_from_coefficients(&other, there, c));
    CHECK_OK(ckks_pt_from_words(&given, there, pt.limb, LEVEL, 0x1p40));
    CHECK(memcmp(given.limb, pt.limb, WORDS * sizeof *pt.limb) == 0,
          "ring %d: other words", ring);
    for (int degree = 1; degree <= 2; degree++) {
        const ckks_ct *from = degree == 1 ? &ct : &square;

        if (!CHECK_OK(ckks_ct_from_words(&copy, there, from->limb, degree,
                                         LEVEL, from->scale))
            || !CHECK_OK(ckks_decrypt(&back, &copy, other))
            || !CHECK_OK(ckks_decode(got, NULL, N / 2, &back)))
            goto done;
        CHECK(copy.degree == degree && !copy.seeded, "degree %d, seeded %d",
              copy.degree, copy.seeded);
        for (int j = 0; j < N / 2; j++) {
            double want = degree == 1 ? re[j] : re[j] * re[j];

            CHECK(fabs(got[j] - want) < 0x1p-24, "ring %d, degree %d, slot %d: "
                  "%g, want %g", ring, degree, j, got[j], want);
        }
    }
done:
    ckks_pt_clear(&pt);
    ckks_pt_clear(&given);
    ckks_pt_clear(&back);
    ckks_ct_clear(&ct);
    ckks_ct_clear(&square);
    ckks_ct_clear(&copy);
    ckks_sk_clear(&sk);
    ckks_sk_clear(&other);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&here);
    ckks_ctx_clear(&there);
}

TEST(from_words_there_and_back)
{
    there_and_back(CKKS_RING_COMPLEX);
    there_and_back(CKKS_RING_REAL);
}

static mess m;

static const char *name_of(const char *call)
{
    static char name[64];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(call, "("), call);
    return name;
}

/* The message begins with the function of the call. */
#define REFUSED_WORDS(status, call) REFUSED(&m, status, name_of(#call), call)

/* Every word of every limb equal to its prime, or beyond all of them. */
static void words_out_of_range(uint64_t *x)
{
    const size_t n = (size_t)1 << ckks_ctx_log_n(m.ctx);
    const int level = m.ct.level;

    for (int k = 0; k < 2; k++)
        for (int i = 0; i <= level; i++)
            for (size_t j = 0; j < n; j++) {
                uint64_t *word = x + ((size_t)(k * (level + 1) + i)) * n + j;
                const uint64_t kept = *word;

                *word = j % 2 == 0 ? ckks_ctx_prime(m.ctx, i) : UINT64_MAX;
                REFUSED_WORDS(CKKS_EARG,
                              ckks_ct_from_words(&m.out, m.ctx, x, 1, level,
                                                 0x1p20));
                if (k == 0)
                    REFUSED_WORDS(CKKS_EARG,
                                  ckks_pt_from_words(&m.out_pt, m.ctx, x,
                                                     level, 0x1p20));
                *word = kept;
            }
}

TEST(from_words_refused)
{
    static int8_t c[64];
    uint64_t x[256] = { 0 };
    size_t n;
    int top;

    if (!mess_init(&m))
        return;
    n = (size_t)1 << ckks_ctx_log_n(m.ctx);
    top = ckks_ctx_top_level(m.ctx);
    if (!CHECK(2 * (size_t)(top + 1) * n <= 256 && n <= 64, "N = %zu", n))
        return;
    words_out_of_range(x);
#define CT(status, out, ctx, x, degree, level, scale)                     \
    REFUSED_WORDS(status, ckks_ct_from_words(out, ctx, x, degree, level,  \
                                             scale))
#define PT(status, out, ctx, x, level, scale)                             \
    REFUSED_WORDS(status, ckks_pt_from_words(out, ctx, x, level, scale))
    CT(CKKS_EARG, NULL, m.ctx, x, 1, 0, 1);
    CT(CKKS_EARG, &m.out, NULL, x, 1, 0, 1);
    CT(CKKS_EARG, &m.out, m.ctx, NULL, 1, 0, 1);
    CT(CKKS_EARG, &m.out, m.ctx, x, 0, 0, 1);
    CT(CKKS_EARG, &m.out, m.ctx, x, 3, 0, 1);
    CT(CKKS_ELEVEL, &m.out, m.ctx, x, 1, -1, 1);
    CT(CKKS_ELEVEL, &m.out, m.ctx, x, 1, top + 1, 1);
    CT(CKKS_ESCALE, &m.out, m.ctx, x, 1, 0, 0.5);
    CT(CKKS_ESCALE, &m.out, m.ctx, x, 1, 0, NAN);
    CT(CKKS_ESCALE, &m.out, m.ctx, x, 1, 0, INFINITY);
    CT(CKKS_ESCALE, &m.out, m.ctx, x, 1, 0, 0x1p61);
    PT(CKKS_EARG, NULL, m.ctx, x, 0, 1);
    PT(CKKS_EARG, &m.out_pt, NULL, x, 0, 1);
    PT(CKKS_EARG, &m.out_pt, m.ctx, NULL, 0, 1);
    PT(CKKS_ELEVEL, &m.out_pt, m.ctx, x, top + 1, 1);
    PT(CKKS_ESCALE, &m.out_pt, m.ctx, x, 0, 0);
    for (size_t j = 0; j < n; j++)
        for (int v = -128; v < 128; v++) {
            if (v >= -1 && v <= 1)
                continue;
            c[j] = (int8_t)v;
            REFUSED_WORDS(CKKS_EARG,
                          ckks_sk_from_coefficients(&m.out_sk, m.ctx, c));
            c[j] = 0;
        }
    REFUSED_WORDS(CKKS_EARG, ckks_sk_from_coefficients(NULL, m.ctx, c));
    REFUSED_WORDS(CKKS_EARG, ckks_sk_from_coefficients(&m.out_sk, NULL, c));
    REFUSED_WORDS(CKKS_EARG,
                  ckks_sk_from_coefficients(&m.out_sk, m.ctx, NULL));
    REFUSED_WORDS(CKKS_EARG, ckks_sk_coefficients(NULL, m.sk));
    REFUSED_WORDS(CKKS_EARG, ckks_sk_coefficients(c, NULL));
    mess_clear(&m);
}
