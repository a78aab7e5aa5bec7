/* oracle.h -- CKKS computed on big integers, to decide what is right.
 *
 * Polynomials in Z[X]/(X^n+1) with GMP integers; products by the schoolbook
 * rule, transforms by evaluating the definition, real numbers in long double.
 * Written from docs/conventions.md; shares primes and words with ckks/, no
 * code.  Slow and plain on purpose: n up to about 2^10.
 *
 * n is N, and 2N for a context of the real ring: that ring is part of the
 * larger one, the polynomials that X -> 1/X leaves as they are, c_(2N-k) = -c_k
 * and c_N = 0.  Products, automorphisms, roundings and slots are the larger
 * ring's, and nothing here knows of a_0 + sum of a_i (X^i + X^-i) but small
 * coefficients and words, where N numbers stand for 2N.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <gmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORACLE_PRIMES = 96 };

/* malloc that ends the program when there is none. */
void *oracle_memory(size_t size);

/* ---- polynomials with integer coefficients ------------------------------ */

typedef struct opoly {
    size_t n;
    mpz_t *c;               /* c[k] is the coefficient of X^k                */
} opoly;

void opoly_init(opoly *a, size_t n);                /* 0                     */
void opoly_clear(opoly *a);
void opoly_set(opoly *out, const opoly *a);
void opoly_add(opoly *out, const opoly *a, const opoly *b);
void opoly_sub(opoly *out, const opoly *a, const opoly *b);
void opoly_mul(opoly *out, const opoly *a, const opoly *b);
void opoly_scale(opoly *out, const opoly *a, const mpz_t w);
/* X -> X^g, g odd */
void opoly_map(opoly *out, const opoly *a, uint64_t g);
/* Every coefficient to its representative in [-m/2, m/2), or [0, m). */
void opoly_mod(opoly *out, const opoly *a, const mpz_t m, bool centred);
/* (a - r) / m, r the centred remainder of a modulo m: rounding. */
void opoly_round_div(opoly *out, const opoly *a, const mpz_t m);
bool opoly_equal(const opoly *a, const opoly *b);
/* The largest |c_k|; as a number, and its log2 (-1 for 0). */
void opoly_top(mpz_t out, const opoly *a);
double opoly_log_top(const opoly *a);

/* ---- the numbers of a context ------------------------------------------- */

typedef struct oracle {
    size_t n;               /* of X^n + 1: N, in the real ring 2N            */
    size_t words;           /* of a limb: N; n/2 slots in either ring        */
    int num_primes, num_special;
    int alpha;              /* primes a digit                                */
    uint64_t generator;
    bool centred;           /* digits                                        */
    bool fitted;            /* special primes are those a level needs        */
    uint64_t prime[ORACLE_PRIMES];              /* ciphertext, then special  */
    /* psi^k of prime i for k < 2n at power[i], psi the smallest primitive
     * 2n-th root. */
    uint64_t *power[ORACLE_PRIMES];
    mpz_t p;                /* product of the special primes                 */
} oracle;

/* N words a limb; prime: num_primes + num_special words. */
void oracle_init(oracle *o, size_t words, bool real, const uint64_t *prime,
                 int num_primes, int num_special, int dnum, int generator,
                 bool centred, bool fitted);
void oracle_clear(oracle *o);

/* The largest prime below 2^bits that is 1 modulo 2n and not among the `count`
 * words of used; 0 if there is none above 2^(bits-1). */
uint64_t oracle_prime(size_t n, int bits, const uint64_t *used, size_t count);

/* Q_level */
void oracle_q(mpz_t out, const oracle *o, int level);
/* The number of digits at a level, and the product of the primes of digit j. */
int oracle_digits(const oracle *o, int level);
void oracle_digit(mpz_t out, const oracle *o, int j, int level);
/* Special primes that key switching at a level uses, the first k; and their
 * product P_k. */
int oracle_specials(const oracle *o, int level);
void oracle_p(mpz_t out, const oracle *o, int level);
/* generator^step mod 2n, any integer step */
uint64_t oracle_galois(const oracle *o, long step);

/* ---- words -------------------------------------------------------------- */

/* The number of words of a polynomial over q_0..q_level and so many special
 * primes, the first. */
size_t oracle_size(const oracle *o, int level, int special);

/* The polynomial, coefficients centred modulo the product of its primes, whose
 * NTT form is in words: limbs q_0..q_level, then the special ones. */
void oracle_read(opoly *out, const oracle *o, const uint64_t *words, int level,
                 int special);
/* The NTT form of a polynomial. */
void oracle_write(uint64_t *words, const oracle *o, const opoly *a, int level,
                  int special);
/* out = the polynomial of N small coefficients. */
void oracle_small(opoly *out, const oracle *o, const int8_t *a);
/* One limb by the definition: out[i] = sum of in[k] psi^((f br(i) + 1) k),
 * k < n, f = 2n / N. */
void oracle_ntt(uint64_t *out, const oracle *o, const uint64_t *in, int prime);

/* ---- the scheme --------------------------------------------------------- */

/* c_0 + c_1 s + ... modulo Q_level, centred. */
void oracle_decrypt(opoly *out, const oracle *o, const opoly *c, int degree,
                    const opoly *s, int level);

/* The inner products of the digits of x / (P / P_k) mod Q_level with key,
 * modulo Q_level P_k.
 * key: shape (digits, 2): b_0, a_0, b_1, ... modulo Q_level P_k. */
void oracle_inner(opoly out[2], const oracle *o, const opoly *x,
                  const opoly *key, int level);
/* oracle_inner divided by P_k, modulo Q_level. */
void oracle_switch(opoly out[2], const oracle *o, const opoly *x,
                   const opoly *key, int level);
/* g_j: 1 modulo the primes of digit j, 0 modulo the others up to level and
 * modulo P; out = P g_j modulo Q_level P. */
void oracle_gadget(mpz_t out, const oracle *o, int j, int level);

/* ---- slots -------------------------------------------------------------- */

/* re, im: n/2 slots of factor times the polynomial. */
void oracle_slots(long double *re, long double *im, const oracle *o,
                  const long double *coeff, long double factor);
/* coeff: n real coefficients, times factor, of the polynomial with these
 * n/2 slots. */
void oracle_coeffs(long double *coeff, const oracle *o, const long double *re,
                   const long double *im, long double factor);
long double oracle_real(const mpz_t a);

#endif
