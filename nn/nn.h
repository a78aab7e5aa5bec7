/* nn.h -- the public interface of libnn: networks over encrypted tensors.
 *
 * A network (docs/model.md) is planned first: nn_plan fixes the packing, every
 * level, scale, prime and key from integers and ranges alone, before a key
 * exists.  Then the client packs and encrypts, the server runs, the client
 * decrypts and unpacks.  Each stage sees only what it needs: the client the
 * plan, the server the plan, the weights and the evaluation keys.
 *
 * The six rules of ckks.h hold here too; the status values are ckks.h's, and
 * nn_last_error() says what was wrong.
 */
#ifndef NN_H
#define NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ckks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why the last failing nn_ or unet_ call of this thread failed: one line. */
const char *nn_last_error(void);
/* For libunet and the command: records a message, returns the status. */
ckks_status nn_fail(ckks_status s, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* For them, too: s, a failure of libckks with ckks_last_error() as the message,
 * behind "where: " unless where is NULL. */
ckks_status nn_relay(ckks_status s, const char *where);

/* ---- model: a network with its weights, as the file has it -------------- */

enum { NN_NAME = 64, NN_MAX_INPUTS = 8, NN_MAX_LAYERS = 512,
       NN_MAX_CHANNELS = 4096, NN_MAX_SIDE = 65536, NN_MAX_DEPTH = 4096,
       NN_MAX_THREADS = 1024, NN_MAX_KERNEL = 16, NN_MAX_CLASSES = 64,
       NN_MAX_LABELS = 16 };
/* Numbers of a map, channels depth height width, of a file for the protocol of
 * two parties. */
#define NN_MAX_MAP ((int64_t)1 << 32)

typedef enum nn_op {
    NN_IMAGE = 0,       /* layer 0 of every model: the input                 */
    NN_CONV,
    NN_TCONV,           /* transposed convolution 2x2 or 4x4, stride 2       */
    NN_POOL,            /* mean of k x k, stride k                           */
    NN_SQUARE,
    NN_QUADRATIC,       /* a x^2 + b x + c a channel                         */
    NN_BATCHNORM,
    NN_CONCAT,
    NN_DENSE,           /* every number of the map with every other          */
    NN_ADD,             /* the sum of maps of one shape                      */
    NN_UPSAMPLE,        /* to twice the size                                 */
    NN_RELU,            /* max(x, 0); it and the next one: no polynomial, for
                           the protocol of two parties only                  */
    NN_MAXPOOL          /* largest of k x k, stride k                        */
} nn_op;

/* NN_VALID: a kernel stays inside, and maps shrink. */
typedef enum nn_border { NN_WRAP = 0, NN_HALO, NN_ZERO, NN_VALID } nn_border;

/* What images a network was trained on, for the side that has them: how slices
 * of a volume lie, and which values of a file are pixel 0 and pixel 255
 * (docs/model.md).  All zero: nothing is said. */
typedef enum nn_plane {
    NN_PLANE_ANY = 0, NN_PLANE_AXIAL, NN_PLANE_CORONAL, NN_PLANE_SAGITTAL
} nn_plane;
typedef enum nn_values {
    NN_VALUES_PERCENTILES = 0,  /* low, high: percentiles of the volume      */
    NN_VALUES_WINDOW,           /* in the units of the file                  */
    NN_VALUES_FULL              /* the range of the file's format            */
} nn_values;
typedef struct nn_images {
    bool     given;
    char     modality[NN_NAME];     /* for people                            */
    nn_plane plane;
    double   spacing_y, spacing_x;  /* mm from row to row, from column to
                                       column; 0, 0: any                     */
    nn_values values;
    double   low, high;             /* low < high; unused by NN_VALUES_FULL  */
} nn_images;

/* Measured over all slots on training images (docs/model.md). */
typedef struct nn_range {
    double max, rms, gain;
} nn_range;

typedef struct nn_layer {
    nn_op op;
    char  name[NN_NAME];
    int   num_in;
    int   in[NN_MAX_INPUTS];    /* layer numbers, all below this one         */
    int   channels;             /* of the output                             */
    int   depth, height, width; /* of the output, for the model's input size;
                                   depth and what else ends in z is 1 in two
                                   dimensions, and its pads are 0            */
    int   kernel_z, kernel_y, kernel_x;
                                /* NN_CONV; NN_TCONV: 2 or 4; NN_POOL and
                                   NN_MAXPOOL: its size, which differs along
                                   the axes only where one pixel is left     */
    int   stride;               /* NN_CONV; so are those that follow, and none
                                   of them is 0 but pads: tap (p, q) of pixel
                                   (y, x) is (s y + d_y p - top,
                                   s x + d_x q - left); z as they are        */
    int   dilation_z, dilation_y, dilation_x;
    int   groups;
    int   pad_front, pad_top, pad_left;
    int   pad_back, pad_bottom, pad_right;
    bool  bilinear;             /* NN_UPSAMPLE; else each pixel four times   */
    double eps;                 /* NN_BATCHNORM                              */
    /* Float weights, NULL where the op has none; they point into the model.
     *   weight  conv (C_out, C_in / groups, kernel_y, kernel_x),
     *           tconv (C_in, C_out, k, k),
     *           dense (C_out, C_in, height, width of the input),
     *           batchnorm (C);
     *           in three dimensions kernel_z, k or depth before them
     *   bias    (C_out); batchnorm (C)     mean, var  batchnorm (C)
     *   a, b, c quadratic (C)                                               */
    const float *weight, *bias, *mean, *var, *a, *b, *c;
    nn_range range;
} nn_layer;

typedef struct nn_model {
    char name[NN_NAME];
    nn_border border;
    int  ring_y, ring_x;        /* 0, 0: the planner chooses; wrap: a plan may
                                   have another ring_x                       */
    bool blind;                 /* for the protocol of two parties           */
    int  channels, height, width;       /* of the input                      */
    int  depth;                 /* of it; 0: the network has two dimensions  */
    double mul, add;            /* value = pixel * mul + add                 */
    nn_images images;
    int  output;                /* layer number of the logits                */
    double threshold;           /* foreground, or class 1 of two with one
                                   logit, where logit > threshold            */
    char foreground[NN_NAME];   /* of a mask of one class; else empty        */
    int  num_classes;           /* 0: the output is a mask                   */
    char class_name[NN_MAX_CLASSES][NN_NAME];
    int  num_labels;            /* of a mask of several classes, a channel
                                   each: label k where logit k is the largest,
                                   the first of equal ones; else 0           */
    char label_name[NN_MAX_LABELS][NN_NAME];
    double label_max[NN_MAX_LABELS];    /* largest |logit|, <= the range's   */
    double label_margin[NN_MAX_LABELS]; /* rms of the logit less the largest
                                   of the others                             */
    int  num_layers;
    nn_layer *layer;
    float *data;                /* all tensors                               */
    size_t data_count;
} nn_model;

/* Reads a model from the bytes of a safetensors file.  Strict: unknown keys,
 * ops and dtypes, missing, surplus, overlapping or misshapen tensors, numbers
 * that are not finite, cycles, odd sizes before a pooling are refused with the
 * layer's name and both numbers.
 *   errors  CKKS_EFORMAT */
CKKS_CHECKED ckks_status nn_model_load(nn_model *out, const uint8_t *in,
                                       size_t size);
void nn_model_clear(nn_model *m);

/* The network on one image by the file's own float weights, layer by layer,
 * nothing folded: logit (channels of the output, depth, height, width) of a
 * mask, or one number a channel of the output of a classifier.  pixel:
 * (channels, depth, height, width), 0..255; depth 1 in two dimensions.
 * Border: wrap as the rings give it (docs/model.md: the neighbour to the right
 * of column W-1 in row y is column 0 of row y + R, R the ring's height at that
 * resolution); halo: the image is extended by reflection by nn_halo_radius,
 * zeros around that, and the middle kept, any size; zero: zeros; valid: none.
 *   errors  CKKS_EARG   a size this model does not take */
CKKS_CHECKED ckks_status nn_model_float(double *logit, const nn_model *m,
                                        const double *pixel, int depth,
                                        int height, int width);

/* Receptive radius of the network in input pixels, by interval arithmetic over
 * all pooling phases, not yet rounded up. */
int nn_halo_radius(const nn_model *m);

/* ---- layout: where a pixel lives ---------------------------------------- */

/* Double Volley Revolver (docs/12-volley.md).  A map of height x width pixels
 * is cut by an outer ring of ring_y x ring_x ciphertexts and an inner grid of
 * slots; pixel (y, x) of image b lies in ciphertext
 * [y mod ring_y][x mod ring_x], slot
 * (b grid_y + y / ring_y) grid_x + x / ring_x.
 * A map behind poolings and strides of together `gap` keeps its pixels where
 * they are: its pixel (y, x) lies where (gap y, gap x) of the image does.  As
 * long as gap divides the rings, that is a map with rings gap times smaller
 * and the same grid; beyond that it leaves gaps in the grid.  gap 0: a single
 * pixel, with 0, 0. */
typedef struct nn_layout {
    int height, width;          /* of the input as packed, halo included     */
    int ring_y, ring_x, grid_y, grid_x;
    int batch;                  /* images a set of ciphertexts holds         */
    size_t slots;               /* N/2; in the real ring N                   */
    int lanes;                  /* 0, or (with ring_x 1, batch 1, the real ring)
                                   slots a cell of the grid takes: slots above
                                   times `lanes`.  A map of gap g then has
                                   channels in its gaps: channel c of a pixel
                                   lies in ciphertext c / P, in slot c mod P
                                   behind the pixel's, P = g lanes.  Of the
                                   image each channel fills all lanes        */
} nn_layout;

/* Ciphertext of one channel of a map and slot in it.  The ciphertexts are those
 * that hold pixels if the grid is large enough, ring_y / gcd(ring_y, gap) times
 * ring_x / gcd(ring_x, gap), row by row. */
int    nn_layout_phases(const nn_layout *l, int gap);
int    nn_layout_phase(const nn_layout *l, int gap, int y, int x);
size_t nn_layout_slot(const nn_layout *l, int gap, int image, int y, int x);

/* ---- machine: what operations cost -------------------------------------- */

/* Seconds of one thread, for a word of 8 bytes that ...  How each is measured,
 * and what a network has of each: docs/performance.md. */
typedef enum nn_cost {
    NN_FORWARD = 0,     /* is in a layer of a forward NTT: log2(N) / 2 times,
                           so this is the price of a butterfly               */
    NN_INVERSE,         /* the same of an inverse NTT                        */
    NN_CONVERT,         /* is a term of a base conversion                    */
    NN_INNER,           /* is multiplied with both halves of a key           */
    NN_PERMUTE,         /* is permuted                                       */
    NN_PASS,            /* a pointwise operation reads or writes             */
    NN_TERM,            /* is a term of an integer combination               */
    NN_PACK,            /* is an input of one                                */
    NN_REDUCE,          /* is an output of one                               */
    NN_FRESH,           /* lies in memory never used before                  */
    NN_COSTS
} nn_cost;

typedef struct nn_machine {
    char kernel[NN_NAME];
    double cost[NN_COSTS];      /* each finite and > 0                       */
} nn_machine;

/* Built-in costs of a kernel ("portable", "fma2", "avx2", "avx512ifma"), as
 * measured on one server processor; NULL: of the one that contexts get here.
 *   errors  CKKS_EPARAM  no such kernel */
CKKS_CHECKED ckks_status nn_machine_default(nn_machine *out,
                                            const char *kernel);

/* Key switchings that are done together: `xs` polynomials are cut into digits,
 * `terms` inner products are taken with keys, `pairs` results divided by P; to
 * these so many polynomials are added, `adds` as they are and `turns`
 * permuted. */
typedef struct nn_switching {
    int level;
    double xs, terms, pairs, adds, turns;
    bool rescaled;
} nn_switching;

/* Seconds by a machine's costs, on one thread; p resolved. */
double nn_switch_seconds(const nn_switching *s, const ckks_params *p,
                         const nn_machine *machine);

/* As JSON text and back, strictly; *out is allocated with malloc.
 *   errors  CKKS_EFORMAT  a member that is unknown, missing, or no number > 0
 */
CKKS_CHECKED ckks_status nn_machine_save(char **out, size_t *size,
                                         const nn_machine *m);
CKKS_CHECKED ckks_status nn_machine_load(nn_machine *out, const char *text,
                                         size_t size);

/* ---- plan --------------------------------------------------------------- */

enum { NN_MANY = 1 << 30 };

/* How dense layers are done (docs/cnn.md). */
typedef enum nn_dense_form {
    NN_DENSE_ANY = 0,
    NN_DENSE_TERMS,             /* integer combinations, as convolutions     */
    NN_DENSE_MATRIX,            /* neurons share ciphertexts                 */
    NN_DENSE_SINGLE             /* plaintexts, a ciphertext for each neuron  */
} nn_dense_form;

/* The ring of polynomials (ckks_params.ring): what a slot holds. */
typedef enum nn_slots {
    NN_SLOTS_ANY = 0,
    NN_SLOTS_COMPLEX,
    NN_SLOTS_REAL
} nn_slots;

/* Channels in the gaps of a map (nn_layout.lanes): where `images` are said, if
 * that is faster; never; always. */
typedef enum nn_lanes {
    NN_LANES_ANY = 0,
    NN_LANES_NEVER,
    NN_LANES_ALWAYS
} nn_lanes;

/* What the planner may be told; zero bytes are the defaults. */
typedef struct nn_aim {
    int security;               /* 128 (0), 192, 256 or CKKS_INSECURE        */
    int log_n;                  /* 0: the planner chooses                    */
    int ring_y, ring_x;         /* 0: the planner chooses (or the model)     */
    int height, width;          /* halo: size of a tile without its halo;
                                   0: the model's                            */
    int max_batch;              /* 0: as many as fit                         */
    int images;                 /* the plan that takes the least time for so
                                   many; NN_MANY: for each of very many; 0:
                                   for one set, however many it holds        */
    nn_dense_form dense;
    nn_slots slots;
    nn_lanes lanes;
    int layer_bits;             /* of a layer's prime: 0: as many as fit; 47,
                                   44, 40 or 38                              */
    size_t max_memory;          /* bytes the server has; 0: no limit         */
    size_t max_scratch;         /* with it: bytes that a scratch file may have,
                                   if one is needed; 0: none                 */
    const nn_machine *machine;  /* the server; NULL: see nn_plan_make        */
    int threads;                /* the server's (0 means 1): time and memory
                                   are predicted for them                    */
} nn_aim;

/* One linear layer and the activation behind it, as the server runs them. */
typedef struct nn_step {
    char name[NN_NAME];
    bool square;
    bool rotate_inputs;         /* else sums of products are rotated         */
    int  neurons;               /* of a dense layer in one ciphertext: it is
                                   done as a matrix; 0: as other layers      */
    int  level;                 /* of the inputs                             */
    double log_scale;           /* log2 of the scale of the sums             */
    int  channels, height, width;
    long ciphertexts;           /* outputs                                   */
    long rotations, relins;     /* for one set                               */
    double products;            /* integer x ciphertext                      */
    double seconds;             /* predicted                                 */
    double bytes;               /* peak of memory while it runs, with the
                                   keys and tables that are there            */
    double error;               /* sd of its output's error, as of value     */
    double loss;                /* rms of what rounding to integers changes in
                                   its weights, by theirs: what is left of
                                   them, in the clear twin too               */
} nn_step;

enum { NN_MAX_KEYS = 256, NN_MAX_STEPS = 256, NN_MAX_SCRATCH = 1 << 24 };

/* What integers may take of a layer's weights, by their rms, without a word: of
 * 64 to 512 channels 7 % changed the Dice of masks by 0.0003; of 32 to 512
 * channels with four poolings, within 16 GiB, 99 % changed 13 % of the pixels,
 * where the error that was planned would have changed 1 %. */
#define NN_WEIGHTS_LOST 0.1

/* Everything public: what the client needs, and what the server agrees to. */
typedef struct nn_plan {
    char name[NN_NAME];
    nn_border border;
    nn_layout layout;
    int  core_height, core_width;   /* of a tile, without halo               */
    int  halo;                      /* pixels added at each side             */
    ckks_params params;             /* primes resolved                       */
    int    channels;                /* of the input                          */
    double mul, add;
    nn_images images;
    int    scale_bits;              /* activations are at scale 2^scale_bits */
    int    in_level;
    double in_scale;
    int    out_level;               /* 0, or 1 for logits that vary widely   */
    double out_scale;               /* of the logits                         */
    int    out_gap;                 /* of its map (see nn_layout)            */
    int    out_channels;
    int    out_neurons, out_column;     /* with out_neurons > 1: channel c is
                                   number j = c mod out_neurons of ciphertext
                                   c / out_neurons, for a single image in slot
                                   j / out_column * cells + j mod out_column,
                                   cells = grid_y grid_x; for image i of many
                                   in slot i cells + j                       */
    double threshold;
    char   foreground[NN_NAME];
    int    num_classes;
    char   class_name[NN_MAX_CLASSES][NN_NAME];
    int    num_labels;              /* see nn_model                          */
    char   label_name[NN_MAX_LABELS][NN_NAME];
    double label_max[NN_MAX_LABELS];
    double logit_max;               /* calibrated                            */
    double error_sd;                /* predicted, of the logit; of labels also
                                       of the difference of any two          */
    double weights_loss;            /* the largest of the steps'             */
    double free_error_sd;           /* where memory was limited: that of the
                                       plan without a limit; else 0          */
    int    scratch;                 /* MiB of each form of a map that stay in
                                       memory, of skips none, the rest lies in
                                       a scratch file; 0: all stays          */
    size_t num_keys;
    ckks_key_request key[NN_MAX_KEYS];
    int num_steps;
    nn_step step[NN_MAX_STEPS];
    /* predicted */
    char   kernel[NN_NAME];         /* seconds and peak_bytes are for this   */
    int    threads;                 /* kernel and so many threads            */
    double seconds;                 /* of the first set of images            */
    double fresh_seconds;           /* of them, for memory never used before:
                                       further sets do not need them         */
    double peak_bytes, upload_bytes, download_bytes, key_bytes;
    bool   keys_by_stage;           /* keys that were opened (ckks_keys_open)
                                       are read as stages need them, which
                                       peak_bytes counts on; else all stay   */
    double scratch_bytes;           /* the scratch file's, and what a set     */
    double scratch_moved;           /* writes into it and reads from it       */
    double security_bits, log_qp;
} nn_plan;

/* Plans a model: of all layouts and parameters with enough security and memory
 * those that take the least time on one thread.  Deterministic: client and
 * server get the same plan.  Without aim->machine the choice is made by the
 * built-in costs of avx2, wherever it is made; only the seconds that are
 * stated are those of the kernel here.
 *   errors  CKKS_EPARAM  no plan: the message names the limit (depth, security,
 *                        memory, size, border, error of the logits) and the
 *                        nearest that would work; a layer's range that is
 *                        negative or no number
 */
CKKS_CHECKED ckks_status nn_plan_make(nn_plan *out, const nn_model *m,
                                      const nn_aim *aim);

/* Predicts time and memory anew, for another machine (NULL: the built-in costs
 * of the kernel here) and so many threads; changes nothing else.
 *   errors  CKKS_EPARAM  not a plan of this model; a cost that is not > 0 */
CKKS_CHECKED ckks_status nn_plan_price(nn_plan *p, const nn_model *m,
                                       const nn_machine *machine,
                                       int threads);

/* What one step of a plan asks libckks for, at one level. */
typedef struct nn_line {
    int step;                   /* number of the plan's step                 */
    int kind;                   /* of work: nn_line_name                     */
    int level;
    double calls;
    double seconds;             /* predicted, of one thread                  */
    double bytes;               /* of ciphertexts and scratch that are in use
                                   at most when it is done                   */
    double from, to;            /* bytes of the run's memory that what it
                                   makes lies between                        */
} nn_line;

/* In words, "combine a piece"; "" for no kind. */
const char *nn_line_name(int kind);

/* The schedule of a plan, line by line, in the order of the run; *out is
 * allocated with malloc.  Machine and threads as for nn_plan_price.
 *   errors  CKKS_EPARAM  not a plan of this model; a cost that is not > 0 */
CKKS_CHECKED ckks_status nn_plan_explain(nn_line **out, size_t *count,
                                         const nn_plan *p, const nn_model *m,
                                         const nn_machine *machine,
                                         int threads);

/* Every field against every other: after CKKS_OK the client may compute with
 * the plan.  It does not say that the plan serves its owner: how secure it is
 * and what it costs are unet_accept's affair (docs/security.md has the list of
 * fields).  nn_plan_load calls it, and the owner's functions of libunet do.
 *   errors  CKKS_EFORMAT  the field, and the numbers that do not go together */
CKKS_CHECKED ckks_status nn_plan_check(const nn_plan *p);

/* The public part as JSON text and back; *out is allocated with malloc.
 *   errors  CKKS_EFORMAT  text that is no plan, or one that nn_plan_check
 *                         refuses */
CKKS_CHECKED ckks_status nn_plan_save(char **out, size_t *size,
                                      const nn_plan *p);
CKKS_CHECKED ckks_status nn_plan_load(nn_plan *out, const char *text,
                                      size_t size);

/* Names everything client and server must agree on.
 *   errors  CKKS_EARG  a number of the plan is not finite */
CKKS_CHECKED ckks_status nn_plan_fingerprint(uint8_t out[16],
                                             const nn_plan *p);

/* A context for the plan. */
CKKS_CHECKED ckks_status nn_plan_context(ckks_ctx **out, const nn_plan *p,
                                         const ckks_memory *memory);

/* Ciphertexts of one set of images: in = channels ring_y ring_x. */
int nn_plan_inputs(const nn_plan *p);
int nn_plan_outputs(const nn_plan *p);

/* ---- client ------------------------------------------------------------- */

/* slots[k][j], k < nn_plan_inputs, j < slots: the packed values of `count` <=
 * batch tiles; tile[i] has shape (channels, height, width) of the layout
 * (halo included), pixels 0..255.  Unused places hold copies of tile 0. */
void nn_pack(double *slots, const nn_plan *p, const double *const *tile,
             int count);
/* Numbers the network gives for a tile: out_channels times the layout's height
 * and width, both divided by out_gap and rounded up; out_gap 0: one number a
 * channel. */
size_t nn_plan_logits(const nn_plan *p);
/* Those of tile i, logit (out_channels, height, width), from the slots of all
 * output ciphertexts, shape (outputs, slots).  room: numbers that logit has
 * room for.
 *   errors  CKKS_EARG  less room than nn_plan_logits; i not in 0..batch-1 */
CKKS_CHECKED ckks_status nn_unpack(double *logit, size_t room,
                                   const nn_plan *p, const double *slots,
                                   int i);

/* ---- server ------------------------------------------------------------- */

/* Integer weights for a plan.  Opaque.  They are made stage by stage as a run
 * comes to it: m must outlive them. */
typedef struct nn_weights nn_weights;
CKKS_CHECKED ckks_status nn_weights_init(nn_weights **out, const nn_model *m,
                                         const nn_plan *p);
void nn_weights_clear(nn_weights **w);
/* Encodes what the plan multiplies with as plaintexts, once for all runs in a
 * context; nn_run otherwise does it each time.  Cheap where there are none. */
CKKS_CHECKED ckks_status nn_weights_encode(nn_weights *w, const ckks_ctx *ctx);

/* report is called before each step: its number, and the seconds predicted for
 * the steps before it and for all.  took, if not NULL, is told how long each
 * call of libckks took, by the keys of an nn_line; calls of several threads come
 * one at a time.  NULL: silence. */
typedef struct nn_progress {
    void (*report)(void *user, const nn_plan *p, int step, double done,
                   double total);
    void *user;
    void (*took)(void *user, int step, int kind, int level, double seconds);
} nn_progress;

/* Runs the network on one set.  Of keys that were opened (ckks_keys_open) those
 * are held, stage by stage, that it needs.  in[nn_plan_inputs] at in_level is
 * consumed: each is cleared as soon as nothing more reads it, so after an error
 * some may be gone; out[nn_plan_outputs], unchanged then.
 *   errors  those of ckks.h, CKKS_EPARAM if context and plan differ, CKKS_EARG
 *           for a plan with `scratch`: nn_run_scratch runs it */
CKKS_CHECKED ckks_status nn_run(ckks_ct *out, ckks_ct *in, const nn_plan *p,
                                const nn_weights *w, ckks_keys *keys,
                                const nn_progress *progress);

/* Room beside memory, for plans with `scratch`: words of ciphertexts, which say
 * nothing without the key.  write puts size bytes at `at`, read gives what was
 * written there last; both may be called by several threads at once. */
typedef struct nn_scratch {
    ckks_status (*write)(void *user, uint64_t at, const void *in, size_t size);
    ckks_status (*read)(void *user, uint64_t at, void *out, size_t size);
    void *user;
} nn_scratch;

/* nn_run for any plan; scratch may be NULL where the plan needs none.
 *   errors  those of nn_run, of scratch, CKKS_EARG without it where the plan
 *           needs it, a word that came back is none of a ciphertext */
CKKS_CHECKED ckks_status nn_run_scratch(ckks_ct *out, ckks_ct *in,
                                        const nn_plan *p, const nn_weights *w,
                                        ckks_keys *keys,
                                        const nn_scratch *scratch,
                                        const nn_progress *progress);

/* The cleartext twin: the same integer weights on all slots, garbage included;
 * shapes as nn_pack's slots (inputs, slots) and (outputs, slots).  ranges, if
 * not NULL, gets for every step the largest |value| before its activation. */
CKKS_CHECKED ckks_status nn_clear(double *out, const double *in,
                                  const nn_plan *p, const nn_weights *w,
                                  double *ranges);

/* ---- memory ------------------------------------------------------------- */

/* Memory for a context, for one network at a time: one region, handed out from
 * the bottom up, so that what was given back is used before pages that the
 * system would have to clear; the planner's peak_bytes are for it.  Counted.
 * Thread-safe. */
typedef struct nn_pages nn_pages;
CKKS_CHECKED ckks_status nn_pages_init(nn_pages **out);
void nn_pages_clear(nn_pages **pages);
ckks_memory nn_pages_memory(nn_pages *pages);
/* Bytes of the region that were in use at least once, or handed out at once,
 * whatever is more. */
size_t nn_pages_peak(const nn_pages *pages);

#ifdef __cplusplus
}
#endif
#endif
