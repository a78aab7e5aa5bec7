/* aes.c -- the kernel of AES-128 by instructions: the hash and streams, a few
 * blocks at a time. */
#include "blind/aesni/aesni.h"

#include "base/base.h"
#include "blind/transpose.h"

enum { GROUP = 4,               /* keys side by side in the hash             */
       WIDE = 8 };              /* blocks side by side in a stream           */

static ALWAYS_INLINE void hash_group(blind_block *out, const blind_block *in,
                                     blind_block start, uint64_t tweak,
                                     int keys, int per)
{
    __m128i s[GROUP * 2], key[GROUP];

    UNROLL
    for (int k = 0; k < keys; k++) {
        key[k] = blind_key(blind_load(&start), tweak + (uint64_t)k);
        UNROLL
        for (int j = 0; j < per; j++)
            s[k * per + j] = _mm_xor_si128(
                blind_sigma(blind_load(in + k * per + j)), key[k]);
    }
    blind_rounds(s, key, keys, per);
    UNROLL
    for (int i = 0; i < keys * per; i++)
        blind_store(out + i,
                    _mm_xor_si128(s[i], blind_sigma(blind_load(in + i))));
}

static ALWAYS_INLINE void hash_by(blind_block *out, const blind_block *in,
                                  blind_block start, uint64_t tweak,
                                  size_t keys, int per)
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

static ALWAYS_INLINE void stream_group(blind_block *out,
                                       const __m128i round_key[11],
                                       uint64_t first, int count)
{
    __m128i s[WIDE];

    UNROLL
    for (int i = 0; i < count; i++)
        s[i] = blind_key(round_key[0], first + (uint64_t)i);
    for (int r = 1; r < 10; r++)
        UNROLL
        for (int i = 0; i < count; i++)
            s[i] = _mm_aesenc_si128(s[i], round_key[r]);
    UNROLL
    for (int i = 0; i < count; i++)
        blind_store(out + i, _mm_aesenclast_si128(s[i], round_key[10]));
}

static void stream(blind_block *out, blind_block key, uint64_t first,
                   size_t count)
{
    __m128i round_key[11] = { blind_load(&key) };
    size_t i = 0;

    for (int r = 0; r < 10; r++)
        round_key[r + 1] = blind_next_key(round_key[r],
                                    _mm_set1_epi32(blind_constants[r]));
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

const blind_aes blind_aes_aesni = { "aesni", usable, stream, hash,
                                    blind_aesni_garble, blind_aesni_evaluate,
                                    blind_aesni_transpose };
