/* serial_evalkey.h -- what writers of evaluation keys share: the front of their
 * file, which is the frame, the count and an entry with the seed for each key;
 * behind it stand the limbs of one key after the other (serial_evalkey.c). */
#ifndef CKI_SERIAL_EVALKEY_H
#define CKI_SERIAL_EVALKEY_H

#include "bytes/serial.h"
#include "scheme/key.h"

enum { CKI_KEYS_FIELDS = 8 };

/* Bytes of the front of a file of so many keys. */
uint64_t cki_keys_front(size_t count);
/* Bytes of the limbs of a key for this level. */
uint64_t cki_key_limbs_size(const ckks_ctx *ctx, int level);

/* The front, checksum 0, of a file of size bytes: kinds, steps, levels and
 * seeds of the keys are read, nothing else. */
void cki_keys_front_write(uint8_t *out, uint64_t size, const cki_key *key,
                          size_t count, const ckks_ctx *ctx);

/* Reading.  in: frame and fields; b: the first entry; size: of the file.
 * count, and what may not be; all entries: ranges, no key twice, and the size
 * that they add up to; then entry i as a key, without memory. */
CKKS_CHECKED ckks_status cki_keys_count(size_t *count, const uint8_t *in,
                                        uint64_t size, const ckks_ctx *ctx,
                                        const char *name);
CKKS_CHECKED ckks_status cki_keys_entries(const uint8_t *b, size_t count,
                                          uint64_t size, const ckks_ctx *ctx,
                                          const char *name);
CKKS_CHECKED ckks_status cki_keys_entry(cki_key *key, const uint8_t *b,
                                        size_t i, const ckks_ctx *ctx,
                                        const char *name);
/* What messages call it. */
const char *cki_key_name(const cki_key *key);

#endif
