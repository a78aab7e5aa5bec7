/* schedule.h -- a placed stage as a list of steps in libckks's own terms, and
 * the walk over it.
 *
 * Read first: map.h, docs/11-layers.md.
 *
 *   schedule   rounds, one after the other
 *   round      bodies, side by side: their tasks may run on several threads
 *   body       steps, in order, once for each of its tasks; mostly a task is a
 *              channel
 *   step       one call of libckks, or memory given back
 *
 * nn_run walks with a back end that calls libckks, the planner with one that
 * counts: what is counted is what is run.
 */
#ifndef NN_SCHEDULE_H
#define NN_SCHEDULE_H

#include "schedule/arena.h"
#include "stage/map.h"
#include "stage/matrix.h"

typedef enum nni_do {
    NNI_DROP = 0,       /* to = from at a lower level                        */
    NNI_HOIST,          /* to, to + 1, ... = from rotated, one a part        */
    NNI_ALTERNATE,      /* to = from times the alternating factors           */
    NNI_ENCODE,         /* mask number `at` is made                          */
    NNI_MASK,           /* to = from times mask number `at`                  */
    NNI_SCALE,          /* to = from times 2^mask_bits                       */
    NNI_COMBINE,        /* the sums of combination number `at`               */
    NNI_ADD,            /* to += from                                        */
    NNI_ROTATE_SUM,     /* to = the parts, rotated and added                 */
    NNI_BIAS,           /* to += the bias of phase `at`                      */
    NNI_BIAS_EDGE,      /* the same where the bias differs by slot           */
    NNI_CLEAR,          /* to times mask number `at`                         */
    NNI_RESCALE,        /* to, one prime fewer                               */
    NNI_MOVE,           /* to = from, which is empty then                    */
    NNI_ACTIVATE,       /* to = the activation of from                       */
    NNI_ACCUMULATE,     /* to += the activation of from, or from where there
                           is none                                           */
    NNI_RELIN_RESCALE,  /* to, degree 1 again and one prime fewer            */
    NNI_LIFT,           /* to times the whole number that brings it to the
                           scale of activations                              */
    NNI_PRODUCTS,       /* to = inputs times plaintexts: sum number `at` of a
                           matrix, from: its inputs as they are              */
    NNI_BIAS_PLAIN,     /* to += the plaintext of the bias                   */
    NNI_STORE,          /* from goes to the scratch file, and its memory back */
    NNI_LOAD,           /* to = from, which lies in the scratch file         */
    NNI_FREE,           /* `at` ciphertexts from `from` on, or the parts     */
    NNI_KINDS
} nni_do;

/* Tensors: arrays of ciphertexts.  Those of the network are numbered from 0;
 * a stage's own are negative, and empty before and behind it. */
enum {
    NNI_IMAGE = 0, NNI_LOGIT = 1,
    NNI_FORM = 2,       /* form j of stage k: NNI_FORM + k NET_MAX_OUTS + j  */
    NNI_HERE = -1, NNI_COPY = -2,       /* of one task                       */
    NNI_OWN = -3,       /* inputs as they are needed: dropped, made of others;
                           first one for each input, then the made ones      */
    NNI_SUM = -4,       /* sums of a combination (nni_block.to)              */
    NNI_MORE = -5,      /* others, to be added to those                      */
    NNI_MEAN = -6       /* means on their way, two a form: NNI_MEAN - 2 j - i */
};
enum { NNI_LOCALS = 6 + 2 * NET_MAX_OUTS };     /* numbers -1 .. -LOCALS     */

/* For task t: ciphertext base + stride t of a tensor. */
typedef struct nni_ref {
    int tensor, base, stride;
} nni_ref;

typedef struct nni_part {
    nni_ref from;
    int step;                   /* it is rotated by so much                  */
} nni_part;

typedef struct nni_step {
    nni_do  what;
    int     level;              /* of what is worked on; DROP: of the result */
    nni_ref to, from;
    int     list, count;        /* parts: s->part[list], ...                 */
    int     at;                 /* FREE without parts: how many              */
} nni_step;

