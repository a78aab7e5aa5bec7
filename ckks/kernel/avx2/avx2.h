/* avx2.h -- residues modulo p < 2^49 in doubles, with fused
 * multiply-add.
 *
 * Read first: docs/10-kernels.md.  Residues are doubles holding whole numbers;
 * a product modulo p is five operations and exact:
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
#ifndef CKI_AVX2_H
#define CKI_AVX2_H

#include <immintrin.h>

#include "kernel/kernel.h"

/* Where a call would pass vectors through memory. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
/* Loops over arrays of vectors that are to live in registers. */
#define UNROLL _Pragma("GCC unroll 8")

typedef __m256d vec;

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

/* All four are whole and in [least, most]. */
static inline bool between(vec x, double least, double most)
{
    const vec whole = _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT
                                             | _MM_FROUND_NO_EXC);
    const vec in = _mm256_and_pd(
        _mm256_cmp_pd(x, _mm256_set1_pd(least), _CMP_GE_OQ),
        _mm256_cmp_pd(x, _mm256_set1_pd(most), _CMP_LE_OQ));

    return _mm256_movemask_pd(_mm256_and_pd(
        in, _mm256_cmp_pd(x, whole, _CMP_EQ_OQ))) == 15;
}

static inline bool at_most(vec x, double most)
{
    return between(x, -most, most);
}

/* |a w| <= most p */
static inline bool product_at_most(vec a, vec w, double most, vec p)
{
    const vec sign = _mm256_set1_pd(-0.0);
    const vec size = _mm256_andnot_pd(sign, _mm256_mul_pd(a, w));

    return _mm256_movemask_pd(_mm256_cmp_pd(
        size, _mm256_mul_pd(p, _mm256_set1_pd(most)), _CMP_LE_OQ)) == 15;
}

/* The constants of one prime. */
typedef struct prime {
    vec p, inv, magic;
    vec half, up;               /* (p - 1) / 2, 2^52 + (p - 1) / 2           */
} prime;

static inline prime prime_of(const cki_mod *m)
{
    const double half = (double)((m->p - 1) / 2);
    prime c = { _mm256_set1_pd((double)m->p), _mm256_set1_pd(m->inv),
                _mm256_set1_pd(MAGIC), _mm256_set1_pd(half),
                _mm256_set1_pd(TWO52 + half) };

    return c;
}

static inline double p_of(prime c)
{
    return _mm256_cvtsd_f64(c.p);
}

/* Four lazy values, or n in the memory of words, are within bound p/1024. */
#define VERIFY_VEC(x, bound, c) \
    VERIFY(at_most(x, p_of(c) / UNIT * (bound)))
#ifdef CKKS_VERIFY
#define VERIFY_WITHIN(x, n, bound, c)                                     \
    do {                                                                  \
        for (size_t v_ = 0; v_ < (n); v_ += 4)                            \
            VERIFY_VEC(load_lazy((x) + v_), bound, c);                    \
    } while (0)
#else
#define VERIFY_WITHIN(x, n, bound, c) ((void)0)
#endif

/* A word of [0, 2^52) as a double and back: the bits of 2^52 + x are those of
 * 2^52 with x in the low 52. */
static inline vec from_words(__m256i u)
{
    __m256i two52 = _mm256_castpd_si256(_mm256_set1_pd(TWO52));

    VERIFY(_mm256_testz_si256(u, _mm256_set1_epi64x(-(1LL << 52))));
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(u, two52)),
                         _mm256_set1_pd(TWO52));
}

static inline vec load(const uint64_t *x)
{
    return from_words(_mm256_loadu_si256((const __m256i *)(const void *)x));
}

static inline __m256i to_words(vec v)
{
    __m256i two52 = _mm256_castpd_si256(_mm256_set1_pd(TWO52));
    __m256i u = _mm256_castpd_si256(_mm256_add_pd(v, _mm256_set1_pd(TWO52)));

    VERIFY(between(v, 0, TWO52 - 1));
    return _mm256_xor_si256(u, two52);
}

