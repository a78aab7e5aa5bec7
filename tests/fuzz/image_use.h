/* image_use.h -- what the targets of images share (image.c, nifti.c). */
#ifndef IMAGE_USE_H
#define IMAGE_USE_H

#include "fuzz.h"

enum { FUZZ_THROUGH_FILE = 16 };    /* of variant                            */

ckks_status fuzz_image_load(void *x, const fuzz_input *in);
/* As it, and as libpng has it (png_pair.c). */
ckks_status fuzz_png_load(void *x, const fuzz_input *in);
void fuzz_image_use(void *x, const fuzz_input *in);
void fuzz_image_clear(void *x);
void fuzz_image_misuse(const fuzz_input *in);
void fuzz_image_seed(const fuzz_target *t, uint8_t variant, const void *bytes,
                     size_t size);

#endif
