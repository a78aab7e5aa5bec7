/* test_steps.c -- single steps: every refusal, every failing allocation, and
 * that the steps together are the whole.  Their words are checked by the test
 * vectors (vectors/).
 */
#include "misuse_support.h"

#include <math.h>

enum { STEP_N = 16, STEP_LIMBS = 4 };       /* of the mess: 3 primes, 1 special */

static mess m;
static uint64_t x[2 * STEP_LIMBS * STEP_N], y[3 * STEP_LIMBS * STEP_N];
static int8_t small[64];
static int64_t coefficients[STEP_N];
static const uint8_t seed[CKKS_SEED_BYTES] = { 7 };

/* Outputs are in y and small: a refused call leaves them alone. */
#define REFUSED_STEP(status, name, call)                                  \
    do {                                                                  \
        memset(y, 0x5a, sizeof y);                                        \
        memset(small, 0x5a, sizeof small);                                \
        REFUSED(&m, status, name, call);                                  \
        CHECK(untouched(), "%s wrote before it refused", name);           \
    } while (0)

static bool untouched(void)
{
    const uint8_t *b = (const uint8_t *)y;
    bool same = true;

    for (size_t i = 0; i < sizeof y; i++)
        same &= b[i] == 0x5a;
    for (size_t i = 0; i < sizeof small; i++)
        same &= small[i] == 0x5a;
    return same;
}

/* Words below every prime. */
static void fill_words(void)
{
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = i * i * 7 + 1;
}

static uint64_t prime_of(int t)
{
    return t < 3 ? ckks_ctx_prime(m.ctx, t) : ckks_ctx_special(m.ctx, 0);
}

TEST(steps_misuse_limbs)
{
    if (!mess_init(&m))
        return;
    fill_words();
#define STEP "ckks_automorphism"
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(NULL, x, m.ctx, 0, 5));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(y, NULL, m.ctx, 0, 5));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(y, x, NULL, 0, 5));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(y, x, m.ctx, 4, 5));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(y, x, m.ctx, -1, 5));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(y, x, m.ctx, 0, 0));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(y, x, m.ctx, 0, 6));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(y, x, m.ctx, 0, 33));
    x[15] = prime_of(0);
    REFUSED_STEP(CKKS_EARG, STEP, ckks_automorphism(y, x, m.ctx, 0, 5));
    REFUSED_STEP(CKKS_EARG, "ckks_ntt", ckks_ntt(x, m.ctx, 0));
    REFUSED_STEP(CKKS_EARG, "ckks_ntt_inverse", ckks_ntt_inverse(x, m.ctx, 0));
    fill_words();
    REFUSED_STEP(CKKS_EARG, "ckks_ntt", ckks_ntt(NULL, m.ctx, 0));
    REFUSED_STEP(CKKS_EARG, "ckks_ntt", ckks_ntt(x, NULL, 0));
    REFUSED_STEP(CKKS_EARG, "ckks_ntt_inverse", ckks_ntt_inverse(x, m.ctx, 4));
#undef STEP
    CHECK(ckks_galois(NULL, 1) == 0, "an element without a context");
    CHECK(ckks_galois(m.ctx, 1) == 5 && ckks_galois(m.ctx, -7) == 5
          && ckks_galois(m.ctx, 8) == 1, "elements %llu, %llu, %llu",
          (unsigned long long)ckks_galois(m.ctx, 1),
          (unsigned long long)ckks_galois(m.ctx, -7),
          (unsigned long long)ckks_galois(m.ctx, 8));
    mess_clear(&m);
}

TEST(steps_misuse_conversions)
{
    if (!mess_init(&m))
        return;
    fill_words();
#define STEP "ckks_convert"
    REFUSED_STEP(CKKS_EARG, STEP, ckks_convert(NULL, x, m.ctx, 2, 0));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_convert(y, NULL, m.ctx, 2, 0));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_convert(y, x, NULL, 2, 0));
    REFUSED_STEP(CKKS_ELEVEL, STEP, ckks_convert(y, x, m.ctx, 3, 0));
    REFUSED_STEP(CKKS_ELEVEL, STEP, ckks_convert(y, x, m.ctx, -1, 0));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_convert(y, x, m.ctx, 2, 3));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_convert(y, x, m.ctx, 1, 2));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_convert(y, x, m.ctx, 2, -2));
    REFUSED_STEP(CKKS_EPARAM, STEP, ckks_convert(y, x, m.bare, 2, 0));
    x[3] = prime_of(3);
    REFUSED_STEP(CKKS_EARG, STEP, ckks_convert(y, x, m.ctx, 2,
                                               CKKS_SOURCE_SPECIAL));
    fill_words();
