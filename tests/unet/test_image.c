/* test_image.c -- reading and writing images: unet/image/image.h. */
#include <math.h>
#include <unistd.h>

#include "image/image.h"
#include "test.h"

#ifdef UNET_HAVE_PNG
#include <png.h>
#include <zlib.h>
#endif

/* ---- small files --------------------------------------------------------- */

typedef struct image_bytes {
    uint8_t *data;
    size_t size;
} image_bytes;

/* A file of this text and n bytes behind it. */
static image_bytes image_text(const char *text, const void *tail, size_t n)
{
    image_bytes b = { malloc(strlen(text) + n + 1), strlen(text) + n };

    memcpy(b.data, text, strlen(text));
    if (n > 0)
        memcpy(b.data + strlen(text), tail, n);
    return b;
}

static ckks_status image_read(uni_image *out, const image_bytes *b, int slice)
{
    return uni_image_decode(out, "file", b->data, b->size, slice);
}

/* Reads and compares all pixels. */
static void image_holds(const image_bytes *b, int slice, int channels,
                        int height, int width, const double *want)
{
    uni_image image = {0};

    if (!CHECK(image_read(&image, b, slice) == CKKS_OK, "%s",
               nn_last_error()))
        return;
    CHECK(image.channels == channels && image.height == height
          && image.width == width, "%d x %d x %d, want %d x %d x %d",
          image.channels, image.height, image.width, channels, height, width);
    if (image.channels == channels && image.height == height
        && image.width == width)
        for (int i = 0; i < channels * height * width; i++)
            CHECK(fabs(image.pixel[i] - want[i]) < 1e-9,
                  "pixel %d: %.12g, want %.12g", i, image.pixel[i], want[i]);
    uni_image_clear(&image);
}

/* The file is refused and the message, which names it, holds the words. */
static void image_refused(const image_bytes *b, const char *words)
{
    uni_image image = {0};

    if (CHECK(image_read(&image, b, -1) == CKKS_EFORMAT,
              "accepted; want \"%s\"", words))
        CHECK(strstr(nn_last_error(), words) != NULL
              && strncmp(nn_last_error(), "file: ", 6) == 0,
              "\"%s\", want \"%s\"", nn_last_error(), words);
    CHECK(image.pixel == NULL, "out was written");
    uni_image_clear(&image);
}

/* Every proper prefix is refused; bits that turn do no harm (run it with the
 * address and undefined-behaviour checks). */
static void image_damage(const image_bytes *b)
{
    uint64_t seed = 6;
    int rounds = test_long() ? 20000 : 500;

    for (size_t n = 0; n < b->size; n++) {
        image_bytes part = { malloc(n > 0 ? n : 1), n };
        uni_image image = {0};

        memcpy(part.data, b->data, n);
        CHECK(image_read(&image, &part, 0) != CKKS_OK, "%zu of %zu bytes", n,
              b->size);
        uni_image_clear(&image);
        free(part.data);
    }
    for (int i = 0; i < rounds; i++) {
        image_bytes copy = { malloc(b->size), b->size };
        uni_image image = {0};
        bool whole;

        memcpy(copy.data, b->data, b->size);
        for (int k = 0; k <= i % 3; k++)
            copy.data[test_word(&seed) % b->size]
                ^= (uint8_t)(1u << test_word(&seed) % 8);
        whole = image_read(&image, &copy, i % 2 - 1) == CKKS_OK;
        CHECK(whole == (image.pixel != NULL), "half an image");
        uni_image_clear(&image);
        free(copy.data);
    }
}

/* ---- PGM and PPM --------------------------------------------------------- */

