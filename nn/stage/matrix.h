/* matrix.h -- dense layers as sums of rotated ciphertexts times plaintexts.
 *
 * Read first: place.h, docs/cnn.md.
 */
#ifndef NN_MATRIX_H
#define NN_MATRIX_H

#include "stage/place.h"

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

/* Whether stage k can be computed so, its sources as they are.  neurons: of an
 * output ciphertext. */
bool nni_matrix_fits(nni_matrix *out, const nni_placed *p, int k, int neurons);
/* The same for a stage that is placed as a matrix. */
nni_matrix nni_matrix_of(const nni_placed *p, int k);

/* Rotation of a giant step, of fold number i. */
int nni_matrix_giant(const nni_matrix *x, const nn_layout *l, int giant);
int nni_matrix_fold(const nni_matrix *x, int i);

/* Whether a giant and a baby step make a rotation that is wanted: the last
 * giant has fewer baby steps. */
bool nni_matrix_wants(const nni_matrix *x, int giant, int baby);

/* The plaintext that is multiplied with input `input` rotated by `baby`, for
 * output ciphertext `output` and a giant step: value (slots).  False: it is
 * all zero. */
bool nni_matrix_values(double *value, const nni_matrix *x, const nni_placed *p,
                       int k, int output, int giant, int baby, int input);
/* The bias, as values, on all slots that hold neurons of this output. */
void nni_matrix_bias(double *value, const nni_matrix *x, const nni_placed *p,
                     int k, int output);

#endif
