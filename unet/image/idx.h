/* idx.h -- IDX files, the format of MNIST: many images, or labels, in one file.
 *
 *   offset  bytes
 *        0      4  0, 0, 8 (unsigned bytes), rank N
 *        4    4 N  the sizes, big-endian: n | n, H, W | n, H, W, 3
 *    4 + 4N        the bytes, the last index fastest; nothing follows
 *
 * Rank 1 holds labels, rank 3 grey images, rank 4 colour; plain or gzipped.
 * Untrusted like every file: sizes are checked against the file before memory
 * is taken.
 */
#ifndef UNET_IDX_H
#define UNET_IDX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/image.h"
#include "nn.h"

typedef struct uni_idx {
    int rank;               /* 1, 3 or 4                                     */
    size_t count;           /* >= 1                                          */
    int channels, height, width;        /* of an image; of labels 1, 1, 1    */
    uint8_t *data;          /* as in the file                                */
} uni_idx;

/* The first bytes, of a plain file, say so: 0, 0, a type, a rank. */
bool uni_is_idx(const uint8_t *in, size_t size);

/* name is for messages.
 *   errors  CKKS_EFORMAT  bytes refused, with the numbers; no image in it
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status uni_idx_decode(uni_idx *out, const char *name,
                                         const uint8_t *in, size_t size);
/* Of a file, the images of which are wanted so (NULL: any), and at most so many;
 * of another the first bytes are read alone.  Colours whose channels are equal
 * are grey where that is wanted.  Labels are taken whatever is wanted.
 *   errors  CKKS_EIO   the file cannot be read
 *           CKKS_EARG  not what is wanted */
CKKS_CHECKED ckks_status uni_idx_load(uni_idx *out, const char *path,
                                       const uni_image_want *want,
                                       size_t most);
void uni_idx_clear(uni_idx *idx);

/* Image i < count as out (channels, height, width). */
void uni_idx_image(double *out, const uni_idx *idx, size_t i);

#endif