TEST(image_pnm_values)
{
    static const double six[] = { 0, 51, 102, 153, 204, 255 };
    static const double colours[] = { 1, 4, 2, 5, 3, 6 };
    static const uint8_t wide[] = { 0, 0, 0x33, 0x33, 0x66, 0x66, 0x99, 0x99,
                                    0xcc, 0xcc, 0xff, 0xff };
    image_bytes b = image_text("P5\n3 2\n255\n", "\0\x33\x66\x99\xcc\xff", 6);

    image_holds(&b, -1, 1, 2, 3, six);
    image_damage(&b);
    free(b.data);
    b = image_text("P5 # a comment 7\n#another\n 3\t2\r\n5 ", "\0\1\2\3\4\5",
                   6);
    image_holds(&b, -1, 1, 2, 3, six);
    free(b.data);
    b = image_text("P5\n3 2\n65535\n", wide, 12);
    image_holds(&b, -1, 1, 2, 3, six);
    image_damage(&b);
    free(b.data);
    b = image_text("P2\n3 2 5\n0 1 2\n3 4 # five follows\n5", NULL, 0);
    image_holds(&b, -1, 1, 2, 3, six);
    free(b.data);
    b = image_text("P6\n2 1\n255\n", "\1\2\3\4\5\6", 6);
    image_holds(&b, -1, 3, 1, 2, colours);
    image_damage(&b);
    free(b.data);
    b = image_text("P3 2 1 255 1 2 3 4 5 6\n\n", NULL, 0);
    image_holds(&b, -1, 3, 1, 2, colours);
    free(b.data);
    b = image_text("P5\n1 1\n255\n", "\x33", 1);
    image_holds(&b, -1, 1, 1, 1, six + 1);
    free(b.data);
}

