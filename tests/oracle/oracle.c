/* oracle.c -- the numbers of a context, and polynomials as words.  See
 * oracle.h. */
#include <stdlib.h>

#include "oracle.h"

/* ---- words modulo one prime: 128-bit products through GMP --------------- */

static uint64_t mpz_word(const mpz_t a)
{
    uint64_t w = 0;

    mpz_export(&w, NULL, -1, sizeof w, 0, 0, a);
    return w;
}

static void word_mpz(mpz_t out, uint64_t w)
{
    mpz_import(out, 1, -1, sizeof w, 0, 0, &w);
}

/* a b mod p by doubling: nothing but additions below 2^62. */
static uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t p)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;

    return (uint64_t)((wide)a * b % p);
#else
    uint64_t r = 0;

    for (int i = 63; i >= 0; i--) {
        r = 2 * r % p;
        if (b >> i & 1)
            r = (r + a) % p;
    }
    return r;
#endif
}

static uint64_t pow_mod(uint64_t a, uint64_t e, uint64_t p)
{
    uint64_t r = 1 % p;

    for (int i = 63; i >= 0; i--) {
        r = mul_mod(r, r, p);
        if (e >> i & 1)
            r = mul_mod(r, a, p);
    }
    return r;
}

uint64_t oracle_prime(size_t n, int bits, const uint64_t *used, size_t count)
{
    const uint64_t end = (uint64_t)1 << bits, step = 2 * n;
    uint64_t found = 0;
    mpz_t t;

    mpz_init(t);
    for (uint64_t p = (end - 2) / step * step + 1; found == 0 && p > end / 2;
         p -= step) {
        bool taken = false;

        for (size_t i = 0; i < count; i++)
            taken |= used[i] == p;
        word_mpz(t, p);
        if (!taken && mpz_probab_prime_p(t, 40) != 0)
            found = p;
        if (p < step)
            break;
    }
    mpz_clear(t);
    return found;
}

/* psi^n = -1 makes psi a primitive 2n-th root, and its odd powers all. */
static uint64_t smallest_root(uint64_t p, size_t n)
{
    uint64_t psi = 0, best, square;

    for (uint64_t x = 2; x < p; x++) {
        psi = pow_mod(x, (p - 1) / (2 * n), p);
        if (pow_mod(psi, n, p) == p - 1)
            break;
    }
    best = psi;
    square = mul_mod(psi, psi, p);
    for (size_t i = 0; i < n; i++) {
        best = psi < best ? psi : best;
        psi = mul_mod(psi, square, p);
    }
    return best;
}

void oracle_init(oracle *o, size_t words, bool real, const uint64_t *prime,
                 int num_primes, int num_special, int dnum, int generator,
                 bool centred, bool fitted)
{
    const size_t n = real ? 2 * words : words;
    mpz_t t;

    o->n = n;
    o->words = words;
    o->num_primes = num_primes;
    o->num_special = num_special;
    o->alpha = (num_primes + dnum - 1) / dnum;
    o->generator = (uint64_t)generator;
    o->centred = centred;
    o->fitted = fitted;
    mpz_init_set_ui(o->p, 1);
    mpz_init(t);
    for (int i = 0; i < num_primes + num_special; i++) {
        uint64_t psi = smallest_root(prime[i], n);

        o->prime[i] = prime[i];
        o->power[i] = oracle_memory(2 * n * sizeof *o->power[i]);
        o->power[i][0] = 1;
        for (size_t k = 1; k < 2 * n; k++)
            o->power[i][k] = mul_mod(o->power[i][k - 1], psi, prime[i]);
        if (i >= num_primes) {
            word_mpz(t, prime[i]);
            mpz_mul(o->p, o->p, t);
        }
    }
    mpz_clear(t);
}

void oracle_clear(oracle *o)
{
    for (int i = 0; i < o->num_primes + o->num_special; i++)
        free(o->power[i]);
    mpz_clear(o->p);
}

void oracle_q(mpz_t out, const oracle *o, int level)
{
    mpz_t t;

    mpz_init(t);
    mpz_set_ui(out, 1);
    for (int i = 0; i <= level; i++) {
        word_mpz(t, o->prime[i]);
        mpz_mul(out, out, t);
    }
    mpz_clear(t);
}

/* p_1 ... p_k */
static void first_specials(mpz_t out, const oracle *o, int k)
{
    mpz_t t;

    mpz_init(t);
    mpz_set_ui(out, 1);
    for (int i = 0; i < k; i++) {
        word_mpz(t, o->prime[o->num_primes + i]);
        mpz_mul(out, out, t);
    }
    mpz_clear(t);
}

int oracle_digits(const oracle *o, int level)
{
    return level / o->alpha + 1;
}

static int last_of_digit(const oracle *o, int j, int level)
{
    int last = (j + 1) * o->alpha - 1;

    return last < level ? last : level;
}

void oracle_digit(mpz_t out, const oracle *o, int j, int level)
{
    mpz_t t;

    mpz_init(t);
    mpz_set_ui(out, 1);
    for (int i = j * o->alpha; i <= last_of_digit(o, j, level); i++) {
        word_mpz(t, o->prime[i]);
        mpz_mul(out, out, t);
    }
    mpz_clear(t);
}

int oracle_specials(const oracle *o, int level)
{
    int k = 0;
    mpz_t d, most, p;

    if (!o->fitted)
        return o->num_special;
    mpz_inits(d, most, p, NULL);
    for (int j = 0; j < oracle_digits(o, level); j++) {
        oracle_digit(d, o, j, level);
        if (mpz_cmp(d, most) > 0)
            mpz_set(most, d);
    }
    mpz_mul_ui(most, most, 2);
    do                          /* every k from 1 on, each product anew      */
        first_specials(p, o, ++k);
    while (k < o->num_special && mpz_cmp(p, most) < 0);
    mpz_clears(d, most, p, NULL);
    return k;
}