#undef STEP
#define STEP "ckks_mod_down"
    REFUSED_STEP(CKKS_EARG, STEP, ckks_mod_down(NULL, x, m.ctx, 2, 0));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_mod_down(y, NULL, m.ctx, 2, 0));
    REFUSED_STEP(CKKS_EARG, STEP, ckks_mod_down(y, x, NULL, 2, 0));
    REFUSED_STEP(CKKS_ELEVEL, STEP, ckks_mod_down(y, x, m.ctx, 3, 0));
    REFUSED_STEP(CKKS_ELEVEL, STEP, ckks_mod_down(y, x, m.ctx, 0, 1));
    REFUSED_STEP(CKKS_EPARAM, STEP, ckks_mod_down(y, x, m.bare, 2, 0));
    x[3 * STEP_N] = prime_of(3);
    REFUSED_STEP(CKKS_EARG, STEP, ckks_mod_down(y, x, m.ctx, 2, 0));
    fill_words();
#undef STEP
#define PRODUCT(status, out, in, level, keys, kind, step)                 \
    REFUSED_STEP(status, "ckks_key_product",                              \
                 ckks_key_product(out, in, level, keys, kind, step))
    PRODUCT(CKKS_EARG, NULL, x, 2, m.keys, CKKS_KEY_RELIN, 0);
    PRODUCT(CKKS_EARG, y, NULL, 2, m.keys, CKKS_KEY_RELIN, 0);
    PRODUCT(CKKS_EARG, y, x, 2, NULL, CKKS_KEY_RELIN, 0);
    PRODUCT(CKKS_EARG, y, x, 2, m.keys, (ckks_key_kind)3, 0);
    PRODUCT(CKKS_ELEVEL, y, x, 3, m.keys, CKKS_KEY_RELIN, 0);
    PRODUCT(CKKS_EKEY, y, x, 2, m.keys, CKKS_KEY_ROTATE, 2);
    PRODUCT(CKKS_EKEY, y, x, 2, m.low_keys, CKKS_KEY_CONJ, 0);
    x[2 * STEP_N + 1] = prime_of(2);
    PRODUCT(CKKS_EARG, y, x, 2, m.keys, CKKS_KEY_RELIN, 0);
    mess_clear(&m);
}

TEST(steps_misuse_streams_and_integers)
{
    if (!mess_init(&m))
        return;
    REFUSED_STEP(CKKS_EARG, "ckks_stream", ckks_stream(NULL, 8, seed, 0, 0));
    REFUSED_STEP(CKKS_EARG, "ckks_stream",
                 ckks_stream((uint8_t *)small, 8, NULL, 0, 0));
#define UNIFORM(out, p, s)                                                \
    REFUSED_STEP(CKKS_EARG, "ckks_sample_uniform",                        \
                 ckks_sample_uniform(out, 8, p, s, 0, 0))
    UNIFORM(NULL, 17, seed);
    UNIFORM(y, 17, NULL);
    UNIFORM(y, 1, seed);
    UNIFORM(y, (uint64_t)1 << 61, seed);
    REFUSED_STEP(CKKS_EARG, "ckks_sample_ternary",
                 ckks_sample_ternary(NULL, 8, seed, 0, 0));
    REFUSED_STEP(CKKS_EARG, "ckks_sample_ternary",
                 ckks_sample_ternary(small, 8, NULL, 0, 0));
    REFUSED_STEP(CKKS_EARG, "ckks_sample_error",
                 ckks_sample_error(NULL, 8, seed, 0, 0));
    REFUSED_STEP(CKKS_EARG, "ckks_sample_error",
                 ckks_sample_error(small, 8, NULL, 0, 0));
#define INTEGERS(status, out, ctx, c, level, scale)                       \
    REFUSED_STEP(status, "ckks_encode_integers",                          \
                 ckks_encode_integers(out, ctx, c, level, scale))
    INTEGERS(CKKS_EARG, NULL, m.ctx, coefficients, 2, 1);
    INTEGERS(CKKS_EARG, &m.out_pt, NULL, coefficients, 2, 1);
    INTEGERS(CKKS_EARG, &m.out_pt, m.ctx, NULL, 2, 1);
    INTEGERS(CKKS_ELEVEL, &m.out_pt, m.ctx, coefficients, 3, 1);
    INTEGERS(CKKS_ELEVEL, &m.out_pt, m.ctx, coefficients, -1, 1);
    INTEGERS(CKKS_ESCALE, &m.out_pt, m.ctx, coefficients, 2, 0.5);
    INTEGERS(CKKS_ESCALE, &m.out_pt, m.ctx, coefficients, 2, NAN);
    for (int k = 0; k < STEP_N; k++) {
        coefficients[k] = -(int64_t)(prime_of(0) / 2) - 1;
        INTEGERS(CKKS_ESCALE, &m.out_pt, m.ctx, coefficients, 0, 1);
        coefficients[k] = 0;
    }
    coefficients[3] = -(int64_t)(prime_of(0) / 2);
    CHECK_OK(ckks_encode_integers(&m.out_pt, m.ctx, coefficients, 0, 1));
    coefficients[3] = INT64_MIN;
    CHECK_OK(ckks_encode_integers(&m.out_pt, m.ctx, coefficients, 2, 1));
    coefficients[3] = 0;
    mess_clear(&m);
}

/* ---- memory ------------------------------------------------------------- */

static ckks_status do_automorphism(void)
{
    return ckks_automorphism(y, x, m.ctx, 0, 5);
}

static ckks_status do_convert(void)
{
    return ckks_convert(y, x, m.ctx, 2, 1);
}

