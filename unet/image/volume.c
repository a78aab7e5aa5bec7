/* volume.c -- a volume in memory.  Contracts in volume.h. */
#include "image/volume.h"

#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

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

ckks_status uni_volume_call(uni_volume *v, const char *name)
{
    const size_t size = strlen(name) + 1;

    v->name = malloc(size);
    if (v->name == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for its name", name);
    memcpy(v->name, name, size);
    return CKKS_OK;
}

void uni_volume_clear(uni_volume *v)
{
    if (v == NULL)
        return;
    free(v->name);
    free(v->memory);
    memset(v, 0, sizeof *v);
}
