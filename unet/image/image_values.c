/* image_values.c -- the values of a picture of more than 8 bits: by the model's
 * rule, or by the whole range of its format.
 */
#include <math.h>

#include "image/codec.h"
#include "image/values.h"

/* The picture as a volume of its samples, as they are in the file. */
static uni_volume image_samples_of(const uni_image *image)
{
    uni_volume v = { .volumes = 1, .type = UNI_F64 };

    v.geometry.n[0] = image->width;
    v.geometry.n[1] = image->height;
    v.geometry.n[2] = image->channels;
    v.slope = image->most / 255;
    v.full = image->most;
    v.voxel = (const uint8_t *)image->pixel;
    return v;
}

ckks_status uni_image_values(uni_values *out, uni_image *image,
                             const nn_images *images)
{
    static const nn_images full = { .given = true, .values = NN_VALUES_FULL };
    const nn_images *how = images != NULL ? images : &full;
    const double in_use = ldexp(1, image->bits) - 1;
    uni_volume v = image_samples_of(image);
    const size_t n = uni_volume_bytes(&v) / sizeof *image->pixel;
    uni_values r;
    ckks_status s = uni_values_make(&r, &v, how);

    if (s == CKKS_OK && image->bits > 0 && r.highest <= in_use
        && how->values == NN_VALUES_FULL) {
        v.full = in_use;                /* samples not scaled up by a writer */
        s = uni_values_make(&r, &v, how);
    }
    if (s != CKKS_OK)
        return s;
    for (size_t i = 0; i < n && (r.low != 0 || r.high != image->most); i++)
        image->pixel[i] = uni_values_pixel(&r, image->pixel[i] * v.slope);
    r.format = v.full;
    *out = r;
    return CKKS_OK;
}
