/* transpose.c -- transpose.h by AVX2, two blocks at once. */
#include <immintrin.h>
#include <stdint.h>

#include "blind/block.h"

enum { WIDE_BLOCKS = 2 };

typedef uint64_t wide __attribute__((vector_size(32)));

static inline wide wide_low(wide a, wide b)
{
    return (wide)_mm256_unpacklo_epi64((__m256i)a, (__m256i)b);
}

static inline wide wide_high(wide a, wide b)
{
    return (wide)_mm256_unpackhi_epi64((__m256i)a, (__m256i)b);
}

static inline void wide_store(blind_block *out, wide x)
{
    _mm_storeu_si128((__m128i *)(void *)out,
                     _mm256_castsi256_si128((__m256i)x));
    _mm_storeu_si128((__m128i *)(void *)(out + 128),
                     _mm256_extracti128_si256((__m256i)x, 1));
}

#include "blind/transpose_wide.h"

void blind_aesni_transpose(blind_block *out, const blind_block *in,
                           size_t stride, size_t blocks)
{
    size_t c = wide_blocks(out, in, stride, blocks);

    blind_transpose(out + 128 * c, in + c, stride, blocks - c);
}
