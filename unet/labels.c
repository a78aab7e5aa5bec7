/* labels.c -- from logits to labels.  Contracts in unet.h. */
#include "unet.h"

ckks_status unet_mask(uint8_t *mask, const nn_plan *p, const double *logit,
                      unet_size size)
{
    if (mask == NULL || p == NULL || logit == NULL || p->num_classes > 0
        || size.height < 1 || size.width < 1)
        return nn_fail(CKKS_EARG, "unet_mask: null pointer, a network of "
                       "classes, or no pixel");

    const size_t n = (size_t)size.height * (size_t)size.width;

    for (size_t i = 0; i < n; i++) {
        int best = 0;

        for (int k = 1; k < p->num_labels; k++)
            if (logit[(size_t)k * n + i] > logit[(size_t)best * n + i])
                best = k;
        mask[i] = (uint8_t)(p->num_labels > 0 ? best
                                              : logit[i] > p->threshold);
    }
    return CKKS_OK;
}
