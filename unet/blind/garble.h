/* garble.h -- gates of garbled circuits, up to 16 copies of a gate at once.
 *
 * Circuits are written once for both parties.  A wire is `lanes` blocks, one a
 * copy: at the garbler the label that stands for 0, at the evaluator the label
 * of the value it has, which is the garbler's or that ^ delta.  Then sums of
 * bits are sums of labels (free XOR: Kolesnikov, Schneider 2008), and so is
 * NOT, the evaluator's delta being 0.  ANDs are half gates (Zahur, Rosulek,
 * Evans 2015): two blocks of table each, which the garbler writes and the
 * evaluator reads.
 *
 * delta's bit 0 is 1: the colour of an evaluator's label tells the value to
 * who knows the garbler's, and to nobody else.
 */
#ifndef BLIND_GARBLE_H
#define BLIND_GARBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "aes.h"
#include "block.h"

enum { BLIND_LANES = 16, BLIND_AND_BYTES = 32, BLIND_PROJECT_BYTES = 16 };

typedef struct blind_gates {
    bool garbles;
    const blind_aes *aes;
    blind_block start;          /* of the hash                               */
    blind_block delta;          /* 0 at the evaluator                        */
    uint64_t tweak;             /* of the next hash; no two have the same    */
    uint8_t *table;             /* where the next gate's is written or read  */
    blind_block work[4 * BLIND_LANES];
} blind_gates;

/* out = a & b, lanes copies; out may be a or b.
 *   table   lanes first halves, then lanes second ones; the tweaks likewise
 *   cost    table: BLIND_AND_BYTES a copy; 2 tweaks a copy; the garbler makes
 *           2 key schedules and 4 AES, the evaluator 2 and 2 */
void blind_and(blind_block *out, const blind_block *a, const blind_block *b,
               int lanes, blind_gates *g);
/* Shares modulo 2^128 of bit * y, y a number of the garbler's: at the
 * evaluator y is not read.
 *   cost    table: BLIND_PROJECT_BYTES a copy; a tweak a copy */
void blind_project(blind_share *out, const blind_block *bit,
                   const blind_share *y, int lanes, blind_gates *g);

/* Bit i mod 8 of byte i / 8. */
static inline unsigned blind_bit(const uint8_t *bits, size_t i)
{
    return bits[i / 8] >> i % 8 & 1u;
}

static inline void blind_not(blind_block *w, int lanes, const blind_gates *g)
{
    for (int i = 0; i < lanes; i++)
        w[i] = blind_xor(w[i], g->delta);
}

static inline void blind_add(blind_block *out, const blind_block *a,
                             const blind_block *b, int lanes)
{
    for (int i = 0; i < lanes; i++)
        out[i] = blind_xor(a[i], b[i]);
}

#endif
