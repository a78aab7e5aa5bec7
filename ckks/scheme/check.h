/* check.h -- what arithmetic on ciphertexts shares.
 *
 * Checks: of operands that belong together, of scales, of words that a caller
 * gives; each takes the name of the public function at work for its message.
 * And the stretches of a limb that several operations pass over.
 */
#ifndef CKI_CHECK_H
#define CKI_CHECK_H

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

/* Two scales count as equal: below one part in 2^32 apart. */
bool cki_same_scale(double a, double b);

/* 1 <= scale, 2 scale < Q_level: what makers and loaders ask of an object. */
bool cki_scale_fits(const ckks_ctx *ctx, int level, double scale);
CKKS_CHECKED ckks_status cki_check_scale_room(const ckks_ctx *ctx, int level,
                                              double scale, const char *name);

/* prime is a number in the context, x holds N words below it. */
CKKS_CHECKED ckks_status cki_check_limb(const uint64_t *x, const ckks_ctx *ctx,
                                        int prime, const char *name);

/* CKKS_EARG for an imaginary part that is not 0 in the real ring. */
CKKS_CHECKED ckks_status cki_check_real(const ckks_ctx *ctx, double im,
                                        const char *name);

/* Scales a and b are the same (cki_same_scale). */
CKKS_CHECKED ckks_status cki_check_scales(double a, double b, int level,
                                          const char *name);

/* Of combinations: inputs of degree 1, one context and one level, and the scale
 * of the sums; blocks whose indices are inputs, each output in exactly one of
 * them (seen: n_out zeros, spoiled); sums: rows of |weight| below 2^28. */
CKKS_CHECKED ckks_status cki_check_combined(const ckks_ct *const *in,
                                            size_t n_in, double scale,
                                            const char *name);
CKKS_CHECKED ckks_status cki_check_blocks(ckks_ct *const *out, size_t n_out,
                                          const ckks_block *block,
                                          size_t n_blocks, size_t n_in,
                                          uint8_t *seen, bool sums,
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
