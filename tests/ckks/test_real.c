/* test_real.c -- the real ring against its definition: polynomials
 * a_0 + sum of a_i (X^i + X^-i), their values, slots, automorphisms, products,
 * and every operation on ciphertexts. */
#include <math.h>

#include "kernel/kernel.h"
#include "test.h"

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 11;
}

static double unit(uint64_t *state)
{
    return (double)next(state) * 0x1p-53 * 2 - 1;
}

static ckks_ctx *real_ctx(int log_n, const char *kernel)
{
    const ckks_params p = { .log_n = log_n, .num_primes = 4,
                            .primes = { 49, 40, 40, 40 }, .num_special = 2,
                            .special = { 49, 49 }, .dnum = 2,
                            .ring = CKKS_RING_REAL,
                            .security = CKKS_INSECURE, .kernel = kernel };
    ckks_ctx *ctx = NULL;

    return CHECK_OK(ckks_ctx_init(&ctx, &p)) ? ctx : NULL;
}

static uint64_t mulm(uint64_t a, uint64_t b, uint64_t p)
{
    __extension__ typedef unsigned __int128 wide;

    return (uint64_t)((wide)a * b % p);
}

static uint64_t powm(uint64_t a, uint64_t e, uint64_t p)
{
    uint64_t r = 1;

    for (; e > 0; e >>= 1, a = mulm(a, a, p))
        if (e & 1)
            r = mulm(r, a, p);
    return r;
}

/* The smallest primitive root of order 4N: by trying all candidates' powers of
 * one that is found. */
static uint64_t min_root(uint64_t p, uint64_t order)
{
    uint64_t g = 2, root, best, x;

    while (powm(g, (p - 1) / 2, p) == 1)
        g++;
    root = powm(g, (p - 1) / order, p);
    best = p;
    x = root;
    for (uint64_t k = 1; k < order; k += 2) {
        best = x < best ? x : best;
        x = mulm(x, mulm(root, root, p), p);
    }
    return best;
}

static size_t reversed(size_t i, int bits)
{
    size_t r = 0;

    for (int k = 0; k < bits; k++)
        r |= (i >> k & 1) << (bits - 1 - k);
    return r;
}

/* ---- words -------------------------------------------------------------- */

static uint64_t value_at(const uint64_t *a, size_t n, uint64_t z, uint64_t p)
{
    const uint64_t inverse = powm(z, p - 2, p);
    uint64_t sum = a[0], up = z, down = inverse;

    for (size_t i = 1; i < n; i++) {
        sum = (sum + mulm(a[i], (up + down) % p, p)) % p;
        up = mulm(up, z, p);
        down = mulm(down, inverse, p);
    }
    return sum;
}

static void check_transform(ckks_ctx *ctx, int log_n)
{
    const size_t n = (size_t)1 << log_n;
    uint64_t *a = malloc(2 * n * sizeof *a), *x = a + n, state = 5;
    bool same = a != NULL;

    for (int t = 0; same && t < 6; t++) {
        const uint64_t p = t < 4 ? ckks_ctx_prime(ctx, t)
                                 : ckks_ctx_special(ctx, t - 4);
        const uint64_t psi = min_root(p, 4 * n);

        CHECK(p % (4 * n) == 1, "N=%zu p=%" PRIu64, n, p);
        for (size_t i = 0; i < n; i++)
            a[i] = i % 5 == 0 ? p - 1 : next(&state) % p;
        memcpy(x, a, n * sizeof *x);
        same = same && CHECK_OK(ckks_ntt(x, ctx, t));
        for (size_t i = 0; same && i < n; i++) {
            const uint64_t z = powm(psi, 4 * reversed(i, log_n) + 1, p);
            const uint64_t want = value_at(a, n, z, p);

            same = CHECK(x[i] == want, "%s N=%zu i=%zu: %" PRIu64 ", not %"
                         PRIu64, ckks_ctx_kernel(ctx), n, i, x[i], want);
        }
        same = same && CHECK_OK(ckks_ntt_inverse(x, ctx, t));
        for (size_t i = 0; same && i < n; i++)
            same = CHECK(x[i] == a[i], "%s N=%zu i=%zu back",
                         ckks_ctx_kernel(ctx), n, i);
    }
    free(a);
}

