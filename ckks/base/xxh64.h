/* xxh64.h -- the checksum XXH64, where the library xxHash is not.
 *
 * Written from the algorithm's description (specification 0.1.1 of xxHash):
 * four sums of 8-byte lanes for every whole 32 bytes, then what is left.  It
 * finds damage; it has no key and protects from nobody who means harm.
 */
#ifndef CKI_XXH64_H
#define CKI_XXH64_H

#include "base/base.h"

typedef struct cki_xxh64 {
    uint64_t sum[4];
    uint64_t seed, size;    /* bytes so far                                  */
    uint8_t  left[32];      /* the last size mod 32 of them                  */
} cki_xxh64;

void cki_xxh64_init(cki_xxh64 *x, uint64_t seed);
void cki_xxh64_update(cki_xxh64 *x, const uint8_t *in, size_t size);
/* XXH64 of all bytes so far; more may follow. */
uint64_t cki_xxh64_digest(const cki_xxh64 *x);

#endif
