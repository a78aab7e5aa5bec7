/* album.c -- many images, one at a time.  Contracts in album.h. */
#include "image/album_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one image ---------------------------------------------------------- */

ckks_status uni_image_shrink(uni_image *out, const uni_image *in,
                              int height, int width)
{
    uni_image image = {0};
    int down, across;
    ckks_status s;

    if (out == NULL || in == NULL || in->pixel == NULL)
        return nn_fail(CKKS_EARG, "uni_image_shrink: null pointer");
    if (height < 1 || width < 1 || in->height % height != 0
        || in->width % width != 0)
        return nn_fail(CKKS_EARG, "%dx%d pixels (height x width) are no whole "
                       "multiple of %dx%d", in->height, in->width, height,
                       width);
    down = in->height / height;
    across = in->width / width;
    s = uni_image_init(&image, "uni_image_shrink", in->channels,
                        (uint64_t)height, (uint64_t)width);
    if (s != CKKS_OK)
        return s;
    for (int y = 0; y < in->channels * height; y++)
        for (int x = 0; x < width; x++) {
            double sum = 0;

            for (int i = 0; i < down; i++)
                for (int j = 0; j < across; j++)
                    sum += in->pixel[((size_t)y * (size_t)down + (size_t)i)
                                         * (size_t)in->width
                                     + (size_t)x * (size_t)across + (size_t)j];
            image.pixel[(size_t)y * (size_t)width + (size_t)x] =
                sum / down / across;
        }
    uni_image_clear(out);
    *out = image;
    return CKKS_OK;
}

char *uni_album_name(const uni_album *album, size_t i)
{
    const struct album_place *p = &album->place[i];
    const struct album_file *f = &album->file[p->file];
    const uni_album_volume *of = p->volume > 0 ? &album->volume[p->volume - 1]
                                               : NULL;
    const char *path = f->place.file;
    size_t size = strlen(path) + 64, n;
    char *out = malloc(size);

    if (out == NULL)
        return NULL;
    n = (size_t)snprintf(out, size, "%s", path);
    if (f->many)
        snprintf(out + n, size - n, "#%zu", p->index);
    if (of != NULL && of->volumes > 1)
        n += (size_t)snprintf(out + n, size - n, ":volume=%d", of->volume);
    if (of != NULL && of->slicing.slices > 1)
        snprintf(out + n, size - n, ":slice=%zu", p->index);
    return out;
}

uni_album_source uni_album_source_of(const uni_album *album, size_t i)
{
    const struct album_place *p = &album->place[i];
    uni_album_source of = { album->file[p->file].place.file, -1, NULL,
                            p->values };

    if (p->volume > 0) {
        of.slice = (int)p->index;
        of.volume = &album->volume[p->volume - 1];
        of.values = &of.volume->values;
    }
    return of;
}

/* The image is what is wanted, or becomes it. */
static ckks_status album_suit(uni_image *image, const uni_image_want *want,
                              const char *name)
{
    const uni_shape shape = { image->channels, (uint64_t)image->height,
                              (uint64_t)image->width };
    ckks_status s = uni_image_check(name, &shape, want);

    if (s != CKKS_OK || want->height == 0 || (image->height == want->height
                                              && image->width == want->width))
        return s;
    return uni_image_shrink(image, image, want->height, want->width);
}

/* From a file that holds one picture; *values: of one of more than 8 bits. */
static ckks_status album_picture(uni_image *out, uni_values *values,
                                 const uni_album *album, size_t i)
{
    const struct album_place *p = &album->place[i];
    const uni_image_want want = uni_album_want(album, i);
    ckks_status s = uni_image_read(out, album->names.name[p->file], -1, &want,
                                   album->aim.jpeg);

    values->voxels = 0;
    if (s == CKKS_OK && out->most > 255)
        s = uni_image_values(values, out, album->images_of.given
                                          ? &album->images_of : NULL);
    return s;
}

/* From its file, a volume, or the bytes of an IDX file. */
ckks_status uni_album_fetch(uni_image *out, uni_values *values,
                            const uni_album *album, size_t i)
{
    const struct album_place *p = &album->place[i];
    const uni_idx *idx = &album->file[p->file].idx;
    const char *path = album->names.name[p->file];
    const uni_image_want want = uni_album_want(album, i);
    uni_image image = {0};
    char *name;
    ckks_status s;

    values->voxels = 0;
    if (p->volume > 0) {
        s = uni_album_volume_slice(&image, album, i);
    } else if (idx->data != NULL) {
        s = uni_image_init(&image, path, idx->channels,
                            (uint64_t)idx->height, (uint64_t)idx->width);
        if (s == CKKS_OK)
            uni_idx_image(image.pixel, idx, p->index);
    } else {
        s = album_picture(&image, values, album, i);
    }
    name = uni_album_name(album, i);
    if (s == CKKS_OK)
        s = name != NULL ? album_suit(&image, &want, name)
                         : nn_fail(CKKS_EMEM, "%s: no memory", path);
    free(name);
    if (s != CKKS_OK) {
        uni_image_clear(&image);
        return s;
    }
    uni_image_clear(out);
    *out = image;
    return CKKS_OK;
}

ckks_status uni_album_image(uni_image *out, const uni_album *album,
                             size_t i)
{
    const uni_image *kept;
    uni_values values;
    ckks_status s;

    if (out == NULL || album == NULL || i >= album->images)
        return nn_fail(CKKS_EARG, "uni_album_image: null pointer, or image "
                       "%zu", i);
    kept = &album->place[i].kept;
    if (kept->pixel != NULL)
        return uni_image_convert(out, kept, kept->channels);
    s = uni_album_fetch(out, &values, album, i);
    if (s == CKKS_OK && (out->height != album->size[i].height
                         || out->width != album->size[i].width)) {
        s = nn_fail(CKKS_EFORMAT, "%s: %dx%d pixels now, %dx%d before",
                    album->names.name[album->place[i].file], out->height,
                    out->width, album->size[i].height, album->size[i].width);
        uni_image_clear(out);
    }
    return s;
}

static ckks_status album_pixel(const double **out, void *user, size_t i)
{
    uni_album *album = user;
    const uni_image *kept = &album->place[i].kept;
    ckks_status s = CKKS_OK;

    *out = kept->pixel;
    if (kept->pixel == NULL) {
        s = uni_album_image(&album->current, album, i);
        *out = album->current.pixel;
    }
    return s;
}

unet_pixels uni_album_pixels(uni_album *album)
{
    return (unet_pixels){ album_pixel, album };
}
