/* words.c -- words from integers and from random bytes. */
#include "kernel/ifma/ifma.h"

void cki_ifma_lift(uint64_t *out, const uint64_t *in, uint64_t bound,
                   uint64_t shift, size_t n)
{
    const vec most = set1(bound), by = set1(shift);
    const size_t whole = n & ~(size_t)(LANES - 1);

    for (size_t i = 0; i < whole; i += LANES) {
        vec u = load(in + i);

        store(out + i, _mm512_mask_add_epi64(
            u, _mm512_cmpgt_epu64_mask(u, most), u, by));
    }
    cki_kernel_portable.lift(out + whole, in + whole, bound, shift, n - whole);
}

void cki_ifma_from_small(uint64_t *out, const int8_t *in, size_t n,
                         const cki_mod *m)
{
    const vec p = set1(m->p);
    const size_t whole = n & ~(size_t)(LANES - 1);

    for (size_t i = 0; i < whole; i += LANES) {
        vec u = _mm512_cvtepi8_epi64(
            _mm_loadl_epi64((const __m128i *)(const void *)(in + i)));

        store(out + i, _mm512_mask_add_epi64(u, _mm512_movepi64_mask(u), u,
                                             p));
    }
    cki_kernel_portable.from_small(out + whole, in + whole, n - whole, m);
}

/* What is kept is brought together in a register; what stands behind it is
 * overwritten.  k <= i, so that eight words fit there. */
size_t cki_ifma_sift(uint64_t *out, const uint8_t *in, size_t count,
                     uint64_t mask, uint64_t p)
{
    const vec low = set1(mask), bound = set1(p);
    const size_t whole = count & ~(size_t)(LANES - 1);
    size_t k = 0;

    for (size_t i = 0; i < whole; i += LANES) {
        vec x = _mm512_and_si512(_mm512_loadu_si512(in + 8 * i), low);
        __mmask8 kept = _mm512_cmplt_epu64_mask(x, bound);

        store(out + k, _mm512_maskz_compress_epi64(kept, x));
        k += (size_t)__builtin_popcount(kept);
    }
    return k + cki_kernel_portable.sift(out + k, in + 8 * whole,
                                        count - whole, mask, p);
}
