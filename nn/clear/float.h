/* float.h -- a network on doubles, layer by layer, while it runs. */
#ifndef NN_FLOAT_H
#define NN_FLOAT_H

#include "nn.h"

/* A tensor, v of shape (channels, height, width). */
typedef struct float_map {
    int channels, height, width;
    double *v;
} float_map;

typedef struct float_run {
    const nn_model *m;
    float_map map[NN_MAX_LAYERS];
    int last[NN_MAX_LAYERS];        /* the last layer that reads this one    */
} float_run;

/* Room for a tensor; row y of its channel c. */
CKKS_CHECKED ckks_status nni_float_map_init(float_map *out, int channels,
                                            int height, int width);
double *nni_float_row(const float_map *x, int c, int y);

/* The output of a layer whose inputs are there.
 *   errors  CKKS_EARG  a map that it does not take */
CKKS_CHECKED ckks_status nni_float_layer(float_run *r, int number);

#endif
