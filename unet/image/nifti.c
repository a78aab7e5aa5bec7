/* nifti.c -- one slice of a NIfTI-1 volume (.nii, .nii.gz).
 *
 * The header has 348 bytes: dim[8] (int16) at 40, datatype at 70, bitpix at
 * 72, pixdim[8] (float) at 76, vox_offset at 108, scl_slope and scl_inter at
 * 112 and 116, qform and sform code at 252 and 254, the quaternion b, c, d at
 * 256, the rows of the sform at 280, "n+1" at 344; in the byte order in which
 * its first word is 348.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/nifti.h"

enum { NIFTI_HEADER = 348, NIFTI_FIRST_VOXEL = 352 };

static int nifti_int16(const uint8_t *in, bool big)
{
    return (int16_t)(uint16_t)uni_nifti_word(in, 2, big);
}

bool uni_is_nifti(const uint8_t *in, size_t size)
{
    return size >= 4 && (uni_nifti_word(in, 4, false) == NIFTI_HEADER
                         || uni_nifti_word(in, 4, true) == NIFTI_HEADER);
}

/* The sign of the first axis along left-right and of the second along
 * posterior-anterior, from the sform, else the qform, else as if RAS. */
static void nifti_orientation(nifti_head *h, const uint8_t *in)
{
    bool big = h->swapped;
    double right = 1, anterior = 1;

    if (nifti_int16(in + 254, big) > 0) {
        right = uni_nifti_float(in + 280, big);
        anterior = uni_nifti_float(in + 300, big);
    } else if (nifti_int16(in + 252, big) > 0) {
        double b = uni_nifti_float(in + 256, big),
               c = uni_nifti_float(in + 260, big);
        double d = uni_nifti_float(in + 264, big);
        double a = 1 - b * b - c * c - d * d;       /* the square of a       */

        right = a + b * b - c * c - d * d;
        anterior = a + c * c - b * b - d * d;
    }
    h->flip_x = right < 0;
    h->flip_y = !(anterior < 0);        /* rows begin at the anterior end    */
}

static ckks_status nifti_type(nifti_head *h, const char *name,
                              const uint8_t *in)
{
    static const struct { int type, bytes; } known[] = {
        { 2, 1 }, { 4, 2 }, { 8, 4 }, { 16, 4 }, { 64, 8 }, { 256, 1 },
        { 512, 2 }, { 768, 4 }
    };
    int bits = nifti_int16(in + 72, h->swapped);

    h->type = nifti_int16(in + 70, h->swapped);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].type == h->type)
            h->bytes = known[i].bytes;
    if (h->bytes == 0 || bits != 8 * h->bytes)
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI datatype %d of %d bits; "
                       "integers of 8, 16 and 32 bits and floats of 32 and 64 "
                       "are taken", name, h->type, bits);
    return CKKS_OK;
}

/* in: the first 348 bytes. */
static ckks_status nifti_header(nifti_head *h, const char *name,
                                const uint8_t *in)
{
    bool big = uni_nifti_word(in, 4, false) != NIFTI_HEADER;
    int rank = nifti_int16(in + 40, big), dim[8];
    double offset = uni_nifti_float(in + 108, big);

    h->swapped = big;
    if (memcmp(in + 344, "n+1", 4) != 0)
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI magic is not n+1 (a volume in "
                       "one file)", name);
    for (int i = 1; i < 8; i++)
        dim[i] = i <= rank ? nifti_int16(in + 40 + 2 * i, big) : 1;
    if (rank < 2 || rank > 7 || dim[1] < 1 || dim[2] < 1 || dim[3] < 1)
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI volume of rank %d, %d x %d x "
                       "%d", name, rank, dim[1], dim[2], dim[3]);
    for (int i = 4; i < 8; i++)
        if (dim[i] != 1)
            return nn_fail(CKKS_EFORMAT, "%s: NIfTI dimension %d is %d, want 1",
                           name, i, dim[i]);
    if (!(offset >= NIFTI_FIRST_VOXEL) || offset > 1e9
        || offset != floor(offset))
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI voxels begin at byte %g, want "
                       "a whole number >= %d", name, offset,
                       NIFTI_FIRST_VOXEL);
    h->nx = dim[1];
    h->ny = dim[2];
    h->nz = dim[3];
    h->offset = (size_t)offset;
    h->slope = uni_nifti_float(in + 112, big);
    h->inter = uni_nifti_float(in + 116, big);
    if (h->slope == 0 || !isfinite(h->slope) || !isfinite(h->inter)) {
        h->slope = 1;                               /* no scaling            */
        h->inter = 0;
    }
    nifti_orientation(h, in);
    return nifti_type(h, name, in);
}

