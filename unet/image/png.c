/* png.c -- PNG through libpng; without UNET_HAVE_PNG every call says so. */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

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

#ifndef UNET_HAVE_PNG

ckks_status uni_png_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size,
                            const uni_image_want *want)
{
    (void)want;
    (void)out;
    (void)in;
    (void)size;
    return nn_fail(CKKS_EFORMAT, "%s: a PNG file, and this build has no libpng",
                   name);
}

ckks_status uni_png_encode(uint8_t **out, size_t *size, const uint8_t *sample,
                            int channels, int height, int width, int labels)
{
    (void)out;
    (void)size;
    (void)sample;
    (void)channels;
    (void)labels;
    return nn_fail(CKKS_EARG, "a PNG image of %d x %d: this build has no "
                   "libpng", height, width);
}

#else

#include <setjmp.h>

#include <png.h>

enum { PNGIO_MAX_CHUNK = 1 << 24 };

/* What lives across libpng's long jumps: in memory of its own, so that no
 * local variable is lost. */
typedef struct pngio {
    jmp_buf fail;
    char reason[120];
    png_structp png;
    png_infop info;
    const uint8_t *in;                  /* reading                           */
    size_t size, at;
    bool raw;                           /* numbers as they are stored        */
    uint8_t *out;                       /* writing                           */
    size_t out_size, capacity;
    png_color colour[NN_MAX_LABELS];
    uint8_t *raster;
    png_bytep *row;
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

static void pngio_read(png_structp png, png_bytep to, size_t n)
{
    pngio *io = png_get_io_ptr(png);

    if (io->size - io->at < n)
        png_error(png, "the file is cut short");
    memcpy(to, io->in + io->at, n);
    io->at += n;
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

/* Every layout becomes grey or RGB of 8 or 16 bits, a palette one number a
 * byte.  Transparency is taken
 * off, never blended. */
static void pngio_transform(pngio *io)
{
    int colour = png_get_color_type(io->png, io->info);

    if (colour == PNG_COLOR_TYPE_PALETTE || io->raw)
        png_set_packing(io->png);       /* the colours: pngio_colours        */
    else if (colour == PNG_COLOR_TYPE_GRAY
             && png_get_bit_depth(io->png, io->info) < 8)
        png_set_expand_gray_1_2_4_to_8(io->png);
    png_set_strip_alpha(io->png);
    png_set_interlace_handling(io->png);
    png_read_update_info(io->png, io->info);
}

static void pngio_pixels(uni_image *out, const pngio *io, int bits)
{
    size_t n = (size_t)out->height * (size_t)out->width;
    size_t channels = (size_t)out->channels;

    for (int y = 0; y < out->height; y++) {
        const uint8_t *from = io->row[y];

        for (size_t i = 0; i < channels * (size_t)out->width; i++) {
            double *to = out->pixel + i % channels * n
                       + (size_t)y * (size_t)out->width + i / channels;

            if (bits == 16) {
                *to = (double)(from[0] << 8 | from[1]) / (io->raw ? 1 : 257);
                from += 2;
            } else {
                *to = *from++;
            }
        }
    }
}

/* A palette's numbers as its colours; one that it does not have is refused. */
static ckks_status pngio_colours(uni_image *out, const char *name,
                                 const pngio *io)
{
    const size_t n = (size_t)out->height * (size_t)out->width;
    png_colorp palette = NULL;
    int colours = 0;

    (void)png_get_PLTE(io->png, io->info, &palette, &colours);
    for (size_t i = 0; i < n; i++) {
        const size_t y = i / (size_t)out->width, x = i % (size_t)out->width;
        const uint8_t k = io->row[y][x];

        if (k >= colours)
            return nn_fail(CKKS_EFORMAT, "%s: PNG: colour %d in row %zu, "
                           "column %zu, of a palette of %d (from 0)", name, k,
                           y, x, colours);
        out->pixel[i] = palette[k].red;
        out->pixel[n + i] = palette[k].green;
        out->pixel[2 * n + i] = palette[k].blue;
    }
    return CKKS_OK;
}

/* How many bits sBIT says are in use, the most of all channels; 0: all. */
static int pngio_bits(const pngio *io)
{
    png_color_8p bits = NULL;
    int most = 0;

    if (png_get_sBIT(io->png, io->info, &bits) == 0 || bits == NULL)
        return 0;
    if (!(png_get_color_type(io->png, io->info) & PNG_COLOR_MASK_COLOR))
        return bits->gray < 16 ? bits->gray : 0;
    most = bits->red > bits->green ? bits->red : bits->green;
    most = bits->blue > most ? bits->blue : most;
    return most < 16 ? most : 0;
}

/* Runs under the protection of pngio_guard's setjmp. */
static ckks_status pngio_decode(uni_image *out, const char *name, pngio *io)
{
    size_t bytes;
    int bits, channels;
    bool palette;
    ckks_status s;

    png_set_read_fn(io->png, io, pngio_read);
    png_set_user_limits(io->png, UNET_IMAGE_SIDE, UNET_IMAGE_SIDE);
    png_set_chunk_malloc_max(io->png, PNGIO_MAX_CHUNK);
    /* texts and colour profiles, which may inflate a thousandfold each, are
     * passed by; what decoding needs is not among them */
    png_set_keep_unknown_chunks(io->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(io->png, io->info);
    pngio_transform(io);
    bits = png_get_bit_depth(io->png, io->info);
    channels = png_get_channels(io->png, io->info);
    palette = png_get_color_type(io->png, io->info) == PNG_COLOR_TYPE_PALETTE;
    if ((bits != 8 && bits != 16) || (channels != 1 && channels != 3))
        return nn_fail(CKKS_EFORMAT, "%s: PNG of %d channels of %d bits", name,
                       channels, bits);
    palette = palette && !io->raw;
    s = uni_image_init(out, name, palette ? 3 : channels,
                        png_get_image_height(io->png, io->info),
                        png_get_image_width(io->png, io->info));
    if (s != CKKS_OK)
        return s;
    bytes = png_get_rowbytes(io->png, io->info);
    io->raster = malloc((size_t)out->height * bytes);
    io->row = malloc((size_t)out->height * sizeof *io->row);
    if (io->raster == NULL || io->row == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %d x %d pixels", name,
                       out->height, out->width);
    for (int y = 0; y < out->height; y++)
        io->row[y] = io->raster + (size_t)y * bytes;
    png_read_image(io->png, io->row);
    png_read_end(io->png, NULL);
    if (palette)
        return pngio_colours(out, name, io);
    out->most = bits == 16 ? 65535 : 255;
    out->bits = bits == 16 ? pngio_bits(io) : 0;
    pngio_pixels(out, io, bits);
    return CKKS_OK;
}

static ckks_status pngio_guard(uni_image *out, const char *name, pngio *io)
{
    if (setjmp(io->fail) != 0)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %s (byte %zu of %zu)", name,
                       io->reason, io->at, io->size);
    io->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, io, pngio_error,
                                     pngio_warning);
    io->info = io->png != NULL ? png_create_info_struct(io->png) : NULL;
    if (io->info == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory", name);
    return pngio_decode(out, name, io);
}

ckks_status uni_png_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size,
                            const uni_image_want *want)
{
    uni_shape shape = {0};
    ckks_status s = uni_png_shape(&shape, in, size)
                  ? uni_image_check(name, &shape, want)
                  : nn_fail(CKKS_EFORMAT, "%s: PNG: no header (%zu bytes)",
                            name, size);
    pngio *io;

    if (s != CKKS_OK)
        return s;
    io = calloc(1, sizeof *io);
    if (io == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory", name);
    io->in = in;
    io->size = size;
    io->raw = want != NULL && want->raw;
    s = uni_png_check(name, in, size);
    if (s == CKKS_OK)
        s = pngio_guard(out, name, io);
    png_destroy_read_struct(&io->png, &io->info, NULL);
    free(io->raster);
    free(io->row);
    free(io);
    return s;
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
