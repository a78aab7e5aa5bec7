/* nifti.c -- one slice of a NIfTI volume: version 1 or 2, in one file (.nii) or
 * two (.hdr, .img), either gzipped.
 *
 * Version 1 has a header of 348 bytes, version 2 one of 540, in the byte order
 * in which its first word says so; nifti_layouts says what stands where in
 * each.  The magic is n+1 or n+2 where the voxels follow in the same file, ni1
 * or ni2 where they are in another.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/nifti.h"

enum { NIFTI_HEADER = 348, NIFTI_HEADER_2 = 540 };

typedef struct nifti_layout {
    char version;
    int header;                     /* its bytes, and its first word         */
    int first;                      /* where the voxels of one file may begin */
    int magic, dim, type, bits, offset, slope, inter, qform, sform;
    int quatern, srow;              /* b, c, d; three rows of four           */
    int dim_bytes, real, code;      /* bytes of a size, a float, a form code */
} nifti_layout;

static const nifti_layout nifti_layouts[] = {
    { '1', NIFTI_HEADER, 352, 344, 40, 70, 72, 108, 112, 116, 252, 254, 256,
      280, 2, 4, 2 },
    { '2', NIFTI_HEADER_2, 544, 4, 16, 12, 14, 168, 176, 184, 344, 348, 352,
      400, 8, 8, 4 }
};

static int64_t nifti_integer(const uint8_t *in, int bytes, bool big)
{
    const uint64_t word = uni_nifti_word(in, bytes, big);
    const uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

    return (int64_t)((word ^ sign) - sign);
}

/* Of which version a file is, by its first 8 bytes; NULL: it is no NIfTI.  540
 * alone is no rare beginning, so that the magic behind it must be there. */
static const nifti_layout *nifti_version(const uint8_t *in, size_t size)
{
    for (int i = 0; i < 2 && size >= 8; i++) {
        const nifti_layout *l = &nifti_layouts[i];
        const uint64_t first = (uint64_t)l->header;

        if ((uni_nifti_word(in, 4, false) == first
             || uni_nifti_word(in, 4, true) == first)
            && (i == 0 || (in[4] == 'n' && in[6] == '2')))
            return l;
    }
    return NULL;
}

bool uni_is_nifti(const uint8_t *in, size_t size)
{
    return nifti_version(in, size) != NULL;
}

/* The sign of the first axis along left-right and of the second along
 * posterior-anterior, from the sform, else the qform, else as if RAS. */
static void nifti_orientation(nifti_head *h, const nifti_layout *l,
                              const uint8_t *in)
{
    const bool big = h->swapped;
    const int k = l->real;
    double right = 1, anterior = 1;

    if (nifti_integer(in + l->sform, l->code, big) > 0) {
        right = uni_nifti_float(in + l->srow, k, big);
        anterior = uni_nifti_float(in + l->srow + 5 * k, k, big);
    } else if (nifti_integer(in + l->qform, l->code, big) > 0) {
        double b = uni_nifti_float(in + l->quatern, k, big),
               c = uni_nifti_float(in + l->quatern + k, k, big);
        double d = uni_nifti_float(in + l->quatern + 2 * k, k, big);
        double a = 1 - b * b - c * c - d * d;       /* the square of a       */

        right = a + b * b - c * c - d * d;
        anterior = a + c * c - b * b - d * d;
    }
    h->flip_x = right < 0;
    h->flip_y = !(anterior < 0);        /* rows begin at the anterior end    */
}

/* bytes 0: not taken, for which there is a way out. */
static const struct { int type, bytes; const char *what, *way; } nifti_types[] =
{
    { 2, 1, "uint8", "" }, { 4, 2, "int16", "" }, { 8, 4, "int32", "" },
    { 16, 4, "float32", "" }, { 64, 8, "float64", "" }, { 256, 1, "int8", "" },
    { 512, 2, "uint16", "" }, { 768, 4, "uint32", "" },
    { 1024, 8, "int64", "" }, { 1280, 8, "uint64", "" },
    { 1, 0, "bits", "write them as bytes: mri_convert -odt uchar IN OUT" },
    { 32, 0, "complex64", "take its magnitude: fslcomplex -realabs IN OUT" },
    { 128, 0, "RGB24, colour", "write its red, green or blue alone as uint8" },
    { 1536, 0, "float128", "write it as float32" },
    { 1792, 0, "complex128", "take its magnitude: fslcomplex -realabs IN OUT" },
    { 2048, 0, "complex256", "take its magnitude first" },
    { 2304, 0, "RGBA32, colour", "write its red, green or blue alone as uint8" }
};

