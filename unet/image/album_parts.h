/* album_parts.h -- private to libunet: what the files share that make
 * albums: album.c (images), album_open.c (which there are), album_volume.c.
 */
#ifndef UNET_ALBUM_PARTS_H
#define UNET_ALBUM_PARTS_H

#include "image/album.h"
#include "image/codec.h"

struct album_file {
    bool many;
    uni_idx idx;            /* if many and any image of it was asked for     */
    uni_place place;        /* the file's name, and what of it was named     */
};

/* Where an image comes from. */
struct album_place {
    size_t file, index;     /* index: in an IDX file; the slice of a volume  */
    size_t volume;          /* number of it and 1 more; 0: none              */
    uni_image kept;         /* as it is wanted; pixel NULL: not kept         */
    uni_values *values;     /* of a picture of more than 8 bits; NULL: none  */
};

/* Volumes as they were decoded, the last of them last. */
struct album_held {
    size_t count, bytes;
    uni_volume volume[UNET_ALBUM_VOLUMES];
};

uni_image_want uni_album_want(const uni_album *album, size_t i);

/* Image i as it is wanted, read anew; *values: of a picture of more than 8
 * bits, else its voxels are 0. */
ckks_status uni_album_fetch(uni_image *out, uni_values *values,
                            const uni_album *album, size_t i);

/* Whether a file is a volume; then, how many images it gives, and *volume, the
 * number of it and 1 more. */
ckks_status uni_album_volume_add(uni_album *album, size_t file, size_t *images,
                                 size_t *volume);
/* Its voxels are read and checked once, and the rule for its values made. */
ckks_status uni_album_volume_look(uni_album *album, size_t volume);
/* The slice of image i. */
ckks_status uni_album_volume_slice(uni_image *out, const uni_album *album,
                                   size_t i);
void uni_album_held_clear(struct album_held *held);

#endif
