/* codec.h -- private to libunet: one pair of functions a file format, and what
 * is no image. */
#ifndef UNET_CODEC_H
#define UNET_CODEC_H

#include <stdbool.h>

#include "image/image.h"
#include "image/volume.h"

ckks_status uni_pnm_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size,
                            const uni_image_want *want);
ckks_status uni_png_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size,
                            const uni_image_want *want);

/* Gives a volume its name. */
ckks_status uni_volume_call(uni_volume *v, const char *name);

/* A format of volumes (volume.h). */
bool uni_nifti_is(const char *path, const uint8_t *head, size_t n);
ckks_status uni_nifti_read(uni_volume *out, const char *path, int volume,
                           bool voxels);
/* From bytes, of one file or (other not NULL) of two, the header's first. */
ckks_status uni_nifti_decode(uni_volume *out, const char *name,
                             const uint8_t *in, size_t size,
                             const uint8_t *other, size_t other_size,
                             int volume);

/* By the first bytes, plain or gzipped. */
typedef enum uni_nifti_part {
    UNI_NIFTI_NONE,             /* no NIfTI                                  */
    UNI_NIFTI_WHOLE,            /* a volume in one file                      */
    UNI_NIFTI_PAIR,             /* the header of a pair                      */
    UNI_NIFTI_BROKEN            /* Analyze, or what is refused, or gzip      */
} uni_nifti_part;
uni_nifti_part uni_nifti_kind(const uint8_t *in, size_t size);

/* A picture of three channels as grey, if in no pixel they are further apart
 * than that: where they are equal their value, else that of Rec. 601.
 *   errors  CKKS_EARG  colour: left as it was */
ckks_status uni_image_grey(uni_image *image, const char *name, double apart,
                           const uni_image_want *want);

/* The values of a picture of more than 8 bits (most > 255), by the model's
 * rule; images NULL: by the range of the format, or of the bits in use where no
 * sample is beyond these. */
ckks_status uni_image_values(uni_values *out, uni_image *image,
                             const nn_images *images);

/* The sizes in a header; false if the first bytes do not tell. */
bool uni_pnm_shape(uni_shape *out, const uint8_t *in, size_t size);
bool uni_png_shape(uni_shape *out, const uint8_t *in, size_t size);

/* ---- the first bytes (image_want.c) -------------------------------------- */

/* uni_image_check, as far as the first bytes tell. */
ckks_status uni_image_look(const char *name, const uint8_t *head, size_t size,
                           const uni_image_want *want);
/* Whether a name ends as one of an image does; DICOM files have any name. */
bool uni_image_named(const char *name);
/* Whether they begin a file of a format that is read. */
bool uni_image_known(const uint8_t *in, size_t size);
/* More than any file of such an image has. */
enum { UNI_MOST_VOLUME = 1 << 30 };     /* of which a slice is the image     */
size_t uni_image_most_bytes(const uint8_t *head, size_t size,
                            const uni_image_want *want);

/* A regular file of at most so many bytes; else a refusal in words.
 *   errors  CKKS_EIO */
ckks_status uni_file_check(const char *path, size_t most);
/* As ckks_file_read and ckks_file_write, with the refusal in words. */
ckks_status uni_file_read(uint8_t **out, size_t *size, const char *path,
                          size_t most);
ckks_status uni_file_write(const char *path, const uint8_t *in, size_t size);

/* ---- a slice of a volume as an image (volume_image.c) -------------------- */

/* Of a volume that was opened, as no model asks for it.  slice -1: the only one
 * there is.  *out is cleared by the caller after a failure too.
 *   errors  CKKS_EARG  not what is wanted; a slice that is not there, or not
 *                      named where there are several */
ckks_status uni_volume_image(uni_image *out, const uni_volume *v,
                             const char *name, int slice,
                             const uni_image_want *want);
/* The same from its file, the header first. */
ckks_status uni_volume_load(uni_image *out, const uni_place *place,
                            const uni_image_want *want);
/* The size of its slices and which one, before voxels are read; *slice as
 * above.  many: all may be meant by -1, which then stays. */
ckks_status uni_volume_suit(const uni_volume *v, const uni_slicing *s,
                            const char *name, int *slice, bool many,
                            const uni_image_want *want);

/* ---- files that are no image (kinds.c) ----------------------------------- */

/* Refuses what a table of first bytes knows, with what it is and the way out;
 * gzip: in was gzipped.
 *   errors  CKKS_EFORMAT */
ckks_status uni_kind_check(const char *name, const uint8_t *in, size_t size,
                           bool gzip);

/* ---- NAME.hdr and NAME.img (pair.c) -------------------------------------- */

/* Of two files that belong together, the names; free them.  Both NULL: path is
 * none of a pair.  voxels NULL: the header is to be read in place of path, and
 * its refusal is the answer.
 *   errors  CKKS_EFORMAT  the other one is not there */
ckks_status uni_pair_find(char **header, char **voxels, const char *path);

/* In a folder: what stands for a pair or is a volume itself (.hdr, .img by the
 * first bytes); voxels whose header lies beside them. */
bool uni_pair_first(const char *path);
bool uni_pair_second(const char *path);

/* ---- gzip ---------------------------------------------------------------- */

bool uni_is_gzip(const uint8_t *in, size_t size);

/* The first `want` bytes of a gzip stream, of one member or several; all: it
 * must hold no more and be sound to its end, and nothing may follow.  Refused
 * beyond UNET_GZIP_FREE and UNET_GZIP_RATIO.  Free the result. */
ckks_status uni_gzip_decode(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, size_t want,
                             bool all);

/* `want` bytes from `from` on of a stream that holds all; else the same. */
ckks_status uni_gzip_part(uint8_t **out, const char *name, const uint8_t *in,
                          size_t size, uint64_t from, size_t want,
                          uint64_t all);
/* One member; free *out. */
ckks_status uni_gzip_encode(uint8_t **out, size_t *size, const char *name,
                            const uint8_t *in, size_t in_size);

/* The same by deflate.c, whatever else there is. */
ckks_status uni_gzip_pack(uint8_t **out, size_t *size, const char *name,
                          const uint8_t *in, size_t in_size);

/* sample: (height, width, channels), one byte each.  labels > 0: numbers of so
 * many colours of uni_palette, one channel.  Free the result. */
ckks_status uni_pnm_encode(uint8_t **out, size_t *size, const uint8_t *sample,
                            int channels, int height, int width);
ckks_status uni_png_encode(uint8_t **out, size_t *size, const uint8_t *sample,
                            int channels, int height, int width, int labels);

bool uni_is_png(const uint8_t *in, size_t size);
bool uni_is_pnm(const uint8_t *in, size_t size);
bool uni_is_jpeg(const uint8_t *in, size_t size);
bool uni_is_nifti(const uint8_t *in, size_t size);

#endif
