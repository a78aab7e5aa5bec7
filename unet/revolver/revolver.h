/* revolver.h -- the literal Volley Revolver: the matrix product and the
 * convolution of [Chiang22], operator by operator.
 *
 * Read first: docs/12-volley.md, last section; ckks.h.  Nothing else of the
 * library uses this file: images go through the double form (nn.h).  This one
 * shows what the seed's operators compute and what they cost.
 *
 * The object is a matrix of slots in one ciphertext, rows x columns, row by
 * row: entry (i, j) is slot i columns + j, columns a power of two.  A row holds
 * one image or one vector; every operator works on all rows at once.
 *
 * Levels and scales.  Every factor, mask or weight, is made at the scale q_l,
 * the prime that the rescaling behind it divides by: linear operators leave the
 * scale as it was.  Only a square moves it, from D to D^2 / q_l.  Each operator
 * states how many levels it takes.
 *
 * The six rules of ckks.h hold here too; nn_last_error() says what was wrong.
 * Errors of every operator: CKKS_EARG for a number out of range; CKKS_ELEVEL
 * for too few levels, or different ones; CKKS_EKEY, before anything is
 * computed, for a key that is missing; those of the ckks_ functions used.
 */
#ifndef UNET_REVOLVER_H
#define UNET_REVOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Levels that an operator takes. */
enum {
    UNET_VR_PRODUCT_LEVELS = 3,     /* A * B, column 0, the place in C       */
    UNET_VR_CONV_LEVELS    = 2,     /* the kernels, the places kept          */
    UNET_VR_SQUARE_LEVELS  = 1,
    UNET_VR_NET_LEVELS     = UNET_VR_CONV_LEVELS + 2 * UNET_VR_SQUARE_LEVELS
                             + 2 * UNET_VR_PRODUCT_LEVELS
};

enum { UNET_VR_MAX_KEYS = 64 };

/* Operations on ciphertexts. */
typedef struct uni_vr_cost {
    long rotations;
    long products;              /* ciphertext by ciphertext                  */
    long plain;                 /* ciphertext by plaintext: masks, weights in
                                   the clear                                 */
    long relins;
    long rescales;              /* those together with a relin included      */
} uni_vr_cost;

/* The shape of the matrix, the keys, and what has been done so far (by calls
 * that failed, too).  keys may be set later: shapes, packing and costs need
 * none. */
typedef struct uni_vr {
    size_t rows, columns;       /* both powers of two, rows * columns = N/2  */
    const ckks_keys *keys;
    uni_vr_cost done;
} uni_vr;

/* columns = the smallest power of two >= width.
 *   errors  CKKS_EARG  slots no power of two, width 0 or > slots */
CKKS_CHECKED ckks_status uni_vr_init(uni_vr *out, size_t slots,
                                      size_t width, const ckks_keys *keys);

/* ---- packing: doubles to slots and back ------------------------------- *
 * Arrays of slots have rows * columns entries.
 */

/* The map tau_a: row i = the first length numbers of vector i, zeros behind;
 * rows from count on are zeros.  vectors: shape (count, length).
 *   errors  CKKS_EARG  count > rows, length > columns */
CKKS_CHECKED ckks_status uni_vr_pack(double *slots, const uni_vr *vr,
                                      const double *vectors, size_t count,
                                      size_t length);
/* The reverse: vectors, shape (count, length), from slots. */
CKKS_CHECKED ckks_status uni_vr_unpack(double *vectors, const uni_vr *vr,
                                        const double *slots, size_t count,
                                        size_t length);

/* A product with p columns.  The rows of B^T are laid down the matrix again
 * and again with a period, the smallest power of two >= p, so that they close
 * to a ring; if they are more than the matrix has rows they are cut into
 * teams of `rows` each, one ciphertext a team. */
size_t uni_vr_period(const uni_vr *vr, size_t p);
size_t uni_vr_teams(const uni_vr *vr, size_t p);

/* The map tau_b of one team: row i = row team * period + (i mod period) of
 * B^T, or zeros where B^T has no such row.  bt: shape (p, length): row j of it
 * is column j of B, as dense layers have their weights.
 *   errors  CKKS_EARG  length or p > columns, p 0, no such team */
CKKS_CHECKED ckks_status uni_vr_pack_team(double *slots, const uni_vr *vr,
                                           const double *bt, size_t p,
                                           size_t length, size_t team);

/* Images height x width in the rows, pixel (y, x) in column y width + x, and a
 * kernel of k x k pixels. */
typedef struct uni_vr_window {
    int height, width, kernel;
} uni_vr_window;

/* Kernel spanning: image number u k + v (0 <= u, v < k) of the k^2 that hold
 * the kernel, shape (k, k), side by side without overlap, the first one with
 * its corner at (u, v), as many as fit; the same in every row.
 *   errors  CKKS_EARG  a kernel larger than the image, an image larger than a
 *                      row, u or v out of range */