TEST(image_pnm_refusals)
{
    static const struct {
        const char *text;
        size_t tail;
        const char *words;
    } cases[] = {
        { "", 0, "the file is empty" },
        { "P", 0, "1 bytes that begin with 0x50 are neither" },
        { "hello, this is no image", 0, "are neither PGM, PPM, PNG" },
        { "P4\n1 1\n", 1, "P4; of this family" },
        { "P5", 0, "no white space after P5" },
        { "P5x", 0, "no white space after P5" },
        { "P5\n", 0, "want the width" },
        { "P5\n3", 0, "want the height" },
        { "P5\n3 2", 0, "want the largest value" },
        { "P5\n-3 2\n255\n", 6, "want the width" },
        { "P5\n3 2\n255", 0, "no white space after the header" },
        { "P5\n3 2\n255\n", 0, "cut short: 0 bytes of pixels, at least 6" },
        { "P5\n3 2\n255\n", 5, "cut short: 5 bytes of pixels, at least 6" },
        { "P5\n3 2\n255\n", 7, "7 bytes of pixels, 6 are needed" },
        { "P5\n3 2\n256\n", 11, "11 bytes of pixels, at least 12" },
        { "P6\n3 2\n255\n", 6, "at least 18" },
        { "P5\n3 2\n0\n", 6, "a largest value of 0" },
        { "P5\n3 2\n65536\n", 12, "a largest value of 65536" },
        { "P5\n0 2\n255\n", 0, "an image of 2 x 0 pixels" },
        { "P5\n3 0\n255\n", 0, "an image of 0 x 3 pixels" },
        { "P5\n70000 2\n255\n", 1, "an image of 2 x 70000 pixels" },
        { "P5\n65536 65536\n255\n", 9, "an image of 65536 x 65536 pixels" },
        { "P5\n4096 4097\n255\n", 9, "at most 16777216" },
        { "P5\n4096 4096\n255\n", 9, "at least 16777216" },
        { "P5\n999999999 999999999\n255\n", 9, "999999999 x 999999999" },
        { "P5\n9999999999 1\n255\n", 1, "more than 9 digits" },
        { "P2\n3 2 5\n0 1 2 3 4", 0, "cut short" },
        { "P2\n3 2 5\n10 11 2 3 4", 0, "a value of 10" },
        { "P2\n3 2 5\n0 1 2 3 4   ", 0, "want a pixel" },
        { "P2\n3 2 5\n0 1 2 3 4 6", 0, "a value of 6" },
        { "P2\n3 2 5\n0 1 2 3 4 5 6", 0, "more than 6 numbers" },
        { "P2\n3 2 5\n0 1 2 x 4 5", 0, "want a pixel" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t zero[32] = {0};
        image_bytes b = image_text(cases[i].text, zero, cases[i].tail);

        image_refused(&b, cases[i].words);
        free(b.data);
    }
    image_bytes b = image_text("P5\n2 1\n100\n", "\x64\x65", 2);

    image_refused(&b, "a value of 101");
    free(b.data);
}

/* 20000 rows of 3 pixels, and 3 rows of 20000. */
TEST(image_long_and_thin)
{
    enum { LONG = 20000 };
    uint8_t *pixel = malloc(3 * LONG);
    double *want = malloc(3 * LONG * sizeof *want);
    image_bytes b;

    for (int i = 0; i < 3 * LONG; i++) {
        pixel[i] = (uint8_t)(i * 7);
        want[i] = pixel[i];
    }
    b = image_text("P5\n3 20000\n255\n", pixel, 3 * LONG);
    image_holds(&b, -1, 1, LONG, 3, want);
    free(b.data);
    b = image_text("P5\n20000 3\n255\n", pixel, 3 * LONG);
    image_holds(&b, -1, 1, 3, LONG, want);
    free(b.data);
    free(pixel);
    free(want);
}

/* ---- files --------------------------------------------------------------- */

typedef struct image_folder {
    char path[64];
    char file[96];
} image_folder;

static bool folder_make(image_folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/test_image.XXXXXX");
    return CHECK(mkdtemp(f->path) != NULL, "no folder");
}

static const char *folder_file(image_folder *f, const char *name)
{
    snprintf(f->file, sizeof f->file, "%s/%s", f->path, name);
    return f->file;
}

/* Reads the file, compares with bytes of 0..255, removes it. */
static void file_holds(const char *path, int channels, int height, int width,
                       const uint8_t *want)
{
    uni_image image = {0};

    if (CHECK(uni_image_load(&image, path, -1) == CKKS_OK, "%s",
              nn_last_error())
        && CHECK(image.channels == channels && image.height == height
                 && image.width == width, "%s: %d x %d x %d", path,
                 image.channels, image.height, image.width))
        for (int i = 0; i < channels * height * width; i++)
            CHECK(image.pixel[i] == want[i], "%s, pixel %d: %g, want %d",
                  path, i, image.pixel[i], want[i]);
    uni_image_clear(&image);
    remove(path);
}

TEST(image_save)
{
    static const uint8_t mask[] = { 0, 1, 255, 0, 0, 7 };
    static const uint8_t mask_want[] = { 0, 255, 255, 0, 0, 255 };
    static const uint8_t grey_want[] = { 0, 0, 1, 100, 255, 255 };
    double grey[] = { -5, 0.4, 0.5, 100, 254.6, 300 };
    /* 3 x 4 with the 2 x 2 block at the right top: all of it is outline but
     * the corner. */
    double even[12] = { 100, 100, 100, 100, 100, 100, 100, 100,
                        100, 100, 100, 100 };
    static const uint8_t block[12] = { 0, 0, 1, 1,  0, 0, 1, 1,  0, 0, 0, 0 };
    static const uint8_t overlay[36] = {
        100, 100, 255, 139, 100, 100, 255, 255, 100, 100, 100, 100,
        100, 100, 0, 75, 100, 100, 0, 0, 100, 100, 100, 100,
        100, 100, 0, 75, 100, 100, 0, 0, 100, 100, 100, 100 };
    uni_image image = { 1, 2, 3, grey }, flat = { 1, 3, 4, even };
    image_folder f;
    const char *path;

    if (!folder_make(&f))
        return;
    path = folder_file(&f, "mask.pgm");
    CHECK(uni_image_save_mask(path, mask, 2, 3) == CKKS_OK, "%s",
          nn_last_error());
    file_holds(path, 1, 2, 3, mask_want);
    path = folder_file(&f, "grey.PGM");
    CHECK(uni_image_save_grey(path, &image) == CKKS_OK, "%s",
          nn_last_error());
    file_holds(path, 1, 2, 3, grey_want);
    path = folder_file(&f, "over.ppm");
    CHECK(uni_image_save_overlay(path, &flat, block) == CKKS_OK, "%s",
          nn_last_error());
    file_holds(path, 3, 3, 4, overlay);
#ifdef UNET_HAVE_PNG
    path = folder_file(&f, "mask.png");
    CHECK(uni_image_save_mask(path, mask, 2, 3) == CKKS_OK, "%s",
          nn_last_error());
    file_holds(path, 1, 2, 3, mask_want);
    path = folder_file(&f, "grey.png");
    CHECK(uni_image_save_grey(path, &image) == CKKS_OK, "%s",
          nn_last_error());
    file_holds(path, 1, 2, 3, grey_want);
    path = folder_file(&f, "over.png");
    CHECK(uni_image_save_overlay(path, &flat, block) == CKKS_OK, "%s",
          nn_last_error());
    file_holds(path, 3, 3, 4, overlay);
#endif
    CHECK(uni_image_save_mask(folder_file(&f, "mask.jpg"), mask, 2, 3)
          == CKKS_EARG && strstr(nn_last_error(), ".pgm or .png") != NULL,
          "%s", nn_last_error());
    CHECK(uni_image_save_overlay(folder_file(&f, "over.pgm"), &flat, block)
          == CKKS_EARG, "an overlay in grey");
    CHECK(uni_image_save_mask(folder_file(&f, "none/mask.pgm"), mask, 2, 3)
          == CKKS_EIO && strstr(nn_last_error(), "none/mask.pgm") != NULL,
          "%s", nn_last_error());
    CHECK(uni_image_save_mask(folder_file(&f, "mask.pgm"), mask, 0, 3)
          == CKKS_EARG, "no rows");
    CHECK(rmdir(f.path) == 0, "files are left in %s", f.path);
}

TEST(image_load_paths)
{
    uni_image image = {0};
    image_folder f;
    static const uint8_t mask[] = { 1 };
    char path[128];

    if (!folder_make(&f))
        return;
    folder_file(&f, "a.pgm");
    CHECK(uni_image_load(&image, f.file, -1) == CKKS_EIO
          && strstr(nn_last_error(), f.file) != NULL, "%s", nn_last_error());
    CHECK(uni_image_save_mask(f.file, mask, 1, 1) == CKKS_OK, "%s",
          nn_last_error());
    snprintf(path, sizeof path, "%s:slice=2", f.file);
    CHECK(uni_image_load(&image, path, -1) == CKKS_EARG
          && strstr(nn_last_error(), "slice 2 asked for") != NULL, "%s",
          nn_last_error());
    snprintf(path, sizeof path, "%s:slice=2x", f.file);
    CHECK(uni_image_load(&image, path, -1) == CKKS_EARG
          && strstr(nn_last_error(), "slice \"2x\"") != NULL, "%s",
          nn_last_error());
    CHECK(uni_image_load(&image, f.path, -1) == CKKS_EIO, "a folder");
    CHECK(uni_image_load(NULL, f.file, -1) == CKKS_EARG, "null");
    CHECK(uni_image_load(&image, NULL, -1) == CKKS_EARG, "null");
    CHECK(image.pixel == NULL, "out was written");
    remove(f.file);
    rmdir(f.path);
}

TEST(image_convert)
{
    double rgb[] = { 100, 0, 255, 10,  100, 0, 255, 20,  100, 0, 255, 30 };
    uni_image image = { 3, 2, 2, rgb }, grey = {0}, back = {0};

    if (!CHECK(uni_image_convert(&grey, &image, 1) == CKKS_OK, "%s",
               nn_last_error()))
        return;
    CHECK(grey.channels == 1 && fabs(grey.pixel[0] - 100) < 1e-9
          && grey.pixel[1] == 0 && fabs(grey.pixel[2] - 255) < 1e-9
          && fabs(grey.pixel[3] - (2.99 + 11.74 + 3.42)) < 1e-9,
          "grey %g %g %g %g", grey.pixel[0], grey.pixel[1], grey.pixel[2],
          grey.pixel[3]);
    CHECK(uni_image_convert(&back, &grey, 3) == CKKS_OK, "%s",
          nn_last_error());
    for (int i = 0; i < 12 && back.pixel != NULL; i++)
        CHECK(back.pixel[i] == grey.pixel[i % 4], "pixel %d", i);
    CHECK(uni_image_convert(&grey, &grey, 1) == CKKS_OK, "to itself");
    CHECK(uni_image_convert(&back, &grey, 2) == CKKS_EARG
          && strstr(nn_last_error(), "from 1 channels to 2") != NULL, "%s",
          nn_last_error());
    uni_image_clear(&grey);
    uni_image_clear(&back);
}

/* ---- PNG ----------------------------------------------------------------- */

#ifdef UNET_HAVE_PNG

static void png_collect(png_structp png, png_bytep from, size_t n)
{
    image_bytes *b = png_get_io_ptr(png);

    b->data = realloc(b->data, b->size + n);
    memcpy(b->data + b->size, from, n);
    b->size += n;
}

static void png_no_flush(png_structp png)
{
    (void)png;
}

/* A file of any kind; rows are packed as PNG has them, row bytes each. */
static image_bytes png_make(int colour, int bits, int interlace, int height,
                            int width, const uint8_t *rows, size_t row)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL,
                                              NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[2] = { { 10, 20, 30 }, { 40, 50, 60 } };
    png_byte alpha[2] = { 0, 128 };
    image_bytes b = { NULL, 0 };
    int passes;

    png_set_write_fn(png, &b, png_collect, png_no_flush);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, bits,
                 colour, interlace, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (colour == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, palette, 2);
        png_set_tRNS(png, info, alpha, 2, NULL);
    }
    png_write_info(png, info);
    passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++)
            png_write_row(png, rows + (size_t)y * row);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return b;
}

