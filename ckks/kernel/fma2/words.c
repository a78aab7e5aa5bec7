/* words.c -- words from integers, two at a time. */
#include "kernel/fma2/fma2.h"

/* Words are compared as signed numbers, which all machines can: the top bit of
 * both is turned. */
static inline ints unsign(ints x)
{
    return x ^ both_words(UINT64_C(1) << 63);
}

void cki_fma2_lift(uint64_t *out, const uint64_t *in, uint64_t bound,
                   uint64_t shift, size_t n)
{
    const ints most = unsign(both_words(bound)), by = both_words(shift);
    const size_t whole = n & ~(size_t)1;

    for (size_t i = 0; i < whole; i += 2) {
        const ints u = load_words(in + i), add = (unsign(u) > most) & by;

        store_words(out + i, (ints)((pair)u + (pair)add));
    }
    cki_kernel_portable.lift(out + whole, in + whole, bound, shift, n - whole);
}
