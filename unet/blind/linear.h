/* linear.h -- convolutions and squares of shared numbers, by ring-LWE.  Both
 * parties call the same function with their shares; p->server tells which side
 * it is.  The client has the secret key, the server the weights. */
#ifndef BLIND_LINEAR_H
#define BLIND_LINEAR_H

#include "activation.h"
#include "party.h"

/* Public: a convolution with zero padding, or a transposed one with a kernel
 * of 2 and a stride of 2 along each axis.  Axes are z, y, x; in two dimensions
 * size[0] = kernel[0] = 1. */
typedef struct blind_conv {
    bool transposed;
    int  dims;                  /* 2 or 3                                    */
    int  in, out;               /* channels                                  */
    int  size[3], out_size[3];
    int  kernel[3], before[3];  /* zeros before the first pixel              */
    int  stride;                /* 1, 2 or 4                                 */
    int  shift;                 /* results are sums / 2^shift, off by at most
                                   one: 1..40                                */
    int  bits;                  /* of activations: 8..32                     */
    double log_sum;             /* log2 of the largest |sum|                 */
} blind_conv;

/* Keys of a session: the client makes them, the server gets the public part.
 * bits: of the network's activations; squares: whether it has any. */
CKKS_CHECKED ckks_status blind_he_open(blind_party *p, int bits, bool squares);
void blind_he_close(blind_party *p);
blind_bytes blind_he_bytes(int bits, bool squares);

/* What a convolution needs, checked before a session: bits of headroom, by the
 * L1 norm of its rows.
 *   errors  CKKS_EPARAM     less than 40, or a size out of range */
CKKS_CHECKED ckks_status blind_conv_check(double *headroom,
                                          const blind_conv *c);

/* out: shape (out, out_size); x: (in, size).  Server alone, else NULL:
 *   weight  (out, in, kernel), transposed (in, out, kernel); |weight| < 2^23,
 *           sums of |weight| for one output < 2^28
 *   bias    (out), at the scale of the sums
 *   map     NULL, or (out, out_size): added to bias */
CKKS_CHECKED ckks_status blind_convolve(blind_share *out, const blind_share *x,
                                        const blind_conv *c,
                                        const int32_t *weight,
                                        const int64_t *bias,
                                        const int64_t *map, blind_party *p);
/* x[i] = x[i]^2 / 2^shift, off by at most one; x^2 < 2^40. */
CKKS_CHECKED ckks_status blind_square(blind_share *x, size_t count, int shift,
                                      blind_party *p);

blind_bytes blind_conv_bytes(const blind_conv *c);  /* one that was checked  */
blind_bytes blind_square_bytes(size_t count);

/* x[i] / 2^shift, off by at most one, by each side alone. */
void blind_truncate(blind_share *x, size_t count, int shift, bool server);

#endif
