/* tile.h -- how maps lie in polynomials.
 *
 * A map is cut into tiles.  A tile holds what its outputs need: in[] numbers
 * along the axes z, y, x, zeros outside the map among them.  Number p of a tile
 * is the coefficient of X^(sum of p_i pitch_i).  A kernel lies the other way
 * round, tap k at X^(sum of (kernel_i - 1 - k_i) pitch_i), so the product has
 * the sum for the output whose first tap is p at
 *   X^(sum of (p_i + kernel_i - 1) pitch_i).
 * Toy, one axis: x = 1 + 2X + 3X^2, kernel (5, 7) as 7 + 5X; the product's X^1
 * is 5 1 + 7 2, its X^2 is 5 2 + 7 3.
 *
 * Where a tile has a whole axis, the zeros behind a row are those before the
 * next, so pitches are that much smaller.  Where the block has room rows begin
 * at multiples of 32, for the values of weights (values.h).
 *
 * Small maps share polynomials: block b starts at X^(b block), block the power
 * of two, 32 at least, that takes a map.
 * pack_in channels lie in one ciphertext, pack_out outputs in one result; with
 * channel j in block j, its weights for output o start at block
 * o pack_in + pack_in - 1 - j, so the sums of output o meet in block
 * o pack_in + pack_in - 1.  What leaves the polynomial at the top comes back
 * at the bottom, negated, below the sums of the first output:
 *   the highest coefficient is below (pack_in (pack_out + 1) - 1) block
 *   + first, first = the place of the first sum in a block; less
 *   n >= pack_in pack_out block that is (pack_in - 1) block + first.
 *
 * Sums over single numbers of each channel (1 x 1, transposed) may be taken by
 * scalars: `scalar`, no blocks, numbers one behind the other.
 */
#ifndef BLIND_TILE_H
#define BLIND_TILE_H

#include "linear.h"

typedef struct blind_tiling {
    size_t n;
    bool scalar;
    int  channels, outputs;     /* of what is computed: transposed has 2^dims
                                   outputs a channel                         */
    int  size[3], out_size[3];
    int  kernel[3], before[3], stride;
    int  in[3], out[3];         /* of a tile: inputs, outputs                */
    int  tiles[3], count;
    size_t pitch[3];
    size_t extent, first;       /* coefficients of a map; the first sum's    */
    size_t block;               /* n where a map has a polynomial alone      */
    int  pack_in, pack_out;
    int  cts_in, cts_out;       /* ciphertexts a tile                        */
} blind_tiling;

/* Lays c out in polynomials of n coefficients: the fewest tiles.
 *   errors  CKKS_EPARAM     a row of taps is longer than a polynomial */
CKKS_CHECKED ckks_status blind_tiling_make(blind_tiling *t,
                                           const blind_conv *c, size_t n);

/* Outputs that tile number `tile` has: those inside the map. */
size_t blind_tile_outputs(const blind_tiling *t, int tile);

/* Rows of a tile, for both directions: calls of next give runs of numbers
 * along x until it returns false. */
typedef struct blind_rows {
    const blind_tiling *t;
    bool out;                   /* of the outputs, else of the inputs        */
    int  tile[3];
    int  z, y;                  /* next row of the tile                      */
    size_t at;                  /* first coefficient, within its block       */
    size_t step;                /* from one number's to the next             */
    size_t pixel;               /* of the map, within a channel              */
    size_t count;
} blind_rows;

void blind_rows_begin(blind_rows *r, const blind_tiling *t, int tile,
                      bool out);
bool blind_rows_next(blind_rows *r);

/* Block of input channel c, of output o: their first coefficients. */
static inline size_t blind_block_in(const blind_tiling *t, int c)
{
    return (size_t)(c % t->pack_in) * t->block;
}
static inline size_t blind_block_out(const blind_tiling *t, int o)
{
    return (size_t)(o % t->pack_out * t->pack_in + t->pack_in - 1) * t->block;
}

#endif
