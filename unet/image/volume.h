/* volume.h -- private to libunet and the command: volumes, how slices are taken
 * from one, and how masks of the slices become a volume again.
 *
 *   uni_volume v = {0};                      uni_slicing s;  uni_values r;
 *   uni_volume_open(&v, "t1.nii.gz", -1)     header, then voxels, once
 *   uni_slicing_make(&s, &v.geometry, images)
 *   uni_values_make(&r, &v, images)          one rule for the whole volume
 *   uni_slice(&image, &v, &s, &r, k)         k = 0 .. s.slices - 1
 *
 * and on the side of the owner, who keeps geometry and slicing as JSON:
 *
 *   uni_mask_init(&m, &geometry, &s)
 *   uni_mask_put(&m, mask, k)                of every slice there is
 *   uni_mask_save("mask.nii.gz", &m)         lies on the input, voxel by voxel
 *
 * Axes of patients are R, A, S: to the right, to the front, to the head.  All
 * that comes from a file is untrusted: sizes are multiplied with care, affines
 * are finite and have an inverse, before a voxel is looked at.
 */
#ifndef UNET_VOLUME_H
#define UNET_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/json.h"
#include "image/image.h"
#include "nn.h"

/* ---- what a path names (place.c) ----------------------------------------- */

/* FILE, FILE:slice=K, FILE:volume=V, FILE:volume=V:slice=K. */
typedef struct uni_place {
    char *file;
    int slice, volume;      /* -1: not said                                  */
} uni_place;
/* errors  CKKS_EARG  no number, or one beyond the caps; CKKS_EMEM */
CKKS_CHECKED ckks_status uni_place_init(uni_place *out, const char *path);
void uni_place_clear(uni_place *place);

/* ---- where a volume lies (geometry.c, orient.c) -------------------------- */

/* All that a mask of the volume is written with.  Other readers than NIfTI's
 * fill it by uni_geometry_set. */
typedef struct uni_geometry {
    int n[3];               /* stored sizes, the first axis fastest; >= 1    */
    double affine[3][4];    /* stored (i, j, k, 1) -> R, A, S                */
    double unit;            /* mm a unit of the affine: 1; 1000, 0.001       */
    bool unplaced, unspaced;    /* the file says no directions, no spacing:
                               those of the affine are made up, and what a
                               model wants of them holds                     */
    /* NIfTI's own fields, finite; what is not used and was not is 0 */
    int version;            /* 1 or 2                                        */
    int rank;               /* 2..7; dimensions beyond the third are 1       */
    int qform, sform;       /* codes                                         */
    int units;              /* xyzt_units                                    */
    double pixdim[8];
    double quatern[3], offset[3];
    double srow[3][4];
} uni_geometry;

/* Of a volume of n[0] x n[1] x n[2] voxels with this affine in mm: NIfTI-1,
 * sform and, where the axes are at right angles, qform; both codes 1 (scanner).
 *   errors  CKKS_EFORMAT  not finite, no inverse, a voxel's side outside
 *                         1e-6..1e6 mm, a size outside 1..32767 */
CKKS_CHECKED ckks_status uni_geometry_set(uni_geometry *out, const char *name,
                                          const int n[3],
                                          const double affine[3][4]);

/* An affine that can be used; as above.
 *   errors  CKKS_EFORMAT */
CKKS_CHECKED ckks_status uni_geometry_check(const uni_geometry *g,
                                            const char *name);

/* "RAS", "LPI" ...: where each stored axis goes, as nibabel's aff2axcodes. */
void uni_geometry_axes(char out[4], const uni_geometry *g);
/* Distance of neighbours along a stored axis, in mm. */
double uni_geometry_spacing(const uni_geometry *g, int axis);

/* ---- voxels (volume.c, formats.c) ---------------------------------------- */

typedef enum uni_voxel {
    UNI_U8 = 0, UNI_I8, UNI_U16, UNI_I16, UNI_U32, UNI_I32, UNI_U64, UNI_I64,
    UNI_F32, UNI_F64,
    UNI_RGB                 /* three bytes: red, green, blue                 */
} uni_voxel;

typedef struct uni_volume {
    char *name;             /* the file's, or the folder's; for messages too */
    uni_geometry geometry;
    int volumes, volume;    /* of a 4-D file how many, and which this is     */
    uni_voxel type;
    int bits;               /* of an integer type in use; 0: all (DICOM: bits
                               stored), for values "full"                    */
    double full;            /* of floats the largest there may be, the least
                               being 0, for values "full"; 0: not known      */
    double slope, inter;    /* value = slope x stored + inter; finite        */
    bool padded;            /* stored values pad[0]..pad[1] of an integer type
                               are no data                                   */
    int pad[2];
    const uint8_t *voxel;   /* (n[2], n[1], n[0]), in the machine's byte order,
                               not aligned; NULL: only the header was read   */
    uint8_t *memory;        /* malloc: what voxel points into                */
} uni_volume;

