/* test_nifti_forms.c -- the forms a NIfTI volume comes in: version 1 and 2, one
 * file or two, several gzip members, integers of 64 bits.  The files are
 * written here field by field from the two standards.
 */
#include <math.h>
#include <unistd.h>

#include "image_support.h"

#ifdef UNET_HAVE_PNG
#include <zlib.h>
#endif

enum { NX = 5, NY = 4, VOXELS = NX * NY };

typedef struct form {
    int version, type, bytes;
    bool big, pair;
} form;

static void form_put(uint8_t *to, uint64_t v, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++)
        to[big ? bytes - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

/* A float of 4 bytes or 8. */
static void form_float(uint8_t *to, double v, int bytes, bool big)
{
    const float f = (float)v;
    uint64_t word;
    uint32_t half;

    memcpy(&word, &v, 8);
    memcpy(&half, &f, 4);
    form_put(to, bytes == 8 ? word : half, bytes, big);
}

static size_t form_head(const form *f)
{
    return f->version == 1 ? (f->pair ? 348 : 352) : f->pair ? 540 : 544;
}

static void form_voxel(uint8_t *to, const form *f, int i)
{
    const int v = 1000 + 10 * i;

    if (f->type == 16 || f->type == 64)
        form_float(to, v, f->bytes, f->big);
    else
        form_put(to, (uint64_t)v, f->bytes, f->big);
}

/* 5 x 4 x 1 voxels of value 1000 + 10 * (number of the voxel). */
static image_bytes form_make(const form *f)
{
    const size_t head = form_head(f), n = head + VOXELS * (size_t)f->bytes;
    const char magic = f->pair ? 'i' : '+';
    const int dim[8] = { 3, NX, NY, 1, 1, 1, 1, 1 };
    image_bytes b = { calloc(1, n), n };
    uint8_t *h = b.data;

    form_put(h, f->version == 1 ? 348 : 540, 4, f->big);
    for (int i = 0; i < 8 && f->version == 1; i++)
        form_put(h + 40 + 2 * i, (uint64_t)dim[i], 2, f->big);
    for (int i = 0; i < 8 && f->version == 2; i++)
        form_put(h + 16 + 8 * i, (uint64_t)dim[i], 8, f->big);
    form_put(h + (f->version == 1 ? 70 : 12), (uint64_t)f->type, 2, f->big);
    form_put(h + (f->version == 1 ? 72 : 14), (uint64_t)f->bytes * 8, 2,
             f->big);
    if (f->version == 1) {
        form_float(h + 108, f->pair ? 0 : 352, 4, f->big);
        memcpy(h + 344, "n?1", 4);
        h[345] = (uint8_t)magic;
    } else {
        form_put(h + 168, f->pair ? 0 : 544, 8, f->big);
        memcpy(h + 4, "n?2\0\r\n\032\n", 8);
        h[5] = (uint8_t)magic;
    }
    for (int i = 0; i < VOXELS; i++)
        form_voxel(h + head + i * f->bytes, f, i);
    return b;
}

/* Voxel v counts v between the percentiles; rows from anterior to posterior,
 * without a form that says otherwise. */
static void form_want(double *want, bool flip_x, bool flip_y)
{
    const double last = VOXELS - 1, lo = 0.01 * last, hi = 0.995 * last;

    for (int y = 0; y < NY; y++)
        for (int x = 0; x < NX; x++) {
            const int j = flip_y ? NY - 1 - y : y;
            const int i = flip_x ? NX - 1 - x : x;
            const double v = (j * NX + i - lo) / (hi - lo) * 255;

            want[y * NX + x] = v < 0 ? 0 : v > 255 ? 255 : v;
        }
}

static const form forms_plain = { 1, 4, 2, false, false };

TEST(nifti_versions_and_types)
{
    static const int types[][2] = {
        { 4, 2 }, { 512, 2 }, { 8, 4 }, { 768, 4 }, { 16, 4 }, { 64, 8 },
        { 1024, 8 }, { 1280, 8 }
    };
    double want[VOXELS];

    form_want(want, true, true);
    for (int version = 1; version <= 2; version++)
        for (int big = 0; big < 2; big++)
            for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
                const form f = { version, types[t][0], types[t][1], big == 1,
                                 false };
                image_bytes b = form_make(&f);

                image_holds(&b, -1, 1, NY, NX, want);
                if (t == 0)
                    image_damage(&b);
                free(b.data);
            }
}

