/* dot.h -- sums of products in doubles.
 *
 * Read first: fma.h.
 *
 * Lemma D.  high starts at C = 1.5 * 2^101, where doubles have an ulp of 2^49.
 * For each term: next = fma(a, b, high); d = next - high; low += fma(a, b, -d).
 * If the sum of |a b| is at most 2^100 and there are at most 8 terms, then
 * (high - C) + low is the sum of the a b exactly, |low| <= 8 * 2^48.
 *
 *   Proof.  high stays within 2^100 of C, so in [2^101, 2^102], with ulp 2^49:
 *   next and high are multiples of 2^49, d is one too and |a b - d| <= 2^48
 *   (half an ulp), a whole number: a b - d is exact, and sums of eight are.
 *
 * The end: H = high - C, q = nearest(H / p), r = fma(-q, p, H) + low.  |H / p|
 * <= 2^51 is needed for q; then |r| <= p (1/2 + 2^-1) + 2^51, exact, and reduce
 * finishes: what it gives is at most p/2 + 1.  low may start at less than 2 p,
 * |r| < 2^52 still: at minus the middle of [0, p) for Lemma C, and with a word
 * to be added.  For a, b in [0, p): four terms (4 p < 2^51), eight where
 * p < 2^48.  For a < 2^49 and |b| <= p/2: eight. */

#ifndef CKI_FMA_DOT_H
#define CKI_FMA_DOT_H

#include "kernel/fma/fma.h"

#define HIGH 0x1.8p101

enum {
    MOST_TERMS = 8,             /* a < 2^49, |b| <= p/2; or a, b in [0, p),  */
    FULL_TERMS = 4              /* p < SMALLER; else                         */
};
#define SMALLER 0x1p48

/* |H / p| <= 2^51, p < 2^49 and p < 2^48 */
WITHIN(MOST_TERMS * HALF, 4 * UNIT);
WITHIN(FULL_TERMS * UNIT, 4 * UNIT);
WITHIN(MOST_TERMS * UNIT / 2, 4 * UNIT);        /* p < SMALLER */

static inline void dot_term(vec *high, vec *low, vec a, vec b)
{
    vec next = fmadd(a, b, *high);
    vec d = next - *high;

    *low += fmsub(a, b, d);
    *high = next;
    VERIFY(between(next, 0x1p101, 0x1p102) && at_most(*low, TWO52));
}

/* The sum modulo p, |out| <= p/2 + 1 (OF_DOT). */
static inline vec dot_end(vec high, vec low, prime c)
{
    vec h = high - all(HIGH);
    vec r = fnmadd(nearest(h, c.inv, c), c.p, h);

    VERIFY(at_most(r + low, TWO52 - 1));
    return reduce(r + low, c);
}

/* The sum modulo p by one quotient for both parts, two operations less, but
 * only |out| <= 5/4 p + 1/4.
 *
 * It wants |H| + |low| < 2^51 p: seven terms of a < 2^49, |b| <= p/2 and one of
 * a < 2^6 have at most (7 2^48 + 2^5) p and 2^51 <= 2^43 p, as p > 2^8.  q is
 * the nearest whole number of H pinv + s, s that of low pinv: it differs from
 * (H + low) / p by 1/2, by |H / p| 2^-53 <= 1/4, by 1/2 and by |low / p| 2^-53
 * <= 1/(4p).  So |H - q p| <= |low| + 5/4 p + 1/4 < 2^52, exact as the sum. */
static inline vec dot_lazy(vec high, vec low, prime c)
{
    vec h = high - all(HIGH), s = fmadd(low, c.inv, c.magic);
    vec r = fnmadd(fmadd(h, c.inv, s) - c.magic, c.p, h) + low;

    VERIFY(product_at_most(h, all(1), 0x1p51 - 0x1p43, c.p));
    VERIFY(at_most(low, 0x1p51));
    VERIFY(at_most(r, 1.25 * c.p[0] + 0.25));
    return r;
}

#endif
