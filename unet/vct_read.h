/* vct_read.h -- private to the reader of files of ciphertexts: vct_head.c reads
 * and checks the head, vct_read.c ciphertext after ciphertext. */
#ifndef UNET_VCT_READ_H
#define UNET_VCT_READ_H

#include <stdbool.h>

#include "vct.h"

struct unet_reader {
    unet_source source;     /* path in place of its name                     */
    void (*close)(void *user);      /* of the source; NULL: nothing to do    */
    char *path;             /* what messages call it                         */
    uint64_t bytes;         /* of the file                                   */
    uint64_t left;          /* bytes not yet read                            */
    uint64_t objects;       /* ciphertexts not yet read                      */
    unet_info info;
    unet_job job;
    bool with_plan;
    bool skipped;           /* some were passed over: a part's name is none  */
    uint8_t name[UNET_ID];  /* of a part's ciphertexts so far                */
    int level;              /* of the ciphertexts                            */
    double scale;
    uint8_t *buffer;
    size_t capacity;
};

/* The next bytes of the source.
 *   errors  CKKS_EFORMAT  fewer are left; those of the source */
CKKS_CHECKED ckks_status uni_vct_bytes(unet_reader *r, uint8_t *out,
                                       size_t size);

/* The head, checked against the size of the source and against p (NULL: any
 * plan): info and job, and what a part's digest begins with.  Ciphertexts come
 * next.
 *   errors  CKKS_EMEM, CKKS_EFORMAT; those of the source */
CKKS_CHECKED ckks_status uni_vct_begin(unet_reader *r, const nn_plan *p,
                                       unet_kind kind);

#endif
