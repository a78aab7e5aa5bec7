/* vaes.h -- rounds and round keys of AES-128 on vectors of four blocks: as
 * aesni/aesni.h, four keys to a vector.
 */
#ifndef BLIND_VAES_H
#define BLIND_VAES_H

#include <immintrin.h>

#include "blind/aes.h"

/* Where a call would pass vectors through memory. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
/* Loops over arrays of vectors that are to live in registers. */
#define UNROLL _Pragma("GCC unroll 8")

static const int blind_constants[10] = { 1, 2, 4, 8, 16, 32, 64, 128, 27, 54 };

/* a ^ b ^ c */
static inline __m512i blind_sum3(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

static inline __m512i blind_next_key(__m512i key, __m512i constant)
{
    const __m512i turn = _mm512_set1_epi32(0x0c0f0e0d);
    const __m512i t = _mm512_aesenclast_epi128(_mm512_shuffle_epi8(key, turn),
                                               constant);

    key = _mm512_xor_si512(key, _mm512_bslli_epi128(key, 4));
    return blind_sum3(key, _mm512_bslli_epi128(key, 8), t);
}

static inline __m512i blind_sigma(__m512i x)
{
    const __m512i turned = _mm512_shuffle_epi32(x, 0x4e);

    return _mm512_mask_xor_epi64(turned, 0xaa, turned, x);
}

/* The keys start ^ tweak, ..., start ^ (tweak + 3). */
static inline __m512i blind_four_keys(blind_block start, uint64_t tweak)
{
    const __m512i count = _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0);
    const __m512i base = _mm512_maskz_set1_epi64(0x55, (long long)tweak);
    const __m128i s = _mm_set_epi64x((long long)start.w[1],
                                     (long long)start.w[0]);

    return _mm512_xor_si512(_mm512_broadcast_i32x4(s),
                            _mm512_add_epi64(base, count));
}

/* s: vectors * per, the sums with the first keys made. */
static ALWAYS_INLINE void blind_rounds(__m512i *s, __m512i *key, int vectors,
                                       int per)
{
    for (int r = 0; r < 10; r++) {
        const __m512i constant = _mm512_set1_epi32(blind_constants[r]);

        UNROLL
        for (int v = 0; v < vectors; v++) {
            key[v] = blind_next_key(key[v], constant);
            UNROLL
            for (int j = 0; j < per; j++)
                s[v * per + j] = r < 9
                    ? _mm512_aesenc_epi128(s[v * per + j], key[v])
                    : _mm512_aesenclast_epi128(s[v * per + j], key[v]);
        }
    }
}

/* gates.c */
void blind_vaes_garble(blind_block *out, uint8_t *table, const blind_block *a,
                       const blind_block *b, blind_block delta,
                       blind_block start, uint64_t tweak);
void blind_vaes_evaluate(blind_block *out, const uint8_t *table,
                         const blind_block *a, const blind_block *b,
                         blind_block start, uint64_t tweak);

#endif
