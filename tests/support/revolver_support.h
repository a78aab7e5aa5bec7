/* revolver_support.h -- what the tests of the literal Volley Revolver
 * share.
 *
 * Errors are judged by their predicted standard deviation in the real part of
 * a slot (docs/09-noise.md; N ring degree, D scale, P special prime):
 *
 *   fresh      N 10.5 / 2 / D^2             encryption by the secret key
 *   rounding   N (1 + 2 N / 3) / 24 / D^2   what a rescaling adds
 *   rotation   rounding + N^2 10.5 / 24 sum of (q_j / P)^2 / D^2
 *
 * A sum of two slots adds their variances.  The rms must be within a factor 2
 * of the prediction above and 4 below, for the sample is small and factors
 * change from slot to slot; for a network 8 and 16; no slot may be off by 15 sd
 * (product_limit of test_noise.c).  Weights are uniform in [-1, 1].
 */
#ifndef VOLLEY_REVOLVER_SUPPORT_H
#define VOLLEY_REVOLVER_SUPPORT_H

#include <math.h>

#include "net_support.h"
#include "test.h"
#include "revolver/revolver.h"

/* A context, keys, a shape; ciphertexts at `scale`. */
typedef struct vr_bench {
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    uni_vr vr;
    int top;
    double n, scale;
} vr_bench;

/* 64 slots, levels 3 to 0. */
extern const ckks_params vr_small_params;

/* A context of these primes, a shape of rows of `width`; scale 2^40. */
bool vr_bench_open(vr_bench *b, const ckks_params *p, size_t width);
/* Exactly these keys. */
bool vr_bench_keys(vr_bench *b, const uni_vr_keys *k);
void vr_bench_close(vr_bench *b);
size_t vr_bench_slots(const vr_bench *b);

bool vr_encrypt(vr_bench *b, ckks_ct *ct, const double *slots, int level);
bool vr_decrypt(vr_bench *b, double *slots, const ckks_ct *ct);

/* n numbers uniform in [-1, 1). */
void vr_random(double *x, size_t n, uint64_t seed);
/* n zeros, to be freed. */
double *vr_doubles(size_t n);

/* Variances, as above. */
double vr_fresh(const vr_bench *b);
double vr_rounding(const vr_bench *b);
double vr_rotation(const vr_bench *b, int level);

/* One row after another: got[i stride + j] against want[i columns + j]. */
void vr_judge(const char *what, const double *got, size_t stride,
              const double *want, size_t rows, size_t columns,
              double variance, double factor);
void vr_check_cost(const char *what, const uni_vr_cost *done,
                   const uni_vr_cost *plan);
/* Level and scale of a linear operator's result. */
void vr_check_place(const char *what, const vr_bench *b, const ckks_ct *ct,
                    int level);

/* Two random matrices, packed and encrypted; want: their product. */
typedef struct vr_product_case {
    size_t width;               /* of the shape                              */
    size_t m, inner, p, parts;  /* A m x inner, in parts; B inner x p        */
    bool encrypted;
} vr_product_case;

enum { VR_MAX_PARTS = 3, VR_MAX_TEAMS = 16 };

typedef struct vr_product_rig {
    double *a, *bt, *want, *slots, *block;
    ckks_ct in[VR_MAX_PARTS];
    uni_vr_weight b[VR_MAX_PARTS * VR_MAX_TEAMS];
} vr_product_rig;

bool vr_product_open(vr_product_rig *r, vr_bench *b,
                     const vr_product_case *k, int level);
void vr_product_close(vr_product_rig *r);

/* A network for images of two channels of 5 x 6, kernel 3, with weights in
 * w[400]. */
enum { VR_NET_CHANNELS = 2, VR_NET_MAPS = 2, VR_NET_HIDDEN = 6,
       VR_NET_CLASSES = 3, VR_NET_OUT = 3 * 4, VR_NET_AREA = 30 };

/* One level more than the network takes. */
extern const ckks_params vr_net_params;
void vr_net_weights(uni_vr_net *n, double *w);

/* A ciphertext's fields and words, to see that nothing was written. */
typedef struct vr_snapshot {
    ckks_ct ct;
    uint64_t sum;
} vr_snapshot;

vr_snapshot vr_snap(const ckks_ct *ct);
void vr_check_same(const vr_snapshot *s, const ckks_ct *ct, const char *what);

#endif
