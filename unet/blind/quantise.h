/* quantise.h -- from a model file to a network of integers.
 *
 * bits: 16, 20 or 32, of the whole network.  A tensor with the calibrated
 * range m gets the largest fraction f with m 2^f < 2^(bits - 3): two bits of
 * headroom.  A convolution's weights are round(w 2^g), g the largest with |w|
 * < 2^11, or 2^18 where activations have more than 20 bits, with sums of a row
 * below 2^28 and the 40 bits of headroom that blind_conv_check wants.
 *
 * Batch norms are folded into the convolution before them, else into those
 * behind: a factor and a summand a channel go through pooling and concat until
 * they meet one.  A summand and zeros beside the map make a map of their own,
 * exact at borders.  Where they meet anything else the model is refused, with
 * that layer's name.
 */
#ifndef BLIND_QUANTISE_H
#define BLIND_QUANTISE_H

#include "blind/network.h"

/* Of a layer: its value = factor[c] * integer of this step + summand[c]. */
typedef struct blind_view {
    int step;                   /* -1: folded into the layer behind it       */
    double *factor, *summand;   /* shape (channels)                          */
} blind_view;

/* view: NULL, or gets one for each of the model's layers; clear them, too.
 *   errors  CKKS_EPARAM     what the protocol has not, or bits too few: the
 *                           layer's name
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status blind_quantise(blind_network **out, blind_view *view,
                                        const nn_model *m, int bits);
void blind_views_clear(blind_view *view, int count);

/* n's dims, size and halo. */
void blind_model_size(blind_network *n, const nn_model *m);

#endif
