/* vectors_wire.h -- both sides of a protocol, and what they send against
 * vectors. */
#ifndef VECTORS_WIRE_H
#define VECTORS_WIRE_H

#include "two_sides.h"
#include "vectors_support.h"

/* Runs both sides as two_sides does; then CHECKs all that each has sent, frame
 * by frame, headers included, against what is expected as client0, client1 ...,
 * server0 .... */
bool vec_sides(vec_case *c, ckks_status (*client)(side *), void *of_client,
               ckks_status (*server)(side *), void *of_server);

/* The same for whole sessions, whose greetings are expected as clientGreeting
 * and serverGreeting: each side opens its end of the line. */
typedef struct vec_end {
    bool server;
    int socket;
    void *with;
    ckks_status status;
    char why[700];
} vec_end;
bool vec_session(vec_case *c, ckks_status (*run)(vec_end *), void *of_client,
                 void *of_server);

#endif
