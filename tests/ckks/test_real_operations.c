/* test_real_operations.c -- every operation on ciphertexts of the real ring, by
 * slots and by kernel, its bytes and its refusals.
 */
#include <math.h>

#include "real_support.h"

static double unit(uint64_t *state)
{
    return (double)(test_word(state) >> 11) * 0x1p-53 * 2 - 1;
}

/* ---- ciphertexts -------------------------------------------------------- */

enum { LOG_N = 10, N = 1 << LOG_N };

typedef struct bench {
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    double x[N], y[N], got[N], want[N];
    ckks_pt px, py, pt;
    ckks_ct cx, cy, out;
} bench;

static bool bench_open(bench *b, const char *kernel)
{
    const ckks_key_request request[4] = {
        { CKKS_KEY_RELIN, 0, 3 }, { CKKS_KEY_ROTATE, 1, 3 },
        { CKKS_KEY_ROTATE, -1, 3 }, { CKKS_KEY_ROTATE, N / 2 + 5, 3 }
    };
    uint64_t state = 11;

    memset(b, 0, sizeof *b);
    for (int j = 0; j < N; j++) {
        b->x[j] = unit(&state) * 3;
        b->y[j] = unit(&state) * 3;
    }
    b->ctx = real_ctx(LOG_N, kernel);
    return b->ctx != NULL
           && CHECK_OK(ckks_rng_init(&b->rng, (const uint8_t *)
                                     "abcdef0123456789abcdef0123456789"))
           && CHECK_OK(ckks_sk_init(&b->sk, b->ctx, &b->rng))
           && CHECK_OK(ckks_pk_init(&b->pk, &b->rng, b->sk))
           && CHECK_OK(ckks_keys_init(&b->keys, &b->rng, b->sk, request, 4))
           && CHECK_OK(ckks_encode(&b->px, b->ctx, b->x, NULL, N, 3, 0x1p40))
           && CHECK_OK(ckks_encode(&b->py, b->ctx, b->y, NULL, N, 3, 0x1p40))
           && CHECK_OK(ckks_encrypt_sk(&b->cx, &b->rng, &b->px, b->sk))
           && CHECK_OK(ckks_encrypt(&b->cy, &b->rng, &b->py, b->pk));
}

static void bench_close(bench *b)
{
    ckks_ct_clear(&b->out);
    ckks_ct_clear(&b->cy);
    ckks_ct_clear(&b->cx);
    ckks_pt_clear(&b->pt);
    ckks_pt_clear(&b->py);
    ckks_pt_clear(&b->px);
    ckks_keys_clear(&b->keys);
    ckks_pk_clear(&b->pk);
    ckks_sk_clear(&b->sk);
    ckks_rng_clear(&b->rng);
    ckks_ctx_clear(&b->ctx);
}

/* out decrypts to want, within what noise of N = 2^10 and scale 2^40 leaves. */
static void check_slots(bench *b, const char *what)
{
    double worst = 0;

    if (!CHECK_OK(ckks_decrypt(&b->pt, &b->out, b->sk))
        || !CHECK_OK(ckks_decode(b->got, NULL, N, &b->pt)))
        return;
    for (int j = 0; j < N; j++)
        worst = fmax(worst, fabs(b->got[j] - b->want[j]));
    CHECK(worst < 1e-6, "%s: %s: off by %g", ckks_ctx_kernel(b->ctx), what,
          worst);
}

