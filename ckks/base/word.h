/* word.h -- arithmetic of one word modulo p.
 *
 * Read first: docs/01-words.md.  All lemmas the portable code rests on stand
 * here; test_exhaustive.c checks them over all inputs for small p.
 */
#ifndef CKI_WORD_H
#define CKI_WORD_H

#include <stdint.h>

#include "base/base.h"

/* ---- 64 x 64 -> 128 bits: the one place that knows how ------------------ */

/* WebAssembly has no such product: clang calls a function for __int128, and
 * the four products of halves are faster in line. */
#if defined(__SIZEOF_INT128__) && !defined(CKKS_NO_INT128) \
    && !defined(__wasm__)

__extension__ typedef unsigned __int128 cki_u128;

static inline uint64_t cki_mul_hi(uint64_t a, uint64_t b)
{
    return (uint64_t)(((cki_u128)a * b) >> 64);
}

static inline void cki_mul_wide(uint64_t *hi, uint64_t *lo, uint64_t a,
                                uint64_t b)
{
    cki_u128 x = (cki_u128)a * b;

    *hi = (uint64_t)(x >> 64);
    *lo = (uint64_t)x;
}

#else

/* Four products of halves.  With a = a1 2^32 + a0 and b likewise, mid
 * <= (2^32 - 1)^2 + 2 (2^32 - 1) < 2^64 cannot overflow. */
static inline void cki_mul_wide(uint64_t *hi, uint64_t *lo, uint64_t a,
                                uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, mid = a1 * b0 + (low >> 32);
    uint64_t mid2 = a0 * b1 + (uint32_t)mid;

    *hi = a1 * b1 + (mid >> 32) + (mid2 >> 32);
    *lo = mid2 << 32 | (uint32_t)low;
}

static inline uint64_t cki_mul_hi(uint64_t a, uint64_t b)
{
    uint64_t hi, lo;

    cki_mul_wide(&hi, &lo, a, b);
    return hi;
}

#endif

/* ---- choosing by a secret ------------------------------------------------
 *
 * A mask of a comparison, (0 - (a < b)) & p, chooses between 0 and p, and a
 * compiler may make a jump of it (docs/10-kernels.md).  So every choice by a
 * secret word is one of the two functions here, and `make check-ct` looks at
 * what compilers made of them. */

/* All ones if bit, which is 0 or 1, else 0.  The empty instruction "writes" the
 * mask: what follows must hold for any word, as if not only two could come.
 * Without GNU C a volatile object does that, through memory. */
static inline uint64_t cki_mask(uint64_t bit)
{
#if defined(__GNUC__)
    uint64_t mask = 0 - bit;

    __asm__("" : "+r"(mask));
    return mask;
#else
    volatile uint64_t mask = 0 - bit;

    return mask;
#endif
}

/* x < 2y, y < 2^63 -> x mod y.  x - y lies in [-y, y); its top bit says which
 * half.  x86-64 has an instruction that chooses, and takes the borrow for it:
 * transforms would be a quarter slower without. */
static inline uint64_t cki_below(uint64_t x, uint64_t y)
{
#if defined(__GNUC__) && defined(__x86_64__) && !defined(CKKS_NO_CMOV)
    uint64_t r = x;

    __asm__("sub\t{%2, %0|%0, %2}\n\tcmovb\t{%1, %0|%0, %1}"
            : "+&r"(r) : "r"(x), "r"(y) : "cc");
    return r;
#else
    uint64_t r = x - y;

    return r + (y & cki_mask(r >> 63));
#endif
}

/* ---- a modulus and Barrett reduction ------------------------------------ */

/* p odd, 3 <= p < 2^61, 2^(bits-1) < p < 2^bits. */
typedef struct cki_mod {
    uint64_t p;
    uint64_t mu;        /* floor(2^(2 bits) / p) < 2^(bits+1)                */
    uint64_t two64;     /* 2^64 mod p                                        */
    uint64_t one;       /* floor(2^64 / p)                                   */
    int      bits;
    double   inv;       /* RN(1/p)                                           */
} cki_mod;

/* p < 2^61; computes mu by long division of 2^(2 bits). */
cki_mod cki_mod_make(uint64_t p);

static inline uint64_t cki_add(uint64_t a, uint64_t b, uint64_t p)
{
    return cki_below(a + b, p);
}

static inline uint64_t cki_sub(uint64_t a, uint64_t b, uint64_t p)
{
    uint64_t r = a - b;

    return r + (p & cki_mask(r >> 63));
}

/* 0 - a has its top bit set unless a = 0. */
static inline uint64_t cki_neg(uint64_t a, uint64_t p)
{
    return (p - a) & cki_mask((0 - a) >> 63);
}

