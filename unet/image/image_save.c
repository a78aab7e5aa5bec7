/* image_save.c -- images to files: masks, pictures, overlays, labels. */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

static bool image_ends(const char *path, const char *ending)
{
    size_t n = strlen(path), k = strlen(ending);

    if (n < k)
        return false;
    for (size_t i = 0; i < k; i++) {
        char c = path[n - k + i];

        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != ending[i])
            return false;
    }
    return true;
}

/* sample: (height, width, channels); labels > 0: numbers of so many colours of
 * the palette, one channel. */
static ckks_status image_write(const char *path, const uint8_t *sample,
                               int channels, int height, int width,
                               int labels)
{
    bool png = image_ends(path, ".png");
    bool pnm = image_ends(path, channels == 1 ? ".pgm" : ".ppm");
    uint8_t *bytes = NULL;
    size_t size = 0;
    ckks_status s;

    if (!png && !pnm)
        return nn_fail(CKKS_EARG, "%s: the name of this image must end in %s "
                       "or .png", path, channels == 1 ? ".pgm" : ".ppm");
    s = png ? uni_png_encode(&bytes, &size, sample, channels, height, width,
                             labels)
            : uni_pnm_encode(&bytes, &size, sample, channels, height, width);
    if (s == CKKS_OK)
        s = uni_file_write(path, bytes, size);
    free(bytes);
    return s;
}

static uint8_t image_byte(double v)
{
    if (!(v > 0))                       /* NaN too                           */
        return 0;
    return v >= 255 ? 255 : (uint8_t)(v + 0.5);
}

/* n samples of one byte, or NULL with the message. */
static uint8_t *image_samples(int channels, int height, int width)
{
    uint8_t *sample = malloc((size_t)channels * (size_t)height
                             * (size_t)width);

    if (sample == NULL)
        nn_fail(CKKS_EMEM, "unet_image_save: no memory for %d x %d pixels",
                height, width);
    return sample;
}

static ckks_status image_check(const char *path, const void *data, int height,
                               int width)
{
    if (path == NULL || data == NULL)
        return nn_fail(CKKS_EARG, "unet_image_save: null pointer");
    if (height < 1 || width < 1 || height > UNET_IMAGE_SIDE
        || width > UNET_IMAGE_SIDE
        || (int64_t)height * width > UNET_IMAGE_PIXELS)
        return nn_fail(CKKS_EARG, "unet_image_save: %d x %d pixels", height,
                       width);
    return CKKS_OK;
}

ckks_status uni_image_save_mask(const char *path, const uint8_t *mask,
                                 int height, int width)
{
    ckks_status s = image_check(path, mask, height, width);
    uint8_t *sample;

    if (s != CKKS_OK)
        return s;
    sample = image_samples(1, height, width);
    if (sample == NULL)
        return CKKS_EMEM;
    for (size_t i = 0; i < (size_t)height * (size_t)width; i++)
        sample[i] = mask[i] != 0 ? 255 : 0;
    s = image_write(path, sample, 1, height, width, 0);
    free(sample);
    return s;
}

static ckks_status image_save(const char *path, const uni_image *image,
                              int channels)
{
    ckks_status s = image == NULL
                  ? nn_fail(CKKS_EARG, "unet_image_save: null pointer")
                  : image_check(path, image->pixel, image->height,
                                image->width);
    uint8_t *sample;
    size_t n;

    if (s != CKKS_OK)
        return s;
    if (image->channels != channels)
        return nn_fail(CKKS_EARG, "%s: %d channels, want %d", path,
                       image->channels, channels);
    sample = image_samples(channels, image->height, image->width);
    if (sample == NULL)
        return CKKS_EMEM;
    n = (size_t)image->height * (size_t)image->width;
    for (size_t i = 0; i < n * (size_t)channels; i++)
        sample[i] = image_byte(image->pixel[i % (size_t)channels * n
                                            + i / (size_t)channels]);
    s = image_write(path, sample, channels, image->height, image->width, 0);
    free(sample);
    return s;
}

ckks_status uni_image_save_grey(const char *path, const uni_image *image)
{
    return image_save(path, image, 1);
}

ckks_status uni_image_save_colour(const char *path, const uni_image *image)
{
    return image_save(path, image, 3);
}

