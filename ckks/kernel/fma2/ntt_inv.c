/* ntt_inv.c -- the inverse NTT in pairs of doubles.
 *
 * Read first: ntt.c.
 */
#include "kernel/fma2/ntt.h"

/* The first two layers, of distances 1 and 2; words in, lazy out: `count`
 * groups of four words, numbered from first. */
static void inv_first(uint64_t *x, const uint64_t *in, size_t n, size_t first,
                      size_t count, const double *table, prime c)
{
    for (size_t i = first; i < first + count; i++, x += 4, in += 4) {
        vec a = load(in), b = load(in + 2);
        vec even = firsts(a, b), odd = seconds(a, b);

        inv(&even, &odd, load_doubles(table + n / 2 + 2 * i), c);
        a = firsts(even, odd);
        b = seconds(even, odd);
        inv(&a, &b, both(table[n / 4 + i]), c);
        store_lazy(x, reduce(a, c));
        store_lazy(x + 2, b);
    }
}

static void inv_sweep(uint64_t *x, size_t t, size_t m, size_t first,
                      size_t count, const double *table, prime c)
{
    for (size_t i = 0; i < count; i++) {
        size_t index = m + first + i;
        vec w1 = both(table[index]);
        vec w2 = both(table[2 * index]);
        vec w3 = both(table[2 * index + 1]);
        uint64_t *at = x + 4 * t * i;

        for (size_t j = 0; j < t; j += 2, at += 2) {
            vec e = load_lazy(at), f = load_lazy(at + t);
            vec g = load_lazy(at + 2 * t), h = load_lazy(at + 3 * t);

            inv(&e, &f, w2, c);
            inv(&g, &h, w3, c);
            inv(&e, &g, w1, c);
            inv(&f, &h, w1, c);
            store_lazy(at, reduce(e, c));
            store_lazy(at + t, f);
            store_lazy(at + 2 * t, g);
            store_lazy(at + 3 * t, h);
        }
    }
}

/* The last layer (log N odd) or two, factor/N included; canonical words out.
 * The products' inputs are at most 2 INV_SUMS = 5.6, so |r| <= 0.85 p. */
static void inv_last(uint64_t *x, uint64_t factor, bool two,
                     const double *table, const cki_ntt *ntt, prime c)
{
    const size_t n = ntt->n;
    const cki_mod *m = &ntt->mod;
    const vec scale = constant(cki_mul(ntt->n_inv, factor, m), m);
    const vec w1 = constant(cki_mul(ntt->n_inv_v, factor, m), m);
    const vec w2 = both(table[2]), w3 = both(table[3]);
    const size_t t = n / 4;

    if (!two) {
        for (size_t j = 0; j < n / 2; j += 2) {
            vec a = load_lazy(x + j), b = load_lazy(x + j + n / 2);

            store(x + j, lift(mulmod(a + b, scale, c), c));
            store(x + j + n / 2,
                  lift(mulmod(a - b, w1, c), c));
        }
        return;
    }
    for (uint64_t *at = x; at < x + t; at += 2) {
        vec e = load_lazy(at), f = load_lazy(at + t);
        vec g = load_lazy(at + 2 * t), h = load_lazy(at + 3 * t);

        inv(&e, &f, w2, c);
        inv(&g, &h, w3, c);
        VERIFY_VEC(e, INV_SUMS, c);
        VERIFY_VEC(f, INV_SUMS, c);
        VERIFY_VEC(g, INV_SUMS, c);
        VERIFY_VEC(h, INV_SUMS, c);
        store(at, lift(mulmod(e + g, scale, c), c));
        store(at + t, lift(mulmod(f + h, scale, c), c));
        store(at + 2 * t, lift(mulmod(e - g, w1, c), c));
        store(at + 3 * t, lift(mulmod(f - h, w1, c), c));
    }
}

void cki_fma2_ntt_inv(uint64_t *x, const uint64_t *in, uint64_t w,
                      const cki_ntt *t)
{
    const size_t n = t->n;
    const double *table = (const double *)t->own + n;
    const prime c = prime_of(&t->mod);
    const bool odd = t->log_n % 2 == 1;
    /* where inv_last, or cki_fma2_unfold, begins */
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

        inv_first(block, in + i * size, n, i * (size / 4), size / 4, table, c);
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
        cki_fma2_unfold(x, w, t);
    else if (odd)
        inv_last(x, w, false, table, t, c);
    else
        inv_last(x, w, true, table, t, c);
    VERIFY_BELOW(x, n, t->mod.p);
}