typedef struct nni_body {
    int first, steps;
    int begin, tasks;           /* tasks are begin, begin + 1, ...           */
} nni_body;

typedef struct nni_round {
    int first, bodies;
    int tasks;                  /* of all bodies                             */
} nni_round;

/* What is combined at once: some channels at some phases of one row. */
typedef struct nni_piece {
    int first, phases;
    int channel, channels;
} nni_piece;

/* Some channels of a feed, as they are read: channel c is task c of `from`. */
typedef struct nni_input {
    nni_ref from;
    int channel, channels;
    int first;                  /* number of the first in the combination    */
} nni_input;

/* Of a block, the terms of a group: those of the input's channels. */
typedef struct nni_read {
    int group, input;
} nni_read;

/* The terms of one phase whose sums are rotated by one step. */
typedef struct nni_block {
    int phase, step;
    int to;                     /* the sum of channel o is number to + o     */
    int first, reads;
    int terms;
} nni_block;

/* What a mask lets pass: of inputs the term's places, of sums the pixels of the
 * phase at `at`. */
typedef struct nni_masking {
    bool sums;
    nni_term term;
    int at[2];                  /* row, column                               */
} nni_masking;

typedef struct nni_combine {
    nni_piece piece;
    int tensor;                 /* NNI_SUM or NNI_MORE                       */
    int first_input, inputs, cts;       /* cts: ciphertexts that are read    */
    int first_block, blocks;
    double terms;               /* times one channel                         */
} nni_combine;

/* Of a piece, the output channels from `channel` on that read the same inputs:
 * how many (slab.c); of a read, the channels of the feed that they see: from
 * *first on, so many; of a block, its terms.  0: a sum of nothing. */
struct nni_schedule;
int nni_slab_channels(const struct nni_schedule *s, const nni_combine *c,
                      int channel);
int nni_slab_read(int *first, const struct nni_schedule *s,
                  const nni_combine *c, const nni_block *b, const nni_read *r,
                  int channel, int count);
int nni_slab_terms(const struct nni_schedule *s, const nni_combine *c,
                   const nni_block *b, int channel, int count);
/* Products of a combination, by a kernel that does so many outputs at once. */
double nni_slab_products(const struct nni_schedule *s, const nni_combine *c,
                         int together);

typedef struct nni_schedule {
    const nni_placed *placed;
    const nni_map *map;         /* NULL for a matrix                         */
    nni_matrix matrix;
    int stage;
    int count[NNI_LOCALS];      /* ciphertexts of its own tensors            */
    nni_step *step;
    nni_body *body;
    nni_round *round;
    nni_part *part;
    nni_combine *combine;
    nni_block *block;
    nni_read *read;
    nni_input *input;
    nni_masking *mask;
    int steps, bodies, rounds, parts, combines, blocks, reads, inputs, masks;
} nni_schedule;

/* The schedule of stage k, which reads map (NULL: it is a matrix); by_inputs:
 * inputs are rotated, not sums of products; of masked stages they are in any
 * case, of alternating ones never.  placed and map must
 * outlive it.  name: the public function's.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status nni_schedule_init(nni_schedule *out,
                                           const nni_placed *placed, int k,
                                           const nni_map *map, bool by_inputs,
                                           const char *name);
void nni_schedule_clear(nni_schedule *s);

/* What a stage whose inputs are rotated asks for at least: so many inputs are
 * rotated, so many times in all; so many sums added to others (slices.c).  Not
 * for one that is masked, alternating or a matrix.
 *   errors  CKKS_EMEM */
typedef struct nni_turning {
    double inputs, turns, sums;
} nni_turning;

CKKS_CHECKED ckks_status nni_turning_of(nni_turning *out,
                                        const nni_placed *placed, int k,
                                        const nni_map *map);

/* ---- the walk (walk.c) --------------------------------------------------- */

/* All tensors while a network runs. */
typedef struct nni_state {
    const char *name;           /* the public function's                     */
    int tensors;
    ckks_ct **tensor;           /* shape (tensors); NULL: not there          */
    int *count;                 /* shape (tensors)                           */
    ckks_ct *local[NNI_LOCALS];
    int local_count[NNI_LOCALS];
    ckks_pt *mask;              /* shape (masks)                             */
    int masks;
    nni_arena file;             /* of the scratch file                       */
    size_t *place;              /* shape (tensors): where there a filed form's
                                   ciphertexts begin                         */
} nni_state;

