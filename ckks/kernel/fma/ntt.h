/* ntt.h -- what both directions of the NTT in doubles share. */
#ifndef CKI_FMA_NTT_H
#define CKI_FMA_NTT_H

#include "kernel/fma/fma.h"
#include "kernel/portable/portable.h"

enum {
    SMALL_LOG = 5,              /* rings up to 2^5 go to the portable code   */
    BLOCK = 1024                /* words that stay in the first-level cache  */
};

/* Lazy values go from base conversions to transforms where vectors are long:
 * the kernel of two lanes, whose code goes over networks, does without. */
static inline bool takes_lazy(bool lazy, size_t n)
{
    return lazy && LANES == 4 && n > (size_t)1 << SMALL_LOG;
}

/* ---- ranges ----------------------------------------------------------------
 *
 * Forward: (x, y) -> (x + w y, x - w y).  From B before a layer to B + 1/2 +
 * B/16 after: from words, 1, or what convert_end leaves, 1.25, so 1.83, 2.45,
 * 3.10, 3.80, 4.54, 5.32, 6.15, 7.04, 7.98.  So before a tenth layer the input
 * of a product has not left B = 8.  Reducing the x of a layer (its y reduces
 * itself, to at most 1) starts a count of smaller ones: 1.51, 2.10, 2.73, 3.40,
 * 4.12, 4.87, 5.68, 6.54.  At the end Lemma C wants 2^52 >= 8 p with the p/2
 * taken off before, and a division what it divides: after at most seven layers,
 * or eight from a reduction on, it is 6.54 + 1. */

enum {
    FWD_0 = 1281, FWD_1 = 1874, FWD_2 = 2504, FWD_3 = 3173, FWD_4 = 3884,
    FWD_5 = 4639, FWD_6 = 5441, FWD_7 = 6294, FWD_8 = 7200, FWD_9 = 8162,
    RED_1 = 1540, RED_2 = 2149, RED_3 = 2796, RED_4 = 3483, RED_5 = 4213,
    RED_6 = 4989, RED_7 = 5813, RED_8 = 6689, RED_9 = 7620,
    MAX_LAYERS = 10, LAST_LAYERS = 8, LAST = RED_8
};

#define LAYER(b) ((b) + PRODUCT(b))

WITHIN(UNIT, FWD_0);
WITHIN(LAYER(FWD_0), FWD_1);
WITHIN(LAYER(FWD_1), FWD_2);
WITHIN(LAYER(FWD_2), FWD_3);
WITHIN(LAYER(FWD_3), FWD_4);
WITHIN(LAYER(FWD_4), FWD_5);
WITHIN(LAYER(FWD_5), FWD_6);
WITHIN(LAYER(FWD_6), FWD_7);
WITHIN(LAYER(FWD_7), FWD_8);
WITHIN(LAYER(FWD_8), FWD_9);
WITHIN(FWD_9, MOST);
WITHIN(HALF + 1 + PRODUCT(MOST), RED_1);
WITHIN(LAYER(RED_1), RED_2);
WITHIN(LAYER(RED_2), RED_3);
WITHIN(LAYER(RED_3), RED_4);
WITHIN(LAYER(RED_4), RED_5);
WITHIN(LAYER(RED_5), RED_6);
WITHIN(LAYER(RED_6), RED_7);
WITHIN(LAYER(RED_7), RED_8);
WITHIN(LAYER(RED_8), RED_9);
WITHIN(RED_9, MOST);
WITHIN(MAX_LAYERS, 10);
WITHIN(FWD_7, LAST);
WITHIN(LAST + HALF, MOST);
WITHIN(LAST_LAYERS, 8);

/* The bound after so many layers, since a reduction or the beginning. */
static inline int fwd_bound(int layers, bool reduced)
{
    static const int bound[2][MAX_LAYERS] = {
        { FWD_0, FWD_1, FWD_2, FWD_3, FWD_4, FWD_5, FWD_6, FWD_7, FWD_8,
          FWD_9 },
        { FWD_0, RED_1, RED_2, RED_3, RED_4, RED_5, RED_6, RED_7, RED_8,
          RED_9 }
    };

    return bound[reduced][layers];
}

/* Inverse: (x, y) -> (x + y, w (x - y)).  Two layers from B: sums 4B, brought
 * down to 1/2; the other words are products of 2B, added up, of 4B, and of the
 * difference of products of 2B: at most 2 (1/2 + B/8).  B = 1.4 is kept. */

enum {
    INV = 1434,
    INV_SUMS = 2 * INV,         /* after one layer                           */
    INV_CROSS = 2 * PRODUCT(INV_SUMS)
};

WITHIN(UNIT, INV);                      /* words                             */
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
