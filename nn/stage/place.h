/* place.h -- a net on a layout: how each stage is computed, at which level and
 * scale, and in which forms its output is kept.
 *
 * Read first: stage.h, docs/06-levels.md, docs/12-volley.md.
 */
#ifndef NN_PLACE_H
#define NN_PLACE_H

#include "stage/stage.h"

enum { NET_MAX_OUTS = 8 };

/* A form in which a stage's output is kept for readers: `pool` times summed
 * over 2x2, brought to `level`. */
typedef struct nni_out {
    int pool, level;
    double scale;               /* value = x / scale, means included         */
    int last_reader;            /* number of the last stage that reads it    */
    int filed;                  /* phases from this one on lie in a scratch
                                   file; as many as there are: none does     */
} nni_out;

typedef struct nni_placed_stage {
    const nni_stage *of;
    bool masked;                /* reads pixels between pixels (terms.c)     */
    bool cleared;               /* its sums are multiplied by a mask: 0 where
                                   no pixel is (mask.c)                      */
    bool alternating;           /* pixels in every other slot, in the real
                                   ring: no masks (terms.c)                  */
    int  extra;                 /* primes that masks and plaintexts take     */
    int  neurons;               /* of a dense layer, a ciphertext: matrix.c;
                                   0: ciphertexts are terms of an integer
                                   combination                               */
    int  column;                /* with neurons: how they lie in the slots   */
    int  planes;                /* ciphertexts of one phase of the output    */
    int  period;                /* with lanes: of the pattern of its weights in
                                   slots (lanes.c); 0: they are integers     */
    int  level;                 /* of the inputs                             */
    double scale;               /* of the sums, masks not counted            */
    int  mask_bits;             /* extra: masks and plaintexts are at
                                   2^mask_bits; of both primes               */
    double value_scale;         /* before the activation: the scale of the
                                   sums, for each prime of masks times
                                   2^mask_bits over the prime                */
    int  from[NET_MAX_SOURCES]; /* which form of its stage a source reads    */
    int  num_outs;
    nni_out out[NET_MAX_OUTS];
} nni_placed_stage;

/* The choices of moduli a plan makes: base prime, layer primes, activations'
 * scale, all in bits; the level of the logits; the image's scale in bits (0: by
 * the others). */
typedef struct nni_bits {
    int base, layer, scale, out, image;
} nni_bits;

/* All that a placement is decided by. */
typedef struct nni_choice {
    nn_layout layout;
    bool real;                  /* the ring of polynomials                   */
    nni_bits bits;
    int neurons[NN_MAX_STEPS];  /* of each stage: nni_placed_stage           */
    int scratch;                /* MiB of a form that are not filed, of skips
                                   none; 0: all                              */
} nni_choice;

/* Of a plan. */
nni_choice nni_plan_choice(const nn_plan *p);

typedef struct nni_placed {
    const net *net;
    nn_layout layout;
    nni_bits bits;
    double limb;                /* bytes of N words                          */
    int num_stages;
    nni_placed_stage *stage;
    nni_out image;              /* level and scale of the input              */
} nni_placed;

/* Places a net: masks, matrices, levels and, with primes, scales; prime[l]
 * stands for q_l, and the scale of level l's outputs is exact for these primes.
 * Without primes (NULL) scales are 0: image.level says how many are needed.
 *   errors  CKKS_EPARAM  a network that stages cannot express on these rings;
 *                        a layer that is no matrix of this kind; values too
 *                        large for the moduli */
CKKS_CHECKED ckks_status nni_place(nni_placed *out, const net *n,
                                   const nni_choice *c, const uint64_t *prime);
void nni_placed_clear(nni_placed *p);

/* The net n, which must be of the plan's model, as the plan says; checks all
 * that index arithmetic relies on, since a plan may come from a file.
 *   errors  CKKS_EPARAM  a plan of another model */
CKKS_CHECKED ckks_status nni_place_plan(nni_placed *out, const net *n,
                                        const nn_plan *p);

/* ---- the steps of nni_place --------------------------------------------- */

/* Which stages are masked, which alternate, which are cleared (mask.c). */
CKKS_CHECKED ckks_status nni_set_masks(nni_placed *p, bool real);
/* With lanes: periods, planes (lanes.c). */
CKKS_CHECKED ckks_status nni_set_lanes(nni_placed *p, bool real);
/* How dense stages are computed (matrix.c). */
CKKS_CHECKED ckks_status nni_set_matrices(nni_placed *p, const int *neurons);
/* Of each form what is more than so many MiB goes to a scratch file, 0: none
 * does; whether that changed any (forms.c). */
bool nni_set_filed(nni_placed *p, int mib);
/* Levels and forms; scales (levels.c). */
CKKS_CHECKED ckks_status nni_set_levels(nni_placed *p);
CKKS_CHECKED ckks_status nni_set_scales(nni_placed *p, const uint64_t *prime);

/* ---- questions ----------------------------------------------------------- */

/* Bits up to the highest that is set. */
int nni_bit_length(uint64_t x);
/* Bits that q_level should have: those of layers, or fewer where only masks are
 * divided out. */
int nni_level_bits(const nni_placed *p, int level);
/* The whole number a stage without activation is multiplied by before its
 * rescaling by `prime`, so that it comes down to the scale of activations. */
double nni_lift(nni_bits bits, double scale, uint64_t prime);
/* The form that source i of a stage reads; scale of what it holds. */
const nni_out *nni_source_form(const nni_placed *p, const nni_placed_stage *s,
                               int i);
/* Bytes of one ciphertext of a form; of what of form j of stage k lies in a
 * scratch file. */
double nni_form_bytes(const nni_placed *p, const nni_out *o);
double nni_filed_bytes(const nni_placed *p, int k, int j);
/* Ciphertexts of one channel of a form of a stage's output. */
int nni_out_phases(const nni_stage *s, const nni_out *o, const nn_layout *l);

#endif
