/* png_build.c -- PNG files from a few choices, and the checksums of others put
 * right.  By hand, since libpng would not write what must be refused.
 */
#include <string.h>

#include <zlib.h>

#include "image_mend.h"

enum { MOST = 1 << 14 };

typedef struct png {
    uint8_t bytes[MOST];
    size_t size;
} png;

static void put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16
           | (uint32_t)at[2] << 8 | at[3];
}

static void chunk(png *p, const char *type, const uint8_t *data, size_t n)
{
    uint8_t *at = p->bytes + p->size;

    if (p->size + n + 12 > MOST)
        return;
    put32(at, (uint32_t)n);
    memcpy(at + 4, type, 4);
    if (n > 0)
        memcpy(at + 8, data, n);
    put32(at + 8 + n, (uint32_t)crc32(0, at + 4, (uInt)n + 4));
    p->size += n + 12;
}

/* Rows enough for the image, interlaced or not: a filter byte each, then what
 * is left of the choices, repeated. */
static void rows(png *p, fuzz_draw *d, unsigned width, unsigned height,
                 unsigned bits, bool more)
{
    uint8_t raw[MOST / 2], packed[MOST];
    size_t row = 1 + ((size_t)width * bits + 7) / 8;
    size_t n = row * height + (more ? 16 * (size_t)height : 0);
    uLongf size = sizeof packed;

    n = n < sizeof raw ? n : sizeof raw;
    for (size_t i = 0; i < n; i++)
        raw[i] = i % row == 0 ? (uint8_t)fuzz_below(d, 5)
                              : (uint8_t)(fuzz_byte(d) + 7 * i);
    if (compress2(packed, &size, raw, n, 1) == Z_OK) {
        chunk(p, "IDAT", packed, size / 2);
        chunk(p, "IDAT", packed + size / 2, size - size / 2);
    }
}

/* choices: width, height, depth, colour, interlacing, other chunks, the rows */
static void build(fuzz_input *in)
{
    static const uint8_t depth[] = { 1, 2, 4, 8, 16, 3 };
    static const uint8_t colour[] = { 0, 2, 3, 4, 6, 1 };
    static const uint8_t samples[] = { 1, 3, 1, 2, 4, 1 };
    static const uint8_t large[] = { 0x80, 0xff, 1, 0 };
    fuzz_draw d = { in->data, in->size };
    static png p;
    uint8_t head[13] = { 0 }, palette[3 * 256];
    const unsigned width = fuzz_below(&d, 24), height = fuzz_below(&d, 24);
    const unsigned k = fuzz_below(&d, 6), c = fuzz_below(&d, 6);
    const unsigned interlaced = fuzz_below(&d, 3), other = fuzz_byte(&d);

    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)(i * 5);
    memcpy(p.bytes, "\x89PNG\r\n\x1a\n", 8);
    p.size = 8;
    put32(head, width);
    put32(head + 4, height);
    if (other & 16)             /* sides beyond the limits                   */
        head[other & 32 ? 1 : 5] = large[other >> 6];
    head[8] = depth[k];
    head[9] = colour[c];
    head[12] = (uint8_t)interlaced;
    chunk(&p, "IHDR", head, sizeof head);
    if (other & 1)
        chunk(&p, "gAMA", palette + 7, 4);
    if (c == 2 || other & 2)
        chunk(&p, "PLTE", palette, 3 * (k < 3 ? (size_t)1 << depth[k] : 256));
    if (other & 4)
        chunk(&p, "tRNS", palette, c == 2 ? 2 : 2 * samples[c]);
    rows(&p, &d, width, height, (unsigned)depth[k] * samples[c],
         interlaced == 1);
    if (other & 8)
        chunk(&p, "tEXt", palette, 20);
    chunk(&p, "IEND", NULL, 0);
    fuzz_replace(in, p.bytes, p.size);
}

/* The signature, and the checksum of every chunk. */
static void mend(fuzz_input *in)
{
    size_t at = 8;

    if (in->size < 8)
        fuzz_resize(in, 8);
    memcpy(in->data, "\x89PNG\r\n\x1a\n", 8);
    while (in->size - at >= 12) {
        const uint32_t n = get32(in->data + at);

        if (n > in->size - at - 12)
            break;
        put32(in->data + at + 8 + n,
              (uint32_t)crc32(0, in->data + at + 4, n + 4));
        at += n + 12;
    }
}

void fuzz_mend_png(fuzz_input *in)
{
    if (in->flags & FUZZ_DRAW)
        build(in);
    else if (in->flags & FUZZ_MEND)
        mend(in);
}
