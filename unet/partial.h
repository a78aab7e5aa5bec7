/* partial.h -- private to libunet: sets of a result that is not yet whole, kept
 * in OUT.partial until it is.
 *
 *   offset  bytes  all numbers little-endian
 *        0      4  "VPRT"
 *        4      1  version, 1
 *        5      3  0
 *        8     16  mark: names all that the sets depend on
 *
 * then, set by set from the first one: 8 bytes of length; BLAKE2b-128, with the
 * mark as key, of the set's number (8 bytes) and what follows; the ciphertexts
 * as a file of results has them.  What is behind the last record whose digest
 * fits was being written when the work was cut, and is cut off.  The digest is
 * for damage: the ciphertexts are checked as those of any other file.
 */
#ifndef UNET_PARTIAL_H
#define UNET_PARTIAL_H

#include <stdbool.h>

#include "unet.h"

typedef struct uni_partial uni_partial;

/* Opens or makes OUT.partial, for this process alone.  *other: there was one of
 * another mark, which is begun anew.
 *   errors  CKKS_EIO      cannot be written; another evaluation has it
 *           CKKS_EFORMAT  a file of this name that is none of these
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status uni_partial_open(uni_partial **out, bool *other,
                                          const char *out_path,
                                          const uint8_t mark[UNET_ID],
                                          const nn_plan *p,
                                          const ckks_ctx *ctx);
/* Sets that were there, as far as digests tell. */
size_t uni_partial_sets(const uni_partial *w);
/* The next set's ciphertexts, shape (nn_plan_outputs); *found: there is one.
 * After the first that is not found all are.
 *   errors  CKKS_EMEM, CKKS_EIO */
CKKS_CHECKED ckks_status uni_partial_next(ckks_ct *ct, bool *found,
                                          uni_partial *w);
/* Adds a set's.
 *   errors  CKKS_EMEM, CKKS_EIO */
CKKS_CHECKED ckks_status uni_partial_put(uni_partial *w, const ckks_ct *ct);
/* Closes it; removes it if nothing is in it, or done. */
void uni_partial_close(uni_partial **w, bool done);

#endif
