/* codec.h -- private to libunet: one pair of functions a file format. */
#ifndef UNET_CODEC_H
#define UNET_CODEC_H

#include <stdbool.h>

#include "image/image.h"

ckks_status uni_pnm_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size,
                            const uni_image_want *want);
ckks_status uni_png_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size,
                            const uni_image_want *want);
ckks_status uni_nifti_decode(uni_image *out, const char *name,
                              const uint8_t *in, size_t size, int slice,
                              const uni_image_want *want);

/* The sizes in a header; false if the first bytes do not tell. */
bool uni_pnm_shape(uni_shape *out, const uint8_t *in, size_t size);
bool uni_png_shape(uni_shape *out, const uint8_t *in, size_t size);
/* The same of NIfTI, plain or gzipped, and the check at once. */
ckks_status uni_nifti_look(const char *name, const uint8_t *in, size_t size,
                           int slice, const uni_image_want *want);

/* ---- the first bytes (image_want.c) -------------------------------------- */

/* uni_image_check, as far as the first bytes tell. */
ckks_status uni_image_look(const char *name, const uint8_t *head, size_t size,
                           int slice, const uni_image_want *want);
/* More than any file of such an image has. */
size_t uni_image_most_bytes(const uint8_t *head, size_t size,
                            const uni_image_want *want);

/* ---- gzip ---------------------------------------------------------------- */

/* The first `want` bytes of a gzip stream; all: it must hold no more and be
 * sound to its end.  Refused beyond UNET_GZIP_FREE and UNET_GZIP_RATIO.  Free
 * the result. */
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
