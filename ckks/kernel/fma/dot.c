/* dot.c -- inner products in doubles.
 *
 * Read first: fma.h (Lemma F), dot.h (Lemma D), docs/10-kernels.md.
 */
#include "kernel/fma/dot.h"

/* Up to eight terms at a time by Lemma D, one alone by Lemma F (avx2). */

/* Sums go to their own places, or where an automorphism takes them: back, or
 * NULL, and the orders it has for groups. */
static ALWAYS_INLINE void put_sum(uint64_t *out, ints v, const uint32_t *back,
                                  const orders *order, size_t i)
{
    if (back == NULL)
        store_words(out + i, v);
    else
        put_group(out, v, back[i], order);
}

/* What a sum will meet there, in the sums' order. */
static ALWAYS_INLINE vec take_sum(const uint64_t *out, const uint32_t *back,
                                  const orders *order, size_t i)
{
    return back == NULL ? load(out + i)
                        : from_words(take_group(out, back[i], order));
}

/* Lines that sums will go to jump, and no prefetcher follows: those of AHEAD
 * words later are asked for. */
static ALWAYS_INLINE void ask_places(uint64_t *out0, uint64_t *out1,
                                     const uint32_t *back, size_t i, size_t n)
{
    if (back != NULL && i % 8 == 0) {
        const size_t at = back[(i + AHEAD) % n];

        __builtin_prefetch(out0 + at, 1);
        __builtin_prefetch(out1 + at, 1);
    }
}

/* One term: by Lemma F its remainder is at most p (1/2 + 2^-3) in absolute
 * value (OF_WORDS), for |a b / p| < p < 2^49. */
static ALWAYS_INLINE void dot2_one(uint64_t *out0, uint64_t *out1,
                                   const uint32_t *back, const orders *order,
                                   const uint64_t *x, const uint8_t *y0,
                                   const uint8_t *y1, bool add_to, size_t n,
                                   unpacker u, prime c)
{
    for (size_t i = 0; i < n; i += LANES) {
        const vec a = load(x + i);
        vec r0 = lift(mulmod(a, from_words(unpacked(y0, i, u)), c), c);
        vec r1 = lift(mulmod(a, from_words(unpacked(y1, i, u)), c), c);

        ask_places(out0, out1, back, i, n);
        if (add_to) {
            r0 = fold(r0 + take_sum(out0, back, order, i), c);
            r1 = fold(r1 + take_sum(out1, back, order, i), c);
        }
        put_sum(out0, to_words(r0), back, order, i);
        put_sum(out1, to_words(r1), back, order, i);
    }
}

/* k terms, added to what is there if add_to. */
static ALWAYS_INLINE void dot2_few(uint64_t *out0, uint64_t *out1,
                                   const uint32_t *back, const orders *order,
                                   const uint64_t *const *x,
                                   const uint8_t *const *y0,
                                   const uint8_t *const *y1, int k,
                                   bool add_to, size_t n, unpacker u, prime c)
{
    for (size_t i = 0; i < n; i += LANES) {
        vec high0 = all(HIGH), high1 = high0;
        vec low0 = all(0) - c.half, low1 = low0;

        ask_places(out0, out1, back, i, n);
        if (add_to) {
            low0 += take_sum(out0, back, order, i);
            low1 += take_sum(out1, back, order, i);
        }
        UNROLL
        for (int j = 0; j < k; j++) {
            const vec a = load(x[j] + i);

            dot_term(&high0, &low0, a, from_words(unpacked(y0[j], i, u)));
            dot_term(&high1, &low1, a, from_words(unpacked(y1[j], i, u)));
        }
        put_sum(out0, centred_words(dot_end(high0, low0, c), c), back, order,
                i);
        put_sum(out1, centred_words(dot_end(high1, low1, c), c), back, order,
                i);
    }
}

/* All terms, as many at a time as the prime allows; the kernel of two lanes,
 * whose code goes over networks, has one loop for all numbers of them. */
static ALWAYS_INLINE void dot2_all(uint64_t *out0, uint64_t *out1,
                                   const uint32_t *back, const orders *order,
                                   const uint64_t *const *x,
                                   const uint8_t *const *y0,
                                   const uint8_t *const *y1, int k,
                                   bool add_to, size_t n, unpacker u, prime c)
{
    const int most = c.p[0] < SMALLER ? MOST_TERMS : FULL_TERMS;

    for (int j = 0; j < k; j += most) {
        const int some = k - j < most ? k - j : most;
        const bool add = add_to || j > 0;

        if (LANES == 4 && some == 1)
            dot2_one(out0, out1, back, order, x[j], y0[j], y1[j], add, n, u,
                     c);
        else if (LANES == 4 && some == 2)
            dot2_few(out0, out1, back, order, x + j, y0 + j, y1 + j, 2, add, n,
                     u, c);
        else
            dot2_few(out0, out1, back, order, x + j, y0 + j, y1 + j, some, add,
                     n, u, c);
    }
}

/* A function each, so that neither keeps what the other works with. */
static __attribute__((noinline)) void dot2_own(
    uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
    const uint8_t *const *y0, const uint8_t *const *y1, int k, bool add_to,
    size_t n, const cki_mod *m)
{
    dot2_all(out0, out1, NULL, NULL, x, y0, y1, k, add_to, n,
             unpacker_of(cki_packed_bytes(m)), prime_of(m));
}

static __attribute__((noinline)) void dot2_turned(
    uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
    const uint32_t *back, const uint8_t *const *y0, const uint8_t *const *y1,
    int k, bool add_to, size_t n, const cki_mod *m)
{
    orders order;

    orders_of(&order, back);
    dot2_all(out0, out1, back, &order, x, y0, y1, k, add_to, n,
             unpacker_of(cki_packed_bytes(m)), prime_of(m));
}

static void fma_dot2(uint64_t *out0, uint64_t *out1,
                     const uint64_t *const *x, const cki_turn *turn,
                     const uint8_t *const *y0, const uint8_t *const *y1,
                     int k, bool add_to, size_t n, const cki_mod *m)
{
    if (n % 4 != 0)
        cki_kernel_portable.dot2(out0, out1, x, turn, y0, y1, k, add_to, n, m);
    else if (turn == NULL)
        dot2_own(out0, out1, x, y0, y1, k, add_to, n, m);
    else
        dot2_turned(out0, out1, x, turn->back, y0, y1, k, add_to, n, m);
}
