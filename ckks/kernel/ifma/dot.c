/* dot.c -- inner products in words of 52 bits.
 *
 * Read first: ifma.h (Lemma I), docs/10-kernels.md.
 */
#include "kernel/ifma/ifma.h"

static ALWAYS_INLINE void dot2_all(uint64_t *out0, uint64_t *out1,
                                   const uint64_t *const *x,
                                   const uint32_t *perm,
                                   const uint64_t *const *y0,
                                   const uint64_t *const *y1, int k,
                                   bool add_to, size_t n, const reducer e)
{
    for (size_t i = 0; i < n; i += LANES) {
        vec h0 = zero(), h1 = zero();
        vec l0 = add_to ? load(out0 + i) : zero();
        vec l1 = add_to ? load(out1 + i) : zero();

        const size_t at = perm == NULL ? i : group_at(perm + i);
        vec order = perm == NULL ? zero() : group_order(perm + i);

        for (int j = 0; j < k; j++) {
            vec a = load(x[j] + at), b = load(y0[j] + i), d = load(y1[j] + i);

            if (perm != NULL)
                a = _mm512_permutexvar_epi64(order, a);
            l0 = lo(l0, a, b);
            h0 = hi(h0, a, b);
            l1 = lo(l1, a, d);
            h1 = hi(h1, a, d);
        }
        store(out0 + i, end_sum(h0, l0, &e));
        store(out1 + i, end_sum(h1, l1, &e));
    }
}

void cki_ifma_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                   const uint32_t *perm, const uint64_t *const *y0,
                   const uint64_t *const *y1, int k, bool add_to, size_t n,
                   const cki_mod *m)
{
    if (n % LANES != 0) {
        cki_kernel_portable.dot2(out0, out1, x, perm, y0, y1, k, add_to, n, m);
        return;
    }
    VERIFY(k <= MAX_TERMS);
    if (perm == NULL)
        dot2_all(out0, out1, x, NULL, y0, y1, k, add_to, n, reducer_of(m));
    else
        dot2_all(out0, out1, x, perm, y0, y1, k, add_to, n, reducer_of(m));
}
