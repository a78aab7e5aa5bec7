/* test_image_kinds.c -- files that are no image, named by their first bytes;
 * grey that is stored as colour; folders and pipes that are called images.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "image/album.h"
#include "image_support.h"

/* ---- first bytes --------------------------------------------------------- */

/* The beginnings as the formats' own documents have them. */
static const struct {
    int at, size;
    const char *bytes;
    const char *what, *way;
} kinds_known[] = {
    { 0, 4, "II*\0", "TIFF", "convert IN OUT.png" },
    { 0, 4, "MM\0*", "TIFF", "convert" },
    { 0, 8, "II+\0\10\0\0\0", "TIFF", "convert" },
    { 0, 10, "BM\x46\0\0\0\0\0\0\0", "BMP", "convert" },
    { 0, 6, "GIF89a", "GIF", "convert" },
    { 0, 6, "GIF87a", "GIF", "convert" },
    { 0, 12, "RIFF\x24\0\0\0WEBP", "WebP", "dwebp" },
    { 0, 12, "\0\0\0\14jP  \r\n\x87\n", "JPEG 2000", "opj_decompress" },
    { 0, 4, "\xff\x4f\xff\x51", "JPEG 2000", "opj_decompress" },
    { 0, 8, "NRRD0004", "NRRD", "SimpleITK" },
    { 0, 18, "ObjectType = Image", "MetaImage", "SimpleITK" },
    { 0, 9, "NDims = 3", "MetaImage", "SimpleITK" },
    { 0, 28, "\0\0\0\1\0\0\1\0\0\0\1\0\0\0\1\0\0\0\0\1\0\0\0\0\0\0\0\0", "MGH",
      "mri_convert" },
    { 0, 8, "\x93NUMPY\1\0", "NumPy", "imageio" },
    { 0, 4, "PK\3\4", "ZIP", "unzip" },
    { 0, 15, "<!DOCTYPE html>", "web page", "browser" },
    { 0, 17, "\xef\xbb\xbf \n<HTML><head>", "web page", "browser" },
    { 0, 34, "version https://git-lfs.github.com", "Git LFS pointer",
      "git lfs pull" },
    { 0, 4, "\x89HDF", "HDF5", "mri_convert" },
    { 0, 4, "CDF\1", "MINC", "mnc2nii" },
    { 0, 3, "BZh", "bzip2", "bunzip2" },
    { 0, 6, "\xfd" "7zXZ\0", "xz", "unxz" },
    { 257, 5, "ustar", "tar", "tar xf" },
};

static image_bytes kinds_make(size_t i)
{
    const size_t at = (size_t)kinds_known[i].at;
    const size_t n = (size_t)kinds_known[i].size;
    image_bytes b = { malloc(600), 600 };

    memset(b.data, 0xe5, 600);
    memcpy(b.data + at, kinds_known[i].bytes, n);
    return b;
}

TEST(image_kinds)
{
    for (size_t i = 0; i < sizeof kinds_known / sizeof *kinds_known; i++) {
        image_bytes b = kinds_make(i);

        image_refused(&b, kinds_known[i].what);
        CHECK(strstr(nn_last_error(), "file: this is ") == nn_last_error()
              && strstr(nn_last_error(), kinds_known[i].way) != NULL, "%s",
              nn_last_error());
        b.size = (size_t)(kinds_known[i].at + kinds_known[i].size);
        image_refused(&b, kinds_known[i].what);
        while (b.size-- > 1)            /* no reading behind the end         */
            CHECK(image_read(&(uni_image){0}, &b, -1) == CKKS_EFORMAT,
                  "%zu bytes of %s", b.size, kinds_known[i].what);
        free(b.data);
    }
}

/* DICOM behind a TIFF's head, as whole slide scanners write it, is DICOM; an
 * image that holds such bytes is the image. */
