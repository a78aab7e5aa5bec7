/* test_png.c -- PNG files of every kind, and what is refused. */
#include <unistd.h>

#include "image_support.h"

#ifdef UNET_HAVE_PNG
#include <png.h>
#include <zlib.h>

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

/* ---- by hand: what an encoder does not write ----------------------------- */

static void png_chunk(image_bytes *b, const char *type, const uint8_t *data,
                      size_t n)
{
    uint8_t *at;
    uint32_t word = (uint32_t)n;

    b->data = realloc(b->data, b->size + n + 12);
    at = b->data + b->size;
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> (24 - 8 * i));
    memcpy(at + 4, type, 4);
    if (n > 0)
        memcpy(at + 8, data, n);
    word = (uint32_t)crc32(0, at + 4, (uInt)n + 4);
    for (int i = 0; i < 4; i++)
        at[8 + n + (size_t)i] = (uint8_t)(word >> (24 - 8 * i));
    b->size += n + 12;
}

/* rows: with the bytes of the filters; behind: bytes behind the compressed
 * ones, in an IDAT of their own if alone. */
static image_bytes png_hand(int colour, int bits, int interlace, int height,
                            int width, const uint8_t *rows, size_t n,
                            size_t behind, bool alone)
{
    static const uint8_t palette[] = { 5, 5, 5, 90, 90, 90, 200, 200, 200 };
    uint8_t head[13] = { 0, 0, 0, (uint8_t)width, 0, 0, 0, (uint8_t)height,
                         (uint8_t)bits, (uint8_t)colour, 0, 0,
                         (uint8_t)interlace };
    uint8_t packed[1024] = {0};
    uLongf size = sizeof packed - behind;
    image_bytes b = { malloc(8), 8 };

    memcpy(b.data, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(&b, "IHDR", head, 13);
    if (colour == 3)
        png_chunk(&b, "PLTE", palette, sizeof palette);
    CHECK(compress(packed, &size, rows, n) == Z_OK, "zlib");
    png_chunk(&b, "IDAT", packed, size + (alone ? 0 : behind));
    if (alone)
        png_chunk(&b, "IDAT", packed + size, behind);
    png_chunk(&b, "IEND", NULL, 0);
    return b;
}

/* Every layout with its own number of bytes, then with k too many. */
TEST(image_png_surplus)
{
    static const uint8_t samples[] = { 1, 0, 3, 1, 2, 0, 4 };
    static const int bits[] = { 1, 2, 4, 8, 16 };
    static const uint8_t rows[600] = {0};

    for (int colour = 0; colour < 7; colour++)
        for (int k = 0; k < 5; k++)
            for (int interlace = 0; interlace < 2; interlace++) {
                const int height = 5, width = 6;
                size_t need = 0;
                char words[64];

                if (colour == 1 || colour == 5 || (colour == 3 && k == 4)
                    || (colour != 0 && colour != 3 && k < 3))
                    continue;
                /* the passes of 5 x 6 are 1x1 1x1 1x2 2x1 1x3 3x3 2x6 */
                for (int y = 0; y < (interlace ? 7 : 1); y++) {
                    static const int tall[] = { 1, 1, 1, 2, 1, 3, 2 };
                    static const int wide[] = { 1, 1, 2, 1, 3, 3, 6 };
                    const int h = interlace ? tall[y] : height;
                    const int w = interlace ? wide[y] : width;

                    need += (size_t)h * (1 + ((size_t)w * (size_t)bits[k]
                                              * samples[colour] + 7) / 8);
                }
                for (size_t more = 0; more < 40; more += 13) {
                    image_bytes b = png_hand(colour, bits[k], interlace,
                                             height, width, rows, need + more,
                                             0, false);
                    uni_image image = {0};

                    snprintf(words, sizeof words, "%zu surplus bytes behind "
                             "the last row", more);
                    if (more == 0)
                        CHECK(image_read(&image, &b, -1) == CKKS_OK, "%d, %d, "
                              "%d: %s", colour, bits[k], interlace,
                              nn_last_error());
                    else
                        image_refused(&b, words);
                    uni_image_clear(&image);
                    free(b.data);
                }
            }
}

TEST(image_png_surplus_elsewhere)
{
    static const uint8_t rows[] = { 0, 1, 2, 3 };
    static const double want[] = { 1, 2, 3 };

    for (int alone = 0; alone < 2; alone++) {
        image_bytes b = png_hand(0, 8, 0, 1, 3, rows, 4, 9, alone);

        image_refused(&b, "9 surplus bytes of IDAT behind the compressed");
        free(b.data);
    }
    image_bytes b = png_hand(0, 8, 0, 1, 3, rows, 4, 0, true);

    image_holds(&b, -1, 1, 1, 3, want);         /* an empty IDAT             */
    b.data = realloc(b.data, b.size + 5);
    memset(b.data + b.size, 0, 5);
    b.size += 5;
    image_refused(&b, "5 surplus bytes behind IEND");
    free(b.data);
}

/* Indices of every depth: in the palette its colours, behind it refused. */
TEST(image_png_palette)
{
    static const uint8_t two[] = { 0, 0x18, 0, 0x84 };  /* 0 1 2 / 2 0 1     */
    static const uint8_t eight[] = { 0, 0, 1, 2, 0, 2, 0, 1 };
    static const double want[] = { 5, 90, 200, 200, 5, 90 };
    uint8_t bad[8];
    double three[18];

    for (int i = 0; i < 18; i++)
        three[i] = want[i % 6];
    for (int deep = 0; deep < 2; deep++) {
        image_bytes b = png_hand(3, deep ? 8 : 2, 0, 2, 3, deep ? eight : two,
                                 deep ? 8 : 4, 0, false);
        uni_image image = {0};
        const uni_image_want grey = { 1, 2, 3, false, NULL, false };
        char path[] = "/tmp/test_png.XXXXXX";
        const int fd = mkstemp(path);

        image_holds(&b, -1, 3, 2, 3, three);
        image_damage(&b);
        if (CHECK(fd >= 0, "no file")) {        /* greys, for a grey model   */
            close(fd);
            CHECK_OK(ckks_file_write(path, b.data, b.size, 0600));
            if (CHECK_OK(uni_image_read(&image, path, -1, &grey, NULL))
                && CHECK(image.channels == 1, "%d", image.channels))
                for (int i = 0; i < 6; i++)
                    CHECK(image.pixel[i] == want[i], "%g", image.pixel[i]);
            uni_image_clear(&image);
            remove(path);
        }
        free(b.data);
    }
    memcpy(bad, eight, 8);
    bad[6] = 3;
    image_bytes b = png_hand(3, 8, 0, 2, 3, bad, 8, 0, false);

    image_refused(&b, "colour 3 in row 1, column 1, of a palette of 3");
    free(b.data);
    b = png_hand(3, 2, 0, 1, 3, (const uint8_t *)"\0\x6c", 2, 0, false);
    image_refused(&b, "colour 3 in row 0, column 2, of a palette of 3");
    free(b.data);
}

#endif