static ckks_status nifti_read_head(nifti_head *h, const char *name,
                                   const uint8_t *in, size_t size)
{
    uint8_t *plain = NULL;
    ckks_status s;

    if (in[0] != 0x1f)
        return size >= NIFTI_HEADER ? nifti_header(h, name, in)
             : nn_fail(CKKS_EFORMAT, "%s: %zu bytes, a NIfTI header has %d",
                       name, size, NIFTI_HEADER);
    s = uni_gzip_decode(&plain, name, in, size, NIFTI_HEADER, false);
    if (s != CKKS_OK)
        return s;
    s = uni_is_nifti(plain, NIFTI_HEADER) ? nifti_header(h, name, plain)
      : nn_fail(CKKS_EFORMAT, "%s: what is gzipped is not NIfTI-1", name);
    free(plain);
    return s;
}

static ckks_status nifti_check_slice(const nifti_head *h, const char *name,
                                     int *slice)
{
    if (*slice < 0 && h->nz == 1)
        *slice = 0;
    if (*slice < 0)
        return nn_fail(CKKS_EARG, "%s: a volume of %d slices; name one, 0..%d "
                       "(%s:slice=%d)", name, h->nz, h->nz - 1, name,
                       h->nz / 2);
    if (*slice >= h->nz)
        return nn_fail(CKKS_EARG, "%s: slice %d of a volume of %d slices",
                       name, *slice, h->nz);
    return CKKS_OK;
}

/* The size of the slice and of the volume, then which slice. */
static ckks_status nifti_check(const nifti_head *h, const char *name,
                               int *slice, const uni_image_want *want)
{
    const uni_shape shape = { 1, (uint64_t)h->ny, (uint64_t)h->nx };
    ckks_status s = uni_image_check(name, &shape, want);

    if (s == CKKS_OK
        && (int64_t)h->nx * h->ny * h->nz > UNET_VOLUME_VOXELS)
        s = nn_fail(CKKS_EFORMAT, "%s: NIfTI volume of %d x %d x %d voxels, at "
                    "most %d are taken", name, h->nx, h->ny, h->nz,
                    UNET_VOLUME_VOXELS);
    return s == CKKS_OK ? nifti_check_slice(h, name, slice) : s;
}

ckks_status uni_nifti_look(const char *name, const uint8_t *in, size_t size,
                           int slice, const uni_image_want *want)
{
    const bool gzip = size >= 2 && in[0] == 0x1f && in[1] == 0x8b;
    nifti_head h = {0};

    if ((!gzip && !uni_is_nifti(in, size))
        || nifti_read_head(&h, name, in, size) != CKKS_OK)
        return CKKS_OK;
    return nifti_check(&h, name, &slice, want);
}

ckks_status uni_nifti_decode(uni_image *out, const char *name,
                              const uint8_t *in, size_t size, int slice,
                              const uni_image_want *want)
{
    nifti_head h = {0};
    bool gzip = in[0] == 0x1f;
    uint8_t *plain = NULL;
    size_t need;
    ckks_status s = nifti_read_head(&h, name, in, size);

    if (s == CKKS_OK)
        s = nifti_check(&h, name, &slice, want);
    if (s != CKKS_OK)
        return s;
    need = h.offset + (size_t)h.nx * (size_t)h.ny * (size_t)h.nz
                    * (size_t)h.bytes;
    if (gzip)
        s = uni_gzip_decode(&plain, name, in, size, need, true);
    else if (size != need)
        s = nn_fail(CKKS_EFORMAT, "%s: %zu bytes, a volume of %d x %d x %d "
                    "voxels has %zu", name, size, h.nx, h.ny, h.nz, need);
    if (s == CKKS_OK)
        s = uni_nifti_image(out, name, &h, (gzip ? plain : in) + h.offset,
                            slice);
    free(plain);
    return s;
}
