/* image_file.c -- images from files: which format a file has. */
#include "image/image.h"

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
    s = uni_file_read(&bytes, &size, file,
                      uni_image_most_bytes(head, n, want));
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
