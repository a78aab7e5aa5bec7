/* png_oracle.h -- what libpng and zlib make of a PNG file or a stream, for
 * tests and fuzzers to compare with; where they are.
 */
#ifndef PNG_ORACLE_H
#define PNG_ORACLE_H

#ifdef UNET_HAVE_PNG

#include "image/codec.h"
#include "image/inflate.h"

/* As uni_png_decode, of an image of any size; *out is all zero before, cleared
 * by the caller after a failure too.  What follows the image, the checksum of
 * the rows, and surplus are not looked at. */
ckks_status oracle_png(uni_image *out, const char *name, const uint8_t *in,
                       size_t size, bool raw);

/* One stream into so much room.  *left: of the input behind it. */
uni_inflate_end oracle_inflate(size_t *got, size_t *left, uint8_t *out,
                               size_t room, uni_inflate_form form,
                               const uint8_t *in, size_t size);
/* zlib's level 0..9 and strategy 0..4; the bytes, 0: no room. */
size_t oracle_deflate(uint8_t *out, size_t room, uni_inflate_form form,
                      const uint8_t *in, size_t size, int level,
                      int strategy);

#endif
#endif
