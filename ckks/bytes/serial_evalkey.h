/* serial_evalkey.h -- what writers of evaluation keys share: the front of their
 * file, which is the frame, the count and an entry with the seed for each key;
 * behind it stand the limbs of one key after the other (serial_evalkey.c). */
#ifndef CKI_SERIAL_EVALKEY_H
#define CKI_SERIAL_EVALKEY_H

#include "bytes/serial.h"
#include "scheme/key.h"

/* Bytes of the front of a file of so many keys. */
uint64_t cki_keys_front(size_t count);
/* Bytes of the limbs of a key for this level. */
uint64_t cki_key_limbs_size(const ckks_ctx *ctx, int level);

/* The front, checksum 0, of a file of size bytes: kinds, steps, levels and
 * seeds of the keys are read, nothing else. */
void cki_keys_front_write(uint8_t *out, uint64_t size, const cki_key *key,
                          size_t count, const ckks_ctx *ctx);

#endif
