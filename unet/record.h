/* record.h -- what the owner keeps of the images of a request: what they were
 * called, what names their pixels, which volumes they are slices of, and how
 * values became pixels.
 *
 * It lies beside the request, folder/IDENTITY.json (mode 0600), and is for the
 * owner alone: nothing of it enters a file of ciphertexts.  A request without
 * one is as good; its results are called by their numbers.
 *
 *     { "format": "volley-images-1",
 *       "images": [ { "name": "in/a.png", "pixels": "16 bytes in hex" }, ... ],
 *       "volumes": [ { "name": "v.nii.gz", "first": 0, "images": 20,
 *                      "slice": 0, "geometry": { ... } } ],
 *       "values": { "rule": "window", "low": -100, "high": 300 } }
 *
 * A volume's images are slices `slice` and those that follow, as images `first`
 * and those that follow; its geometry is what a mask is written with
 * (image/volume.h).
 * The values are those that were asked for in place of the model's; volumes and
 * values are left out where there are none.
 *
 * Reading is strict, as of any file: other members, another number of images,
 * names that a terminal would act upon are refused.
 */
#ifndef UNET_RECORD_H
#define UNET_RECORD_H

#include "image/volume.h"
#include "unet.h"

enum { UNI_RECORD_NAME = 512 };     /* bytes of a name that are kept         */

typedef struct uni_record_image {
    char *name;                     /* as it was given, NULL: not known      */
    uint8_t pixels[UNET_ID];        /* uni_record_pixels                     */
} uni_record_image;

typedef struct uni_record_volume {
    char *name;                     /* as it was given                       */
    size_t first, count;            /* its images, count >= 1                */
    int slice;                      /* that is the first of them             */
    uni_geometry geometry;
    uni_slicing slicing;
} uni_record_volume;

typedef struct uni_record {
    size_t images, volumes;
    uni_record_image *image;        /* shape (images)                        */
    uni_record_volume *volume;      /* shape (volumes), by their first image */
    bool asked;                     /* for values: other than the model's    */
    nn_values rule;
    double low, high;
} uni_record;

/* BLAKE2b-128 of the sides and of the pixels (channels, height, width) as the
 * packing takes them.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status uni_record_pixels(uint8_t out[UNET_ID],
                                           const double *pixel, int channels,
                                           unet_size size);

/* Room for so many images without names.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status uni_record_init(uni_record *out, size_t images);
/* Keeps the last bytes of a name, what a terminal acts upon as '_'.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status uni_record_name(uni_record *r, size_t image,
                                         const char *name);
/* Adds a volume; its images follow those of the one before, or later.
 *   errors  CKKS_EMEM; CKKS_EARG  images or slices beyond the last; images of
 *                                 another volume */
CKKS_CHECKED ckks_status uni_record_add(uni_record *r, const char *name,
                                        size_t first, size_t count, int slice,
                                        const uni_geometry *geometry,
                                        const uni_slicing *slicing);
void uni_record_clear(uni_record *r);

/* To the file folder/IDENTITY.json and back.
 *   errors  CKKS_EIO      the file cannot be written or read
 *           CKKS_EFORMAT  not such a file, or not of so many images
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status uni_record_save(const char *folder,
                                         const uint8_t id[UNET_ID],
                                         const uni_record *r);
/* No such file: CKKS_OK, and no image. */
CKKS_CHECKED ckks_status uni_record_load(uni_record *out, const char *folder,
                                         const uint8_t id[UNET_ID],
                                         size_t images);
/* The same to bytes, malloc, and from bytes; name is for messages. */
CKKS_CHECKED ckks_status uni_record_encode(uint8_t **out, size_t *size,
                                           const uni_record *r);
CKKS_CHECKED ckks_status uni_record_decode(uni_record *out, const char *name,
                                           const uint8_t *in, size_t size,
                                           size_t images);

#endif
