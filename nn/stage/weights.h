/* weights.h -- a model's weights as a plan has them: integers, and plaintexts
 * of matrices.
 *
 * Read first: map.h, matrix.h.
 */
#ifndef NN_WEIGHTS_H
#define NN_WEIGHTS_H

#include "stage/map.h"
#include "stage/matrix.h"

/* The plaintexts of a matrix in a context.  Products are numbered
 * ((output giants + giant) babies + baby) inputs + input (nni_product); those
 * that are all zero have no limb. */
typedef struct nni_encoded {
    const ckks_ctx *ctx;        /* NULL: nothing is encoded                  */
    ckks_pt *product, *bias;    /* shape (products), (outputs)               */
    size_t products, outputs;
} nni_encoded;

size_t nni_product(const nni_matrix *x, int output, int giant, int baby,
                   int input);
/* Scale of a matrix's sums of products. */
double nni_sum_scale(const nni_placed_stage *s);

/* Those of stage k; it is a matrix.  name: the public function's. */
CKKS_CHECKED ckks_status nni_encoded_init(nni_encoded *out,
                                          const nni_placed *p, int k,
                                          const ckks_ctx *ctx,
                                          const char *name);
void nni_encoded_clear(nni_encoded *e);

struct nn_weights {
    net net;
    nni_placed placed;
    nni_map *map;               /* one a stage, without its integers, which
                                   are made when it runs; empty for a
                                   matrix                                    */
    nni_encoded *encoded;       /* one a stage; empty but for matrices       */
    uint8_t fingerprint[16];    /* of the plan                               */
};

#endif
