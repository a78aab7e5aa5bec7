/* png_pack.c -- PNG files by the DEFLATE of deflate.c: masks and labels, which
 * are even, get small; pictures are filtered by the row above.
 */
#include <stdlib.h>
#include <string.h>

#include "image/png.h"

typedef struct png_file {
    uint8_t *bytes;
    size_t size;
    uni_crc crc;
} png_file;

static void put_word(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* A chunk whose n bytes of data stand where they belong already. */
static void end_chunk(png_file *f, const char *type, size_t n)
{
    uint8_t *at = f->bytes + f->size;

    put_word(at, (uint32_t)n);
    memcpy(at + 4, type, 4);
    put_word(at + 8 + n, uni_crc_add(&f->crc, 0, at + 4, n + 4));
    f->size += n + 12;
}

static uint8_t *next_data(png_file *f)
{
    return f->bytes + f->size + 8;
}

/* Each row behind the byte of its filter: none, or the row above. */
static void filter_rows(uint8_t *to, const uint8_t *sample, size_t row,
                        size_t height, bool above)
{
    for (size_t y = 0; y < height; y++, sample += row) {
        *to++ = above ? 2 : 0;
        for (size_t i = 0; i < row; i++)
            *to++ = (uint8_t)(sample[i] - (above && y > 0 ? sample[i - row]
                                                          : 0));
    }
}

static bool put_file(png_file *f, const uint8_t *rows, size_t n, int channels,
                     int height, int width, int labels)
{
    uint8_t *at;
    size_t packed;

    memcpy(f->bytes, "\x89PNG\r\n\x1a\n", 8);
    f->size = 8;
    uni_crc_init(&f->crc);
    at = next_data(f);
    memset(at, 0, 13);
    put_word(at, (uint32_t)width);
    put_word(at + 4, (uint32_t)height);
    at[8] = 8;
    at[9] = labels > 0 ? 3 : channels == 1 ? 0 : 2;
    end_chunk(f, "IHDR", 13);
    if (labels > 0) {
        memcpy(next_data(f), uni_palette, 3 * (size_t)labels);
        end_chunk(f, "PLTE", 3 * (size_t)labels);
    }
    packed = uni_deflate(next_data(f), UNI_ZLIB, rows, n);
    end_chunk(f, "IDAT", packed);
    end_chunk(f, "IEND", 0);
    return packed > 0;
}

ckks_status uni_png_pack(uint8_t **out, size_t *size, const uint8_t *sample,
                         int channels, int height, int width, int labels)
{
    enum { OTHERS = 8 + 25 + 12 + sizeof uni_palette + 12 + 12 };
    const size_t row = (size_t)channels * (size_t)width;
    const size_t n = (row + 1) * (size_t)height;
    png_file *f = calloc(1, sizeof *f);
    uint8_t *rows = malloc(n);
    bool packed = false;

    if (f != NULL && rows != NULL)
        f->bytes = malloc(uni_deflate_most(n) + OTHERS);
    if (f != NULL && f->bytes != NULL) {
        filter_rows(rows, sample, row, (size_t)height, labels == 0);
        packed = put_file(f, rows, n, channels, height, width, labels);
    }
    if (packed) {
        *out = f->bytes;
        *size = f->size;
    } else if (f != NULL) {
        free(f->bytes);
    }
    free(rows);
    free(f);
    return packed ? CKKS_OK
         : nn_fail(CKKS_EMEM, "unet_image_save: no memory for %zu bytes", n);
}
