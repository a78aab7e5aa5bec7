/* gather.h -- private to libunet: logits of images from the sets of a result.
 */
#ifndef UNET_GATHER_H
#define UNET_GATHER_H

#include "unet.h"

/* Where sets go to; all zero but for the first three. */
typedef struct uni_gather {
    const nn_plan *plan;
    unet_result *result;        /* its job and logit are set                 */
    const unet_progress *progress;
    size_t sets;                /* those before this one came in order       */
    size_t images;              /* those before this one were handed over    */
} uni_gather;

/* Takes a set's slots (nn_plan_outputs, layout.slots); hands over what is whole
 * then.
 *   errors  CKKS_EMEM; those of progress->image */
CKKS_CHECKED ckks_status uni_gather_set(uni_gather *g, const double *slots,
                                        size_t set);
/* All sets have come: hands over the rest. */
CKKS_CHECKED ckks_status uni_gather_end(uni_gather *g);

#endif
