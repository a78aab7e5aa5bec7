/* literal.h -- private to libunet: a trained classifier through the literal
 * operators of the Volley Revolver (revolver.h), to be put beside the
 * double form.
 */
#ifndef UNET_REVOLVER_LITERAL_H
#define UNET_REVOLVER_LITERAL_H

#include <stddef.h>

#include "revolver/revolver.h"

typedef struct uni_literal {
    int log_n, levels, log_scale;
    double log_qp, security_bits;
    size_t rows, columns;       /* of the matrix; rows: images at once       */
    size_t images;              /* that went through                         */
    int maps, hidden, classes;
    double setup;               /* seconds: layers multiplied out, context,
                                   weights packed                            */
    double keygen, encrypt, evaluate, decrypt;
    long rotations, products;   /* ciphertext by ciphertext: the squares     */
    long plain;                 /* ciphertext by plaintext                   */
    size_t keys;                /* how many, and their bytes                 */
    size_t key_bytes, upload_bytes, download_bytes;
    double *logit;              /* shape (images, classes), malloc           */
} uni_literal;

/* Runs the model on the first of these images, as many as the matrix has rows,
 * each of shape (channels, height, width), 0..255: the least N of 128 bits of
 * security whose primes have LITERAL_LEAST bits, weights in the clear.
 * *out is overwritten.
 *   errors  CKKS_EARG    no image, or a model of another form
 *           CKKS_EPARAM  no N is large enough
 *           CKKS_EMEM and what the operators give */
CKKS_CHECKED ckks_status uni_literal_run(uni_literal *out, const nn_model *m,
                                         const double *const *pixel,
                                         size_t images);
void uni_literal_clear(uni_literal *l);

#endif