static inline void store(uint64_t *x, vec v)
{
    _mm256_storeu_si256((__m256i *)(void *)x, to_words(v));
}

/* Automorphisms take a group of four from one group of four: where it lies,
 * and its order, word k as the pair (2k, 2k + 1) of 32-bit lanes. */
static inline size_t group_at(const uint32_t *perm)
{
    return perm[0] & ~(uint32_t)3;
}

static inline __m256i group_order(const uint32_t *perm)
{
    const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 0, 1, 0, 1, 0, 1);
    __m256i index = _mm256_castsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)perm));

    index = _mm256_slli_epi32(_mm256_permutevar8x32_epi32(index, twice), 1);
    return _mm256_or_si256(index, lanes);   /* three bits of each are read   */
}

/* in[perm[0]] .. in[perm[3]], still words. */
static inline __m256i permuted(const uint64_t *in, const uint32_t *perm)
{
    const uint64_t *group = in + group_at(perm);

    return _mm256_permutevar8x32_epi32(
        _mm256_loadu_si256((const __m256i *)(const void *)group),
        group_order(perm));
}

/* Permuted reading jumps from line to line, and no prefetcher follows: what
 * will be read AHEAD words later is asked for. */
enum { AHEAD = 128 };

static inline void ask_permuted(const uint64_t *in, const uint32_t *perm,
                                size_t at, size_t n)
{
    _mm_prefetch((const void *)(in + group_at(perm + (at + AHEAD) % n)),
                 _MM_HINT_T0);
}

static inline vec load_permuted(const uint64_t *in, const uint32_t *perm)
{
    return from_words(permuted(in, perm));
}

/* Doubles kept in the memory of words, within one transform. */
static inline vec load_lazy(const uint64_t *x)
{
    return _mm256_castsi256_pd(
        _mm256_loadu_si256((const __m256i *)(const void *)x));
}

static inline void store_lazy(uint64_t *x, vec v)
{
    _mm256_storeu_si256((__m256i *)(void *)x, _mm256_castpd_si256(v));
}

/* The nearest whole number of x y, |x y| <= 2^51, y = 1/p. */
static inline vec nearest(vec x, vec y, prime c)
{
    VERIFY(product_at_most(x, _mm256_set1_pd(1), 0x1p51, c.p));
    return _mm256_sub_pd(_mm256_fmadd_pd(x, y, c.magic), c.magic);
}

/* a w mod p by Lemma F. */
static inline vec mulmod(vec a, vec w, prime c)
{
    vec h = _mm256_mul_pd(a, w), l = _mm256_fmsub_pd(a, w, h);
    vec q = nearest(h, c.inv, c);

    VERIFY(at_most(a, TWO52) && at_most(w, TWO52));
    return _mm256_add_pd(_mm256_fnmadd_pd(q, c.p, h), l);
}

/* x mod p with |out| <= p (1/2 + |x / p| 2^-52); |x| < 2^53, |x/p| <= 2^51. */
static inline vec reduce(vec x, prime c)
{
    vec r = _mm256_fnmadd_pd(nearest(x, c.inv, c), c.p, x);

    VERIFY(at_most(r, p_of(c)));
    return r;
}

/* (-p, p) -> [0, p), by the sign bit.  x is never -0: a zero comes from x - x
 * or as a last sum with +0 (mulmod's l), and both are +0. */
static inline vec lift(vec x, prime c)
{
    VERIFY(at_most(x, p_of(c) - 1));
    return _mm256_blendv_pd(x, _mm256_add_pd(x, c.p), x);
}

/* reduce(x - (p-1)/2) as the word x mod p, by Lemma C. */
static inline __m256i centred_words(vec v, prime c)
{
    __m256i two52 = _mm256_castpd_si256(_mm256_set1_pd(TWO52));
    __m256i u = _mm256_castpd_si256(_mm256_add_pd(v, c.up));

    VERIFY(at_most(v, _mm256_cvtsd_f64(c.half)));
    return _mm256_xor_si256(u, two52);
}

