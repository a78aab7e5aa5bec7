/* nifti.h -- private to libunet: what the readers of NIfTI share.
 *
 *   nifti.c            what stands where in a header
 *   nifti_geometry.c   the part of it that says where the volume lies
 *   nifti_words.c      numbers
 *   nifti_read.c       bytes, gzipped or not: the header, the voxels
 *   nifti_file.c       files, of one part or two
 *   mask_nifti.c       writes masks
 */
#ifndef UNET_NIFTI_H
#define UNET_NIFTI_H

#include "image/codec.h"
#include "image/volume.h"

enum { NIFTI_HEADER = 348, NIFTI_HEADER_2 = 540 };

/* Where fields stand, by the version. */
typedef struct nifti_layout {
    char version;
    int header;                     /* its bytes, and its first word         */
    int first;                      /* where the voxels of one file may begin */
    int magic, dim, type, bits, pixdim, offset, slope, inter, units;
    int qform, sform;
    int quatern, srow;              /* b, c, d, three offsets; rows of four  */
    int dim_bytes, real, code;      /* bytes of a size, a float, a form code */
} nifti_layout;

extern const nifti_layout uni_nifti_layouts[2];

/* Of which version a file is, by its first 8 bytes; NULL: it is no NIfTI. */
const nifti_layout *uni_nifti_version(const uint8_t *in, size_t size);

/* What a header says about the voxels' bytes. */
typedef struct nifti_head {
    bool swapped;                   /* big-endian file                       */
    bool pair;                      /* the voxels are in a file of their own */
    uint64_t offset;                /* of the first voxel                    */
    uint64_t before;                /* bytes of the volumes before the chosen */
    uint64_t all;                   /* of all volumes                        */
} nifti_head;

/* Words and floats (of 4 or 8 bytes) of the file's byte order. */
uint64_t uni_nifti_word(const uint8_t *in, int bytes, bool big);
int64_t uni_nifti_integer(const uint8_t *in, int bytes, bool big);
double uni_nifti_float(const uint8_t *in, int bytes, bool big);

/* in: as many bytes as the header has.  *out: all but name and voxels. */
ckks_status uni_nifti_header(uni_volume *out, nifti_head *h,
                             const nifti_layout *l, const char *name,
                             const uint8_t *in, int volume);
/* The fields of *g, of which n and rank are there. */
ckks_status uni_nifti_geometry(uni_geometry *g, const nifti_layout *l,
                               const char *name, const uint8_t *in, bool big);

/* Of a file's first bytes, plain or gzipped. */
ckks_status uni_nifti_read_head(uni_volume *out, nifti_head *h,
                                const char *name, const uint8_t *in,
                                size_t size, int volume);
/* out->voxel.  in: the file that holds the voxels, whole. */
ckks_status uni_nifti_voxels(uni_volume *out, const nifti_head *h,
                             const char *name, const uint8_t *in, size_t size);

#endif
