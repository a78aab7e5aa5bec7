/* test_exhaustive.c -- words and kernels so small that every case is tried.
 *
 * All polynomials of N = 4 modulo 17 in both rings, all products modulo four
 * primes, every column of the real ring's transforms.  Each
 * case is compared with the definition, written out here with the remainder
 * operator.
 */
#include "test.h"

#include "kernel/kernel.h"
#include "base/word.h"

static const ckks_memory default_memory;

/* ---- words -------------------------------------------------------------- */

static const uint64_t moduli[] = { 17, 97, 193, 257 };
enum { MODULI = 4, LENGTH = 264 };      /* words of an array: 257 and more    */

TEST(exhaustive_word_arithmetic)
{
    for (size_t i = 0; i < MODULI; i++) {
        const uint64_t p = moduli[i];
        const cki_mod m = cki_mod_make(p);

        for (uint64_t a = 0; a < p; a++) {
            const uint64_t s = cki_shoup(a, &m);

            CHECK(cki_neg(a, p) == (p - a) % p, "p=%" PRIu64 " a=%" PRIu64, p,
                  a);
            CHECK(a == 0 || cki_inv(a, &m) * a % p == 1,
                  "inverse of %" PRIu64 " mod %" PRIu64, a, p);
            for (uint64_t b = 0; b < p; b++) {
                CHECK(cki_add(a, b, p) == (a + b) % p
                          && cki_sub(a, b, p) == (a + p - b) % p
                          && cki_mul(a, b, &m) == a * b % p
                          && cki_mul_shoup(b, a, s, p) == a * b % p,
                      "p=%" PRIu64 " a=%" PRIu64 " b=%" PRIu64, p, a, b);
            }
        }
    }
}

/* Lemma B: every x < 2^(2k), every odd p of at most 7 bits. */
TEST(exhaustive_barrett)
{
    for (uint64_t p = 3; p < 128; p += 2) {
        const cki_mod m = cki_mod_make(p);

        CHECK(p >> m.bits == 0 && p >> (m.bits - 1) == 1, "bits of %" PRIu64,
              p);
        for (uint64_t x = 0; x >> 2 * m.bits == 0; x++)
            CHECK(cki_reduce_wide(0, x, &m) == x % p,
                  "%" PRIu64 " mod %" PRIu64, x, p);
    }
}

/* Powers against repeated products: all bases, exponents past the order. */
TEST(exhaustive_powers)
{
    for (size_t i = 0; i < MODULI; i++) {
        const cki_mod m = cki_mod_make(moduli[i]);

        for (uint64_t a = 0; a < m.p; a++) {
            uint64_t want = 1;

            for (uint64_t e = 0; e <= m.p; e++, want = want * a % m.p)
                CHECK(cki_pow(a, e, &m) == want, "%" PRIu64 "^%" PRIu64 " mod "
                      "%" PRIu64, a, e, m.p);
        }
    }
}

/* The smallest root: psi^(order/2) = -1, and no smaller number does that. */
TEST(exhaustive_roots)
{
    for (size_t i = 0; i < MODULI; i++) {
        const cki_mod m = cki_mod_make(moduli[i]);

        for (uint64_t order = 2; order < m.p; order *= 2) {
            uint64_t want = 0;

            for (uint64_t x = 1; x < m.p && want == 0; x++) {
                uint64_t power = 1;

                for (uint64_t e = 0; e < order / 2; e++)
                    power = power * x % m.p;
                if (power == m.p - 1)
                    want = x;
            }
            CHECK(cki_min_root(order, &m) == want, "order %" PRIu64 " mod %"
                  PRIu64 ": %" PRIu64 ", want %" PRIu64, order, m.p,
                  cki_min_root(order, &m), want);
        }
    }
}

TEST(exhaustive_primes)
{
    for (uint64_t n = 0; n < 20000; n++) {
        bool prime = n >= 2;

        for (uint64_t d = 2; d * d <= n; d++)
            prime = prime && n % d != 0;
        CHECK(cki_is_prime(n) == prime, "%" PRIu64, n);
    }
}

/* Every size of 3 to 12 bits: the primes = 1 mod step from the top down, each
 * once, and then 0. */
TEST(exhaustive_prime_lists)
{
    for (uint64_t step = 4; step <= 64; step *= 2)
        for (int bits = 3; bits <= 12; bits++) {
            uint64_t used[512];
            size_t n = 0;

            for (uint64_t p = ((uint64_t)1 << bits) - 1; p >> (bits - 1) != 0;
                 p--) {
                bool prime = p % step == 1;

                for (uint64_t d = 2; d * d <= p; d++)
                    prime = prime && p % d != 0;
                if (!prime)
                    continue;
                CHECK(cki_find_prime(bits, step, used, n) == p, "%d bits, "
                      "step %" PRIu64 ": prime %zu is %" PRIu64 ", want %"
                      PRIu64, bits, step, n,
                      cki_find_prime(bits, step, used, n), p);
                used[n++] = p;
            }
            CHECK(cki_find_prime(bits, step, used, n) == 0, "%d bits, step %"
                  PRIu64 ": more than %zu primes", bits, step, n);
        }
}

