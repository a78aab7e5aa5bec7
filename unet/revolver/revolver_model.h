/* revolver_model.h -- private to libunet: the network of the literal
 * Volley Revolver with its weights packed (revolver_model.c), and where
 * its stages stand.
 *
 * Levels, for inputs at level l and scale D:
 *
 *   convolution   l - 2     D
 *   square        l - 3     D_1 = D^2 / q_(l-2)
 *   dense         l - 6     D_1
 *   square        l - 7     D_2 = D_1^2 / q_(l-6)
 *   dense         l - 10    D_2
 *
 * Nothing of different levels is ever added, so the drift of the squares
 * needs no correction.
 */
#ifndef UNET_REVOLVER_MODEL_H
#define UNET_REVOLVER_MODEL_H

#include "revolver/revolver_steps.h"

/* Levels below the input's where a stage begins. */
enum {
    VR_SQUARE1 = UNET_VR_CONV_LEVELS,
    VR_DENSE1  = VR_SQUARE1 + UNET_VR_SQUARE_LEVELS,
    VR_SQUARE2 = VR_DENSE1 + UNET_VR_PRODUCT_LEVELS,
    VR_DENSE2  = VR_SQUARE2 + UNET_VR_SQUARE_LEVELS,
    VR_END     = VR_DENSE2 + UNET_VR_PRODUCT_LEVELS
};
_Static_assert((int)VR_END == (int)UNET_VR_NET_LEVELS,
               "the stages make the network");

struct uni_vr_model {
    uni_vr shape;
    uni_vr_net net;            /* its numbers; pointers are NULL            */
    int level;
    double scale;
    size_t spans, firsts, seconds;      /* factors of each layer             */
    uni_vr_weight *span;       /* (maps, k^2, channels)                     */
    uni_vr_weight *first;      /* (teams, maps)                             */
    uni_vr_weight *second;     /* (teams)                                   */
    uni_vr_weight *bias;       /* (maps + 2)                                */
};

#endif
