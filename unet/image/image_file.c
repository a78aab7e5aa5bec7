/* image_file.c -- images from files: which format a file has. */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

static ckks_status image_decode(uni_image *out, const char *name,
                                const uint8_t *in, size_t size, int slice,
                                const uni_image_want *want,
                                unet_decoder *jpeg)
{
    ckks_status s;

    if (size == 0)
        return nn_fail(CKKS_EFORMAT, "%s: the file is empty", name);
    if (uni_is_gzip(in, size) || uni_is_nifti(in, size))
        return uni_nifti_decode(out, name, in, size, slice, want);
    if (slice >= 0 && uni_image_known(in, size))
        return nn_fail(CKKS_EARG, "%s: slice %d asked for, but only NIfTI "
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
                   "neither PGM, PPM, PNG, JPEG nor NIfTI", name, size,
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

/* Cuts ":slice=K" off a copy of the path. */
static ckks_status image_split(char **file, int *slice, const char *path)
{
    static const char mark[] = ":slice=";
    size_t size = strlen(path) + 1;
    char *place = NULL, *end;
    long k;

    *file = malloc(size);
    if (*file == NULL)
        return nn_fail(CKKS_EMEM, "uni_image_load: no memory");
    memcpy(*file, path, size);
    for (char *p = strstr(*file, mark); p != NULL; p = strstr(p + 1, mark))
        place = p;
    if (place == NULL)
        return CKKS_OK;
    *place = '\0';
    place += sizeof mark - 1;
    k = strtol(place, &end, 10);
    if (*place < '0' || *place > '9' || *end != '\0' || k > 32767)
        return nn_fail(CKKS_EARG, "%s: slice \"%s\", want a number in 0..32767",
                       path, place);
    *slice = (int)k;
    return CKKS_OK;
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
static ckks_status image_file(uni_image *out, const char *file, int slice,
                              const uni_image_want *want, unet_decoder *jpeg)
{
    const uni_image_want loose = image_loose(want);
    uint8_t head[UNI_HEAD], *bytes = NULL;
    const size_t n = uni_file_head(head, sizeof head, file);
    size_t size = 0;
    ckks_status s = uni_image_look(file, head, n, slice, &loose);

    if (s != CKKS_OK)
        return s;
    s = image_whole(&bytes, &size, file, uni_image_most_bytes(head, n, want));
    if (s != CKKS_OK)
        return s;
    s = image_take(out, file, bytes, size, slice, want, jpeg);
    ckks_file_free(bytes, size);
    return s;
}

/* The header, of which the first bytes are enough, then the voxels. */
static ckks_status image_pair(uni_image *out, const char *header,
                              const char *voxels, int slice,
                              const uni_image_want *want)
{
    uint8_t head[UNI_HEAD], *bytes = NULL;
    uni_pair pair = { header, voxels, head, 0, NULL, 0 };
    uni_image image = {0};
    ckks_status s;

    pair.head_size = uni_file_head(head, sizeof head, header);
    s = uni_nifti_look(header, head, pair.head_size, slice, want);
    if (s == CKKS_OK)
        s = image_whole(&bytes, &pair.size, voxels, UNI_MOST_VOLUME);
    if (s != CKKS_OK)
        return s;
    pair.in = bytes;
    s = uni_nifti_decode_pair(&image, &pair, slice, want);
    ckks_file_free(bytes, pair.size);
    return image_give(out, &image, s);
}

static ckks_status image_files(uni_image *out, const char *path, int slice,
                               const uni_image_want *want, unet_decoder *jpeg)
{
    char *header = NULL, *voxels = NULL;
    ckks_status s = uni_file_check(path, SIZE_MAX);

    if (s == CKKS_OK)
        s = uni_pair_find(&header, &voxels, path);
    if (s == CKKS_OK)
        s = voxels != NULL ? image_pair(out, header, voxels, slice, want)
          : image_file(out, header != NULL ? header : path, slice, want, jpeg);
    free(header);
    free(voxels);
    return s;
}

ckks_status uni_image_read(uni_image *out, const char *path, int slice,
                            const uni_image_want *want, unet_decoder *jpeg)
{
    char *file = NULL;
    ckks_status s;

    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "uni_image_load: null pointer");
    s = image_split(&file, &slice, path);
    if (s == CKKS_OK)
        s = image_files(out, file, slice, want, jpeg);
    free(file);
    return s;
}

ckks_status uni_image_load(uni_image *out, const char *path, int slice)
{
    return uni_image_read(out, path, slice, NULL, NULL);
}
