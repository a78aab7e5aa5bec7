/* conv_server.h -- a convolution under way at the side that has the weights. */
#ifndef BLIND_CONV_SERVER_H
#define BLIND_CONV_SERVER_H

#include "conv.h"
#include "sparse.h"

typedef struct conv_server {
    const blind_conv_plan *k;
    blind_party *p;
    blind_ring *r;
    blind_lift lift;
    cki_stream s;
    const int32_t *weight;
    const int64_t *bias, *map;
    size_t stride;              /* words of a limb                           */
    uint64_t *x, *y, *w;        /* shape (limbs, cts_in, group, 2, stride);
                                   (limbs, cts_out, group, 2, stride);
                                   (outputs, terms, stride)                  */
    uint64_t *m, *work;
    uint64_t *taps;             /* sparse.block coefficients                 */
    blind_sparse sparse;
    uint8_t *frame;
    int32_t *matrix, *index;    /* scalars: (outputs, channels)              */
    void *combine;
    size_t x_size, y_size, w_size, m_size, words, frame_size, combine_size;
} conv_server;

/* Limb l of part 0 or 1 of ciphertext c, of result o, of a tile of the
 * group. */
static inline uint64_t *blind_server_x(const conv_server *h, int l, int c,
                                       int tile, int part)
{
    const size_t at = (((size_t)l * (size_t)h->k->t.cts_in + (size_t)c)
                       * (size_t)h->k->group + (size_t)tile) * 2
                      + (size_t)part;

    return h->x + at * h->stride;
}
static inline uint64_t *blind_server_y(const conv_server *h, int l, int o,
                                       int tile, int part)
{
    const size_t at = (((size_t)l * (size_t)h->k->t.cts_out + (size_t)o)
                       * (size_t)h->k->group + (size_t)tile) * 2
                      + (size_t)part;

    return h->y + at * h->stride;
}

/* Result number o of tile number `tile` (number `slot` of the group), whose
 * shares of the server go to out: refreshed, masked, sent. */
CKKS_CHECKED ckks_status blind_server_send(conv_server *h, blind_share *out,
                                           int o, int tile, int slot);

#endif