TEST(nifti_2_orientation)
{
    double want[VOXELS];

    for (int big = 0; big < 2; big++) {
        const form f = { 2, 4, 2, big == 1, false };
        image_bytes b = form_make(&f);

        form_put(b.data + 348, 1, 4, f.big);    /* sform: left, posterior    */
        form_float(b.data + 400, -1, 8, f.big);
        form_float(b.data + 440, -1, 8, f.big);
        form_float(b.data + 480, 1, 8, f.big);
        form_want(want, true, false);
        image_holds(&b, -1, 1, NY, NX, want);
        form_put(b.data + 348, 0, 4, f.big);
        form_put(b.data + 344, 1, 4, f.big);    /* qform: half a turn about z */
        form_float(b.data + 368, 1, 8, f.big);
        image_holds(&b, -1, 1, NY, NX, want);
        form_float(b.data + 368, 0, 8, f.big);  /* about y                   */
        form_float(b.data + 360, 1, 8, f.big);
        form_want(want, true, true);
        image_holds(&b, -1, 1, NY, NX, want);
        form_float(b.data + 176, -2, 8, f.big); /* a slope that turns values */
        form_want(want, true, true);
        for (int i = 0; i < VOXELS; i++) {
            const double v = VOXELS - 1 - ((NY - 1 - i / NX) * NX
                                           + NX - 1 - i % NX);
            const double w = (v - 0.19) / (0.995 * 19 - 0.19) * 255;

            want[i] = w < 0 ? 0 : w > 255 ? 255 : w;
        }
        image_holds(&b, -1, 1, NY, NX, want);
        free(b.data);
    }
}

/* What is allowed although few write it: voxels from byte 0, dimensions of 0
 * behind the third, a slope that says there is none. */
TEST(nifti_small_print)
{
    double want[VOXELS];

    form_want(want, true, true);
    for (int version = 1; version <= 2; version++) {
        const form f = { version, 4, 2, false, false };
        const int wide = version == 1 ? 2 : 8, at = version == 1 ? 40 : 16;
        const int slope = version == 1 ? 112 : 176, real = version == 1 ? 4 : 8;
        image_bytes b = form_make(&f);

        form_put(b.data + (version == 1 ? 108 : 168), 0, real, false);
        image_holds(&b, -1, 1, NY, NX, want);
        for (uint64_t rank = 4; rank < 8; rank++) {
            form_put(b.data + at, rank, wide, false);
            for (int i = 4; i < 8; i++)
                form_put(b.data + at + i * wide, 0, wide, false);
            image_holds(&b, -1, 1, NY, NX, want);
        }
        form_float(b.data + slope, (double)NAN, real, false);
        form_float(b.data + slope + real, 7, real, false);
        image_holds(&b, -1, 1, NY, NX, want);
        form_float(b.data + slope, 0, real, false);
        form_float(b.data + slope + real, (double)NAN, real, false);
        image_holds(&b, -1, 1, NY, NX, want);
        form_float(b.data + slope, -1.5, real, false);
        image_refused(&b, "slope -1.5 with an intercept of nan");
        form_float(b.data + slope + real, (double)INFINITY, real, false);
        image_refused(&b, "slope -1.5 with an intercept of inf");
        free(b.data);
    }
}

