/* fma.h -- residues modulo p < 2^49 in doubles, with fused multiply-add.
 *
 * Read first: docs/10-kernels.md.  The loops of this folder are written once
 * for vectors of LANES doubles.  A kernel compiles them in its kernel.c, for
 * the operations of its own lanes.h: avx2 for four lanes, fma2 for two.
 *
 * Residues are doubles holding whole numbers; a product modulo p is five
 * operations and exact:
 *
 * Lemma F.  p odd, p < 2^49, pinv = RN(1/p), M = 1.5 * 2^52; a, w whole,
 * |a w| <= 2^51 p.  Let h = RN(a w), l = fma(a, w, -h),
 * q = fma(h, pinv, M) - M, r = fma(-q, p, h) + l.  Then r = a w - q p exactly
 * and |r| <= p (1/2 + |a w / p| 2^-52).
 *
 *   Proof.  l is exact: the error of a product of doubles is a double when
 *   nothing underflows.  h pinv = (a w / p)(1 + e) with |e| <= 2^-52 + 2^-106,
 *   so it is off by at most |a w / p| 2^-52 (+ a negligible term); M plus a
 *   number of at most 2^51 lies in [2^52, 2^53] where doubles are whole, so
 *   the fma rounds once, to the nearest whole number: |q - a w / p| <= 1/2 +
 *   |a w / p| 2^-52.  Hence |a w - q p| <= p (1/2 + ...) <= p < 2^49.  h - q p
 *   is whole and at most 2^49 + |l|, |l| <= 2^47, so both the fma and the last
 *   sum are exact.
 *
 * Lemma C.  p odd, h = (p - 1)/2, y = x - h whole, |y| < 2^52: then
 * r = reduce(y) lies in [-h, h], so r + h = x mod p without a comparison.
 *
 *   Proof.  y = k p + j with |j| <= h, so y / p is 1/(2p) or more away from
 *   every half of an odd number.  pinv = (1 + e)/p with |e| <= 2^-53: y pinv is
 *   off by |y / p| 2^-53 < 1/(2p) and lies on the same side of them.  The fma
 *   with M rounds the exact y pinv once, to k; r = y - k p = j is exact.
 *
 * With |w| <= p/2 (twiddles are stored balanced) and |a| <= A p this reads:
 * A p <= 2^52, |r| <= p (1/2 + A p 2^-53) <= p (1/2 + A/16).  Ranges are
 * written B: "B = 2.8" means |x| <= 2.8 p.  The limit is A = 8.  Bounds have
 * names and are whole numbers of p/1024, so that the compiler can check how one
 * follows from another; under CKKS_VERIFY words are checked against them after
 * each sweep, and what Lemmas F, C and D ask for at each use.
 */
#ifndef CKI_FMA_H
#define CKI_FMA_H

#include <string.h>

#include "kernel/kernel.h"

#ifndef LANES
#error "include the lanes.h of a kernel first"
#endif

/* Loops over arrays of vectors that are to live in registers. */
#define UNROLL _Pragma("GCC unroll 8")

#define MAGIC 0x1.8p52
#define TWO52 0x1p52

/* Bounds, in p/1024. */
enum {
    UNIT = 1024,                /* p                                         */
    HALF = UNIT / 2,
    MOST = 8 * UNIT,            /* what a product and Lemma C take           */
    OF_WORDS = HALF + UNIT / 8, /* a product of two words: |a b / p| < p     */
    OF_SUM = HALF + UNIT / 4,   /* of a word and the sum of two              */
    OF_DOT = HALF + UNIT / 16   /* p/2 + 1 (dot_end), p > 16                 */
};

