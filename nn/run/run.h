/* run.h -- the parts of running a network (run.c, run_inputs.c, run_row.c). */
#ifndef NN_RUN_H
#define NN_RUN_H

#include "plan/price.h"

#ifdef CKKS_OMP
/* One thread in a process that was forked after the library was loaded: GNU's
 * OpenMP would wait there for threads that a fork does not copy. */
bool nni_forked(void);
#define NET_PARALLEL \
    _Pragma("omp parallel for schedule(dynamic) if(!nni_forked())")
#define NET_CRITICAL _Pragma("omp critical(nn_run_failure)")
#else
#define NET_PARALLEL
#define NET_CRITICAL
#endif

/* The first failure of a parallel loop, with its thread's message. */
typedef struct nni_failure {
    ckks_status status;
    char message[400];
} nni_failure;

/* Records a status; nni_failed turns what was recorded into nn_run's. */
void nni_note(nni_failure *f, ckks_status st);
ckks_status nni_failed(const nni_failure *f, const char *where);
ckks_status nni_no_memory(const char *where);

typedef struct nni_tensor {
    ckks_ct *ct;                /* shape (channels, phases)                  */
    int count;
} nni_tensor;

void nni_tensor_clear(nni_tensor *t);

typedef struct nni_run {
    const nn_plan *p;
    const nn_weights *w;
    const ckks_keys *keys;
    ckks_ct *image;             /* the caller's, consumed                    */
    ckks_ct *logit;             /* made outputs                              */
    nni_tensor (*out)[NET_MAX_OUTS];
} nni_run;

/* Takes the means of form j of stage k that do not fall into whole phases, if
 * there are any: sums of rotated ciphertexts at the form's level (run_pool.c).
 */
CKKS_CHECKED ckks_status nni_pool(nni_run *r, int k, int j);

/* ct holds the sums of plane o at phase i of stage k, bias included: the
 * activation, and its place in every form.  ct is consumed. */
CKKS_CHECKED ckks_status nni_finish(nni_run *r, int k, int o, int i,
                                    ckks_ct *ct);

/* ---- run_matrix.c: dense layers whose outputs share ciphertexts --------- */

/* The plaintexts of a stage in a context.  Products are numbered
 * ((output giants + giant) babies + baby) inputs + input; those that are all
 * zero have no limb. */
typedef struct nni_encoded {
    const ckks_ctx *ctx;        /* NULL: nothing is encoded                  */
    ckks_pt *product, *bias;    /* shape (products), (outputs)               */
    size_t products, outputs;
} nni_encoded;

CKKS_CHECKED ckks_status nni_encoded_init(nni_encoded *out, const net *n,
                                          int k, const nn_layout *l,
                                          const ckks_ctx *ctx);
void nni_encoded_clear(nni_encoded *e);
/* Stage k, which is a matrix. */
CKKS_CHECKED ckks_status nni_matrix_run(nni_run *r, int k);

/* The ciphertexts a stage combines: inputs as they are, then those made of
 * them: rotated, masked, alternating. */
typedef struct nni_inputs {
    const nni_stage *stage;
    const nni_map *map;
    bool by_inputs;             /* rotated ones are among them               */
    const ckks_ct **ct;         /* shape (total)                             */
    int num_inputs, total;
    ckks_ct *own;               /* dropped and made ones                     */
    int num_own;
    ckks_pt *mask;              /* masked: one for each cut                  */
    nni_term *mask_of;          /* shape (num_masks): which                  */
    int num_masks;
    nni_term *version;          /* shape (total - num_inputs): what each
                                   made one is                               */
} nni_inputs;

/* Gathers what stage k combines; rotates and masks what it must. */
CKKS_CHECKED ckks_status nni_inputs_init(nni_inputs *in, nni_run *r, int k);
void nni_inputs_clear(nni_inputs *in);
/* Frees the inputs of stage k that no phase from `phase` on reads. */
void nni_inputs_drop(nni_inputs *in, nni_run *r, int k, int phase);
/* Number of the ciphertext that holds term t, and the rotation still due. */
int nni_inputs_find(int *step, const nni_inputs *in, const nni_term *t);

/* The blocks of a piece: for each phase, one for each rotation of its sums. */
typedef struct nni_row {
    nni_piece piece;
    ckks_block *block;
    int *phase, *step;          /* shape (num_blocks)                        */
    int num_blocks;
    int32_t *index, *weight;    /* what the blocks point into                */
    const ckks_ct **in;         /* inputs in use                             */
    int num_in;
    ckks_ct *sum;               /* shape (num_blocks, piece.channels)        */
    ckks_ct **to;
} nni_row;

/* Combines the inputs into the sums of a piece. */
CKKS_CHECKED ckks_status nni_row_init(nni_row *w, const nni_inputs *in,
                                      const nni_piece *piece);
void nni_row_clear(nni_row *w);

#endif
