/* scores.h -- from logits to classes, and how good they are.
 *
 * A network of one logit and two classes says the second where the logit is
 * above the threshold; one with a logit a class says the largest (the first of
 * several that are equal).
 */
#ifndef UNET_CLASSES_H
#define UNET_CLASSES_H

#include "nn.h"

int uni_class(const nn_plan *p, const double *logit);
/* Softmax of the class that won; of one logit sigmoid(logit - threshold), the
 * second class's. */
double uni_class_score(const nn_plan *p, const double *logit);

/* Of answers beside the truth.  NAN where there is none: the last two need two
 * classes, and images of both. */
typedef struct uni_quality {
    size_t images, right;
    double accuracy;
    double balanced;            /* mean of both classes' shares of right ones */
    double auc;                 /* area under the curve, by ranks, halves for
                                   ties                                      */
} uni_quality;

/* logit[i] (out_channels), label[i] < num_classes, of n >= 1 images.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status uni_quality_init(uni_quality *out, const nn_plan *p,
                                           const double *const *logit,
                                           const int *label, size_t n);

#endif
