/* codec.h -- private to libunet: one pair of functions a file format. */
#ifndef UNET_CODEC_H
#define UNET_CODEC_H

#include <stdbool.h>

#include "image.h"

ckks_status uni_pnm_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size);
ckks_status uni_png_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size);
ckks_status uni_nifti_decode(uni_image *out, const char *name,
                              const uint8_t *in, size_t size, int slice);
/* The first `want` bytes of a gzip stream; all: it must hold no more and be
 * sound to its end.  Free the result. */
ckks_status uni_gzip_decode(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, size_t want,
                             bool all);

/* sample: (height, width, channels), one byte each.  Free the result. */
ckks_status uni_pnm_encode(uint8_t **out, size_t *size, const uint8_t *sample,
                            int channels, int height, int width);
ckks_status uni_png_encode(uint8_t **out, size_t *size, const uint8_t *sample,
                            int channels, int height, int width);

bool uni_is_png(const uint8_t *in, size_t size);
bool uni_is_nifti(const uint8_t *in, size_t size);

#endif
