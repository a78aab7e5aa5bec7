/* compile.h -- what compile.c and fold.c share. */
#ifndef NN_COMPILE_H
#define NN_COMPILE_H

#include "stage/net.h"

/* A layer's output: the sources it is made of. */
typedef struct nni_value {
    int num;
    nni_source source[NET_MAX_SOURCES];
    int fresh;                  /* stage whose linear output this is, not yet
                                   used or activated; -1: none               */
} nni_value;

/* Zeroed memory that lives as long as the net; so many numbers. */
void *nni_take(net *n, size_t size);
double *nni_vector(net *n, int count, double fill);
ckks_status nni_no_room(void);

/* The output of stage k as a value. */
ckks_status nni_stage_value(nni_value *out, net *n, int k);
/* A stage that copies: where an activation or a transposed convolution finds
 * no linear layer before it. */
ckks_status nni_identity(nni_value *v, net *n, const nn_layer *l, int layer);
/* Reading a fresh stage's output seals it: it has no activation. */
ckks_status nni_use(nni_value *v, net *n, const nn_layer *by);
ckks_status nni_check_open(const nni_stage *s, const nn_layer *by);

/* fold.c: the value behind layer l, which reads `in`. */
ckks_status nni_fold_norm(nni_value *out, net *n, nni_value *in,
                          const nn_layer *l, int layer);
ckks_status nni_fold_square(nni_value *out, net *n, nni_value *in,
                            const nn_layer *l, int layer);

#endif
