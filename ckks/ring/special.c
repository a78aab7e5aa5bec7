/* special.c -- how many special primes key switching needs at a level.
 *
 * Read first: docs/07-key-switching.md.
 *
 * Its noise is that of the keys times (largest digit) / P.  A digit at a low
 * level has few primes, so few special ones make up for it.
 */
#include "base/word.h"

enum { WORDS = CKKS_MAX_PRIMES + 1 };       /* of products of 61 bits each   */

/* A number of `count` words, the least first; the others are 0. */
typedef struct number {
    uint64_t word[WORDS];
    int count;
} number;

/* x *= the entry of ckks_params: a prime, or a size, which stands for the
 * largest number it allows.  What is carried out of WORDS is lost. */
static void multiply(number *x, uint64_t entry)
{
    const uint64_t w = entry > CKKS_MAX_BITS ? entry
                                             : ((uint64_t)1 << entry) - 1;
    uint64_t carry = 0;

    for (int i = 0; i < x->count; i++) {
        uint64_t high, low;

        cki_mul_wide(&high, &low, x->word[i], w);
        x->word[i] = low + carry;
        carry = high + (x->word[i] < carry);
    }
    if (carry != 0 && x->count < WORDS)
        x->word[x->count++] = carry;
}

static bool at_least(const number *a, const number *b)
{
    int i = (a->count > b->count ? a->count : b->count) - 1;

    while (i > 0 && a->word[i] == b->word[i])
        i--;
    return a->word[i] >= b->word[i];
}

int ckks_params_special_at(const ckks_params *p, int level)
{
    CKI_NEAREST;
    number product = { .word = { 1 }, .count = 1 };
    int alpha, k = 1;

    if (!p->fitted_special || p->num_special == 0)
        return p->num_special;
    alpha = (p->num_primes + p->dnum - 1) / p->dnum;
    multiply(&product, p->special[0]);
    for (int first = 0; first <= level; first += alpha) {
        number digit = { .word = { 2 }, .count = 1 };

        for (int i = first; i < first + alpha && i <= level; i++)
            multiply(&digit, p->primes[i]);
        while (k < p->num_special && !at_least(&product, &digit))
            multiply(&product, p->special[k++]);
    }
    return k;
}
