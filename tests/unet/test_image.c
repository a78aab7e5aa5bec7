/* test_image.c -- reading and writing images: unet/image/image.h. */
#include <math.h>
#include <unistd.h>

#include "image_support.h"

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
    uni_image image = { 1, 2, 3, grey, 0, 0 };
    uni_image flat = { 1, 3, 4, even, 0, 0 };
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
    uni_image image = { 3, 2, 2, rgb, 0, 0 }, grey = {0}, back = {0};

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

/* ---- what is wanted ------------------------------------------------------ */

/* Refused by its header: what follows that is not there. */
TEST(image_want)
{
    static const uni_image_want exact = { 1, 28, 30, false, NULL, false };
    static const uni_image_want fit = { 1, 28, 30, true, NULL, false };
    static const uni_image_want colour = { 3, 0, 0, false, "its result has",
                                           false };
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
          "cut short: 0 bytes of pixels, at least 2520" },
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
    static const uni_image_want small = { 1, 2, 3, false, NULL, false };
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
