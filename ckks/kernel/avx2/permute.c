/* permute.c -- automorphisms, four words at a time. */
#include "kernel/avx2/avx2.h"

void cki_avx2_permute(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                      size_t n)
{
    for (size_t i = 0; i < n; i += 4)
        _mm256_storeu_si256((__m256i *)(void *)(out + i),
                            permuted(in, perm + i));
}
