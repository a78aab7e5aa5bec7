/* permute.c -- automorphisms: a group of eight comes from one such. */
#include "kernel/ifma/ifma.h"

void cki_ifma_permute(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                      size_t n)
{
    if (n % LANES != 0) {
        cki_kernel_portable.permute(out, in, perm, n);
        return;
    }
    for (size_t i = 0; i < n; i += LANES)
        store(out + i, permuted(in, perm + i));
}
