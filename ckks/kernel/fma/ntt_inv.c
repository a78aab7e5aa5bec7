/* ntt_inv.c -- the inverse NTT in doubles.
 *
 * Read first: ntt.c.
 */
#include "kernel/fma/ntt.h"

/* The first two layers, of distances 1 and 2; words in, lazy out: blocks of
 * four vectors, numbered from first. */
static void inv_first(uint64_t *x, const uint64_t *in, size_t n, size_t first,
                      size_t count, const double *table, prime c)
{
    const double *w2 = table + n / 4 + LANES * first;
    const double *w1 = table + n / 2 + 2 * LANES * first;

    for (const uint64_t *end = in + 4 * LANES * count; in < end;
         x += 4 * LANES, in += 4 * LANES, w2 += LANES, w1 += 2 * LANES) {
        vec e = load(in), f = load(in + LANES);
        vec g = load(in + 2 * LANES), h = load(in + 3 * LANES);
        const twiddle w = twiddle_of(load_doubles(w2), c);

        to_fours(&e, &f, &g, &h);
        inv(&e, &f, twiddle_of(load_doubles(w1), c), c);
        inv(&g, &h, twiddle_of(load_doubles(w1 + LANES), c), c);
        inv(&e, &g, w, c);
        inv(&f, &h, w, c);
        e = reduce(e, c);
        from_fours(&e, &f, &g, &h);
        store_lazy(x, e);
        store_lazy(x + LANES, f);
        store_lazy(x + 2 * LANES, g);
        store_lazy(x + 3 * LANES, h);
    }
}

/* Four vectors, t words apart, through the first of two layers. */
static ALWAYS_INLINE void inv_pair_first(vec *v, const uint64_t *x, size_t t,
                                         twiddle w0, twiddle w1, prime c)
{
    UNROLL
    for (size_t k = 0; k < 4; k++)
        v[k] = load_lazy(x + k * t);
    inv(&v[0], &v[1], w0, c);
    inv(&v[2], &v[3], w1, c);
}

static ALWAYS_INLINE void inv_pair_second(uint64_t *x, size_t t, vec *v,
                                          twiddle w, prime c)
{
    inv(&v[0], &v[2], w, c);
    inv(&v[1], &v[3], w, c);
    v[0] = reduce(v[0], c);
    UNROLL
    for (size_t k = 0; k < 4; k++)
        store_lazy(x + k * t, v[k]);
}

/* Two layers, of distances t and 2t; m blocks of 4t words in all.  As forward,
 * the first layer of the next words is done beside the second of these. */
static ALWAYS_INLINE void inv_blocks(uint64_t *x, size_t t, size_t m,
                                     size_t first, size_t count,
                                     const double *table, prime c)
{
    for (size_t i = m + first; i < m + first + count; i++, x += 4 * t) {
        const twiddle w = same(table[i], c);
        const twiddle w0 = same(table[2 * i], c);
        const twiddle w1 = same(table[2 * i + 1], c);
        vec v[4], next[4];

        inv_pair_first(v, x, t, w0, w1, c);
        for (size_t j = 0; j < t - LANES; j += LANES) {
            inv_pair_first(next, x + j + LANES, t, w0, w1, c);
            inv_pair_second(x + j, t, v, w, c);
            UNROLL
            for (int k = 0; k < 4; k++)
                v[k] = next[k];
        }
        inv_pair_second(x + t - LANES, t, v, w, c);
    }
}

static void inv_sweep(uint64_t *x, size_t t, size_t m, size_t first,
                      size_t count, const double *table, prime c)
{
    if (LANES == 4 && t == 4)           /* one vector: no loop                */
        inv_blocks(x, 4, m, first, count, table, c);
    else
        inv_blocks(x, t, m, first, count, table, c);
}

/* The last layer (log N odd) or two, factor/N included; canonical words out.
 * The products' inputs are at most 2 INV_SUMS = 5.6, so |r| <= 0.85 p. */
static void inv_last(uint64_t *x, uint64_t factor, bool two,
                     const double *table, const cki_ntt *ntt, prime c)
{
    const size_t n = ntt->n;
    const cki_mod *m = &ntt->mod;
    const twiddle scale = twiddle_of(
        constant(cki_mul(ntt->n_inv, factor, m), m), c);
    const twiddle w1 = twiddle_of(
        constant(cki_mul(ntt->n_inv_v, factor, m), m), c);
    const twiddle w2 = same(table[2], c), w3 = same(table[3], c);
    const size_t t = n / 4;

    if (!two) {
        for (size_t j = 0; j < n / 2; j += LANES) {
            vec a = load_lazy(x + j), b = load_lazy(x + j + n / 2);

            store(x + j, lift(product(a + b, scale, c), c));
            store(x + j + n / 2, lift(product(a - b, w1, c), c));
        }
        return;
    }
    for (uint64_t *at = x; at < x + t; at += LANES) {
        vec e = load_lazy(at), f = load_lazy(at + t);
        vec g = load_lazy(at + 2 * t), h = load_lazy(at + 3 * t);

        inv(&e, &f, w2, c);
        inv(&g, &h, w3, c);
        VERIFY_VEC(e, INV_SUMS, c);
        VERIFY_VEC(f, INV_SUMS, c);
        VERIFY_VEC(g, INV_SUMS, c);
        VERIFY_VEC(h, INV_SUMS, c);
        store(at, lift(product(e + g, scale, c), c));
        store(at + t, lift(product(f + h, scale, c), c));
        store(at + 2 * t, lift(product(e - g, w1, c), c));
        store(at + 3 * t, lift(product(f - h, w1, c), c));
    }
}

static void fma_ntt_inv(uint64_t *x, const uint64_t *in, uint64_t w,
                        const cki_ntt *t)
{
    const size_t n = t->n;
    const double *table = (const double *)t->own + n;
    const prime c = prime_of(&t->mod);
    const bool odd = t->log_n % 2 == 1;
    /* where inv_last, or fma_unfold, begins */
    const size_t top = odd ? n / 2 : t->real ? n : n / 4;
    size_t size = top;

    VERIFY_BELOW(in, n, t->mod.p);
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_inv(x, in, w, t);
        return;
    }
    while (size > BLOCK)
        size /= 4;
    for (size_t i = 0; i < n / size; i++) {
        uint64_t *block = x + i * size;

        inv_first(block, in + i * size, n, i * (size / (4 * LANES)),
                  size / (4 * LANES), table, c);
        VERIFY_WITHIN(block, size, INV, c);
        for (size_t s = 16; s <= size; s *= 4) {
            inv_sweep(block, s / 4, n / s, i * (size / s), size / s, table, c);
            VERIFY_WITHIN(block, size, INV, c);
        }
    }
    for (size_t s = 4 * size; s <= top; s *= 4) {
        inv_sweep(x, s / 4, n / s, 0, n / s, table, c);
        VERIFY_WITHIN(x, n, INV, c);
    }
    if (t->real)
        fma_unfold(x, w, t);
    else if (odd)
        inv_last(x, w, false, table, t, c);
    else
        inv_last(x, w, true, table, t, c);
    VERIFY_BELOW(x, n, t->mod.p);
}
