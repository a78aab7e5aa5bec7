/* values.h -- private to libunet: one value as a pixel. */
#ifndef UNET_VALUES_H
#define UNET_VALUES_H

#include "image/volume.h"

/* 0..255, linear between low and high, clamped; what is no data is 0. */
static inline double uni_values_pixel(const uni_values *r, double value)
{
    double pixel;

    if (!(value >= r->least && value <= r->most) || !(r->high > r->low))
        return 0;
    pixel = (value - r->low) / (r->high - r->low) * 255;
    return pixel < 0 ? 0 : pixel > 255 ? 255 : pixel;
}

#endif
