/* pairs.c -- see pairs.h. */
#include "kernel/avx/pairs.h"

bool cki_pairs_fit(const ckks_block *block, size_t n_blocks)
{
    for (const ckks_block *b = block; b < block + n_blocks; b++)
        for (size_t k = 0; k < b->rows * b->terms; k++)
            if (b->weight[k] <= -CKI_PAIR_LIMIT
                || b->weight[k] >= CKI_PAIR_LIMIT)
                return false;
    return true;
}

/* Terms first .. end - 1 are no more than a run may have. */
static bool run_holds(const ckks_block *b, size_t first, size_t end,
                      uint32_t limit)
{
    for (size_t r = 0; r < b->rows; r++) {
        const int32_t *w = b->weight + r * b->terms;
        uint64_t sum = 0;

        for (size_t k = first; k < end; k++)
            sum += (uint64_t)(w[k] < 0 ? -w[k] : w[k]);
        if (sum >= limit)
            return false;
    }
    return true;
}

/* How many terms are the entry that begins with term k: two if both are of one
 * pair and a run holds them. */
static size_t entry_terms(const ckks_block *b, size_t k, uint32_t limit)
{
    return k + 1 < b->terms && b->index[k] / 2 == b->index[k + 1] / 2
                   && b->index[k] != b->index[k + 1]
                   && run_holds(b, k, k + 2, limit)
               ? 2 : 1;
}

/* The entries of a block; gives how many. */
static size_t find_runs(cki_entry *to, const ckks_block *b, uint32_t limit)
{
    size_t count = 0, first = 0;

    for (size_t k = 0, some; k < b->terms; k += some) {
        some = entry_terms(b, k, limit);
        if (k > first && !run_holds(b, first, k + some, limit)) {
            to[count - 1] |= 1;
            first = k;
        }
        to[count++] = (cki_entry)b->index[k] / 2 * 2;
    }
    to[count - 1] |= 1;
    return count;
}

static uint32_t *pack_weights(uint32_t *to, const ckks_block *b, size_t rows,
                              uint32_t limit)
{
    for (size_t r = 0; r < b->rows; r += rows)
        for (size_t k = 0, some; k < b->terms; k += some) {
            some = entry_terms(b, k, limit);
            for (size_t s = r; s < r + rows; s++, to++) {
                *to = 0;
                for (size_t i = k; i < k + some && s < b->rows; i++)
                    *to |= ((uint32_t)b->weight[s * b->terms + i] & 0xffff)
                           << (b->index[i] % 2 ? 16 : 0);
            }
        }
    return to;
}

#ifdef CKKS_VERIFY
static uint32_t size_of(uint32_t half)
{
    return half < 1 << 15 ? half : (1 << 16) - half;
}

/* What was packed: no run's |weight| add up to `limit`, in any row. */
static bool runs_hold(const cki_entry *e, size_t count, const uint32_t *weight,
                      size_t groups, size_t rows, uint32_t limit)
{
    for (size_t g = 0; g < groups; g++, weight += count * rows)
        for (size_t r = 0; r < rows; r++) {
            uint64_t sum = 0;

            for (size_t k = 0; k < count; k++) {
                const uint32_t w = weight[k * rows + r];

                sum += size_of(w & 0xffff) + size_of(w >> 16);
                if (sum >= limit)
                    return false;
                sum = e[k] & 1 ? 0 : sum;
            }
        }
    return count > 0 && e[count - 1] & 1;
}
#endif

void cki_pairs_pack(uint32_t *to, const ckks_block *block, size_t n_blocks,
                    size_t rows, uint32_t limit)
{
    for (const ckks_block *b = block; b < block + n_blocks; b++) {
        const size_t count = find_runs(to + 1, b, limit);

        *to = (uint32_t)count;
        VERIFY(limit >= CKI_PAIR_LIMIT);
        to = pack_weights(to + 1 + count, b, rows, limit);
        VERIFY(runs_hold(to - count * ((b->rows + rows - 1) / rows * rows + 1),
                         count, to - count * ((b->rows + rows - 1) / rows
                                              * rows),
                         (b->rows + rows - 1) / rows, rows, limit));
    }
}

size_t cki_weights_of(const ckks_block *block, size_t n_blocks, size_t rows)
{
    size_t sum = 0;

    for (size_t b = 0; b < n_blocks; b++)
        sum += (block[b].rows + rows - 1) / rows * rows * block[b].terms;
    return sum;
}

void cki_weights_pack(double *to, const ckks_block *block, size_t n_blocks,
                      size_t rows)
{
    for (size_t b = 0; b < n_blocks; b++)
        for (size_t r = 0; r < block[b].rows; r += rows)
            for (size_t k = 0; k < block[b].terms; k++)
                for (size_t s = r; s < r + rows; s++)
                    *to++ = s < block[b].rows
                                ? block[b].weight[s * block[b].terms + k] : 0;
}
