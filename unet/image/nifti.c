/* nifti.c -- headers of NIfTI, version 1 or 2.
 *
 * Version 1 has a header of 348 bytes, version 2 one of 540, in the byte order
 * in which its first word says so; uni_nifti_layouts says what stands where in
 * each.  The magic is n+1 or n+2 where the voxels follow in the same file, ni1
 * or ni2 where they are in another.
 */
#include "image/nifti.h"

#include <math.h>
#include <string.h>

const nifti_layout uni_nifti_layouts[2] = {
    { '1', NIFTI_HEADER, 352, 344, 40, 70, 72, 76, 108, 112, 116, 123, 252,
      254, 256, 280, 2, 4, 2 },
    { '2', NIFTI_HEADER_2, 544, 4, 16, 12, 14, 104, 168, 176, 184, 500, 344,
      348, 352, 400, 8, 8, 4 }
};

/* 540 alone is no rare beginning, so that the magic behind it must be there. */
const nifti_layout *uni_nifti_version(const uint8_t *in, size_t size)
{
    for (int i = 0; i < 2 && size >= 8; i++) {
        const nifti_layout *l = &uni_nifti_layouts[i];
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
    return uni_nifti_version(in, size) != NULL;
}

/* bits 0: not taken, for which there is a way out. */
static const struct {
    int type, bits;
    uni_voxel voxel;
    const char *what, *way;
} nifti_types[] = {
    { 2, 8, UNI_U8, "uint8", "" }, { 4, 16, UNI_I16, "int16", "" },
    { 8, 32, UNI_I32, "int32", "" }, { 16, 32, UNI_F32, "float32", "" },
    { 64, 64, UNI_F64, "float64", "" }, { 256, 8, UNI_I8, "int8", "" },
    { 512, 16, UNI_U16, "uint16", "" }, { 768, 32, UNI_U32, "uint32", "" },
    { 1024, 64, UNI_I64, "int64", "" }, { 1280, 64, UNI_U64, "uint64", "" },
    { 128, 24, UNI_RGB, "RGB24, colour", "" },
    { 1, 0, UNI_U8, "bits",
      "write them as bytes: mri_convert -odt uchar IN OUT" },
    { 32, 0, UNI_U8, "complex64",
      "take its magnitude: fslcomplex -realabs IN OUT" },
    { 1536, 0, UNI_U8, "float128", "write it as float32" },
    { 1792, 0, UNI_U8, "complex128",
      "take its magnitude: fslcomplex -realabs IN OUT" },
    { 2048, 0, UNI_U8, "complex256", "take its magnitude first" },
    { 2304, 0, UNI_U8, "RGBA32, colour", "write it without the fourth channel, "
      "as RGB24, or one channel alone as uint8" }
};

static ckks_status nifti_type(uni_volume *v, const nifti_layout *l,
                              const char *name, const uint8_t *in, bool big)
{
    const int type = (int)uni_nifti_integer(in + l->type, 2, big);
    const int bits = (int)uni_nifti_integer(in + l->bits, 2, big);
    const char *what = "unknown", *way = "";
    int want = 0;

    for (size_t i = 0; i < sizeof nifti_types / sizeof *nifti_types; i++)
        if (nifti_types[i].type == type) {
            want = nifti_types[i].bits;
            v->type = nifti_types[i].voxel;
            what = nifti_types[i].what;
            way = nifti_types[i].way;
        }
    if (want == 0 || bits != want)
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI datatype %d of %d bits (%s); "
                       "integers of 8, 16, 32 and 64 bits, floats of 32 and 64 "
                       "and RGB24 are taken%s%s", name, type, bits, what,
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

/* Sizes, and how many volumes; a size of 0 behind the third says 1, as some
 * writers have it. */
static ckks_status nifti_dims(uni_volume *v, const nifti_layout *l,
                              const char *name, const uint8_t *in, bool big)
{
    const int wide = l->dim_bytes;
    const int64_t rank = uni_nifti_integer(in + l->dim, wide, big);
    int64_t dim[8], volumes = 1;

    for (int i = 1; i < 8; i++)
        dim[i] = i <= rank ? uni_nifti_integer(in + l->dim + wide * i, wide,
                                               big) : 1;
    if (rank < 2 || rank > 7 || dim[1] < 1 || dim[2] < 1 || dim[3] < 1
        || dim[1] > INT32_MAX || dim[2] > INT32_MAX || dim[3] > INT32_MAX)
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI volume of rank %lld, %lld x "
                       "%lld x %lld", name, (long long)rank,
                       (long long)dim[1], (long long)dim[2],
                       (long long)dim[3]);
    for (int i = 4; i < 8; i++) {
        dim[i] = dim[i] == 0 ? 1 : dim[i];
        if (dim[i] < 1 || dim[i] > INT32_MAX / volumes)
            return nn_fail(CKKS_EFORMAT, "%s: NIfTI dimension %d is %lld", name,
                           i, (long long)dim[i]);
        volumes *= dim[i];
    }
    for (int i = 0; i < 3; i++)
        v->geometry.n[i] = (int)dim[i + 1];
    v->geometry.rank = volumes > 1 ? 3 : (int)rank;
    v->volumes = (int)volumes;
    return CKKS_OK;
}

/* 0 in one file: at once behind the header and the four bytes that follow. */
static ckks_status nifti_offset(nifti_head *h, const nifti_layout *l,
                                const char *name, const uint8_t *in)
{
    const int least = h->pair ? 0 : l->first;
    double at = l->version == '1'
              ? uni_nifti_float(in + l->offset, 4, h->swapped)
              : (double)uni_nifti_integer(in + l->offset, 8, h->swapped);

    if (at == 0)
        at = least;
    if (!(at >= least) || at > 1e9 || at != floor(at))
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI voxels begin at byte %g, want "
                       "a whole number >= %d", name, at, least);
    h->offset = (uint64_t)at;
    return CKKS_OK;
}

