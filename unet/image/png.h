/* png.h -- private to libunet: a PNG file taken apart. */
#ifndef UNET_PNG_H
#define UNET_PNG_H

#include "image/codec.h"
#include "image/inflate.h"

typedef struct uni_png {
    uint32_t width, height;
    int bits;                   /* of a sample: 1, 2, 4, 8, 16               */
    int samples;                /* of a pixel, as they are stored            */
    bool colour, indexed;       /* red, green, blue; numbers of a palette    */
    bool alpha;                 /* the last sample is transparency           */
    bool interlaced;
    uint8_t palette[256][3];
    int colours;
    int used;                   /* bits in use, the most of all channels, as
                                   sBIT says; 0: all                         */
    uint8_t *rows;              /* malloc: what the IDAT hold, in their order */
    size_t packed;              /* bytes of it                               */
} uni_png;

/* Every chunk up to IEND, which must be the end: lengths, names, the checksums
 * of those that matter, their order.
 *   errors  CKKS_EFORMAT, CKKS_EMEM */
ckks_status uni_png_parts(uni_png *out, const char *name, const uint8_t *in,
                          size_t size);
void uni_png_clear(uni_png *png);

/* The pixels as PNG has them: scaled to 0..255 or, raw, as they are stored; of
 * a palette the numbers, in the first channel of out, which is initialised.
 * The stream must be sound and hold these rows and no more.
 *   errors  CKKS_EFORMAT, CKKS_EMEM */
ckks_status uni_png_rows(uni_image *out, const char *name, const uni_png *png,
                         bool raw);
/* Refuses rows that so few compressed bytes cannot hold.
 *   errors  CKKS_EFORMAT */
ckks_status uni_png_room(const char *name, const uni_png *png);

/* As uni_png_encode, by the DEFLATE of deflate.c. */
ckks_status uni_png_pack(uint8_t **out, size_t *size, const uint8_t *sample,
                         int channels, int height, int width, int labels);

#endif
