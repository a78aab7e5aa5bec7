/* dot.c -- inner products in doubles.
 *
 * Read first: fma.h (Lemma F), dot.h (Lemma D), docs/10-kernels.md.
 */
#include "kernel/fma/dot.h"

/* Up to eight terms at a time by Lemma D, one alone by Lemma F. */

/* Where sums go: to their own places, or where an automorphism takes them. */
typedef struct places {
    uint64_t *out0, *out1;
    const uint32_t *back;       /* NULL: their own                           */
    const orders *order;
} places;

static ALWAYS_INLINE void put_sums(const places *to, size_t i, ints s0,
                                   ints s1)
{
    if (to->back == NULL) {
        store_words(to->out0 + i, s0);
        store_words(to->out1 + i, s1);
    } else {
        put_group(to->out0, s0, to->back[i], to->order);
        put_group(to->out1, s1, to->back[i], to->order);
    }
}

/* What sums will meet there, in the sums' order. */
static ALWAYS_INLINE void take_sums(vec *s0, vec *s1, const places *from,
                                    size_t i)
{
    if (from->back == NULL) {
        *s0 = load(from->out0 + i);
        *s1 = load(from->out1 + i);
    } else {
        *s0 = from_words(take_group(from->out0, from->back[i], from->order));
        *s1 = from_words(take_group(from->out1, from->back[i], from->order));
    }
}

/* Lines that sums will go to jump, and no prefetcher follows: those of AHEAD
 * words later are asked for. */
static ALWAYS_INLINE void ask_places(const places *to, size_t i, size_t n)
{
    if (to->back != NULL && i % 8 == 0) {
        const size_t at = to->back[(i + AHEAD) % n];

        __builtin_prefetch(to->out0 + at, 1);
        __builtin_prefetch(to->out1 + at, 1);
    }
}

/* One term: by Lemma F its remainder is at most p (1/2 + 2^-3) in absolute
 * value (OF_WORDS), for |a b / p| < p < 2^49. */
static ALWAYS_INLINE void dot2_one(const places *to, const uint64_t *x,
                                   const uint64_t *y0, const uint64_t *y1,
                                   bool add_to, size_t n, prime c)
{
    for (size_t i = 0; i < n; i += LANES) {
        const vec a = load(x + i);

        ask_places(to, i, n);
        vec r0 = lift(mulmod(a, load(y0 + i), c), c);
        vec r1 = lift(mulmod(a, load(y1 + i), c), c);

        if (add_to) {
            vec s0, s1;

            take_sums(&s0, &s1, to, i);
            r0 = fold(r0 + s0, c);
            r1 = fold(r1 + s1, c);
        }
        put_sums(to, i, to_words(r0), to_words(r1));
    }
}

/* k terms, added to what is there if add_to. */
static ALWAYS_INLINE void dot2_few(const places *to, const uint64_t *const *x,
                                   const uint64_t *const *y0,
                                   const uint64_t *const *y1, int k,
                                   bool add_to, size_t n, prime c)
{
    const uint64_t *a[MOST_TERMS], *b0[MOST_TERMS], *b1[MOST_TERMS];

    for (int j = 0; j < k; j++) {       /* no store is taken to change these */
        a[j] = x[j];
        b0[j] = y0[j];
        b1[j] = y1[j];
    }
    for (size_t i = 0; i < n; i += LANES) {
        vec high0 = all(HIGH), high1 = high0;
        vec low0 = all(0) - c.half, low1 = low0;

        ask_places(to, i, n);
        if (add_to) {
            vec s0, s1;

            take_sums(&s0, &s1, to, i);
            low0 += s0;
            low1 += s1;
        }
        UNROLL
        for (int j = 0; j < k; j++) {
            const vec word = load(a[j] + i);

            dot_term(&high0, &low0, word, load(b0[j] + i));
            dot_term(&high1, &low1, word, load(b1[j] + i));
        }
        put_sums(to, i, centred_words(dot_end(high0, low0, c), c),
                 centred_words(dot_end(high1, low1, c), c));
    }
}

/* All terms, as many at a time as the prime allows. */
static ALWAYS_INLINE void dot2_all(const places *to, const uint64_t *const *x,
                                   const uint64_t *const *y0,
                                   const uint64_t *const *y1, int k,
                                   bool add_to, size_t n, prime c)
{
    const int most = c.p[0] < SMALLER ? MOST_TERMS : FULL_TERMS;

    for (int j = 0; j < k; j += most) {
        const int some = k - j < most ? k - j : most;
        const bool add = add_to || j > 0;

        if (some == 1)
            dot2_one(to, x[j], y0[j], y1[j], add, n, c);
        else if (some == 2)
            dot2_few(to, x + j, y0 + j, y1 + j, 2, add, n, c);
        else
            dot2_few(to, x + j, y0 + j, y1 + j, some, add, n, c);
    }
}

static void fma_dot2(uint64_t *out0, uint64_t *out1,
                     const uint64_t *const *x, const cki_turn *turn,
                     const uint64_t *const *y0, const uint64_t *const *y1,
                     int k, bool add_to, size_t n, const cki_mod *m)
{
    places to = { out0, out1, turn == NULL ? NULL : turn->back, NULL };
    orders order;

    if (n % 4 != 0) {
        cki_kernel_portable.dot2(out0, out1, x, turn, y0, y1, k, add_to, n, m);
        return;
    }
    if (turn != NULL) {
        orders_of(&order, turn->back);
        to.order = &order;
    }
    if (LANES == 4 && turn == NULL)     /* without a question for each vector */
        dot2_all(&(places){ out0, out1, NULL, NULL }, x, y0, y1, k, add_to, n,
                 prime_of(m));
    else
        dot2_all(&to, x, y0, y1, k, add_to, n, prime_of(m));
}
