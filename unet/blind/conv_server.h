/* conv_server.h -- a convolution under way at the side that has the weights. */
#ifndef BLIND_CONV_SERVER_H
#define BLIND_CONV_SERVER_H

#include "conv.h"
#include "values.h"

typedef struct conv_server {
    const blind_conv_plan *k;
    blind_party *p;
    blind_ring *r;
    blind_lift lift;
    cki_stream s;
    const int32_t *weight;
    const int64_t *bias, *map;
    uint64_t *x, *y;            /* ciphertexts, results: conv_layout.c       */
    uint64_t *m, *work;
    uint8_t *frame;
    blind_values values;        /* else than by scalars:                     */
    uint64_t *w;                /* shape (places, terms, OUTPUTS, 8)         */
    uint64_t *coef;             /* shape (fours, pairs, rows columns, PAIR)  */
    uint64_t *rows;
    int fours;                  /* of results whose coefficients fit         */
    int32_t *matrix, *index;    /* scalars: (outputs, channels)              */
    void *combine;
    size_t w_size, m_size, words, frame_size, combine_size, coef_size;
    size_t rows_size;
} conv_server;

/* conv_layout.c: words of so many ciphertexts or results (x, y), from one place
 * to the next, and of a row where products are by scalars. */
size_t blind_server_words(const conv_server *h, int cts);
size_t blind_server_place(const conv_server *h, int cts);
uint64_t *blind_server_row(const conv_server *h, uint64_t *of, int cts, int l,
                           int c, int tile, int part);

/* x gets limb l of part 0 or 1 of ciphertext c, or that of result o is taken
 * from y, of a tile of the group: n words in the transform's order. */
void blind_server_put(conv_server *h, const uint64_t *limb, int l, int c,
                      int tile, int part);
void blind_server_get(uint64_t *limb, const conv_server *h, int l, int o,
                      int tile, int part);

/* conv_sums.c: once, what weights need; then y = sums of the first `tiles`
 * tiles of x times weights. */
CKKS_CHECKED ckks_status blind_server_prepare(conv_server *h);
CKKS_CHECKED ckks_status blind_server_sums(conv_server *h, int tiles);

/* Result number o of tile number `tile` (number `slot` of the group), whose
 * shares of the server go to out: refreshed, masked, sent. */
CKKS_CHECKED ckks_status blind_server_send(conv_server *h, blind_share *out,
                                           int o, int tile, int slot);

#endif
