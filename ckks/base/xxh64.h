/* xxh64.h -- the checksum XXH64, where the library xxHash is not.
 *
 * Written from the algorithm's description (specification 0.1.1 of xxHash):
 * four sums of 8-byte lanes for every whole 32 bytes, then what is left.  It
 * finds damage; it has no key and protects from nobody who means harm.
 */
#ifndef CKI_XXH64_H
#define CKI_XXH64_H

#include "base/base.h"

/* XXH64 of size bytes.  first: 32 bytes that take the place of the first 32 of
 * `in`, size >= 32 then; or NULL. */
uint64_t cki_xxh64(const uint8_t *in, size_t size, const uint8_t *first,
                   uint64_t seed);

#endif
