/* network.h -- a network of integers: what the parties of `blind` compute.
 *
 * Made from a model file by quantisation (quantise.c).  Both sides have what
 * is public; the server alone weights and biases.  A tensor holds integers,
 * value = integer / 2^fraction, |integer| < 2^(bits - 1), and its calibrated
 * range is a quarter of that.
 */
#ifndef BLIND_NETWORK_H
#define BLIND_NETWORK_H

#include "linear.h"
#include "nn.h"

typedef enum blind_op {
    BLIND_INPUT = 0,            /* step 0                                    */
    BLIND_CONV,                 /* conv and tconv of the model, with what is
                                   folded into them                          */
    BLIND_RELU, BLIND_SQUARE,
    BLIND_SUM,                  /* pooling by the mean, undivided: the fraction
                                   grows instead                             */
    BLIND_MAX,
    BLIND_CONCAT, BLIND_ADD,
    BLIND_LABELS                /* the last step: labels for the client      */
} blind_op;

enum { BLIND_MAX_STEPS = 256 };

typedef struct blind_step {
    blind_op op;
    char name[NN_NAME];         /* of the model's layer                      */
    int  num_in, in[NN_MAX_INPUTS];     /* steps before this one             */
    int  channels, size[3];     /* of the output: z, y, x; z = 1 in 2-D      */
    int  fraction;
    int  pool[3];               /* BLIND_SUM, BLIND_MAX: window = stride     */
    int  shift;                 /* BLIND_SQUARE; BLIND_ADD: of each input in
                                   align[]                                   */
    int  align[NN_MAX_INPUTS];
    blind_conv conv;            /* BLIND_CONV                                */
    double range;               /* calibrated largest |value|                */
    /* The server's; NULL at the client. */
    int32_t *weight;
    int64_t *bias, *map;
} blind_step;

typedef struct blind_network {
    char name[NN_NAME];
    int  dims, bits;
    int  channels, size[3];     /* of the input                              */
    double mul, add;            /* value = pixel * mul + add                 */
    nn_images images;
    double threshold;           /* one logit: foreground above it; folded into
                                   the last bias                             */
    char foreground[NN_NAME];
    int  num_labels;            /* 0: a mask of one class                    */
    char label_name[NN_MAX_LABELS][NN_NAME];
    int  num_steps;
    blind_step step[BLIND_MAX_STEPS];
} blind_network;

#endif
