/* party.h -- what one side of a session has; each part's own file opens it. */
#ifndef BLIND_PARTY_H
#define BLIND_PARTY_H

#include <stdbool.h>

#include "aes.h"
#include "block.h"
#include "ckks.h"
#include "transfer.h"
#include "wire.h"

typedef struct blind_he blind_he;           /* keys of ring-LWE: he.h        */
typedef struct blind_overflow blind_overflow;   /* activation.h              */

typedef struct blind_party {
    bool server;                /* has the weights and evaluates; else has the
                                   image and garbles                         */
    blind_wire *wire;
    ckks_rng *rng;
    const blind_aes *aes;
    blind_sender *sender;
    blind_receiver *receiver;
    blind_he *he;
    blind_overflow *overflow;
    blind_block start;          /* of the hash: random, both have it, drawn
                                   after the deltas                          */
    uint64_t tweak;             /* the next one never used; both count alike */
    uint64_t label;             /* the next number of the garbler's labels,
                                   which both make from label_key            */
    blind_block label_key;
} blind_party;

#endif
