/* test_real.c -- the real ring against its definition: polynomials
 * a_0 + sum of a_i (X^i + X^-i), their values, slots and automorphisms.
 */
#include <math.h>

#include "real_support.h"
#include "ref_words.h"

/* The smallest primitive root of order 4N: by trying all candidates' powers of
 * one that is found. */
static uint64_t min_root(uint64_t p, uint64_t order)
{
    uint64_t g = 2, root, best, x;

    while (ref_pow(g, (p - 1) / 2, p) == 1)
        g++;
    root = ref_pow(g, (p - 1) / order, p);
    best = p;
    x = root;
    for (uint64_t k = 1; k < order; k += 2) {
        best = x < best ? x : best;
        x = ref_mul(x, ref_mul(root, root, p), p);
    }
    return best;
}

/* ---- words -------------------------------------------------------------- */

static uint64_t value_at(const uint64_t *a, size_t n, uint64_t z, uint64_t p)
{
    const uint64_t inverse = ref_pow(z, p - 2, p);
    uint64_t sum = a[0], up = z, down = inverse;

    for (size_t i = 1; i < n; i++) {
        sum = (sum + ref_mul(a[i], (up + down) % p, p)) % p;
        up = ref_mul(up, z, p);
        down = ref_mul(down, inverse, p);
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
            a[i] = i % 5 == 0 ? p - 1 : test_word(&state) % p;
        memcpy(x, a, n * sizeof *x);
        same = same && CHECK_OK(ckks_ntt(x, ctx, t));
        for (size_t i = 0; same && i < n; i++) {
            const uint64_t z = ref_pow(psi, 4 * ref_reversed(i, n) + 1, p);
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

/* ---- large rings: values by definition, kernels against each other ------ */

static void fill_words(uint64_t *x, size_t n, uint64_t p, int shape,
                       uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        x[i] = shape == 0   ? p - 1
               : shape == 1 ? (i % 2 == 0 ? p - 1 : 0)
               : shape == 2 ? (i < n / 2 ? p - 1 : 1)
                            : test_word(state) % p;
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
        const size_t i = test_word(&state) % n;
        const uint64_t z = ref_pow(psi, 4 * ref_reversed(i, n) + 1, p);

        CHECK(x[i] == value_at(a, n, z, p), "%s N=2^%d p=%" PRIu64 " shape %d "
              "i=%zu", k->name, log_n, p, shape, i);
    }
    memcpy(y, a, n * sizeof *y);        /* in two halves, block after block  */
    k->ntt_head(y, t, false);
    for (size_t at = 0; at < n; at += cki_block(n)) {
        k->ntt_tail(y, at, t, false, NULL);
        CHECK(memcmp(y + at, x + at, cki_block(n) * sizeof *y) == 0,
              "%s N=2^%d %d bits, in halves, block at %zu", k->name, log_n,
              bits, at);
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

            CHECK(g == ref_pow(5, (uint64_t)step, 4 * n), "step %d: %" PRIu64,
                  step, g);
            for (size_t i = 0; i < n; i++)
                a[i] = test_word(&state) % p;
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
            a[i] = (int64_t)(test_word(&state) % 2000001) - 1000000;
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
