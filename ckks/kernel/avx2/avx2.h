/* avx2.h -- the kernel of four lanes: what it has beside the loops of
 * kernel/fma.
 *
 * Read first: lanes.h, fma/fma.h, docs/10-kernels.md.
 */
#ifndef CKI_AVX2_H
#define CKI_AVX2_H

#include "kernel/avx2/lanes.h"
#include "kernel/fma/fma.h"

void cki_avx2_permute(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                      size_t n);

/* Integer combinations: rows that are worked on together; columns of a tile of
 * digits, long enough for what fetches lines in a row. */
enum { ROWS = 4, DIGIT_COLUMNS = 256 };

size_t cki_avx2_combine_work(size_t n_in, const ckks_block *block,
                             size_t n_blocks);
void cki_avx2_combine(uint64_t *const *out, const uint64_t *const *in,
                      size_t n_in, const ckks_block *block, size_t n_blocks,
                      size_t n, const cki_mod *m, void *work);

/* |weight| < 2^15 (cki_pairs_fit), n a multiple of 32; work as above. */
void cki_avx2_combine_digits(uint64_t *const *out, const uint64_t *const *in,
                             size_t n_in, const ckks_block *block,
                             size_t n_blocks, size_t n, const cki_mod *m,
                             void *work);

void cki_avx2_pack(uint8_t *out, const uint64_t *in, size_t n, size_t bytes);
void cki_avx2_from_small(uint64_t *out, const int8_t *in, size_t n,
                         const cki_mod *m);
void cki_avx2_weigh(uint64_t *const *out, size_t rows,
                    const uint64_t *const *in, const uint64_t *weight,
                    size_t terms, size_t n, const cki_mod *m);

void cki_avx2_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                     size_t count);

#endif
