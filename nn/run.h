/* run.h -- the parts of running a network (run.c, run_inputs.c, run_row.c). */
#ifndef NN_RUN_H
#define NN_RUN_H

#include "price.h"

#ifdef CKKS_OMP
#define NET_PARALLEL _Pragma("omp parallel for schedule(dynamic)")
#define NET_CRITICAL _Pragma("omp critical(nn_run_failure)")
#else
#define NET_PARALLEL
#define NET_CRITICAL
#endif

/* The first failure of a parallel loop, with its thread's message. */
typedef struct net_failure {
    ckks_status status;
    char message[400];
} net_failure;

/* Records a status; net_failed turns what was recorded into nn_run's. */
void net_note(net_failure *f, ckks_status st);
ckks_status net_failed(const net_failure *f, const char *where);
ckks_status net_no_memory(const char *where);

typedef struct net_tensor {
    ckks_ct *ct;                /* shape (channels, phases)                  */
    int count;
} net_tensor;

void net_tensor_clear(net_tensor *t);

typedef struct net_run {
    const nn_plan *p;
    const nn_weights *w;
    const ckks_keys *keys;
    ckks_ct *image;             /* the caller's, consumed                    */
    ckks_ct *logit;             /* made outputs                              */
    net_tensor (*out)[NET_MAX_OUTS];
} net_run;

/* Takes the means of form j of stage k that do not fall into whole phases, if
 * there are any: sums of rotated ciphertexts at the form's level (run_pool.c).
 */
CKKS_CHECKED ckks_status net_pool(net_run *r, int k, int j);

/* ct holds the sums of plane o at phase i of stage k, bias included: the
 * activation, and its place in every form.  ct is consumed. */
CKKS_CHECKED ckks_status net_finish(net_run *r, int k, int o, int i,
                                    ckks_ct *ct);

/* ---- run_matrix.c: dense layers whose outputs share ciphertexts --------- */

/* The plaintexts of a stage in a context.  Products are numbered
 * ((output giants + giant) babies + baby) inputs + input; those that are all
 * zero have no limb. */
typedef struct net_encoded {
    const ckks_ctx *ctx;        /* NULL: nothing is encoded                  */
    ckks_pt *product, *bias;    /* shape (products), (outputs)               */
    size_t products, outputs;
} net_encoded;

CKKS_CHECKED ckks_status net_encoded_init(net_encoded *out, const net *n,
                                          int k, const nn_layout *l,
                                          const ckks_ctx *ctx);
void net_encoded_clear(net_encoded *e);
/* Stage k, which is a matrix. */
CKKS_CHECKED ckks_status net_matrix_run(net_run *r, int k);

/* The ciphertexts a stage combines: inputs as they are, then those made of
 * them: rotated, masked, alternating. */
typedef struct net_inputs {
    const net_stage *stage;
    const net_map *map;
    bool by_inputs;             /* rotated ones are among them               */
    const ckks_ct **ct;         /* shape (total)                             */
    int num_inputs, total;
    ckks_ct *own;               /* dropped and made ones                     */
    int num_own;
    ckks_pt *mask;              /* masked: one for each cut                  */
    net_term *mask_of;          /* shape (num_masks): which                  */
    int num_masks;
    net_term *version;          /* shape (total - num_inputs): what each
                                   made one is                               */
} net_inputs;

/* Gathers what stage k combines; rotates and masks what it must. */
CKKS_CHECKED ckks_status net_inputs_init(net_inputs *in, net_run *r, int k);
void net_inputs_clear(net_inputs *in);
/* Frees the inputs of stage k that no phase from `phase` on reads. */
void net_inputs_drop(net_inputs *in, net_run *r, int k, int phase);
/* Number of the ciphertext that holds term t, and the rotation still due. */
int net_inputs_find(int *step, const net_inputs *in, const net_term *t);

/* The blocks of a piece: for each phase, one for each rotation of its sums. */
typedef struct net_row {
    net_piece piece;
    ckks_block *block;
    int *phase, *step;          /* shape (num_blocks)                        */
    int num_blocks;
    int32_t *index, *weight;    /* what the blocks point into                */
    const ckks_ct **in;         /* inputs in use                             */
    int num_in;
    ckks_ct *sum;               /* shape (num_blocks, piece.channels)        */
    ckks_ct **to;
} net_row;

/* Combines the inputs into the sums of a piece. */
CKKS_CHECKED ckks_status net_row_init(net_row *w, const net_inputs *in,
                                      const net_piece *piece);
void net_row_clear(net_row *w);

#endif
