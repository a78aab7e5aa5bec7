/* activation.h -- ReLU, maximum and labels of shared numbers, by garbled
 * circuits.  The client garbles, the server evaluates; both call the same
 * function with their shares, p->server tells which side it is.
 *
 * x is the number whose shares the parties hold, |x| < 2^(bits - 1), 8 <= bits
 * <= 32.  One bit more is computed, and where bits that should be equal are
 * not (x outside, up to twice) the session notes it; blind_overflowed tells the
 * client in the end, at no cost an element but one AND.
 *
 * Work is cut into chunks, so tables are never stored: at most two chunks are
 * in flight.  The server's choices of the next chunk are sent before it
 * evaluates the one at hand.  Memory does not grow with count.
 *
 * After a failure shares are as they were, new or half of either: the session
 * is over.
 */
#ifndef BLIND_ACTIVATION_H
#define BLIND_ACTIVATION_H

#include "party.h"

CKKS_CHECKED ckks_status blind_overflow_open(blind_party *p);
void blind_overflow_close(blind_party *p);

/* x[i] = max(x[i], 0), in place, fresh shares.
 *   cost    bits ANDs and a projection an element, a transfer of each
 *           direction */
CKKS_CHECKED ckks_status blind_relu(blind_share *x, size_t count, int bits,
                                    blind_party *p);
/* out[i] = the largest of x[window i] ... x[window i + window - 1], window 2..8
 * (4 and 8 in U-Nets).  Differences must be numbers of one bit more, which
 * those of numbers in range are.
 *   cost    window - 1 times what ReLU of a bit more costs */
CKKS_CHECKED ckks_status blind_max(blind_share *out, const blind_share *x,
                                   size_t count, int window, int bits,
                                   blind_party *p);
/* label[i] = the k with the largest x[classes i + k], the first of equal ones,
 * 1 <= classes <= 16; classes 1: whether x[i] > 0.  The client alone gets it
 * (label is NULL at the server); from a server that answers nonsense it gets
 * CKKS_EFORMAT or labels without sense, but of these classes.
 *   cost    classes - 2 times ReLU of a bit more, and bits + 1 ANDs and a few
 *           (classes 1: bits) */
CKKS_CHECKED ckks_status blind_labels(uint8_t *label, const blind_share *x,
                                      size_t count, int classes, int bits,
                                      blind_party *p);
/* Whether any number since the last call left its range.  The client alone
 * gets it (over is NULL at the server).  127 ANDs: both hash the bits that must
 * be equal, a circuit compares the hashes. */
CKKS_CHECKED ckks_status blind_overflowed(bool *over, blind_party *p);

/* Bytes that the server and the client send for these, headers included; all
 * are exact. */
typedef struct blind_bytes {
    double up, down;            /* by the client, by the server              */
    double turns;               /* answers that the client waits for, one
                                   behind the other: what is in flight at
                                   once is one                               */
} blind_bytes;
blind_bytes blind_relu_bytes(size_t count, int bits, int k);
blind_bytes blind_max_bytes(size_t count, int window, int bits, int k);
blind_bytes blind_labels_bytes(size_t count, int classes, int bits, int k);
blind_bytes blind_overflowed_bytes(int k);

#endif
