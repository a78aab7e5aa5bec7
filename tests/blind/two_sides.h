/* two_sides.h -- both sides of a protocol in one test: two threads and a pair
 * of sockets. */
#ifndef TEST_TWO_SIDES_H
#define TEST_TWO_SIDES_H

#include "blind/wire.h"

enum { SIDE_CLIENT, SIDE_SERVER };

typedef struct side {
    bool server;
    blind_wire *wire;
    void *with;                 /* what the test gave                        */
    ckks_status status;         /* of what it ran, and the message           */
    char why[700];
} side;

/* Runs one function on each side, each over its own wire, until both have
 * returned; a side that fails tells the other.  CHECK has no place in them.
 * True if both gave CKKS_OK; else prints their messages. */
bool two_sides(ckks_status (*client)(side *), void *of_client,
               ckks_status (*server)(side *), void *of_server);

/* The same, without a word on failures; tcp: over 127.0.0.1. */
void two_sides_run(side s[2], ckks_status (*client)(side *),
                   ckks_status (*server)(side *), double idle, bool tcp);

/* Connected sockets; tcp: over 127.0.0.1, else a pair. */
bool two_sockets(int s[2], bool tcp);

#endif