/* ---- kernels ------------------------------------------------------------ */

static void check_kernel_pairs(const cki_kernel *kernel, uint64_t p)
{
    const cki_mod m = cki_mod_make(p);
    uint64_t *buffer = cki_alloc(&default_memory, 6 * LENGTH * sizeof *buffer);
    uint64_t *a = buffer, *b = a + LENGTH, *c = b + LENGTH, *out = c + LENGTH;
    uint64_t *out1 = out + LENGTH, *out2 = out1 + LENGTH;
    uint8_t packed[2][8 * LENGTH + CKI_BEYOND];
    const uint8_t *pb = packed[0], *pc = packed[1];
    const uint64_t *pa = a;

    if (buffer == NULL)
        abort();
    for (uint64_t x = 0; x < p; x++) {
        for (size_t k = 0; k < LENGTH; k++) {
            a[k] = x;
            b[k] = k % p;
            c[k] = (3 * k + x) % p;
        }
        kernel->add(out, a, b, LENGTH, &m);
        for (size_t k = 0; k < LENGTH; k++)
            CHECK(out[k] == (a[k] + b[k]) % p, "%s add p=%" PRIu64 " %" PRIu64
                  " %" PRIu64 ": %" PRIu64, kernel->name, p, a[k], b[k],
                  out[k]);
        kernel->sub(out, a, b, LENGTH, &m);
        for (size_t k = 0; k < LENGTH; k++)
            CHECK(out[k] == (a[k] + p - b[k]) % p, "%s sub p=%" PRIu64 " %"
                  PRIu64 " %" PRIu64 ": %" PRIu64, kernel->name, p, a[k],
                  b[k], out[k]);
        kernel->mul(out, a, b, LENGTH, &m);
        for (size_t k = 0; k < LENGTH; k++)
            CHECK(out[k] == a[k] * b[k] % p, "%s mul p=%" PRIu64 " %" PRIu64
                  " %" PRIu64 ": %" PRIu64, kernel->name, p, a[k], b[k],
                  out[k]);
        kernel->mul_add(out, a, b, c, LENGTH, &m);
        for (size_t k = 0; k < LENGTH; k++)
            CHECK(out[k] == (a[k] * b[k] + c[k]) % p, "%s mul_add p=%" PRIu64
                  " %" PRIu64 " %" PRIu64 " %" PRIu64 ": %" PRIu64,
                  kernel->name, p, a[k], b[k], c[k], out[k]);
        kernel->scale_add(out, b, x, c, LENGTH, &m);
        kernel->scale_add(out1, b, x, NULL, LENGTH, &m);
        for (size_t k = 0; k < LENGTH; k++)
            CHECK(out[k] == (x * b[k] + c[k]) % p && out1[k] == x * b[k] % p,
                  "%s scale_add p=%" PRIu64 " %" PRIu64 " %" PRIu64,
                  kernel->name, p, x, b[k]);
        kernel->square(out, out1, out2, a, b, false, LENGTH, &m);
        for (size_t k = 0; k < LENGTH; k++)
            CHECK(out[k] == a[k] * a[k] % p && out1[k] == 2 * a[k] * b[k] % p
                      && out2[k] == b[k] * b[k] % p, "%s square p=%" PRIu64
                  " %" PRIu64 " %" PRIu64, kernel->name, p, a[k], b[k]);
        cki_pack(packed[0], b, LENGTH, cki_packed_bytes(&m));
        cki_pack(packed[1], c, LENGTH, cki_packed_bytes(&m));
        for (int add = 0; add <= 1; add++) {
            memcpy(out, c, LENGTH * sizeof *out);
            memcpy(out1, a, LENGTH * sizeof *out1);
            kernel->dot2(out, out1, &pa, NULL, &pb, &pc, 1, add == 1, LENGTH,
                         &m);
            for (size_t k = 0; k < LENGTH; k++)
                CHECK(out[k] == (a[k] * b[k] + (add ? c[k] : 0)) % p
                          && out1[k] == (a[k] * c[k] + (add ? a[k] : 0)) % p,
                      "%s dot2 p=%" PRIu64 " add=%d word %zu", kernel->name, p,
                      add, k);
        }
    }
    free(buffer);
}

