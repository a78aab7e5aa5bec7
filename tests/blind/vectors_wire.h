/* vectors_wire.h -- both sides of a protocol with somebody between them who
 * writes down what they send. */
#ifndef VECTORS_WIRE_H
#define VECTORS_WIRE_H

#include "two_sides.h"
#include "vectors_support.h"

/* Runs both sides as two_sides does; then CHECKs all that each has sent, frame
 * by frame, headers included, against what is expected as client0, client1 ...,
 * server0 ....  skip: bytes before the frames (a greeting), compared as
 * clientGreeting, serverGreeting. */
bool vec_sides(vec_case *c, size_t skip, ckks_status (*client)(side *),
               void *of_client, ckks_status (*server)(side *),
               void *of_server);

#endif
