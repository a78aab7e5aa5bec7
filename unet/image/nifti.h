/* nifti.h -- private to libunet: what nifti.c (headers) and nifti_window.c
 * (voxels) share.
 */
#ifndef UNET_NIFTI_H
#define UNET_NIFTI_H

#include "image/codec.h"

typedef struct nifti_head {
    bool swapped;               /* big-endian file                           */
    bool pair;                  /* the voxels are in a file of their own     */
    int nx, ny, nz;
    int type, bytes;            /* NIfTI datatype, bytes a voxel             */
    size_t offset;              /* of the first voxel                        */
    double slope, inter;
    bool flip_x, flip_y;        /* to have left and anterior first           */
} nifti_head;

/* Words and floats (of 4 or 8 bytes) of the file's byte order. */
uint64_t uni_nifti_word(const uint8_t *in, int bytes, bool big);
double uni_nifti_float(const uint8_t *in, int bytes, bool big);

/* The slice as an image; in: all voxels. */
ckks_status uni_nifti_image(uni_image *out, const char *name,
                            const nifti_head *h, const uint8_t *in, int slice);

#endif
