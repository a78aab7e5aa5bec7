/* slots.c -- slots and coefficients in long double.  See oracle.h. */
#include <math.h>
#include <stdlib.h>

#include "oracle.h"

/* cos and sin of pi m / n for m < 2n. */
static long double *circle(size_t n)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    long double *t = oracle_memory(4 * n * sizeof *t);

    for (size_t m = 0; m < 2 * n; m++) {
        long double angle = pi * (long double)m / (long double)n;

        t[m] = cosl(angle);
        t[2 * n + m] = sinl(angle);
    }
    return t;
}

void oracle_slots(long double *re, long double *im, const oracle *o,
                  const long double *coeff, long double factor)
{
    long double *t = circle(o->n);
    size_t u = 1;

    for (size_t j = 0; j < o->n / 2; j++) {
        long double a = 0, b = 0;

        for (size_t k = 0; k < o->n; k++) {
            size_t m = u * k % (2 * o->n);

            a += coeff[k] * t[m];
            b += coeff[k] * t[2 * o->n + m];
        }
        re[j] = a * factor;
        im[j] = b * factor;
        u = u * (size_t)o->generator % (2 * o->n);
    }
    free(t);
}

/* The values at zeta^u and at zeta^-u are conjugate, and the sum over all odd
 * u of zeta^(u (k - h)) is n if k = h and 0 else:
 * c_k = 2/n sum over j of the real part of slot_j zeta^(-u_j k). */
void oracle_coeffs(long double *coeff, const oracle *o, const long double *re,
                   const long double *im, long double factor)
{
    long double *t = circle(o->n);
    size_t u = 1;

    for (size_t k = 0; k < o->n; k++)
        coeff[k] = 0;
    for (size_t j = 0; j < o->n / 2; j++) {
        for (size_t k = 0; k < o->n; k++) {
            size_t m = u * k % (2 * o->n);

            coeff[k] += re[j] * t[m] + im[j] * t[2 * o->n + m];
        }
        u = u * (size_t)o->generator % (2 * o->n);
    }
    for (size_t k = 0; k < o->n; k++)
        coeff[k] *= 2 * factor / (long double)o->n;
    free(t);
}

/* 64 bits from the top one down, then the power of two: rounds down, by less
 * than 2^-63 of the number. */
long double oracle_real(const mpz_t a)
{
    size_t bits = mpz_sizeinbase(a, 2), shift = bits > 64 ? bits - 64 : 0;
    uint64_t high = 0;
    long double r;
    mpz_t t;

    mpz_init(t);
    mpz_abs(t, a);
    mpz_tdiv_q_2exp(t, t, shift);
    mpz_export(&high, NULL, -1, sizeof high, 0, 0, t);
    r = ldexpl((long double)high, (int)shift);
    mpz_clear(t);
    return mpz_sgn(a) < 0 ? -r : r;
}
