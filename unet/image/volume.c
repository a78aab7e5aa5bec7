/* volume.c -- volumes of every format.  Contracts in volume.h. */
#include "image/volume.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/codec.h"

static const uni_volume_format uni_volume_formats[] = {
    { uni_nifti_is, uni_nifti_read }
};

int uni_voxel_bytes(uni_voxel type)
{
    static const int bytes[] = { 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 3 };

    return bytes[type];
}

size_t uni_volume_bytes(const uni_volume *v)
{
    const int *n = v->geometry.n;

    return (size_t)n[0] * (size_t)n[1] * (size_t)n[2]
         * (size_t)uni_voxel_bytes(v->type);
}

ckks_status uni_volume_check(const char *name, const int n[3])
{
    uint64_t all = 1;

    for (int i = 0; i < 3; i++)
        all = n[i] < 1 || n[i] > UNET_IMAGE_SIDE
              || all > UNET_VOLUME_VOXELS / (uint64_t)n[i]
            ? 0 : all * (uint64_t)n[i];
    if (all == 0)
        return nn_fail(CKKS_EFORMAT, "%s: a volume of %d x %d x %d voxels, at "
                       "most %d are taken, and %d along an axis", name, n[0],
                       n[1], n[2], UNET_VOLUME_VOXELS, UNET_IMAGE_SIDE);
    return CKKS_OK;
}

static const uni_volume_format *volume_format(const char *path)
{
    uint8_t head[UNI_HEAD];
    const size_t n = uni_file_head(head, sizeof head, path);
    struct stat st;

    if (n == 0 && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        return NULL;
    for (size_t i = 0; i < sizeof uni_volume_formats
                            / sizeof *uni_volume_formats; i++)
        if (uni_volume_formats[i].is(path, head, n))
            return &uni_volume_formats[i];
    return NULL;
}

bool uni_volume_is(const char *path)
{
    return path != NULL && volume_format(path) != NULL;
}

static ckks_status volume_read(uni_volume *out, const char *path, int volume,
                               bool voxels)
{
    const uni_volume_format *format = volume_format(path);
    uni_volume v = {0};
    ckks_status s = format == NULL
                  ? nn_fail(CKKS_EFORMAT, "%s: no volume", path)
                  : format->read(&v, path, volume, voxels);
    size_t size = strlen(path) + 1;

    if (s == CKKS_OK) {
        v.name = malloc(size);
        s = v.name != NULL ? CKKS_OK
          : nn_fail(CKKS_EMEM, "%s: no memory for its name", path);
    }
    if (s != CKKS_OK) {
        uni_volume_clear(&v);
        return s;
    }
    memcpy(v.name, path, size);
    uni_volume_clear(out);
    *out = v;
    return CKKS_OK;
}

ckks_status uni_volume_look(uni_volume *out, const char *path, int volume)
{
    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "uni_volume_look: null pointer");
    return volume_read(out, path, volume, false);
}

ckks_status uni_volume_open(uni_volume *out, const char *path, int volume)
{
    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "uni_volume_open: null pointer");
    return volume_read(out, path, volume, true);
}

void uni_volume_clear(uni_volume *v)
{
    if (v == NULL)
        return;
    free(v->name);
    free(v->memory);
    memset(v, 0, sizeof *v);
}
