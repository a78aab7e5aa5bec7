/* image_file.c -- images from files and back: which format a file has, and what
 * is written. */
#include "image/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"
#include "image/dicom.h"

static ckks_status image_volume(uni_image *out, const char *name,
                                const uint8_t *in, size_t size, int slice,
                                const uni_image_want *want)
{
    uni_volume v = {0};
    ckks_status s = uni_image_known(in, size)
                  ? uni_nifti_decode(&v, name, in, size, NULL, 0, -1)
                  : uni_dicom_decode(&v, name, in, size);

    if (s == CKKS_OK)
        s = uni_volume_image(out, &v, name, slice, want);
    uni_volume_clear(&v);
    return s;
}

static ckks_status image_decode(uni_image *out, const char *name,
                                const uint8_t *in, size_t size, int slice,
                                const uni_image_want *want,
                                unet_decoder *jpeg)
{
    ckks_status s;

    if (size == 0)
        return nn_fail(CKKS_EFORMAT, "%s: the file is empty", name);
    if (uni_is_gzip(in, size) || uni_is_nifti(in, size)
        || (!uni_image_known(in, size) && uni_is_dicom(in, size)))
        return image_volume(out, name, in, size, slice, want);
    if (slice >= 0 && uni_image_known(in, size))
        return nn_fail(CKKS_EARG, "%s: slice %d asked for, but only "
                       "volumes have slices", name, slice);
    if (uni_is_pnm(in, size))
        return uni_pnm_decode(out, name, in, size, want);
    if (uni_is_png(in, size))
        return uni_png_decode(out, name, in, size, want);
    if (uni_is_jpeg(in, size))
        return jpeg != NULL ? jpeg(out, name, in, size, want)
               : nn_fail(CKKS_EFORMAT, "%s: a JPEG file, and this build has "
                         "no libjpeg", name);
    s = uni_kind_check(name, in, size, false);
    return s != CKKS_OK ? s
         : nn_fail(CKKS_EFORMAT, "%s: %zu bytes that begin with 0x%02x are "
                   "neither PGM, PPM, PNG, JPEG, NIfTI nor DICOM", name, size,
                   (unsigned)in[0]);
}

/* What is stored as colour is taken where grey is wanted, if it is grey; the
 * rounding of JPEG may part its channels by one up and one down. */
static uni_image_want image_loose(const uni_image_want *want)
{
    uni_image_want loose = {0};

    if (want != NULL)
        loose = *want;
    if (loose.channels == 1)
        loose.channels = 0;
    return loose;
}

static ckks_status image_suit(uni_image *image, const char *name, bool jpeg,
                              const uni_image_want *want)
{
    const uni_shape shape = { image->channels, (uint64_t)image->height,
                              (uint64_t)image->width };

    if (want != NULL && want->channels == 1 && image->channels == 3)
        return uni_image_grey(image, name, jpeg ? 2 : 0, want);
    return uni_image_check(name, &shape, want);
}

/* Takes the image, or clears it and relays the refusal. */
static ckks_status image_give(uni_image *out, uni_image *image, ckks_status s)
{
    if (s != CKKS_OK) {
        uni_image_clear(image);
        return s;
    }
    uni_image_clear(out);
    *out = *image;
    return CKKS_OK;
}

static ckks_status image_take(uni_image *out, const char *name,
                              const uint8_t *in, size_t size, int slice,
                              const uni_image_want *want,
                              unet_decoder *jpeg)
{
    const uni_image_want loose = image_loose(want);
    uni_image image = {0};
    ckks_status s = image_decode(&image, name, in, size, slice, &loose, jpeg);

    if (s == CKKS_OK)
        s = image_suit(&image, name, uni_is_jpeg(in, size), want);
    return image_give(out, &image, s);
}

ckks_status uni_image_decode(uni_image *out, const char *name,
                              const uint8_t *in, size_t size, int slice)
{
    if (out == NULL || name == NULL || (in == NULL && size > 0))
        return nn_fail(CKKS_EARG, "uni_image_decode: null pointer");
    return image_take(out, name, in, size, slice, NULL, NULL);
}

/* The whole file, if it is one and not too long. */
static ckks_status image_whole(uint8_t **bytes, size_t *size, const char *file,
                               size_t most)
{
    ckks_status s = uni_file_check(file, most);

    return s != CKKS_OK ? s
         : nn_relay(ckks_file_read(bytes, size, file, most), NULL);
}

/* By its first bytes, then whole. */
static ckks_status image_file(uni_image *out, const uni_place *place,
                              const uni_image_want *want, unet_decoder *jpeg)
{
    const uni_image_want loose = image_loose(want);
    const char *file = place->file;
    uint8_t head[UNI_HEAD], *bytes = NULL;
    const size_t n = uni_file_head(head, sizeof head, file);
    size_t size = 0;
    ckks_status s = uni_image_look(file, head, n, &loose);

    if (s != CKKS_OK)
        return s;
    s = image_whole(&bytes, &size, file, uni_image_most_bytes(head, n, want));
    if (s != CKKS_OK)
        return s;
    s = image_take(out, file, bytes, size, place->slice, want, jpeg);
    ckks_file_free(bytes, size);
    return s;
}

ckks_status uni_image_read(uni_image *out, const char *path, int slice,
                            const uni_image_want *want, unet_decoder *jpeg)
{
    uni_place place = {0};
    ckks_status s;

    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "uni_image_load: null pointer");
    s = uni_place_init(&place, path);
    place.slice = place.slice < 0 ? slice : place.slice;
    if (s == CKKS_OK)
        s = uni_file_check(place.file, SIZE_MAX);
    if (s == CKKS_OK)
        s = uni_volume_is(place.file)
          ? uni_volume_load(out, &place, want)
          : image_file(out, &place, want, jpeg);
    uni_place_clear(&place);
    return s;
}

ckks_status uni_image_load(uni_image *out, const char *path, int slice)
{
    return uni_image_read(out, path, slice, NULL, NULL);
}

/* ---- writing ------------------------------------------------------------ */

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

/* sample: (height, width, channels). */
static ckks_status image_write(const char *path, const uint8_t *sample,
                               int channels, int height, int width)
{
    bool png = image_ends(path, ".png");
    bool pnm = image_ends(path, channels == 1 ? ".pgm" : ".ppm");
    uint8_t *bytes = NULL;
    size_t size = 0;
    ckks_status s;

    if (!png && !pnm)
        return nn_fail(CKKS_EARG, "%s: the name of this image must end in %s "
                       "or .png", path, channels == 1 ? ".pgm" : ".ppm");
    s = png ? uni_png_encode(&bytes, &size, sample, channels, height, width)
            : uni_pnm_encode(&bytes, &size, sample, channels, height, width);
    if (s == CKKS_OK)
        s = nn_relay(ckks_file_write(path, bytes, size, 0644), NULL);
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
    s = image_write(path, sample, 1, height, width);
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
    s = image_write(path, sample, channels, image->height, image->width);
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

ckks_status uni_image_save_overlay(const char *path, const uni_image *image,
                                    const uint8_t *mask)
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
        image_overlay(sample, &grey, mask);
        s = image_write(path, sample, 3, image->height, image->width);
    }
    free(sample);
    uni_image_clear(&grey);
    return s;
}
