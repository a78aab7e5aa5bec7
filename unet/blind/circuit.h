/* circuit.h -- the circuits of `blind`, up to 16 copies at once.
 *
 * A word of w bits is w wires, the lowest first: block i of wire j at place
 * j lanes + i.  Each circuit is written once for both parties (garble.h).
 */
#ifndef BLIND_CIRCUIT_H
#define BLIND_CIRCUIT_H

#include "garble.h"

enum { BLIND_HASH_BITS = 128 };

/* sign: whether a + b, as a number of `width` bits in two's complement, is
 * negative.  range: whether its two highest bits differ, which says that it is
 * no number of width - 1 bits.
 *   needs   width >= 2
 *   cost    width - 1 ANDs */
void blind_sign(blind_block *sign, blind_block *range, const blind_block *a,
                const blind_block *b, int width, int lanes, blind_gates *g);
/* zero: whether all of `width` wires are 0; one copy, x is overwritten.
 *   cost    width - 1 ANDs */
void blind_all_zero(blind_block *zero, blind_block *x, int width,
                    blind_gates *g);

/* The number of the last of the wires 1 ... classes - 1 that is 1, or 0:
 * blind_label_bits(classes) wires.  greater[k lanes + i]: copy i of wire k + 1.
 *   needs   1 <= classes <= 16; with one class, wire 1 is what comes out
 *   cost    blind_label_ands(classes) ANDs */
void blind_last(blind_block *label, const blind_block *greater, int classes,
                int lanes, blind_gates *g);
int blind_label_bits(int classes);
int blind_label_ands(int classes);

#endif
