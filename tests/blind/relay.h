/* relay.h -- a wire between two sides that keeps all that passes. */
#ifndef TEST_RELAY_H
#define TEST_RELAY_H

#include <pthread.h>

#include "blind/wire.h"

typedef struct relay_side {
    int socket;                 /* towards this side                         */
    uint8_t *byte;              /* what it sent                              */
    size_t size, room;
} relay_side;

typedef struct relay {
    relay_side side[2];         /* of the client, of the server              */
    pthread_t thread;
} relay;

/* A header, and its place; BLIND_ALIVE left out. */
typedef struct relay_frame {
    unsigned type, layer;
    uint64_t size;
    size_t at;                  /* where its bytes begin                     */
} relay_frame;

/* ends: sockets for the client and for the server. */
bool relay_open(relay *r, int ends[2]);
/* Once both sides have closed theirs. */
void relay_wait(relay *r);
void relay_clear(relay *r);

/* The frames that a side sent after its greeting; malloc; CHECKs that what was
 * sent is nothing but frames. */
relay_frame *relay_frames(size_t *count, const relay_side *s);

#endif
