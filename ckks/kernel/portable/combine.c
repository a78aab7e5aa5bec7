/* combine.c -- integer combinations in C11.
 *
 * Read first: docs/11-layers.md.
 */
#include <string.h>

#include "kernel/portable/portable.h"

enum { TILE = 64 };     /* columns done together                             */

/* A word x < 2^61 is cut into x = h 2^32 + l.  With row sums of |weight| below
 * 2^28 both sums stay below 2^60 in absolute value: exact in a signed word. */

size_t cki_portable_combine_work(size_t n_in, const ckks_block *block,
                                 size_t n_blocks)
{
    (void)n_in;
    (void)block;
    (void)n_blocks;
    return 64;
}

static void combine_row(uint64_t *out, const uint64_t *const *in,
                        const int32_t *index, const int32_t *weight,
                        size_t terms, size_t n, const cki_mod *m)
{
    const uint64_t two32 = ((uint64_t)1 << 32) % m->p;
    int64_t lo[TILE], hi[TILE];

    for (size_t at = 0; at < n; at += TILE) {
        size_t count = n - at < TILE ? n - at : TILE;

        memset(lo, 0, sizeof lo);
        memset(hi, 0, sizeof hi);
        for (size_t k = 0; k < terms; k++) {
            const uint64_t *x = in[index[k]] + at;
            int64_t w = weight[k];

            for (size_t i = 0; i < count; i++) {
                lo[i] += w * (int64_t)(x[i] & 0xffffffffu);
                hi[i] += w * (int64_t)(x[i] >> 32);
            }
        }
        for (size_t i = 0; i < count; i++)
            out[at + i] = cki_add(cki_from_signed(lo[i], m),
                                  cki_mul(cki_from_signed(hi[i], m), two32, m),
                                  m->p);
    }
}

void cki_portable_combine(uint64_t *const *out, const uint64_t *const *in,
                          size_t n_in, const ckks_block *block, size_t n_blocks,
                          size_t n, const cki_mod *m, void *work)
{
    (void)work;
    (void)n_in;
    for (size_t b = 0; b < n_blocks; b++)
        for (size_t r = 0; r < block[b].rows; r++)
            combine_row(out[block[b].first + r], in, block[b].index,
                        block[b].weight + r * block[b].terms, block[b].terms,
                        n, m);
}
