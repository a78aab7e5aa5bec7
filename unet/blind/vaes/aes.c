/* aes.c -- the kernel of AES-128 on vectors of four blocks: the hash and
 * streams.  What does not fill vectors is computed in scratch of the same form.
 */
#include "blind/vaes/vaes.h"

#include <cpuid.h>
#include <string.h>

#include "base/base.h"
#include "blind/transpose.h"

enum { GROUP = 4,               /* vectors of four keys side by side         */
       WIDE = 16 };             /* blocks side by side in a stream           */

/* Blocks lie key by key: with two of each, vectors (0 0' 1 1'), (2 2' 3 3')
 * become (0 1 2 3), (0' 1' 2' 3'). */
static inline void pairs_in(__m512i x[2])
{
    const __m512i even = _mm512_set_epi64(13, 12, 9, 8, 5, 4, 1, 0);
    const __m512i odd = _mm512_set_epi64(15, 14, 11, 10, 7, 6, 3, 2);
    const __m512i first = _mm512_permutex2var_epi64(x[0], even, x[1]);

    x[1] = _mm512_permutex2var_epi64(x[0], odd, x[1]);
    x[0] = first;
}

/* And back. */
static inline void pairs_out(__m512i x[2])
{
    const __m512i low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    const __m512i high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    const __m512i first = _mm512_permutex2var_epi64(x[0], low, x[1]);

    x[1] = _mm512_permutex2var_epi64(x[0], high, x[1]);
    x[0] = first;
}

/* 4 vectors keys, per blocks each. */
static ALWAYS_INLINE void hash_group(blind_block *out, const blind_block *in,
                                     blind_block start, uint64_t tweak,
                                     int vectors, int per)
{
    __m512i x[GROUP * 2], s[GROUP * 2], key[GROUP];

    UNROLL
    for (int v = 0; v < vectors; v++) {
        key[v] = blind_four_keys(start, tweak + 4 * (uint64_t)v);
        UNROLL
        for (int j = 0; j < per; j++)
            x[v * per + j] = blind_sigma(_mm512_loadu_si512(
                (const void *)(in + 4 * (v * per + j))));
        if (per == 2)
            pairs_in(x + 2 * v);
        UNROLL
        for (int j = 0; j < per; j++)
            s[v * per + j] = _mm512_xor_si512(x[v * per + j], key[v]);
    }
    blind_rounds(s, key, vectors, per);
    UNROLL
    for (int v = 0; v < vectors; v++) {
        UNROLL
        for (int j = 0; j < per; j++)
            x[v * per + j] = _mm512_xor_si512(x[v * per + j], s[v * per + j]);
        if (per == 2)
            pairs_out(x + 2 * v);
        UNROLL
        for (int j = 0; j < per; j++)
            _mm512_storeu_si512((void *)(out + 4 * (v * per + j)),
                                x[v * per + j]);
    }
}

/* Fewer than four keys. */
static void hash_rest(blind_block *out, const blind_block *in,
                      blind_block start, uint64_t tweak, size_t keys, int per)
{
    blind_block full[8] = { { { 0, 0 } } };
    const size_t size = keys * (size_t)per * sizeof *in;

    memcpy(full, in, size);
    if (per == 1)
        hash_group(full, full, start, tweak, 1, 1);
    else
        hash_group(full, full, start, tweak, 1, 2);
    memcpy(out, full, size);
    cki_wipe(full, sizeof full);
}

static ALWAYS_INLINE void hash_by(blind_block *out, const blind_block *in,
                                  blind_block start, uint64_t tweak,
                                  size_t keys, int per)
{
    size_t k = 0, step = (size_t)per;

    for (; k + 4 * GROUP <= keys; k += 4 * GROUP)
        hash_group(out + k * step, in + k * step, start, tweak + k, GROUP,
                   per);
    for (; k + 4 <= keys; k += 4)
        hash_group(out + k * step, in + k * step, start, tweak + k, 1, per);
    if (k < keys)
        hash_rest(out + k * step, in + k * step, start, tweak + k, keys - k,
                  per);
}

static void hash(blind_block *out, const blind_block *in, blind_block start,
                 uint64_t tweak, size_t keys, int per)
{
    if (per == 1)
        hash_by(out, in, start, tweak, keys, 1);
    else
        hash_by(out, in, start, tweak, keys, 2);
}

static ALWAYS_INLINE void stream_group(__m512i *s, const __m512i round_key[11],
                                       uint64_t first, int vectors)
{
    const blind_block zero = { { 0, 0 } };

    UNROLL
    for (int i = 0; i < vectors; i++)
        s[i] = _mm512_xor_si512(round_key[0],
                                blind_four_keys(zero, first + 4 * (uint64_t)i));
    for (int r = 1; r < 10; r++)
        UNROLL
        for (int i = 0; i < vectors; i++)
            s[i] = _mm512_aesenc_epi128(s[i], round_key[r]);
    UNROLL
    for (int i = 0; i < vectors; i++)
        s[i] = _mm512_aesenclast_epi128(s[i], round_key[10]);
}

static void stream(blind_block *out, blind_block key, uint64_t first,
                   size_t count)
{
    const __m128i k = _mm_set_epi64x((long long)key.w[1],
                                     (long long)key.w[0]);
    __m512i round_key[11] = { _mm512_broadcast_i32x4(k) }, s[WIDE / 4];
    size_t i = 0;

    for (int r = 0; r < 10; r++)
        round_key[r + 1] = blind_next_key(round_key[r],
                                    _mm512_set1_epi32(blind_constants[r]));
    for (; i + WIDE <= count; i += WIDE) {
        stream_group(s, round_key, first + i, WIDE / 4);
        memcpy(out + i, s, sizeof s);
    }
    for (; i < count; i += 4) {
        stream_group(s, round_key, first + i, 1);
        memcpy(out + i, s, (count - i < 4 ? count - i : 4) * sizeof *out);
    }
    cki_wipe(round_key, sizeof round_key);
}

static bool usable(void)
{
    unsigned a, b, c = 0, d;

    return __builtin_cpu_supports("avx512f")
           && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512vl")
           && __builtin_cpu_supports("avx512dq")
           && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VAES) != 0;
}

const blind_aes blind_aes_vaes = { "vaes", usable, stream, hash,
                                   blind_vaes_garble, blind_vaes_evaluate,
                                   blind_aesni_transpose };