/* What a product of B and a twiddle is at most (Lemma F). */
#define PRODUCT(b) (HALF + ((b) + 15) / 16)
#define WITHIN(a, b) \
    _Static_assert((int)(a) <= (int)(b), #a " is more than " #b)

/* What is lifted lies in (-p, p). */
WITHIN(OF_WORDS, UNIT - 1);
WITHIN(OF_SUM, UNIT - 1);
WITHIN(PRODUCT(MOST), UNIT);

/* ---- checks, under CKKS_VERIFY ------------------------------------------ */

static inline bool everywhere(ints mask)
{
    for (int k = 0; k < LANES; k++)
        if (mask[k] == 0)
            return false;
    return true;
}

/* All are whole and in [least, most]. */
static inline bool between(vec x, double least, double most)
{
    return everywhere((x == whole_below(x)) & (x >= all(least))
                      & (x <= all(most)));
}

static inline bool at_most(vec x, double most)
{
    return between(x, -most, most);
}

/* |a w| <= most p */
static inline bool product_at_most(vec a, vec w, double most, vec p)
{
    const vec x = a * w, edge = p * all(most);

    return everywhere((x <= edge) & (-x <= edge));
}

/* The constants of one prime. */
typedef struct prime {
    vec p, inv, magic;
    vec half, up;               /* (p - 1) / 2, 2^52 + (p - 1) / 2           */
} prime;

static inline prime prime_of(const cki_mod *m)
{
    const double half = (double)((m->p - 1) / 2);
    prime c = { all((double)m->p), all(m->inv), all(MAGIC), all(half),
                all(TWO52 + half) };

    return c;
}

/* A vector of lazy values, or n in the memory of words, are within bound
 * p/1024. */
#define VERIFY_VEC(x, bound, c) \
    VERIFY(at_most(x, (c).p[0] / (double)UNIT * (double)(bound)))
#ifdef CKKS_VERIFY
#define VERIFY_WITHIN(x, n, bound, c)                                     \
    do {                                                                  \
        for (size_t v_ = 0; v_ < (n); v_ += LANES)                        \
            VERIFY_VEC(load_lazy((x) + v_), bound, c);                    \
    } while (0)
#else
#define VERIFY_WITHIN(x, n, bound, c) ((void)0)
#endif

/* A word of [0, 2^52) as a double and back: the bits of 2^52 + x are those of
 * 2^52 with x in the low 52. */
static inline vec from_words(ints u)
{
    VERIFY(everywhere(u >> 52 == all_words(0)));
    return (vec)(u | (ints)all(TWO52)) - all(TWO52);
}

static inline ints load_words(const uint64_t *x)
{
    ints v;

    memcpy(&v, x, sizeof v);
    return v;
}

static inline void store_words(uint64_t *x, ints v)
{
    memcpy(x, &v, sizeof v);
}

static inline vec load_doubles(const double *x)
{
    vec v;

    memcpy(&v, x, sizeof v);
    return v;
}

static inline vec load(const uint64_t *x)
{
    return from_words(load_words(x));
}

static inline ints to_words(vec v)
{
    VERIFY(between(v, 0, TWO52 - 1));
    return (ints)(v + all(TWO52)) ^ (ints)all(TWO52);
}

static inline void store(uint64_t *x, vec v)
{
    store_words(x, to_words(v));
}

static inline vec load_permuted(const uint64_t *in, const uint32_t *perm)
{
    return from_words(permuted(in, perm));
}

/* Words i, i + 1, .. of x, or of x permuted. */
static inline vec load_at(const uint64_t *x, const uint32_t *perm, size_t i)
{
    return perm == NULL ? load(x + i) : load_permuted(x, perm + i);
}

/* Permuted reading jumps from line to line, and no prefetcher follows: what
 * will be read AHEAD words later is asked for. */
enum { AHEAD = 128 };

static inline void ask_permuted(const uint64_t *in, const uint32_t *perm,
                                size_t at, size_t n)
{
    __builtin_prefetch(in + perm[(at + AHEAD) % n]);
}

/* Doubles kept in the memory of words, within one transform. */
static inline vec load_lazy(const uint64_t *x)
{
    return (vec)load_words(x);
}

static inline void store_lazy(uint64_t *x, vec v)
{
    store_words(x, (ints)v);
}

/* The nearest whole number of x y, |x y| <= 2^51, y = 1/p. */
static inline vec nearest(vec x, vec y, prime c)
{
    VERIFY(product_at_most(x, all(1), 0x1p51, c.p));
    return fmadd(x, y, c.magic) - c.magic;
}

/* a w mod p by Lemma F. */
static inline vec mulmod(vec a, vec w, prime c)
{
    vec h = a * w, l = fmsub(a, w, h);
    vec q = nearest(h, c.inv, c);

    VERIFY(at_most(a, TWO52) && at_most(w, TWO52));
    return fnmadd(q, c.p, h) + l;
}

/* x mod p with |out| <= p (1/2 + |x / p| 2^-52); |x| < 2^53, |x/p| <= 2^51. */
static inline vec reduce(vec x, prime c)
{
    vec r = fnmadd(nearest(x, c.inv, c), c.p, x);

    VERIFY(at_most(r, c.p[0]));
    return r;
}

/* (-p, p) -> [0, p) */
static inline vec lift(vec x, prime c)
{
    VERIFY(at_most(x, c.p[0] - 1));
    return lifted(x, c.p);
}

/* reduce(x - (p-1)/2) as the word x mod p, by Lemma C. */
static inline ints centred_words(vec v, prime c)
{
    VERIFY(at_most(v, c.half[0]));
    return (ints)(v + c.up) ^ (ints)all(TWO52);
}

static inline void store_centred(uint64_t *x, vec v, prime c)
{
    store_words(x, centred_words(v, c));
}

/* [0, 2p) -> [0, p) */
static inline vec fold(vec x, prime c)
{
    VERIFY(between(x, 0, 2 * c.p[0] - 1));
    return x - where(x >= c.p, c.p);
}

static inline double balanced(uint64_t w, uint64_t p)
{
    return w > p / 2 ? -(double)(int64_t)(p - w) : (double)(int64_t)w;
}

static inline vec constant(uint64_t w, const cki_mod *m)
{
    return all(balanced(w, m->p));
}

#endif
