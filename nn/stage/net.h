/* net.h -- the inside of libnn: a model folded into stages.
 *
 * A stage is what the server runs as one piece: a linear map, and the square
 * behind it if there is one.  Batch norms, means, transposed convolutions
 * before a convolution and the constants of quadratics are folded into it.
 * Read first: docs/11-layers.md.
 */
#ifndef NN_NET_H
#define NN_NET_H

#include "nn.h"

enum { NET_MAX_SOURCES = 16, NET_MAX_OUTS = 8 };

/* A tensor a stage reads: `pool` means behind stage `stage`'s output (or the
 * image, stage -1), as value = mul[c] x + add[c] of what the ciphertexts hold.
 * Sizes are those of the model's image; under wrap and halo maps have no end
 * and sizes are 0.
 * With up_weight, a transposed convolution lies between: the value read is
 * up_mul[m] (up_weight . value)[m] + up_add[m] at twice the size. */
typedef struct nni_source {
    int stage, pool;
    int gap;                    /* of the ciphertexts (nn_layout)            */
    int height, width;          /* of the map in them                        */
    int channels;               /* of the ciphertexts                        */
    double *mul, *add;          /* shape (channels)                          */
    const float *up_weight;     /* shape (channels, up_channels, 2, 2)       */
    int up_channels;            /* 0: no transposed convolution              */
    double *up_mul, *up_add;    /* shape (up_channels)                       */
    int out;                    /* which output of the stage (by nni_levels) */
} nni_source;

/* A form in which a stage's output is kept for readers: `pool` times summed
 * over 2x2, brought to `level`. */
typedef struct nni_out {
    int pool, level;
    double scale;               /* value = x / scale, means included         */
    int last_reader;            /* number of the last stage that reads it    */
} nni_out;

typedef struct nni_stage {
    char name[NN_NAME];
    int  pre, post;             /* layers whose ranges hold before the
                                   activation and behind it                  */
    bool identity;              /* 1x1, weight 1: a layer between none       */
    bool dense;
    bool square;
    bool bordered;              /* border zero, a kernel over the edge       */
    bool masked;                /* so, or pixels between pixels (map.c)      */
    bool alternating;           /* pixels in every other slot, in the real
                                   ring: no masks (map.c)                    */
    int  neurons;               /* of a dense layer, a ciphertext: matrix.c;
                                   0: ciphertexts are terms of an integer
                                   combination                               */
    int  column;                /* with neurons: how they lie in the slots   */
    int  planes;                /* ciphertexts of one phase of the output    */
    bool extra;                 /* plaintexts take a prime of their own      */
    bool sealed;                /* its linear output is read: no activation  */
    int  kernel_y, kernel_x;    /* of a dense layer: the size of the map     */
    int  middle;                /* the tap that stands on the pixel          */
    const float *weight;        /* (channels, sum of source channels,
                                   kernel_y, kernel_x)                       */
    int  channels;
    double *mul, *add;          /* out = mul (weight . in) + add             */
    bool *linear;               /* shape (channels): no square here; or NULL */
    double factor;              /* rms over channels of value / what the
                                   ciphertexts hold behind the activation    */
    double shift;               /* of a quadratic: largest |b/2a|            */
    int  in_gap;                /* of the map as it is read                  */
    int  gap;                   /* of the output: nn_layout                  */
    int  height, width;         /* of the output; 0: no end                  */
    int  num_sources;
    nni_source source[NET_MAX_SOURCES];
    /* by nni_levels */
    int  level;                 /* of the inputs                             */
    double scale;               /* of the sums, masks not counted            */
    int  mask_bits;             /* extra: sums are at 2^mask_bits times the
                                   scale                                     */
    double value_scale;         /* before the activation: the scale of the
                                   sums; extra: 2^mask_bits of them over
                                   the prime that is divided out             */
    int  num_outs;
    nni_out out[NET_MAX_OUTS];
} nni_stage;

typedef struct net {
    const nn_model *model;
    int num_stages;
    nni_stage *stage;           /* the last one gives the logit              */
    int max_gap;
    nni_out image;              /* level and scale of the input              */
    void **block;               /* memory of vectors                         */
    size_t num_blocks;
} net;

/* Folds a model.
 *   errors  CKKS_EPARAM  a network outside what stages can express */
