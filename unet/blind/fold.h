/* fold.h -- private to quantise.c, fold*.c and shape.c: a network on its way
 * from layers to steps. */
#ifndef BLIND_FOLD_H
#define BLIND_FOLD_H

#include "blind/quantise.h"

typedef struct blind_fold {
    const nn_model *m;
    blind_network *n;
    blind_view *view;                   /* shape (num_layers)                */
    int  uses[NN_MAX_LAYERS];          /* layers that read it, and the output */
    int  user[NN_MAX_LAYERS];           /* the last of them                  */
    bool folded[NN_MAX_LAYERS];         /* into the convolution before it    */
} blind_fold;

/* Of steps and views: fold_steps.c.
 * The largest f with range 2^f < 2^(bits - 3); -60..60, of no range 0. */
int blind_fraction(double range, int bits);

/* The next step, zeros but for op and name; NULL: too many, which is said. */
blind_step *blind_fold_step(blind_fold *b, blind_op op, int layer);
/* The last step is complete: its shape, checked. */
CKKS_CHECKED ckks_status blind_fold_done(blind_fold *b);
/* A view of the last step: factor 2^-fraction, no summand. */
CKKS_CHECKED ckks_status blind_fold_view(blind_fold *b, int layer);
CKKS_CHECKED ckks_status blind_fold_refuse(const blind_fold *b, int layer,
                                           const char *why);

/* relu and maxpool; pool; square and quadratic (fold_act.c). */
CKKS_CHECKED ckks_status blind_fold_relu(blind_fold *b, int layer);
CKKS_CHECKED ckks_status blind_fold_mean(blind_fold *b, int layer);
CKKS_CHECKED ckks_status blind_fold_square(blind_fold *b, int layer);
/* conv, tconv, batchnorm (fold.c). */
CKKS_CHECKED ckks_status blind_fold_conv(blind_fold *b, int layer);
CKKS_CHECKED ckks_status blind_fold_batchnorm(blind_fold *b, int layer);

/* What a model says of two and of three axes (shape.c). */
void blind_layer_pool(int pool[3], const nn_layer *l);
/* kernel, spread by the dilation; before; out_size. */
void blind_layer_window(blind_conv *c, const nn_layer *l, int dims);
/* Taps of the kernel without dilation, and the distance of two. */
void blind_layer_taps(int taps[3], int apart[3], const nn_layer *l);

#endif