TEST(exhaustive_kernel_products)
{
    for (size_t k = 0; cki_kernels[k] != NULL; k++)
        for (size_t i = 0; i < MODULI && cki_kernels[k]->usable(); i++)
            check_kernel_pairs(cki_kernels[k], moduli[i]);
}

/* All 17^4 = 83,521 polynomials: the transform is the value at psi, psi^5,
 * psi^3, psi^7 (2 br(i) + 1 for i = 0..3), psi = 2 as 2^4 = -1; and back. */
TEST(exhaustive_ntt_of_four_modulo_17)
{
    static const int exponent[4] = { 1, 5, 3, 7 };
    enum { P = 17, PSI = 2 };
    const cki_mod m = cki_mod_make(P);
    uint64_t *x = cki_alloc(&default_memory, 64), value[4];

    if (x == NULL)
        abort();
    for (size_t i = 0; i < 4; i++) {
        value[i] = 1;
        for (int e = 0; e < exponent[i]; e++)
            value[i] = value[i] * PSI % P;
    }
    CHECK(cki_min_root(8, &m) == PSI, "smallest root %" PRIu64,
          cki_min_root(8, &m));
    for (size_t k = 0; cki_kernels[k] != NULL; k++) {
        const cki_kernel *kernel = cki_kernels[k];
        cki_ntt *t = NULL;

        if (!kernel->usable() || !CHECK_OK(cki_ntt_init(&t, kernel, &m, PSI, 2,
                                                        8, &default_memory)))
            continue;
        for (uint64_t w = 0; w < P * P * P * P; w++) {
            uint64_t in[4] = { w % P, w / P % P, w / P / P % P,
                               w / P / P / P };

            memcpy(x, in, sizeof in);
            kernel->ntt_fwd(x, t);
            for (size_t i = 0; i < 4; i++) {
                uint64_t v = value[i];
                uint64_t want = (in[0] + v * (in[1] + v * (in[2] + v * in[3]
                                                           % P) % P)) % P;

                CHECK(x[i] == want, "%s polynomial %" PRIu64 " word %zu: %"
                      PRIu64 ", want %" PRIu64, kernel->name, w, i, x[i],
                      want);
            }
            kernel->ntt_inv(x, x, w % (P - 1) + 1, t);
            for (size_t i = 0; i < 4; i++)
                CHECK(x[i] == in[i] * (w % (P - 1) + 1) % P, "%s back to %"
                      PRIu64 " times polynomial %" PRIu64, kernel->name,
                      w % (P - 1) + 1, w);
        }
        cki_ntt_clear(&t, &default_memory);
    }
    free(x);
}

/* ---- the real ring ------------------------------------------------------ */

/* a_0 + sum of a_i (z^i + z^-i), power[e] = z^e for e < 4N, of N = n. */
static uint64_t real_value(const uint64_t *a, size_t n, const uint64_t *power,
                           size_t e, uint64_t p)
{
    uint64_t sum = a[0];

    for (size_t i = 1; i < n; i++) {
        const size_t up = e * i % (4 * n);

        sum = (sum + a[i] * (power[up] + power[(4 * n - up) % (4 * n)])) % p;
    }
    return sum;
}

/* b = a (X^i + X^-i), in Z[X]/(X^8 + 1): a X^i and a X^-i, each term where it
 * falls; coefficients of X^0 .. X^3 are what is asked for. */
static void times_pair(uint64_t b[4], const uint64_t a[4], int i, int p)
{
    int all[8] = { 0 };

    for (int k = -3; k <= 3; k++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const int e = (k + sign * i + 16) % 16;
            const int c = (int)a[k < 0 ? -k : k];

            all[e % 8] += e < 8 ? c : p - c;
        }
    for (int k = 0; k < 4; k++)
        b[k] = (uint64_t)(all[k] % p);
}

/* All 83,521 polynomials: the transform is the value at psi, psi^9, psi^5,
 * psi^13 (4 br(i) + 1), psi = 3 as 3^8 = -1 and 2^8 = 1; and back; and products
 * with X^i + X^-i, i = 1..3, which with sums and multiples make all. */
