/* block.h -- the two kinds of numbers that the parties of `blind` hold: blocks
 * of 128 bits (labels, pads, seeds) and words of shares. */
#ifndef BLIND_BLOCK_H
#define BLIND_BLOCK_H

#include <stdint.h>

/* Word 0 holds bits 0..63; on the wire 16 bytes, little-endian. */
typedef struct blind_block {
    uint64_t w[2];
} blind_block;

typedef struct blind_pair {
    blind_block key[2];
} blind_pair;

static inline blind_block blind_xor(blind_block a, blind_block b)
{
    return (blind_block){ { a.w[0] ^ b.w[0], a.w[1] ^ b.w[1] } };
}

/* Bit 0: point and permute. */
static inline unsigned blind_colour(blind_block a)
{
    return (unsigned)(a.w[0] & 1);
}

/* An additive share modulo 2^128 of an integer x, |x| far below 2^127: x is
 * client + server, as signed numbers, but with odds |x| / 2^128. */
__extension__ typedef unsigned __int128 blind_share;
__extension__ typedef __int128 blind_signed;

#endif