TEST(real_transform_is_the_definition)
{
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        for (int log_n = 2; log_n <= 8 && (*k)->usable(); log_n++) {
            ckks_ctx *ctx = real_ctx(log_n, (*k)->name);

            if (ctx != NULL)
                check_transform(ctx, log_n);
            ckks_ctx_clear(&ctx);
        }
}

/* ---- large rings: some values by definition, kernels against each other --- */

static void fill_words(uint64_t *x, size_t n, uint64_t p, int shape,
                       uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        x[i] = shape == 0   ? p - 1
               : shape == 1 ? (i % 2 == 0 ? p - 1 : 0)
               : shape == 2 ? (i < n / 2 ? p - 1 : 1)
                            : next(state) % p;
}

static void check_large(const cki_kernel *k, int log_n, int bits, int shape)
{
    const size_t n = (size_t)1 << log_n;
    const uint64_t p = cki_find_prime(bits, 4 * n, NULL, 0);
    const cki_mod m = cki_mod_make(p);
    const uint64_t psi = cki_min_root(4 * n, &m);
    const ckks_memory plain = { NULL, NULL, NULL };
    uint64_t *a = NULL, *x, *y, state = n + (uint64_t)shape;
    cki_ntt *t = NULL;

    if (posix_memalign((void **)&a, 64, 3 * n * sizeof *a) != 0
        || !CHECK_OK(cki_ntt_init(&t, k, &m, psi, log_n, 4 * n, &plain))) {
        free(a);
        return;
    }
    x = a + n;
    y = x + n;
    fill_words(a, n, p, shape, &state);
    memcpy(x, a, n * sizeof *x);
    k->ntt_fwd(x, t);
    for (int c = 0; c < 4; c++) {
        const size_t i = next(&state) % n;
        const uint64_t z = powm(psi, 4 * reversed(i, log_n) + 1, p);

        CHECK(x[i] == value_at(a, n, z, p), "%s N=2^%d p=%" PRIu64 " shape %d "
              "i=%zu", k->name, log_n, p, shape, i);
    }
    k->ntt_inv(y, x, 1, t);
    CHECK(memcmp(y, a, n * sizeof *y) == 0, "%s N=2^%d %d bits, back", k->name,
          log_n, bits);
    fill_words(y, n, p, shape, &state);         /* an inverse of extremes    */
    k->ntt_inv(x, y, p - 1, t);
    k->ntt_fwd(x, t);
    for (size_t i = 0; i < n; i++)
        if (!CHECK(x[i] == (p - y[i]) % p, "%s N=2^%d shape %d place %zu",
                   k->name, log_n, shape, i))
            break;
    free(a);
    cki_ntt_clear(&t, &plain);
}

TEST(real_large_rings)
{
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        for (int log_n = 7; log_n <= 16 && (*k)->usable(); log_n++)
            for (int shape = 0; shape < 4; shape++) {
                check_large(*k, log_n, (*k)->max_bits, shape);
                if (log_n < 12)
                    check_large(*k, log_n, 24, shape);
            }
}

/* X -> X^g sends a_i to place i g, reduced: X^(2N) = -1, X^-i is X^i's twin. */
static void turn(uint64_t *out, const uint64_t *a, size_t n, uint64_t g,
                 uint64_t p)
{
    for (size_t i = 0; i < n; i++) {
        size_t e = i * g % (4 * n);
        bool minus = false;

        if (e >= 2 * n) {
            e -= 2 * n;
            minus = true;
        }
        if (e > n) {
            e = 2 * n - e;      /* X^e = -X^(e - 2N), the twin of -X^(2N-e)  */
            minus = !minus;
        }
        out[e] = minus ? (p - a[i]) % p : a[i];
    }
}

