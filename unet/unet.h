/* unet.h -- the public interface of libunet: images of any size through an
 * encrypted network.
 *
 * The owner of the images packs and encrypts them with the secret key, the
 * server evaluates the network with the evaluation keys, the owner decrypts:
 *
 *     images --unet_encrypt--> in.vct --unet_evaluate--> out.vct
 *            --unet_decrypt--> one logit a pixel
 *
 * Owner and server are separate files of the library (client.c, decrypt.c;
 * server.c), so that a program of the server links nothing that decrypts.
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

/* ---- where bytes come from and go to ---------------------------------------- *
 *
 * Files, memory, a network: what reads and writes files of ciphertexts takes
 * any of them; what takes a path is the same for a file of that name.  A
 * function of these that fails says why with nn_fail and gives a status, which
 * is passed on; there is no trying again.  Both are copied, name too; what user
 * points to must outlive the reader or writer.
 */
typedef struct unet_source {
    /* The next size bytes, all of them; size may be 0. */
    ckks_status (*read)(void *user, uint8_t *out, size_t size);
    /* Passes over bytes.  NULL: they are read. */
    ckks_status (*skip)(void *user, uint64_t bytes);
    void *user;
    uint64_t size;          /* bytes in all; no more are asked for           */
    const char *name;       /* what messages call it                         */
} unet_source;

typedef struct unet_sink {
    /* Takes all of size bytes. */
    ckks_status (*write)(void *user, const uint8_t *in, size_t size);
    void *user;
    const char *name;
} unet_sink;

/* Bytes in memory.  As a source: data[at .. size-1], skipping and all, the
 * caller's; as a sink: what is written stands behind data[size-1], which is
 * malloc's (NULL at first) and grows.  clear frees it.
 *   errors  CKKS_EMEM */
typedef struct unet_memory {
    uint8_t *data;
    size_t size, at, capacity;
} unet_memory;
unet_source unet_memory_source(unet_memory *m, const char *name);
unet_sink unet_memory_sink(unet_memory *m, const char *name);
void unet_memory_clear(unet_memory *m);

/* ---- images, tiles, sets: pure index arithmetic (tiles.c) ------------------ *
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
/* The core of tile (out_channels, layout.height, layout.width) into map
 * (out_channels, height, width). */
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
/* The part of logit[i] (out_channels, height, width; of a classifier
 * out_channels) that one set's slots (nn_plan_outputs, layout.slots) hold. */
CKKS_CHECKED ckks_status unet_unpack(double *const *logit, const nn_plan *p,
                                     const unet_job *job, const double *slots,
                                     size_t set);

/* ---- files of ciphertexts (vct*.c) --------------------------------------- *
 *
 *   offset  bytes  all numbers little-endian
 *        0      4  "VVCT"
 *        4      1  version of the format, 2
 *        5      1  kind, unet_kind
 *        6      1  1: a part of a result, with a mark and a digest; else 0
 *        7      1  0
 *        8     16  fingerprint of the plan (nn_plan_fingerprint)
 *       24     16  identity of the request: drawn by unet_encrypt, carried over
 *                  by unet_evaluate
 *       40      4  images, I
 *       44      4  sets of the whole request
 *       48      4  ciphertexts a set
 *       52      4  number of the first set in this file
 *       56      4  sets in this file: all, or a part; 0 with a mark only
 *       60      4  0
 *       64     8 I  height, width of every image, 4 bytes each
 *  64 + 8 I     16  of a part: its mark
 *            16  BLAKE2b-128 of everything before (for damage only)
 *
 * then, set by set, every ciphertext: 8 bytes of length, the bytes of
 * ckks_ct_save.  Then, of a part, 16 bytes that name its ciphertexts: from the
 * mark on, for each one, BLAKE2b-128 of its bytes with what was so far as key.
 * Nothing follows.  Both ends hold one set in memory.
 */
enum { UNET_ID = 16 };          /* bytes of an identity or a fingerprint     */

/* Consecutive sets of a request. */
typedef struct unet_part {
    size_t first, count;
} unet_part;

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
/* The same from any source, whose size is that of the file.  What a head
 * promises is held against the size, so who got that from the other side bounds
 * it first.
 *   errors  those of the source in place of CKKS_EIO */