#define AFTER(call, slot)                                                 \
    do {                                                                  \
        for (int j = 0; j < N; j++)                                       \
            b->want[j] = (slot);                                          \
        if (CHECK_OK(call))                                               \
            check_slots(b, #call);                                        \
    } while (0)

static void every_operation(bench *b)
{
    const double *x = b->x, *y = b->y;
    const int steps[2] = { 1, N / 2 + 5 };
    const ckks_ct *const pair[3] = { &b->cx, &b->cy, &b->cx };
    const int turns[3] = { -1, 0, 1 };
    ckks_ct two[2] = { { 0 }, { 0 } };

    AFTER(ckks_ct_copy(&b->out, &b->cx), x[j]);
    AFTER(ckks_ct_copy(&b->out, &b->cy), y[j]);
    AFTER(ckks_add(&b->out, &b->cx, &b->cy), x[j] + y[j]);
    AFTER(ckks_sub(&b->out, &b->cx, &b->cy), x[j] - y[j]);
    AFTER(ckks_add_plain(&b->out, &b->cx, &b->py), x[j] + y[j]);
    AFTER(ckks_mul_plain(&b->out, &b->cx, &b->py), x[j] * y[j]);
    AFTER(ckks_add_const(&b->out, &b->cx, 0.75, 0), x[j] + 0.75);
    AFTER(ckks_mul_const(&b->out, &b->cx, -1.5, 0, 0x1p20), x[j] * -1.5);
    AFTER(ckks_mul_int(&b->out, &b->cx, -7), x[j] * -7);
    AFTER(ckks_mul_alternating(&b->out, &b->cx),
          x[j] * (j % 2 == 0 ? 1 : -1) * 1.4142135623730951);
    AFTER(ckks_mul(&b->out, &b->cx, &b->cy), x[j] * y[j]);
    AFTER(ckks_relin(&b->out, &b->out, b->keys), x[j] * y[j]);
    AFTER(ckks_rescale(&b->out, &b->out), x[j] * y[j]);
    AFTER(ckks_square(&b->out, &b->cx), x[j] * x[j]);
    AFTER(ckks_add_square(&b->out, &b->cx), 2 * x[j] * x[j]);
    AFTER(ckks_relin_rescale(&b->out, &b->out, b->keys), 2 * x[j] * x[j]);
    AFTER(ckks_drop_level(&b->out, &b->cx, 1), x[j]);
    AFTER(ckks_rotate(&b->out, &b->cx, b->keys, 1), x[(j + 1) % N]);
    AFTER(ckks_rotate(&b->out, &b->cx, b->keys, N / 2 + 5),
          x[(j + N / 2 + 5) % N]);
    AFTER(ckks_rotate(&b->out, &b->out, b->keys, -1),
          x[(j + N / 2 + 4) % N]);
    AFTER(ckks_rotate_sum(&b->out, pair, turns, 3, b->keys),
          x[(j + N - 1) % N] + y[j] + x[(j + 1) % N]);
    if (CHECK_OK(ckks_rotate_hoisted(two, steps, 2, &b->cy, b->keys)))
        for (int k = 0; k < 2; k++)
            AFTER(ckks_ct_copy(&b->out, &two[k]), y[(j + steps[k]) % N]);
    ckks_ct_clear(&two[0]);
    ckks_ct_clear(&two[1]);
}

TEST(real_operations)
{
    static bench b[1];

    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        if (!(*k)->usable())
            continue;
        if (bench_open(b, (*k)->name))
            every_operation(b);
        bench_close(b);
    }
}

/* Two integers give two factors, one for even slots, one for odd. */
TEST(real_alternating_factors)
{
    static bench b[1];
    const int p = 99, q = 70;           /* 99 - 70 sqrt(2) = 1/197.995       */

    if (bench_open(b, NULL) && CHECK_OK(ckks_mul_alternating(&b->out, &b->cx))
        && CHECK_OK(ckks_mul_int(&b->out, &b->out, q))
        && CHECK_OK(ckks_mul_int(&b->cy, &b->cx, p))) {
        for (int j = 0; j < N; j++)
            b->want[j] = b->x[j] * (j % 2 == 0 ? p + q * sqrt(2)
                                               : p - q * sqrt(2));
        if (CHECK_OK(ckks_add(&b->out, &b->out, &b->cy)))
            check_slots(b, "p + q sqrt(2)");
    }
    bench_close(b);
}

/* The same words in every kernel. */
TEST(real_kernels_agree)
{
    static bench b[1];
    uint64_t *first = NULL;
    size_t words = 0;

    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        if (!(*k)->usable())
            continue;
        if (bench_open(b, (*k)->name)
            && CHECK_OK(ckks_mul(&b->out, &b->cx, &b->cy))
            && CHECK_OK(ckks_relin_rescale(&b->out, &b->out, b->keys))
            && CHECK_OK(ckks_rotate(&b->out, &b->out, b->keys, -1))) {
            words = 2 * (size_t)(b->out.level + 1) * N;
            if (first == NULL) {
                first = malloc(words * sizeof *first);
                if (first != NULL)
                    memcpy(first, b->out.limb, words * sizeof *first);
            } else {
                CHECK(memcmp(first, b->out.limb, words * sizeof *first) == 0,
                      "%s: other words", (*k)->name);
            }
        }
        bench_close(b);
    }
    free(first);
}

/* ---- bytes and refusals ------------------------------------------------- */

