/* chunk.h -- signs of shared numbers, chunk by chunk: what ReLU, maximum and
 * labels have in common.
 *
 * For a chunk the server first sends corrections of transfers, one for each
 * bit of its shares (blind_chunk_ask, which the client answers for itself by
 * blind_chunk_hear); then the client sends one frame of tables.  Labels of the
 * client's own bits are no bytes: the active ones come from label_key on both
 * sides, and the client takes delta off where its bit is 1.
 *
 * Within a chunk 16 numbers go through a circuit at once.  Bits of numbers
 * first ... first + lanes - 1 have the places first width + j lanes + i, j the
 * bit, i the number, among choices, transfers and labels alike.
 */
#ifndef BLIND_CHUNK_H
#define BLIND_CHUNK_H

#include "garble.h"
#include "party.h"

enum { BLIND_CHUNK = 8192,      /* numbers                                   */
       BLIND_MOST_WIDTH = 34,   /* bits of their sums                        */
       BLIND_WINDOWS = 1 << 16, /* that blind_max has in memory              */
       BLIND_LABELS_AT_ONCE = 1 << 15 };       /* as many passes as classes  */

/* One of the two in flight. */
typedef struct blind_chunk {
    size_t first, count;        /* numbers                                   */
    uint64_t tweak, label;      /* the first of what is the chunk's          */
    blind_block *bits;          /* of transfers: the garbler's labels of 0
                                   for the server's bits, or the evaluator's
                                   labels                                    */
    uint8_t *colours;           /* of one wire a number, packed              */
    uint8_t *labels;            /* colours of up to 8 wires, a byte a number */
    blind_block *mux;           /* transfers of the other direction          */
} blind_chunk;

/* One pass over `count` numbers. */
typedef struct blind_pass {
    blind_party *p;
    blind_share *x;             /* the shares; not the pass's own            */
    size_t count;
    int width;                  /* bits of the sum of two shares             */
    int ands, projections, muxes;       /* a number                          */
    blind_chunk slot[2];
    uint8_t *choice, *table, *message;  /* of one chunk                      */
    blind_share *sum;           /* new shares of one chunk                   */
    /* A batch's inputs, as blind_sign takes them. */
    blind_block mine[BLIND_MOST_WIDTH * BLIND_LANES];
    size_t size;                /* of all of this                            */
} blind_pass;

/* Everything in one allocation, of a size that does not grow with count beyond
 * a chunk.
 *   errors  CKKS_EMEM, CKKS_EARG (width) */
CKKS_CHECKED ckks_status blind_pass_open(blind_pass **out, blind_share *x,
                                         size_t count, int width, int ands,
                                         int projections, int muxes,
                                         blind_party *p);
/* Wipes. */
void blind_pass_close(blind_pass **pass);

/* Chunk number k, from 0: false if there is none.  Both sides begin chunks in
 * the same order. */
bool blind_chunk_begin(blind_pass *pass, size_t k);
CKKS_CHECKED ckks_status blind_chunk_ask(blind_pass *pass, size_t k);
CKKS_CHECKED ckks_status blind_chunk_hear(blind_pass *pass, size_t k);

/* Gates of this party for chunk c, from its first tweak and table on. */
blind_gates blind_chunk_gates(blind_pass *pass, const blind_chunk *c);
/* Signs of the chunk's numbers first ... first + lanes - 1: the wire says
 * "negative".  Colours of the range bits are noted for blind_overflowed. */
void blind_chunk_sign(blind_block *sign, blind_pass *pass,
                      const blind_chunk *c, size_t first, int lanes,
                      blind_gates *g);
/* Adds colours of `lanes` wires to packed ones (zero before), from bit `at`. */
void blind_colours(uint8_t *bits, size_t at, const blind_block *wire,
                   int lanes);

static inline blind_chunk *blind_slot(blind_pass *pass, size_t k)
{
    return &pass->slot[k % 2];
}

/* Transfers for so many bits. */
static inline size_t blind_padded(size_t bits)
{
    return (bits + BLIND_TRANSFER_UNIT - 1) / BLIND_TRANSFER_UNIT
           * BLIND_TRANSFER_UNIT;
}

static inline size_t blind_table_bytes(const blind_pass *pass, size_t count)
{
    return count * ((size_t)pass->ands * BLIND_AND_BYTES
                    + (size_t)pass->projections * BLIND_PROJECT_BYTES);
}

#endif
