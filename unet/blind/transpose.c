/* transpose.c -- transpose.h. */
#include "blind/transpose.h"

#include <string.h>

/* A row of 128 bits; compilers have it in one register where there is one. */
typedef uint64_t row __attribute__((vector_size(16)));

/* One step of a square of 128 x 128 bits: in every square of 2s x 2s bits on
 * its grid the upper right and the lower left quarter change places, s = 32, 16
 * ... 1; mask has the columns of the left half. */
static inline void quarters(row *w, size_t s, uint64_t mask)
{
    for (size_t i = 0; i < 128; i += 2 * s)
        for (size_t j = i; j < i + s; j++) {
            row d = (w[j] >> s ^ w[j + s]) & mask;

            w[j + s] ^= d;
            w[j] ^= d << s;
        }
}

/* The first step, of quarters of 64 x 64, on the way in. */
static void square_load(row *w, const blind_block *in, size_t stride)
{
    for (size_t i = 0; i < 64; i++) {
        const blind_block a = in[stride * i], b = in[stride * (i + 64)];

        w[i] = (row){ a.w[0], b.w[0] };
        w[i + 64] = (row){ a.w[1], b.w[1] };
    }
}

void blind_transpose(blind_block *out, const blind_block *in, size_t stride,
                     size_t blocks)
{
    for (size_t c = 0; c < blocks; c++) {
        row w[128];

        square_load(w, in + c, stride);
        quarters(w, 32, 0x00000000ffffffff);
        quarters(w, 16, 0x0000ffff0000ffff);
        quarters(w, 8, 0x00ff00ff00ff00ff);
        quarters(w, 4, 0x0f0f0f0f0f0f0f0f);
        quarters(w, 2, 0x3333333333333333);
        quarters(w, 1, 0x5555555555555555);
        memcpy(out + 128 * c, w, sizeof w);
    }
}
