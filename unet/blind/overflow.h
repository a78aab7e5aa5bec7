/* overflow.h -- noting bits that must be 0, for blind_overflowed
 * (activation.h). */
#ifndef BLIND_OVERFLOW_H
#define BLIND_OVERFLOW_H

#include "garble.h"
#include "party.h"

/* Puts the colours of up to 16 wires into this side's hash: both sides' are
 * equal where the wires are 0. */
void blind_overflow_note(blind_overflow *o, const blind_block *wire,
                         int lanes);

#endif
