/* ifma.h -- residues modulo p < 2^49 in words, with the 52-bit
 * multiply-add of AVX-512.
 *
 * Read first: docs/10-kernels.md.  The instruction multiplies the low 52 bits
 * of two words and adds the low or the high 52 bits of the product to a third:
 * lo(c, a, b) = c + (a b mod 2^52), hi(c, a, b) = c + floor(a b / 2^52).
 *
 * Lemma I.  p odd, p < 2^52, 0 <= w < p, s = floor(2^52 w / p), 0 <= a < 2^52,
 * q = hi(0, a, s).  Then 0 <= a w - q p < p (1 + a 2^-52) < 2p.
 *
 *   Proof.  Lemma S (word.h) with 2^52 in place of 2^64:  2^52 w = s p + e,
 *   0 <= e < p, and s a = 2^52 q + f, 0 <= f < 2^52, so 2^52 (a w - q p) =
 *   a e + f p, which lies in [0, a p + 2^52 p).
 *
 * With neg = 2^52 - p, lo(lo(c, a, w), q, neg) = c + a w - q p modulo 2^52:
 * the sum comes free, and bits from 52 on are to be ignored.  Nothing that
 * multiplies reads them, so they are masked only before a comparison.
 *
 * Ranges are written B: "B = 6" means that the low 52 bits are below 6 p.  A
 * prime of b bits has room for B = 2^(52 - b): 8 for the largest.  Bounds have
 * names, so that the compiler can check how one follows from another; under
 * CKKS_VERIFY words are checked against them after each sweep, and before each
 * reduction that counts on one.
 */
#ifndef CKI_IFMA_H
#define CKI_IFMA_H

#include <immintrin.h>

#include "kernel/kernel.h"

typedef __m512i vec;

/* Loops over arrays of vectors that are to live in registers. */
#define UNROLL _Pragma("GCC unroll 8")
#define ALWAYS_INLINE inline __attribute__((always_inline))

enum { LANES = 8 };
#define MASK52 (((uint64_t)1 << 52) - 1)

/* Bounds, in p. */
enum {
    ROOM = 8,                   /* of the largest primes                     */
    OF_PRODUCT = 2,             /* what Lemma I gives                        */
    OF_PRODUCTS = 4             /* two of them, added                        */
};