/* Whether a path names a volume: by the first bytes of a file or its pair, or
 * what a folder holds. */
bool uni_volume_is(const char *path);

/* Reads the header alone: all but voxel, memory.  path is without ":slice=" and
 * ":volume="; volume: which of a 4-D file, from 0; -1: not said.
 *   errors  CKKS_EIO      the file cannot be read
 *           CKKS_EFORMAT  refused, with the way out
 *           CKKS_EARG     a volume that is not there, or not named where there
 *                         are several */
CKKS_CHECKED ckks_status uni_volume_look(uni_volume *out, const char *path,
                                         int volume);
/* The same and the voxels.  Memory: the file's bytes and those of a volume. */
CKKS_CHECKED ckks_status uni_volume_open(uni_volume *out, const char *path,
                                         int volume);
void uni_volume_clear(uni_volume *v);

/* Bytes of a stored voxel; of a whole volume's voxels. */
int uni_voxel_bytes(uni_voxel type);
size_t uni_volume_bytes(const uni_volume *v);

/* A format of volumes; uni_volume_formats (formats.c) lists them, the first
 * that says yes reads the path.  Another reader adds its line there. */
typedef struct uni_volume_format {
    /* head: the first n bytes of a file; of a folder n = 0 */
    bool (*is)(const char *path, const uint8_t *head, size_t n);
    /* As uni_volume_look, and with voxels as uni_volume_open; *out is all zero
     * before, and cleared by the caller after a failure too.  It sets all but
     * name.  Before voxels are read the size is checked (uni_volume_check). */
    ckks_status (*read)(uni_volume *out, const char *path, int volume,
                        bool voxels);
} uni_volume_format;

/* The caps: UNET_VOLUME_VOXELS, UNET_IMAGE_SIDE an axis.
 *   errors  CKKS_EFORMAT */
CKKS_CHECKED ckks_status uni_volume_check(const char *name, const int n[3]);

/* ---- slices (slicing.c, resample.c) -------------------------------------- */

/* How slices lie in a volume.
 *
 *   axial     rows to the back, columns to the right, slices to the head
 *   coronal   rows to the feet, columns to the right, slices to the front
 *   sagittal  rows to the feet, columns to the back, slices to the right
 *
 * A slice has n x n' stored pixels; the image of it height x width, which
 * differs where it is resampled: pixel y of the image has its centre at stored
 * pixel (y + 1/2 - height / 2) step + n / 2 - 1/2. */
typedef struct uni_slicing {
    nn_plane plane;         /* never NN_PLANE_ANY                            */
    int axis[3];            /* stored axis along slices, rows, columns       */
    bool flip[3];           /* walked from its end                           */
    int slices, rows, columns;      /* stored sizes along them               */
    int height, width;      /* of an image                                   */
    double step_y, step_x;  /* stored pixels a pixel of the image; 1: as is  */
    double spacing[3];      /* of stored pixels, mm, along slices, rows,
                               columns; these two 0: not known               */
} uni_slicing;

/* images: what the model says (its plane, or of none the third stored axis';
 * its spacing); NULL, or not given: nothing.
 *   errors  CKKS_EARG  a volume of a single slice in another plane; an image
 *                      that would be beyond the caps */
CKKS_CHECKED ckks_status uni_slicing_make(uni_slicing *out, const char *name,
                                          const uni_geometry *g,
                                          const nn_images *images);
/* For models of one size: images of whole multiples become height x width by
 * means of boxes (--fit).  No change if they are that.
 *   errors  CKKS_EARG  no whole multiple, or resampled already */
CKKS_CHECKED ckks_status uni_slicing_fit(uni_slicing *s, const char *name,
                                         int height, int width);
/* "axial", "coronal", "sagittal", "any". */
const char *uni_plane_name(nn_plane plane);
/* How far the stored spacing is from what the model wants, the larger of both
 * directions: 0.05 is 5 %; 0 if the model says none.  What is within 1 % is
 * taken as it is, what is further is resampled; up to 10 % is for a warning,
 * more for a line that says so. */
double uni_slicing_off(const uni_slicing *s, const nn_images *images);

/* ---- values (values.c) --------------------------------------------------- */

