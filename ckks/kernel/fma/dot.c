/* dot.c -- inner products in doubles.
 *
 * Read first: fma.h (Lemma F), dot.h (Lemma D), docs/10-kernels.md.
 */
#include "kernel/fma/dot.h"

/* FULL_TERMS at a time by Lemma D, one alone by Lemma F. */

/* A vector of words to where the inverse permutation takes them. */
static ALWAYS_INLINE void put_words(uint64_t *out, ints v,
                                    const cki_turn *turn, size_t i)
{
    if (turn == NULL)
        store_words(out + i, v);
    else
        store_permuted(out, v, turn->perm, turn->back, i);
}

/* What a sum will meet there, in the sums' order. */
static ALWAYS_INLINE vec load_there(const uint64_t *out, const cki_turn *turn,
                                    size_t i)
{
    return load_at(out, turn == NULL ? NULL : turn->back, i);
}

/* One term: by Lemma F its remainder is at most p (1/2 + 2^-3) in absolute
 * value (OF_WORDS), for |a b / p| < p < 2^49. */
static ALWAYS_INLINE void dot2_one(uint64_t *out0, uint64_t *out1,
                                   const uint64_t *x, const cki_turn *turn,
                                   const uint64_t *y0, const uint64_t *y1,
                                   bool add_to, size_t n, prime c)
{
    for (size_t i = 0; i < n; i += LANES) {
        const vec a = load(x + i);
        vec r0 = lift(mulmod(a, load(y0 + i), c), c);
        vec r1 = lift(mulmod(a, load(y1 + i), c), c);

        if (add_to) {
            r0 = fold(r0 + load_there(out0, turn, i), c);
            r1 = fold(r1 + load_there(out1, turn, i), c);
        }
        put_words(out0, to_words(r0), turn, i);
        put_words(out1, to_words(r1), turn, i);
    }
}

/* Up to four terms, added to out if add_to. */
static ALWAYS_INLINE void dot2_few(uint64_t *out0, uint64_t *out1,
                                   const uint64_t *const *x,
                                   const cki_turn *turn,
                                   const uint64_t *const *y0,
                                   const uint64_t *const *y1, int k,
                                   bool add_to, size_t n, prime c)
{
    for (size_t i = 0; i < n; i += LANES) {
        vec high0 = all(HIGH), high1 = high0;
        vec low0 = all(0) - c.half, low1 = low0;

        if (add_to) {
            low0 += load_there(out0, turn, i);
            low1 += load_there(out1, turn, i);
        }
        UNROLL
        for (int j = 0; j < k; j++) {
            const vec a = load(x[j] + i);

            dot_term(&high0, &low0, a, load(y0[j] + i));
            dot_term(&high1, &low1, a, load(y1[j] + i));
        }
        put_words(out0, centred_words(dot_end(high0, low0, c), c), turn, i);
        put_words(out1, centred_words(dot_end(high1, low1, c), c), turn, i);
    }
}

static ALWAYS_INLINE void dot2_all(uint64_t *out0, uint64_t *out1,
                                   const uint64_t *const *x,
                                   const cki_turn *turn,
                                   const uint64_t *const *y0,
                                   const uint64_t *const *y1, int k,
                                   bool add_to, size_t n, prime c)
{
    for (int j = 0; j < k; j += FULL_TERMS) {
        const int some = k - j < FULL_TERMS ? k - j : FULL_TERMS;
        const bool add = add_to || j > 0;

        if (some == 1)
            dot2_one(out0, out1, x[j], turn, y0[j], y1[j], add, n, c);
        else if (some == 2)
            dot2_few(out0, out1, x + j, turn, y0 + j, y1 + j, 2, add, n, c);
        else
            dot2_few(out0, out1, x + j, turn, y0 + j, y1 + j, some, add, n, c);
    }
}

static void fma_dot2(uint64_t *out0, uint64_t *out1,
                     const uint64_t *const *x, const cki_turn *turn,
                     const uint64_t *const *y0, const uint64_t *const *y1,
                     int k, bool add_to, size_t n, const cki_mod *m)
{
    if (n % LANES != 0)
        cki_kernel_portable.dot2(out0, out1, x, turn, y0, y1, k, add_to, n, m);
    else if (turn == NULL)
        dot2_all(out0, out1, x, NULL, y0, y1, k, add_to, n, prime_of(m));
    else
        dot2_all(out0, out1, x, turn, y0, y1, k, add_to, n, prime_of(m));
}
