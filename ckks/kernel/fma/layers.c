/* layers.c -- layers of the forward NTT in doubles; ranges: ntt.h.
 *
 * Read first: ntt.h, docs/02-ntt.md, docs/10-kernels.md.
 *
 * Two layers at a time.  A butterfly is a chain of some 20 cycles by
 * latencies, and two of them one after the other are longer than what the
 * processor looks ahead; so the first layer of the next words is done beside
 * the second of these, which knows nothing of it. */
#include "kernel/fma/ntt.h"

/* One layer on a block of 2t words; numbers are words yet, or x is reduced
 * first, or neither. */
static ALWAYS_INLINE void fwd_block(uint64_t *x, size_t t, twiddle w,
                                    bool words, bool reduced, prime c)
{
    uint64_t *y = x + t;

    for (uint64_t *end = y; x < end; x += LANES, y += LANES) {
        vec a = words ? load(x) : load_lazy(x);
        vec b = words ? load(y) : load_lazy(y);

        if (reduced)
            a = reduce(a, c);
        fwd(&a, &b, w, c);
        store_lazy(x, a);
        store_lazy(y, b);
    }
}

/* One layer on `count` words, whole blocks of 2t; the first twiddle. */
static ALWAYS_INLINE void fwd_blocks(uint64_t *x, size_t count, size_t t,
                                     const double *table, bool words,
                                     bool reduced, prime c)
{
    for (uint64_t *end = x + count; x < end; x += 2 * t, table++)
        fwd_block(x, t, same(*table, c), words, reduced, c);
}

static void fwd_layer(uint64_t *x, size_t count, size_t t, const double *table,
                      bool words, bool reduced, prime c)
{
    if (words)
        fwd_blocks(x, count, t, table, true, false, c);
    else if (reduced)
        fwd_blocks(x, count, t, table, false, true, c);
    else
        fwd_blocks(x, count, t, table, false, false, c);
}

/* Four vectors, t words apart, through the first of two layers. */
static ALWAYS_INLINE void pair_first(vec *v, const uint64_t *x, size_t t,
                                     twiddle w, bool words, bool reduced,
                                     prime c)
{
    UNROLL
    for (size_t k = 0; k < 4; k++)
        v[k] = words ? load(x + k * t) : load_lazy(x + k * t);
    if (reduced) {
        v[0] = reduce(v[0], c);
        v[1] = reduce(v[1], c);
    }
    fwd(&v[0], &v[2], w, c);
    fwd(&v[1], &v[3], w, c);
}

static ALWAYS_INLINE void pair_second(uint64_t *x, size_t t, vec *v,
                                      twiddle w0, twiddle w1, prime c)
{
    fwd(&v[0], &v[1], w0, c);
    fwd(&v[2], &v[3], w1, c);
    UNROLL
    for (size_t k = 0; k < 4; k++)
        store_lazy(x + k * t, v[k]);
}

/* Two layers on `count` words, whole blocks of 4t; the first twiddle of each
 * layer. */
static ALWAYS_INLINE void fwd_pairs(uint64_t *x, size_t count, size_t t,
                                    const double *one, const double *two,
                                    bool words, bool reduced, prime c)
{
    for (uint64_t *end = x + count; x < end; x += 4 * t, one++, two += 2) {
        const twiddle w = same(*one, c);
        const twiddle w0 = same(two[0], c), w1 = same(two[1], c);
        vec v[4], next[4];

        pair_first(v, x, t, w, words, reduced, c);
        for (size_t j = 0; j < t - LANES; j += LANES) {
            pair_first(next, x + j + LANES, t, w, words, reduced, c);
            pair_second(x + j, t, v, w0, w1, c);
            UNROLL
            for (int k = 0; k < 4; k++)
                v[k] = next[k];
        }
        pair_second(x + t - LANES, t, v, w0, w1, c);
    }
}

static void fwd_two_layers(uint64_t *x, size_t count, size_t t,
                           const double *one, const double *two, bool words,
                           bool reduced, prime c)
{
    if (words)
        fwd_pairs(x, count, t, one, two, true, false, c);
    else if (reduced)
        fwd_pairs(x, count, t, one, two, false, true, c);
    else if (LANES == 4 && t == 4)      /* one vector: no loop                */
        fwd_pairs(x, count, 4, one, two, false, false, c);
    else
        fwd_pairs(x, count, t, one, two, false, false, c);
}

/* The layer of distance 2.  Two vectors are left as lows and highs. */
static ALWAYS_INLINE void fwd_twos(uint64_t *x, size_t count,
                                   const double *table, bool reduced, prime c)
{
    for (uint64_t *end = x + count; x < end;
         x += 2 * LANES, table += LANES / 2) {
        vec a = load_lazy(x), b = load_lazy(x + LANES);
        vec low = lows(a, b), high = highs(a, b);

        if (reduced)
            low = reduce(low, c);
        fwd(&low, &high, twiddle_of(twice(table), c), c);
        store_lazy(x, low);
        store_lazy(x + LANES, high);
    }
}

/* That of distance 1, on words so left, in their order again; h is taken off
 * before the last sums, so that two share it. */
static void fwd_ones(uint64_t *x, size_t count, const double *table, vec h,
                     prime c)
{
    for (uint64_t *end = x + count; x < end; x += 2 * LANES, table += LANES) {
        vec a = load_lazy(x), b = load_lazy(x + LANES);
        vec even = evens(a, b) - h, odd = odds(a, b);

        fwd(&even, &odd, twiddle_of(load_doubles(table), c), c);
        a = evens(even, odd);
        b = odds(even, odd);
        store_lazy(x, lows(a, b));
        store_lazy(x + LANES, highs(a, b));
    }
}

/* Asks for the part of packed blocks that belongs to 16 words, at j of x's
 * block, eight of which are a line at most. */
static inline void ask(const cki_soon *soon, size_t j, size_t bytes)
{
    for (int k = 0; k < CKI_SOON && soon->x[k] != NULL; k++) {
        const uint8_t *y = soon->x[k] + j * bytes;

        __builtin_prefetch(y, 0, 2);
        __builtin_prefetch(y + 8 * bytes, 0, 2);
    }
}

/* Canonical words, from words less h.  skipped: words of x's block before
 * these; bytes of packed ones. */
static void fwd_words(uint64_t *x, size_t count, size_t skipped,
                      const cki_soon *soon, size_t bytes, prime c)
{
    for (size_t i = 0; i < count; i += 16) {
        if (soon != NULL)
            ask(soon, skipped + i, bytes);
        for (size_t k = 0; k < 16; k += LANES)
            store_centred(x + i + k, reduce(load_lazy(x + i + k), c), c);
    }
}
