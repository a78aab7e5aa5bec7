/* aesni.h -- rounds and round keys of AES-128 by the processor's instructions.
 *
 * Round keys are made beside the rounds and nowhere stored.  The S-box of the
 * key schedule is the last round's instruction: given the same word in all
 * four columns, shifting rows changes nothing.  Source: Gueron, Lindell, Nof,
 * Pinkas, "Fast garbling of circuits under standard assumptions" (2015).
 */
#ifndef BLIND_AESNI_H
#define BLIND_AESNI_H

#include <immintrin.h>

#include "blind/aes.h"

static inline __m128i blind_load(const blind_block *x)
{
    return _mm_loadu_si128((const __m128i *)(const void *)x);
}

static inline void blind_store(blind_block *x, __m128i y)
{
    _mm_storeu_si128((__m128i *)(void *)x, y);
}

/* Where a call would pass vectors through memory. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
/* Loops over arrays of vectors that are to live in registers. */
#define UNROLL _Pragma("GCC unroll 8")

/* The round's constants, one byte in each column. */
static const int blind_constants[10] = { 1, 2, 4, 8, 16, 32, 64, 128, 27, 54 };

/* Column 3 turned by one byte, everywhere; then columns summed from the
 * left. */
static inline __m128i blind_next_key(__m128i key, __m128i constant)
{
    const __m128i turn = _mm_set1_epi32(0x0c0f0e0d);
    const __m128i t = _mm_aesenclast_si128(_mm_shuffle_epi8(key, turn),
                                           constant);

    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, t);
}

static inline __m128i blind_sigma(__m128i x)
{
    const __m128i upper = _mm_set_epi64x(-1, 0);

    return _mm_xor_si128(_mm_shuffle_epi32(x, 0x4e),
                         _mm_and_si128(x, upper));
}

/* The key start ^ tweak. */
static inline __m128i blind_key(__m128i start, uint64_t tweak)
{
    return _mm_xor_si128(start, _mm_set_epi64x(0, (long long)tweak));
}

/* s: keys * per blocks, the sums with the first key made. */
static ALWAYS_INLINE void blind_rounds(__m128i *s, __m128i *key, int keys,
                                       int per)
{
    for (int r = 0; r < 10; r++) {
        const __m128i constant = _mm_set1_epi32(blind_constants[r]);

        UNROLL
        for (int k = 0; k < keys; k++) {
            key[k] = blind_next_key(key[k], constant);
            UNROLL
            for (int j = 0; j < per; j++)
                s[k * per + j] = r < 9
                    ? _mm_aesenc_si128(s[k * per + j], key[k])
                    : _mm_aesenclast_si128(s[k * per + j], key[k]);
        }
    }
}

/* gates.c */
void blind_aesni_garble(blind_block *out, uint8_t *table, const blind_block *a,
                        const blind_block *b, blind_block delta,
                        blind_block start, uint64_t tweak);
void blind_aesni_evaluate(blind_block *out, const uint8_t *table,
                          const blind_block *a, const blind_block *b,
                          blind_block start, uint64_t tweak);

#endif
