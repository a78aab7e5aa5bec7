/* check.h -- what arithmetic on ciphertexts shares.
 *
 * Checks of operands that belong together, and the stretches of a limb that
 * several operations pass over.  Each check has the name of the public
 * function at work for its message.
 */
#ifndef CKI_OPERANDS_H
#define CKI_OPERANDS_H

#include "scheme/context.h"

/* Operands that were made and an output that is there; of two, one context and
 * one level.  What the output holds is not looked at. */
CKKS_CHECKED ckks_status cki_check_one(const ckks_ct *out, const ckks_ct *a,
                                       const char *name);
CKKS_CHECKED ckks_status cki_check_two(const ckks_ct *out, const ckks_ct *a,
                                       const ckks_ct *b, const char *name);
CKKS_CHECKED ckks_status cki_check_with_plain(const ckks_ct *out,
                                              const ckks_ct *a,
                                              const ckks_pt *b,
                                              const char *name);

/* Scales a and b are the same (cki_same_scale). */
CKKS_CHECKED ckks_status cki_check_scales(double a, double b, int level,
                                          const char *name);

/* Words that stay in the first-level cache while several operations pass over
 * them. */
enum { CKI_TILE = 1024 };

/* The length of the tile that begins at word `at` of n. */
static inline size_t cki_tile(size_t at, size_t n)
{
    return n - at < CKI_TILE ? n - at : CKI_TILE;
}

#endif