#define WITHIN(a, b) \
    _Static_assert((int)(a) <= (int)(b), #a " is more than " #b)

WITHIN(2 * OF_PRODUCT, OF_PRODUCTS);
WITHIN(OF_PRODUCTS, ROOM);

/* The constants of one prime. */
typedef struct prime {
    vec p, p2, neg;             /* p, 2p, 2^52 - p                           */
    vec one;                    /* floor(2^52 / p): Lemma I with w = 1       */
    vec mask;                   /* the low 52 bits                           */
    vec unit;                   /* 1                                         */
} prime;

static inline vec set1(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

static inline prime prime_of(const cki_mod *m)
{
    prime c = { set1(m->p), set1(2 * m->p), set1(MASK52 + 1 - m->p),
                set1((MASK52 + 1) / m->p), set1(MASK52), set1(1) };

    return c;
}

/* floor(2^52 w / p), w < p < 2^49, without a division: the estimate in doubles
 * is off by a few at most, and its remainder, below 2^52, tells by how many. */
static inline uint64_t companion(uint64_t w, const cki_mod *m)
{
    uint64_t q = (uint64_t)((double)w * m->inv * 0x1p52);
    int64_t r = (int64_t)((w << 52) - q * m->p), p = (int64_t)m->p;

    for (; r < 0; r += p)
        q--;
    for (; r >= p; r -= p)
        q++;
    return q;
}

static inline vec load(const uint64_t *x)
{
    return _mm512_loadu_si512((const void *)x);
}

static inline void store(uint64_t *x, vec v)
{
    _mm512_storeu_si512((void *)x, v);
}

/* Automorphisms take a group of eight from one group of eight: where it lies,
 * and its order; a permutation reads the low three bits of an index. */
static inline size_t group_at(const uint32_t *perm)
{
    return perm[0] & ~(uint32_t)(LANES - 1);
}

static inline vec group_order(const uint32_t *perm)
{
    return _mm512_cvtepu32_epi64(
        _mm256_loadu_si256((const __m256i *)(const void *)perm));
}

/* in[perm[0]] .. in[perm[7]] */
static inline vec permuted(const uint64_t *in, const uint32_t *perm)
{
    return _mm512_permutexvar_epi64(group_order(perm),
                                    load(in + group_at(perm)));
}

/* Permuted reading jumps from line to line, and no prefetcher follows: what
 * will be read PERM_AHEAD words later is asked for. */
enum { PERM_AHEAD = 256 };

static inline void ask_permuted(const uint64_t *in, const uint32_t *perm,
                                size_t at, size_t n)
{
    _mm_prefetch((const void *)(in + group_at(perm + (at + PERM_AHEAD) % n)),
                 _MM_HINT_T0);
}

static inline vec add(vec a, vec b)
{
    return _mm512_add_epi64(a, b);
}

static inline vec sub(vec a, vec b)
{
    return _mm512_sub_epi64(a, b);
}

static inline vec lo(vec c, vec a, vec b)
{
    return _mm512_madd52lo_epu64(c, a, b);
}

static inline vec hi(vec c, vec a, vec b)
{
    return _mm512_madd52hi_epu64(c, a, b);
}

static inline vec zero(void)
{
    return _mm512_setzero_si512();
}

static inline vec low52(vec x, prime c)
{
    return _mm512_and_si512(x, c.mask);
}

/* All eight words are. */
static inline bool below(vec x, vec y)
{
    return _mm512_cmplt_epu64_mask(x, y) == 0xff;
}

/* Eight words, or n in memory, are below bound p in their low 52 bits. */
#define VERIFY_VEC(x, bound, c)                                           \
    VERIFY(below(low52(x, c),                                             \
                 _mm512_mullo_epi64((c).p, set1((uint64_t)(bound)))))
#ifdef CKKS_VERIFY
#define VERIFY_WITHIN(x, n, bound, c)                                     \
    do {                                                                  \
        for (size_t v_ = 0; v_ < (n); v_ += LANES)                        \
            VERIFY_VEC(load((x) + v_), bound, c);                         \
    } while (0)
#else
#define VERIFY_WITHIN(x, n, bound, c) ((void)0)
#endif

/* [0, 2y) -> [0, y): the difference wraps if x < y. */
static inline vec fold(vec x, vec y)
{
    VERIFY(below(x, add(y, y)));
    return _mm512_min_epu64(x, sub(x, y));
}

/* c + a w mod p by Lemma I, s the companion of w: B = 2 for c = 0. */
static inline vec mul_add_lazy(vec c, vec a, vec w, vec s, prime k)
{
    return lo(lo(c, a, w), hi(zero(), a, s), k.neg);
}

/* Low 52 bits of x, any, modulo p: by Lemma I with w = 1 below 2p. */
static inline vec reduce_lazy(vec x, prime c)
{
    return lo(x, hi(zero(), x, c.one), c.neg);
}

/* The same, canonical. */
static inline vec reduce(vec x, prime c)
{
    return fold(low52(reduce_lazy(x, c), c), c.p);
}

/* ---- sums of products ------------------------------------------------------
 *
 * A sum of products of words below 2^49 is kept as high 2^52 + low, the low and
 * the high halves of each product added where they belong.  66 terms: low <
 * 66 2^52 < 2^64; high < 66 2^46 + the carry of low < 2^53.
 *
 * The end: with c = 2^52 mod p the sum is H c + L, H = high + low / 2^52,
 * L = low mod 2^52.  Twice Lemma I (for H and c, and for L and 1) with the two
 * quotients and the two remainders added: below 4p.  L stands in low, whose
 * other bits no multiply-add reads, and which are cut off in the end.
 *
 * It needs H < 2^52.  An inner product of 64 terms below p, and a word below p:
 * 64 (2^46 - 1) + 64 < 2^52.  One of 7 terms (CKI_LAZY_TERMS) whose first
 * factors are below 2^52: 7 2^49 + 7 < 2^52.  A base conversion of 64 y_i,
 * below different odd primes, so the i-th largest below 2^49 - 2i: 64 2^46 -
 * 504 from these, at most 8 from v <= 64 and 65 carried over. */

enum { MAX_TERMS = 64 };

typedef struct reducer {
    prime c;
    vec w, s;                   /* 2^52 mod p and its companion              */
} reducer;

static inline reducer reducer_of(const cki_mod *m)
{
    uint64_t w = cki_reduce(MASK52 + 1, m);
    reducer e = { prime_of(m), set1(w), set1(companion(w, m)) };

    return e;
}

static inline vec end_sum(vec high, vec low, const reducer *e)
{
    vec h = add(high, _mm512_srli_epi64(low, 52));
    vec q = hi(hi(zero(), h, e->s), low, e->c.one), r;

    VERIFY(below(h, set1(MASK52 + 1)));
    r = low52(lo(lo(low, h, e->w), q, e->c.neg), e->c);
    VERIFY_VEC(r, OF_PRODUCTS, e->c);
    return fold(fold(r, e->c.p2), e->c.p);
}

/* ---- the functions of the kernel, by file ------------------------------- */

size_t cki_ifma_ntt_bytes(size_t n);
void cki_ifma_ntt_prepare(cki_ntt *t, const uint64_t *root,
                          const uint64_t *inverse);
void cki_ifma_ntt_fwd(uint64_t *x, const cki_ntt *t);
void cki_ifma_ntt_head(uint64_t *x, const cki_ntt *t, bool lazy);
void cki_ifma_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t, bool lazy,
                       const cki_soon *soon);
void cki_ifma_ntt_inv(uint64_t *out, const uint64_t *in, uint64_t w,
                      const cki_ntt *t);
void cki_ifma_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
                         const cki_ntt *t);

