/* words.c -- words packed, words from integers. */
#include "kernel/avx2/avx2.h"

/* Two words to the low end of each half; the upper half is written over what
 * the lower one left behind them. */
void cki_avx2_pack(uint8_t *out, const uint64_t *in, size_t n, size_t bytes)
{
    const size_t whole = n & ~(size_t)3;
    uint8_t from[32];
    __m256i order;

    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i % 16 < 2 * bytes
                                ? i % 16 / bytes * 8 + i % 16 % bytes : 0x80);
    order = _mm256_loadu_si256((const __m256i *)(void *)from);
    for (size_t i = 0; i < whole; i += 4) {
        const __m256i x = _mm256_shuffle_epi8(
            _mm256_loadu_si256((const __m256i *)(const void *)(in + i)),
            order);

        _mm_storeu_si128((__m128i *)(void *)(out + i * bytes),
                         _mm256_castsi256_si128(x));
        _mm_storeu_si128((__m128i *)(void *)(out + (i + 2) * bytes),
                         _mm256_extracti128_si256(x, 1));
    }
    cki_pack(out + whole * bytes, in + whole, n - whole, bytes);
}

void cki_avx2_from_small(uint64_t *out, const int8_t *in, size_t n,
                         const cki_mod *m)
{
    const __m256i p = _mm256_set1_epi64x((int64_t)m->p);
    const __m256i zero = _mm256_setzero_si256();
    const size_t whole = n & ~(size_t)15;

    for (size_t i = 0; i < whole; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(in + i));

        for (size_t k = 0; k < 16; k += 4, x = _mm_srli_si128(x, 4)) {
            __m256i u = _mm256_cvtepi8_epi64(x);
            __m256i below = _mm256_cmpgt_epi64(zero, u);

            u = _mm256_add_epi64(u, _mm256_and_si256(below, p));
            _mm256_storeu_si256((__m256i *)(void *)(out + i + k), u);
        }
    }
    cki_kernel_portable.from_small(out + whole, in + whole, n - whole, m);
}
