/* float_oracle.h -- one number of a network in the clear by its definition,
 * recursively: no maps, nothing shared with nn_model_float. */
#ifndef FLOAT_ORACLE_H
#define FLOAT_ORACLE_H

#include "model_support.h"

typedef struct oracle {
    const nn_model *m;
    const double *pixel;            /* (channels, height, width)             */
    int height, width;              /* of the image                          */
} oracle;

/* Channel c of a layer's output at (y, x). */
double oracle_value(const oracle *o, int number, int c, int y, int x);

#endif
