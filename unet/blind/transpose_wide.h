/* transpose_wide.h -- the text of blind_transpose for vectors of any width; a
 * file that includes it has defined
 *   wide            a vector of 2 WIDE_BLOCKS words of 64 bits
 *   wide_low(a, b), wide_high(a, b)     the lower (upper) words of a's blocks,
 *                                       each followed by b's
 *   wide_store(out, x)                  block l of x to out[128 l]
 *
 * WIDE_BLOCKS squares of 128 x 128 bits side by side, a row in each vector.  A
 * step: in every square of 2s x 2s bits on its grid the upper right and the
 * lower left quarter change places, s = 64, 32 ... 1.
 */
#ifndef BLIND_TRANSPOSE_WIDE_H
#define BLIND_TRANSPOSE_WIDE_H

#include <string.h>

#include "blind/transpose.h"

/* Shifts by numbers that are known. */
#define WIDE_INLINE static inline __attribute__((always_inline))

/* A step for two rows that are s apart; mask has the columns of the left
 * half. */
static inline void wide_step(wide *a, wide *b, int s, uint64_t mask)
{
    const wide d = (*a >> s ^ *b) & mask;

    *b ^= d;
    *a ^= d << s;
}

/* Three steps, s = 4t, 2t, t, of the rows 0, t ... 7t. */
WIDE_INLINE void wide_eight(wide *w, size_t t, const uint64_t mask[3])
{
    const int s = (int)t;
    wide r[8] = { w[0], w[t], w[2 * t], w[3 * t], w[4 * t], w[5 * t],
                  w[6 * t], w[7 * t] };

    wide_step(&r[0], &r[4], 4 * s, mask[0]);
    wide_step(&r[1], &r[5], 4 * s, mask[0]);
    wide_step(&r[2], &r[6], 4 * s, mask[0]);
    wide_step(&r[3], &r[7], 4 * s, mask[0]);
    wide_step(&r[0], &r[2], 2 * s, mask[1]);
    wide_step(&r[1], &r[3], 2 * s, mask[1]);
    wide_step(&r[4], &r[6], 2 * s, mask[1]);
    wide_step(&r[5], &r[7], 2 * s, mask[1]);
    wide_step(&r[0], &r[1], s, mask[2]);
    wide_step(&r[2], &r[3], s, mask[2]);
    wide_step(&r[4], &r[5], s, mask[2]);
    wide_step(&r[6], &r[7], s, mask[2]);
    w[0] = r[0];
    w[t] = r[1];
    w[2 * t] = r[2];
    w[3 * t] = r[3];
    w[4 * t] = r[4];
    w[5 * t] = r[5];
    w[6 * t] = r[6];
    w[7 * t] = r[7];
}

/* The step s = 64, on the way in. */
static inline void wide_load(wide *w, const blind_block *in, size_t stride)
{
    for (size_t i = 0; i < 64; i++) {
        wide a, b;

        memcpy(&a, in + stride * i, sizeof a);
        memcpy(&b, in + stride * (i + 64), sizeof b);
        w[i] = wide_low(a, b);
        w[i + 64] = wide_high(a, b);
    }
}

static inline void wide_transpose(blind_block *out, const blind_block *in,
                                  size_t stride)
{
    static const uint64_t far[3] = { 0x00000000ffffffff, 0x0000ffff0000ffff,
                                     0x00ff00ff00ff00ff };
    static const uint64_t near[3] = { 0x0f0f0f0f0f0f0f0f, 0x3333333333333333,
                                      0x5555555555555555 };
    wide w[128];

    wide_load(w, in, stride);
    for (size_t i = 0; i < 128; i += 64)
        for (size_t k = 0; k < 8; k++)
            wide_eight(w + i + k, 8, far);
    for (size_t i = 0; i < 128; i += 8)
        wide_eight(w + i, 1, near);
    for (size_t i = 0; i < 128; i++)
        wide_store(out + i, w[i]);
}

/* All blocks that fill vectors; returns how many. */
static inline size_t wide_blocks(blind_block *out, const blind_block *in,
                                 size_t stride, size_t blocks)
{
    size_t c = 0;

    for (; c + WIDE_BLOCKS <= blocks; c += WIDE_BLOCKS)
        wide_transpose(out + 128 * c, in + c, stride);
    return c;
}

#endif
