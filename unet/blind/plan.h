/* plan.h -- what a network costs its two parties, before they are connected:
 * bytes exactly, time and memory by measured rates. */
#ifndef BLIND_PLAN_H
#define BLIND_PLAN_H

#include "blind/network.h"

typedef struct blind_cost {
    blind_bytes bytes;
    double headroom;            /* bits, of a convolution; else 0            */
    double sent[2];             /* ciphertexts of a convolution, up and down */
    double weights;             /* of its polynomials that are transformed   */
    double products;            /* polynomials times polynomials, or ANDs    */
    double client, server;      /* seconds of one thread each                */
} blind_cost;

/* Lines between the parties: bytes a second each way, seconds of an answer. */
typedef struct blind_line {
    const char *name;
    double rate, delay;
} blind_line;
enum { BLIND_LINES = 3 };
extern const blind_line blind_lines[BLIND_LINES];

typedef struct blind_plan {
    blind_cost step[BLIND_MAX_STEPS];
    blind_cost setup;           /* the offer, keys, transfers, the end       */
    blind_cost all;             /* setup and one image                       */
    double seconds[BLIND_LINES];        /* of one image with all setup       */
    double memory[2];           /* bytes: of the client, of the server       */
} blind_plan;

/* k: of the transfers, see transfer.h.
 *   errors  CKKS_EPARAM     a convolution with less than 40 bits of headroom */
CKKS_CHECKED ckks_status blind_plan_make(blind_plan *out,
                                         const blind_network *n, int k);

#endif
