/* transfer.h -- correlated oblivious transfers: a sender with a secret
 * difference delta gets blocks q_i, the receiver with choice bits r_i gets
 *   t_i = q_i ^ r_i delta,
 * and neither learns more.  delta's bit 0 is 1, so t_i and t_i ^ delta differ
 * in colour.  A session has one pair in each direction, with deltas of their
 * own.
 *
 * Base transfers: Chou and Orlandi, over the group of 3072 bits of RFC 3526.
 * Extension: SoftSpokenOT (Roy 2022), k = 1 (IKNP), 2 or 4; semi-honest.
 */
#ifndef BLIND_TRANSFER_H
#define BLIND_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "aes.h"
#include "block.h"
#include "ckks.h"
#include "wire.h"

enum { BLIND_TRANSFER_UNIT = 128 };     /* counts are multiples of this      */

typedef struct blind_sender blind_sender;
typedef struct blind_receiver blind_receiver;

/* Base transfers and all that they make, in both directions at once; both
 * parties call it, `server` tells who is who.  k: 1, 2 or 4, equal at both.
 *   cost    about a second, 100 KiB each way
 *   errors  CKKS_EFORMAT    an element that is not in the group */
CKKS_CHECKED ckks_status blind_transfers_open(blind_sender **sender,
                                              blind_receiver **receiver,
                                              int k, bool server,
                                              const blind_aes *aes,
                                              ckks_rng *rng, blind_wire *w);
/* They wipe. */
void blind_sender_close(blind_sender **s);
void blind_receiver_close(blind_receiver **r);

blind_block blind_sender_delta(const blind_sender *s);

/* count transfers, a multiple of BLIND_TRANSFER_UNIT.  The receiver sends one
 * frame BLIND_EXTEND of blind_transfer_bytes and is done; the sender receives
 * it.  choice: bit i is bit i mod 8 of byte i / 8. */
CKKS_CHECKED ckks_status blind_receive(blind_block *t, const uint8_t *choice,
                                       size_t count, blind_receiver *r,
                                       blind_wire *w);
CKKS_CHECKED ckks_status blind_send(blind_block *q, size_t count,
                                    blind_sender *s, blind_wire *w);
size_t blind_transfer_bytes(size_t count, int k);

#endif
