/* test_png.c -- PNG files of every kind, and what is refused. */
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

#endif