CKKS_CHECKED ckks_status uni_vr_span(double *slots, const uni_vr *vr,
                                      uni_vr_window g, const double *kernel,
                                      int u, int v);

/* ---- keys ------------------------------------------------------------- */

/* Requests for ckks_keys_init: each key once, at the highest level asked for.
 * Zero bytes: none.  Room for all operators together on one shape. */
typedef struct uni_vr_keys {
    size_t count;
    ckks_key_request key[UNET_VR_MAX_KEYS];
} uni_vr_keys;

/* Adds what an operator needs whose inputs have this level.  encrypted: the
 * weights are, so that products have to be relinearised.
 *   errors  CKKS_EARG  room for UNET_VR_MAX_KEYS only
 *           CKKS_ELEVEL  fewer levels than the operator takes */
CKKS_CHECKED ckks_status uni_vr_need_sum_columns(uni_vr_keys *keys,
                                                  const uni_vr *vr,
                                                  int level);
CKKS_CHECKED ckks_status uni_vr_need_product(uni_vr_keys *keys,
                                              const uni_vr *vr, size_t p,
                                              int level, bool encrypted);
CKKS_CHECKED ckks_status uni_vr_need_conv(uni_vr_keys *keys,
                                           const uni_vr *vr,
                                           uni_vr_window g, int level,
                                           bool encrypted);
CKKS_CHECKED ckks_status uni_vr_need_square(uni_vr_keys *keys,
                                             const uni_vr *vr, int level);

/* ---- factors ---------------------------------------------------------- */

/* What is multiplied with or added to an input: slots of the model's owner, in
 * the clear or encrypted.  One of the two is there. */
typedef struct uni_vr_weight {
    double *slots;              /* malloc; NULL: encrypted                   */
    size_t count;               /* of slots                                  */
    ckks_ct ct;
} uni_vr_weight;

/* pk NULL: a copy of the slots.  Else encrypted at this level and scale; scale
 * 0 stands for the prime of the level, which a factor must have.
 *   errors  those of ckks_encode and ckks_encrypt */
CKKS_CHECKED ckks_status uni_vr_weight_init(uni_vr_weight *out,
                                             const ckks_ctx *ctx,
                                             const double *slots, int level,
                                             double scale, ckks_rng *rng,
                                             const ckks_pk *pk);
void uni_vr_weight_clear(uni_vr_weight *w);

/* ---- operators -------------------------------------------------------- *
 * vr is second, for it counts.  f = columns.
 */

/* SumColVec: column 0 of out = the sums of the rows of a.  The other columns
 * hold sums that run on into the next row and mean nothing.
 *   gives   level and scale of a
 *   cost    log2 f rotations */
CKKS_CHECKED ckks_status uni_vr_sum_columns(ckks_ct *out, uni_vr *vr,
                                             const ckks_ct *a);

/* C = A B, with A cut into `parts` blocks of columns, one ciphertext each
 * (a[c], packed by uni_vr_pack), B into as many blocks of rows and into teams
 * of columns (b[team * parts + c], uni_vr_pack_team).
 *
 *   gives   out: row i, columns 0..p-1 = row i of C; 0 elsewhere; three levels
 *           less, the scale of a
 *   cost    uni_vr_product_cost
 *   errors  also CKKS_EARG for p > f, CKKS_ELEVEL for a factor that is
 *           encrypted at another level than a
 *   source  [Chiang22] */
CKKS_CHECKED ckks_status uni_vr_product(ckks_ct *out, uni_vr *vr,
                                         const ckks_ct *a, size_t parts,
                                         const uni_vr_weight *b, size_t p);
uni_vr_cost uni_vr_product_cost(const uni_vr *vr, size_t parts, size_t p,
                                  bool encrypted);

/* SumForConv: entry (y, x) of out = the sum of the k x k entries of a whose
 * upper left one it is.  Where they run over the edge of the image it means
 * nothing.
 *   gives   level and scale of a
 *   cost    2 (k - 1) rotations, by the two steps 1 and width */
CKKS_CHECKED ckks_status uni_vr_sum_for_conv(ckks_ct *out, uni_vr *vr,
                                              const ckks_ct *a,
                                              uni_vr_window g);

/* One map of a convolution without padding:
 *   out(y, x) = bias(y, x) + sum over c, r, s of K_c(r, s) a[c](y + r, x + s)
 * for y <= height - k, x <= width - k, in column y width + x as before; 0
 * elsewhere (but for what bias has there).
 *
 *   needs   span[(u k + v) channels + c]: uni_vr_span of K_c; bias NULL, or
 *           slots, encrypted at the level and scale of the result
 *   gives   two levels less, the scale of a
 *   cost    uni_vr_conv_cost
 *   source  [Chiang22], "kernel spanning" */
