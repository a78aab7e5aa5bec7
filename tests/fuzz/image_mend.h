/* image_mend.h -- image files made and mended: see image_mend.c. */
#ifndef FUZZ_IMAGE_MEND_H
#define FUZZ_IMAGE_MEND_H

#include "fuzz.h"

void fuzz_mend_pnm(fuzz_input *in);
void fuzz_mend_png(fuzz_input *in);
void fuzz_mend_jpeg(fuzz_input *in);
void fuzz_mend_nifti(fuzz_input *in);
void fuzz_mend_idx(fuzz_input *in);

/* The bytes as a gzip file. */
void fuzz_gzip(fuzz_input *in);
/* A JPEG of 8 x 8 pixels and so many components, fuzz_room; a grey one may have
 * 127 scans. */
uint8_t *fuzz_jpeg_build(size_t *size, int channels, bool scans);

#endif