TEST(image_png_kinds)
{
    static const uint8_t grey[] = { 1, 2, 3, 4, 5, 6 };
    static const double grey_want[] = { 1, 2, 3, 4, 5, 6 };
    static const uint8_t rgba[] = { 1, 2, 3, 0,  4, 5, 6, 200 };
    static const double rgb_want[] = { 1, 4, 2, 5, 3, 6 };
    static const uint8_t ga[] = { 9, 0, 8, 255 };
    static const double ga_want[] = { 9, 8 };
    static const uint8_t wide[] = { 0, 0, 0x01, 0x01, 0x80, 0x80, 0xff, 0xff };
    static const double wide_want[] = { 0, 1, 128, 255 };
    static const uint8_t bits[] = { 0xa0 };
    static const double bits_want[] = { 255, 0, 255 };
    static const double palette_want[] = { 40, 10, 40, 50, 20, 50, 60, 30, 60 };
    image_bytes b = png_make(PNG_COLOR_TYPE_GRAY, 8, 0, 2, 3, grey, 3);

    image_holds(&b, -1, 1, 2, 3, grey_want);
    image_damage(&b);
    free(b.data);
    b = png_make(PNG_COLOR_TYPE_GRAY, 8, 1, 2, 3, grey, 3);
    image_holds(&b, -1, 1, 2, 3, grey_want);
    free(b.data);
    b = png_make(PNG_COLOR_TYPE_RGB, 8, 0, 1, 2, grey, 6);
    image_holds(&b, -1, 3, 1, 2, rgb_want);
    free(b.data);
    b = png_make(PNG_COLOR_TYPE_RGB_ALPHA, 8, 0, 1, 2, rgba, 8);
    image_holds(&b, -1, 3, 1, 2, rgb_want);
    image_damage(&b);
    free(b.data);
    b = png_make(PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0, 1, 2, ga, 4);
    image_holds(&b, -1, 1, 1, 2, ga_want);
    free(b.data);
    b = png_make(PNG_COLOR_TYPE_GRAY, 16, 0, 2, 2, wide, 4);
    image_holds(&b, -1, 1, 2, 2, wide_want);
    free(b.data);
    b = png_make(PNG_COLOR_TYPE_GRAY, 1, 0, 1, 3, bits, 1);
    image_holds(&b, -1, 1, 1, 3, bits_want);
    free(b.data);
    b = png_make(PNG_COLOR_TYPE_PALETTE, 1, 0, 1, 3, bits, 1);
    image_holds(&b, -1, 3, 1, 3, palette_want);
    image_damage(&b);
    free(b.data);
}