/* Lemma B (Barrett).  Let k = bits, x < 2^(2k), mu = floor(2^(2k) / p) and
 * q = floor(floor(x / 2^(k-1)) mu / 2^(k+1)).  Then q <= floor(x/p) <= q + 2,
 * so 0 <= x - q p < 3p.
 *
 *   Proof.  x/p = (x / 2^(k-1)) (2^(2k) / p) / 2^(k+1).  Cutting the first
 *   factor (< 2^(k+1)) loses less than 1 times (2^(2k)/p) / 2^(k+1) <= 1
 *   (p > 2^(k-1)); cutting the second loses less than 2^(k+1) / 2^(k+1) = 1;
 *   so the product before the last floor is above x/p - 2.
 *
 * Checked for every x and p of a few bits in tests.  [HAC] algorithm 14.42.
 */
static inline uint64_t cki_reduce_wide(uint64_t hi, uint64_t lo,
                                       const cki_mod *m)
{
    int k = m->bits;
    uint64_t x1 = hi << (65 - k) | lo >> (k - 1);   /* < 2^(k+1)             */
    uint64_t qh, ql, q, r;

    cki_mul_wide(&qh, &ql, x1, m->mu);
    q = qh << (63 - k) | ql >> (k + 1);
    r = lo - q * m->p;                              /* [0, 3p)               */
    return cki_below(cki_below(r, 2 * m->p), m->p);
}

/* a b mod p for a, b < p. */
static inline uint64_t cki_mul(uint64_t a, uint64_t b, const cki_mod *m)
{
    uint64_t hi, lo;

    cki_mul_wide(&hi, &lo, a, b);
    return cki_reduce_wide(hi, lo, m);
}

/* ---- Shoup: a product by a constant ------------------------------------- */

/* floor(2^64 w / p) for w < p. */
uint64_t cki_shoup(uint64_t w, const cki_mod *m);

/* Lemma S (Shoup).  Let 0 <= w < p < 2^63, s = floor(2^64 w / p), 0 <= y <
 * 2^64 and q = floor(s y / 2^64).  Then 0 <= w y - q p < 2p.
 *
 *   Proof.  Write 2^64 w = s p + e, 0 <= e < p, and s y = 2^64 q + f,
 *   0 <= f < 2^64.  Then 2^64 (w y - q p) = y (s p + e) - p (s y - f)
 *   = e y + f p, which lies in [0, 2^64 p + 2^64 p).  Divide by 2^64.
 *
 * The difference is below 2^64, so it may be computed mod 2^64. [Harvey14]
 */
static inline uint64_t cki_mul_shoup_lazy(uint64_t y, uint64_t w, uint64_t s,
                                          uint64_t p)
{
    return w * y - cki_mul_hi(s, y) * p;            /* [0, 2p), Lemma S      */
}

static inline uint64_t cki_mul_shoup(uint64_t y, uint64_t w, uint64_t s,
                                     uint64_t p)
{
    return cki_below(cki_mul_shoup_lazy(y, w, s, p), p);
}

/* ---- any word, two words, signed words ----------------------------------- */

/* a mod p for any word: Lemma S with w = 1. */
static inline uint64_t cki_reduce(uint64_t a, const cki_mod *m)
{
    return cki_mul_shoup(a, 1, m->one, m->p);
}

/* (hi 2^64 + lo) mod p for any two words. */
static inline uint64_t cki_reduce_any(uint64_t hi, uint64_t lo,
                                      const cki_mod *m)
{
    uint64_t h = cki_mul(cki_reduce(hi, m), m->two64, m);

    return cki_add(h, cki_reduce(lo, m), m->p);
}

/* A signed number mod p, |a| < 2^63. */
static inline uint64_t cki_from_signed(int64_t a, const cki_mod *m)
{
    uint64_t minus = cki_mask((uint64_t)a >> 63);
    uint64_t u = cki_reduce(((uint64_t)a ^ minus) - minus, m);

    return cki_sub((u ^ minus) - minus, 0, m->p);   /* u or -u, then + p     */
}

/* A double that is a whole number, mod p (prime.c). */
uint64_t cki_from_double(double a, const cki_mod *m);

/* ---- powers, inverses, primes (prime.c) --------------------------------- */

uint64_t cki_pow(uint64_t a, uint64_t e, const cki_mod *m);
uint64_t cki_inv(uint64_t a, const cki_mod *m);     /* p prime, a != 0       */

/* Deterministic for every word (Miller-Rabin with the first 12 primes). */
bool cki_is_prime(uint64_t p);

/* The largest prime p < 2^bits with p = 1 mod step (step even) that is not
 * among the n words of used; 0 if there is none above 2^(bits-1). */
uint64_t cki_find_prime(int bits, uint64_t step, const uint64_t *used,
                        size_t n);

/* The smallest primitive root of unity of order `order` (a power of two
 * that divides p - 1); 0 if p has none. */
uint64_t cki_min_root(uint64_t order, const cki_mod *m);

/* The low `bits` bits of x in reversed order. */
static inline uint32_t cki_bitrev(uint32_t x, int bits)
{
    uint32_t r = 0;

    for (int i = 0; i < bits; i++)
        r |= (x >> i & 1) << (bits - 1 - i);
    return r;
}

#endif
