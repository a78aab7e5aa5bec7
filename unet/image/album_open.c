/* album_open.c -- which images there are, each read and checked once.
 * Contracts in album.h. */
#include <stdlib.h>
#include <string.h>

#include "image/album_parts.h"

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

/* The images of an IDX file. */
static ckks_status album_add_idx(uni_album *album, size_t file, size_t *images)
{
    const uni_image_want want = uni_album_want(album, album->images);
    const char *path = album->names.name[file];
    uni_idx *idx = &album->file[file].idx;
    ckks_status s = uni_idx_load(idx, path, &want,
                                 album->aim.count == SIZE_MAX
                                 ? UNET_MAX_IMAGES : SIZE_MAX);

    if (s == CKKS_OK && idx->rank == 1)
        s = nn_fail(CKKS_EFORMAT, "%s: %zu labels, no images", path,
                    idx->count);
    *images = idx->count;
    return s;
}

/* Those of n images that fall into first and count; *used of them. */
static ckks_status album_take(uni_album *album, size_t *used, size_t file,
                              size_t n, size_t volume)
{
    const uni_album_aim *aim = &album->aim;
    const int slice = volume > 0 ? album->volume[volume - 1].slice : -1;

    *used = 0;
    for (size_t k = 0; k < n; k++) {
        const size_t number = album->all + k;

        if (number < aim->first || number - aim->first >= aim->count)
            continue;
        if (album->images >= UNET_MAX_IMAGES)
            return nn_fail(CKKS_EARG, "%s: more than %d images; take part of "
                           "them", album->names.name[file], UNET_MAX_IMAGES);
        album->place[album->images].file = file;
        album->place[album->images].volume = volume;
        album->place[album->images++].index = slice >= 0 ? (size_t)slice : k;
        ++*used;
    }
    album->all += n;
    return CKKS_OK;
}

/* Adds the images of a file. */
static ckks_status album_add(uni_album *album, size_t file)
{
    struct album_file *f = &album->file[file];
    size_t n = 1, used = 0, volume = 0;
    ckks_status s = uni_place_init(&f->place, album->names.name[file]);

    if (s != CKKS_OK)
        return s;
    f->many = album_is_idx(f->place.file);
    s = f->many ? album_add_idx(album, file, &n)
                : uni_album_volume_add(album, file, &n, &volume);
    if (s == CKKS_OK)
        s = album_take(album, &used, file, n, volume);
    if (s == CKKS_OK && volume > 0 && used > 0)
        album->volume[volume - 1].count = used;
    else if (volume > 0)
        album->volumes--;
    if (used == 0)
        uni_idx_clear(&f->idx);
    return s;
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

/* Keeps the image, as far as there is room, or clears it. */
static void album_keep(uni_album *album, size_t i, uni_image *image)
{
    struct album_place *p = &album->place[i];
    const size_t n = (size_t)image->channels * (size_t)image->height
                     * (size_t)image->width;

    if (!album->file[p->file].many && p->volume == 0
        && n <= UNET_ALBUM_KEEP - album->kept) {
        p->kept = *image;
        album->kept += n;
    } else {
        uni_image_clear(image);
    }
}

static ckks_status album_look_one(uni_album *album, size_t i)
{
    struct album_place *p = &album->place[i];
    uni_values values;
    uni_image image = {0};
    ckks_status s = uni_album_fetch(&image, &values, album, i);

    if (s != CKKS_OK)
        return s;
    album->size[i] = (unet_size){ image.height, image.width };
    album_keep(album, i, &image);
    if (values.voxels == 0)
        return CKKS_OK;
    p->values = malloc(sizeof values);
    if (p->values == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory", album->names.name[p->file]);
    *p->values = values;
    return CKKS_OK;
}

/* Sizes, and the first images as far as they may be kept; of a volume the first
 * slice stands for all, if they are not of colours. */
static ckks_status album_look(uni_album *album)
{
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < album->images && s == CKKS_OK; i++) {
        const size_t volume = album->place[i].volume;
        const bool again = i > 0 && volume > 0
                           && album->place[i - 1].volume == volume;

        if (volume > 0 && !again)
            s = uni_album_volume_look(album, volume - 1);
        if (again && !album->volume[volume - 1].colour)
            album->size[i] = album->size[i - 1];
        else if (s == CKKS_OK)
            s = album_look_one(album, i);
    }
    return s;
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
    album->held = calloc(1, sizeof *album->held);
    if (album->held == NULL || album->file == NULL || album->place == NULL
        || album->size == NULL)
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
    album.aim.images = NULL;            /* the caller's may end before us    */
    if (aim->images != NULL && aim->images->given)
        album.images_of = *aim->images;
    s = album_open(&album, arg, args);
    if (s != CKKS_OK) {
        uni_album_clear(&album);
        return s;
    }
    if (album.aim.sizes > 0) {          /* as may these                      */
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
    for (size_t i = 0; i < album->names.count && album->file != NULL; i++) {
        uni_idx_clear(&album->file[i].idx);
        uni_place_clear(&album->file[i].place);
    }
    for (size_t i = 0; i < album->images && album->place != NULL; i++) {
        uni_image_clear(&album->place[i].kept);
        free(album->place[i].values);
    }
    uni_album_held_clear(album->held);
    free(album->volume);
    free(album->file);
    free(album->place);
    free(album->size);
    uni_image_clear(&album->current);
    uni_names_clear(&album->names);
    memset(album, 0, sizeof *album);
}
