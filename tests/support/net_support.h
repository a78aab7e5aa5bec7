/* net_support.h -- small networks with random weights, planned, packed and
 * evaluated in three ways, for tests of libnn.
 *
 *     rig r = {0};
 *     if (rig_init(&r, &shape, build)) ...
 *     rig_clear(&r);
 *
 * The reference is `slotwise`: the layers one after the other by their
 * definitions, in doubles, on all slots, nothing folded, no integers.  It also
 * measures the ranges and gains that a model file would state.
 */
#ifndef NET_SUPPORT_H
#define NET_SUPPORT_H

#include "model_support.h"
#include "nn.h"
#include "test.h"

enum { RIG_MAX_IMAGES = 8 };

/* As CHECK_OK and CHECK_STATUS, with libnn's message. */
#define NN_OK(call) \
    nn_status(__FILE__, __LINE__, #call, (call), CKKS_OK)
#define NN_STATUS(call, want) \
    nn_status(__FILE__, __LINE__, #call, (call), (want))
bool nn_status(const char *file, int line, const char *text, ckks_status got,
               ckks_status want);

/* Appends layers to the maker and returns the output's name. */
typedef const char *net_builder(model_maker *k, int channels);

typedef struct rig_shape {
    nn_border border;
    int log_n;
    int ring_y, ring_x;
    int height, width;          /* of an image                               */
    int channels;
    int max_batch;              /* 0: as many as fit                         */
    nn_slots slots;
} rig_shape;

typedef struct rig {
    nn_model m;
    nn_plan p;
    nn_weights *w;
    int images;
    double *pixel;              /* (images, channels, height, width)         */
    double *in;                 /* packed: (inputs, slots)                   */
    double *slotwise, *clear;   /* (outputs, slots)                          */
    double *ranges;             /* (steps)                                   */
    size_t count;               /* outputs * slots                           */
    double spread;              /* sd of slotwise about its mean             */
    double quantised;           /* sd predicted of clear - slotwise          */
} rig;

/* A model of the shape with random weights of a size that keeps values near
 * 1, random images; ranges and gains measured; planned, run in the clear.
 * False, and the test failed, if that does not work. */
bool rig_init(rig *r, const rig_shape *s, net_builder *build);
void rig_clear(rig *r);

/* The model only, ranges as maker_finish sets them. */
bool rig_model(nn_model *out, const rig_shape *s, net_builder *build);
nn_aim rig_aim(const rig_shape *s);
void rig_text(char out[96], const rig_shape *s);

/* Packs these pixels instead, and runs the plan in the clear. */
bool rig_repack(rig *r, const double *pixel);

/* The layers on r->in; noise of sd `amplitude` on the output of layer `noisy`
 * (-1: none).  Under border zero slots without a pixel are 0. */
bool slotwise_run(double *out, rig *r, int noisy, double amplitude);
/* Makes that of other outputs (outputs, slots). */
void slotwise_pixels(double *out, const rig *r);
/* The share of slots that hold pixels; 1 but under border zero. */
double slotwise_share(const rig *r);
/* Random weights for r->m, set layer by layer on r->in, and its ranges. */
bool slotwise_calibrate(rig *r);
/* The gain of every layer, and r->quantised. */
bool slotwise_gains(rig *r);

/* The networks of the tests; ends with a NULL builder. */
typedef struct net_kind {
    const char *name;
    net_builder *build;
    int pools;                  /* poolings of the deepest map               */
    int channels;               /* of the image                              */
    bool single;                /* one layer with noise of its own           */
    bool zero;                  /* plans under border zero too               */
    bool dense;                 /* border zero only, on a grid of 1 x 1      */
} net_kind;
extern const net_kind net_kinds[];
/* The one of this name; else the test fails and gets the first. */
const net_kind *net_kind_named(const char *name);

typedef struct rig_error {
    double sd, worst;           /* over all slots of all outputs             */
    double imaginary;           /* largest imaginary part                    */
    double apart;               /* apart_most of the errors                  */
    size_t peak;                /* bytes the context's objects took          */
    uint8_t hash[32];           /* of the output ciphertexts as bytes        */
    char kernel[16];
} rig_error;

/* Encrypts r->in, runs, decrypts, compares with r->clear. */
bool rig_encrypted(rig_error *out, const rig *r, uint64_t seed);
/* The run alone, with hooks. */
bool rig_run(const rig *r, uint64_t seed, const nn_progress *hooks);

/* nn_run_scratch with a file of its own (net_scratch.c). */
ckks_status net_run(ckks_ct *out, ckks_ct *in, const nn_plan *p,
                    const nn_weights *w, ckks_keys *keys,
                    const nn_progress *progress);
/* The rig's plan with `mib` of each form in memory; its weights anew. */
bool rig_scratch(rig *r, int mib);

/* Runs the rig's network: every line of its plan has as many calls as are made
 * (net_calls.c). */
void rig_check_calls(const rig *r, const char *what);
/* Every stage of a plan counted by one task of many alike, and by all. */
void net_check_sampled(const nn_model *m, const nn_plan *p);

/* All of it for one network and shape: slotwise against nn_model_float in the
 * part that is kept, clear against both, encrypted against clear. */
void rig_check(const net_kind *kind, const rig_shape *s, bool encrypted);

/* The same model and images in the real ring, on rings of half the columns; s:
 * as for rig_check_halved.  Returns how many stages alternate. */
int rig_halve(rig *r, const rig_shape *s);
/* The same in the real ring with half of the ring's columns, so that the
 * deepest maps have their pixels in every other slot: no stage is masked, some
 * alternate.  s: ring and N of a plan without that in the complex ring. */
void rig_check_halved(const net_kind *kind, const rig_shape *s);

/* Shape number i of a kind under a border: rings, grids and batches of every
 * sort.  False behind the last. */
bool rig_shape_at(rig_shape *out, const net_kind *kind, nn_border border,
                  int i);

/* Of `count` numbers, as many for each label: the largest rms of a label's, or
 * of the difference of two. */
double apart_most(const double *x, int labels, size_t count);
double rms_of(const double *x, size_t n);
double spread_of(const double *x, size_t n);    /* sd about the mean         */
double rms_difference(const double *a, const double *b, size_t n);

#endif
