/* image.h -- images from files and back.
 *
 * What a file is, its first bytes say, not its name: PGM and PPM (P2, P3, P5,
 * P6), PNG and NIfTI-1 and -2, the latter in one file or two (NAME.hdr and
 * NAME.img, of which either is named), plain or gzipped in one member or
 * several; DICOM whose pixels are not compressed; JPEG, if the caller brings a decoder.
 * Every file is untrusted: the size in its header is compared with what is
 * wanted before a pixel is decoded, and one that is cut short, has surplus
 * bytes or is malformed is refused with its name and the numbers.  Surplus is
 * whatever stands behind a gzip stream, PNG's IEND and last row, JPEG's end of
 * image, and the pixels of P5 and P6 but for one line end.  A file that is no
 * image of these is refused with what it is and what makes an image of it, as
 * far as its first bytes say.
 */
#ifndef UNET_IMAGE_H
#define UNET_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Caps of this library, whatever is wanted: pixels of an image, voxels of a
 * volume, and how far a gzip stream may grow: to UNET_GZIP_FREE bytes, beyond
 * that by UNET_GZIP_RATIO, which photographs and scans do not reach. */
enum {
    UNET_IMAGE_SIDE = 65536, UNET_IMAGE_PIXELS = 1 << 24,
    UNET_VOLUME_VOXELS = 1 << 28,
    UNET_GZIP_FREE = 1 << 25, UNET_GZIP_RATIO = 64
};

typedef struct uni_image {
    int channels;           /* 1 grey, 3 red, green, blue                    */
    int height, width;
    double *pixel;          /* (channels, height, width), 0..255             */
    double most;            /* the largest sample there may be in the file,
                               which is 255 here; 0: 255                     */
    int bits;               /* of samples in use (sBIT of PNG); 0: all       */
} uni_image;

/* What is wanted of an image; zeros: any within the caps. */
typedef struct uni_image_want {
    int channels;           /* 1 or 3; 0: either                             */
    int height, width;      /* 0, 0: any                                     */
    bool fit;               /* whole multiples of these sides too            */
    const char *who;        /* for the message; NULL: "the model takes"      */
    bool raw;               /* numbers as they are stored, none scaled: of a
                               palette its numbers, one channel; PGM and PNG */
} uni_image_want;

typedef struct uni_shape {
    int channels;
    uint64_t height, width;
} uni_shape;

/* want may be NULL.
 *   errors  CKKS_EFORMAT  no pixel, or over the caps
 *           CKKS_EARG     not what is wanted */
CKKS_CHECKED ckks_status uni_image_check(const char *name,
                                         const uni_shape *shape,
                                         const uni_image_want *want);

enum { UNI_HEAD = 4096 };

/* The first bytes of a regular file, at most size of them; 0: there are none,
 * and whoever reads it whole says why. */
size_t uni_file_head(uint8_t *head, size_t size, const char *path);

/* Reads an image file.  path may end in ":slice=K" to name slice K (from 0) of
 * a volume, and in ":volume=V" one of a series; else slice is that number, or
 * -1 for none.
 *
 *   values   up to 16 bits, scaled so that the format's largest is 255; of
 *            volumes the 1st percentile is 0, the 99.5th 255
 *   channels PNG: a palette counts as colour; transparency is ignored
 *   slices   those along the third stored axis, as volume.h shows them; nothing
 *            is resampled.  What a model says of volumes, an album knows.
 *   errors   CKKS_EIO      the file cannot be read
 *            CKKS_EFORMAT  refused
 *            CKKS_EARG     a slice that is not there, or not named where the
 *                          volume has several, or named where there are none */
CKKS_CHECKED ckks_status uni_image_load(uni_image *out, const char *path,
                                         int slice);
/* The same from bytes; name is for messages. */
CKKS_CHECKED ckks_status uni_image_decode(uni_image *out, const char *name,
                                           const uint8_t *in, size_t size,
                                           int slice);
/* Decodes a whole file of one format; out is all zero before, cleared by the
 * caller after a failure too.  Before it decodes, and before it takes memory
 * by the image's size, it calls uni_image_check with want. */
typedef ckks_status unet_decoder(uni_image *out, const char *name,
                                 const uint8_t *in, size_t size,
                                 const uni_image_want *want);
/* As uni_image_load, of what is wanted (NULL: any), and JPEG by this decoder
 * (NULL: refused).  A refusal of the size, or of what is no image, reads the
 * first bytes of the file alone, of JPEG the file.
 *   channels where 1 is wanted, a picture stored as colour whose three
 *            channels are equal in every pixel is grey; of JPEG, where they are
 *            at most 2 apart (each within 1 of the middle), by Rec. 601
 *   errors  CKKS_EARG  not what is wanted, too */
CKKS_CHECKED ckks_status uni_image_read(uni_image *out, const char *path,
                                         int slice, const uni_image_want *want,
                                         unet_decoder *jpeg);
void uni_image_clear(uni_image *image);

/* For decoders: allocates out->pixel after checking the size.
 *   errors  CKKS_EFORMAT, CKKS_EMEM */
CKKS_CHECKED ckks_status uni_image_init(uni_image *out, const char *name,
                                         int channels, uint64_t height,
                                         uint64_t width);

/* out = the image with so many channels: colour becomes grey by Rec. 601
 * (0.299 R + 0.587 G + 0.114 B), grey becomes three equal channels.
 *   errors  CKKS_EARG  any other pair of numbers */
CKKS_CHECKED ckks_status uni_image_convert(uni_image *out,
                                            const uni_image *in,
                                            int channels);

/* Writing: the format is the name's ending, .pgm, .ppm or .png; the file
 * appears whole or not at all.  Values are rounded and clamped to 0..255.
 *
 *   mask     (height, width); 255 where it is not 0
 *   grey     one channel
 *   colour   three; .ppm or .png
 *   overlay  the image in grey, the mask's inside tinted, its outline red;
 *            .ppm or .png
 *   labels   (height, width), 0..labels-1: .png of indexed colours, the number
 *            is the label, its colour that of uni_palette; .pgm of the numbers
 *   label_overlay  the image in grey, labels but 0 tinted in their colours, at
 *            their outlines the colours themselves; .ppm or .png
 *
 *   errors   CKKS_EARG  a name of another ending
 *            CKKS_EIO */
CKKS_CHECKED ckks_status uni_image_save_mask(const char *path,
                                              const uint8_t *mask, int height,
                                              int width);
CKKS_CHECKED ckks_status uni_image_save_grey(const char *path,
                                              const uni_image *image);
CKKS_CHECKED ckks_status uni_image_save_colour(const char *path,
                                                const uni_image *image);
CKKS_CHECKED ckks_status uni_image_save_overlay(const char *path,
                                                 const uni_image *image,
                                                 const uint8_t *mask);

CKKS_CHECKED ckks_status uni_image_save_labels(const char *path,
                                                const uint8_t *label,
                                                int height, int width,
                                                int labels);
CKKS_CHECKED ckks_status uni_image_save_label_overlay(const char *path,
                                                       const uni_image *image,
                                                       const uint8_t *label);
/* Red, green, blue of each label. */
extern const uint8_t uni_palette[NN_MAX_LABELS][3];

#ifdef __cplusplus
}
#endif
#endif
