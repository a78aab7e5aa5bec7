/* aes.c -- AES-128 by the processor's instructions, a few blocks at a time.
 *
 * Round keys are made beside the rounds and nowhere stored.  The S-box of the
 * key schedule is the last round's instruction: given the same word in all
 * four columns, shifting rows changes nothing.  Source: Gueron, Lindell, Nof,
 * Pinkas, "Fast garbling of circuits under standard assumptions" (2015).
 */
#include "blind/aes.h"

#include <immintrin.h>

#include "base/base.h"

enum { GROUP = 4,               /* keys side by side in the hash             */
       WIDE = 8 };              /* blocks side by side in a stream           */

static inline __m128i load(const blind_block *x)
{
    return _mm_loadu_si128((const __m128i *)(const void *)x);
}

static inline void store(blind_block *x, __m128i y)
{
    _mm_storeu_si128((__m128i *)(void *)x, y);
}

/* Loops over registers. */
#define UNROLL _Pragma("GCC unroll 8")

/* The round's constants, one byte in each column. */
static const int constants[10] = { 1, 2, 4, 8, 16, 32, 64, 128, 27, 54 };

/* Column 3 turned by one byte, everywhere; then columns summed from the
 * left. */
static inline __m128i next_key(__m128i key, __m128i constant)
{
    const __m128i turn = _mm_set1_epi32(0x0c0f0e0d);
    const __m128i t = _mm_aesenclast_si128(_mm_shuffle_epi8(key, turn),
                                           constant);

    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, t);
}

static inline __m128i sigma(__m128i x)
{
    const __m128i upper = _mm_set_epi64x(-1, 0);

    return _mm_xor_si128(_mm_shuffle_epi32(x, 0x4e),
                         _mm_and_si128(x, upper));
}

/* s: keys * per blocks, the sums with the first key made. */
static inline __attribute__((always_inline))
void rounds(__m128i *s, __m128i *key, int keys, int per)
{
    for (int r = 0; r < 10; r++) {
        const __m128i constant = _mm_set1_epi32(constants[r]);

        UNROLL
        for (int k = 0; k < keys; k++) {
            key[k] = next_key(key[k], constant);
            UNROLL
            for (int j = 0; j < per; j++)
                s[k * per + j] = r < 9
                    ? _mm_aesenc_si128(s[k * per + j], key[k])
                    : _mm_aesenclast_si128(s[k * per + j], key[k]);
        }
    }
}

static inline __attribute__((always_inline))
void hash_group(blind_block *out, const blind_block *in, blind_block start,
                uint64_t tweak, int keys, int per)
{
    __m128i s[GROUP * 2], key[GROUP];

    UNROLL
    for (int k = 0; k < keys; k++) {
        key[k] = _mm_xor_si128(load(&start),
                               _mm_set_epi64x(0, (long long)(tweak
                                                         + (uint64_t)k)));
        UNROLL
        for (int j = 0; j < per; j++)
            s[k * per + j] = _mm_xor_si128(sigma(load(in + k * per + j)),
                                           key[k]);
    }
    rounds(s, key, keys, per);
    UNROLL
    for (int i = 0; i < keys * per; i++)
        store(out + i, _mm_xor_si128(s[i], sigma(load(in + i))));
}

static inline __attribute__((always_inline))
void hash_by(blind_block *out, const blind_block *in, blind_block start,
             uint64_t tweak, size_t keys, int per)
{
    const size_t step = (size_t)per;
    size_t k = 0;

    for (; k + GROUP <= keys; k += GROUP)
        hash_group(out + k * step, in + k * step, start, tweak + k, GROUP,
                   per);
    for (; k < keys; k++)
        hash_group(out + k * step, in + k * step, start, tweak + k, 1, per);
}

static void hash(blind_block *out, const blind_block *in, blind_block start,
                 uint64_t tweak, size_t keys, int per)
{
    if (per == 1)
        hash_by(out, in, start, tweak, keys, 1);
    else
        hash_by(out, in, start, tweak, keys, 2);
}

static inline __attribute__((always_inline))
void stream_group(blind_block *out, const __m128i round_key[11],
                  uint64_t first, int count)
{
    __m128i s[WIDE];

    UNROLL
    for (int i = 0; i < count; i++)
        s[i] = _mm_xor_si128(round_key[0],
                             _mm_set_epi64x(0, (long long)(first
                                                       + (uint64_t)i)));
    for (int r = 1; r < 10; r++)
        UNROLL
        for (int i = 0; i < count; i++)
            s[i] = _mm_aesenc_si128(s[i], round_key[r]);
    UNROLL
    for (int i = 0; i < count; i++)
        store(out + i, _mm_aesenclast_si128(s[i], round_key[10]));
}

static void stream(blind_block *out, blind_block key, uint64_t first,
                   size_t count)
{
    __m128i round_key[11] = { load(&key) };
    size_t i = 0;

    for (int r = 0; r < 10; r++)
        round_key[r + 1] = next_key(round_key[r],
                                    _mm_set1_epi32(constants[r]));
    for (; i + WIDE <= count; i += WIDE)
        stream_group(out + i, round_key, first + i, WIDE);
    for (; i < count; i++)
        stream_group(out + i, round_key, first + i, 1);
    cki_wipe(round_key, sizeof round_key);
}

static bool usable(void)
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("avx2");
}

const blind_aes blind_aes_aesni = { "aesni", usable, stream, hash };