/* A slope that is 0 or no number says that there is no scaling; what there is
 * must be whole.  Colours have none. */
static ckks_status nifti_scale(uni_volume *v, const nifti_layout *l,
                               const char *name, const uint8_t *in, bool big)
{
    v->slope = uni_nifti_float(in + l->slope, l->real, big);
    v->inter = uni_nifti_float(in + l->inter, l->real, big);
    if (v->slope == 0 || !isfinite(v->slope)) {
        v->slope = 1;
        v->inter = 0;
    }
    if (!isfinite(v->inter))
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI slope %g with an intercept of "
                       "%g: values are slope x voxel + intercept, which no "
                       "voxel has; set the intercept (nifti_tool -mod_hdr "
                       "-mod_field scl_inter 0)", name, v->slope, v->inter);
    return CKKS_OK;
}

/* Which volume, and the bytes before it. */
static ckks_status nifti_choose(uni_volume *v, nifti_head *h, const char *name,
                                int volume)
{
    if (volume >= v->volumes)
        return nn_fail(CKKS_EARG, "%s: volume %d of %d, want 0..%d", name,
                       volume, v->volumes, v->volumes - 1);
    if (volume < 0 && v->volumes > 1)
        return nn_fail(CKKS_EARG, "%s: a series of %d volumes; name one, 0..%d "
                       "(%s:volume=0)", name, v->volumes, v->volumes - 1,
                       name);
    v->volume = volume < 0 ? 0 : volume;
    h->before = uni_volume_bytes(v) * (uint64_t)v->volume;
    h->all = uni_volume_bytes(v) * (uint64_t)v->volumes;
    return CKKS_OK;
}

ckks_status uni_nifti_header(uni_volume *out, nifti_head *h,
                             const nifti_layout *l, const char *name,
                             const uint8_t *in, int volume)
{
    const bool big = uni_nifti_word(in, 4, false) != (uint64_t)l->header;
    ckks_status s;

    h->swapped = big;
    s = nifti_magic(h, l, name, in);
    if (s == CKKS_OK)
        s = nifti_dims(out, l, name, in, big);
    if (s == CKKS_OK)
        s = nifti_offset(h, l, name, in);
    if (s == CKKS_OK)
        s = nifti_scale(out, l, name, in, big);
    if (s == CKKS_OK)
        s = nifti_type(out, l, name, in, big);
    if (s == CKKS_OK)
        s = uni_volume_check(name, out->geometry.n);
    if (s == CKKS_OK)
        s = uni_nifti_geometry(&out->geometry, l, name, in, big);
    return s == CKKS_OK ? nifti_choose(out, h, name, volume) : s;
}
