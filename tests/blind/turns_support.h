/* turns_support.h -- answers that a client waits for, one behind the other, by
 * what either side sent and received in which order. */
#ifndef TURNS_SUPPORT_H
#define TURNS_SUPPORT_H

#include "blind/wire.h"

/* One side's frames in their order: 1 sent, 0 received. */
typedef struct turns_log {
    uint8_t *sent;
    size_t count, room;
} turns_log;

void turns_watch(turns_log *l, blind_wire *w);
void turns_clear(turns_log l[2]);

/* Half the length of the longest chain of frames, each sent behind the one
 * before it was received, that ends at the client.  from: the chains' lengths
 * at both sides where the logs begin.  Frees nothing. */
double turns_of(const turns_log l[2], const int from[2]);

/* Behind greetings and the offer. */
extern const int turns_offered[2];

#endif