static inline void store_centred(uint64_t *x, vec v, prime c)
{
    _mm256_storeu_si256((__m256i *)(void *)x, centred_words(v, c));
}

/* [0, 2p) -> [0, p) */
static inline vec fold(vec x, prime c)
{
    vec large = _mm256_cmp_pd(x, c.p, _CMP_GE_OQ);

    VERIFY(between(x, 0, 2 * p_of(c) - 1));
    return _mm256_sub_pd(x, _mm256_and_pd(large, c.p));
}

static inline double balanced(uint64_t w, uint64_t p)
{
    return w > p / 2 ? -(double)(p - w) : (double)w;
}

static inline vec constant(uint64_t w, const cki_mod *m)
{
    return _mm256_set1_pd(balanced(w, m->p));
}

/* Words i .. i + 3 of x, or of x permuted. */
static inline vec load_at(const uint64_t *x, const uint32_t *perm, size_t i)
{
    return perm == NULL ? load(x + i) : load_permuted(x, perm + i);
}

/* ---- the functions of the kernel, by file ------------------------------- */

size_t cki_avx2_ntt_bytes(size_t n);
void cki_avx2_ntt_prepare(cki_ntt *t, const uint64_t *root,
                          const uint64_t *inverse);
void cki_avx2_ntt_fwd(uint64_t *x, const cki_ntt *t);
void cki_avx2_ntt_head(uint64_t *x, const cki_ntt *t);
void cki_avx2_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t,
                           const cki_soon *soon);
void cki_avx2_ntt_inv(uint64_t *out, const uint64_t *in, uint64_t w,
                      const cki_ntt *t);
void cki_avx2_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
                         const cki_ntt *t);

void cki_avx2_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m);
void cki_avx2_sub(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m);
void cki_avx2_mul(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m);
void cki_avx2_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      const uint64_t *c, size_t n, const cki_mod *m);
void cki_avx2_square(uint64_t *out0, uint64_t *out1, uint64_t *out2,
                     const uint64_t *a0, const uint64_t *a1, bool add_to,
                     size_t n, const cki_mod *m);
void cki_avx2_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                        const uint64_t *c, size_t n, const cki_mod *m);
void cki_avx2_permute(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                      size_t n);

void cki_avx2_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                   const cki_turn *turn, const uint64_t *const *y0,
                   const uint64_t *const *y1, int k, bool add_to, size_t n,
                   const cki_mod *m);
void cki_avx2_convert_begin(uint64_t *const *y, uint64_t *v, const cki_conv *k,
                            bool centred, size_t n);
void cki_avx2_convert_end(uint64_t *const *out, const int *number,
                          int num_targets, const uint64_t *const *y,
                          const uint64_t *v, const cki_conv *k, size_t n);

/* Integer combinations: rows that are worked on together; columns of a tile of
 * digits, long enough for what fetches lines in a row. */
enum { ROWS = 4, DIGIT_COLUMNS = 256 };

size_t cki_avx2_combine_work(size_t n_in, const ckks_block *block,
                             size_t n_blocks);
void cki_avx2_combine(uint64_t *const *out, const uint64_t *const *in,
                      size_t n_in, const ckks_block *block, size_t n_blocks,
                      size_t n, const cki_mod *m, void *work);

/* |weight| < 2^15 (cki_pairs_fit), n a multiple of 32; work as above. */
void cki_avx2_combine_digits(uint64_t *const *out, const uint64_t *const *in,
                             size_t n_in, const ckks_block *block,
                             size_t n_blocks, size_t n, const cki_mod *m,
                             void *work);

void cki_avx2_lift(uint64_t *out, const uint64_t *in, uint64_t bound,
                   uint64_t shift, size_t n);
void cki_avx2_from_small(uint64_t *out, const int8_t *in, size_t n,
                         const cki_mod *m);
void cki_avx2_weigh(uint64_t *const *out, size_t rows,
                    const uint64_t *const *in, const uint64_t *weight,
                    size_t terms, size_t n, const cki_mod *m);

void cki_avx2_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                     size_t count);

#endif
