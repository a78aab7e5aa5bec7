/* ref_words.h -- arithmetic mod p by its definition: remainders of 128 bits,
 * nothing of the library's own.
 */
#ifndef REF_WORDS_H
#define REF_WORDS_H

#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

static inline uint64_t ref_mul(uint64_t a, uint64_t b, uint64_t p)
{
    return (uint64_t)((u128)a * b % p);
}

static inline uint64_t ref_add(uint64_t a, uint64_t b, uint64_t p)
{
    return (uint64_t)(((u128)a + b) % p);
}

static inline uint64_t ref_pow(uint64_t a, uint64_t e, uint64_t p)
{
    uint64_t r = 1;

    for (; e > 0; e /= 2, a = ref_mul(a, a, p))
        if (e % 2 == 1)
            r = ref_mul(r, a, p);
    return r;
}

/* The bits of i < n = 2^k in reverse. */
static inline size_t ref_reversed(size_t i, size_t n)
{
    size_t r = 0;

    for (; n > 1; n /= 2, i /= 2)
        r = 2 * r + i % 2;
    return r;
}

#endif
