/* png.c -- PNG: read by png_parts.c and png_rows.c; written by libpng where it
 * is, whose files are smaller, else by png_pack.c.
 */
#include <stdlib.h>
#include <string.h>

#include "image/png.h"

bool uni_is_png(const uint8_t *in, size_t size)
{
    static const uint8_t magic[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a,
                                      '\n' };

    return size >= 8 && memcmp(in, magic, 8) == 0;
}

/* The first chunk must be the header, 13 bytes: sides, bits, colour, ... */
bool uni_png_shape(uni_shape *out, const uint8_t *in, size_t size)
{
    static const uint8_t first[8] = { 0, 0, 0, 13, 'I', 'H', 'D', 'R' };
    uint64_t side[2] = { 0, 0 };

    if (!uni_is_png(in, size) || size < 33 || memcmp(in + 8, first, 8) != 0)
        return false;
    for (int i = 0; i < 8; i++)
        side[i / 4] = side[i / 4] << 8 | in[16 + i];
    *out = (uni_shape){ in[25] & 2 ? 3 : 1, side[1], side[0] };
    return true;
}

/* ---- reading ------------------------------------------------------------- */

/* A palette's numbers as its colours; one that it does not have is refused. */
static ckks_status png_colours(uni_image *out, const char *name,
                               const uni_png *png)
{
    const size_t n = (size_t)out->height * (size_t)out->width;

    for (size_t i = 0; i < n; i++) {
        const int k = (int)out->pixel[i];

        if (k >= png->colours)
            return nn_fail(CKKS_EFORMAT, "%s: PNG: colour %d in row %zu, "
                           "column %zu, of a palette of %d (from 0)", name, k,
                           i / (size_t)out->width, i % (size_t)out->width,
                           png->colours);
        for (size_t c = 0; c < 3; c++)
            out->pixel[c * n + i] = png->palette[k][c];
    }
    return CKKS_OK;
}

static ckks_status png_pixels(uni_image *out, const char *name,
                              const uni_png *png, bool raw)
{
    const bool coloured = png->colour && !(png->indexed && raw);
    ckks_status s = uni_png_room(name, png);

    if (s == CKKS_OK)
        s = uni_image_init(out, name, coloured ? 3 : 1, png->height,
                           png->width);
    if (s == CKKS_OK)
        s = uni_png_rows(out, name, png, raw);
    if (s != CKKS_OK)
        return s;
    if (png->indexed && !raw)
        return png_colours(out, name, png);
    out->most = png->bits == 16 ? 65535 : 255;
    out->bits = png->bits == 16 ? png->used : 0;
    return CKKS_OK;
}

ckks_status uni_png_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size,
                            const uni_image_want *want)
{
    uni_shape shape = {0};
    uni_png png = {0};
    ckks_status s = uni_png_shape(&shape, in, size)
                  ? uni_image_check(name, &shape, want)
                  : nn_fail(CKKS_EFORMAT, "%s: PNG: no header (%zu bytes)",
                            name, size);

    if (s == CKKS_OK)
        s = uni_png_parts(&png, name, in, size);
    if (s == CKKS_OK)
        s = png_pixels(out, name, &png, want != NULL && want->raw);
    uni_png_clear(&png);
    return s;
}

/* ---- writing ------------------------------------------------------------- */

#ifndef UNET_HAVE_PNG

ckks_status uni_png_encode(uint8_t **out, size_t *size, const uint8_t *sample,
                            int channels, int height, int width, int labels)
{
    return uni_png_pack(out, size, sample, channels, height, width, labels);
}

#else

#include <setjmp.h>

#include <png.h>

/* What lives across libpng's long jumps: in memory of its own, so that no
 * local variable is lost. */
typedef struct pngio {
    jmp_buf fail;
    char reason[120];
    png_structp png;
    png_infop info;
    uint8_t *out;
    size_t out_size, capacity;
    png_color colour[NN_MAX_LABELS];
} pngio;

static void pngio_error(png_structp png, png_const_charp message)
{
    pngio *io = png_get_error_ptr(png);

    snprintf(io->reason, sizeof io->reason, "%s", message);
    longjmp(io->fail, 1);
}

static void pngio_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void pngio_write(png_structp png, png_bytep from, size_t n)
{
    pngio *io = png_get_io_ptr(png);

    if (io->capacity - io->out_size < n) {
        size_t more = 2 * io->capacity + n + 4096;
        uint8_t *grown = realloc(io->out, more);

        if (grown == NULL)
            png_error(png, "no memory");
        io->out = grown;
        io->capacity = more;
    }
    memcpy(io->out + io->out_size, from, n);
    io->out_size += n;
}

static void pngio_flush(png_structp png)
{
    (void)png;
}

static ckks_status pngio_encode(pngio *io, const uint8_t *sample, int channels,
                                int height, int width, int labels)
{
    if (setjmp(io->fail) != 0)
        return nn_fail(CKKS_EMEM, "unet_image_save: PNG of %d x %d: %s",
                       height, width, io->reason);
    io->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, io, pngio_error,
                                      pngio_warning);
    io->info = io->png != NULL ? png_create_info_struct(io->png) : NULL;
    if (io->info == NULL)
        return nn_fail(CKKS_EMEM, "unet_image_save: no memory");
    png_set_write_fn(io->png, io, pngio_write, pngio_flush);
    png_set_IHDR(io->png, io->info, (png_uint_32)width, (png_uint_32)height, 8,
                 labels > 0 ? PNG_COLOR_TYPE_PALETTE
                 : channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    for (int k = 0; k < labels; k++)
        io->colour[k] = (png_color){ uni_palette[k][0], uni_palette[k][1],
                                     uni_palette[k][2] };
    if (labels > 0)
        png_set_PLTE(io->png, io->info, io->colour, labels);
    png_write_info(io->png, io->info);
    for (int y = 0; y < height; y++)
        png_write_row(io->png, sample + (size_t)y * (size_t)width
                                        * (size_t)channels);
    png_write_end(io->png, io->info);
    return CKKS_OK;
}

ckks_status uni_png_encode(uint8_t **out, size_t *size, const uint8_t *sample,
                            int channels, int height, int width, int labels)
{
    pngio *io = calloc(1, sizeof *io);
    ckks_status s;

    if (io == NULL)
        return nn_fail(CKKS_EMEM, "unet_image_save: no memory");
    s = pngio_encode(io, sample, channels, height, width, labels);
    png_destroy_write_struct(&io->png, &io->info);
    if (s == CKKS_OK) {
        *out = io->out;
        *size = io->out_size;
    } else {
        free(io->out);
    }
    free(io);
    return s;
}

#endif
