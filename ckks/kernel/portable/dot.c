/* dot.c -- inner products in C11: see portable.h. */
#include "kernel/portable/portable.h"

void cki_portable_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                       const cki_turn *turn, const uint8_t *const *y0,
                       const uint8_t *const *y1, int k, bool add_to, size_t n,
                       const cki_mod *mod)
{
    const cki_mod m = *mod;
    const size_t bytes = cki_packed_bytes(mod);

    for (size_t i = 0; i < n; i++) {
        const size_t to = turn == NULL ? i : turn->back[i];
        cki_wide s0 = { 0, 0 }, s1 = { 0, 0 };
        uint64_t r0, r1;

        for (int j = 0; j < k; j++) {
            cki_wide_mul_add(&s0, x[j][i], cki_packed_word(y0[j], i, bytes));
            cki_wide_mul_add(&s1, x[j][i], cki_packed_word(y1[j], i, bytes));
        }
        r0 = cki_reduce_any(s0.hi, s0.lo, &m);
        r1 = cki_reduce_any(s1.hi, s1.lo, &m);
        out0[to] = add_to ? cki_add(out0[to], r0, m.p) : r0;
        out1[to] = add_to ? cki_add(out1[to], r1, m.p) : r1;
    }
}