TEST(exhaustive_real_ntt_of_four_modulo_17)
{
    static const size_t exponent[4] = { 1, 9, 5, 13 };
    enum { P = 17, PSI = 3, ALL = P * P * P * P };
    const cki_mod m = cki_mod_make(P);
    uint64_t *x = cki_alloc(&default_memory, 128), *y = x + 8;
    uint64_t power[16] = { 1 };

    if (x == NULL)
        abort();
    for (size_t e = 1; e < 16; e++)
        power[e] = power[e - 1] * PSI % P;
    CHECK(cki_min_root(16, &m) == PSI, "smallest root %" PRIu64,
          cki_min_root(16, &m));
    for (size_t k = 0; cki_kernels[k] != NULL; k++) {
        const cki_kernel *kernel = cki_kernels[k];
        cki_ntt *t = NULL;

        if (!kernel->usable() || !CHECK_OK(cki_ntt_init(&t, kernel, &m, PSI, 2,
                                                        16, &default_memory)))
            continue;
        for (uint64_t w = 0; w < ALL; w++) {
            const uint64_t in[4] = { w % P, w / P % P, w / P / P % P,
                                     w / P / P / P };
            const uint64_t factor = w % (P - 1) + 1;

            memcpy(x, in, sizeof in);
            kernel->ntt_fwd(x, t);
            for (size_t i = 0; i < 4; i++) {
                const uint64_t want = real_value(in, 4, power, exponent[i], P);

                CHECK(x[i] == want, "%s polynomial %" PRIu64 " word %zu: %"
                      PRIu64 ", want %" PRIu64, kernel->name, w, i, x[i],
                      want);
            }
            for (int i = 1; i < 4; i++) {
                uint64_t want[4];

                memset(y, 0, sizeof want);
                y[i] = 1;
                kernel->ntt_fwd(y, t);
                kernel->mul(y, y, x, 4, &m);
                kernel->ntt_inv(y, y, 1, t);
                times_pair(want, in, i, P);
                CHECK(memcmp(y, want, sizeof want) == 0, "%s: polynomial %"
                      PRIu64 " times X^%d + X^-%d: %" PRIu64 " %" PRIu64 " %"
                      PRIu64 " %" PRIu64, kernel->name, w, i, i, y[0], y[1],
                      y[2], y[3]);
            }
            kernel->ntt_inv(x, x, factor, t);
            for (size_t i = 0; i < 4; i++)
                CHECK(x[i] == in[i] * factor % P, "%s back to %" PRIu64
                      " times polynomial %" PRIu64, kernel->name, factor, w);
        }
        cki_ntt_clear(&t, &default_memory);
    }
    free(x);
}

/* c (X^j + X^-j), or c: its values; and back. */
static void check_column(const cki_kernel *kernel, const cki_ntt *t, size_t j,
                         uint64_t c, const uint64_t *power, uint64_t *x)
{
    const size_t n = t->n;
    const uint64_t p = t->mod.p;

    memset(x, 0, n * sizeof *x);
    x[j] = c;
    kernel->ntt_fwd(x, t);
    for (size_t i = 0; i < n; i++) {
        const size_t e = (4 * cki_bitrev((uint32_t)i, t->log_n) + 1) * j
                         % (4 * n);
        const uint64_t sum = (power[e] + power[(4 * n - e) % (4 * n)]) % p;
        const uint64_t want = cki_mul(j == 0 ? 1 : sum, c, &t->mod);

        if (!CHECK(x[i] == want, "%s N=%zu column %zu row %zu: %" PRIu64
                   ", want %" PRIu64, kernel->name, n, j, i, x[i], want))
            return;
    }
    kernel->ntt_inv(x, x, p - 2, t);
    for (size_t i = 0; i < n; i++)
        if (!CHECK(x[i] == (i == j ? cki_mul(c, p - 2, &t->mod) : 0),
                   "%s N=%zu column %zu back, row %zu: %" PRIu64, kernel->name,
                   n, j, i, x[i]))
            return;
}

/* Where the vectors of a kernel begin, and twice that: both parities of log N,
 * every word alone.  What mixes words is additions; test_real.c has those. */
TEST(exhaustive_real_columns)
{
    for (size_t k = 0; cki_kernels[k] != NULL; k++)
        for (int log_n = 2; log_n <= 9 && cki_kernels[k]->usable(); log_n++) {
            const cki_kernel *kernel = cki_kernels[k];
            const size_t n = (size_t)1 << log_n;
            const cki_mod m = cki_mod_make(
                cki_find_prime(kernel->max_bits, 4 * n, NULL, 0));
            const uint64_t psi = cki_min_root(4 * n, &m);
            uint64_t *x = cki_alloc(&default_memory, 5 * n * sizeof *x);
            uint64_t *power = x + n;
            cki_ntt *t = NULL;

            if (x == NULL)
                abort();
            power[0] = 1;
            for (size_t e = 1; e < 4 * n; e++)
                power[e] = cki_mul(power[e - 1], psi, &m);
            if (CHECK_OK(cki_ntt_init(&t, kernel, &m, psi, log_n, 4 * n,
                                      &default_memory)))
                for (size_t j = 0; j < n; j++)
                    check_column(kernel, t, j, j % 2 == 0 ? 1 : m.p - 1, power,
                                 x);
            cki_ntt_clear(&t, &default_memory);
            free(x);
        }
}