static ckks_status nifti_type(nifti_head *h, const nifti_layout *l,
                              const char *name, const uint8_t *in)
{
    const int bits = (int)nifti_integer(in + l->bits, 2, h->swapped);
    const char *what = "unknown", *way = "";

    h->type = (int)nifti_integer(in + l->type, 2, h->swapped);
    for (size_t i = 0; i < sizeof nifti_types / sizeof *nifti_types; i++)
        if (nifti_types[i].type == h->type) {
            h->bytes = nifti_types[i].bytes;
            what = nifti_types[i].what;
            way = nifti_types[i].way;
        }
    if (h->bytes == 0 || bits != 8 * h->bytes)
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI datatype %d of %d bits (%s); "
                       "integers of 8, 16, 32 and 64 bits and floats of 32 and "
                       "64 are taken%s%s", name, h->type, bits, what,
                       way[0] != '\0' ? ": " : "", way);
    return CKKS_OK;
}

/* How many files, by the magic; Analyze has none. */
static ckks_status nifti_magic(nifti_head *h, const nifti_layout *l,
                               const char *name, const uint8_t *in)
{
    const char one[4] = { 'n', '+', l->version, 0 };
    const char two[4] = { 'n', 'i', l->version, 0 };
    const uint8_t *magic = in + l->magic;

    h->pair = memcmp(magic, two, 4) == 0;
    if (!h->pair && memcmp(magic, one, 4) != 0)
        return nn_fail(CKKS_EFORMAT, "%s: the NIfTI magic is neither n+%c nor "
                       "ni%c: an Analyze 7.5 header, which does not say where "
                       "left is, or a damaged one; mri_convert NAME.img "
                       "NAME.nii makes NIfTI of Analyze", name, l->version,
                       l->version);
    if (l->version == '2' && memcmp(magic + 4, "\r\n\032\n", 4) != 0)
        return nn_fail(CKKS_EFORMAT, "%s: the NIfTI-2 magic is followed by "
                       "0x%02x%02x%02x%02x, want 0x0d0a1a0a: damaged as text "
                       "is that is copied between systems", name, magic[4],
                       magic[5], magic[6], magic[7]);
    return CKKS_OK;
}

static ckks_status nifti_dims(nifti_head *h, const nifti_layout *l,
                              const char *name, const uint8_t *in)
{
    const int wide = l->dim_bytes;
    const int64_t rank = nifti_integer(in + l->dim, wide, h->swapped);
    long long dim[8];

    for (int i = 1; i < 8; i++)
        dim[i] = i <= rank ? nifti_integer(in + l->dim + wide * i, wide,
                                           h->swapped) : 1;
    if (rank < 2 || rank > 7 || dim[1] < 1 || dim[2] < 1 || dim[3] < 1
        || dim[1] > INT32_MAX || dim[2] > INT32_MAX || dim[3] > INT32_MAX)
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI volume of rank %lld, %lld x "
                       "%lld x %lld", name, (long long)rank, dim[1], dim[2],
                       dim[3]);
    for (int i = 4; i < 8; i++)         /* 0: some writers' way to say 1     */
        if (dim[i] != 1 && dim[i] != 0)
            return nn_fail(CKKS_EFORMAT, "%s: NIfTI dimension %d is %lld, want "
                           "1: a series of volumes; take one of them out: "
                           "fslroi IN OUT 0 1", name, i, dim[i]);
    h->nx = (int)dim[1];
    h->ny = (int)dim[2];
    h->nz = (int)dim[3];
    return CKKS_OK;
}

/* 0 in one file: at once behind the header and the four bytes that follow. */
static ckks_status nifti_offset(nifti_head *h, const nifti_layout *l,
                                const char *name, const uint8_t *in)
{
    const int least = h->pair ? 0 : l->first;
    double at = l->version == '1'
              ? uni_nifti_float(in + l->offset, 4, h->swapped)
              : (double)nifti_integer(in + l->offset, 8, h->swapped);

    if (at == 0)
        at = least;
    if (!(at >= least) || at > 1e9 || at != floor(at))
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI voxels begin at byte %g, want "
                       "a whole number >= %d", name, at, least);
    h->offset = (size_t)at;
    return CKKS_OK;
}

/* A slope that is 0 or no number says that there is no scaling; what there is
 * must be whole. */
static ckks_status nifti_scale(nifti_head *h, const nifti_layout *l,
                               const char *name, const uint8_t *in)
{
    h->slope = uni_nifti_float(in + l->slope, l->real, h->swapped);
    h->inter = uni_nifti_float(in + l->inter, l->real, h->swapped);
    if (h->slope == 0 || !isfinite(h->slope)) {
        h->slope = 1;
        h->inter = 0;
    }
    if (!isfinite(h->inter))
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI slope %g with an intercept of "
                       "%g: values are slope x voxel + intercept, which no "
                       "voxel has; set the intercept (nifti_tool -mod_hdr "
                       "-mod_field scl_inter 0)", name, h->slope, h->inter);
    return CKKS_OK;
}

