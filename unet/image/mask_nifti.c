/* mask_nifti.c -- a mask volume as a NIfTI file: one byte a voxel, and all that
 * the input's header says about where it lies.
 */
#include <stdlib.h>
#include <string.h>

#include "image/nifti.h"

enum { MASK_UINT8 = 2 };

/* Little-endian, whatever the input was. */
static void mask_integer(uint8_t *to, int64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)((uint64_t)value >> (8 * i));
}

static void mask_float(uint8_t *to, double value, int bytes)
{
    const float f = (float)value;
    uint32_t half;
    uint64_t word;

    memcpy(&half, &f, 4);
    memcpy(&word, &value, 8);
    mask_integer(to, bytes == 8 ? (int64_t)word : (int64_t)half, bytes);
}

static void mask_floats(uint8_t *to, const double *value, int n, int bytes)
{
    for (int i = 0; i < n; i++)
        mask_float(to + i * bytes, value[i], bytes);
}

static void mask_forms(uint8_t *head, const uni_geometry *g,
                       const nifti_layout *l)
{
    mask_integer(head + l->qform, g->qform, l->code);
    mask_integer(head + l->sform, g->sform, l->code);
    mask_floats(head + l->quatern, g->quatern, 3, l->real);
    mask_floats(head + l->quatern + 3 * l->real, g->offset, 3, l->real);
    mask_floats(head + l->srow, g->srow[0], 12, l->real);
    mask_floats(head + l->pixdim, g->pixdim, 8, l->real);
    mask_integer(head + l->units, g->units, l->version == '1' ? 1 : 4);
}

static void mask_header(uint8_t *head, const uni_geometry *g,
                        const nifti_layout *l)
{
    static const char text[4] = { '\r', '\n', '\032', '\n' };

    mask_integer(head, l->header, 4);
    head[l->magic] = 'n';
    head[l->magic + 1] = '+';
    head[l->magic + 2] = (uint8_t)l->version;
    if (l->version == '2')
        memcpy(head + l->magic + 4, text, 4);
    mask_integer(head + l->dim, g->rank, l->dim_bytes);
    for (int i = 1; i < 8; i++)
        mask_integer(head + l->dim + i * l->dim_bytes,
                     i <= 3 ? g->n[i - 1] : 1, l->dim_bytes);
    mask_integer(head + l->type, MASK_UINT8, 2);
    mask_integer(head + l->bits, 8, 2);
    if (l->version == '1')
        mask_float(head + l->offset, l->first, 4);
    else
        mask_integer(head + l->offset, l->first, 8);
    mask_float(head + l->slope, 1, l->real);
    mask_forms(head, g, l);
}

static bool mask_ends(const char *path, const char *ending)
{
    const size_t n = strlen(path), k = strlen(ending);

    return n > k && strcmp(path + n - k, ending) == 0;
}

static ckks_status mask_write(const char *path, const uint8_t *bytes,
                              size_t size)
{
    uint8_t *packed = NULL;
    size_t packed_size = 0;
    ckks_status s = CKKS_OK;

    if (!mask_ends(path, ".gz"))
        return uni_file_write(path, bytes, size);
    s = uni_gzip_encode(&packed, &packed_size, path, bytes, size);
    if (s == CKKS_OK)
        s = uni_file_write(path, packed, packed_size);
    free(packed);
    return s;
}

/* NIfTI-1 has sizes up to 32767. */
static const nifti_layout *mask_layout(const uni_geometry *g)
{
    const bool wide = g->n[0] > INT16_MAX || g->n[1] > INT16_MAX
                   || g->n[2] > INT16_MAX;

    return &uni_nifti_layouts[g->version == 2 || wide ? 1 : 0];
}

ckks_status uni_mask_save(const char *path, const uni_mask *m)
{
    const nifti_layout *l;
    size_t n;
    uint8_t *bytes;
    ckks_status s;

    if (path == NULL || m == NULL || m->voxel == NULL)
        return nn_fail(CKKS_EARG, "uni_mask_save: null pointer");
    if (!mask_ends(path, ".nii") && !mask_ends(path, ".nii.gz"))
        return nn_fail(CKKS_EARG, "%s: the name of a mask volume must end in "
                       ".nii or .nii.gz", path);
    l = mask_layout(&m->geometry);
    n = (size_t)m->geometry.n[0] * (size_t)m->geometry.n[1]
      * (size_t)m->geometry.n[2];
    bytes = calloc((size_t)l->first + n, 1);
    if (bytes == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu voxels", path, n);
    mask_header(bytes, &m->geometry, l);
    memcpy(bytes + l->first, m->voxel, n);
    s = mask_write(path, bytes, (size_t)l->first + n);
    free(bytes);
    return s;
}