void oracle_p(mpz_t out, const oracle *o, int level)
{
    first_specials(out, o, oracle_specials(o, level));
}

uint64_t oracle_galois(const oracle *o, long step)
{
    const long n = (long)(o->n / 2);
    uint64_t g = 1;

    for (long i = 0; i < ((step % n) + n) % n; i++)
        g = g * o->generator % (2 * o->n);
    return g;
}

void oracle_small(opoly *out, const oracle *o, const int8_t *a)
{
    for (size_t k = 0; k < o->words; k++)
        mpz_set_si(out->c[k], a[k]);
    for (size_t k = o->words; k < o->n; k++)    /* X^-i is -X^(n-i)          */
        mpz_set_si(out->c[k], k == o->words ? 0 : -a[o->n - k]);
}

/* ---- NTT form by the definition ----------------------------------------- */

static size_t reversed(size_t i, size_t n)
{
    size_t r = 0;

    for (; n > 1; n /= 2, i /= 2)
        r = 2 * r + i % 2;
    return r;
}

/* The value that stands at place i is that at psi to this power. */
static size_t exponent(const oracle *o, size_t i)
{
    return 2 * o->n / o->words * reversed(i, o->words) + 1;
}

void oracle_ntt(uint64_t *out, const oracle *o, const uint64_t *in, int prime)
{
    const uint64_t p = o->prime[prime];

    for (size_t i = 0; i < o->words; i++) {
        size_t e = exponent(o, i);
        uint64_t sum = 0;

        for (size_t k = 0; k < o->n; k++)
            sum = (sum + mul_mod(in[k], o->power[prime][e * k % (2 * o->n)],
                                 p)) % p;
        out[i] = sum;
    }
}

/* out[k] = 1/n times the sum over all odd e of the value at psi^e times
 * psi^(-e k).  The words of the real ring are the values of one half of the e,
 * and those of -e, the other half, are the same. */
static void inverse_ntt(uint64_t *out, const oracle *o, const uint64_t *in,
                        int prime)
{
    const uint64_t p = o->prime[prime];
    const uint64_t n_inv = pow_mod(o->n % p, p - 2, p);
    const uint64_t *power = o->power[prime];

    for (size_t k = 0; k < o->n; k++) {
        uint64_t sum = 0;

        for (size_t i = 0; i < o->words; i++) {
            size_t e = exponent(o, i) * k % (2 * o->n);
            size_t minus = (2 * o->n - e) % (2 * o->n);

            sum = (sum + mul_mod(in[i], power[minus], p)) % p;
            if (o->n > o->words)
                sum = (sum + mul_mod(in[i], power[e], p)) % p;
        }
        out[k] = mul_mod(sum, n_inv, p);
    }
}

/* The number in the context of limb t of a polynomial of this level. */
static int prime_of_limb(const oracle *o, int level, int t)
{
    return t <= level ? t : o->num_primes + t - level - 1;
}

size_t oracle_size(const oracle *o, int level, int special)
{
    return o->words * (size_t)(level + 1 + special);
}

void oracle_read(opoly *out, const oracle *o, const uint64_t *words, int level,
                 int special)
{
    const int limbs = level + 1 + special;
    uint64_t *coeff = oracle_memory(o->n * sizeof *coeff);
    mpz_t all, part, factor, p, x;

    mpz_inits(all, part, factor, p, x, NULL);
    first_specials(all, o, special);
    oracle_q(part, o, level);
    mpz_mul(all, all, part);
    for (size_t k = 0; k < o->n; k++)
        mpz_set_ui(out->c[k], 0);
    for (int t = 0; t < limbs; t++) {
        int i = prime_of_limb(o, level, t);

        inverse_ntt(coeff, o, words + (size_t)t * o->words, i);
        word_mpz(p, o->prime[i]);
        mpz_divexact(part, all, p);
        mpz_invert(factor, part, p);
        mpz_mul(factor, factor, part);      /* 1 mod p, 0 mod the others     */
        for (size_t k = 0; k < o->n; k++) {
            word_mpz(x, coeff[k]);
            mpz_addmul(out->c[k], factor, x);
        }
    }
    opoly_mod(out, out, all, true);
    mpz_clears(all, part, factor, p, x, NULL);
    free(coeff);
}

/* N words can only stand for a polynomial that X -> 1/X leaves as it is. */
static void expect_of_the_ring(const oracle *o, const opoly *a)
{
    mpz_t t;

    if (o->n == o->words)
        return;
    mpz_init(t);
    for (size_t k = 0; k < o->words; k++) {
        mpz_add(t, a->c[o->words + k], a->c[o->words - k]);
        if (mpz_sgn(t) != 0)
            abort();
    }
    mpz_clear(t);
}

void oracle_write(uint64_t *words, const oracle *o, const opoly *a, int level,
                  int special)
{
    const int limbs = level + 1 + special;
    uint64_t *coeff = oracle_memory(o->n * sizeof *coeff);
    mpz_t p, x;

    expect_of_the_ring(o, a);
    mpz_inits(p, x, NULL);
    for (int t = 0; t < limbs; t++) {
        int i = prime_of_limb(o, level, t);

        word_mpz(p, o->prime[i]);
        for (size_t k = 0; k < o->n; k++) {
            mpz_fdiv_r(x, a->c[k], p);
            coeff[k] = mpz_word(x);
        }
        oracle_ntt(words + (size_t)t * o->words, o, coeff, i);
    }
    mpz_clears(p, x, NULL);
    free(coeff);
}
