/* serial.h -- the frame around every object that becomes bytes.
 *
 *   offset  bytes
 *        0      4  "VLLY"
 *        4      1  version of the format, 1
 *        5      1  kind of object, cki_kind
 *        6      1  checksum: 0 none, 1 XXH64
 *        7      1  flags: bit 0, a context without security check
 *        8      8  size of the whole object
 *       16      8  XXH64 (seed 0) of the object with this field 0; or 0
 *       24     16  fingerprint of the context
 *       40         fields
 *
 * All numbers are little-endian.  The checksum finds damage.  It has no key
 * and protects from nobody who means harm.
 */
#ifndef CKI_SERIAL_H
#define CKI_SERIAL_H

#include "bytes/checksum.h"
#include "scheme/context.h"

/* Values are part of the format: never renumber, only append. */
typedef enum cki_kind {
    CKI_KIND_PARAMS = 1,
    CKI_KIND_PT     = 2,
    CKI_KIND_CT     = 3,
    CKI_KIND_SK     = 4,
    CKI_KIND_PK     = 5,
    CKI_KIND_KEYS   = 6
} cki_kind;

enum { CKI_HEAD = 40 };

/* Writes the frame; the fields behind it are the caller's; then the seal puts
 * the checksum in. */
void cki_head_write(uint8_t *out, uint64_t size, cki_kind kind,
                    const ckks_ctx *ctx);
void cki_head_seal(uint8_t *out, size_t size);

/* The same for an object that comes in pieces: the checksum of the first one,
 * which has the frame in it, then of what follows, and the seal. */
void cki_checksum_start(cki_checksum *c, const uint8_t *in, size_t size);
void cki_head_seal_with(uint8_t *out, uint64_t sum);

/* Checks everything the frame says against kind, size and the context (NULL:
 * the fingerprint and bit 0 of the flags are left to the caller), then the
 * checksum; the object has the frame and at least `fields` bytes behind it.
 * name: of the public function. */
CKKS_CHECKED ckks_status cki_head_read(const uint8_t *in, size_t size,
                                       cki_kind kind, size_t fields,
                                       const ckks_ctx *ctx, const char *name);

/* The same for an object of size bytes of which only the first `have` are there
 * yet; then, once all of it was seen, its checksum. */
CKKS_CHECKED ckks_status cki_head_begin(const uint8_t *in, size_t have,
                                        uint64_t size, cki_kind kind,
                                        size_t fields, const ckks_ctx *ctx,
                                        const char *name);
CKKS_CHECKED ckks_status cki_head_sum(const uint8_t *in, uint64_t sum,
                                      const char *name);

/* CKKS_EARG unless the caller's buffer has the size of the object. */
CKKS_CHECKED ckks_status cki_check_room(const uint8_t *out, size_t size,
                                        size_t want, const char *name);
/* CKKS_EFORMAT unless the fields need just the bytes there are. */
CKKS_CHECKED ckks_status cki_check_size(uint64_t size, uint64_t want,
                                        const char *name);

/* A number of a field that must lie in low..high. */
CKKS_CHECKED ckks_status cki_check_field(uint64_t got, uint64_t low,
                                         uint64_t high, const char *field,
                                         const char *name);

/* Bytes of one packed limb modulo prime number t, its writing and reading.
 * Each function returns the place behind it. */
size_t cki_limb_size(const ckks_ctx *ctx, int t);
uint8_t *cki_limb_write(uint8_t *out, const uint64_t *limb, int t,
                        const ckks_ctx *ctx);
/* CKKS_EFORMAT if a word is not below the prime, or padding is not 0; *in
 * moves behind the limb.  part: what the limb belongs to, for the message. */
CKKS_CHECKED ckks_status cki_limb_read(uint64_t *limb, const uint8_t **in,
                                       int t, const ckks_ctx *ctx,
                                       const char *part, const char *name);

/* The same for limbs 0..level of a polynomial. */
uint64_t cki_limbs_size(const ckks_ctx *ctx, int level);
uint8_t *cki_limbs_write(uint8_t *out, const uint64_t *limb, int level,
                         const ckks_ctx *ctx);
CKKS_CHECKED ckks_status cki_limbs_read(uint64_t *limb, const uint8_t **in,
                                        int level, const ckks_ctx *ctx,
                                        const char *part, const char *name);

/* CKKS_EARG for what came without a seed: the format holds seeds, so it cannot
 * hold that (serial_keys.c). */
CKKS_CHECKED ckks_status cki_no_seed(const char *what, const char *name);

#endif
