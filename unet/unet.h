/* unet.h -- the public interface of libunet: images of any size through an
 * encrypted network.
 *
 * The owner of the images packs and encrypts them with the secret key, the
 * server evaluates the network with the evaluation keys, the owner decrypts:
 *
 *     images --unet_encrypt--> in.vct --unet_evaluate--> out.vct
 *            --unet_decrypt--> one logit a pixel
 *
 * Owner and server are separate files of the library (client.c, server.c), so
 * that a program of the server links nothing that decrypts.
 *
 * The six rules of ckks.h hold here too; nn_last_error() says what was wrong.
 */
#ifndef UNET_H
#define UNET_H

#include <stddef.h>
#include <stdint.h>

#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { UNET_MAX_IMAGES = 65536 };

/* ---- images, tiles, sets: pure index arithmetic (dvr.c) ------------------ *
 *
 * A plan with the border `halo` takes images of any size.  Image i of H x W
 * pixels is cut into ceil(H / core_height) x ceil(W / core_width) tiles, row
 * by row; the tile in row r, column c holds the layout's height x width pixels
 * whose first one is (r core_height - halo, c core_width - halo) of the image,
 * continued beyond every edge by reflection.  What the network says about the
 * first core_height x core_width pixels behind the halo is kept.
 *
 * Plans with other borders take one size; the tile is the image.
 *
 * The tiles of all images are numbered in order; tile t is place t mod batch
 * of set t / batch.
 */

/* The index in 0..n-1 that stands for i: reflection at both ends, the edge not
 * repeated (-1 is 1, n is n-2), again and again; n >= 1. */
int unet_reflect(int64_t i, int n);

typedef struct unet_size {
    int height, width;
} unet_size;

/* Some images and their tiles. */
typedef struct unet_job {
    size_t images;
    unet_size *size;        /* shape (images)                                */
    size_t *first;          /* shape (images + 1): number of its first tile  */
    size_t tiles, sets;
} unet_job;

/* Where a tile lies in its image: the corner of its core. */
typedef struct unet_tile {
    size_t image;
    int y, x;
} unet_tile;

/* errors  CKKS_EARG  no image, too many; a side of 0 or over NN_MAX_SIDE; a
 *                    size the plan does not take */
CKKS_CHECKED ckks_status unet_job_init(unet_job *out, const nn_plan *p,
                                       const unet_size *size, size_t images);
void unet_job_clear(unet_job *job);

/* Tile number t < job->tiles. */
unet_tile unet_job_tile(const unet_job *job, const nn_plan *p, size_t t);
/* Tiles in a set: the batch, or less in the last one. */
int unet_job_count(const unet_job *job, const nn_plan *p, size_t set);

/* tile (channels, layout.height, layout.width) from pixel (channels, height,
 * width) of the image it lies in. */
void unet_tile_cut(double *tile, const nn_plan *p, const double *pixel,
                   unet_size size, unet_tile where);
/* The core of tile (layout.height, layout.width) into map (height, width). */
void unet_tile_paste(double *map, const nn_plan *p, const double *tile,
                     unet_size size, unet_tile where);

/* Where pixels come from.  get: *out = those of one image of a job (channels,
 * height, width), 0..255, which stay there until the next call; images are
 * asked for in order, those between two sets perhaps twice. */
typedef struct unet_pixels {
    ckks_status (*get)(const double **out, void *user, size_t image);
    void *user;
} unet_pixels;
/* Those of pixel[i], which are in memory. */
unet_pixels unet_pixels_array(const double *const *pixel);

/* slots (nn_plan_inputs, layout.slots) of one set.
 *   errors  CKKS_EMEM; those of pixels->get */
CKKS_CHECKED ckks_status unet_pack(double *slots, const nn_plan *p,
                                   const unet_job *job,
                                   const unet_pixels *pixels, size_t set);
/* The part of logit[i] (height, width; of a classifier out_channels) that one
 * set's slots (nn_plan_outputs, layout.slots) hold. */
CKKS_CHECKED ckks_status unet_unpack(double *const *logit, const nn_plan *p,
                                     const unet_job *job, const double *slots,
                                     size_t set);

/* ---- files of ciphertexts (file_*.c) ------------------------------------- *
 *
 *   offset  bytes  all numbers little-endian
 *        0      4  "VVCT"
 *        4      1  version of the format, 1
 *        5      1  kind, unet_kind
 *        6      2  0
 *        8     16  fingerprint of the plan (nn_plan_fingerprint)
 *       24      4  images, I
 *       28      4  sets
 *       32      4  ciphertexts a set
 *       36      4  0
 *       40     8 I  height, width of every image, 4 bytes each
 *  40 + 8 I     16  BLAKE2b-128 of everything before (for damage only)
 *
 * then, set by set, every ciphertext: 8 bytes of length, the bytes of
 * ckks_ct_save.  Nothing follows.  Both ends hold one set in memory.
 */
typedef enum unet_kind {
    UNET_INPUT  = 1,
    UNET_OUTPUT = 2
} unet_kind;

typedef struct unet_reader unet_reader;     /* opaque */

/* Opens a file and checks all but the ciphertexts.  p: the plan it must be
 * for; NULL takes a file of any plan, of which only the head can be read.
 *   errors  CKKS_EIO      the file cannot be read
 *           CKKS_EFORMAT  bytes refused; another kind or plan */
