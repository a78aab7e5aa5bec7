/* png_parts.c -- the chunks of a PNG file.  Contracts in png.h.
 *
 * Chunks that may be left out are passed by, whatever is in them, but for sBIT;
 * one that may not and is not known is refused, as the format asks for.
 */
#include <stdlib.h>
#include <string.h>

#include "image/png.h"

static uint32_t png_word(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16
           | (uint32_t)in[2] << 8 | in[3];
}

typedef struct png_walk {
    const char *name;
    const uint8_t *in;
    size_t size, at;            /* at: behind this chunk                     */
    const uint8_t *type, *data; /* of this chunk                             */
    uint32_t length;
    bool sound;                 /* its checksum                              */
    bool palette, bits, pixels; /* such a chunk was there                    */
    bool behind;                /* and another one behind the pixels         */
    uni_crc crc;
} png_walk;

static ckks_status walk_fail(const png_walk *w, const char *what)
{
    return nn_fail(CKKS_EFORMAT, "%s: PNG: %s (%.4s of %lu bytes before byte "
                   "%zu of %zu)", w->name, what, w->type,
                   (unsigned long)w->length, w->at, w->size);
}

static bool walk_is(const png_walk *w, const char *type)
{
    return memcmp(w->type, type, 4) == 0;
}

/* The next chunk, with its checksum if it matters. */
static ckks_status walk_next(png_walk *w)
{
    const uint8_t *at = w->in + w->at;
    const size_t left = w->size - w->at;

    if (left < 12 || png_word(at) > left - 12)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: the file is cut short (byte "
                       "%zu of %zu)", w->name, w->at, w->size);
    w->length = png_word(at);
    w->type = at + 4;
    w->data = at + 8;
    for (int i = 0; i < 4; i++)
        if ((w->type[i] | 32) < 'a' || (w->type[i] | 32) > 'z')
            return nn_fail(CKKS_EFORMAT, "%s: PNG: no name of a chunk (byte "
                           "%zu of %zu)", w->name, w->at + 4, w->size);
    w->at += (size_t)w->length + 12;
    w->sound = uni_crc_add(&w->crc, 0, w->type, (size_t)w->length + 4)
            == png_word(w->data + w->length);
    if (!w->sound && !(w->type[0] & 32))
        return walk_fail(w, "a wrong checksum");
    return CKKS_OK;
}

/* Sides, bits, colour, compression, filters, interlacing; sides are checked
 * with the image's size. */
static ckks_status take_header(uni_png *p, const png_walk *w)
{
    static const uint8_t samples[7] = { 1, 0, 3, 1, 2, 0, 4 };
    static const uint32_t depths[7] = {     /* a bit for each                */
        0x10116, 0, 0x10100, 0x116, 0x10100, 0, 0x10100
    };
    const uint8_t *in = w->data;
    const int bits = in[8], kind = in[9];

    if (kind > 6 || bits > 16 || !(depths[kind] >> bits & 1))
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %d bits of colour type %d",
                       w->name, bits, kind);
    if (in[10] != 0 || in[11] != 0 || in[12] > 1)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: compression %d, filters %d, "
                       "interlacing %d", w->name, in[10], in[11], in[12]);
    p->width = png_word(in);
    p->height = png_word(in + 4);
    p->bits = bits;
    p->samples = samples[kind];
    p->indexed = kind == 3;
    p->colour = (kind & 2) != 0;
    p->alpha = (kind & 4) != 0;
    p->interlaced = in[12] == 1;
    return CKKS_OK;
}

/* Of an image without one it is advice, if that. */
static ckks_status take_palette(uni_png *p, png_walk *w)
{
    const uint32_t most = p->indexed ? 1u << p->bits : 256;
    uint32_t n = w->length / 3;

    if (w->palette)
        return walk_fail(w, "a second palette");
    if (w->pixels)
        return CKKS_OK;
    w->palette = true;
    if (!p->colour)
        return CKKS_OK;
    if (w->length % 3 != 0 || n > 256)
        return p->indexed ? walk_fail(w, "no palette") : CKKS_OK;
    n = n < most ? n : most;
    if (n == 0)
        return walk_fail(w, "an empty palette");
    p->colours = (int)n;
    memcpy(p->palette, w->data, 3 * (size_t)n);
    return CKKS_OK;
}

/* Before palette and pixels, once, of the right length and each number within
 * the samples' bits; else it says nothing. */
static void take_bits(uni_png *p, png_walk *w)
{
    const uint32_t n = p->indexed ? 3 : (uint32_t)p->samples;
    const int deep = p->indexed ? 8 : p->bits;
    int most = 0;

    if (w->palette || w->pixels || w->bits || w->length != n || !w->sound)
        return;
    for (uint32_t i = 0; i < n; i++)
        if (w->data[i] == 0 || w->data[i] > deep)
            return;
    w->bits = true;
    for (int i = 0; i < (p->colour ? 3 : 1); i++)
        most = w->data[i] > most ? w->data[i] : most;
    p->used = most < 16 ? most : 0;
}

static ckks_status take_pixels(uni_png *p, png_walk *w)
{
    if (p->indexed && !w->palette)
        return walk_fail(w, "no palette before the pixels");
    if (w->behind && w->length > 0)
        return walk_fail(w, "pixels behind another chunk");
    w->pixels = true;
    memcpy(p->rows + p->packed, w->data, w->length);
    p->packed += w->length;
    return CKKS_OK;
}

static ckks_status take_chunk(uni_png *p, png_walk *w)
{
    if (walk_is(w, "IDAT"))
        return take_pixels(p, w);
    w->behind = w->pixels;
    if (walk_is(w, "PLTE"))
        return take_palette(p, w);
    if (walk_is(w, "sBIT"))
        take_bits(p, w);
    if (walk_is(w, "IHDR"))
        return walk_fail(w, "a second header");
    return w->type[0] & 32 ? CKKS_OK : walk_fail(w, "an unknown chunk");
}

static ckks_status walk(uni_png *p, png_walk *w)
{
    ckks_status s = walk_next(w);       /* the header: see uni_png_shape     */

    if (s == CKKS_OK)
        s = take_header(p, w);
    while (s == CKKS_OK) {
        s = walk_next(w);
        if (s != CKKS_OK || walk_is(w, "IEND"))
            break;
        s = take_chunk(p, w);
    }
    if (s == CKKS_OK && !w->pixels)
        return walk_fail(w, "no pixels");
    if (s == CKKS_OK && w->at < w->size)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %zu surplus bytes behind IEND",
                       w->name, w->size - w->at);
    return s;
}

ckks_status uni_png_parts(uni_png *out, const char *name, const uint8_t *in,
                          size_t size)
{
    uni_png png = {0};
    png_walk *w = calloc(1, sizeof *w);
    ckks_status s;

    png.rows = malloc(size);
    if (w == NULL || png.rows == NULL) {
        s = nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    } else {
        w->name = name;
        w->in = in;
        w->size = size;
        w->at = 8;
        uni_crc_init(&w->crc);
        s = walk(&png, w);
    }
    free(w);
    if (s != CKKS_OK) {
        uni_png_clear(&png);
        return s;
    }
    *out = png;
    return CKKS_OK;
}

void uni_png_clear(uni_png *png)
{
    free(png->rows);
    memset(png, 0, sizeof *png);
}