CKKS_CHECKED ckks_status unet_reader_from(unet_reader **out,
                                          const unet_source *source,
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
/* Kind (0: not a file of ciphertexts), images, sets, ciphertexts a set, the
 * plan's fingerprint, the request and the part of it of any such file; marked:
 * what the part was computed with has a name, mark (unet_keep.origin). */
typedef struct unet_info {
    int kind;
    uint32_t images, sets, ciphertexts;
    uint8_t plan[UNET_ID], request[UNET_ID];
    unet_part part;
    int marked;
    uint8_t mark[UNET_ID];
    uint64_t bytes;
} unet_info;
void unet_reader_info(unet_info *out, const unet_reader *r);
/* Passes over whole sets, between sets only: their ciphertexts are not looked
 * at.
 *   errors  CKKS_EARG  more sets than are left; not between sets
 *           CKKS_EIO, CKKS_EFORMAT */
CKKS_CHECKED ckks_status unet_reader_skip(unet_reader *r, size_t sets);
/* Where in the file, in bytes, what is read next begins. */
uint64_t unet_reader_at(const unet_reader *r);

typedef struct unet_writer unet_writer;     /* opaque */

/* Writes to a temporary name beside path; finish puts it in place when all is
 * on disk.  Clear before that removes what was written.  part: the sets that
 * will follow; NULL: all.
 *   errors  CKKS_EARG  a part outside the job
 *           CKKS_EIO */
CKKS_CHECKED ckks_status unet_writer_open(unet_writer **out, const char *path,
                                          const nn_plan *p,
                                          const unet_job *job, unet_kind kind,
                                          const uint8_t request[UNET_ID],
                                          const unet_part *part);
/* The same to any sink, which gets the bytes in order, the first ones here.
 *   errors  CKKS_EARG; those of the sink, after which nothing more is written */
CKKS_CHECKED ckks_status unet_writer_to(unet_writer **out,
                                        const unet_sink *sink,
                                        const nn_plan *p, const unet_job *job,
                                        unet_kind kind,
                                        const uint8_t request[UNET_ID],
                                        const unet_part *part);
CKKS_CHECKED ckks_status unet_writer_put(unet_writer *w, const ckks_ct *ct);
/*   errors  CKKS_EARG  fewer ciphertexts than the head promises, or a writer
 *                      that has failed before
 *           CKKS_EIO */
CKKS_CHECKED ckks_status unet_writer_finish(unet_writer *w, uint64_t *bytes);
void unet_writer_clear(unet_writer **w);

/* ---- progress ----------------------------------------------------------- */

/* Called before each set, and by nn_run within it.  NULL: silence. */
typedef struct unet_progress {
    void (*set)(void *user, size_t set, size_t sets);
    /* unet_decrypt: gets the logits of each image, in order, as soon as they
     * are whole; they are forgotten then, and unet_result.logit[image] is NULL.
     * Nothing is to be told of them before unet_decrypt says CKKS_OK.  NULL:
     * all are kept. */
    ckks_status (*image)(void *user, const unet_job *job, size_t image,
                         const double *logit);
    /* unet_encrypt: all is encrypted, and its request kept; the file gets its
     * name next, unless what is kept beside the request cannot be. */
    ckks_status (*request)(void *user, const uint8_t id[UNET_ID]);
    nn_progress step;       /* user of all                                   */
} unet_progress;

/* ---- owner: what is taken from the other side (accept.c) ------------------ *
 *
 * A plan is the server's word.  nn_plan_check makes it safe to compute with;
 * here the owner decides whether it serves him: how secure its parameters are
 * and what it costs.  Nothing in a plan overrides a policy.
 */
typedef struct unet_policy {
    int      security;          /* least bits, by the table: 128 (0 means 128),
                                   192 or 256                                */
    int      insecure;          /* 1: less, and none, is taken too           */
    uint64_t memory;            /* most bytes one piece of work may need; 0:
                                   no limit                                  */
} unet_policy;

/* What the owner does with a plan. */
typedef enum unet_work {
    UNET_KEYGEN = 0, UNET_ENCRYPT, UNET_DECRYPT, UNET_WORKS
} unet_work;

/* Sizes are upper bounds, in bytes, from the plan's integers alone. */
typedef struct unet_cost {
    double   log_qp;
    int      security;          /* most of 128, 192, 256 that the table gives;
                                   0: less than 128                          */
    double   estimate;          /* ckks_security_estimate                    */
    uint64_t keys;              /* the file of evaluation keys               */
    uint64_t upload, download;  /* a set of ciphertexts                      */
    uint64_t memory[UNET_WORKS];    /* images and results aside; keys one at
                                   a time, unet_keygen holds 2 `keys` more   */
} unet_cost;

/* p: one that nn_plan_check takes. */
void unet_plan_cost(unet_cost *out, const nn_plan *p);

/* Refuses what the policy does not take; *cost, if not NULL, is stated in any
 * case but CKKS_EFORMAT.
 *   errors  CKKS_EFORMAT  nn_plan_check refuses the plan
 *           CKKS_EARG     a policy of another security than those above
 *           CKKS_EPARAM   fewer bits than the policy's
 *           CKKS_EMEM     more memory than the policy's */
CKKS_CHECKED ckks_status unet_accept(unet_cost *cost, const nn_plan *p,
                                     const unet_policy *policy,
                                     unet_work work);

/* ---- owner: requests (request.c) ------------------------------------------ *
 *
 * What the owner keeps of an upload, to recognise its result: it must name the
 * request, have its plan, images and sets, and no set is answered twice by
 * different words.  This catches mistakes (a result of yesterday, or of
 * somebody else) and makes a forger's way longer; it is no proof that the
 * result is that of the network (docs/security.md).
 */
typedef struct unet_request {
    uint8_t   id[UNET_ID], plan[UNET_ID];
    unet_job  job;
    uint32_t  inputs;           /* ciphertexts a set of the upload           */
    uint8_t  *upload;           /* shape (sets, inputs, 16): names each c_1  */
    uint8_t  *answer;           /* shape (sets, 16): names the result of each;
                                   zeros: there was none                     */
} unet_request;

/* To the file folder/IDENTITY.req and back; it tells sizes of images and times.
 * load looks for the request that a file of ciphertexts names.
 *   errors  CKKS_EIO      the file cannot be written or read
 *           CKKS_EPARAM   there is none of this name: vct answers no request
 *                         of this folder
 *           CKKS_EFORMAT  not such a file, damaged, of another plan */
CKKS_CHECKED ckks_status unet_request_save(const char *folder,
                                           const unet_request *r);
CKKS_CHECKED ckks_status unet_request_load(unet_request *out,
                                           const char *folder, const char *vct,
                                           const nn_plan *p);
/* The same in memory: size is unet_request_size, 0 for none that was made; in
 * may be what unet_request_bytes wrote, or anything.
 *   errors  CKKS_EARG     another size (bytes)
 *           CKKS_EFORMAT  not a request, damaged, of another plan (parse) */
size_t unet_request_size(const unet_request *r);
CKKS_CHECKED ckks_status unet_request_bytes(uint8_t *out, size_t size,
                                            const unet_request *r);
CKKS_CHECKED ckks_status unet_request_parse(unet_request *out,
                                            const uint8_t *in, size_t size,
                                            const nn_plan *p);
/* Forgets the answers: the next result is the first one. */
void unet_request_forget(unet_request *r);
void unet_request_clear(unet_request *r);

/* ---- owner (client.c, decrypt.c) ----------------------------------------- */

/* A secret key and the evaluation keys the plan asks for. */
CKKS_CHECKED ckks_status unet_keygen(ckks_sk **sk, ckks_keys **keys,
                                     ckks_rng *rng, const ckks_ctx *ctx,
                                     const nn_plan *p);

/* The same keys from the same generator, one evaluation key in memory: *keys
 * makes those of the plan; *sk must outlive it. */
CKKS_CHECKED ckks_status unet_keygen_maker(ckks_sk **sk,
                                           ckks_keys_maker **keys,
                                           ckks_rng *rng, const ckks_ctx *ctx,
                                           const nn_plan *p);

/* Packs and encrypts all images of a job into a file, set by set.  *bytes: its
 * size.  requests: the folder in which the request is saved before the file
 * gets its name; NULL: it is not.
 *   errors  those of the writer, of pixels->get and of unet_request_save;
 *           CKKS_EFORMAT  nn_plan_check refuses the plan */
CKKS_CHECKED ckks_status unet_encrypt(const char *path, uint64_t *bytes,
                                      const char *requests,
                                      ckks_rng *rng, const nn_plan *p,
                                      const unet_job *job,
                                      const unet_pixels *pixels,
                                      const ckks_ctx *ctx, const ckks_sk *sk,
                                      const unet_progress *progress);

/* The same to any sink.  request: gets what is to be kept, or NULL.
 *   errors  those of the sink in place of the writer's: what it took is of no
 *           use then */
CKKS_CHECKED ckks_status unet_encrypt_to(const unet_sink *sink,
                                         unet_request *request, ckks_rng *rng,
                                         const nn_plan *p, const unet_job *job,
                                         const unet_pixels *pixels,
                                         const ckks_ctx *ctx,
                                         const ckks_sk *sk,
                                         const unet_progress *progress);

/* The same one ciphertext at a time, for who does something else in between:
 *
 *     init;  while (left > 0) next;  take request;  clear
 *
 * The sink gets the head in init, a ciphertext in each next.  Plan, pixels,
 * context, key and generator are kept and must outlive the object; the job is
 * copied.  left: ciphertexts.  request: what is to be kept, NULL before all are
 * encrypted; the object's.
 *   errors  as unet_encrypt_to; CKKS_EARG  next after the last one, or after a
 *                               failure of the sink */
typedef struct unet_encryption unet_encryption;     /* opaque */
CKKS_CHECKED ckks_status unet_encryption_init(unet_encryption **out,
                                              const unet_sink *sink,
                                              ckks_rng *rng, const nn_plan *p,
                                              const unet_job *job,
                                              const unet_pixels *pixels,
                                              const ckks_ctx *ctx,
                                              const ckks_sk *sk);
uint64_t unet_encryption_left(const unet_encryption *e);
CKKS_CHECKED ckks_status unet_encryption_next(unet_encryption *e);
const unet_request *unet_encryption_request(const unet_encryption *e);
void unet_encryption_clear(unet_encryption **e);

/* What a file of results holds. */
typedef struct unet_result {
    unet_job job;
    double **logit;         /* shape (images), each (out_channels, height,
                               width) or, of a classifier, (out_channels)    */
    double stray, bound;    /* largest |imaginary part| of any slot (0 in the
                               real ring), and what it had to stay below     */
    double largest, limit;  /* the same of |real part|; of labels each has a
                               limit of its own, at most this one            */
    uint64_t bytes;         /* of the files                                  */
} unet_result;

/* Decrypts the files of one result: one, or all its parts in any order.  The
 * inputs and the network are real, so the imaginary parts are nothing but
 * error: a result in which they leave unet_bound has left the range of the
 * modulus, and so has one whose slots leave unet_limit, or those of a label
 * unet_label_limit.  Both are refused.
 *
 * request: what the result must answer; gets what names the answers, if all
 * went well.  NULL: any result of the plan is taken.  Refused in any case are
 * ciphertexts that no honest evaluation gives (docs/security.md): c_1 with one
 * value at most of its places, in either form, or small, or one that was
 * uploaded.  Other forgeries are not seen: a result shows the secret key to
 * whoever made it and learns what came out.
 *   errors  those of the reader
 *           CKKS_EPARAM  over a bound; a forged result; another request; a
 *                        second answer; parts that are missing or overlap
 *   leaks   the logits carry the noise of the ciphertext: who gets them and
 *           the ciphertext can compute the key (docs/security.md) */
CKKS_CHECKED ckks_status unet_decrypt(unet_result *out, unet_request *request,
                                      const char *const *path, size_t paths,
                                      const nn_plan *p, const ckks_ctx *ctx,
                                      const ckks_sk *sk,
                                      const unet_progress *progress);
/* The same from any sources, each of which is read once, a ciphertext at a
 * time: heads first, then the parts by their first sets. */
CKKS_CHECKED ckks_status unet_decrypt_from(unet_result *out,
                                           unet_request *request,
                                           const unet_source *source,
                                           size_t sources, const nn_plan *p,
                                           const ckks_ctx *ctx,
                                           const ckks_sk *sk,
                                           const unet_progress *progress);
void unet_result_clear(unet_result *r);

/* Of imaginary parts: 64 of the plan's standard deviations, and no less than
 * 1e-3.  Of real parts: 64 times the largest logit that was calibrated, and no
 * less than 64.  Whatever the plan says, neither is over a quarter of the root
 * mean square of a result that has left the modulus. */
double unet_bound(const nn_plan *p);
double unet_limit(const nn_plan *p);

/* The limit of a label's slots: 64 times its largest logit that was calibrated,
 * no less than 64, no more than unet_limit.  label: 0..num_labels - 1. */
double unet_label_limit(const nn_plan *p, int label);

/* mask (height, width) from the logits of an image: 1 where the logit is above
 * the threshold, else 0; of labels the number of the largest logit, of equal
 * ones the first.
 *   errors  CKKS_EARG  a network of classes; no pixel */
CKKS_CHECKED ckks_status unet_mask(uint8_t *mask, const nn_plan *p,
                                   const double *logit, unet_size size);

/* ---- server (server.c) -------------------------------------------------- */

/* CKKS_EKEY, naming it, if a key of the plan is not among these. */
CKKS_CHECKED ckks_status unet_check_keys(const nn_plan *p,
                                         const ckks_keys *keys);

/* What an evaluation did. */
typedef struct unet_done {
    size_t images, sets;
    size_t found;                   /* of these sets, done before it began   */
    uint64_t upload, download;      /* bytes of both files                   */
} unet_done;

/* How an evaluation that is cut can be taken up again: sets that are done are
 * kept in OUT.partial until all are.  mark: names all that they depend on,
 * plan, weights, keys, inputs and part; what was kept under another is begun
 * anew.  found: told before the first set how many there may be, or that they
 * are of another mark; may be NULL.
 *
 * origin: NULL, or what the parts of one result have in common, 16 bytes that
 * name plan, request, weights and keys: the result becomes a part for
 * unet_join, which may have no set. */
typedef struct unet_keep {
    uint8_t mark[UNET_ID];
    const uint8_t *origin;
    void (*found)(void *user, size_t sets, int other);
    void *user;
} unet_keep;

/* Evaluates the network on the sets of a file, one after the other: all, or a
 * part of those that it holds.  keep: NULL, or of one set: nothing is kept.
 * The result is the same to the bit.  done may be NULL.
 *   errors  CKKS_EARG     a part that the file does not hold
 *           CKKS_EIO      another evaluation writes to OUT.partial
 *           CKKS_EFORMAT  a file of that name that is no part of a result */
CKKS_CHECKED ckks_status unet_evaluate(const char *out_path, unet_done *done,
                                       const char *in_path,
                                       const unet_part *part,
                                       const unet_keep *keep, const nn_plan *p,
                                       const nn_weights *w,
                                       const ckks_ctx *ctx,
                                       ckks_keys *keys,
                                       const unet_progress *progress);

/* What was joined. */
typedef struct unet_joined {
    size_t images, sets, parts;
    uint8_t request[UNET_ID];
    uint64_t bytes;                 /* of the result                         */
} unet_joined;

/* The parts of one result, in any order, to the file that one evaluation of all
 * sets writes, byte by byte; parts without sets are taken, too.  Needs no plan
 * and no key; looks at no ciphertext, but at the digest of each part.  done and
 * progress may be NULL.
 *   errors  CKKS_EPARAM   parts of two plans, requests or origins; a set in
 *                         none of them, or in two
 *           CKKS_EFORMAT  bytes refused; a file that is no part (unet_keep)
 *           CKKS_EIO
 *   cost    reads and writes all once; memory of one ciphertext */
CKKS_CHECKED ckks_status unet_join(const char *out_path, unet_joined *done,
                                   const char *const *path, size_t paths,
                                   const unet_progress *progress);

#ifdef __cplusplus
}
#endif
#endif
