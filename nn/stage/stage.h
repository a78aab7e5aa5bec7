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
 * With up_weight, a transposed convolution lies between: the value read is
 * up_mul[m] (up_weight . value)[m] + up_add[m] at twice the size. */
typedef struct nni_source {
    int stage, pool;
    int gap;                    /* of the ciphertexts (nn_layout)            */
    int height, width;          /* of the map in them                        */
    int channels;               /* of the ciphertexts                        */
    double *mul, *add;          /* shape (channels)                          */
    const float *up_weight;     /* shape (channels, up_channels, 2, 2)       */
    int up_channels;            /* 0: no transposed convolution              */
    double *up_mul, *up_add;    /* shape (up_channels)                       */
} nni_source;

typedef struct nni_stage {
    char name[NN_NAME];
    int  pre, post;             /* layers whose ranges hold before the
                                   activation and behind it                  */
    bool identity;              /* 1x1, weight 1: a layer between none       */
    bool dense;
    bool square;
    bool bordered;              /* border zero: its kernel reads over an edge */
    bool uneven;                /* and constants, which are not added there  */
    bool ringed;                /* border zero: a kernel reads its output
                                   over the edge, where it must be 0         */
    bool sealed;                /* its linear output is read: no activation  */
    int  kernel_y, kernel_x;    /* of a dense layer: the size of the map     */
    int  middle;                /* the tap that stands on the pixel          */
    const float *weight;        /* (channels, sum of source channels,
                                   kernel_y, kernel_x)                       */
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

/* The map of a stage's output. */
static inline nni_size nni_stage_size(const nni_stage *s)
{
    return (nni_size){ s->gap, s->height, s->width };
}

#endif
