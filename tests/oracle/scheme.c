/* scheme.c -- decryption and key switching on big integers.  See oracle.h. */
#include <stdlib.h>

#include "oracle.h"

void oracle_decrypt(opoly *out, const oracle *o, const opoly *c, int degree,
                    const opoly *s, int level)
{
    opoly sum, term;
    mpz_t q;

    mpz_init(q);
    opoly_init(&sum, o->n);
    opoly_init(&term, o->n);
    for (int i = degree; i >= 0; i--) {             /* Horner                */
        opoly_mul(&sum, &sum, s);
        opoly_add(&sum, &sum, &c[i]);
    }
    oracle_q(q, o, level);
    opoly_mod(out, &sum, q, true);
    opoly_clear(&sum);
    opoly_clear(&term);
    mpz_clear(q);
}

void oracle_gadget(mpz_t out, const oracle *o, int j, int level)
{
    mpz_t q, d, rest;

    mpz_inits(q, d, rest, NULL);
    oracle_q(q, o, level);
    oracle_digit(d, o, j, level);
    mpz_divexact(rest, q, d);
    if (mpz_invert(out, rest, d) == 0)
        abort();
    mpz_mul(out, out, rest);                        /* g_j modulo Q_level    */
    mpz_mul(out, out, o->p);
    mpz_clears(q, d, rest, NULL);
}

void oracle_inner(opoly out[2], const oracle *o, const opoly *x,
                  const opoly *key, int level)
{
    opoly digit, term, sum[2], over;
    mpz_t d, p, q, r;

    mpz_inits(d, p, q, r, NULL);
    opoly_init(&digit, o->n);
    opoly_init(&term, o->n);
    opoly_init(&over, o->n);
    oracle_q(q, o, level);
    oracle_p(p, o, level);
    mpz_divexact(r, o->p, p);
    if (mpz_invert(r, r, q) == 0)
        abort();
    opoly_scale(&over, x, r);                       /* x / R modulo Q_level  */
    opoly_mod(&over, &over, q, true);
    for (int h = 0; h < 2; h++)
        opoly_init(&sum[h], o->n);
    for (int j = 0; j < oracle_digits(o, level); j++) {
        oracle_digit(d, o, j, level);
        opoly_mod(&digit, &over, d, o->centred);
        for (int h = 0; h < 2; h++) {
            opoly_mul(&term, &digit, &key[2 * j + h]);
            opoly_add(&sum[h], &sum[h], &term);
        }
    }
    mpz_mul(q, q, p);
    for (int h = 0; h < 2; h++) {
        opoly_mod(&out[h], &sum[h], q, true);
        opoly_clear(&sum[h]);
    }
    opoly_clear(&digit);
    opoly_clear(&term);
    opoly_clear(&over);
    mpz_clears(d, p, q, r, NULL);
}

void oracle_switch(opoly out[2], const oracle *o, const opoly *x,
                   const opoly *key, int level)
{
    mpz_t p;

    mpz_init(p);
    oracle_p(p, o, level);
    oracle_inner(out, o, x, key, level);
    for (int h = 0; h < 2; h++)
        opoly_round_div(&out[h], &out[h], p);
    mpz_clear(p);
}
