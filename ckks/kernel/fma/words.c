/* words.c -- words from integers. */
#include "kernel/fma/fma.h"

/* Sums of words are taken modulo 2^64. */
typedef uint64_t words __attribute__((vector_size(8 * LANES)));

/* Words are compared as signed numbers, which all machines can: the top bit of
 * both is turned. */
static inline ints unsign(ints x)
{
    return x ^ all_words(UINT64_C(1) << 63);
}

static void fma_lift(uint64_t *out, const uint64_t *in, uint64_t bound,
                     uint64_t shift, size_t n)
{
    const ints most = unsign(all_words(bound)), by = all_words(shift);
    const size_t whole = n / LANES * LANES;

    for (size_t i = 0; i < whole; i += LANES) {
        const ints u = load_words(in + i), add = (unsign(u) > most) & by;

        store_words(out + i, (ints)((words)u + (words)add));
    }
    cki_kernel_portable.lift(out + whole, in + whole, bound, shift, n - whole);
}
