/* album.h -- many images from files, folders, lists and IDX files, one after
 * the other.
 *
 * An album knows the name and the size of every image and keeps few of them:
 * IDX files as their bytes, the first images of other files as far as they fit
 * into UNET_ALBUM_KEEP numbers; the rest is read again when it is asked for.
 */
#ifndef UNET_ALBUM_H
#define UNET_ALBUM_H

#include <stdbool.h>

#include "image/idx.h"
#include "image/image.h"
#include "image/volume.h"
#include "unet.h"

enum { UNET_ALBUM_KEEP = 1 << 23 };

/* Volumes are held as they were decoded, so many bytes and so many of them, one
 * at least; beyond that they are decoded again when their slices are asked for.
 * While one is decoded its file is in memory too. */
enum { UNET_ALBUM_HOLD = 1 << 29, UNET_ALBUM_VOLUMES = 16 };

/* ---- names (album_names.c) ---------------------------------------------- */

typedef struct uni_names {
    char **name;            /* shape (count)                                 */
    size_t count, room;
    size_t skipped;         /* files in folders that are no images           */
    char *other;            /* the first of them, NULL: none                 */
} uni_names;

/* The files that arguments name, in their order:
 *
 *   @FILE   what its lines name, a path a line; the mark of UTF-8, blanks
 *           behind a path, empty lines and those that begin with # are passed
 *           by; no line begins with @
 *   folder  of DICOM slices: itself, which is a volume.  Others: the files in
 *           it whose names end in .pgm .ppm .png .jpg .jpeg .nii .nii.gz
 *           (capitals too), headers of NIfTI pairs and DICOM files with
 *           pixels, by the bytes of their names; others are skipped and
 *           counted, hidden ones and the .img of pairs only skipped
 *   other   itself, whether there is such a file or not
 *
 *   errors  CKKS_EIO      a folder or list that cannot be read; a folder, a
 *                         pipe or a device in a folder that is called an image
 *           CKKS_EARG     nothing in a folder or list; over UNET_MAX_IMAGES
 *           CKKS_EFORMAT  a list that is no text, or a line of it */
CKKS_CHECKED ckks_status uni_names_init(uni_names *out,
                                         const char *const *arg, size_t args);
void uni_names_clear(uni_names *names);

/* ---- images (album.c) --------------------------------------------------- */

/* What is wanted of the images. */
typedef struct uni_album_aim {
    int channels;           /* 1 or 3; others are refused                    */
    int height, width;      /* of every image; 0, 0: any                     */
    bool fit;               /* whole multiples are averaged down in boxes    */
    size_t first, count;    /* of all images those; count SIZE_MAX: the rest */
    unet_decoder *jpeg;     /* NULL: JPEG files are refused                  */
    const unet_size *size;  /* shape (sizes): of image i, in place of height */
    size_t sizes;           /* and width; NULL: none                         */
    const nn_images *images;    /* what the model says; NULL: nothing        */
    bool raw;               /* numbers as they are stored (uni_image_want)   */
} uni_album_aim;

/* A volume some slices of which are images: all of them, or one that was named.
 * Slices are numbered as volume.h has it. */
typedef struct uni_album_volume {
    size_t file;            /* number of its argument, in names              */
    const char *name;       /* as it was named, without :slice= and :volume= */
    size_t first, count;    /* its images                                    */
    int slice;              /* the one that was named; -1: all               */
    int volume, volumes;    /* of a 4-D file                                 */
    bool colour;            /* stored as colours                             */
    uni_geometry geometry;
    uni_slicing slicing;
    uni_values values;
} uni_album_volume;

/* Where an image comes from. */
typedef struct uni_album_source {
    const char *file;       /* as it was named, without :slice= and :volume= */
    int slice;              /* of a volume; -1: none                         */
    const uni_album_volume *volume;     /* NULL: none                        */
    const uni_values *values;   /* of a volume or a picture of more than 8
                                   bits; NULL: pixels are the file's         */
} uni_album_source;

struct album_file;
struct album_place;
struct album_held;

typedef struct uni_album {
    size_t images;
    unet_size *size;        /* shape (images)                                */
    size_t all;             /* images before first and count                 */
    uni_names names;
    uni_album_volume *volume;   /* shape (volumes)                           */
    size_t volumes;
    /* private */
    uni_album_aim aim;
    nn_images images_of;    /* what aim.images says                          */
    struct album_file *file;
    struct album_place *place;
    size_t kept;            /* numbers                                       */
    struct album_held *held;
    uni_image current;     /* for uni_album_pixels                         */
} uni_album;

/* Reads and checks every image that was asked for.
 *   errors  those of the loaders and of uni_names_init; CKKS_EARG  no image;
 *           fewer than first and count ask for; other channels or another size
 *           than wanted */
CKKS_CHECKED ckks_status uni_album_open(uni_album *out,
                                         const char *const *arg, size_t args,
                                         const uni_album_aim *aim);
void uni_album_clear(uni_album *album);

/* Image i as it is wanted; clear it.  A file that has changed since is
 * refused. */
CKKS_CHECKED ckks_status uni_album_image(uni_image *out,
                                          const uni_album *album, size_t i);
uni_album_source uni_album_source_of(const uni_album *album, size_t i);
/* "FILE", "FILE:slice=K" for a slice of a volume, "FILE#K" for image K of an
 * IDX file; malloc, NULL: no memory. */
char *uni_album_name(const uni_album *album, size_t i);
/* All of them, one at a time; the album must outlive it. */
unet_pixels uni_album_pixels(uni_album *album);

/* ---- warnings (album_say.c) ---------------------------------------------- */

enum { UNI_ALBUM_LINE = 1024 };
/* A line without its end, at most UNI_ALBUM_LINE bytes with the zero. */
typedef void uni_album_teller(void *user, const char *line);

/* Of one volume, up to the eighth: pixels 1 to 10 % apart from what the model of
 * that name says of its images. */
void uni_album_say_spacing(const uni_album *album, size_t volume,
                           const char *model, const nn_images *images,
                           uni_album_teller *tell, void *user);
/* Values that are odd (uni_values_odd) of the first eight volumes or pictures,
 * and how many more there are. */
void uni_album_say_values(const uni_album *album, uni_album_teller *tell,
                          void *user);

/* ---- sizes --------------------------------------------------------------- */

/* out = in with sides of height x width, of which in's are whole multiples:
 * means of boxes.
 *   errors  CKKS_EARG  other sides; CKKS_EMEM */
CKKS_CHECKED ckks_status uni_image_shrink(uni_image *out,
                                           const uni_image *in, int height,
                                           int width);

#endif
