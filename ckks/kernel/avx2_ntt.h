/* avx2_ntt.h -- layer 2: what both directions of the NTT in doubles share. */
#ifndef CKI_AVX2_NTT_H
#define CKI_AVX2_NTT_H

#include "avx2.h"
#include "portable.h"
#include "real_edge.h"

enum {
    SMALL_LOG = 5,              /* rings up to 2^5 go to the portable code   */
    BLOCK = 4096                /* words that stay in the first-level cache  */
};

static inline void transpose(vec *a, vec *b, vec *c, vec *d)
{
    vec ab0 = _mm256_unpacklo_pd(*a, *b), ab1 = _mm256_unpackhi_pd(*a, *b);
    vec cd0 = _mm256_unpacklo_pd(*c, *d), cd1 = _mm256_unpackhi_pd(*c, *d);

    *a = _mm256_permute2f128_pd(ab0, cd0, 0x20);
    *b = _mm256_permute2f128_pd(ab1, cd1, 0x20);
    *c = _mm256_permute2f128_pd(ab0, cd0, 0x31);
    *d = _mm256_permute2f128_pd(ab1, cd1, 0x31);
}

/* Words in opposite order. */
static inline vec reversed(vec x)
{
    return _mm256_permute4x64_pd(x, _MM_SHUFFLE(0, 1, 2, 3));
}

#endif
