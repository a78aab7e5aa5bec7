/* lanes.h -- four doubles, or four words of 64 bits, side by side: AVX2 and
 * FMA3.
 *
 * Read first: fma/fma.h, which is written over these operations.  fmadd is
 * a b + c, fnmadd c - a b, fmsub a b - c, each rounded once.
 */
#ifndef CKI_AVX2_LANES_H
#define CKI_AVX2_LANES_H

#include <immintrin.h>
#include <stdint.h>

#include "base/packed.h"

#define LANES 4
/* Where a call would pass vectors through memory. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef __m256d vec;
typedef __m256i ints;

static ALWAYS_INLINE vec all(double x)
{
    return _mm256_set1_pd(x);
}

static ALWAYS_INLINE ints all_words(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

static ALWAYS_INLINE vec fmadd(vec a, vec b, vec c)
{
    return _mm256_fmadd_pd(a, b, c);
}

static ALWAYS_INLINE vec fnmadd(vec a, vec b, vec c)
{
    return _mm256_fnmadd_pd(a, b, c);
}

static ALWAYS_INLINE vec fmsub(vec a, vec b, vec c)
{
    return _mm256_fmsub_pd(a, b, c);
}

/* The largest whole numbers that are not above. */
static ALWAYS_INLINE vec whole_below(vec a)
{
    return _mm256_floor_pd(a);
}

/* x where the mask (a comparison) has ones, else 0. */
static ALWAYS_INLINE vec where(ints mask, vec x)
{
    return _mm256_and_pd(_mm256_castsi256_pd(mask), x);
}

/* x + p where x < 0, by the sign bit.  x is never -0: a zero comes from x - x
 * or as a last sum with +0 (mulmod's l), and both are +0. */
static ALWAYS_INLINE vec lifted(vec x, vec p)
{
    return _mm256_blendv_pd(x, _mm256_add_pd(x, p), x);
}

/* ---- packed words -------------------------------------------------------- */

/* How four packed words are taken apart, two in each half: where each byte
 * comes from, 0x80 where there is none. */
typedef struct unpacker {
    __m256i from;
    size_t bytes;
} unpacker;

static inline unpacker unpacker_of(size_t bytes)
{
    uint8_t from[32];
    unpacker u = { .bytes = bytes };

    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i % 8 < bytes ? i % 16 / 8 * bytes + i % 8 : 0x80);
    u.from = _mm256_loadu_si256((const __m256i *)(void *)from);
    return u;
}

/* Words i .. i + 3 of y; what is read behind them is not kept. */
static ALWAYS_INLINE ints unpacked(const uint8_t *y, size_t i, unpacker u)
{
    const __m128i *low = (const __m128i *)(const void *)(y + i * u.bytes);
    const __m128i *high = (const __m128i *)(const void *)(y + (i + 2)
                                                                  * u.bytes);

    return _mm256_shuffle_epi8(
        _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)),
                                _mm_loadu_si128(high), 1), u.from);
}

/* ---- order --------------------------------------------------------------- */

/* Of the eight numbers in a and b, 0 1 4 5 and 2 3 6 7; and back. */
static ALWAYS_INLINE vec lows(vec a, vec b)
{
    return _mm256_permute2f128_pd(a, b, 0x20);
}

static ALWAYS_INLINE vec highs(vec a, vec b)
{
    return _mm256_permute2f128_pd(a, b, 0x31);
}

/* a0 b0 a2 b2 and a1 b1 a3 b3; and back. */
static ALWAYS_INLINE vec evens(vec a, vec b)
{
    return _mm256_unpacklo_pd(a, b);
}

static ALWAYS_INLINE vec odds(vec a, vec b)
{
    return _mm256_unpackhi_pd(a, b);
}

/* w0 w0 w1 w1 */
static ALWAYS_INLINE vec twice(const double *w)
{
    return _mm256_permute_pd(
        _mm256_broadcast_pd((const __m128d *)(const void *)w), 0xc);
}

static ALWAYS_INLINE vec reversed(vec x)
{
    return _mm256_permute4x64_pd(x, _MM_SHUFFLE(0, 1, 2, 3));
}

/* Sixteen numbers, in fours by their place there; and back. */
static ALWAYS_INLINE void to_fours(vec *a, vec *b, vec *c, vec *d)
{
    vec ab0 = evens(*a, *b), ab1 = odds(*a, *b);
    vec cd0 = evens(*c, *d), cd1 = odds(*c, *d);

    *a = lows(ab0, cd0);
    *b = lows(ab1, cd1);
    *c = highs(ab0, cd0);
    *d = highs(ab1, cd1);
}

static ALWAYS_INLINE void from_fours(vec *a, vec *b, vec *c, vec *d)
{
    to_fours(a, b, c, d);
}

/* Automorphisms take a group of four from one group of four: where it lies,
 * and its order, word k as the pair (2k, 2k + 1) of 32-bit lanes. */
static inline size_t group_at(const uint32_t *perm)
{
    return perm[0] & ~(uint32_t)3;
}

static inline ints group_order(const uint32_t *perm)
{
    const ints twos = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    const ints lanes = _mm256_setr_epi32(0, 1, 0, 1, 0, 1, 0, 1);
    ints index = _mm256_castsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)perm));

    index = _mm256_slli_epi32(_mm256_permutevar8x32_epi32(index, twos), 1);
    return _mm256_or_si256(index, lanes);   /* three bits of each are read   */
}

/* in[perm[0]] .. in[perm[3]] */
static inline ints permuted(const uint64_t *in, const uint32_t *perm)
{
    const uint64_t *group = in + group_at(perm);

    return _mm256_permutevar8x32_epi32(
        _mm256_loadu_si256((const __m256i *)(const void *)group),
        group_order(perm));
}

/* The four orders that an automorphism gives to groups of four, by the place of
 * a group's first word: word k goes to br(br(first) + g br(k)) there (the lemma
 * in rns.h), br being the order of four by bits turned round, g odd. */
typedef struct orders {
    ints take[4], put[4];
} orders;

/* back: whole groups of four. */
static inline void orders_of(orders *o, const uint32_t *back)
{
    static const uint32_t br[4] = { 0, 2, 1, 3 };
    const uint32_t g = br[back[2] & 3] - br[back[0] & 3];

    for (uint32_t first = 0; first < 4; first++) {
        uint32_t take[8], put[8];

        for (uint32_t k = 0; k < 4; k++) {
            const uint32_t to = br[(br[first] + g * br[k]) & 3];

            for (uint32_t half = 0; half < 2; half++) {
                take[2 * k + half] = 2 * to + half;
                put[2 * to + half] = 2 * k + half;
            }
        }
        o->take[first] = _mm256_loadu_si256((const __m256i *)(void *)take);
        o->put[first] = _mm256_loadu_si256((const __m256i *)(void *)put);
    }
}

/* in[back[0]] .. in[back[3]], first = back[0] */
static ALWAYS_INLINE ints take_group(const uint64_t *in, uint32_t first,
                                     const orders *o)
{
    const uint64_t *group = in + (first & ~(uint32_t)3);

    return _mm256_permutevar8x32_epi32(
        _mm256_loadu_si256((const __m256i *)(const void *)group),
        o->take[first & 3]);
}

/* out[back[0]] .. out[back[3]] = v */
static ALWAYS_INLINE void put_group(uint64_t *out, ints v, uint32_t first,
                                    const orders *o)
{
    _mm256_storeu_si256((__m256i *)(void *)(out + (first & ~(uint32_t)3)),
                        _mm256_permutevar8x32_epi32(v, o->put[first & 3]));
}

#endif
