/* matrix.h -- dense layers as sums of rotated ciphertexts times plaintexts
 * (matrix.c, run_matrix.c). */
#ifndef NN_MATRIX_H
#define NN_MATRIX_H

#include "stage/net.h"

/* The geometry of a matrix stage: see matrix.c. */
typedef struct nni_matrix {
    int cells, rows;            /* of the table of slots of one image        */
    int images;                 /* tables a ciphertext holds                 */
    bool turned;                /* the inputs differ from row to row         */
    bool cyclic;                /* a row goes on at its own beginning        */
    int inputs;                 /* ciphertexts                               */
    int in_neurons, in_column;  /* of the input, if it is a vector           */
    int neurons, column;        /* of the output                             */
    int outputs;                /* ciphertexts                               */
    int low, count;             /* rotations are low .. low + count - 1      */
    int babies, giants;         /* low + giant babies + baby                 */
    int first_fold, num_folds;  /* first_fold, twice that, ...               */
} nni_matrix;

/* Whether stage k can be computed so in this layout, its sources as they are.
 * neurons: of an output ciphertext. */
bool nni_matrix_fits(nni_matrix *out, const net *n, int k, const nn_layout *l,
                     int neurons);

/* Rotation of a giant step, of fold number i. */
int nni_matrix_giant(const nni_matrix *x, const nn_layout *l, int giant);
int nni_matrix_fold(const nni_matrix *x, int i);

/* The plaintext that is multiplied with input `input` rotated by `baby`, for
 * output ciphertext `output` and a giant step: value (slots).  False: it is
 * all zero. */
bool nni_matrix_values(double *value, const nni_matrix *x, const net *n, int k,
                       const nn_layout *l, int output, int giant, int baby,
                       int input);
/* The bias, as values, on all slots that hold neurons of this output. */
void nni_matrix_bias(double *value, const nni_matrix *x, const net *n, int k,
                     const nn_layout *l, int output);

/* Sets how the stages are computed: neurons[k] a ciphertext, 0: as terms.
 *   errors  CKKS_EPARAM  it does not fit */
CKKS_CHECKED ckks_status nni_matrix_set(net *n, const nn_layout *l,
                                        const int *neurons);

#endif
