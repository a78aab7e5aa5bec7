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
typedef struct net_source {
    int stage, pool;
    int gap;                    /* of the ciphertexts (nn_layout)            */
    int height, width;          /* of the map in them                        */
    int channels;               /* of the ciphertexts                        */
    double *mul, *add;          /* shape (channels)                          */
    const float *up_weight;     /* shape (channels, up_channels, 2, 2)       */
    int up_channels;            /* 0: no transposed convolution              */
    double *up_mul, *up_add;    /* shape (up_channels)                       */
    int out;                    /* which output of the stage (by net_levels) */
} net_source;

/* A form in which a stage's output is kept for readers: `pool` times summed
 * over 2x2, brought to `level`. */
typedef struct net_out {
    int pool, level;
    double scale;               /* value = x / scale, means included         */
    int last_reader;            /* number of the last stage that reads it    */
} net_out;

typedef struct net_stage {
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
    net_source source[NET_MAX_SOURCES];
    /* by net_levels */
    int  level;                 /* of the inputs                             */
    double scale;               /* of the sums, masks not counted            */
    int  mask_bits;             /* extra: sums are at 2^mask_bits times the
                                   scale                                     */
    double value_scale;         /* before the activation: the scale of the
                                   sums; extra: 2^mask_bits of them over
                                   the prime that is divided out             */
    int  num_outs;
    net_out out[NET_MAX_OUTS];
} net_stage;

typedef struct net {
    const nn_model *model;
    int num_stages;
    net_stage *stage;           /* the last one gives the logit              */
    int max_gap;
    net_out image;              /* level and scale of the input              */
    void **block;               /* memory of vectors                         */
    size_t num_blocks;
} net;

/* Folds a model.
 *   errors  CKKS_EPARAM  a network outside what stages can express */
CKKS_CHECKED ckks_status net_init(net *out, const nn_model *m);
void net_clear(net *n);

/* The choices of moduli a plan makes: base prime, layer primes, activations'
 * scale, all in bits; the level of the logits; the image's scale in bits (0: by
 * the others). */
typedef struct net_bits {
    int base, layer, scale, out, image;
} net_bits;

/* The choice a plan was made with. */
net_bits net_plan_bits(const nn_plan *p);

/* Sets levels, scales and outputs of every stage.  prime[l] stands for q_l;
 * the scale of level l's outputs is exact for these primes.
 *   errors  CKKS_EPARAM  values too large for the moduli */
CKKS_CHECKED ckks_status net_levels(net *n, net_bits bits,
                                    const uint64_t *prime);

/* The whole number a stage without activation is multiplied by before its
 * rescaling by `prime`, so that it comes down to the scale of activations. */
double net_lift(net_bits bits, double scale, uint64_t prime);

/* Slots of a ciphertext. */
size_t net_slots(const ckks_params *p);

/* Sets which stages are masked, and which alternate, in a layout of the real
 * ring or the complex one.
 *   errors  CKKS_EPARAM  a network that stages cannot express on its rings */
CKKS_CHECKED ckks_status net_set_masks(net *n, const nn_layout *l, bool real);

/* Bits up to the highest that is set. */
int net_bit_length(uint64_t x);

/* Bits of q_level: those of layers, or fewer where only masks are divided out.
 * After net_levels. */
int net_level_bits(const net *n, net_bits bits, int level);

/* Number of the top level; net_levels with prime NULL computes only this. */
int net_depth(const net *n);

/* ---- one stage's linear map as integers --------------------------------- */

/* One term: input ciphertext (index among the stage's inputs, in the order
 * sources, channels, phases), rotated by step.  The carries the step comes from
 * tell the mask of a border of zeros; they are 0 for other borders.  place_y,
 * if not 0, lets slots alone in whose row ring_y times the row is place_y - 1
 * modulo twice the stage's gap: every other pixel.  alternate: 1 for the
 * product of the input, before it is rotated, with ckks_mul_alternating's
 * factors. */
typedef struct net_term {
    int32_t input;
    int32_t step;
    int16_t carry_y, carry_x;
    int32_t place_y, place_x;
    int32_t alternate;
} net_term;

/* The map for one output phase: terms shared by all channels. */
typedef struct net_phase {
    bool live;                  /* holds a pixel; else it is never made      */
    int32_t terms;
    net_term *term;             /* shape (terms)                             */
    int32_t *weight;            /* shape (channels, terms); NULL if only
                                   counted                                   */
    double *bias;               /* shape (channels), as values               */
} net_phase;

typedef struct net_map {
    int num_phases, channels, num_inputs, num_sources;
    net_phase *phase;
    int *last;                  /* shape (num_inputs): the last phase that
                                   reads it, -1 if none does                 */
    int *ended;                 /* shape (num_phases, num_sources): inputs of
                                   a source that no phase from here on reads */
} net_map;

/* Whether stage k may drop phase after phase of its source i: no other stage
 * reads it later, the stage itself only there, and no made version needs it. */
bool net_drops(const net *n, int k, int i, bool by_inputs);

/* The least multiple of b, and the least power of two, that is >= a. */
int  net_round_up(int a, int b);
int  net_power_above(int a);

