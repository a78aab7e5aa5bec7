/* transpose.h -- 128 rows of bits to columns. */
#ifndef BLIND_TRANSPOSE_H
#define BLIND_TRANSPOSE_H

#include <stddef.h>

#include "blind/block.h"

/* Bit j of out[128 c + i] is bit i of in[stride j + c], for j, i < 128 and
 * c < blocks. */
void blind_transpose(blind_block *out, const blind_block *in, size_t stride,
                     size_t blocks);

#endif
