/* opoly.c -- polynomials with GMP coefficients.  See oracle.h. */
#include <math.h>
#include <stdlib.h>

#include "oracle.h"

void *oracle_memory(size_t size)
{
    void *p = malloc(size);

    if (p == NULL)
        abort();
    return p;
}

void opoly_init(opoly *a, size_t n)
{
    a->n = n;
    a->c = oracle_memory(n * sizeof *a->c);
    for (size_t k = 0; k < n; k++)
        mpz_init(a->c[k]);
}

void opoly_clear(opoly *a)
{
    if (a->c == NULL)
        return;
    for (size_t k = 0; k < a->n; k++)
        mpz_clear(a->c[k]);
    free(a->c);
    a->c = NULL;
}

void opoly_set(opoly *out, const opoly *a)
{
    for (size_t k = 0; k < a->n; k++)
        mpz_set(out->c[k], a->c[k]);
}

void opoly_add(opoly *out, const opoly *a, const opoly *b)
{
    for (size_t k = 0; k < a->n; k++)
        mpz_add(out->c[k], a->c[k], b->c[k]);
}

void opoly_sub(opoly *out, const opoly *a, const opoly *b)
{
    for (size_t k = 0; k < a->n; k++)
        mpz_sub(out->c[k], a->c[k], b->c[k]);
}

void opoly_mul(opoly *out, const opoly *a, const opoly *b)
{
    opoly r;

    opoly_init(&r, a->n);
    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < a->n; j++) {
            if (i + j < a->n)
                mpz_addmul(r.c[i + j], a->c[i], b->c[j]);
            else
                mpz_submul(r.c[i + j - a->n], a->c[i], b->c[j]);
        }
    opoly_set(out, &r);
    opoly_clear(&r);
}

void opoly_scale(opoly *out, const opoly *a, const mpz_t w)
{
    for (size_t k = 0; k < a->n; k++)
        mpz_mul(out->c[k], a->c[k], w);
}

void opoly_map(opoly *out, const opoly *a, uint64_t g)
{
    opoly r;

    opoly_init(&r, a->n);
    for (size_t k = 0; k < a->n; k++) {
        size_t e = (size_t)(k * g % (2 * a->n));

        if (e < a->n)
            mpz_set(r.c[e], a->c[k]);
        else
            mpz_neg(r.c[e - a->n], a->c[k]);
    }
    opoly_set(out, &r);
    opoly_clear(&r);
}

static void mod_one(mpz_t out, const mpz_t a, const mpz_t m, bool centred)
{
    mpz_t twice;

    mpz_fdiv_r(out, a, m);
    if (!centred)
        return;
    mpz_init(twice);
    mpz_mul_2exp(twice, out, 1);
    if (mpz_cmp(twice, m) >= 0)
        mpz_sub(out, out, m);
    mpz_clear(twice);
}

void opoly_mod(opoly *out, const opoly *a, const mpz_t m, bool centred)
{
    for (size_t k = 0; k < a->n; k++)
        mod_one(out->c[k], a->c[k], m, centred);
}

void opoly_round_div(opoly *out, const opoly *a, const mpz_t m)
{
    mpz_t r;

    mpz_init(r);
    for (size_t k = 0; k < a->n; k++) {
        mod_one(r, a->c[k], m, true);
        mpz_sub(r, a->c[k], r);
        mpz_divexact(out->c[k], r, m);
    }
    mpz_clear(r);
}

bool opoly_equal(const opoly *a, const opoly *b)
{
    for (size_t k = 0; k < a->n; k++)
        if (mpz_cmp(a->c[k], b->c[k]) != 0)
            return false;
    return true;
}

void opoly_top(mpz_t out, const opoly *a)
{
    mpz_set_ui(out, 0);
    for (size_t k = 0; k < a->n; k++)
        if (mpz_cmpabs(a->c[k], out) > 0)
            mpz_abs(out, a->c[k]);
}

double opoly_log_top(const opoly *a)
{
    mpz_t t;
    long e = 0;
    double m;

    mpz_init(t);
    opoly_top(t, a);
    m = mpz_get_d_2exp(&e, t);
    mpz_clear(t);
    return m == 0 ? -1 : log2(m) + (double)e;
}
