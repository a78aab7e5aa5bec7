/* conv.h -- what both sides of a convolution share. */
#ifndef BLIND_CONV_H
#define BLIND_CONV_H

#include "he.h"
#include "tile.h"

enum { BLIND_GROUP_BYTES = 384 << 20 };     /* of polynomials at the server  */

typedef struct blind_conv_plan {
    const blind_conv *c;
    blind_tiling t;
    size_t pixels;              /* of a channel of the input                 */
    size_t outputs;             /* of a channel of the output                */
    int    group;               /* tiles that are worked on together         */
    size_t up;                  /* bytes of a frame                          */
} blind_conv_plan;

CKKS_CHECKED ckks_status blind_conv_plan_make(blind_conv_plan *k,
                                              const blind_conv *c);

/* Words between limbs at the server: n and a bit, since rows at a distance of
 * a power of two share a cache's sets. */
static inline size_t blind_limb_stride(size_t n)
{
    return n + 264;
}

/* Outputs of result number o that there are: the last one may have fewer. */
static inline int blind_outputs_of(const blind_tiling *t, int o)
{
    int left = t->outputs - o * t->pack_out;

    return left < t->pack_out ? left : t->pack_out;
}

/* Limbs of channels in ciphertext number c of a tile: 2^BLIND_SCALE times the
 * shares, zeros elsewhere; coefficients. */
void blind_conv_encode(uint64_t *m, const blind_share *x, int c, int tile,
                       const blind_conv_plan *k, const blind_ring *r);

/* Where output number `output` of the tiling at pixel `pixel` lies among the
 * convolution's outputs: transposed, output = channel 2^dims + phase. */
size_t blind_conv_place(const blind_conv_plan *k, int output, size_t pixel);

CKKS_CHECKED ckks_status blind_conv_client(blind_share *out,
                                           const blind_share *x,
                                           const blind_conv_plan *k,
                                           blind_party *p);
CKKS_CHECKED ckks_status blind_conv_server(blind_share *out,
                                           const blind_share *x,
                                           const blind_conv_plan *k,
                                           const int32_t *weight,
                                           const int64_t *bias,
                                           const int64_t *map, blind_party *p);

#endif
