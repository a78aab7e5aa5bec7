/* vct.h -- private to libunet: what reading and writing files of ciphertexts
 * and of requests share.  The formats are in unet.h and request.c.
 */
#ifndef UNET_VCT_H
#define UNET_VCT_H

#include "unet.h"

enum { VCT_VERSION = 2, VCT_HEAD = 64, VCT_ENTRY = 8, VCT_DIGEST = 16,
       VCT_LENGTH = 8 };

/* Bytes of a head without its digest; a mark stands behind the table. */
static inline size_t uni_vct_head(size_t images, int marked)
{
    return VCT_HEAD + VCT_ENTRY * images + (marked ? UNET_ID : 0);
}

/* Adds a ciphertext's bytes to what names those of a part. */
void uni_vct_chain(uint8_t name[UNET_ID], const uint8_t *in, size_t size);

/* What the head of a file that unet_writer_to begins says; name: of the public
 * function. */
ckks_status uni_writer_info(unet_info *out, const nn_plan *p,
                            const unet_job *job, unet_kind kind,
                            const uint8_t request[UNET_ID],
                            const unet_part *part, const char *name);
/* CKKS_EARG for a part that the request does not have. */
ckks_status uni_writer_check(const unet_info *info);
/* As unet_writer_open, by what the head is to say: all of info but bytes. */
ckks_status uni_writer_open(unet_writer **out, const char *path,
                            const unet_info *info, const unet_job *job);
/* The same to a sink; info is one that uni_writer_check takes.  file: what it
 * writes to, which is the writer's from now on, also where this fails; or
 * NULL. */
ckks_status uni_writer_to(unet_writer **out, const unet_sink *sink,
                          ckks_file *file, const unet_info *info,
                          const unet_job *job);
/* The next ciphertext as bytes. */
ckks_status uni_writer_bytes(unet_writer *w, const uint8_t *in, size_t size);
/* The next ciphertext's bytes, there until the next call; no plan is needed,
 * and nothing is looked at.
 *   errors  those of unet_reader_next */
ckks_status uni_reader_bytes(const uint8_t **out, size_t *size,
                             unet_reader *r);
/* Gives back what ciphertexts are read into; the next takes it anew. */
void uni_reader_rest(unet_reader *r);
/* unet_reader_from; close gets source->user when the reader is closed, also
 * where this fails; or NULL. */
ckks_status uni_reader_from(unet_reader **out, const unet_source *source,
                            void (*close)(void *user), const nn_plan *p,
                            unet_kind kind);

/* CKKS_EIO: "doing path: the system's reason" */
ckks_status uni_vct_fail(const char *doing, const char *path, int e);

/* CKKS_EFORMAT, with both fingerprints; name: of the plan at hand. */
ckks_status uni_vct_other_plan(const char *path, const uint8_t is[UNET_ID],
                               const uint8_t want[UNET_ID], const char *name);

/* A copy of path with a suffix; malloc. */
char *uni_vct_name(const char *path, const char *suffix);

/* Zeroes memory in a way no optimiser removes; p may be NULL. */
void uni_wipe(void *p, size_t size);

/* Room for size bytes in a buffer that only grows. */
ckks_status uni_vct_room(uint8_t **buffer, size_t *capacity, size_t size);

/* Ciphertexts a set. */
int uni_vct_per_set(const nn_plan *p, unet_kind kind);

/* Numbers of 1 to 8 bytes, little-endian. */
uint64_t uni_vct_load(const uint8_t *b, int bytes);
void uni_vct_store(uint8_t *b, uint64_t x, int bytes);

/* job->size from a table of 8 bytes an image, job->images of them.
 *   errors  CKKS_EMEM, CKKS_EFORMAT */
ckks_status uni_vct_sizes(unet_job *job, const uint8_t *table,
                          const char *path);

/* Bytes no ciphertext of this context needs more than. */
uint64_t uni_vct_most(const ckks_ctx *ctx);
/* A ciphertext of degree 1, of this level and scale.
 *   errors  CKKS_EFORMAT */
ckks_status uni_vct_check(const ckks_ct *ct, const char *path, int level,
                          double scale);

/* A request of the job, nothing uploaded and nothing answered. */
ckks_status uni_request_init(unet_request *out, const nn_plan *p,
                             const unet_job *job);

/* ---- forged results (forged.c) ------------------------------------------- */

/* Names c_1 by its first limb, which every lower level has too. */
ckks_status uni_name_c1(uint8_t out[UNET_ID], const ckks_ct *ct);
/* Adds a ciphertext's words to the name of a set's result; zeros at first. */
ckks_status uni_name_answer(uint8_t name[UNET_ID], const ckks_ct *ct);

/* CKKS_EPARAM if c_1 is one that no honest evaluation gives: see forged.c.
 * request may be NULL. */
ckks_status uni_check_forged(const ckks_ct *ct, const unet_request *request,
                             const char *path);

#endif
