/* transpose.h -- 128 rows of bits to columns; aes.h says what. */
#ifndef BLIND_TRANSPOSE_H
#define BLIND_TRANSPOSE_H

#include <stddef.h>

#include "blind/block.h"

void blind_transpose(blind_block *out, const blind_block *in, size_t stride,
                     size_t blocks);
/* By AVX2; vectors of 512 bits were not faster. */
void blind_aesni_transpose(blind_block *out, const blind_block *in,
                           size_t stride, size_t blocks);

#endif
