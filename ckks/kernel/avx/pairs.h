/* pairs.h -- weights of an integer combination, for instructions that multiply
 * pairs of 16-bit numbers and add neighbours, and as doubles.
 *
 * Read first: kernel.h (combine), docs/11-layers.md.
 *
 * Inputs 2 i and 2 i + 1 are pair number i.  Two terms of a block that follow
 * each other and are of one pair are one entry, other terms one each, with
 * weight 0 for the input that lacks.  Entries are summed in 32 bits in runs:
 * the |weight| of a run add up to less than `limit` in every row.
 */
#ifndef CKI_PAIRS_H
#define CKI_PAIRS_H

#include "kernel/kernel.h"

/* A word x < p stands for x' = x, or x - p where x is larger than a cut, in
 * signed digits of 16 bits: three of them for p < 2^48, else four.
 *
 * Four hold |x'| <= p/2.  Three hold the 2^48 numbers from -2^47 - c on, c =
 * 2^31 + 2^15: so the cut is at (p - 1)/2, or below 2^47 - c if that is less,
 * and then x' >= 2^47 - c - p > -2^47 - c.  In either case |x'| <= 2^47 + c, and
 * |weight| that add up to at most 2^16 - 1 give a sum of at most
 *   (2^16 - 1) (2^47 + 2^31 + 2^15) = 2^63 - 2^15. */
static inline bool cki_pairs_three(const cki_mod *m)
{
    return m->p < (uint64_t)1 << 48;
}

static inline uint64_t cki_pairs_cut(const cki_mod *m)
{
    const uint64_t half = (m->p - 1) / 2;
    const uint64_t most = ((uint64_t)1 << 47) - 0x80008000 - 1;

    return cki_pairs_three(m) && half > most ? most : half;
}

/* 2^15 in every digit but the top one.  Adding it to x' makes these digits ones
 * of [0, 2^16) and carries; turning their top bits takes it off again. */
static inline uint64_t cki_pairs_bias(const cki_mod *m)
{
    return cki_pairs_three(m) ? 0x80008000 : 0x800080008000;
}

/* Number of the pair, times 2, plus 1 in the last entry of a run. */
typedef uint32_t cki_entry;

/* Weights of 16 bits, and two short of 2^15: that leaves room for a word that is
 * added to a sum (ifma/digits.c). */
enum { CKI_PAIR_LIMIT = (1 << 15) - 2 };

/* All |weight| are below CKI_PAIR_LIMIT. */
bool cki_pairs_fit(const ckks_block *block, size_t n_blocks);

/* For each block in turn: the number of its entries, these, then for each group
 * of `rows` rows and each entry the weights, row after row, the even input's in
 * the low half.  limit >= CKI_PAIR_LIMIT; `to` has room for 1 + 2 rows words a
 * term and group of rows. */
void cki_pairs_pack(uint32_t *to, const ckks_block *block, size_t n_blocks,
                    size_t rows, uint32_t limit);

/* ---- weights as doubles, for weights that do not fit --------------------- */

/* How many doubles they are: rows in groups of `rows`, missing ones too. */
size_t cki_weights_of(const ckks_block *block, size_t n_blocks, size_t rows);

/* Shape (group of `rows` rows, term, row); missing rows are 0. */
void cki_weights_pack(double *to, const ckks_block *block, size_t n_blocks,
                      size_t rows);

#endif
