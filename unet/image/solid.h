/* solid.h -- private to libunet and the command: a volume as one image of three
 * dimensions, and labels of it as a volume again.
 *
 *   uni_solid s = {0};
 *   uni_solid_open(&s, "t1.nii.gz", 1, size, images, fit)
 *                                  s.pixel (channels, depth, height, width)
 *   uni_solid_save("mask.nii.gz", &s, label)
 *
 * A solid is the volume's slices on each other, as volume.h has them: z counts
 * slices, y rows, x columns, in the model's plane, resampled to its spacing of
 * rows and columns.  Where the network takes another size, the volume lies in
 * the middle of zeros, or its middle is taken; along each axis z, y, x
 *
 *     place p of the solid is place p + from of the volume,
 *     from = (have - want) / 2, rounded towards 0.
 */
#ifndef UNET_SOLID_H
#define UNET_SOLID_H

#include "image/volume.h"

typedef struct uni_solid_fit {
    int have[3];            /* slices, rows, columns of the volume's images  */
    int want[3];            /* depth, height, width                          */
    int from[3];
} uni_solid_fit;

/* Caps: the solid's sides by NN_MAX_DEPTH and NN_MAX_SIDE, its places by
 * UNET_VOLUME_VOXELS.  fit: sizes may differ (--fit).
 *   errors  CKKS_EARG */
CKKS_CHECKED ckks_status uni_solid_place(uni_solid_fit *out, const char *name,
                                         const int have[3], const int want[3],
                                         bool fit);
/* Slice k of the volume, (channels, have[1], have[2]), to its place in the
 * solid (channels, want[0], want[1], want[2]); nothing where it lies outside.
 * What no slice gives is left as it is: zeros, if the memory was. */
void uni_solid_put(double *solid, const uni_solid_fit *f, int channels,
                   const double *slice, int k);
/* The way back: slice k of the volume from a solid; where there is nothing
 * outside[c], shape (channels). */
void uni_solid_get(double *slice, const uni_solid_fit *f, int channels,
                   const double *solid, const double *outside, int k);
/* The same of labels, 0 where there is nothing. */
void uni_solid_label(uint8_t *slice, const uni_solid_fit *f,
                     const uint8_t *solid, int k);

typedef struct uni_solid {
    uni_solid_fit fit;
    int channels;
    double *pixel;          /* (channels, want[0], want[1], want[2]), 0..255 */
    uni_geometry geometry;
    uni_slicing slicing;
    uni_values values;      /* to be told: uni_values_say                    */
} uni_solid;

/* Reads FILE or FILE:volume=V, whatever uni_volume_open takes.  channels: 1, or
 * 3 of a volume of colours; size: depth, height, width that the network takes;
 * images: what the model says, or NULL; fit: see uni_solid_place.  The size is
 * checked before a voxel is read.
 *   errors  those of volume.h; CKKS_EARG  no volume, a slice is named, other
 *           channels, another size without fit; CKKS_EMEM */
CKKS_CHECKED ckks_status uni_solid_open(uni_solid *out, const char *path,
                                        int channels, const int size[3],
                                        const nn_images *images, bool fit);
/* label (want[0], want[1], want[2]) as uni_mask_save writes it, on the voxels
 * of the volume that was opened; 0 outside of the solid. */
CKKS_CHECKED ckks_status uni_solid_save(const char *path, const uni_solid *s,
                                        const uint8_t *label);
void uni_solid_clear(uni_solid *s);

#endif
