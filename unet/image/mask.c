/* mask.c -- masks of slices as a volume.  Contracts in volume.h. */
#include <stdlib.h>
#include <string.h>

#include "image/resample.h"

static size_t mask_size(const uni_geometry *g)
{
    return (size_t)g->n[0] * (size_t)g->n[1] * (size_t)g->n[2];
}

ckks_status uni_mask_init(uni_mask *out, const uni_geometry *g,
                          const uni_slicing *s)
{
    uni_mask m = {0};

    if (out == NULL || g == NULL || s == NULL)
        return nn_fail(CKKS_EARG, "uni_mask_init: null pointer");
    m.geometry = *g;
    m.slicing = *s;
    m.voxel = calloc(mask_size(g), 1);
    if (m.voxel == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a mask of %zu voxels",
                       mask_size(g));
    uni_mask_clear(out);
    *out = m;
    return CKKS_OK;
}

ckks_status uni_mask_put(uni_mask *m, const uint8_t *label, int k)
{
    const uni_slicing *s;

    if (m == NULL || m->voxel == NULL || label == NULL)
        return nn_fail(CKKS_EARG, "uni_mask_put: null pointer");
    s = &m->slicing;
    if (k < 0 || k >= s->slices)
        return nn_fail(CKKS_EARG, "a mask for slice %d of a volume of %d "
                       "slices", k, s->slices);
    for (int y = 0; y < s->rows; y++) {
        const int row = uni_nearest(y, s->rows, s->height, s->step_y);
        const uint8_t *from = label + (size_t)row * (size_t)s->width;

        for (int x = 0; x < s->columns; x++) {
            const int column = uni_nearest(x, s->columns, s->width,
                                           s->step_x);

            m->voxel[uni_slicing_voxel(s, m->geometry.n, k, y, x)] =
                from[column];
        }
    }
    return CKKS_OK;
}

void uni_mask_clear(uni_mask *m)
{
    if (m == NULL)
        return;
    free(m->voxel);
    memset(m, 0, sizeof *m);
}
