/* convert.c -- base conversion in C11.
 *
 * Read first: portable.h, docs/03-rns.md.
 */
#include "kernel/portable/portable.h"

enum { TILE = 64 };     /* columns done together                             */

/* Doubles are made of and into signed words: unsigned ones would be branches
 * where the machine has no such conversion (x86-64 before AVX-512).  The result
 * is the same to the bit: y < 2^61 is one number, signed or not, and both
 * conversions round it to nearest once; 0 <= f < len + 1, and both cut off the
 * fraction.  y > half, both below 2^61, is the top bit of half - y. */
void cki_portable_convert_begin(uint64_t *const *y, uint64_t *v,
                                const cki_conv *c, bool centred, size_t n)
{
    const uint64_t half = (c->mod[c->src[0]].p - 1) / 2;
    const double up = centred ? 0.5 : 0;

    for (size_t k = 0; k < n && c->len == 1; k++)
        v[k] = (half - y[0][k]) >> 63 & centred;
    for (size_t k = 0; k < n && c->len > 1; k++) {
        double f = 0;

        for (int i = 0; i < c->len; i++)
            f += (double)(int64_t)y[i][k] * c->frac[i];
        v[k] = (uint64_t)(int64_t)(f + up);         /* floor: f >= 0         */
    }
}

void cki_portable_convert_end(uint64_t *const *out, const int *target,
                              int num_targets, const uint64_t *const *y,
                              const uint64_t *v, const cki_conv *c, bool lazy,
                              size_t n)
{
    (void)lazy;
    for (size_t at = 0; at < n; at += TILE)
        for (int t = 0; t < num_targets; t++) {
            const cki_mod m = c->mod[target[t]];
            const uint64_t *hat = c->hat + (size_t)target[t] * (size_t)c->len;
            uint64_t minus_d = cki_neg(c->prod[target[t]], m.p);

            for (size_t k = at; k < n && k < at + TILE; k++) {
                cki_wide s = { 0, 0 };

                for (int i = 0; i < c->len; i++)
                    cki_wide_mul_add(&s, y[i][k], hat[i]);
                cki_wide_mul_add(&s, v[k], minus_d);
                out[t][k] = cki_reduce_any(s.hi, s.lo, &m);
            }
        }
}
