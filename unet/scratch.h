/* scratch.h -- private to libunet: the scratch file of an evaluation.
 *
 * It lies in the folder of the result, has no name (unlinked as it is made), and
 * ends with the evaluation, however that ends.  What is in it are ciphertexts:
 * they say nothing without the secret key. */
#ifndef UNET_SCRATCH_H
#define UNET_SCRATCH_H

#include "unet.h"

typedef struct uni_scratch {
    int fd;                     /* -1: closed                                */
    char *folder;
} uni_scratch;

/* A file beside out_path.
 *   errors  CKKS_EMEM, CKKS_EIO */
CKKS_CHECKED ckks_status uni_scratch_open(uni_scratch *out,
                                          const char *out_path);
/* For nn_run_scratch. */
nn_scratch uni_scratch_of(uni_scratch *s);
void uni_scratch_close(uni_scratch *s);

#endif
