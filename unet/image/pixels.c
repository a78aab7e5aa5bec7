/* pixels.c -- images in memory: whether one of that shape is taken, room for
 * it, its channels. */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

/* How much red, green and blue count in grey. */
static const double pixels_rec601[3] = { 0.299, 0.587, 0.114 };

static bool want_size(const uni_image_want *want, uint64_t height,
                      uint64_t width)
{
    const uint64_t h = (uint64_t)want->height, w = (uint64_t)want->width;

    if (h == 0 || (height == h && width == w))
        return true;
    return want->fit && height % h == 0 && width % w == 0;
}

ckks_status uni_image_check(const char *name, const uni_shape *shape,
                            const uni_image_want *want)
{
    static const uni_image_want any;
    const uint64_t height = shape->height, width = shape->width;
    const uni_image_want *w = want != NULL ? want : &any;
    const char *who = w->who != NULL ? w->who : "the model takes";

    if (height > 0 && width > 0 && !want_size(w, height, width))
        return nn_fail(CKKS_EARG, "%s: %llux%llu pixels (height x width), %s "
                       "%dx%d%s", name, (unsigned long long)height,
                       (unsigned long long)width, who, w->height, w->width,
                       w->fit ? " or whole multiples" : "");
    if (height < 1 || width < 1 || height > UNET_IMAGE_SIDE
        || width > UNET_IMAGE_SIDE || height * width > UNET_IMAGE_PIXELS)
        return nn_fail(CKKS_EFORMAT, "%s: an image of %llu x %llu pixels, want "
                       "1..%d a side and at most %d", name,
                       (unsigned long long)height, (unsigned long long)width,
                       UNET_IMAGE_SIDE, UNET_IMAGE_PIXELS);
    if (w->channels != 0 && shape->channels != w->channels)
        return nn_fail(CKKS_EARG, "%s: %d channel%s (%s), %s %d", name,
                       shape->channels, shape->channels == 1 ? "" : "s",
                       shape->channels == 1 ? "grey" : "colour", who,
                       w->channels);
    return CKKS_OK;
}

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

/* The distance between the largest and the smallest channel of pixel i. */
static double grey_spread(const double *rgb, size_t n, size_t i)
{
    double lo = rgb[i], hi = rgb[i];

    for (size_t c = 1; c < 3; c++) {
        lo = rgb[c * n + i] < lo ? rgb[c * n + i] : lo;
        hi = rgb[c * n + i] > hi ? rgb[c * n + i] : hi;
    }
    return hi - lo;
}

ckks_status uni_image_grey(uni_image *image, const char *name, double apart,
                           const uni_image_want *want)
{
    const size_t n = (size_t)image->height * (size_t)image->width;
    double *p = image->pixel, *less;
    size_t colours = 0, first = 0;

    for (size_t i = n; i-- > 0;)
        if (grey_spread(p, n, i) > apart) {
            colours++;
            first = i;
        }
    if (colours > 0)
        return nn_fail(CKKS_EARG, "%s: 3 channels (colour), %s 1; red, green "
                       "and blue differ in %zu of %zu pixels, the first in row "
                       "%zu, column %zu (%g, %g, %g); make it grey: convert IN "
                       "-colorspace Gray OUT.png", name,
                       want->who != NULL ? want->who : "the model takes",
                       colours, n, first / (size_t)image->width,
                       first % (size_t)image->width, p[first], p[n + first],
                       p[2 * n + first]);
    for (size_t i = 0; i < n; i++)
        if (grey_spread(p, n, i) > 0)
            p[i] = pixels_rec601[0] * p[i] + pixels_rec601[1] * p[n + i]
                 + pixels_rec601[2] * p[2 * n + i];
    less = realloc(p, n * sizeof *p);
    image->pixel = less != NULL ? less : p;
    image->channels = 1;
    return CKKS_OK;
}

ckks_status uni_image_convert(uni_image *out, const uni_image *in,
                               int channels)
{
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
            image.pixel[i] = pixels_rec601[0] * in->pixel[i]
                           + pixels_rec601[1] * in->pixel[n + i]
                           + pixels_rec601[2] * in->pixel[2 * n + i];
    uni_image_clear(out);
    *out = image;
    return CKKS_OK;
}