/* in: as many bytes as the header has. */
static ckks_status nifti_header(nifti_head *h, const nifti_layout *l,
                                const char *name, const uint8_t *in)
{
    ckks_status s;

    h->swapped = uni_nifti_word(in, 4, false) != (uint64_t)l->header;
    s = nifti_magic(h, l, name, in);
    if (s == CKKS_OK)
        s = nifti_dims(h, l, name, in);
    if (s == CKKS_OK)
        s = nifti_offset(h, l, name, in);
    if (s == CKKS_OK)
        s = nifti_scale(h, l, name, in);
    if (s != CKKS_OK)
        return s;
    nifti_orientation(h, l, in);
    return nifti_type(h, l, name, in);
}

static ckks_status nifti_gzip_head(nifti_head *h, const char *name,
                                   const uint8_t *in, size_t size)
{
    const nifti_layout *l;
    uint8_t *plain = NULL;
    ckks_status s = uni_gzip_decode(&plain, name, in, size, NIFTI_HEADER,
                                    false);

    if (s != CKKS_OK)
        return s;
    l = nifti_version(plain, NIFTI_HEADER);
    if (l == NULL)
        s = uni_kind_check(name, plain, NIFTI_HEADER, true);
    if (l == NULL && s == CKKS_OK)
        s = nn_fail(CKKS_EFORMAT, "%s: what is gzipped is not NIfTI", name);
    if (l != NULL && l->header > NIFTI_HEADER) {
        free(plain);
        plain = NULL;
        s = uni_gzip_decode(&plain, name, in, size, (size_t)l->header, false);
    }
    if (s == CKKS_OK)
        s = nifti_header(h, l, name, plain);
    free(plain);
    return s;
}

static ckks_status nifti_read_head(nifti_head *h, const char *name,
                                   const uint8_t *in, size_t size)
{
    const nifti_layout *l;

    if (uni_is_gzip(in, size))
        return nifti_gzip_head(h, name, in, size);
    l = nifti_version(in, size);
    if (l != NULL && size >= (size_t)l->header)
        return nifti_header(h, l, name, in);
    return nn_fail(CKKS_EFORMAT, "%s: %zu bytes, a NIfTI header has %d", name,
                   size, l != NULL ? l->header : NIFTI_HEADER);
}

uni_nifti_part uni_nifti_kind(const uint8_t *in, size_t size)
{
    nifti_head h = {0};
    ckks_status s;

    if (!uni_is_gzip(in, size) && !uni_is_nifti(in, size))
        return UNI_NIFTI_NONE;
    s = nifti_read_head(&h, "", in, size);
    if (h.pair)
        return UNI_NIFTI_PAIR;
    return s == CKKS_OK ? UNI_NIFTI_WHOLE : UNI_NIFTI_BROKEN;
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
    nifti_head h = {0};

    if ((!uni_is_gzip(in, size) && !uni_is_nifti(in, size))
        || nifti_read_head(&h, name, in, size) != CKKS_OK)
        return CKKS_OK;
    return nifti_check(&h, name, &slice, want);
}

/* in: the file that holds the voxels, of its length if it is not gzipped; what
 * happens to be that long is not. */
static ckks_status nifti_voxels(uni_image *out, const char *name,
                                const nifti_head *h, const uint8_t *in,
                                size_t size, int slice)
{
    const size_t need = h->offset + (size_t)h->nx * (size_t)h->ny
                                    * (size_t)h->nz * (size_t)h->bytes;
    uint8_t *plain = NULL;
    ckks_status s = CKKS_OK;

    if (uni_is_gzip(in, size) && !(h->pair && size == need)) {
        s = uni_gzip_decode(&plain, name, in, size, need, true);
        in = plain;
    } else if (size != need) {
        s = nn_fail(CKKS_EFORMAT, "%s: %zu bytes, a volume of %d x %d x %d "
                    "voxels has %zu", name, size, h->nx, h->ny, h->nz, need);
    }
    if (s == CKKS_OK)
        s = uni_nifti_image(out, name, h, in + h->offset, slice);
    free(plain);
    return s;
}

ckks_status uni_nifti_decode(uni_image *out, const char *name,
                              const uint8_t *in, size_t size, int slice,
                              const uni_image_want *want)
{
    nifti_head h = {0};
    ckks_status s = nifti_read_head(&h, name, in, size);

    if (s == CKKS_OK && h.pair)
        s = nn_fail(CKKS_EFORMAT, "%s: the header of a NIfTI pair, without its "
                    "voxels; they are found where the two are called NAME.hdr "
                    "and NAME.img, either with .gz", name);
    if (s == CKKS_OK)
        s = nifti_check(&h, name, &slice, want);
    return s == CKKS_OK ? nifti_voxels(out, name, &h, in, size, slice) : s;
}

ckks_status uni_nifti_decode_pair(uni_image *out, const uni_pair *pair,
                                  int slice, const uni_image_want *want)
{
    nifti_head h = {0};
    ckks_status s = nifti_read_head(&h, pair->header, pair->head,
                                    pair->head_size);

    if (s == CKKS_OK)
        s = nifti_check(&h, pair->header, &slice, want);
    return s == CKKS_OK ? nifti_voxels(out, pair->voxels, &h, pair->in,
                                       pair->size, slice) : s;
}
