/* weigh.c -- sums of limbs times words, in C11: see portable.h. */
#include "kernel/portable/portable.h"

void cki_portable_weigh(uint64_t *const *out, size_t rows,
                        const uint64_t *const *in, const uint64_t *weight,
                        size_t terms, size_t n, const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) {
            cki_wide s = { 0, 0 };

            for (size_t k = 0; k < terms; k++) {
                cki_wide_mul_add(&s, in[k][i], weight[CKI_ROWS * k + r]);
                /* below 2^64 p: room for another 64 products */
                if (k % 64 == 63)
                    s = (cki_wide){ 0, cki_reduce_any(s.hi, s.lo, &m) };
            }
            out[r][i] = cki_reduce_any(s.hi, s.lo, &m);
        }
}
