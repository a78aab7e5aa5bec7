/* checksum.h -- XXH64 (seed 0) of bytes that come in pieces.
 *
 * It is here for damage, not for security: anyone can make the checksum of
 * anything.  It must not serve for seeds, keys or authenticity.
 */
#ifndef CKI_CHECKSUM_H
#define CKI_CHECKSUM_H

#include "base/base.h"

enum { CKI_CHECKSUM_WORDS = 12 };

typedef struct cki_checksum {
    uint64_t state[CKI_CHECKSUM_WORDS];
} cki_checksum;

void cki_checksum_init(cki_checksum *c);
void cki_checksum_update(cki_checksum *c, const uint8_t *in, size_t size);
/* Of all bytes so far; more may follow. */
uint64_t cki_checksum_digest(const cki_checksum *c);

#endif
