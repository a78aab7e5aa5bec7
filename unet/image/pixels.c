/* pixels.c -- images in memory: room for them, and their channels. */
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

ckks_status uni_image_init(uni_image *out, const char *name, int channels,
                            uint64_t height, uint64_t width)
{
    const uni_shape shape = { channels, height, width };
    ckks_status s = uni_image_check(name, &shape, NULL);

    if (s != CKKS_OK)
        return s;
    out->channels = channels;
    out->height = (int)height;
    out->width = (int)width;
    out->pixel = malloc((size_t)channels * (size_t)(height * width)
                        * sizeof *out->pixel);
    if (out->pixel == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %llu x %llu pixels", name,
                       (unsigned long long)height, (unsigned long long)width);
    return CKKS_OK;
}

void uni_image_clear(uni_image *image)
{
    if (image == NULL)
        return;
    free(image->pixel);
    memset(image, 0, sizeof *image);
}

ckks_status uni_image_convert(uni_image *out, const uni_image *in,
                               int channels)
{
    static const double rec601[3] = { 0.299, 0.587, 0.114 };
    uni_image image = {0};
    size_t n;
    ckks_status s;

    if (out == NULL || in == NULL || in->pixel == NULL)
        return nn_fail(CKKS_EARG, "uni_image_convert: null pointer");
    if (channels != in->channels
        && !(channels == 1 && in->channels == 3)
        && !(channels == 3 && in->channels == 1))
        return nn_fail(CKKS_EARG, "uni_image_convert: from %d channels to %d",
                       in->channels, channels);
    s = uni_image_init(&image, "uni_image_convert", channels,
                        (uint64_t)in->height, (uint64_t)in->width);
    if (s != CKKS_OK)
        return s;
    n = (size_t)in->height * (size_t)in->width;
    for (int c = 0; c < channels; c++)
        memcpy(image.pixel + (size_t)c * n,
               in->pixel + (in->channels == 1 ? 0 : (size_t)c * n),
               n * sizeof *image.pixel);
    if (channels < in->channels)
        for (size_t i = 0; i < n; i++)
            image.pixel[i] = rec601[0] * in->pixel[i]
                           + rec601[1] * in->pixel[n + i]
                           + rec601[2] * in->pixel[2 * n + i];
    uni_image_clear(out);
    *out = image;
    return CKKS_OK;
}