static void png_set_size(image_bytes *b, uint32_t height, uint32_t width)
{
    uint32_t crc;

    for (int i = 0; i < 4; i++) {
        b->data[16 + i] = (uint8_t)(width >> (24 - 8 * i));
        b->data[20 + i] = (uint8_t)(height >> (24 - 8 * i));
    }
    crc = (uint32_t)crc32(0, b->data + 12, 17);
    for (int i = 0; i < 4; i++)
        b->data[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* Sizes that the file's few bytes do not hold. */
TEST(image_png_refusals)
{
    static const uint8_t grey[] = { 1, 2, 3, 4, 5, 6 };
    image_bytes b = png_make(PNG_COLOR_TYPE_GRAY, 8, 0, 2, 3, grey, 3);

    png_set_size(&b, 0x7fffffff, 0x7fffffff);
    image_refused(&b, "an image of 2147483647 x 2147483647 pixels");
    png_set_size(&b, 65536, 65536);
    image_refused(&b, "an image of 65536 x 65536 pixels");
    png_set_size(&b, 0, 3);
    image_refused(&b, "an image of 0 x 3 pixels");
    b.data[12] = 'J';
    image_refused(&b, "PNG: no header (");
    b.data[12] = 'I';
    png_set_size(&b, 3, 3);
    image_refused(&b, "PNG: ");
    png_set_size(&b, 2, 3);
    b.data[40] ^= 1;
    image_refused(&b, "PNG: ");
    free(b.data);
}

#endif

/* ---- what is wanted ------------------------------------------------------ */

/* Refused by its header: what follows that is not there. */
TEST(image_want)
{
    static const uni_image_want exact = { 1, 28, 30, false, NULL };
    static const uni_image_want fit = { 1, 28, 30, true, NULL };
    static const uni_image_want colour = { 3, 0, 0, false, "its result has" };
    static const struct {
        const char *text;
        const uni_image_want *want;
        const char *words;          /* NULL: the header is what is wanted    */
    } cases[] = {
        { "P5\n30 28\n255\n", &exact, NULL },
        { "P5\n28 30\n255\n", &exact,
          "30x28 pixels (height x width), the model takes 28x30" },
        { "P5\n4000 4000\n255\n", &exact, "4000x4000 pixels" },
        { "P5\n60 28\n255\n", &exact, "28x60 pixels" },
        { "P5\n60 28\n255\n", &fit, NULL },
        { "P5\n60 29\n255\n", &fit, "28x30 or whole multiples" },
        { "P5\n15 14\n255\n", &fit, "14x15 pixels" },
        { "P5\n# a comment\n99999999 9\n255\n", NULL,
          "want 1..65536" },
        { "P5\n# a comment\n99999999 9\n255\n", &fit,
          "9x99999999 pixels (height x width), the model takes 28x30 or" },
        { "P6\n30 28\n255\n", &exact,
          "3 channels (colour), the model takes 1" },
        { "P5\n30 28\n255\n", &colour, "1 channel (grey), its result has 3" },
        { "P6\n9 7\n255\n", &colour, NULL },
        { "P6\n9 7\n255\n", NULL, NULL }
    };
    uni_image image = {0};
    image_folder f;

    if (!folder_make(&f))
        return;
    folder_file(&f, "a");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *words = cases[i].words;
        ckks_status s;

        CHECK_OK(ckks_file_write(f.file, (const uint8_t *)cases[i].text,
                                 strlen(cases[i].text), 0600));
        s = uni_image_read(&image, f.file, -1, cases[i].want, NULL);
        CHECK(s != CKKS_OK && strstr(nn_last_error(),
                                     words != NULL ? words : "cut short")
                              != NULL, "case %zu: \"%s\", want \"%s\"", i,
              nn_last_error(), words != NULL ? words : "cut short");
        CHECK(strncmp(nn_last_error(), f.file, strlen(f.file)) == 0, "%s",
              nn_last_error());
    }
    CHECK(image.pixel == NULL, "out was written");
    remove(f.file);
    rmdir(f.path);
}

/* A file longer than any of what is wanted is not read. */
TEST(image_want_bounds_the_file)
{
    static const uni_image_want small = { 1, 2, 3, false, NULL };
    const char text[] = "P5\n3 2\n255\n";
    uni_image image = {0};
    image_folder f;

    if (!folder_make(&f))
        return;
    folder_file(&f, "a");
    CHECK_OK(ckks_file_write(f.file, (const uint8_t *)text, strlen(text),
                             0600));
    CHECK(truncate(f.file, 1 << 25) == 0, "truncate");
    CHECK(uni_image_read(&image, f.file, -1, &small, NULL) == CKKS_EIO
          && strstr(nn_last_error(), "more than the 16777408") != NULL, "%s",
          nn_last_error());
    CHECK(uni_image_read(&image, f.file, -1, NULL, NULL) == CKKS_EFORMAT
          && strstr(nn_last_error(), "something follows") != NULL, "%s",
          nn_last_error());
    remove(f.file);
    rmdir(f.path);
}

/* ---- NIfTI --------------------------------------------------------------- */

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
                nifti_want(want, 5, 4, 3, k, false, true);
                image_holds(&b, k, 1, 4, 5, want);
                free(b.data);
            }
    b = nifti_make(5, 4, 1, 4, false);          /* one slice needs no name   */
    nifti_want(want, 5, 4, 1, 0, false, true);
    image_holds(&b, -1, 1, 4, 5, want);
    image_damage(&b);
    nifti_put_float(b.data + 112, 0.5f, false);  /* a scale changes nothing  */
    nifti_put_float(b.data + 116, -3e4f, false);
    image_holds(&b, -1, 1, 4, 5, want);
    nifti_put(b.data + 254, 1, 2, false);       /* sform: left, posterior    */
    nifti_put_float(b.data + 280, -1, false);
    nifti_put_float(b.data + 300, -1, false);
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
        { 344, 4, 0x31696e, "magic is not n+1" },       /* "ni1"             */
        { 40, 2, 0, "volume of rank 0" },
        { 40, 2, 8, "volume of rank 8" },
        { 42, 2, 0, "rank 3, 0 x 4 x 1" },
        { 44, 2, 0xffff, "rank 3, 5 x -1 x 1" },
        { 42, 2, 6, "392 bytes, a volume of 6 x 4 x 1 voxels has 400" },
        { 42, 2, 4, "392 bytes, a volume of 4 x 4 x 1 voxels has 384" },
        { 70, 2, 32, "datatype 32 of 16 bits" },
        { 72, 2, 8, "datatype 4 of 8 bits" },
        { 108, 4, 0, "voxels begin at byte 0" },
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

    nifti_put_float(b.data + 360, NAN, false);
    image_refused(&b, "1 of 20 voxels are not finite");
    nifti_put(b.data + 40, 4, 2, false);
    nifti_put(b.data + 48, 2, 2, false);
    image_refused(&b, "dimension 4 is 2");
    free(b.data);
    b = nifti_make(5, 4, 3, 4, false);
    for (int i = 1; i < 4; i++)
        nifti_put(b.data + 40 + 2 * i, 32767, 2, false);
    image_refused(&b, "an image of 32767 x 32767 pixels");
    nifti_put(b.data + 42, 5, 2, false);
    nifti_put(b.data + 44, 820, 2, false);
    image_refused(&b, "5 x 820 x 32767 voxels, at most 134217728");
    free(b.data);
    b = nifti_make(5, 4, 3, 4, false);
    CHECK(image_read(&image, &b, -1) == CKKS_EARG
          && strstr(nn_last_error(), "a volume of 3 slices") != NULL, "%s",
          nn_last_error());
    CHECK(image_read(&image, &b, 3) == CKKS_EARG
          && strstr(nn_last_error(), "slice 3 of a volume of 3") != NULL,
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

    nifti_want(want, 5, 4, 3, 1, false, true);
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
    image_refused(&b, "what is gzipped is not NIfTI-1");
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