/* How the values of a volume (or of a picture of more than 8 bits) become
 * 0..255, and what is to be said about them.  Values outside least..most are no
 * data and become 0; docs/conventions.md, "Volumes", has the rule. */
typedef struct uni_values {
    double low, high;       /* become 0 and 255; equal: all becomes 0        */
    double least, most;     /* data                                          */
    /* to be told */
    nn_values rule;
    double lowest, highest; /* of the data                                   */
    double share;           /* of low..high that they cover, 0..1            */
    size_t voxels, fill;    /* all; those that are no data                   */
    double fill_low, fill_high;     /* the fill values; NAN: none such       */
    size_t background;      /* voxels of a value that the percentiles leave
                               out, since it is nearly all of the volume     */
    double format;          /* of a picture the largest sample there may be, of
                               which less than 1/8 is odd; 0: a volume       */
    bool two;               /* only two values occur among the pixels        */
    bool zero;              /* all pixels are 0                              */
} uni_values;

/* images: the model's rule; NULL, or not given: percentiles 1 and 99.5.
 *   errors  CKKS_EFORMAT  integers that a double does not hold; CKKS_EMEM */
CKKS_CHECKED ckks_status uni_values_make(uni_values *out, const uni_volume *v,
                                         const nn_images *images);
/* Whether something is to be said: less than 1/8 of low..high (of a picture
 * also of its format) used, two values
 * only, all 0, fill found. */
bool uni_values_odd(const uni_values *r);
/* What is to be said, one line without a name: "values -1000..400 ...". */
void uni_values_say(char *out, size_t size, const uni_values *r);

/* Slice k as an image, grey (or of UNI_RGB colour), values 0..255.
 *   errors  CKKS_EARG  k; CKKS_EMEM */
CKKS_CHECKED ckks_status uni_slice(uni_image *out, const uni_volume *v,
                                   const uni_slicing *s,
                                   const uni_values *values, int k);

/* ---- masks (mask.c, mask_nifti.c) ---------------------------------------- */

typedef struct uni_mask {
    uni_geometry geometry;
    uni_slicing slicing;
    uint8_t *voxel;         /* (n[2], n[1], n[0]); 0 before anything is put  */
} uni_mask;

/* errors  CKKS_EMEM */
CKKS_CHECKED ckks_status uni_mask_init(uni_mask *out, const uni_geometry *g,
                                       const uni_slicing *s);
/* label: (height, width) of the slicing, any bytes (0/1, or 0..K-1), put on the
 * stored pixels of slice k by nearest neighbour.
 *   errors  CKKS_EARG  k */
CKKS_CHECKED ckks_status uni_mask_put(uni_mask *m, const uint8_t *label,
                                      int k);
/* NIfTI of uint8 with the geometry's fields as they are; path ends in .nii or
 * .nii.gz.  The file appears whole or not at all.
 *   errors  CKKS_EARG  another ending; CKKS_EIO; CKKS_EMEM */
CKKS_CHECKED ckks_status uni_mask_save(const char *path, const uni_mask *m);
void uni_mask_clear(uni_mask *m);

/* ---- labels from files (label_file.c) ------------------------------------ */

/* Labels that somebody drew, by the numbers a file holds, none scaled: of one
 * class (labels 0) 0, and 1 or 255 for the foreground; of several 0..labels-1.
 *
 *   picture  PNG (grey, or a palette's numbers), PGM: label (height, width)
 *   volume   on the grid g, its corners within half a voxel: label in the order
 *            of the stored voxels
 *
 *   errors   CKKS_EFORMAT  another number, with its place; those of readers
 *            CKKS_EARG     another size; another grid */
CKKS_CHECKED ckks_status uni_labels_picture(uint8_t *label, const char *path,
                                            int height, int width,
                                            int labels);
CKKS_CHECKED ckks_status uni_labels_volume(uint8_t *label, const char *path,
                                           const uni_geometry *g, int labels);

/* ---- the record that the owner keeps (geometry_json.c) ------------------- */

/* One object: {"shape": [..], "affine": [..], ..., "plane": "axial",
 * "height": 200, "width": 200, "step": [1, 1]}.  Numbers are written so that
 * they are read back as they were. */
void uni_geometry_put(nni_json_writer *w, const char *key,
                      const uni_geometry *g, const uni_slicing *s);
/* Strict: no key missing or unknown, all ranges checked, the axes taken anew
 * from the affine.  what: for messages.
 *   errors  CKKS_EFORMAT */
CKKS_CHECKED ckks_status uni_geometry_get(uni_geometry *g, uni_slicing *s,
                                          const nni_json *doc,
                                          const nni_json_node *node,
                                          const char *what);

#endif
