/* ntt.h -- what both directions of the NTT in doubles share. */
#ifndef CKI_FMA_NTT_H
#define CKI_FMA_NTT_H

#include "kernel/fma/fma.h"
#include "kernel/portable/portable.h"

enum {
    SMALL_LOG = 5,              /* rings up to 2^5 go to the portable code   */
    BLOCK = 1024                /* words that stay in the first-level cache  */
};

/* ---- ranges ----------------------------------------------------------------
 *
 * Forward: (x, y) -> (x + w y, x - w y).  From B before a layer to B + 1/2 +
 * B/16 after: 1, 1.57, 2.17, 2.80, 3.48, 4.19, 4.96, 5.77, 6.63, 7.54, 8.5.  So
 * ten layers can follow each other before the input of a product leaves B = 8.
 * Reducing the x of a layer (its y reduces itself, to at most 1) starts the
 * count again.  At the end Lemma C wants 2^52 >= 8 p with the p/2 taken off
 * before: after at most eight layers it is 6.63 + 0.5. */

enum {
    FWD_0 = UNIT, FWD_1 = 1600, FWD_2 = 2212, FWD_3 = 2863, FWD_4 = 3554,
    FWD_5 = 4289, FWD_6 = 5070, FWD_7 = 5899, FWD_8 = 6780, FWD_9 = 7716,
    FWD_10 = 8711,
    MAX_LAYERS = 10, LAST_LAYERS = 8
};

#define LAYER(b) ((b) + PRODUCT(b))

WITHIN(LAYER(FWD_0), FWD_1);
WITHIN(LAYER(FWD_1), FWD_2);
WITHIN(LAYER(FWD_2), FWD_3);
WITHIN(LAYER(FWD_3), FWD_4);
WITHIN(LAYER(FWD_4), FWD_5);
WITHIN(LAYER(FWD_5), FWD_6);
WITHIN(LAYER(FWD_6), FWD_7);
WITHIN(LAYER(FWD_7), FWD_8);
WITHIN(LAYER(FWD_8), FWD_9);
WITHIN(LAYER(FWD_9), FWD_10);
WITHIN(FWD_9, MOST);
WITHIN(MAX_LAYERS, 10);
WITHIN(FWD_8 + HALF, MOST);
WITHIN(LAST_LAYERS, 8);
WITHIN(HALF + 1 + PRODUCT(MOST), FWD_1);        /* after a reduction         */

/* The bound after so many layers. */
static inline int fwd_bound(int layers)
{
    static const int bound[MAX_LAYERS + 1] = {
        FWD_0, FWD_1, FWD_2, FWD_3, FWD_4, FWD_5, FWD_6, FWD_7, FWD_8, FWD_9,
        FWD_10
    };

    return bound[layers];
}

/* Inverse: (x, y) -> (x + y, w (x - y)).  Two layers from B: sums 4B, brought
 * down to 1/2; the other words are products of 2B, added up, of 4B, and of the
 * difference of products of 2B: at most 2 (1/2 + B/8).  B = 1.4 is kept. */

enum {
    INV = 1434,
    INV_SUMS = 2 * INV,         /* after one layer                           */
    INV_CROSS = 2 * PRODUCT(INV_SUMS)
};

WITHIN(FWD_0, INV);                     /* words                             */
WITHIN(2 * INV_SUMS, MOST);
WITHIN(HALF + 1, INV);                  /* the four words after two layers   */
WITHIN(INV_CROSS, INV);
WITHIN(PRODUCT(2 * INV_SUMS), INV);
WITHIN(PRODUCT(INV_CROSS), INV);
WITHIN(PRODUCT(2 * INV_SUMS), UNIT - 1);        /* the last are lifted       */

/* ---- butterflies -------------------------------------------------------- */

/* A twiddle and RN(w RN(1/p)). */
typedef struct twiddle {
    vec w, v;
} twiddle;

static inline twiddle twiddle_of(vec w, prime c)
{
    twiddle t = { w, w * c.inv };

    return t;
}

static inline twiddle same(double w, prime c)
{
    return twiddle_of(all(w), c);
}

/* a w mod p as in Lemma F, with q from a v: v = (w / p) (1 + e), |e| <= 2^-52 +
 * 2^-106, so a v is as far from a w / p as h pinv there, and all bounds are
 * those.  q waits for no product. */
static inline vec product(vec a, twiddle t, prime c)
{
    vec q = nearest(a, t.v, c);
    vec h = a * t.w, l = fmsub(a, t.w, h);

    VERIFY(at_most(a, TWO52) && at_most(t.w, TWO52));
    return fnmadd(q, c.p, h) + l;
}

/* (x, y) -> (x + w y, x - w y) */
static inline void fwd(vec *x, vec *y, twiddle t, prime c)
{
    vec r = product(*y, t, c), u = *x;

    VERIFY_VEC(*y, MOST, c);
    *x = u + r;
    *y = u - r;
}

/* (x, y) -> (x + y, w (x - y)); ranges: ntt.h.  Sums are brought down by
 * reduce, which leaves at most HALF + 1 whatever it is given below MOST. */
static inline void inv(vec *x, vec *y, twiddle t, prime c)
{
    vec u = *x, v = *y;

    VERIFY_VEC(u, INV_SUMS, c);
    VERIFY_VEC(v, INV_SUMS, c);
    *x = u + v;
    *y = product(u - v, t, c);
}

#endif
