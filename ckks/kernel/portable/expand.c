/* expand.c -- blocks of BLAKE2Xb in C11, one after the other. */
#include "base/blake2.h"
#include "kernel/portable/portable.h"

void cki_portable_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                         size_t count)
{
    for (; count > 0; count--, node++, out += CKI_BLAKE2_OUT)
        cki_blake2xb_block(out, root, node);
}
