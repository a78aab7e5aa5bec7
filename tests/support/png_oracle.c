/* png_oracle.c -- PNG as libpng and streams as zlib decode them.  Contracts in
 * png_oracle.h. */
#include "png_oracle.h"

#ifdef UNET_HAVE_PNG

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

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

/* Every layout becomes grey or RGB of 8 or 16 bits, a palette one number a
 * byte.  Transparency is taken off, never blended. */
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
    /* texts and colour profiles are passed by; so would sBIT be */
    png_set_keep_unknown_chunks(io->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(io->png, PNG_HANDLE_CHUNK_AS_DEFAULT,
                                (png_const_bytep)"sBIT", 1);
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

ckks_status oracle_png(uni_image *out, const char *name, const uint8_t *in,
                       size_t size, bool raw)
{
    pngio *io = calloc(1, sizeof *io);
    ckks_status s;

    if (io == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory", name);
    io->in = in;
    io->size = size;
    io->raw = raw;
    s = pngio_guard(out, name, io);
    png_destroy_read_struct(&io->png, &io->info, NULL);
    free(io->raster);
    free(io->row);
    free(io);
    return s;
}

/* ---- streams ------------------------------------------------------------- */

uni_inflate_end oracle_inflate(size_t *got, size_t *left, uint8_t *out,
                               size_t room, uni_inflate_form form,
                               const uint8_t *in, size_t size)
{
    static const int bits[3] = { -15, 15, 15 + 16 };
    z_stream z = {0};
    int code;

    *got = *left = 0;
    if (inflateInit2(&z, bits[form]) != Z_OK)
        abort();
    z.next_in = (z_const Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    code = inflate(&z, Z_NO_FLUSH);
    *got = room - z.avail_out;
    *left = z.avail_in;
    inflateEnd(&z);
    if (code == Z_STREAM_END)
        return UNI_INFLATE_SOUND;
    if (code != Z_OK && code != Z_BUF_ERROR)
        return UNI_INFLATE_DAMAGED;
    return *got == room ? UNI_INFLATE_MORE : UNI_INFLATE_SHORT;
}

size_t oracle_deflate(uint8_t *out, size_t room, uni_inflate_form form,
                      const uint8_t *in, size_t size, int level, int strategy)
{
    static const int bits[3] = { -15, 15, 15 + 16 };
    z_stream z = {0};
    int code;

    if (deflateInit2(&z, level, Z_DEFLATED, bits[form], 8, strategy) != Z_OK)
        abort();
    z.next_in = (z_const Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    code = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return code == Z_STREAM_END ? room - z.avail_out : 0;
}

#endif