CKKS_CHECKED ckks_status nni_init(net *out, const nn_model *m);
void nni_clear(net *n);

/* The choices of moduli a plan makes: base prime, layer primes, activations'
 * scale, all in bits; the level of the logits; the image's scale in bits (0: by
 * the others). */
typedef struct nni_bits {
    int base, layer, scale, out, image;
} nni_bits;

/* The choice a plan was made with. */
nni_bits nni_plan_bits(const nn_plan *p);

/* Sets levels, scales and outputs of every stage.  prime[l] stands for q_l;
 * the scale of level l's outputs is exact for these primes.
 *   errors  CKKS_EPARAM  values too large for the moduli */
CKKS_CHECKED ckks_status nni_levels(net *n, nni_bits bits,
                                    const uint64_t *prime);

/* The whole number a stage without activation is multiplied by before its
 * rescaling by `prime`, so that it comes down to the scale of activations. */
double nni_lift(nni_bits bits, double scale, uint64_t prime);

/* Slots of a ciphertext. */
size_t nni_slots(const ckks_params *p);

/* Sets which stages are masked, and which alternate, in a layout of the real
 * ring or the complex one.
 *   errors  CKKS_EPARAM  a network that stages cannot express on its rings */
CKKS_CHECKED ckks_status nni_set_masks(net *n, const nn_layout *l, bool real);

/* Bits up to the highest that is set. */
int nni_bit_length(uint64_t x);

/* Bits of q_level: those of layers, or fewer where only masks are divided out.
 * After nni_levels. */
int nni_level_bits(const net *n, nni_bits bits, int level);

/* Number of the top level; nni_levels with prime NULL computes only this. */
int nni_depth(const net *n);

/* ---- one stage's linear map as integers --------------------------------- */

/* One term: input ciphertext (index among the stage's inputs, in the order
 * sources, channels, phases), rotated by step.  The carries the step comes from
 * tell the mask of a border of zeros; they are 0 for other borders.  place_y,
 * if not 0, lets slots alone in whose row ring_y times the row is place_y - 1
 * modulo twice the stage's gap: every other pixel.  alternate: 1 for the
 * product of the input, before it is rotated, with ckks_mul_alternating's
 * factors. */
typedef struct nni_term {
    int32_t input;
    int32_t step;
    int16_t carry_y, carry_x;
    int32_t place_y, place_x;
    int32_t alternate;
} nni_term;

/* The map for one output phase: terms shared by all channels. */
typedef struct nni_phase {
    bool live;                  /* holds a pixel; else it is never made      */
    int32_t terms;
    nni_term *term;             /* shape (terms)                             */
    int32_t *weight;            /* shape (channels, terms); NULL if only
                                   counted                                   */
    double *bias;               /* shape (channels), as values               */
} nni_phase;

typedef struct nni_map {
    int num_phases, channels, num_inputs, num_sources;
    nni_phase *phase;
    int *last;                  /* shape (num_inputs): the last phase that
                                   reads it, -1 if none does                 */
    int *ended;                 /* shape (num_phases, num_sources): inputs of
                                   a source that no phase from here on reads */
} nni_map;

/* Whether stage k may drop phase after phase of its source i: no other stage
 * reads it later, the stage itself only there, and no made version needs it. */
bool nni_drops(const net *n, int k, int i, bool by_inputs);

/* The least multiple of b, and the least power of two, that is >= a. */
int  nni_round_up(int a, int b);
int  nni_power_above(int a);

/* Along an axis: positions of neighbouring phases differ by nni_unit, there are
 * nni_phases of them, and one holds a pixel of a map with `side` pixels (0: no
 * end) if it is live.  layout.c. */
int  nni_unit(int ring, int gap);
int  nni_phases(int ring, int gap);
bool nni_live(int ring, int gap, int side, int residue);
/* Phase number `index` of a map: its position, and whether it is live. */
bool nni_phase_at(int *y, int *x, const nn_layout *l, int gap, int height,
                  int width, int index);

/* Ciphertexts of one channel of a form of a stage's output. */
int nni_out_phases(const nni_stage *s, const nni_out *o, const nn_layout *l);
/* A form of a stage's output on its way: gap and size of the map.  Along an
 * axis whose ring the form's gap divides, means add whole ciphertexts, before
 * they are relinearised; then, pooling after pooling, rotated ones along the
 * other (nni_pool). */
