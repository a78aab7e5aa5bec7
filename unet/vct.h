/* vct.h -- private to libunet: what reading and writing files of ciphertexts
 * share.  The format is in unet.h.
 */
#ifndef UNET_VCT_H
#define UNET_VCT_H

#include "unet.h"

enum { VCT_VERSION = 1, VCT_HEAD = 40, VCT_ENTRY = 8, VCT_DIGEST = 16,
       VCT_LENGTH = 8 };

/* CKKS_EIO: "doing path: the system's reason" */
ckks_status uni_vct_fail(const char *doing, const char *path, int e);

/* A copy of path with a suffix; malloc. */
char *uni_vct_name(const char *path, const char *suffix);

/* Room for size bytes in a buffer that only grows. */
ckks_status uni_vct_room(uint8_t **buffer, size_t *capacity, size_t size);

/* Ciphertexts a set. */
int uni_vct_per_set(const nn_plan *p, unet_kind kind);

#endif
