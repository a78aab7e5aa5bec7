/* wire_support.h -- one end of a line, the other end of which the test writes
 * byte by byte. */
#ifndef WIRE_SUPPORT_H
#define WIRE_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "blind/wire.h"

void wire_doze(double seconds);

typedef struct wire_forged {
    unsigned type, layer;
    uint32_t number;
    uint64_t size;
    uint32_t zero, spoil;       /* spoil is added to the checksum            */
} wire_forged;

/* The header as wire.h has it, written here anew. */
void wire_forge(uint8_t b[24], const wire_forged *f);

/* A wire and the bare socket of its peer. */
bool wire_alone(blind_wire **w, int *peer, double idle);

/* Whether the last message has this part. */
bool wire_said(const char *part);

#endif
