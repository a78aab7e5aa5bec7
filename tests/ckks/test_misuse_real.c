/* test_misuse_real.c -- what only the real ring refuses, and what it does not:
 * the right status, the right words, nothing changed.  Refusals that do not
 * ask for the ring are tried in the complex one.
 */
#include "misuse_support.h"

#include <math.h>

static mess m;

#define WRONG(change)                                                     \
    do {                                                                  \
        m.params = good;                                                  \
        m.params.change;                                                  \
        REFUSED(&m, CKKS_EPARAM, "ckks_params_resolve",                   \
                ckks_params_resolve(&m.out_params, &m.params));           \
        REFUSED(&m, CKKS_EPARAM, "ckks_ctx_init",                         \
                ckks_ctx_init(&m.out_ctx, &m.params));                    \
    } while (0)

TEST(misuse_real_params)
{
    ckks_params good;

    if (!mess_init_real(&m))
        return;
    good = m.params;
    WRONG(ring = 2);
    WRONG(ring = -1);
    WRONG(generator = 3);
    WRONG(uncentred_digits = 1);
    WRONG(uncentred_digits = -1);
    WRONG(log_n = 1);
    WRONG(log_n = CKKS_MAX_LOG_N);
    WRONG(primes[1] = 5);                   /* 1 mod 32: none of 5 bits      */
    WRONG(primes[1] = 113);                 /* 1 mod 2N, not 1 mod 4N        */
    m.params = good;
    m.params.ring = CKKS_RING_COMPLEX;      /* where both are right          */
    m.params.primes[1] = 113;
    CHECK_OK(ckks_params_resolve(&m.out_params, &m.params));
    m.params.generator = 3;
    m.params.uncentred_digits = 1;
    CHECK_OK(ckks_params_resolve(&m.out_params, &m.params));
    m.params = good;
    m.params.generator = 5;
    CHECK_OK(ckks_params_resolve(&m.out_params, &m.params));
    CHECK(m.out_params.ring == CKKS_RING_REAL, "ring %d", m.out_params.ring);
    for (int i = 0; i < 3; i++)
        CHECK(m.out_params.primes[i] % 32 == 1
                  && m.out_params.primes[i] == ckks_ctx_prime(m.ctx, i),
              "prime %d is %" PRIu64, i, m.out_params.primes[i]);
    mess_clear(&m);
}

TEST(misuse_real_keys)
{
    ckks_key_request r[10] = { { CKKS_KEY_RELIN, 0, 2 },
                               { CKKS_KEY_CONJ, 0, 2 } };

    if (!mess_init_real(&m))
        return;
#define KEYS(n)                                                           \
    REFUSED(&m, CKKS_EARG, "ckks_keys_init",                              \
            ckks_keys_init(&m.out_keys, &m.rng, m.sk, r, n))
    KEYS(2);
    CHECK(strstr(ckks_last_error(), "real slots") != NULL, "%s",
          ckks_last_error());
    r[1] = (ckks_key_request){ CKKS_KEY_ROTATE, 8, 2 };         /* 0 mod N   */
    KEYS(2);
    r[1].step = 7;
    r[2] = (ckks_key_request){ CKKS_KEY_ROTATE, -1, 1 };        /* 7 mod N   */
    KEYS(3);
    for (int i = 1; i < 10; i++)
        r[i] = (ckks_key_request){ CKKS_KEY_ROTATE, i, 0 };
    KEYS(9);                                    /* 8 is 0                    */
    KEYS(10);
    /* All there are: the step N/2 is no rotation by 0 here. */
    CHECK_OK(ckks_keys_init(&m.out_keys, &m.rng, m.sk, r, 8));
    for (int step = -8; step <= 8; step++)
        CHECK(ckks_keys_level(m.out_keys, CKKS_KEY_ROTATE, step)
                  == (step % 8 == 0 ? -1 : 0), "step %d", step);
    CHECK(ckks_keys_level(m.out_keys, CKKS_KEY_CONJ, 0) == -1, "conjugation");
    mess_clear(&m);
}

TEST(misuse_real_numbers)
{
    double im[8] = { 0 }, re[9] = { 0 };

    if (!mess_init_real(&m))
        return;
#define ENCODE(status, re, im, n)                                         \
    REFUSED(&m, status, "ckks_encode",                                    \
            ckks_encode(&m.out_pt, m.ctx, re, im, n, 2, 0x1p30))
#define ENCODE_CONST(status, im)                                          \
    REFUSED(&m, status, "ckks_encode_const",                              \
            ckks_encode_const(&m.out_pt, m.ctx, 1, im, 2, 0x1p30))
#define ADD(status, out, im)                                              \
    REFUSED(&m, status, "ckks_add_const", ckks_add_const(out, &m.ct, 1, im))
#define MUL(status, im)                                                   \
    REFUSED(&m, status, "ckks_mul_const",                                 \
            ckks_mul_const(&m.out, &m.ct, 1, im, 0x1p10))
    ENCODE(CKKS_EARG, re, NULL, 9);
    im[7] = 0x1p-1074;
    ENCODE(CKKS_EARG, re, im, 8);
    im[7] = -1;
    ENCODE(CKKS_EARG, re, im, 8);
    im[7] = NAN;
    ENCODE(CKKS_EARG, re, im, 8);
    im[7] = -0.0;
    CHECK_OK(ckks_encode(&m.out_pt, m.ctx, re, im, 8, 2, 0x1p30));
    im[7] = 1;                              /* beyond what is encoded        */
    CHECK_OK(ckks_encode(&m.out_pt, m.ctx, re, im, 7, 2, 0x1p30));
    ENCODE_CONST(CKKS_EARG, 1);
    ENCODE_CONST(CKKS_EARG, -0x1p-1074);
    ENCODE_CONST(CKKS_EARG, NAN);
    ENCODE_CONST(CKKS_EARG, INFINITY);
    ADD(CKKS_EARG, &m.out, 1);
    ADD(CKKS_EARG, &m.ct, -0x1p-1074);
    ADD(CKKS_EARG, &m.ct, NAN);
    MUL(CKKS_EARG, 1);
    MUL(CKKS_EARG, 0x1p-1074);
    MUL(CKKS_EARG, NAN);
    REFUSED(&m, CKKS_EARG, "ckks_decode", ckks_decode(re, im, 9, &m.pt));
    mess_clear(&m);
}

