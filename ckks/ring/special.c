/* special.c -- how many special primes key switching needs at a level.
 *
 * Read first: docs/07-key-switching.md.
 *
 * Its noise is that of the keys times (largest digit) / P.  A digit at a low
 * level has few primes, so few special ones make up for it.
 */
#include "base/word.h"

enum { WORDS = CKKS_MAX_PRIMES + 1 };       /* of products of 61 bits each   */

/* x *= the entry of ckks_params: a prime, or a size, which stands for the
 * largest number it allows.  What is carried out is lost. */
static void multiply(uint64_t x[WORDS], uint64_t entry)
{
    const uint64_t w = entry > CKKS_MAX_BITS ? entry
                                             : ((uint64_t)1 << entry) - 1;
    uint64_t carry = 0;

    for (int i = 0; i < WORDS; i++) {
        uint64_t high, low;

        cki_mul_wide(&high, &low, x[i], w);
        x[i] = low + carry;
        carry = high + (x[i] < carry);
    }
}

static bool at_least(const uint64_t a[WORDS], const uint64_t b[WORDS])
{
    int i = WORDS - 1;

    while (i > 0 && a[i] == b[i])
        i--;
    return a[i] >= b[i];
}

int ckks_params_special_at(const ckks_params *p, int level)
{
    CKI_NEAREST;
    uint64_t product[WORDS] = { 1 };
    int alpha, k = 1;

    if (!p->fitted_special || p->num_special == 0)
        return p->num_special;
    alpha = (p->num_primes + p->dnum - 1) / p->dnum;
    multiply(product, p->special[0]);
    for (int first = 0; first <= level; first += alpha) {
        uint64_t digit[WORDS] = { 2 };

        for (int i = first; i < first + alpha && i <= level; i++)
            multiply(digit, p->primes[i]);
        while (k < p->num_special && !at_least(product, digit))
            multiply(product, p->special[k++]);
    }
    return k;
}
