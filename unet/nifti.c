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

#include "codec.h"

#ifdef UNET_HAVE_PNG
#include <zlib.h>
#endif

enum { NIFTI_HEADER = 348, NIFTI_FIRST_VOXEL = 352 };

typedef struct nifti_head {
    bool swapped;               /* big-endian file                           */
    int nx, ny, nz;
    int type, bytes;            /* NIfTI datatype, bytes a voxel             */
    size_t offset;              /* of the first voxel                        */
    double slope, inter;
    bool flip_x, flip_y;        /* to have left and anterior first           */
} nifti_head;

static uint64_t nifti_word(const uint8_t *in, int bytes, bool big)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | in[big ? i : bytes - 1 - i];
    return v;
}

static int nifti_int16(const uint8_t *in, bool big)
{
    return (int16_t)(uint16_t)nifti_word(in, 2, big);
}

static double nifti_float(const uint8_t *in, bool big)
{
    uint32_t word = (uint32_t)nifti_word(in, 4, big);
    float f;

    memcpy(&f, &word, 4);
    return (double)f;
}

bool uni_is_nifti(const uint8_t *in, size_t size)
{
    return size >= 4 && (nifti_word(in, 4, false) == NIFTI_HEADER
                         || nifti_word(in, 4, true) == NIFTI_HEADER);
}

/* The sign of the first axis along left-right and of the second along
 * posterior-anterior, from the sform, else the qform, else as if RAS. */
static void nifti_orientation(nifti_head *h, const uint8_t *in)
{
    bool big = h->swapped;
    double right = 1, anterior = 1;

    if (nifti_int16(in + 254, big) > 0) {
        right = nifti_float(in + 280, big);
        anterior = nifti_float(in + 300, big);
    } else if (nifti_int16(in + 252, big) > 0) {
        double b = nifti_float(in + 256, big), c = nifti_float(in + 260, big);
        double d = nifti_float(in + 264, big);
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
    bool big = nifti_word(in, 4, false) != NIFTI_HEADER;
    int rank = nifti_int16(in + 40, big), dim[8];
    double offset = nifti_float(in + 108, big);

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
    if ((int64_t)dim[1] * dim[2] > UNET_IMAGE_PIXELS
        || (int64_t)dim[1] * dim[2] * dim[3] > UNET_IMAGE_PIXELS)
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI volume of %d x %d x %d voxels, "
                       "at most 2^28", name, dim[1], dim[2], dim[3]);
    if (!(offset >= NIFTI_FIRST_VOXEL) || offset > 1e9
        || offset != floor(offset))
        return nn_fail(CKKS_EFORMAT, "%s: NIfTI voxels begin at byte %g, want "
                       "a whole number >= %d", name, offset,
                       NIFTI_FIRST_VOXEL);
    h->nx = dim[1];
    h->ny = dim[2];
    h->nz = dim[3];
    h->offset = (size_t)offset;
    h->slope = nifti_float(in + 112, big);
    h->inter = nifti_float(in + 116, big);
    if (h->slope == 0 || !isfinite(h->slope) || !isfinite(h->inter)) {
        h->slope = 1;                               /* no scaling            */
        h->inter = 0;
    }
    nifti_orientation(h, in);
    return nifti_type(h, name, in);
}

static double nifti_voxel(const nifti_head *h, const uint8_t *in)
{
    uint64_t word = nifti_word(in, h->bytes, h->swapped);
    double v = 0;

    switch (h->type) {
    case 2:
    case 512:
    case 768:
        v = (double)word;
        break;
    case 256:
        v = (int8_t)(uint8_t)word;
        break;
    case 4:
        v = (int16_t)(uint16_t)word;
        break;
    case 8:
        v = (int32_t)(uint32_t)word;
        break;
    case 16:
        v = nifti_float(in, h->swapped);
        break;
    case 64:
        memcpy(&v, &word, 8);
        break;
    default:
        break;
    }
    return v * h->slope + h->inter;
}

/* Doubles in the order of the integers 0..2^64-1. */
static uint64_t nifti_rank_word(double v)
{
    uint64_t w;

    memcpy(&w, &v, 8);
    return w >> 63 ? ~w : w | UINT64_C(1) << 63;
}

/* The k-th smallest of v[0..n-1], by counting 16 bits after 16 bits: four
 * passes whatever the values are. */
static double nifti_select(const double *v, size_t n, size_t k,
                           size_t count[65536])
{
    uint64_t found = 0, mask = 0;
    double out;

    for (int shift = 48; shift >= 0; shift -= 16) {
        size_t digit = 0;

        memset(count, 0, 65536 * sizeof *count);
        for (size_t i = 0; i < n; i++) {
            uint64_t w = nifti_rank_word(v[i]);

            if ((w & mask) == found)
                count[w >> shift & 65535]++;
        }
        while (k >= count[digit])
            k -= count[digit++];
        found |= (uint64_t)digit << shift;
        mask |= UINT64_C(65535) << shift;
    }
    found = found >> 63 ? found & ~(UINT64_C(1) << 63) : ~found;
    memcpy(&out, &found, 8);
    return out;
}

/* The p-th part of the way from the smallest to the largest, linear between
 * neighbours in the order. */
static double nifti_quantile(const double *v, size_t n, double p,
                             size_t count[65536])
{
    double place = p * (double)(n - 1);
    size_t k = (size_t)place;
    double a = nifti_select(v, n, k, count), b;

    if (k + 1 >= n || place <= (double)k)
        return a;
    b = nifti_select(v, n, k + 1, count);
    return a + (place - (double)k) * (b - a);
}

