/* album_volume.c -- volumes of an album: which slices are its images, and what
 * is held of them.
 *
 * A volume is decoded when the album is opened, and held; where all of them
 * need more than UNET_ALBUM_HOLD bytes the oldest go, and are decoded again
 * when a slice is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "image/album_parts.h"

void uni_album_held_clear(struct album_held *held)
{
    for (size_t i = 0; held != NULL && i < held->count; i++)
        uni_volume_clear(&held->volume[i]);
    free(held);
}

static void held_drop(struct album_held *held, size_t i)
{
    held->bytes -= uni_volume_bytes(&held->volume[i]);
    uni_volume_clear(&held->volume[i]);
    held->count--;
    memmove(&held->volume[i], &held->volume[i + 1],
            (held->count - i) * sizeof *held->volume);
}

static const uni_volume *held_find(const struct album_held *held,
                                   const char *file, int volume)
{
    for (size_t i = 0; i < held->count; i++)
        if (held->volume[i].volume == volume
            && strcmp(held->volume[i].name, file) == 0)
            return &held->volume[i];
    return NULL;
}

/* The volume with its voxels; it stays until another is asked for. */
static ckks_status held_open(const uni_volume **out, struct album_held *held,
                             const char *file, int volume)
{
    uni_volume v = {0};
    ckks_status s = CKKS_OK;

    *out = held_find(held, file, volume);
    if (*out == NULL)
        s = uni_volume_look(&v, file, volume);
    if (s == CKKS_OK && *out == NULL) {
        while (held->count > 0
               && (held->count == UNET_ALBUM_VOLUMES
                   || held->bytes + uni_volume_bytes(&v) > UNET_ALBUM_HOLD))
            held_drop(held, 0);
        s = uni_volume_open(&v, file, volume);
    }
    if (s == CKKS_OK && *out == NULL) {
        held->bytes += uni_volume_bytes(&v);
        held->volume[held->count] = v;
        *out = &held->volume[held->count++];
        return CKKS_OK;
    }
    uni_volume_clear(&v);
    return s;
}

/* ---- which slices -------------------------------------------------------- */

static ckks_status volume_slicing(uni_album_volume *to, const uni_volume *v,
                                  const uni_album *album,
                                  const uni_place *place)
{
    const uni_image_want want = uni_album_want(album, album->images);
    ckks_status s = uni_slicing_make(&to->slicing, place->file, &v->geometry,
                                     &album->images_of);

    to->slice = place->slice;
    if (s == CKKS_OK)
        s = uni_volume_suit(v, &to->slicing, place->file, &to->slice, true,
                            &want);
    if (s == CKKS_OK && want.fit && want.height > 0)
        s = uni_slicing_fit(&to->slicing, place->file, want.height,
                            want.width);
    return s;
}

ckks_status uni_album_volume_add(uni_album *album, size_t file, size_t *images,
                                 size_t *volume)
{
    const uni_place *place = &album->file[file].place;
    uni_album_volume to = { .file = file };
    uni_volume v = {0};
    uni_album_volume *grown;
    ckks_status s;

    *volume = 0;
    if (!uni_volume_is(place->file))
        return CKKS_OK;
    s = uni_volume_look(&v, place->file, place->volume);
    if (s == CKKS_OK)
        s = volume_slicing(&to, &v, album, place);
    if (s == CKKS_OK) {
        grown = realloc(album->volume, (album->volumes + 1) * sizeof *grown);
        if (grown == NULL)
            s = nn_fail(CKKS_EMEM, "%s: no memory", place->file);
        else
            album->volume = grown;
    }
    if (s == CKKS_OK) {
        to.name = place->file;
        to.colour = v.type == UNI_RGB;
        to.geometry = v.geometry;
        to.volume = v.volume;
        to.volumes = v.volumes;
        to.first = album->images;
        *images = to.slice < 0 ? (size_t)to.slicing.slices : 1;
        album->volume[album->volumes++] = to;
        *volume = album->volumes;
    }
    uni_volume_clear(&v);
    return s;
}

/* ---- their pixels -------------------------------------------------------- */

static ckks_status volume_held(const uni_volume **out, const uni_album *album,
                               const uni_album_volume *of)
{
    const char *file = album->file[of->file].place.file;
    ckks_status s = held_open(out, album->held, file, of->volume);

    if (s == CKKS_OK
        && memcmp((*out)->geometry.n, of->geometry.n, sizeof of->geometry.n))
        s = nn_fail(CKKS_EFORMAT, "%s: %d x %d x %d voxels now, %d x %d x %d "
                    "before", file, (*out)->geometry.n[0],
                    (*out)->geometry.n[1], (*out)->geometry.n[2],
                    of->geometry.n[0], of->geometry.n[1], of->geometry.n[2]);
    return s;
}

ckks_status uni_album_volume_look(uni_album *album, size_t volume)
{
    uni_album_volume *of = &album->volume[volume];
    const uni_volume *v;
    ckks_status s = volume_held(&v, album, of);

    return s == CKKS_OK ? uni_values_make(&of->values, v, &album->images_of)
                        : s;
}

ckks_status uni_album_volume_slice(uni_image *out, const uni_album *album,
                                   size_t i)
{
    const struct album_place *p = &album->place[i];
    const uni_album_volume *of = &album->volume[p->volume - 1];
    const uni_image_want want = uni_album_want(album, i);
    const uni_volume *v;
    ckks_status s = volume_held(&v, album, of);

    if (s == CKKS_OK)
        s = uni_slice(out, v, &of->slicing, &of->values, (int)p->index);
    if (s == CKKS_OK && want.channels == 1 && out->channels == 3)
        s = uni_image_grey(out, album->file[of->file].place.file, 0, &want);
    return s;
}