/* Of 64 bits those that a double holds: up to 2^53 all, beyond it multiples. */
TEST(nifti_integers_of_64_bits)
{
    static const struct {
        int type;
        uint64_t voxel;
        bool taken;
    } cases[] = {
        { 1024, UINT64_C(1) << 53, true },
        { 1024, (UINT64_C(1) << 53) + 1, false },
        { 1024, (UINT64_C(1) << 53) + 2, true },
        { 1024, -((UINT64_C(1) << 53) + 1), false },
        { 1024, -(UINT64_C(1) << 53), true },
        { 1024, UINT64_C(1) << 63, true },
        { 1024, (UINT64_C(1) << 63) - 1, false },
        { 1024, UINT64_MAX, true },             /* -1                        */
        { 1280, UINT64_C(1) << 63, true },
        { 1280, UINT64_MAX, false },
        { 1280, UINT64_MAX << 11, true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const form f = { 1, cases[i].type, 8, i % 2 == 1, false };
        image_bytes b = form_make(&f);
        uni_image image = {0};

        form_put(b.data + 352, cases[i].voxel, 8, f.big);
        if (cases[i].taken)
            CHECK_OK(image_read(&image, &b, -1));
        else
            image_refused(&b, "1 of 20 voxels are integers beyond 2^53");
        uni_image_clear(&image);
        free(b.data);
    }
}

TEST(nifti_2_refusals)
{
    static const struct {
        int at, bytes;
        uint64_t value;
        const char *words;
    } cases[] = {
        { 6, 1, '3', "neither PGM" },
        { 5, 1, 'x', "magic is neither n+2 nor ni2" },
        { 8, 2, 0x0a0a, "followed by 0x0a0a1a0a, want 0x0d0a1a0a" },
        { 16, 8, 8, "volume of rank 8" },
        { 16, 8, UINT64_MAX, "volume of rank -1" },
        { 24, 8, UINT64_C(1) << 32, "rank 3, 4294967296 x 4 x 1" },
        { 32, 8, UINT64_C(1) << 63, "rank 3, 5 x -9223372036854775808 x 1" },
        { 40, 8, INT32_MAX, "5 x 4 x 2147483647 voxels, at most 268435456" },
        { 24, 8, 70000, "70000 x 4 x 1 voxels, at most 268435456 are taken, and 65536" },
        { 12, 2, 128, "datatype 128 of 16 bits (RGB24, colour)" },
        { 14, 2, 8, "datatype 4 of 8 bits (int16)" },
        { 168, 8, 543, "voxels begin at byte 543, want a whole number >= 544" },
        { 168, 8, UINT64_MAX, "voxels begin at byte -1" },
        { 168, 8, UINT64_C(1) << 62, "voxels begin at byte 4.61169e+18" },
        { 168, 8, 545, "584 bytes, a volume of 5 x 4 x 1 voxels has 585" },
    };
    const form f = { 2, 4, 2, false, false };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        image_bytes b = form_make(&f);

        form_put(b.data + cases[i].at, cases[i].value, cases[i].bytes, false);
        image_refused(&b, cases[i].words);
        free(b.data);
    }
    image_bytes b = form_make(&f);

    b.size = 539;
    image_refused(&b, "539 bytes, a NIfTI header has 540");
    b.size = 584;
    form_put(b.data + 16, 4, 8, false);
    form_put(b.data + 48, UINT64_C(1) << 31, 8, false);
    image_refused(&b, "dimension 4 is 2147483648");
    form_put(b.data + 48, (UINT64_C(1) << 31) - 1, 8, false);
    form_put(b.data + 16, 5, 8, false);
    form_put(b.data + 56, 2, 8, false);
    image_refused(&b, "dimension 5 is 2");
    free(b.data);
}

/* ---- pairs --------------------------------------------------------------- */

typedef struct form_folder {
    char path[64], file[96], other[96];
} form_folder;

static bool form_open(form_folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/test_nifti.XXXXXX");
    return CHECK(mkdtemp(f->path) != NULL, "no folder");
}

