/* float.h -- a network on doubles, layer by layer, while it runs. */
#ifndef NN_FLOAT_H
#define NN_FLOAT_H

#include "nn.h"

/* A tensor, v of shape (channels, depth, height, width); depth 1 in two
 * dimensions. */
typedef struct float_map {
    int channels, depth, height, width;
    double *v;
} float_map;

typedef struct float_run {
    const nn_model *m;
    float_map map[NN_MAX_LAYERS];
    int last[NN_MAX_LAYERS];        /* the last layer that reads this one    */
} float_run;

/* Room for a tensor; row y of plane z of its channel c; numbers of a channel. */
CKKS_CHECKED ckks_status nni_float_map_init(float_map *out, int channels,
                                            int depth, int height, int width);
double *nni_float_row(const float_map *x, int c, int z, int y);
size_t nni_float_channel(const float_map *x);

/* What a layer of the model has along z: its kernel_z or dilation_z, and 1 in
 * two dimensions, where models made by hand may leave it out. */
int nni_float_deep(const float_run *r, int along_z);

/* Convolutions and ways up (float_conv.c), into y, which has its size.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status nni_float_conv(const float_run *r, float_map *y,
                                        const float_map *x, const nn_layer *l);
CKKS_CHECKED ckks_status nni_float_up(const float_run *r, float_map *y,
                                      const float_map *x, const nn_layer *l);

/* The output of a layer whose inputs are there.
 *   errors  CKKS_EARG  a map that it does not take */
CKKS_CHECKED ckks_status nni_float_layer(float_run *r, int number);

#endif
