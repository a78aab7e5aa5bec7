/* relu.h -- ReLU with its sign's wires, for those who need both. */
#ifndef BLIND_RELU_H
#define BLIND_RELU_H

#include "activation.h"

/* x[i] = max(x[i], 0), |x[i]| < 2^(bits - 1).  negative: NULL, or count wires
 * that say x[i] < 0. */
CKKS_CHECKED ckks_status blind_relu_signs(blind_share *x,
                                          blind_block *negative, size_t count,
                                          int bits, blind_party *p);

#endif
