/* dd.h -- pairs of doubles, good for about 100 bits.
 *
 * A pair (h, l) stands for h + l, with |l| at most half a unit in the last
 * place of h, so that h = RN(h + l) [Dekker71].  Everything rests on IEEE
 * doubles rounded to nearest and on a compiler that contracts nothing.
 */
#ifndef CKI_DD_H
#define CKI_DD_H

typedef struct dd {
    double h, l;
} dd;

/* a + b exactly, for |a| >= |b| or a = 0. */
static inline dd dd_fast_sum(double a, double b)
{
    double h = a + b;

    return (dd){ h, b - (h - a) };
}

/* a + b exactly [Knuth]. */
static inline dd dd_sum(double a, double b)
{
    double h = a + b, c = h - a;

    return (dd){ h, (a - (h - c)) + (b - c) };
}

/* a b exactly: both factors cut into halves of 26 bits, whose products are
 * exact.  needs |a|, |b| < 2^990 and no underflow of the product of halves. */
static inline dd dd_prod(double a, double b)
{
    const double cut = 134217729.0;                 /* 2^27 + 1              */
    double ta = cut * a, ah = ta - (ta - a), al = a - ah;
    double tb = cut * b, bh = tb - (tb - b), bl = b - bh;
    double h = a * b;

    return (dd){ h, ((ah * bh - h) + ah * bl + al * bh) + al * bl };
}

static inline dd dd_add(dd a, dd b)
{
    dd s = dd_sum(a.h, b.h);

    return dd_fast_sum(s.h, s.l + (a.l + b.l));
}

static inline dd dd_mul(dd a, dd b)
{
    dd s = dd_prod(a.h, b.h);

    return dd_fast_sum(s.h, s.l + (a.h * b.l + a.l * b.h));
}

/* a / d for a small integer d. */
static inline dd dd_div(dd a, double d)
{
    double q = a.h / d;
    dd back = dd_prod(q, d);

    return dd_fast_sum(q, ((a.h - back.h) - back.l + a.l) / d);
}

static inline dd dd_neg(dd a)
{
    return (dd){ -a.h, -a.l };
}

#endif
