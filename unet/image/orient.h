/* orient.h -- private to libunet: where the axes of a volume go. */
#ifndef UNET_ORIENT_H
#define UNET_ORIENT_H

#include <stdbool.h>

/* Of each stored axis the patient's axis it goes along (0 R, 1 A, 2 S), and
 * whether against it.  No patient's axis is given twice. */
typedef struct uni_orient {
    int along[3];
    bool against[3];
} uni_orient;

/* What nibabel's io_orientation says: of the rotation next to the affine (the
 * orthogonal factor of its polar decomposition, columns made unit vectors
 * first) the largest entry of each column decides, columns in their order,
 * without the axes that are given already.
 *
 * false: not finite, a column of length 0 or beyond any number, or columns that
 * span less than 1/1000 of what they would at right angles. */
bool uni_orient_of(uni_orient *out, const double affine[3][4]);

/* The length of a column. */
double uni_orient_length(const double affine[3][4], int column);

#endif
