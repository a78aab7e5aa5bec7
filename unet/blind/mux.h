/* mux.h -- bit * x, x a number of the evaluator's, the bit on a wire.
 *
 * With c the colour of the evaluator's label and v that of the garbler's, the
 * bit is c ^ v, so bit * x = c x + v (1 - 2c) x.  The second summand is a
 * correlated transfer of numbers: its sender, the evaluator, has q and a delta
 * of its own, the garbler t = q ^ v delta, and the message is
 *   m_0 + (1 - 2c) x - m_1,  m_0 = H(q), m_1 = H(q ^ delta),
 * so that the garbler, adding it to H(t) if v, has m_0 + v (1 - 2c) x.
 * Source: Asharov, Lindell, Schneider, Zohner (2013), 5.3.
 *
 * Here the transfer's sender is who has delta: g->delta is the evaluator's as
 * a sender, and 0 at the garbler.  Colours: bit i mod 8 of byte i / 8.
 */
#ifndef BLIND_MUX_H
#define BLIND_MUX_H

#include "garble.h"

enum { BLIND_MUX_BYTES = 16 };  /* a number                                  */

/* Adds the evaluator's share of bit * x to out, which may not be x.
 *   cost    a tweak a number */
void blind_mux_send(blind_share *out, uint8_t *message, const blind_share *x,
                    const uint8_t *colours, const blind_block *q, size_t count,
                    blind_gates *g);
/* Adds the garbler's to out. */
void blind_mux_receive(blind_share *out, const uint8_t *message,
                       const uint8_t *colours, const blind_block *t,
                       size_t count, blind_gates *g);

#endif
