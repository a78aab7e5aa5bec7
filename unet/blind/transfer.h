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

#include "blind/aes.h"
#include "blind/base.h"
#include "blind/block.h"
#include "blind/wire.h"
#include "ckks.h"

/* The default depth.  On a machine busy with other work, two threads over a
 * pair of sockets, receiver and sender together took 19, 16 and 23 ns a
 * transfer for k = 1, 2, 4 (test_transfer.c prints such rates), at 16, 8 and 4
 * bytes. */
enum {
    BLIND_TRANSFER_UNIT = 128,  /* counts are multiples of this              */
    BLIND_TRANSFER_K = 2
};

typedef struct blind_sender blind_sender;
typedef struct blind_receiver blind_receiver;

/* Base transfers and all that they make, in both directions at once; both
 * parties call it, `server` tells who is who.  k: 1, 2 or 4, equal at both.
 * session: what both call this session, different each time (session.h).
 *   cost    a fifth of a second of each side, 50 KiB each way
 *   errors  CKKS_EFORMAT    an element that is not in the group
 *           CKKS_EMEM, CKKS_ERNG, CKKS_EARG, and those of the wire */
CKKS_CHECKED ckks_status blind_transfers_open(blind_sender **sender,
                                              blind_receiver **receiver, int k,
                                              const uint8_t session[
                                                  BLIND_SESSION],
                                              bool server,
                                              const blind_aes *aes,
                                              ckks_rng *rng, blind_wire *w);
/* One direction from keys that are there: the receiver from 128 pairs, the
 * sender from the key of each that bit i of delta says.  sums: what the
 * receiver tells the sender of its trees (tree.h), blind_transfer_sums(k)
 * blocks, tree by tree. */
CKKS_CHECKED ckks_status blind_receiver_make(blind_receiver **out,
                                             blind_block *sums,
                                             const blind_pair *pair,
                                             int k, const blind_aes *aes);
CKKS_CHECKED ckks_status blind_sender_make(blind_sender **out,
                                           const blind_block *key,
                                           const blind_block *sums,
                                           blind_block delta, int k,
                                           const blind_aes *aes);
size_t blind_transfer_sums(int k);
/* They wipe. */
void blind_sender_close(blind_sender **s);
void blind_receiver_close(blind_receiver **r);

blind_block blind_sender_delta(const blind_sender *s);

/* count transfers, a multiple of BLIND_TRANSFER_UNIT (0 included), the frame
 * at most BLIND_MOST_FRAME.  The receiver sends one frame BLIND_EXTEND of
 * blind_transfer_bytes and is done; the sender receives it.  choice: bit i is
 * bit i mod 8 of byte i / 8.  After a failure t and q hold nothing of use.
 *
 * Tree i, i < 128 / k, has leaves l_x, x < 2^k; its streams AES_(l_x)(c), c
 * going on from call to call, are bits S_x.  Column j of t is the sum of the
 * S_x with bit j mod k of x, i = j / k; the frame holds, tree by tree, the sum
 * of all S_x, ^ choice.  The sender has q by the streams that it knows, and the
 * frame where delta's bit is 1:
 *   q_j = sum over x of bit j of (x ^ alpha) S_x = t_j ^ alpha_j (sum of all).
 *   source  Roy, "SoftSpokenOT" (CRYPTO 2022), section 3 and figure 7, with
 *           the repetition code and no check of consistency
 *   leaks   nothing: delta and choices only mask */
CKKS_CHECKED ckks_status blind_receive(blind_block *t, const uint8_t *choice,
                                       size_t count, blind_receiver *r,
                                       blind_wire *w);
CKKS_CHECKED ckks_status blind_send(blind_block *q, size_t count,
                                    blind_sender *s, blind_wire *w);
/* Of the frame, without its header. */
size_t blind_transfer_bytes(size_t count, int k);

#endif
