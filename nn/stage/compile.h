/* compile.h -- what compile.c, fold.c and stage.c share: layers' outputs as
 * values, and the stages they are made into. */
#ifndef NN_COMPILE_H
#define NN_COMPILE_H

#include "stage/stage.h"

/* A layer's output: the sources it is made of, and the mean that is still to be
 * taken of them. */
typedef struct nni_value {
    int num;
    nni_source source[NET_MAX_SOURCES];
    int mean_y, mean_x;         /* over so many rows and columns; 0: none    */
    int fresh;                  /* stage whose linear output this is, not yet
                                   used or activated; -1: none               */
} nni_value;

/* Zeroed memory that lives as long as the net; so many numbers; NULL: none. */
void *nni_take(net *n, size_t size);
double *nni_vector(net *n, int count, double fill);
ckks_status nni_no_room(const net *n);

/* Whether maps have no end: border wrap and halo. */
bool nni_endless(const net *n);

/* The output of stage k as a value. */
ckks_status nni_stage_value(nni_value *out, net *n, int k);
/* A stage for layer number `layer`, and its last fields; it counts from the
 * second call on, whose *out is its output. */
ckks_status nni_new_stage(nni_stage **out, net *n, const nni_value *in,
                          const nn_layer *l, int layer);
ckks_status nni_finish_stage(nni_value *out, net *n, nni_stage *s,
                             int channels, const float *bias);
/* How far beyond the edge of source x a stage reads, in pixels of the image. */
int nni_reach(const nni_stage *s, const nni_source *x);
/* The gap of its output, by the mean it takes and its size. */
void nni_set_gap(nni_stage *s, int stride);
/* A stage that copies, or takes a value's mean: where an activation or a
 * transposed convolution finds no linear layer before it. */
ckks_status nni_identity(nni_value *v, net *n, const nn_layer *l, int layer);
/* Channels of a value; distance of its pixels, its mean not yet taken. */
int nni_value_channels(const nni_value *v);
int nni_source_gap(const nni_source *s);
/* Vectors of a source may be read by several layers: copied before a change. */
ckks_status nni_own_vectors(nni_source *s, net *n);
/* A batch norm folded into a stage changes its output for every reader. */
ckks_status nni_check_same(const nni_value *v, const net *n, int from,
                           const nn_layer *by);
/* Whether a norm, an activation or a sum may become part of the stage that a
 * value comes from: it is fresh, and no constant may come before its mask. */
bool nni_foldable(const net *n, const nni_value *v);
/* Reading a fresh stage's output seals it: it has no activation. */
ckks_status nni_use(nni_value *v, net *n, const nn_layer *by);
ckks_status nni_check_open(const net *n, const nni_stage *s,
                           const nn_layer *by);

/* join.c: the sum of the inputs of layer l, whose values are in v. */
ckks_status nni_join_add(nni_value *out, net *n, nni_value *v,
                         const nn_layer *l, int layer);
/* Layers that read layer `layer`; the output of the network has one more. */
int nni_readers(const net *n, int layer);

/* fold.c: the value behind layer l, which reads `in`. */
ckks_status nni_fold_norm(nni_value *out, net *n, nni_value *in,
                          const nn_layer *l, int layer);
ckks_status nni_fold_square(nni_value *out, net *n, nni_value *in,
                            const nn_layer *l, int layer);

#endif