static ckks_status do_mod_down(void)
{
    return ckks_mod_down(y, x, m.ctx, 2, 1);
}

static ckks_status do_product(void)
{
    return ckks_key_product(y, x, 2, m.keys, CKKS_KEY_RELIN, 0);
}

static ckks_status do_integers(void)
{
    return ckks_encode_integers(&m.out_pt, m.ctx, coefficients, 2, 1);
}

TEST(steps_without_memory)
{
    static const struct {
        const char *name;
        ckks_status (*call)(void);
    } steps[] = {
        { "ckks_automorphism", do_automorphism },
        { "ckks_convert", do_convert }, { "ckks_mod_down", do_mod_down },
        { "ckks_key_product", do_product },
        { "ckks_encode_integers", do_integers }
    };

    if (!mess_init(&m))
        return;
    fill_words();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        long before = m.meter.objects;

        m.meter.calls = 0;
        m.meter.refuse = 1;
        REFUSED_STEP(CKKS_EMEM, steps[i].name, steps[i].call());
        m.meter.refuse = 0;
        CHECK(m.meter.objects == before, "%s keeps %ld pieces of memory",
              steps[i].name, m.meter.objects - before);
        CHECK_OK(steps[i].call());
    }
    mess_clear(&m);
}

/* ---- the steps are the whole -------------------------------------------- */

/* c_k + (product of c_2) / P is what ckks_relin gives. */
static void check_relin(void)
{
    const size_t half = 3 * STEP_N;
    ckks_ct whole = { 0 };

    memset(y, 0x5a, sizeof y);
    CHECK_OK(ckks_relin(&whole, &m.ct_two, m.keys));
    CHECK_OK(ckks_key_product(y, m.ct_two.limb + 2 * half, 2, m.keys,
                              CKKS_KEY_RELIN, 0));
    for (size_t i = 2 * STEP_LIMBS * STEP_N; i < sizeof y / sizeof *y; i++)
        CHECK(y[i] == 0x5a5a5a5a5a5a5a5a, "word %zu behind the product", i);
    for (size_t k = 0; k < 2; k++) {
        uint64_t *part = y + k * STEP_LIMBS * STEP_N;

        CHECK_OK(ckks_mod_down(part, part, m.ctx, 2, 0));
        for (size_t i = 0; i < half; i++) {
            uint64_t p = prime_of((int)(i / STEP_N));
            uint64_t sum = (part[i] + m.ct_two.limb[k * half + i]) % p;

            CHECK(sum == whole.limb[k * half + i], "word %zu of c%zu: %llu, "
                  "want %llu", i, k, (unsigned long long)sum,
                  (unsigned long long)whole.limb[k * half + i]);
        }
    }
    ckks_ct_clear(&whole);
}

/* A digit of one prime is y - v q, v its centring: the lifted number modulo
 * every prime.  The special primes are centred in any context. */
static void check_lift(const ckks_ctx *ctx, int source, bool centred)
{
    const int from = source == CKKS_SOURCE_SPECIAL ? 3 : source;
    const uint64_t q = prime_of(from);

    for (size_t i = 0; i < STEP_N; i++)
        x[i] = i < 2 ? q / 2 + i : i == 2 ? q - 1 : i * i * i * 7919 % q;
    CHECK_OK(ckks_convert(y, x, ctx, 2, source));
    for (size_t i = 0; i < STEP_LIMBS * STEP_N; i++) {
        const uint64_t p = prime_of((int)(i / STEP_N)), a = x[i % STEP_N];
        const uint64_t want = centred && a > q / 2 ? (p - (q - a) % p) % p
                                                   : a % p;

        CHECK(y[i] == want, "source %d, centred %d, word %zu: %llu, want %llu",
              source, centred, i, (unsigned long long)y[i],
              (unsigned long long)want);
    }
}

TEST(steps_convert_by_definition)
{
    if (!mess_init(&m))
        return;
    for (int source = CKKS_SOURCE_SPECIAL; source < 3; source++) {
        check_lift(m.ctx, source, true);
        check_lift(m.uncentred, source, source == CKKS_SOURCE_SPECIAL);
    }
    mess_clear(&m);
}

TEST(steps_make_the_whole)
{
    uint64_t z[STEP_N];

    if (!mess_init(&m))
        return;
    fill_words();
    check_relin();
    /* out = in, and a map followed by its inverse: 5 * 13 = 1 mod 32 */
    memcpy(z, x, sizeof z);
    CHECK_OK(ckks_automorphism(z, z, m.ctx, 0, 5));
    CHECK(memcmp(z, x, sizeof z) != 0, "nothing moved");
    CHECK_OK(ckks_automorphism(z, z, m.ctx, 0, 13));
    CHECK(memcmp(z, x, sizeof z) == 0, "not back again");
    /* a source's own limbs stay, also when out is in */
    memcpy(y, x, sizeof z);
    CHECK_OK(ckks_convert(y, y, m.ctx, 2, 0));
    CHECK(memcmp(y, x, sizeof z) == 0, "the digit's own limb changed");
    mess_clear(&m);
}
