/* roots.c -- points of the unit circle, to the last bit.
 *
 * The C library's cos and sin differ between systems in the last place, and
 * so would encoded plaintexts.  Here everything is built from additions and
 * products of IEEE doubles (dd.h), the same on every machine.
 */
#include "embed/roots.h"

#include "base/dd.h"

typedef struct dd_point {
    dd re, im;
} dd_point;

/* e(k / order) for 8 k <= order, by the Taylor series: the angle is at most
 * pi/4 and (pi/4)^29 / 29! < 2^-112. */
static dd_point circle_octant(size_t k, size_t order)
{
    const dd two_pi = { 6.283185307179586232, 2.449293598294706414e-16 };
    dd x = dd_mul(two_pi, (dd){ (double)k / (double)order, 0 });
    dd minus_xx = dd_neg(dd_mul(x, x));
    dd term_c = { 1, 0 }, term_s = x;
    dd_point p = { term_c, term_s };

    for (int i = 1; i <= 14; i++) {
        double d = 2 * i;

        term_c = dd_div(dd_mul(term_c, minus_xx), (d - 1) * d);
        term_s = dd_div(dd_mul(term_s, minus_xx), d * (d + 1));
        p.re = dd_add(p.re, term_c);
        p.im = dd_add(p.im, term_s);
    }
    return p;
}

/* e(k / order) for k < order: mirrored into the first octant, so that the
 * quarter turns are exact. */
static dd_point circle_turn(size_t k, size_t order)
{
    size_t quarter = order / 4, quadrant = k / quarter, r = k % quarter;
    bool mirror = 2 * r > quarter;
    dd_point p = circle_octant(mirror ? quarter - r : r, order);

    if (mirror)
        p = (dd_point){ p.im, p.re };
    for (; quadrant > 0; quadrant--)                /* times i               */
        p = (dd_point){ dd_neg(p.im), p.re };
    return p;
}

static dd_point dd_point_mul(const dd_point *a, const dd_point *b)
{
    return (dd_point){
        dd_add(dd_mul(a->re, b->re), dd_neg(dd_mul(a->im, b->im))),
        dd_add(dd_mul(a->re, b->im), dd_mul(a->im, b->re))
    };
}

/* k = FINE a + b: 512 series and one product for each point. */
void cki_roots(double *re, double *im, size_t count, size_t order)
{
    enum { FINE = 256 };
    dd_point fine[FINE];

    for (size_t b = 0; b < FINE && b < count; b++)
        fine[b] = circle_turn(b % order, order);
    for (size_t a = 0; a < count; a += FINE) {
        dd_point coarse = circle_turn(a % order, order);

        for (size_t b = 0; b < FINE && a + b < count; b++) {
            dd_point p = dd_point_mul(&coarse, &fine[b]);

            re[a + b] = p.re.h;                     /* h = RN(h + l)         */
            im[a + b] = p.im.h;
        }
    }
}
