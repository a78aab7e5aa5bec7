/* example.c -- the vectors without JSON and without any library: both rings by
 * their definitions, products by remainders, conversions by sums of doubles.
 *
 *     cc -ffp-contract=off -o example vectors/example.c -lm && ./example
 *
 * To be copied: every function below is what a line of docs/conventions.md says.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "v2/vectors.h"

__extension__ typedef unsigned __int128 wide;

static uint64_t mul(uint64_t a, uint64_t b, uint64_t p)
{
    return (uint64_t)((wide)a * b % p);
}

static uint64_t power(uint64_t x, uint64_t e, uint64_t p)
{
    uint64_t out = 1;

    for (; e > 0; e >>= 1, x = mul(x, x, p))
        if (e & 1)
            out = mul(out, x, p);
    return out;
}

static uint64_t inverse(uint64_t x, uint64_t p)
{
    return power(x % p, p - 2, p);
}

static unsigned reversed(unsigned i, int bits)
{
    unsigned out = 0;

    for (; bits > 0; bits--, i >>= 1)
        out = 2 * out + (i & 1);
    return out;
}

/* The power of psi at place i. */
static unsigned exponent(const volley_vector *v, unsigned i)
{
    return (v->real ? 4 : 2) * reversed(i, v->log_n) + 1;
}

/* a at place i, psi a root of X's order; in the real ring coefficient k > 0
 * belongs to X^k + X^-k. */
static uint64_t value(const volley_vector *v, const uint64_t *a, uint64_t psi,
                      uint64_t p, unsigned i)
{
    uint64_t x = power(psi, exponent(v, i), p), y = inverse(x, p), sum = a[0];

    for (unsigned k = 1; k < 1u << v->log_n; k++) {
        uint64_t basis = power(x, k, p);

        if (v->real)
            basis = (basis + power(y, k, p)) % p;
        sum = (sum + mul(a[k], basis, p)) % p;
    }
    return sum;
}

/* psi: the smallest of all roots, which are the odd powers of one. */
static uint64_t root(const volley_vector *v, uint64_t p)
{
    const uint64_t half = (v->real ? 2u : 1u) << v->log_n;
    uint64_t x = 2, r, best;

    while (power(x, (p - 1) / 2, p) != p - 1)
        x++;
    best = r = power(x, (p - 1) / (2 * half), p);
    for (uint64_t e = 3; e < 2 * half; e += 2)
        if (power(r, e, p) < best)
            best = power(r, e, p);
    return best;
}

/* Coefficients of values: by the sum over all places. */
static void coefficients(const volley_vector *v, uint64_t *out,
                         const uint64_t *in, uint64_t psi, uint64_t p)
{
    const unsigned n = 1u << v->log_n;

    for (unsigned k = 0; k < n; k++) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < n; i++) {
            uint64_t x = power(psi, (uint64_t)exponent(v, i) * k, p);
            uint64_t y = inverse(x, p);

            if (v->real && k > 0)
                y = mul(inverse(2, p), (x + y) % p, p);
            sum = (sum + mul(in[i], y, p)) % p;
        }
        out[k] = mul(sum, inverse(n, p), p);
    }
}

/* Coefficients of limbs modulo `sources` primes to one modulo t; with `less` the
 * multiple v of their product is taken off. */
static void convert(const volley_vector *v, uint64_t *out, const uint64_t *in,
                    const uint64_t *prime, size_t sources, uint64_t t,
                    int centred, int less)
{
    const size_t n = (size_t)1 << v->log_n;

    for (size_t k = 0; k < n; k++) {
        double f = 0;
        uint64_t sum = 0, all = 1, whole;

        for (size_t i = 0; i < sources; i++) {
            uint64_t q = prime[i], others = 1, modulo_t = 1, y;

            for (size_t j = 0; j < sources; j++)
                if (j != i) {
                    others = mul(others, prime[j] % q, q);
                    modulo_t = mul(modulo_t, prime[j] % t, t);
                }
            y = mul(in[i * n + k], inverse(others, q), q);
            f += (double)y * (1.0 / (double)q);
            sum = (sum + mul(y % t, modulo_t, t)) % t;
            all = mul(all, q % t, t);
        }
        whole = (uint64_t)floor(centred ? f + 0.5 : f);
        if (sources == 1)
            whole = centred && in[k] > (prime[0] - 1) / 2;
        if (less)
            sum = (sum + t - mul(whole % t, all, t)) % t;
        out[k] = sum;
    }
}

/* Values divided by the product of the primes behind those of the result: minus
 * the centred remainder, times the inverse. */
static void divide(const volley_vector *v, uint64_t *out)
{
    const size_t n = (size_t)1 << v->log_n;
    const size_t kept = v->limbs_out, gone = v->limbs_in - kept;
    const uint64_t *prime = v->prime_in + kept;
    uint64_t *from = malloc(gone * n * sizeof *from);
    uint64_t *z = malloc(n * sizeof *z);

    for (size_t i = 0; i < gone; i++)
        coefficients(v, from + i * n, v->in + (kept + i) * n,
                     root(v, prime[i]), prime[i]);
    for (size_t t = 0; t < kept; t++) {
        uint64_t p = v->prime_out[t], by = 1;

        for (size_t i = 0; i < gone; i++)
            by = mul(by, prime[i] % p, p);
        convert(v, z, from, prime, gone, p, 1, 1);
        for (unsigned i = 0; i < n; i++)
            out[t * n + i] = mul((v->in[t * n + i] + p
                                  - value(v, z, root(v, p), p, i)) % p,
                                 inverse(by, p), p);
    }
    free(z);
    free(from);
}

static void limb(const volley_vector *v, uint64_t *out, size_t t)
{
    const unsigned n = 1u << v->log_n, order = (v->real ? 4 : 2) * n;
    const uint64_t *in = v->in + (v->limbs_in == v->limbs_out ? t * n : 0);
    const uint64_t p = v->prime_out[t];

    if (strcmp(v->operation, "ntt_inverse") == 0)
        coefficients(v, out, in, v->psi[t], p);
    else if (strncmp(v->operation, "convert", 7) == 0)
        convert(v, out, v->in, v->prime_in, v->limbs_in, p, v->centred,
                v->operation[7] == 0);
    else
        for (unsigned i = 0; i < n; i++) {
            if (v->factor != NULL) {
                out[i] = mul(in[i], v->factor[t * n + i], p);
            } else if (v->galois != 0) {
                unsigned e = (unsigned)(exponent(v, i) * v->galois % order);

                out[i] = in[reversed(e / (order / n), v->log_n)];
            } else {
                out[i] = value(v, in, v->psi[t], p, i);
            }
        }
}

int main(void)
{
    unsigned long words = 0, wrong = 0;

    for (size_t k = 0; k < VOLLEY_VECTORS; k++) {
        const volley_vector *v = &volley_vectors[k];
        size_t n = (size_t)1 << v->log_n, size = v->limbs_out * n;
        uint64_t *out = calloc(size, sizeof *out);

        if (strcmp(v->operation, "rescale") == 0
            || strcmp(v->operation, "mod_down") == 0)
            divide(v, out);
        else
            for (size_t t = 0; t < v->limbs_out; t++)
                limb(v, out + t * n, t);
        for (size_t i = 0; i < size; i++, words++)
            wrong += out[i] != v->out[i];
        free(out);
    }
    printf("%zu cases, %lu words, %lu wrong\n", VOLLEY_VECTORS, words, wrong);
    return wrong != 0 || words == 0;
}
