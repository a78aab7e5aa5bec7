/* dot.c -- inner products in C11: see portable.h. */
#include "kernel/portable/portable.h"

void cki_portable_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                       const uint32_t *perm, const uint64_t *const *y0,
                       const uint64_t *const *y1, int k, bool add_to, size_t n,
                       const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++) {
        const size_t at = perm == NULL ? i : perm[i];
        cki_wide s0 = { 0, 0 }, s1 = { 0, 0 };
        uint64_t r0, r1;

        for (int j = 0; j < k; j++) {
            cki_wide_mul_add(&s0, x[j][at], y0[j][i]);
            cki_wide_mul_add(&s1, x[j][at], y1[j][i]);
        }
        r0 = cki_reduce_any(s0.hi, s0.lo, &m);
        r1 = cki_reduce_any(s1.hi, s1.lo, &m);
        out0[i] = add_to ? cki_add(out0[i], r0, m.p) : r0;
        out1[i] = add_to ? cki_add(out1[i], r1, m.p) : r1;
    }
}
