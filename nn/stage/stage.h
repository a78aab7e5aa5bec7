/* stage.h -- a model folded into stages.
 *
 * A stage is what the server runs as one piece: a linear map, and the square
 * behind it if there is one.  Batch norms, means, transposed convolutions
 * before a convolution and the constants of quadratics are folded into it.
 * After nni_init a net does not change: where a stage's numbers lie and at
 * which level is nni_placed's (place.h).
 * Read first: docs/11-layers.md.
 */
#ifndef NN_STAGE_H
#define NN_STAGE_H

#include "layout/layout.h"

enum { NET_MAX_SOURCES = 16 };

/* A tensor a stage reads: `pool` means behind stage `stage`'s output (or the
 * image, stage -1), as value = mul[c] x + add[c] of what the ciphertexts hold.
 * Sizes are those of the model's image; under wrap and halo maps have no end
 * and sizes are 0.
 * With up_channels, a transposed convolution lies between: the value read is
 * up_mul[m] (up . value)[m] + up_add[m] at twice the size (nni_up_weight).
 * It gives the stage's input its channels from `first` on; sources that give it
 * the same ones are added. */
typedef struct nni_source {
    int first;
    bool direct;                /* added to the stage's output as it is: its
                                   weights, mul and add are not for it       */
    int stage, pool;
    int gap;                    /* of the ciphertexts (nn_layout)            */
    int height, width;          /* of the map in them                        */
    int channels;               /* of the ciphertexts                        */
    double *mul, *add;          /* shape (channels)                          */
    int up_channels;            /* 0: no transposed convolution              */
    int up_kernel;              /* 2, or 4 with a padding of 1               */
    const float *up_weight;     /* shape (channels, up_channels, up_kernel,
                                   up_kernel); NULL: each channel by itself,
                                   nearest (2) or bilinear (4)               */
    double *up_mul, *up_add;    /* shape (up_channels)                       */
} nni_source;

typedef struct nni_stage {
    char name[NN_NAME];
    int  pre, post;             /* layers whose ranges hold before the
                                   activation and behind it                  */
    bool identity;              /* 1x1, weight 1: a layer between none       */
    bool dense;
    bool square;
    bool bordered;              /* border zero, a kernel over the edge, or a
                                   transposed convolution of 4x4             */
    bool uneven;                /* bordered: reads constants, which are not
                                   there beyond the edge                     */
    bool ringed;                /* border zero: its output is read beyond its
                                   edge, where it must be 0                  */
    bool clamped;               /* bilinear, under a border of zeros, where its
                                   first and last rows and columns sum to 3/4
                                   of what they should: they are multiplied by
                                   4/3, with what is beyond by 0             */
    bool sealed;                /* its linear output is read: no activation  */
    int  kernel_y, kernel_x;    /* of a dense layer: the size of the map     */
    int  mean_y, mean_x;        /* a weight stands for so many rows and columns
                                   of taps: their mean is read               */
    int  dilation_y, dilation_x;
    int  middle_y, middle_x;    /* pixels before the one that the first tap
                                   stands on: its pads                       */
    int  groups;                /* of outputs, each of which sees its group of
                                   inputs                                    */
    int  inputs;                /* channels                                  */
    const float *weight;        /* (channels, inputs / groups, kernel_y /
                                   mean_y, kernel_x / mean_x): for
                                   nni_stage_weight                          */
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
    nni_source source[NET_MAX_SOURCES];
} nni_stage;

typedef struct net {
    const nn_model *model;
    const char *name;           /* the public function's, for messages       */
    int num_stages;
    nni_stage *stage;           /* the last one gives the logit              */
    int max_gap;
    int margin;                 /* border zero: how far over the edge of a map
                                   kernels read, in pixels of the image      */
    void **block;               /* memory of vectors                         */
    size_t num_blocks;
} net;

/* Folds a model; name: the public function's, for messages.
 *   errors  CKKS_EPARAM  a network outside what stages can express */
CKKS_CHECKED ckks_status nni_init(net *out, const nn_model *m,
                                  const char *name);
void nni_clear(net *n);
/* Whether a model is for ciphertexts; else the first layer that is not.
 *   errors  CKKS_EPARAM */
CKKS_CHECKED ckks_status nni_check_blind(const nn_model *m);

/* The weight from input channel c at a tap to output o; those of an identity
 * are 1 and a mean's share. */
double nni_stage_weight(const nni_stage *s, int o, int c, int tap);
/* The weight of tap (y, x) of a source's transposed convolution from stored
 * channel c to its output m. */
double nni_up_weight(const nni_source *s, int c, int m, int y, int x);
/* Which stored channels of source i outputs o .. o + count - 1 may read: from
 * *first on, *channels; maybe 0. */
void nni_read_channels(int *first, int *channels, const nni_stage *s, int i,
                       int o, int count);

/* The map of a stage's output. */
static inline nni_size nni_stage_size(const nni_stage *s)
{
    return (nni_size){ s->gap, s->height, s->width };
}

#endif
