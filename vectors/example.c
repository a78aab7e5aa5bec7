/* example.c -- the vectors without JSON and without any library: transforms
 * by the definition, products by remainders.
 *
 *     cc -o example vectors/example.c && ./example
 */
#include <stdio.h>

#include "v1/vectors.h"

__extension__ typedef unsigned __int128 wide;

static uint64_t mul(uint64_t a, uint64_t b, uint64_t p)
{
    return (uint64_t)((wide)a * b % p);
}

/* in(psi^(2 br(i) + 1)) by Horner's rule */
static uint64_t value(const volley_vector *v, unsigned i)
{
    unsigned n = 1u << v->log_n, e = 0;
    uint64_t x = 1, sum = 0;

    for (int b = 0; b < v->log_n; b++)
        e = 2 * e + (i >> b & 1);
    for (e = 2 * e + 1; e > 0; e--)
        x = mul(x, v->psi, v->prime);
    for (unsigned k = n; k-- > 0;)
        sum = (mul(sum, x, v->prime) + v->in[k]) % v->prime;
    return sum;
}

int main(void)
{
    unsigned long words = 0, wrong = 0;

    for (size_t k = 0; k < VOLLEY_VECTORS; k++) {
        const volley_vector *v = &volley_vectors[k];

        for (unsigned i = 0; i < 1u << v->log_n; i++, words++)
            wrong += value(v, i) != v->out[i]
                     || (v->a != NULL && mul(v->a[i], v->b[i], v->prime)
                                             != v->product[i]);
    }
    printf("%lu words, %lu wrong\n", words, wrong);
    return wrong != 0;
}