TEST(image_kinds_order)
{
    uint8_t pixel[300] = {0};
    image_bytes b = kinds_make(0);
    uni_image image = {0};

    memcpy(b.data, "II*\0", 4);
    memcpy(b.data + 128, "DICM", 4);
    image_refused(&b, "DICOM");
    free(b.data);
    memcpy(pixel + 128 - 15, "DICM", 4);
    b = image_text("P5\n300 1\n255\n  ", pixel, 298);
    CHECK(b.size == 13 + 300, "%zu bytes", b.size);
    CHECK_OK(image_read(&image, &b, -1));
    uni_image_clear(&image);
    free(b.data);
}

/* What DICOM files begin with, with a preamble and without. */
static const struct { int at, size; const char *bytes; } kinds_dicom[] = {
    { 128, 4, "DICM" }, { 0, 8, "\2\0\0\0UL\4\0" },
    { 0, 8, "\10\0\5\0CS\12\0" }, { 0, 8, "\10\0\5\0\12\0\0\0" },
    { 0, 8, "\10\0\0\0\4\0\0\0" }, { 0, 8, "\10\0\26\0UI\32\0" },
    { 0, 8, "\0\10\0\5CS\0\12" }
};

/* Taken for DICOM, and refused for what follows. */
TEST(image_kinds_dicom)
{
    for (size_t i = 0; i < sizeof kinds_dicom / sizeof *kinds_dicom; i++) {
        image_bytes b = { malloc(600), 600 };

        memset(b.data, 0xe5, 600);
        memcpy(b.data + kinds_dicom[i].at, kinds_dicom[i].bytes,
               (size_t)kinds_dicom[i].size);
        image_refused(&b, "DICOM");
        for (b.size = (size_t)(kinds_dicom[i].at + kinds_dicom[i].size);
             b.size-- > 1;)
            CHECK(image_read(&(uni_image){0}, &b, -1) == CKKS_EFORMAT,
                  "%zu bytes", b.size);
        free(b.data);
    }
}

#ifdef UNET_HAVE_PNG
#include <zlib.h>

TEST(image_kinds_gzipped)
{
    for (size_t i = 0; i < sizeof kinds_known / sizeof *kinds_known; i++) {
        image_bytes b = kinds_make(i), packed = { malloc(900), 900 };
        z_stream z = {0};

        if (!CHECK(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8,
                                Z_DEFAULT_STRATEGY) == Z_OK, "zlib"))
            return;
        z.next_in = b.data;
        z.avail_in = 600;
        z.next_out = packed.data;
        z.avail_out = 900;
        CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib");
        packed.size = z.total_out;
        deflateEnd(&z);
        image_refused(&packed, kinds_known[i].what);
        CHECK(strstr(nn_last_error(), "gzipped") != NULL, "%s",
              nn_last_error());
        free(b.data);
        free(packed.data);
    }
}
#endif

/* ---- files --------------------------------------------------------------- */

/* A file that is longer than any image, by its first bytes alone. */
TEST(image_kinds_of_a_file)
{
    char path[] = "/tmp/test_kinds.XXXXXX";
    const int fd = mkstemp(path);
    uni_image image = {0};

    if (!CHECK(fd >= 0 && write(fd, "II*\0", 4) == 4
               && ftruncate(fd, (off_t)1 << 34) == 0, "no file"))
        return;
    CHECK(uni_image_load(&image, path, -1) == CKKS_EFORMAT
          && strstr(nn_last_error(), "TIFF") != NULL, "%s", nn_last_error());
    close(fd);
    remove(path);
}