/* A foreground pixel with a neighbour in the background. */
static bool image_outline(const uint8_t *mask, int height, int width, int y,
                          int x)
{
    const uint8_t *at = mask + (size_t)y * (size_t)width + x;

    return *at != 0
        && ((y > 0 && at[-width] == 0) || (y < height - 1 && at[width] == 0)
            || (x > 0 && at[-1] == 0) || (x < width - 1 && at[1] == 0));
}

static void image_overlay(uint8_t *to, const uni_image *grey,
                          const uint8_t *mask)
{
    const double *from = grey->pixel;
    const uint8_t *inside = mask;

    for (int y = 0; y < grey->height; y++)
        for (int x = 0; x < grey->width; x++, to += 3, from++, inside++) {
            double tint = *inside != 0 ? 0.25 : 0;

            to[0] = image_byte((1 - tint) * *from + tint * 255);
            to[1] = to[2] = image_byte((1 - tint) * *from);
            if (image_outline(mask, grey->height, grey->width, y, x)) {
                to[0] = 255;
                to[1] = to[2] = 0;
            }
        }
}

/* Its neighbours to all sides are of the same label. */
static bool image_inside(const uint8_t *label, int height, int width, int y,
                         int x)
{
    const uint8_t *at = label + (size_t)y * (size_t)width + x;

    return (y == 0 || at[-width] == *at)
        && (y == height - 1 || at[width] == *at)
        && (x == 0 || at[-1] == *at) && (x == width - 1 || at[1] == *at);
}

static void image_label_overlay(uint8_t *to, const uni_image *grey,
                                const uint8_t *label)
{
    const double *from = grey->pixel;
    const uint8_t *at = label;

    for (int y = 0; y < grey->height; y++)
        for (int x = 0; x < grey->width; x++, to += 3, from++, at++) {
            const uint8_t *colour = uni_palette[*at % NN_MAX_LABELS];
            const double tint = *at == 0 ? 0
                : image_inside(label, grey->height, grey->width, y, x) ? 0.35
                                                                       : 1;

            for (int c = 0; c < 3; c++)
                to[c] = image_byte((1 - tint) * *from + tint * colour[c]);
        }
}

typedef void image_painter(uint8_t *to, const uni_image *grey,
                           const uint8_t *mask);

static ckks_status image_save_painted(const char *path, const uni_image *image,
                                      const uint8_t *mask,
                                      image_painter *paint)
{
    uni_image grey = {0};
    uint8_t *sample = NULL;
    ckks_status s = image == NULL || mask == NULL
                  ? nn_fail(CKKS_EARG, "unet_image_save: null pointer")
                  : image_check(path, image->pixel, image->height,
                                image->width);

    if (s == CKKS_OK)
        s = uni_image_convert(&grey, image, 1);
    if (s == CKKS_OK) {
        sample = image_samples(3, image->height, image->width);
        s = sample == NULL ? CKKS_EMEM : CKKS_OK;
    }
    if (s == CKKS_OK) {
        paint(sample, &grey, mask);
        s = image_write(path, sample, 3, image->height, image->width, 0);
    }
    free(sample);
    uni_image_clear(&grey);
    return s;
}

ckks_status uni_image_save_overlay(const char *path, const uni_image *image,
                                    const uint8_t *mask)
{
    return image_save_painted(path, image, mask, image_overlay);
}

ckks_status uni_image_save_label_overlay(const char *path,
                                         const uni_image *image,
                                         const uint8_t *label)
{
    return image_save_painted(path, image, label, image_label_overlay);
}

ckks_status uni_image_save_labels(const char *path, const uint8_t *label,
                                  int height, int width, int labels)
{
    ckks_status s = image_check(path, label, height, width);

    if (s != CKKS_OK)
        return s;
    if (labels < 1 || labels > NN_MAX_LABELS)
        return nn_fail(CKKS_EARG, "%s: %d labels, not 1..%d", path, labels,
                       NN_MAX_LABELS);
    for (size_t i = 0; i < (size_t)height * (size_t)width; i++)
        if (label[i] >= labels)
            return nn_fail(CKKS_EARG, "%s: label %d of %d", path, label[i],
                           labels);
    return image_write(path, label, 1, height, width, labels);
}