CKKS_CHECKED ckks_status unet_reader_open(unet_reader **out, const char *path,
                                          const nn_plan *p, unet_kind kind);
/* The next ciphertext, whose level and scale are the plan's.  After the last
 * one has been read the file must end.
 *   errors  CKKS_EIO, CKKS_EFORMAT; CKKS_EARG after the last one */
CKKS_CHECKED ckks_status unet_reader_next(ckks_ct *out, unet_reader *r,
                                          const ckks_ctx *ctx);
void unet_reader_close(unet_reader **r);

/* What the head says.  The job's tiles and sets are 0 without a plan. */
const unet_job *unet_reader_job(const unet_reader *r);
uint64_t unet_reader_bytes(const unet_reader *r);
/* Kind (0: not a file of ciphertexts), images, sets, ciphertexts a set and the
 * plan's fingerprint of any such file. */
typedef struct unet_info {
    int kind;
    uint32_t images, sets, ciphertexts;
    uint8_t plan[16];
    uint64_t bytes;
} unet_info;
void unet_reader_info(unet_info *out, const unet_reader *r);

typedef struct unet_writer unet_writer;     /* opaque */

/* Writes to a temporary name beside path; finish puts it in place when all is
 * on disk.  Clear before that removes what was written.
 *   errors  CKKS_EIO */
CKKS_CHECKED ckks_status unet_writer_open(unet_writer **out, const char *path,
                                          const nn_plan *p,
                                          const unet_job *job, unet_kind kind);
CKKS_CHECKED ckks_status unet_writer_put(unet_writer *w, const ckks_ct *ct);
/*   errors  CKKS_EARG  fewer ciphertexts than the head promises
 *           CKKS_EIO */
CKKS_CHECKED ckks_status unet_writer_finish(unet_writer *w, uint64_t *bytes);
void unet_writer_clear(unet_writer **w);

/* ---- progress ----------------------------------------------------------- */

/* Called before each set, and by nn_run within it.  NULL: silence. */
typedef struct unet_progress {
    void (*set)(void *user, size_t set, size_t sets);
    nn_progress step;       /* user of both                                  */
} unet_progress;

/* ---- owner (client.c) --------------------------------------------------- */

/* A secret key and the evaluation keys the plan asks for. */
CKKS_CHECKED ckks_status unet_keygen(ckks_sk **sk, ckks_keys **keys,
                                     ckks_rng *rng, const ckks_ctx *ctx,
                                     const nn_plan *p);

/* Packs and encrypts all images of a job into a file, set by set.  *bytes: its
 * size. */
CKKS_CHECKED ckks_status unet_encrypt(const char *path, uint64_t *bytes,
                                      ckks_rng *rng, const nn_plan *p,
                                      const unet_job *job,
                                      const unet_pixels *pixels,
                                      const ckks_ctx *ctx, const ckks_sk *sk,
                                      const unet_progress *progress);

/* What a file of results holds. */
typedef struct unet_result {
    unet_job job;
    double **logit;         /* shape (images), each (height, width) or, of a
                               classifier, (out_channels)                    */
    double stray;           /* largest |imaginary part| of any slot; in the
                               real ring, that has none, largest |slot|      */
    double bound;           /* what it had to stay below                     */
    uint64_t bytes;         /* of the file                                   */
} unet_result;

/* Decrypts a file of results.  The inputs and the network are real, so the
 * imaginary parts are nothing but error: a result in which they leave
 * unet_bound has left the range of the modulus and is refused.  In the real
 * ring it is told by its slots, which then are as large as the modulus lets
 * them be.
 *   errors  those of the reader; CKKS_EPARAM  over the bound
 *   leaks   the logits carry the noise of the ciphertext: who gets them and
 *           the ciphertext can compute the key (docs/security.md) */
CKKS_CHECKED ckks_status unet_decrypt(unet_result *out, const char *path,
                                      const nn_plan *p, const ckks_ctx *ctx,
                                      const ckks_sk *sk,
                                      const unet_progress *progress);
void unet_result_clear(unet_result *r);

/* Of imaginary parts: 64 of the plan's standard deviations, and no less than
 * 1e-3.  Of slots of the real ring: 64 times the largest logit that was
 * calibrated, and no less than 64. */
double unet_bound(const nn_plan *p);

/* ---- server (server.c) -------------------------------------------------- */

/* CKKS_EKEY, naming it, if a key of the plan is not among these. */
CKKS_CHECKED ckks_status unet_check_keys(const nn_plan *p,
                                         const ckks_keys *keys);

/* What an evaluation did. */
typedef struct unet_done {
    size_t images, sets;
    uint64_t upload, download;      /* bytes of both files                   */
} unet_done;

/* Evaluates the network on all sets of a file, one after the other.  done may
 * be NULL. */
CKKS_CHECKED ckks_status unet_evaluate(const char *out_path, unet_done *done,
                                       const char *in_path, const nn_plan *p,
                                       const nn_weights *w,
                                       const ckks_ctx *ctx,
                                       const ckks_keys *keys,
                                       const unet_progress *progress);

#ifdef __cplusplus
}
#endif
#endif
