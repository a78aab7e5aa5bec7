/* packed.h -- words of evaluation keys, packed: each in the fewest whole bytes
 * that hold its prime, the lowest first, one behind the other.
 *
 * Keys are read once for each product and are larger than any cache, so that
 * what they weigh is what they cost.  Words of whole bytes, not of bits: eight
 * of them begin at a byte, and one shuffle takes them apart.
 */
#ifndef CKI_PACKED_H
#define CKI_PACKED_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/word.h"

/* Bytes behind the last word that packing may write and kernels may read. */
enum { CKI_BEYOND = 64 };

/* Bytes of a word modulo m. */
static inline size_t cki_packed_bytes(const cki_mod *m)
{
    return (size_t)(m->bits + 7) / 8;
}

static inline uint64_t cki_packed_word(const uint8_t *in, size_t i,
                                       size_t bytes)
{
    return cki_load64(in + i * bytes) & UINT64_MAX >> (64 - 8 * bytes);
}

/* Each word's upper bytes, which are 0, go where the next one is then
 * written. */
static inline void cki_pack(uint8_t *out, const uint64_t *in, size_t n,
                            size_t bytes)
{
    for (size_t i = 0; i < n; i++)
        cki_store64(out + i * bytes, in[i]);
}

static inline void cki_unpack(uint64_t *out, const uint8_t *in, size_t n,
                              size_t bytes)
{
    for (size_t i = 0; i < n; i++)
        out[i] = cki_packed_word(in, i, bytes);
}

#endif