static void form_write(char *file, const form_folder *f, const char *name,
                       const uint8_t *bytes, size_t n)
{
    snprintf(file, 96, "%s/%s", f->path, name);
    CHECK_OK(ckks_file_write(file, bytes, n, 0600));
}

static void form_file_holds(const char *file, const double *want)
{
    uni_image image = {0};

    if (CHECK_OK(uni_image_load(&image, file, -1))
        && CHECK(image.height == NY && image.width == NX, "%s", file))
        for (int i = 0; i < VOXELS; i++)
            CHECK(fabs(image.pixel[i] - want[i]) < 1e-9, "%s, pixel %d: %g, "
                  "want %g", file, i, image.pixel[i], want[i]);
    uni_image_clear(&image);
}

static void form_file_refused(const char *file, const char *words)
{
    uni_image image = {0};

    CHECK(uni_image_load(&image, file, -1) == CKKS_EFORMAT, "%s: taken", file);
    CHECK(strstr(nn_last_error(), words) != NULL
          && strstr(nn_last_error(), "/tmp/test_nifti.") == nn_last_error(),
          "\"%s\", want \"%s\"", nn_last_error(), words);
    CHECK(image.pixel == NULL, "out was written");
}

TEST(nifti_pairs)
{
    double want[VOXELS];
    form_folder d;

    if (!form_open(&d))
        return;
    form_want(want, true, true);
    for (int version = 1; version <= 2; version++)
        for (int big = 0; big < 2; big++) {
            const form f = { version, 4, 2, big == 1, true };
            const size_t n = form_head(&f);
            image_bytes b = form_make(&f);

            form_write(d.file, &d, big ? "a.HDR" : "a.hdr", b.data, n);
            form_file_refused(d.file, "voxels, ");
            form_write(d.other, &d, big ? "a.IMG" : "a.img", b.data + n,
                       b.size - n);
            form_file_holds(d.file, want);
            form_file_holds(d.other, want);
            form_write(d.other, &d, big ? "a.IMG" : "a.img", b.data + n,
                       b.size - n - 1);
            form_file_refused(d.file, "39 bytes, a volume of 5 x 4 x 1 voxels "
                              "has 40");
            remove(d.file);
            form_file_refused(d.other, "voxels without their header");
            image_refused(&b, "the header of a NIfTI pair, without its voxels");
            remove(d.other);
            free(b.data);
        }
    CHECK(rmdir(d.path) == 0, "files are left in %s", d.path);
}

/* An image that is called .img or .hdr is what its first bytes say. */
TEST(nifti_pair_names)
{
    static const char pgm[] = "P5\n1 1\n255\n3";
    double want[VOXELS];
    image_bytes b = form_make(&forms_plain);
    uni_image image = {0};
    form_folder d;

    if (!form_open(&d))
        return;
    form_want(want, true, true);
    form_write(d.file, &d, "b.hdr", b.data, b.size);
    form_file_holds(d.file, want);
    form_write(d.other, &d, "b.img", (const uint8_t *)pgm, sizeof pgm - 1);
    CHECK_OK(uni_image_load(&image, d.other, -1));
    uni_image_clear(&image);
    remove(d.other);
    memset(b.data + 344, 0, 4);                 /* Analyze                   */
    form_write(d.file, &d, "b.hdr", b.data, 348);
    form_file_refused(d.file, "an Analyze 7.5 header");
    form_write(d.other, &d, "b.img", b.data + 352, VOXELS * 2);
    form_file_refused(d.file, "an Analyze 7.5 header");
    form_file_refused(d.other, "an Analyze 7.5 header");
    remove(d.file);
    remove(d.other);
    free(b.data);
    CHECK(rmdir(d.path) == 0, "files are left in %s", d.path);
}

#ifdef UNET_HAVE_PNG

/* ---- gzip ---------------------------------------------------------------- */