/* Along an axis: positions of neighbouring phases differ by net_unit, there are
 * net_phases of them, and one holds a pixel of a map with `side` pixels (0: no
 * end) if it is live.  layout.c. */
int  net_unit(int ring, int gap);
int  net_phases(int ring, int gap);
bool net_live(int ring, int gap, int side, int residue);
/* Phase number `index` of a map: its position, and whether it is live. */
bool net_phase_at(int *y, int *x, const nn_layout *l, int gap, int height,
                  int width, int index);

/* Ciphertexts of one channel of a form of a stage's output. */
int net_out_phases(const net_stage *s, const net_out *o, const nn_layout *l);
/* A form of a stage's output on its way: gap and size of the map.  Along an
 * axis whose ring the form's gap divides, means add whole ciphertexts, before
 * they are relinearised; then, pooling after pooling, rotated ones along the
 * other (net_pool). */
typedef struct net_means {
    int gap_y, gap_x;
    int height, width;          /* 0: no end                                 */
} net_means;

/* After `turned` poolings by rotation, of which there are net_turns. */
net_means net_means_after(const net_stage *s, const net_out *o,
                          const nn_layout *l, int turned);
int net_turns(const net_stage *s, const net_out *o, const nn_layout *l);
int net_means_phases(const net_means *m, const nn_layout *l);
/* Phase number `index`: its position, and whether it holds a pixel. */
bool net_means_at(int *y, int *x, const net_means *m, const nn_layout *l,
                  int index);

/* The map of a stage; without weights only its terms, which geometry alone
 * decides.
 *   errors  CKKS_EPARAM  integers too large for an exact product */
CKKS_CHECKED ckks_status net_map_init(net_map *out, const net *n, int stage,
                                      const nn_layout *l, bool with_weights);
void net_map_clear(net_map *m);

/* The places, two or four, that phase `to` of a map takes of the one before it,
 * a pooling by rotation away: phases (as input) and rotations.  Gives how many.
 * run_pool.c. */
int net_pool_terms(net_term term[4], const nn_layout *l,
                   const net_means *before, const net_means *after, int to);

/* Orders terms by input, step, carries, places, alternation. */
int net_compare_terms(const void *a, const void *b);
/* Whether a term is read through a mask, whether by the same one as another,
 * and whether the mask lets a slot read: a pixel of its own image (a copy of
 * one counts) for a row and column of the term's places.  gap: the stage's. */
bool net_cut(const net_term *t);
bool net_same_cut(const net_term *a, const net_term *b);
bool net_mask(const nn_layout *l, int gap, const net_term *t, size_t slot);

/* Whether a term reads a ciphertext that is made of its input first: rotated,
 * masked or alternating; and which one: sums that are rotated later read it as
 * it lies.  shape.c. */
bool net_makes_version(const net_term *t, const net_stage *s, bool by_inputs);
net_term net_version(const net_term *t, bool by_inputs);

/* Scale of what a source's ciphertexts hold. */
double net_source_scale(const net *n, const net_source *s);

/* Digits a key switching has at a level. */
double net_digits(const ckks_params *p, int level);

/* ---- costs (cost.c) ------------------------------------------------------ */

/* Fills steps, keys, seconds, memory and error of a plan whose layout and
 * parameters are chosen.  choose: decides whether inputs or sums are rotated;
 * else it is as the plan says. */
CKKS_CHECKED ckks_status net_price(nn_plan *p, const net *n, bool choose,
                                   const nn_machine *machine, int threads);
/* The best plan of a network: blank has what the model and the aim fix, the
 * machine is the one by whose costs it is decided.  search.c.
 *   errors  CKKS_EPARAM  none; the message is that of the candidate that came
 *                        farthest */
CKKS_CHECKED ckks_status net_search(nn_plan *out, net *n, const nn_plan *blank,
                                    const nn_model *m, const nn_aim *aim,
                                    const nn_machine *machine);
/* Predictions of a complete plan: net_price, upload, download, keys.  predict.c
 */
CKKS_CHECKED ckks_status net_predict(nn_plan *p, net *n,
                                     const nn_machine *machine, int threads);
/* Rows of an integer product that a machine's kernel works on together. */
int net_machine_rows(const nn_machine *m);
/* Columns of which inputs are packed together for that; 0: they are not. */
int net_machine_columns(const nn_machine *m);
CKKS_CHECKED ckks_status net_machine_check(const nn_machine *m,
                                           const char *name);
/* Words of plan files, by nn_border and ckks_key_kind (plan_write.c). */
extern const char *const net_border_words[4];
extern const char *const net_key_words[3];

/* A folded model at the levels of a plan, which must be one of it; name: the
 * public function's.  weights.c. */
CKKS_CHECKED ckks_status net_of_plan(net *out, const nn_model *m,
                                     const nn_plan *p, const char *name);

struct nn_weights {
    net net;
    nn_layout layout;
    net_map *map;               /* one a stage; empty for a matrix           */
    struct net_encoded *encoded;        /* one a stage (run_matrix.c)        */
    uint8_t fingerprint[16];    /* of the plan                               */
};

#endif