CKKS_CHECKED ckks_status uni_vr_conv(ckks_ct *out, uni_vr *vr,
                                      const ckks_ct *a, size_t channels,
                                      const uni_vr_weight *span,
                                      const uni_vr_weight *bias,
                                      uni_vr_window g);
uni_vr_cost uni_vr_conv_cost(size_t channels, uni_vr_window g,
                               bool encrypted);

/* out = a^2.
 *   gives   one level less, scale D^2 / q_l: near D if the primes are
 *   cost    1 product, 1 relin, 1 rescale */
CKKS_CHECKED ckks_status uni_vr_square(ckks_ct *out, uni_vr *vr,
                                        const ckks_ct *a);

/* ---- a network (revolver_net.c) -------------------------------- *
 *
 *   convolution -> square -> dense -> square -> dense
 *
 * as [Chiang22] has it for MNIST (4 maps of 3x3, 64 hidden, 10 classes), but
 * for the activation, there a cubic, and the valid part of the maps, which is
 * not moved together here: the dense layer reads it where it is.
 */
typedef struct uni_vr_net {
    int channels;               /* of the image: ciphertexts of input        */
    uni_vr_window image;       /* size, and the side of the kernel          */
    int maps, hidden, classes;
    const double *conv;         /* (maps, channels, kernel, kernel)          */
    const double *conv_bias;    /* (maps)                                    */
    const double *dense1;       /* (hidden, maps, height - kernel + 1,
                                   width - kernel + 1)                       */
    const double *dense1_bias;  /* (hidden)                                  */
    const double *dense2;       /* (classes, hidden)                         */
    const double *dense2_bias;  /* (classes)                                 */
} uni_vr_net;

/* All there is to know before a key exists; weights are not looked at. */
typedef struct uni_vr_plan {
    uni_vr shape;              /* rows: images at once                      */
    int levels;                 /* of the ciphertexts used up                */
    uni_vr_cost conv, square1, dense1, square2, dense2, total;
    uni_vr_keys keys;
} uni_vr_plan;

/* For inputs of this level in a context of so many slots.
 *   errors  CKKS_EARG    a count < 1, an image, hidden or classes that do not
 *                        fit the slots
 *           CKKS_ELEVEL  level < UNET_VR_NET_LEVELS */
CKKS_CHECKED ckks_status uni_vr_net_plan(uni_vr_plan *out,
                                          const uni_vr_net *net,
                                          size_t slots, int level,
                                          bool encrypted);

/* The weights, packed for inputs of one level and scale.  Opaque. */
typedef struct uni_vr_model uni_vr_model;

/* pk NULL: weights in the clear, encoded when they are used.  Else all are
 * encrypted, as in the paper.  Nothing of net is kept.
 *   memory  8 N/2 bytes a factor in the clear, 16 N (l+1) encrypted; factors:
 *           k^2 channels maps + (teams of hidden) maps + (teams of classes)
 *   errors  those of uni_vr_net_plan and uni_vr_weight_init */
CKKS_CHECKED ckks_status uni_vr_model_init(uni_vr_model **out,
                                            const uni_vr_net *net,
                                            const ckks_ctx *ctx, int level,
                                            double scale, ckks_rng *rng,
                                            const ckks_pk *pk);
void uni_vr_model_clear(uni_vr_model **m);

/* The network on the images in the rows of in[channels], whose level and scale
 * are the model's; vr: the plan's shape with the keys.
 *   gives   out: row i, columns 0..classes-1 = the logits of image i; level
 *           that of in less UNET_VR_NET_LEVELS
 *   cost    uni_vr_plan.total */
CKKS_CHECKED ckks_status uni_vr_model_run(ckks_ct *out, uni_vr *vr,
                                           const ckks_ct *in,
                                           const uni_vr_model *m);

/* ---- a network from a model (revolver_from.c) ------------------ */

typedef struct uni_vr_from {
    uni_vr_net net;            /* its pointers lead into data               */
    double *data;               /* malloc                                    */
} uni_vr_from;

/* A model of border "valid" that gives classes, a chain of these layers:
 *
 *   conv [batchnorm]... square [linear]... square [linear]...
 *
 * linear: conv, pool, batchnorm or dense.  Batch normalisations are folded;
 * the linear layers behind a square are multiplied out to one dense layer.
 * The first conv is taken at stride 1: where its own stride does not lead, the
 * dense layer has zeros.  Images are values as the network takes them, pixels
 * times mul plus add.  An empty out is zero bytes.
 *   errors  CKKS_EARG  anything else, naming the layer; over 2^28 weights */
CKKS_CHECKED ckks_status uni_vr_from_init(uni_vr_from *out,
                                           const nn_model *m);
void uni_vr_from_clear(uni_vr_from *from);

#ifdef __cplusplus
}
#endif
#endif
