/* transpose.c -- transpose.h in plain C. */
#include <stdint.h>

#include "blind/block.h"

enum { WIDE_BLOCKS = 1 };

/* Compilers have it in one register where there is one. */
typedef uint64_t wide __attribute__((vector_size(16)));

static inline wide wide_low(wide a, wide b)
{
    return (wide){ a[0], b[0] };
}

static inline wide wide_high(wide a, wide b)
{
    return (wide){ a[1], b[1] };
}

static inline void wide_store(blind_block *out, wide x)
{
    *out = (blind_block){ { x[0], x[1] } };
}

#include "blind/transpose_wide.h"

void blind_transpose(blind_block *out, const blind_block *in, size_t stride,
                     size_t blocks)
{
    (void)wide_blocks(out, in, stride, blocks);
}
