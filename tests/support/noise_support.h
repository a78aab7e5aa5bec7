/* noise_support.h -- what tests of noise share: sets of parameters, keys of
 * each, and the comparison of a measured error with a predicted one.
 *
 * Read first: test_noise.c.
 */
#ifndef NOISE_SUPPORT_H
#define NOISE_SUPPORT_H

#include "test.h"

enum { NOISE_MAX_SLOTS = 1 << 12 };

/* Odds of 2^-40 of a slot, in sd, complex and real; by bench.real. */
extern const double gaussian_limit[2];
extern const double product_limit[2];

typedef struct bench {
    const char *name;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    size_t slots;
    int top;
    bool real;
    double n;                   /* N; real ring: 2N                          */
    uint64_t seed;              /* of this round's vectors                   */
} bench;

/* What slots should be, and what they are. */
extern double before[2][NOISE_MAX_SLOTS], after[2][NOISE_MAX_SLOTS];

/* Runs a check on every set; in the long form as often as both rings need for
 * 10^7 slots in all, with other keys, vectors and errors each time. */
void noise_every_set(void (*check)(bench *b));

/* Slots uniform in the unit square, or from -1 to 1, a different vector for
 * each number: encoded, encrypted, or as they are. */
void noise_slots(const bench *b, double slots[2][NOISE_MAX_SLOTS],
                 uint64_t number);
void noise_pt(bench *b, ckks_pt *pt, int level, double scale, uint64_t number);
void noise_ct(bench *b, ckks_ct *ct, int level, double scale, uint64_t number);

void noise_open(bench *b, double slots[2][NOISE_MAX_SLOTS], const ckks_ct *ct);

/* Standard deviations of a coefficient: r and k of test_noise.c, the latter
 * with log2 of what is divided by. */
double noise_rounding(const bench *b);
double noise_switching(const bench *b, int level, double log_divisor);

/* log2 of the special product of a level. */
double noise_log_p(const bench *b, int level);

/* after[j] against before[j + step], by the predicted sd of a coefficient. */
void noise_judge(const bench *b, const char *what, int level, int step,
                 double sd, double scale, const double *limits);

/* Of all that was judged: slots, and the worst one's distance as a part of its
 * limit. */
typedef struct noise_total {
    size_t slots;
    double worst;
    char where[120];
} noise_total;

extern noise_total noise_totals[2];

#endif