/* Nothing waits, and no message names a function. */
TEST(image_folder_and_pipe)
{
    static const uni_album_aim any = { .channels = 1, .count = SIZE_MAX };
    static const uint8_t mask[] = { 1 };
    char root[] = "/tmp/test_kinds.XXXXXX", path[2][64], good[64];
    static const char *const words[2] = { "a folder, not", "but a pipe" };
    const char *arg[1] = { root };
    uni_image image = {0};
    uni_album album = {0};

    if (!CHECK(mkdtemp(root) != NULL, "no folder"))
        return;
    snprintf(path[0], sizeof path[0], "%s/x.png", root);
    snprintf(path[1], sizeof path[1], "%s/y.png", root);
    snprintf(good, sizeof good, "%s/a.pgm", root);
    CHECK_OK(uni_image_save_mask(good, mask, 1, 1));
    for (int i = 0; i < 2; i++) {
        CHECK((i == 0 ? mkdir(path[0], 0700) : mkfifo(path[1], 0600)) == 0,
              "%s", path[i]);
        CHECK_STATUS(uni_image_load(&image, path[i], -1), CKKS_EIO);
        CHECK(strstr(nn_last_error(), path[i]) == nn_last_error()
              && strstr(nn_last_error(), words[i]) != NULL, "%s",
              nn_last_error());
        CHECK_STATUS(uni_album_open(&album, arg, 1, &any), CKKS_EIO);
        CHECK(strstr(nn_last_error(), path[i]) == nn_last_error()
              && strstr(nn_last_error(), words[i]) != NULL, "%s",
              nn_last_error());
        remove(path[i]);
    }
    CHECK_OK(uni_album_open(&album, arg, 1, &any));
    uni_album_clear(&album);
    remove(good);
    CHECK_STATUS(uni_image_load(&image, good, -1), CKKS_EIO);
    CHECK(strstr(nn_last_error(), good) == nn_last_error()
          && strstr(nn_last_error(), "ckks_") == NULL, "%s", nn_last_error());
    rmdir(root);
}

/* ---- grey stored as colour ----------------------------------------------- */

static ckks_status grey_read(uni_image *out, const char *text,
                             const uint8_t *tail, size_t n, int channels,
                             unet_decoder *jpeg)
{
    const uni_image_want want = { channels, 0, 0, false, NULL, false };
    char path[] = "/tmp/test_kinds.XXXXXX";
    image_bytes b = image_text(text, tail, n);
    ckks_status s = CKKS_EIO;
    const int fd = mkstemp(path);

    if (CHECK(fd >= 0, "no file")) {
        close(fd);
        CHECK_OK(ckks_file_write(path, b.data, b.size, 0600));
        s = uni_image_read(out, path, -1, &want, jpeg);
        remove(path);
    }
    free(b.data);
    return s;
}

TEST(image_grey_as_colour)
{
    static const uint8_t grey[] = { 7, 7, 7, 0, 0, 0, 255, 255, 255 };
    static const double value[] = { 7, 0, 255 };
    uint8_t wide[18];
    uni_image image = {0};

    for (int i = 0; i < 18; i++)
        wide[i] = (uint8_t)(3 + i % 2 + i / 6 * 50);
    if (CHECK_OK(grey_read(&image, "P6\n3 1\n255\n", grey, 9, 1, NULL))
        && CHECK(image.channels == 1, "%d channels", image.channels))
        for (int i = 0; i < 3; i++)
            CHECK(image.pixel[i] == value[i], "%g", image.pixel[i]);
    if (CHECK_OK(grey_read(&image, "P6\n3 1\n65535\n", wide, 18, 1, NULL))
        && CHECK(image.channels == 1, "%d channels", image.channels))
        for (int i = 0; i < 3; i++)
            CHECK(image.pixel[i] == ((3 + i * 50) * 256 + 4 + i * 50)
                                    * 255.0 / 65535, "%g", image.pixel[i]);
    CHECK_OK(grey_read(&image, "P6\n3 1\n255\n", grey, 9, 3, NULL));
    CHECK(image.channels == 3, "a colour model has %d", image.channels);
    CHECK_OK(grey_read(&image, "P6\n3 1\n255\n", grey, 9, 0, NULL));
    CHECK(image.channels == 3, "any: %d", image.channels);
    uni_image_clear(&image);
    for (int k = 0; k < 9; k++) {               /* by one, in one place      */
        char words[96];
        uint8_t colour[9];

        memcpy(colour, grey, 9);
        colour[k] ^= 1;
        CHECK_STATUS(grey_read(&image, "P6\n3 1\n255\n", colour, 9, 1, NULL),
                     CKKS_EARG);
        snprintf(words, sizeof words, "the model takes 1; red, green and blue "
                 "differ in 1 of 3 pixels, the first in row 0, column %d ",
                 k / 3);
        CHECK(strstr(nn_last_error(), words) != NULL
              && strstr(nn_last_error(), "-colorspace Gray") != NULL, "%s",
              nn_last_error());
    }
    CHECK(image.pixel == NULL, "out was written");
}