static void periodic_refused(void)
{
    static const char h[] = "ckks_combine_periodic";
    static const int32_t index[2] = { 0, 1 }, weight[2] = { 1 << 30, -5 };
    ckks_block block = { 0, 1, 1, index, weight };
    ckks_ct *out[1] = { &m.out };
    const ckks_ct *in[1] = { &m.ct };
    const int none[] = { 0, -1, 3, 128, 1 << 20 };

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        REFUSED(&m, CKKS_EARG, h, ckks_combine_periodic(out, 1, in, 1, &block,
                                                        1, none[i], 0x1p20));
    REFUSED(&m, CKKS_EARG, h,
            ckks_combine_periodic(NULL, 1, in, 1, &block, 1, 1, 0x1p20));
    REFUSED(&m, CKKS_EARG, h,
            ckks_combine_periodic(out, 1, NULL, 1, &block, 1, 1, 0x1p20));
    REFUSED(&m, CKKS_EARG, h,
            ckks_combine_periodic(out, 1, in, 1, NULL, 1, 1, 0x1p20));
    REFUSED(&m, CKKS_ESCALE, h,
            ckks_combine_periodic(out, 1, in, 1, &block, 1, 1, 0x1p900));
    block.terms = 2;
    REFUSED(&m, CKKS_EARG, h,
            ckks_combine_periodic(out, 1, in, 1, &block, 1, 1, 0x1p20));
}

TEST(misuse_real_operations)
{
    static const char f[] = "ckks_mul_alternating", g[] = "ckks_conj";
    uint64_t x[16] = { 0 }, y[16] = { 0 };

    if (!mess_init_real(&m))
        return;
    REFUSED(&m, CKKS_EARG, g, ckks_conj(&m.out, &m.ct, m.keys));
    REFUSED(&m, CKKS_EARG, g, ckks_conj(&m.ct, &m.ct, m.keys));
    REFUSED(&m, CKKS_EARG, g, ckks_conj(&m.out, &m.ct, NULL));
    REFUSED(&m, CKKS_EARG, g, ckks_conj(NULL, &m.ct, m.keys));
    REFUSED(&m, CKKS_EKEY, "ckks_key_product",
            ckks_key_product(m.pt.limb, m.ct.limb, 2, m.keys, CKKS_KEY_CONJ,
                             0));
    REFUSED(&m, CKKS_EARG, f, ckks_mul_alternating(NULL, &m.ct));
    REFUSED(&m, CKKS_EARG, f, ckks_mul_alternating(&m.out, NULL));
    REFUSED(&m, CKKS_EARG, f, ckks_mul_alternating(&m.out, &m.ct_zero));
    REFUSED(&m, CKKS_EARG, f, ckks_mul_alternating(&m.out, &m.ct_uncentred));
    REFUSED(&m, CKKS_EARG, f,
            ckks_mul_alternating(&m.ct_uncentred, &m.ct_uncentred));
    CHECK_OK(ckks_mul_alternating(&m.out, &m.ct_two));
    periodic_refused();
    for (uint64_t e = 0; e <= 4 * 8 + 1; e++) {
        const ckks_status s = ckks_automorphism(y, x, m.ctx, 0, e);

        CHECK(s == (e % 4 == 1 && e < 32 ? CKKS_OK : CKKS_EARG),
              "X^%" PRIu64 ": %s", e, ckks_status_name(s));
    }
    CHECK(ckks_galois(m.ctx, 1) == 5 && ckks_galois(m.ctx, 8) == 1
              && ckks_galois(m.ctx, -1) == 13 && ckks_galois(m.ctx, 4) == 17,
          "elements");
    mess_clear(&m);
}

/* SEAL has no such ring. */
TEST(misuse_real_seal)
{
    if (!mess_init_real(&m))
        return;
    CHECK(ckks_seal_params_size(m.ctx) == 0 && ckks_seal_pt_size(&m.pt) == 0
              && ckks_seal_ct_size(&m.ct) == 0 && ckks_seal_sk_size(m.sk) == 0
              && ckks_seal_pk_size(m.pk) == 0
              && ckks_seal_relin_size(m.keys) == 0
              && ckks_seal_galois_size(m.keys) == 0, "a size");
#define SEAL(f, object)                                                   \
    REFUSED(&m, CKKS_EPARAM, #f, f(m.bytes, sizeof m.bytes, object))
    SEAL(ckks_seal_params_save, m.ctx);
    SEAL(ckks_seal_pt_save, &m.pt);
    SEAL(ckks_seal_ct_save, &m.ct);
    SEAL(ckks_seal_sk_save, m.sk);
    SEAL(ckks_seal_pk_save, m.pk);
    SEAL(ckks_seal_relin_save, m.keys);
    SEAL(ckks_seal_galois_save, m.keys);
    mess_clear(&m);
}
