/* album.c -- many images, one at a time.  Contracts in album.h. */
#include "image/album.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

struct album_file {
    bool many;
    uni_idx idx;               /* if many and any image of it was asked for */
};

/* Where an image comes from. */
struct album_place {
    size_t file, index;
    uni_image kept;            /* as it is wanted; pixel NULL: not kept     */
};

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
    const char *path = album->names.name[p->file];
    size_t size = strlen(path) + 24;
    char *out = malloc(size);

    if (out != NULL && album->file[p->file].many)
        snprintf(out, size, "%s#%zu", path, p->index);
    else if (out != NULL)
        snprintf(out, size, "%s", path);
    return out;
}

static uni_image_want album_want(const uni_album *album, size_t i)
{
    const uni_album_aim *aim = &album->aim;
    uni_image_want want = { aim->channels, aim->height, aim->width, aim->fit,
                            NULL, false };

    if (i < aim->sizes) {
        want.height = aim->size[i].height;
        want.width = aim->size[i].width;
        want.who = "its result has";
    }
    return want;
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

/* From its file, or from the bytes of an IDX file. */
static ckks_status album_fetch(uni_image *out, const uni_album *album,
                               size_t i)
{
    const struct album_place *p = &album->place[i];
    const uni_idx *idx = &album->file[p->file].idx;
    const char *path = album->names.name[p->file];
    const uni_image_want want = album_want(album, i);
    uni_image image = {0};
    char *name;
    ckks_status s;

    if (idx->data != NULL) {
        s = uni_image_init(&image, path, idx->channels,
                            (uint64_t)idx->height, (uint64_t)idx->width);
        if (s == CKKS_OK)
            uni_idx_image(image.pixel, idx, p->index);
    } else {
        s = uni_image_read(&image, path, -1, &want, album->aim.jpeg);
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
    ckks_status s;

    if (out == NULL || album == NULL || i >= album->images)
        return nn_fail(CKKS_EARG, "uni_album_image: null pointer, or image "
                       "%zu", i);
    kept = &album->place[i].kept;
    if (kept->pixel != NULL)
        return uni_image_convert(out, kept, kept->channels);
    s = album_fetch(out, album, i);
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

/* ---- all images --------------------------------------------------------- */

/* Whether a file is IDX, by its first bytes, inflated if need be.  A file that
 * cannot be read is left to the loader of images. */
static bool album_is_idx(const char *path)
{
    uint8_t head[UNI_HEAD], *plain = NULL;
    const size_t n = uni_file_head(head, sizeof head, path);
    bool yes;

    if (n < 2 || head[0] != 0x1f || head[1] != 0x8b)
        return uni_is_idx(head, n);
    if (uni_gzip_decode(&plain, path, head, n, 4, false) != CKKS_OK)
        return false;
    yes = uni_is_idx(plain, 4);
    free(plain);
    return yes;
}

/* Adds the images of a file that fall into first and count. */
static ckks_status album_add(uni_album *album, size_t file)
{
    const uni_album_aim *aim = &album->aim;
    struct album_file *f = &album->file[file];
    const char *path = album->names.name[file];
    const uni_image_want want = album_want(album, album->images);
    size_t n = 1, used = 0;
    ckks_status s;

    f->many = album_is_idx(path);
    if (f->many) {
        s = uni_idx_load(&f->idx, path, &want, aim->count == SIZE_MAX
                                               ? UNET_MAX_IMAGES : SIZE_MAX);
        if (s != CKKS_OK)
            return s;
        if (f->idx.rank == 1)
            return nn_fail(CKKS_EFORMAT, "%s: %zu labels, no images", path,
                           f->idx.count);
        n = f->idx.count;
    }
    for (size_t k = 0; k < n; k++) {
        size_t number = album->all + k;

        if (number < aim->first || number - aim->first >= aim->count)
            continue;
        if (album->images >= UNET_MAX_IMAGES)
            return nn_fail(CKKS_EARG, "%s: more than %d images; take part of "
                           "them", path, UNET_MAX_IMAGES);
        album->place[album->images].file = file;
        album->place[album->images++].index = k;
        used++;
    }
    album->all += n;
    if (used == 0)
        uni_idx_clear(&f->idx);
    return CKKS_OK;
}

static ckks_status album_check_count(const uni_album *album)
{
    const uni_album_aim *aim = &album->aim;

    if (aim->count == 0)
        return nn_fail(CKKS_EARG, "no image: 0 of %zu were asked for",
                       album->all);
    if (album->images == 0 || (aim->count != SIZE_MAX
                               && album->images < aim->count))
        return nn_fail(CKKS_EARG, "%zu image%s in all, asked for were number "
                       "%zu and what follows, %zu", album->all,
                       album->all == 1 ? "" : "s", aim->first,
                       aim->count != SIZE_MAX ? aim->count : (size_t)1);
    return CKKS_OK;
}

/* Sizes, and the first images as far as they may be kept. */
static ckks_status album_look(uni_album *album)
{
    for (size_t i = 0; i < album->images; i++) {
        struct album_place *p = &album->place[i];
        uni_image image = {0};
        ckks_status s = album_fetch(&image, album, i);
        size_t n;

        if (s != CKKS_OK)
            return s;
        album->size[i] = (unet_size){ image.height, image.width };
        n = (size_t)image.channels * (size_t)image.height
            * (size_t)image.width;
        if (!album->file[p->file].many
            && n <= UNET_ALBUM_KEEP - album->kept) {
            p->kept = image;
            album->kept += n;
        } else {
            uni_image_clear(&image);
        }
    }
    return CKKS_OK;
}

static ckks_status album_open(uni_album *album, const char *const *arg,
                              size_t args)
{
    ckks_status s = uni_names_init(&album->names, arg, args);
    size_t n = album->names.count > 0 ? album->names.count : 1;

    if (s != CKKS_OK)
        return s;
    album->file = calloc(n, sizeof *album->file);
    album->place = calloc(UNET_MAX_IMAGES, sizeof *album->place);
    album->size = calloc(UNET_MAX_IMAGES, sizeof *album->size);
    if (album->file == NULL || album->place == NULL || album->size == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu files", n);
    for (size_t i = 0; i < album->names.count && s == CKKS_OK; i++)
        s = album_add(album, i);
    if (s == CKKS_OK)
        s = album_check_count(album);
    if (s == CKKS_OK)
        s = album_look(album);
    return s;
}

ckks_status uni_album_open(uni_album *out, const char *const *arg,
                            size_t args, const uni_album_aim *aim)
{
    uni_album album = {0};
    ckks_status s;

    if (out == NULL || arg == NULL || aim == NULL)
        return nn_fail(CKKS_EARG, "uni_album_open: null pointer");
    album.aim = *aim;
    s = album_open(&album, arg, args);
    if (s != CKKS_OK) {
        uni_album_clear(&album);
        return s;
    }
    if (album.aim.sizes > 0) {          /* the caller's may end before us    */
        album.aim.size = album.size;
        album.aim.sizes = album.images;
    }
    uni_album_clear(out);
    *out = album;
    return CKKS_OK;
}

void uni_album_clear(uni_album *album)
{
    if (album == NULL)
        return;
    for (size_t i = 0; i < album->names.count && album->file != NULL; i++)
        uni_idx_clear(&album->file[i].idx);
    for (size_t i = 0; i < album->images && album->place != NULL; i++)
        uni_image_clear(&album->place[i].kept);
    free(album->file);
    free(album->place);
    free(album->size);
    uni_image_clear(&album->current);
    uni_names_clear(&album->names);
    memset(album, 0, sizeof *album);
}