TEST(real_parameters_and_keys_as_bytes)
{
    static bench b[1];
    ckks_params p;
    ckks_ctx *again = NULL, *other = NULL;
    ckks_keys *keys = NULL;
    uint8_t *bytes = NULL;
    size_t size;
    ckks_params complex_ones = { .log_n = LOG_N, .num_primes = 4,
                                 .num_special = 2, .dnum = 2,
                                 .security = CKKS_INSECURE };

    if (!bench_open(b, NULL))
        return;
    size = ckks_params_size(b->ctx);
    bytes = malloc(size);
    if (bytes != NULL && CHECK_OK(ckks_params_save(bytes, size, b->ctx))
        && CHECK_OK(ckks_params_load(&p, bytes, size))
        && CHECK(p.ring == CKKS_RING_REAL && p.fitted_special == 0, "ring %d",
                 p.ring)
        && CHECK_OK(ckks_ctx_init(&again, &p)))
        CHECK(ckks_ctx_ring(again) == CKKS_RING_REAL, "ring %d",
              ckks_ctx_ring(again));
    free(bytes);
    size = ckks_keys_size(b->keys);
    bytes = malloc(size);
    for (int i = 0; i < 4; i++)
        complex_ones.primes[i] = ckks_ctx_prime(b->ctx, i);
    for (int i = 0; i < 2; i++)
        complex_ones.special[i] = ckks_ctx_special(b->ctx, i);
    if (bytes != NULL && CHECK_OK(ckks_keys_save(bytes, size, b->keys))
        && CHECK_OK(ckks_keys_load(&keys, again, bytes, size))) {
        CHECK(ckks_keys_level(keys, CKKS_KEY_ROTATE, N / 2 + 5) == 3,
              "level %d", ckks_keys_level(keys, CKKS_KEY_ROTATE, N / 2 + 5));
        CHECK(ckks_keys_level(keys, CKKS_KEY_ROTATE, 5) == -1, "step 5");
        /* the same primes in the complex ring are another context */
        if (CHECK_OK(ckks_ctx_init(&other, &complex_ones)))
            CHECK_STATUS(ckks_keys_load(&keys, other, bytes, size),
                         CKKS_EFORMAT);
    }
    free(bytes);
    ckks_keys_clear(&keys);
    ckks_ctx_clear(&other);
    ckks_ctx_clear(&again);
    bench_close(b);
}

TEST(real_refusals)
{
    static bench b[1];
    const double im[2] = { 0, 1 };
    const ckks_key_request conj = { CKKS_KEY_CONJ, 0, 3 };
    ckks_params p = { .log_n = 8, .num_primes = 1, .primes = { 40 },
                      .security = CKKS_INSECURE, .ring = CKKS_RING_REAL };
    ckks_ctx *ctx = NULL;
    ckks_keys *keys = NULL;

    if (bench_open(b, NULL)) {
        CHECK_STATUS(ckks_conj(&b->out, &b->cx, b->keys), CKKS_EARG);
        CHECK_STATUS(ckks_keys_init(&keys, &b->rng, b->sk, &conj, 1),
                     CKKS_EARG);
        CHECK_STATUS(ckks_encode(&b->pt, b->ctx, b->x, im, 2, 1, 1024),
                     CKKS_EARG);
        CHECK_OK(ckks_encode(&b->pt, b->ctx, b->x, im, 1, 1, 1024));
        CHECK_STATUS(ckks_encode(&b->pt, b->ctx, b->x, NULL, N + 1, 1, 1024),
                     CKKS_EARG);
        CHECK_STATUS(ckks_encode_const(&b->pt, b->ctx, 1, 1, 1, 1024),
                     CKKS_EARG);
        CHECK_STATUS(ckks_mul_const(&b->out, &b->cx, 1, 1, 1024), CKKS_EARG);
        CHECK_STATUS(ckks_add_const(&b->out, &b->cx, 1, 1), CKKS_EARG);
    }
    bench_close(b);
    p.ring = 2;
    CHECK_STATUS(ckks_ctx_init(&ctx, &p), CKKS_EPARAM);
    p.ring = CKKS_RING_REAL;
    p.generator = 3;
    CHECK_STATUS(ckks_ctx_init(&ctx, &p), CKKS_EPARAM);
    p.generator = 0;
    p.uncentred_digits = 1;
    CHECK_STATUS(ckks_ctx_init(&ctx, &p), CKKS_EPARAM);
    p.uncentred_digits = 0;
    p.log_n = CKKS_MAX_LOG_N;
    CHECK_STATUS(ckks_ctx_init(&ctx, &p), CKKS_EPARAM);
    p.log_n = 8;
    p.primes[0] = 7681;                 /* 1 mod 2N, not 1 mod 4N            */
    CHECK_STATUS(ckks_ctx_init(&ctx, &p), CKKS_EPARAM);
    p.ring = CKKS_RING_COMPLEX;
    if (CHECK_OK(ckks_ctx_init(&ctx, &p)))
        CHECK_STATUS(ckks_mul_alternating(&b->out, &b->cx), CKKS_EARG);
    ckks_ctx_clear(&ctx);
}