CKKS_CHECKED ckks_status nni_state_init(nni_state *s, const nni_placed *p,
                                        const char *name);
/* Room for form j of stage k, and for all that a schedule makes.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status nni_state_form(nni_state *s, const nni_placed *p,
                                        int k, int j);
CKKS_CHECKED ckks_status nni_state_open(nni_state *s, const nni_schedule *of);
/* Behind stage k: the places of filed forms that nothing reads any more. */
void nni_state_end(nni_state *s, const nni_placed *p, int k);
/* Frees arrays, not what is in them: their back end has done that. */
void nni_state_close(nni_state *s);
void nni_state_clear(nni_state *s);

/* Where a ciphertext is; here: the two of the task. */
ckks_ct *nni_at(const nni_state *s, nni_ref r, int task, ckks_ct here[2]);
/* Where the words of a filed form's ciphertext are in the scratch file, and how
 * many bytes they are. */
uint64_t nni_file_at(size_t *bytes, const nni_state *s, const nni_placed *p,
                     nni_ref r, int task);

/* Does one step of one task. */
typedef struct nni_backend {
    ckks_status (*apply)(void *user, const nni_schedule *s, nni_state *state,
                         const nni_step *step, int task, ckks_ct here[2]);
    /* Before and behind a round and a task, which stands for so many alike;
     * NULL: nothing. */
    void (*round)(void *user, const nni_schedule *s, int round, bool begins);
    void (*task)(void *user, int alike, bool begins);
    bool parallel;              /* tasks may run on threads of their own     */
    bool sampled;               /* of each body only the first task is walked,
                                   for all (nni_alike)                       */
    void *user;
} nni_backend;

/* Whether the tasks of each body do the same: those of a matrix may lack
 * products, channels without a square are no products. */
bool nni_alike(const nni_schedule *s);

/* Walks over a schedule; stops at the first round in which a step fails.
 *   errors  what the back end gives, with its message */
CKKS_CHECKED ckks_status nni_walk(const nni_schedule *s, nni_state *state,
                                  const nni_backend *with);

/* ---- for its makers: maker.c, combination.c, dense.c --------------------- */

typedef struct nni_maker {
    nni_schedule *s;
    const nni_placed *p;
    const nni_placed_stage *stage;
    int k;
    bool by_inputs;
    int  babies;                /* of a step, step mod babies is of inputs and
                                   the rest of sums                          */
    bool full;                  /* no memory                                 */
    int  *first[NET_MAX_OUTS];  /* of each place of a form: 1 + the first phase
                                   that goes there, 0: none has              */
    nni_step none;              /* what is filled in then                    */
} nni_maker;

/* What a maker holds besides its schedule; clear it in any case. */
void nni_maker_init(nni_maker *m);
void nni_maker_clear(nni_maker *m);

void nni_begin_round(nni_maker *m);
void nni_begin_body(nni_maker *m, int begin, int tasks);
nni_step *nni_add_step(nni_maker *m, nni_do what, nni_ref to, nni_ref from,
                       int level);
/* To the step added last. */
void nni_add_part(nni_maker *m, nni_ref from, int step);
/* Room for one more of an array's elements; NULL: no memory, now or before. */
void *nni_grow(nni_maker *m, void *array, int *count, size_t size);

/* Where form j of the stage collects, with `phases` ciphertexts a channel. */
int nni_collects(const nni_maker *m, int j);
/* What follows the sums of a phase, bias included, in ciphertext `sum`:
 * activation, its place in every form, rescaling; or the logits. */
void nni_add_forms(nni_maker *m, nni_ref sum, int phase, int level);
/* Means that are sums of rotated ciphertexts, and what nothing reads any
 * more. */
void nni_add_end(nni_maker *m);

void nni_make_combination(nni_maker *m);
void nni_make_matrix(nni_maker *m);

#endif
