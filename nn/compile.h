/* compile.h -- what compile.c and fold.c share. */
#ifndef NN_COMPILE_H
#define NN_COMPILE_H

#include "net.h"

/* A layer's output: the sources it is made of. */
typedef struct net_value {
    int num;
    net_source source[NET_MAX_SOURCES];
    int fresh;                  /* stage whose linear output this is, not yet
                                   used or activated; -1: none               */
} net_value;

/* Zeroed memory that lives as long as the net; so many numbers. */
void *net_take(net *n, size_t size);
double *net_vector(net *n, int count, double fill);
ckks_status net_no_room(void);

/* The output of stage k as a value. */
ckks_status net_stage_value(net_value *out, net *n, int k);
/* A stage that copies: where an activation or a transposed convolution finds
 * no linear layer before it. */
ckks_status net_identity(net_value *v, net *n, const nn_layer *l, int layer);
/* Reading a fresh stage's output seals it: it has no activation. */
ckks_status net_use(net_value *v, net *n, const nn_layer *by);
ckks_status net_check_open(const net_stage *s, const nn_layer *by);

/* fold.c: the value behind layer l, which reads `in`. */
ckks_status net_fold_norm(net_value *out, net *n, net_value *in,
                          const nn_layer *l, int layer);
ckks_status net_fold_square(net_value *out, net *n, net_value *in,
                            const nn_layer *l, int layer);

#endif
