/* linear_support.h -- convolutions and squares of both sides in one test, and
 * their definition. */
#ifndef LINEAR_SUPPORT_H
#define LINEAR_SUPPORT_H

#include "blind/conv.h"
#include "blind/linear.h"
#include "two_sides.h"

/* A convolution of random numbers, its shares and its sums by definition. */
typedef struct linear_case {
    blind_conv c;
    size_t in, out;             /* numbers                                   */
    int64_t *x;
    blind_share *x_share[2], *y_share[2];       /* client, server            */
    int32_t *weight;
    int64_t *bias, *map;        /* map may be NULL                           */
    blind_signed *sum;
    blind_traffic traffic;      /* of the client, without the keys           */
} linear_case;

/* kernel k along each axis that there is, padding (k - 1) / 2; transposed: 2,
 * stride 2.  Numbers fill `bits` bits but two; the largest ones are there. */
bool linear_open(linear_case *t, int dims, int in, int out, const int size[3],
                 int k, int stride, bool transposed, int bits, bool map,
                 uint64_t *seed);
void linear_close(linear_case *t);

/* Both sides; a CHECK that the session went well. */
bool linear_run(linear_case *t);

/* A party of a test: generator and keys; wiped by linear_party_close. */
CKKS_CHECKED ckks_status linear_party(blind_party *p, ckks_rng *rng, side *s,
                                      int bits, bool squares);
void linear_party_close(blind_party *p, ckks_rng *rng);

blind_share linear_random(uint64_t *seed);

#endif