typedef struct nni_means {
    int gap_y, gap_x;
    int height, width;          /* 0: no end                                 */
} nni_means;

/* After `turned` poolings by rotation, of which there are nni_turns. */
nni_means nni_means_after(const nni_stage *s, const nni_out *o,
                          const nn_layout *l, int turned);
int nni_turns(const nni_stage *s, const nni_out *o, const nn_layout *l);
int nni_means_phases(const nni_means *m, const nn_layout *l);
/* Phase number `index`: its position, and whether it holds a pixel. */
bool nni_means_at(int *y, int *x, const nni_means *m, const nn_layout *l,
                  int index);

/* The map of a stage; without weights only its terms, which geometry alone
 * decides.
 *   errors  CKKS_EPARAM  integers too large for an exact product */
CKKS_CHECKED ckks_status nni_map_init(nni_map *out, const net *n, int stage,
                                      const nn_layout *l, bool with_weights);
void nni_map_clear(nni_map *m);

/* The places, two or four, that phase `to` of a map takes of the one before it,
 * a pooling by rotation away: phases (as input) and rotations.  Gives how many.
 * run_pool.c. */
int nni_pool_terms(nni_term term[4], const nn_layout *l,
                   const nni_means *before, const nni_means *after, int to);

/* Orders terms by input, step, carries, places, alternation. */
int nni_compare_terms(const void *a, const void *b);
/* Whether a term is read through a mask, whether by the same one as another,
 * and whether the mask lets a slot read: a pixel of its own image (a copy of
 * one counts) for a row and column of the term's places.  gap: the stage's. */
bool nni_cut(const nni_term *t);
bool nni_same_cut(const nni_term *a, const nni_term *b);
bool nni_mask(const nn_layout *l, int gap, const nni_term *t, size_t slot);

/* Whether a term reads a ciphertext that is made of its input first: rotated,
 * masked or alternating; and which one: sums that are rotated later read it as
 * it lies.  shape.c. */
bool nni_makes_version(const nni_term *t, const nni_stage *s, bool by_inputs);
nni_term nni_version(const nni_term *t, bool by_inputs);

/* Scale of what a source's ciphertexts hold. */
double nni_source_scale(const net *n, const nni_source *s);

/* Digits a key switching has at a level. */
double nni_digits(const ckks_params *p, int level);

/* ---- costs (cost.c) ------------------------------------------------------ */

/* Fills steps, keys, seconds, memory and error of a plan whose layout and
 * parameters are chosen.  choose: decides whether inputs or sums are rotated;
 * else it is as the plan says. */
CKKS_CHECKED ckks_status nni_price(nn_plan *p, const net *n, bool choose,
                                   const nn_machine *machine, int threads);
/* The best plan of a network: blank has what the model and the aim fix, the
 * machine is the one by whose costs it is decided.  search.c.
 *   errors  CKKS_EPARAM  none; the message is that of the candidate that came
 *                        farthest */
CKKS_CHECKED ckks_status nni_search(nn_plan *out, net *n, const nn_plan *blank,
                                    const nn_model *m, const nn_aim *aim,
                                    const nn_machine *machine);
/* Predictions of a complete plan: nni_price, upload, download, keys.  predict.c
 */
CKKS_CHECKED ckks_status nni_predict(nn_plan *p, net *n,
                                     const nn_machine *machine, int threads);
/* Rows of an integer product that a machine's kernel works on together. */
int nni_machine_rows(const nn_machine *m);
/* Columns of which inputs are packed together for that; 0: they are not. */
int nni_machine_columns(const nn_machine *m);
CKKS_CHECKED ckks_status nni_machine_check(const nn_machine *m,
                                           const char *name);
/* Words of plan files, by nn_border and ckks_key_kind (plan_write.c). */
extern const char *const nni_border_words[4];
extern const char *const nni_key_words[3];

/* A folded model at the levels of a plan, which must be one of it; name: the
 * public function's.  weights.c. */
CKKS_CHECKED ckks_status nni_of_plan(net *out, const nn_model *m,
                                     const nn_plan *p, const char *name);

struct nn_weights {
    net net;
    nn_layout layout;
    nni_map *map;               /* one a stage; empty for a matrix           */
    struct nni_encoded *encoded;        /* one a stage (run_matrix.c)        */
    uint8_t fingerprint[16];    /* of the plan                               */
};

#endif