TEST(real_automorphisms_are_the_definition)
{
    for (int log_n = 2; log_n <= 6; log_n++) {
        const size_t n = (size_t)1 << log_n;
        ckks_ctx *ctx = real_ctx(log_n, NULL);
        uint64_t a[64], b[64], c[64], state = 9;

        if (ctx == NULL)
            return;
        CHECK(ckks_ctx_slots(ctx) == n, "%zu slots", ckks_ctx_slots(ctx));
        for (int step = 0; step < (int)n; step++) {
            const uint64_t p = ckks_ctx_prime(ctx, 1);
            const uint64_t g = ckks_galois(ctx, step);

            CHECK(g == powm(5, (uint64_t)step, 4 * n), "step %d: %" PRIu64,
                  step, g);
            for (size_t i = 0; i < n; i++)
                a[i] = next(&state) % p;
            turn(b, a, n, g, p);
            if (!CHECK_OK(ckks_ntt(a, ctx, 1)) || !CHECK_OK(ckks_ntt(b, ctx, 1))
                || !CHECK_OK(ckks_automorphism(c, a, ctx, 1, g)))
                break;
            CHECK(memcmp(b, c, n * sizeof *b) == 0, "N=%zu step %d", n, step);
        }
        CHECK_STATUS(ckks_automorphism(c, a, ctx, 1, 3), CKKS_EARG);
        CHECK_STATUS(ckks_automorphism(c, a, ctx, 1, 4 * n + 1), CKKS_EARG);
        ckks_ctx_clear(&ctx);
    }
}

/* ---- slots -------------------------------------------------------------- */

/* Slot j of integer coefficients, by cosines of 5^j i in long double. */
static double slot_of(const int64_t *a, size_t n, size_t j)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    size_t e = 1;
    long double sum = (long double)a[0];

    for (size_t k = 0; k < j; k++)
        e = e * 5 % (4 * n);
    for (size_t i = 1; i < n; i++)
        sum += 2 * (long double)a[i]
               * cosl(pi * (long double)(e * i % (4 * n))
                      / (2 * (long double)n));
    return (double)sum;
}

TEST(real_slots_are_the_definition)
{
    for (int log_n = 2; log_n <= 9; log_n++) {
        const size_t n = (size_t)1 << log_n;
        ckks_ctx *ctx = real_ctx(log_n, NULL);
        int64_t a[512];
        double re[512], im[512], back[512];
        uint64_t state = 3;
        ckks_pt pt = { 0 };

        if (ctx == NULL)
            return;
        for (size_t i = 0; i < n; i++) {
            a[i] = (int64_t)(next(&state) % 2000001) - 1000000;
            im[i] = 1;
        }
        if (CHECK_OK(ckks_encode_integers(&pt, ctx, a, 2, 1024))
            && CHECK_OK(ckks_decode(re, im, n, &pt)))
            for (size_t j = 0; j < n; j++) {
                const double want = slot_of(a, n, j) / 1024;

                CHECK(fabs(re[j] - want) < 1e-8 && im[j] == 0,
                      "N=%zu slot %zu: %g, not %g", n, j, re[j], want);
            }
        /* and back: the same coefficients, rounded */
        if (CHECK_OK(ckks_encode(&pt, ctx, re, NULL, n, 1, 1024))) {
            for (int t = 0; t < 2; t++) {
                const uint64_t p = ckks_ctx_prime(ctx, t);
                uint64_t *x = pt.limb + (size_t)t * n;

                if (!CHECK_OK(ckks_ntt_inverse(x, ctx, t)))
                    break;
                for (size_t i = 0; i < n; i++)
                    CHECK(x[i] == (a[i] < 0 ? p - (uint64_t)-a[i]
                                            : (uint64_t)a[i]),
                          "N=%zu limb %d coefficient %zu", n, t, i);
            }
        }
        if (CHECK_OK(ckks_encode(&pt, ctx, re, NULL, n / 2, 1, 0x1p30))
            && CHECK_OK(ckks_decode(back, NULL, n, &pt)))
            for (size_t j = 0; j < n; j++)
                CHECK(fabs(back[j] - (j < n / 2 ? re[j] : 0)) < 1e-6,
                      "N=%zu slot %zu of half: %g", n, j, back[j]);
        ckks_pt_clear(&pt);
        ckks_ctx_clear(&ctx);
    }
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