/* value: the whole volume. */
static void nifti_window(uni_image *out, const nifti_head *h,
                         const double *value, int slice, double lo, double hi)
{
    const double *from = value + (size_t)slice * (size_t)h->nx * (size_t)h->ny;

    for (int y = 0; y < h->ny; y++)
        for (int x = 0; x < h->nx; x++) {
            int i = h->flip_x ? h->nx - 1 - x : x;
            int j = h->flip_y ? h->ny - 1 - y : y;
            double v = from[(size_t)j * (size_t)h->nx + (size_t)i];

            v = hi > lo ? (v - lo) / (hi - lo) * 255 : 0;
            v = v < 0 ? 0 : v > 255 ? 255 : v;
            out->pixel[(size_t)y * (size_t)h->nx + (size_t)x] = v;
        }
}

/* in: the voxels. */
static ckks_status nifti_image(uni_image *out, const char *name,
                               const nifti_head *h, const uint8_t *in,
                               int slice)
{
    size_t n = (size_t)h->nx * (size_t)h->ny * (size_t)h->nz, bad = 0;
    double *value = malloc(n * sizeof *value);
    size_t *count = malloc(65536 * sizeof *count);
    ckks_status s = CKKS_OK;

    if (value == NULL || count == NULL)
        s = nn_fail(CKKS_EMEM, "%s: no memory for %zu voxels", name, n);
    for (size_t i = 0; i < n && s == CKKS_OK; i++) {
        value[i] = nifti_voxel(h, in + i * (size_t)h->bytes);
        if (!isfinite(value[i]))
            bad++;
    }
    if (s == CKKS_OK && bad > 0)
        s = nn_fail(CKKS_EFORMAT, "%s: %zu of %zu voxels are not finite", name,
                    bad, n);
    if (s == CKKS_OK)
        s = uni_image_init(out, name, 1, (uint64_t)h->ny, (uint64_t)h->nx);
    if (s == CKKS_OK)
        nifti_window(out, h, value, slice,
                     nifti_quantile(value, n, 0.01, count),
                     nifti_quantile(value, n, 0.995, count));
    free(value);
    free(count);
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

ckks_status uni_nifti_decode(uni_image *out, const char *name,
                              const uint8_t *in, size_t size, int slice)
{
    nifti_head h = {0};
    bool gzip = in[0] == 0x1f;
    uint8_t *plain = NULL;
    size_t need;
    ckks_status s;

    if (gzip) {
        s = uni_gzip_decode(&plain, name, in, size, NIFTI_HEADER, false);
        if (s != CKKS_OK)
            return s;
    } else if (size < NIFTI_HEADER) {
        return nn_fail(CKKS_EFORMAT, "%s: %zu bytes, a NIfTI header has %d",
                       name, size, NIFTI_HEADER);
    }
    s = gzip && !uni_is_nifti(plain, NIFTI_HEADER)
      ? nn_fail(CKKS_EFORMAT, "%s: what is gzipped is not NIfTI-1", name)
      : nifti_header(&h, name, gzip ? plain : in);
    free(plain);
    plain = NULL;
    if (s == CKKS_OK)
        s = nifti_check_slice(&h, name, &slice);
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
        s = nifti_image(out, name, &h, (gzip ? plain : in) + h.offset, slice);
    free(plain);
    return s;
}

/* ---- gzip --------------------------------------------------------------- */

#ifdef UNET_HAVE_PNG

/* Nothing more may come out, and the checksum must be right. */
static int gzip_finish(z_stream *z)
{
    uint8_t rest[1];

    z->next_out = rest;
    z->avail_out = sizeof rest;
    return inflate(z, Z_NO_FLUSH);
}

ckks_status uni_gzip_decode(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, size_t want,
                             bool all)
{
    z_stream z = {0};
    uint8_t *data;
    size_t got;
    int code;

    /* deflate gives at most 1032 bytes for one */
    if (size > UINT32_MAX || want > UINT32_MAX || want / 1032 > size)
        return nn_fail(CKKS_EFORMAT, "%s: %zu gzipped bytes cannot hold %zu",
                       name, size, want);
    data = malloc(want);
    if (data == NULL || inflateInit2(&z, 15 + 16) != Z_OK) {
        free(data);
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, want);
    }
    z.next_in = (z_const Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)size;
    z.next_out = data;
    z.avail_out = (uInt)want;
    code = inflate(&z, Z_NO_FLUSH);
    got = want - z.avail_out;
    if (code == Z_OK && got == want && all)
        code = gzip_finish(&z);
    inflateEnd(&z);
    if (got == want && (code == Z_STREAM_END || (!all && code == Z_OK))
        && z.total_out == want) {
        *out = data;
        return CKKS_OK;
    }
    free(data);
    return nn_fail(CKKS_EFORMAT, "%s: the gzip stream is damaged, cut short "
                   "or too long: %lu bytes came out, want %zu", name,
                   z.total_out, want);
}

#else

ckks_status uni_gzip_decode(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, size_t want,
                             bool all)
{
    (void)out;
    (void)in;
    (void)want;
    (void)all;
    return nn_fail(CKKS_EFORMAT, "%s: %zu gzipped bytes, and this build has no "
                   "zlib", name, size);
}

#endif
