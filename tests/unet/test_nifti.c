/* test_nifti.c -- NIfTI-1 volumes, plain and gzipped. */
#include <math.h>

#include "image_support.h"

#ifdef UNET_HAVE_PNG
#include <zlib.h>
#endif

static void nifti_put(uint8_t *to, uint64_t v, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++)
        to[big ? bytes - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

static void nifti_put_float(uint8_t *to, float v, bool big)
{
    uint32_t word;

    memcpy(&word, &v, 4);
    nifti_put(to, word, 4, big);
}

/* nx x ny x nz voxels of value 1000 + 10 * (number of the voxel), type int16
 * (4), float (16) or double (64). */
static image_bytes nifti_make(int nx, int ny, int nz, int type, bool big)
{
    size_t n = (size_t)nx * (size_t)ny * (size_t)nz;
    int bytes = type == 4 ? 2 : type == 16 ? 4 : 8;
    image_bytes b = { calloc(1, 352 + n * (size_t)bytes),
                      352 + n * (size_t)bytes };
    uint8_t *h = b.data;

    nifti_put(h, 348, 4, big);
    nifti_put(h + 40, 3, 2, big);
    nifti_put(h + 42, (uint64_t)nx, 2, big);
    nifti_put(h + 44, (uint64_t)ny, 2, big);
    nifti_put(h + 46, (uint64_t)nz, 2, big);
    for (int i = 4; i < 8; i++)
        nifti_put(h + 40 + 2 * i, 1, 2, big);
    nifti_put(h + 70, (uint64_t)type, 2, big);
    nifti_put(h + 72, (uint64_t)bytes * 8, 2, big);
    nifti_put_float(h + 108, 352, big);
    memcpy(h + 344, "n+1", 4);
    for (size_t i = 0; i < n; i++) {
        uint8_t *to = h + 352 + i * (size_t)bytes;
        double d = 1000 + 10 * (double)i;
        uint64_t word = 1000 + 10 * i;

        if (type == 16)
            nifti_put_float(to, (float)d, big);
        if (type == 64)
            memcpy(&word, &d, 8);
        if (type != 16)
            nifti_put(to, word, bytes, big);
    }
    return b;
}

/* The pixels of slice k of such a volume; voxel v counts v between the
 * percentiles. */
static void nifti_want(double *want, int nx, int ny, int nz, int k, bool flip_x,
                       bool flip_y)
{
    double last = nx * ny * nz - 1, lo = 0.01 * last, hi = 0.995 * last;

    for (int y = 0; y < ny; y++)
        for (int x = 0; x < nx; x++) {
            int i = flip_x ? nx - 1 - x : x, j = flip_y ? ny - 1 - y : y;
            double v = (k * ny + j) * nx + i;

            v = (v - lo) / (hi - lo) * 255;
            want[y * nx + x] = v < 0 ? 0 : v > 255 ? 255 : v;
        }
}

TEST(image_nifti_values)
{
    static const int types[] = { 4, 16, 64 };
    double want[20];
    image_bytes b;

    for (int t = 0; t < 3; t++)
        for (int big = 0; big < 2; big++)
            for (int k = 0; k < 3; k++) {
                b = nifti_make(5, 4, 3, types[t], big);
                nifti_want(want, 5, 4, 3, k, true, true);
                image_holds(&b, k, 1, 4, 5, want);
                free(b.data);
            }
    b = nifti_make(5, 4, 1, 4, false);          /* one slice needs no name   */
    nifti_want(want, 5, 4, 1, 0, true, true);
    image_holds(&b, -1, 1, 4, 5, want);
    image_damage(&b);
    nifti_put_float(b.data + 112, 0.5f, false);  /* a scale changes nothing  */
    nifti_put_float(b.data + 116, -3e4f, false);
    image_holds(&b, -1, 1, 4, 5, want);
    nifti_put(b.data + 254, 1, 2, false);       /* sform: left, posterior    */
    nifti_put_float(b.data + 280, -1, false);
    nifti_put_float(b.data + 300, -1, false);
    nifti_put_float(b.data + 320, 1, false);
    nifti_want(want, 5, 4, 1, 0, true, false);
    image_holds(&b, -1, 1, 4, 5, want);
    nifti_put(b.data + 254, 0, 2, false);       /* qform: a half turn round z */
    nifti_put(b.data + 252, 1, 2, false);
    nifti_put_float(b.data + 264, 1, false);
    image_holds(&b, -1, 1, 4, 5, want);
    free(b.data);
    b = nifti_make(5, 4, 1, 4, false);          /* all voxels equal          */
    for (size_t i = 352; i < b.size; i++)
        b.data[i] = 1;
    for (int i = 0; i < 20; i++)
        want[i] = 0;
    image_holds(&b, -1, 1, 4, 5, want);
    free(b.data);
}

/* Voxels of at most 16 bits go another way than wider ones: the same picture
 * for bytes, signed bytes, words and their doubles, the right way round and
 * with a scale that turns them. */
TEST(image_nifti_narrow_as_wide)
{
    static const int types[] = { 2, 256, 4, 512 };
    enum { N = 7 * 5 * 3 };

    for (int t = 0; t < 4; t++)
        for (int k = 0; k < 4; k++) {
            const bool big = k % 2 == 1;
            const float slope = k < 2 ? 0.5f : -3;
            const int bytes = types[t] == 2 || types[t] == 256 ? 1 : 2;
            image_bytes wide = nifti_make(7, 5, 3, 64, big);
            image_bytes narrow = nifti_make(7, 5, 3, 4, big);
            uni_image want = {0}, got = {0};
            uint64_t seed = (uint64_t)(t + 1);

            narrow.size = 352 + (size_t)(N * bytes);
            nifti_put(narrow.data + 70, (uint64_t)types[t], 2, big);
            nifti_put(narrow.data + 72, (uint64_t)bytes * 8, 2, big);
            for (int i = 0; i < N; i++) {
                const uint64_t word = test_word(&seed) >> (64 - 8 * bytes);
                double v = types[t] == 256  ? (int8_t)(uint8_t)word
                           : types[t] == 4  ? (int16_t)(uint16_t)word
                                            : (double)word;
                uint64_t bits;

                nifti_put(narrow.data + 352 + i * bytes, word, bytes, big);
                v = v * (double)slope + 11;
                memcpy(&bits, &v, 8);
                nifti_put(wide.data + 352 + 8 * i, bits, 8, big);
            }
            nifti_put_float(narrow.data + 112, slope, big);
            nifti_put_float(narrow.data + 116, 11, big);
            if (CHECK_OK(image_read(&want, &wide, 1))
                && CHECK_OK(image_read(&got, &narrow, 1)))
                CHECK(memcmp(got.pixel, want.pixel, 35 * sizeof *got.pixel)
                      == 0, "type %d, case %d", types[t], k);
            uni_image_clear(&want);
            uni_image_clear(&got);
            free(wide.data);
            free(narrow.data);
        }
}

TEST(image_nifti_refusals)
{
    static const struct {
        int at, bytes;
        uint64_t value;
        const char *words;
    } cases[] = {
        { 344, 4, 0x31696e, "header of a NIfTI pair" }, /* "ni1"             */
        { 344, 4, 0x31706e, "magic is neither n+1 nor ni1" },
        { 40, 2, 0, "volume of rank 0" },
        { 40, 2, 8, "volume of rank 8" },
        { 42, 2, 0, "rank 3, 0 x 4 x 1" },
        { 44, 2, 0xffff, "rank 3, 5 x -1 x 1" },
        { 42, 2, 6, "392 bytes, a volume of 6 x 4 x 1 voxels has 400" },
        { 42, 2, 4, "392 bytes, a volume of 4 x 4 x 1 voxels has 384" },
        { 70, 2, 32, "datatype 32 of 16 bits (complex64)" },
        { 72, 2, 8, "datatype 4 of 8 bits" },
        { 108, 4, 0x3f800000, "voxels begin at byte 1,"},
        { 108, 4, 0x7fc00000, "voxels begin at byte nan" },
        { 108, 4, 0x7f800000, "voxels begin at byte inf" },
        { 108, 4, 0x43b04000, "voxels begin at byte 352.5" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        image_bytes b = nifti_make(5, 4, 1, 4, false);

        nifti_put(b.data + cases[i].at, cases[i].value, cases[i].bytes, false);
        image_refused(&b, cases[i].words);
        free(b.data);
    }
    image_bytes b = nifti_make(5, 4, 1, 16, false);
    uni_image image = {0};

    for (int i = 0; i < 20; i++)
        nifti_put_float(b.data + 352 + 4 * i, NAN, false);
    image_refused(&b, "none of 20 voxels is a number");
    nifti_put(b.data + 40, 4, 2, false);
    nifti_put(b.data + 48, 2, 2, false);
    CHECK(image_read(&image, &b, -1) == CKKS_EARG
          && strstr(nn_last_error(), "a series of 2 volumes; name one, 0..1 "
                    "(file:volume=0)") != NULL, "%s", nn_last_error());
    nifti_put(b.data + 48, 0xffff, 2, false);
    image_refused(&b, "dimension 4 is -1");
    free(b.data);
    b = nifti_make(5, 4, 3, 4, false);
    for (int i = 1; i < 4; i++)
        nifti_put(b.data + 40 + 2 * i, 32767, 2, false);
    image_refused(&b, "32767 x 32767 x 32767 voxels, at most 268435456");
    nifti_put(b.data + 42, 5, 2, false);
    nifti_put(b.data + 44, 1640, 2, false);
    image_refused(&b, "5 x 1640 x 32767 voxels, at most 268435456");
    free(b.data);
    b = nifti_make(5, 4, 3, 4, false);
    CHECK(image_read(&image, &b, -1) == CKKS_EARG
          && strstr(nn_last_error(), "a volume of 3 axial slices") != NULL, "%s",
          nn_last_error());
    CHECK(image_read(&image, &b, 3) == CKKS_EARG
          && strstr(nn_last_error(), "slice 3 of a volume of 3 axial") != NULL,
          "%s", nn_last_error());
    free(b.data);
}

#ifdef UNET_HAVE_PNG

static image_bytes gzip_make(const image_bytes *plain)
{
    z_stream z = {0};
    image_bytes b = { malloc(plain->size + 256), 0 };

    if (!CHECK(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8,
                            Z_DEFAULT_STRATEGY) == Z_OK, "zlib"))
        return b;
    z.next_in = plain->data;
    z.avail_in = (uInt)plain->size;
    z.next_out = b.data;
    z.avail_out = (uInt)plain->size + 256;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib");
    b.size = z.total_out;
    deflateEnd(&z);
    return b;
}

TEST(image_nifti_gzip)
{
    double want[20];
    image_bytes plain = nifti_make(5, 4, 3, 4, false);
    image_bytes b = gzip_make(&plain);

    nifti_want(want, 5, 4, 3, 1, true, true);
    image_holds(&b, 1, 1, 4, 5, want);
    image_damage(&b);
    free(b.data);
    plain.size--;                               /* a voxel cut               */
    b = gzip_make(&plain);
    CHECK(image_read(&(uni_image){0}, &b, 1) == CKKS_EFORMAT, "cut short");
    free(b.data);
    plain.data = realloc(plain.data, plain.size + 9);
    memset(plain.data + plain.size, 0, 9);
    plain.size += 9;
    b = gzip_make(&plain);
    CHECK(image_read(&(uni_image){0}, &b, 1) == CKKS_EFORMAT, "too long");
    free(b.data);
    plain.data[0] = 0;
    b = gzip_make(&plain);
    image_refused(&b, "what is gzipped is not NIfTI");
    free(b.data);
    free(plain.data);
}

/* 64 MiB of zeros in 64 KiB: refused by its length, before anything comes out;
 * 32 MiB are let through to the volume. */
TEST(image_gzip_ratio)
{
    static const int slices[] = { 1024, 511 };

    for (int k = 0; k < 2; k++) {
        image_bytes plain = nifti_make(256, 256, 1, 4, false), b;
        const size_t n = 352 + (size_t)slices[k] * 65536;
        uni_image image = {0};
        ckks_status s;

        plain.data = realloc(plain.data, n);
        memset(plain.data + 352, 0, n - 352);
        plain.size = n;
        nifti_put(plain.data + 46, (uint64_t)slices[k], 2, false);
        nifti_put(plain.data + 70, 2, 2, false);
        nifti_put(plain.data + 72, 8, 2, false);
        if (k == 1)
            plain.size -= 352;          /* below the free size, and cut short */
        b = gzip_make(&plain);
        s = image_read(&image, &b, 3);
        CHECK(s == CKKS_EFORMAT
              && strstr(nn_last_error(), k == 0 ? "gunzip it first"
                                                : "cut short") != NULL, "%s",
              nn_last_error());
        free(b.data);
        free(plain.data);
    }
}

#endif