void cki_ifma_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m);
void cki_ifma_sub(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m);
void cki_ifma_mul(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m);
void cki_ifma_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      const uint64_t *c, size_t n, const cki_mod *m);
void cki_ifma_square(uint64_t *out0, uint64_t *out1, uint64_t *out2,
                     const uint64_t *a0, const uint64_t *a1, bool add_to,
                     size_t n, const cki_mod *m);
void cki_ifma_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                        const uint64_t *c, size_t n, const cki_mod *m);
void cki_ifma_permute(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                      size_t n);

void cki_ifma_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                   const cki_turn *turn, const uint8_t *const *y0,
                   const uint8_t *const *y1, int k, bool add_to, size_t n,
                   const cki_mod *m);
void cki_ifma_pack(uint8_t *out, const uint64_t *in, size_t n, size_t bytes);
void cki_ifma_convert_begin(uint64_t *const *y, uint64_t *v, const cki_conv *k,
                            bool centred, size_t n);
void cki_ifma_convert_end(uint64_t *const *out, const int *number,
                          int num_targets, const uint64_t *const *y,
                          const uint64_t *v, const cki_conv *k, bool lazy,
                          size_t n);

/* Integer combinations: rows that are worked on together; columns of a tile of
 * digits, a page of words, long enough for what fetches lines in a row. */
enum { ROWS = 8, DIGIT_COLUMNS = 512 };

size_t cki_ifma_combine_work(size_t n_in, const ckks_block *block,
                             size_t n_blocks);
void cki_ifma_combine(uint64_t *const *out, const uint64_t *const *in,
                      size_t n_in, const ckks_block *block, size_t n_blocks,
                      size_t n, const cki_mod *m, void *work);

/* Small weights (cki_pairs_fit), n a multiple of 32; work as above. */
void cki_ifma_combine_digits(uint64_t *const *out, const uint64_t *const *in,
                             size_t n_in, const ckks_block *block,
                             size_t n_blocks, size_t n, const cki_mod *m,
                             void *work);

void cki_ifma_lift(uint64_t *out, const uint64_t *in, uint64_t bound,
                   uint64_t shift, size_t n);
void cki_ifma_from_small(uint64_t *out, const int8_t *in, size_t n,
                         const cki_mod *m);
size_t cki_ifma_sift(uint64_t *out, const uint8_t *in, size_t count,
                     uint64_t mask, uint64_t p);
void cki_ifma_weigh(uint64_t *const *out, size_t rows,
                    const uint64_t *const *in, const uint64_t *weight,
                    size_t terms, size_t n, const cki_mod *m);

void cki_ifma_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                     size_t count);

#endif