/* What a decoder of JPEG may give for grey: so many apart. */
static int grey_apart;

static ckks_status grey_decoder(uni_image *out, const char *name,
                                const uint8_t *in, size_t size,
                                const uni_image_want *want)
{
    const uni_shape shape = { 3, 1, 1 };
    ckks_status s = uni_image_check(name, &shape, want);

    (void)in;
    (void)size;
    if (s == CKKS_OK)
        s = uni_image_init(out, name, 3, 1, 1);
    if (s != CKKS_OK)
        return s;
    out->pixel[0] = 100 + grey_apart / 2;
    out->pixel[1] = 100;
    out->pixel[2] = 100 - (grey_apart + 1) / 2;
    return CKKS_OK;
}

TEST(image_grey_jpeg)
{
    uni_image image = {0};

    for (grey_apart = 0; grey_apart < 5; grey_apart++) {
        const ckks_status s = grey_read(&image, "\xff\xd8\xff", NULL, 0, 1,
                                        grey_decoder);

        if (grey_apart > 2) {
            CHECK(s == CKKS_EARG && strstr(nn_last_error(), "(colour)") != NULL,
                  "%d apart: %s", grey_apart, nn_last_error());
            continue;
        }
        if (CHECK_OK(s) && CHECK(image.channels == 1, "%d", image.channels))
            CHECK(image.pixel[0] >= 99 && image.pixel[0] <= 101
                  && (grey_apart > 0 || image.pixel[0] == 100), "%d apart: %g",
                  grey_apart, image.pixel[0]);
        uni_image_clear(&image);
    }
}

/* A colour picture that is none of the wanted size is refused by its size. */
TEST(image_grey_size_first)
{
    static const uni_image_want want = { 1, 2, 2, false, NULL, false };
    char path[] = "/tmp/test_kinds.XXXXXX";
    const int fd = mkstemp(path);
    uni_image image = {0};

    if (!CHECK(fd >= 0 && write(fd, "P6\n3 1\n255\n", 11) == 11, "no file"))
        return;
    close(fd);
    CHECK(uni_image_read(&image, path, -1, &want, NULL) == CKKS_EARG
          && strstr(nn_last_error(), "1x3 pixels") != NULL, "%s",
          nn_last_error());
    remove(path);
}

/* ---- one line end behind pixels ------------------------------------------ */

TEST(image_pnm_line_end)
{
    static const double want[] = { 10, 0, 255, 10, 9, 13 };
    static const uint8_t pixel[] = { 10, 0, 255, 10, 9, 13, 10, 10 };
    static const struct {
        size_t n;
        const char *words;
    } refused[] = {
        { 5, "cut short: 5 bytes" }, { 8, "8 bytes of pixels, 6 are needed" }
    };

    for (size_t n = 6; n <= 7; n++) {
        image_bytes b = image_text("P5\n3 2\n255\n", pixel, n);

        image_holds(&b, -1, 1, 2, 3, want);
        free(b.data);
    }
    for (int i = 0; i < 2; i++) {
        image_bytes b = image_text("P5\n3 2\n255\n", pixel, refused[i].n);

        image_refused(&b, refused[i].words);
        free(b.data);
    }
    image_bytes b = image_text("P5\n3 2\n255\n", "\1\2\3\4\5\6 ", 7);

    image_refused(&b, "7 bytes of pixels, 6 are needed");
    free(b.data);
}
