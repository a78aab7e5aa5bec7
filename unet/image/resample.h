/* resample.h -- private to libunet: pixels between pixels. */
#ifndef UNET_RESAMPLE_H
#define UNET_RESAMPLE_H

#include "image/volume.h"

/* The stored pixels of a slice (channels, rows, columns) as the image that
 * the slicing says: along each axis linear between the two nearest centres,
 * beyond the outermost centre its value; where a step is more than 1.5 the mean
 * over the pixel's extent instead, parts of pixels by their share.
 *   errors  CKKS_EFORMAT, CKKS_EMEM */
CKKS_CHECKED ckks_status uni_resample(uni_image *out, const uni_image *stored,
                                      const uni_slicing *s);

/* The pixel, of `size` with this step, nearest to stored pixel i of n; of two
 * as near the further on. */
int uni_nearest(int i, int n, int size, double step);

/* The voxel of stored pixel (y, x) of slice k. */
size_t uni_slicing_voxel(const uni_slicing *s, const int n[3], int k, int y,
                         int x);
/* The slicing of a plane without resampling.
 *   errors  CKKS_EFORMAT  an affine without inverse */
CKKS_CHECKED ckks_status uni_slicing_plane(uni_slicing *out, const char *name,
                                           const uni_geometry *g,
                                           nn_plane plane);

#endif
