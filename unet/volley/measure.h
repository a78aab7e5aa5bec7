/* measure.h -- how the command and its bench (tests/bench) time calls, and what
 * they time them on.
 *
 *   measure.c        median and 10th percentile of many calls
 *   measure_world.c  a context with keys, and the objects that calls work on
 */
#ifndef VOLLEY_MEASURE_H
#define VOLLEY_MEASURE_H

#include "volley.h"

enum {
    /* the integer matrix product, as a row of a 3x3 convolution of 8 channels
     * on a ring 4 wide asks for it: 4 phases, 9 x 8 terms each, 3 rows of
     * phases read */
    MEASURE_IN = 96, MEASURE_BLOCKS = 4, MEASURE_CHANNELS = 8,
    MEASURE_TERMS = 72, MEASURE_OUT = MEASURE_BLOCKS * MEASURE_CHANNELS,
    MEASURE_LEVEL = 3,          /* at most: where the product is measured    */
    MEASURE_MOST_CALLS = 4096
};

/* ---- time (measure.c) --------------------------------------------------- */

typedef struct measure_time {
    double median, p10;         /* seconds a call                            */
    int calls;
    int rounds;
} measure_time;

/* What is timed; `on` is what it works on. */
typedef ckks_status (*measure_call)(void *on);

/* One call to warm up, then many for about so many seconds, at least `least`.
 * The median is the lower one of an even number.  A call's failure is one of
 * libckks. */
CKKS_CHECKED ckks_status measure(measure_time *out, measure_call call,
                                 void *on, double seconds, int least);
/* Keeps the round with the lowest median. */
void measure_keep_best(measure_time *best, const measure_time *round);

/* ---- parameters and objects (measure_world.c) --------------------------- */

typedef struct measure_set {
    int log_n, num_primes, first_bits, bits;
    int num_special, special_bits, dnum;
    bool real;                  /* ring                                      */
} measure_set;

/* Operands are uniform random or encrypted values; calls leave them alone and
 * write to out and sum. */
typedef struct measure_world {
    nn_pages *pool;              /* scratch is kept from call to call         */
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    double *re, *im;            /* shape (slots)                             */
    ckks_pt pt;                 /* scale 2^40, top level                     */
    ckks_ct a, b;               /* encryptions of it; degree 1               */
    ckks_ct out;
    uint64_t *limb;             /* N words below prime 1                     */
    /* of the integer product; in: made by those who ask for it */
    ckks_ct in[MEASURE_IN], sum[MEASURE_OUT];
    int32_t index[MEASURE_BLOCKS * MEASURE_TERMS];
    int32_t weight[MEASURE_OUT * MEASURE_TERMS];
} measure_world;

void measure_params(ckks_params *out, const measure_set *set,
                    const char *kernel);
/* Whether a context can be made with this kernel; if not, ckks_last_error()
 * says why. */
bool measure_has_kernel(const char *kernel);
/* What an all-zero *w gets before a failure is for measure_clear, too. */
CKKS_CHECKED ckks_status measure_init(measure_world *w,
                                      const measure_set *set,
                                      const char *kernel);
void measure_clear(measure_world *w);
/* N */
double measure_n(const measure_world *w);
/* Uniform words, from any state. */
uint64_t measure_word(uint64_t *state);

#endif
