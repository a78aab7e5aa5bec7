/* image_support.h -- what the tests of image files share: small files in
 * memory. */
#ifndef IMAGE_SUPPORT_H
#define IMAGE_SUPPORT_H

#include "image/image.h"
#include "test.h"

typedef struct image_bytes {
    uint8_t *data;
    size_t size;
} image_bytes;

/* A file of this text and n bytes behind it. */
image_bytes image_text(const char *text, const void *tail, size_t n);
/* It is called "file". */
ckks_status image_read(uni_image *out, const image_bytes *b, int slice);
/* Reads and compares all pixels. */
void image_holds(const image_bytes *b, int slice, int channels, int height,
                 int width, const double *want);
/* The file is refused and the message, which names it, holds the words. */
void image_refused(const image_bytes *b, const char *words);
/* Every proper prefix is refused; bits that turn do no harm (run it with the
 * address and undefined-behaviour checks). */
void image_damage(const image_bytes *b);

#endif