/* Appends one member. */
static void form_gzip(image_bytes *b, const uint8_t *in, size_t n)
{
    z_stream z = {0};

    b->data = realloc(b->data, b->size + n + 256);
    if (!CHECK(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8,
                            Z_DEFAULT_STRATEGY) == Z_OK, "zlib"))
        return;
    z.next_in = (z_const Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)n;
    z.next_out = b->data + b->size;
    z.avail_out = (uInt)n + 256;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib");
    b->size += z.total_out;
    deflateEnd(&z);
}

/* Cut anywhere, between empty members, as bgzip ends a file with one. */
TEST(nifti_gzip_members)
{
    double want[VOXELS];

    form_want(want, true, true);
    for (int version = 1; version <= 2; version++) {
        const form f = { version, 4, 2, false, false };
        const image_bytes plain = form_make(&f);

        for (size_t cut = 0; cut <= plain.size; cut += cut < 343 ? 49 : 1) {
            image_bytes b = { NULL, 0 };

            form_gzip(&b, plain.data, cut);
            form_gzip(&b, plain.data, 0);
            form_gzip(&b, plain.data + cut, plain.size - cut);
            form_gzip(&b, plain.data, 0);
            image_holds(&b, -1, 1, NY, NX, want);
            if (cut == 343)
                image_refused(&(image_bytes){ b.data, b.size - 1 },
                              "cut short");
            free(b.data);
        }
        free(plain.data);
    }
}

TEST(nifti_gzip_refusals)
{
    image_bytes plain = form_make(&forms_plain), b = { NULL, 0 };
    size_t n;

    form_gzip(&b, plain.data, plain.size);
    n = b.size;
    b.data = realloc(b.data, n + 32);
    memcpy(b.data + n, "garbage here", 13);
    b.size = n + 12;
    image_refused(&b, "12 surplus bytes behind the gzip stream");
    b.data[n] = 0x1f;                           /* half a member's beginning */
    b.size = n + 1;
    image_refused(&b, "1 surplus bytes behind the gzip stream");
    b.data[n + 1] = 0x8b;
    b.size = n + 12;
    image_refused(&b, "the gzip stream is damaged");
    b.size = n;
    b.data[n - 5] ^= 1;                         /* CRC-32, then the length   */
    image_refused(&b, "damaged (a wrong checksum): 392 bytes came out");
    b.data[n - 5] ^= 1;
    b.data[n - 1] ^= 1;
    image_refused(&b, "a wrong checksum");
    b.data[n - 1] ^= 1;
    form_gzip(&b, plain.data, 7);               /* a member too much         */
    image_refused(&b, "too long: more than 392 bytes came out");
    free(b.data);
    free(plain.data);
}

TEST(nifti_gzipped_pairs)
{
    static const form f = { 1, 4, 2, false, true };
    static const char *const names[][2] = {
        { "g.hdr.gz", "g.img.gz" }, { "g.hdr", "g.img.gz" },
        { "g.hdr.gz", "g.img" }, { "G.HDR.GZ", "G.IMG.GZ" }
    };
    double want[VOXELS];
    image_bytes b = form_make(&f), head = { NULL, 0 }, voxels = { NULL, 0 };
    form_folder d;

    if (!form_open(&d))
        return;
    form_want(want, true, true);
    form_gzip(&head, b.data, 348);
    form_gzip(&voxels, b.data + 348, 2 * VOXELS);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const bool h = i != 1, v = i != 2;

        form_write(d.file, &d, names[i][0], h ? head.data : b.data,
                   h ? head.size : 348);
        form_write(d.other, &d, names[i][1], v ? voxels.data : b.data + 348,
                   v ? voxels.size : 2 * VOXELS);
        form_file_holds(d.file, want);
        form_file_holds(d.other, want);
        remove(d.file);
        form_file_refused(d.other, "voxels without their header");
        remove(d.other);
    }
    free(b.data);
    free(head.data);
    free(voxels.data);
    CHECK(rmdir(d.path) == 0, "files are left in %s", d.path);
}

#endif
