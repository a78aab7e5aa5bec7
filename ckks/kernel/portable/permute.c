/* permute.c -- automorphisms in C11. */
#include "kernel/portable/portable.h"

void cki_portable_permute(uint64_t *out, const uint64_t *in,
                          const uint32_t *perm, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[perm[i]];
}
