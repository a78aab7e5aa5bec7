/* ntt_inv.c -- the inverse NTT in doubles.
 *
 * Read first: ntt.c.
 */
#include "kernel/avx2/ntt.h"

/* The first two layers, within vectors; words in, lazy out: blocks of 16 words,
 * numbered from first. */
static void inv_first(uint64_t *x, const uint64_t *in, size_t n, size_t first,
                      size_t count, const double *table, prime c)
{
    for (size_t i = first; i < first + count; i++, x += 16, in += 16) {
        const double *w4 = table + n / 4 + 4 * i, *w5 = table + n / 2 + 8 * i;
        vec a = load(in), b = load(in + 4), d = load(in + 8), e = load(in + 12);
        vec w = _mm256_loadu_pd(w4);

        transpose(&a, &b, &d, &e);
        inv(&a, &b, _mm256_loadu_pd(w5), c);
        inv(&d, &e, _mm256_loadu_pd(w5 + 4), c);
        inv(&a, &d, w, c);
        inv(&b, &e, w, c);
        a = reduce(a, c);
        transpose(&a, &b, &d, &e);
        store_lazy(x, a);
        store_lazy(x + 4, b);
        store_lazy(x + 8, d);
        store_lazy(x + 12, e);
    }
}

/* Two layers on the vectors of such blocks. */
static void inv_vectors(uint64_t *x, size_t n, size_t first, size_t count,
                        const double *table, prime c)
{
    for (size_t i = first; i < first + count; i++, x += 16) {
        vec a = load_lazy(x), b = load_lazy(x + 4);
        vec d = load_lazy(x + 8), e = load_lazy(x + 12);
        vec w = _mm256_set1_pd(table[n / 16 + i]);

        inv(&a, &b, _mm256_set1_pd(table[n / 8 + 2 * i]), c);
        inv(&d, &e, _mm256_set1_pd(table[n / 8 + 2 * i + 1]), c);
        inv(&a, &d, w, c);
        inv(&b, &e, w, c);
        store_lazy(x, reduce(a, c));
        store_lazy(x + 4, b);
        store_lazy(x + 8, d);
        store_lazy(x + 12, e);
    }
}

static void inv_sweep(uint64_t *x, size_t t, size_t m, size_t first,
                      size_t count, const double *table, prime c)
{
    for (size_t i = 0; i < count; i++) {
        size_t index = m + first + i;
        vec w1 = _mm256_set1_pd(table[index]);
        vec w2 = _mm256_set1_pd(table[2 * index]);
        vec w3 = _mm256_set1_pd(table[2 * index + 1]);
        uint64_t *at = x + 4 * t * i;

        for (size_t j = 0; j < t; j += 4, at += 4) {
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
    const vec w2 = _mm256_set1_pd(table[2]), w3 = _mm256_set1_pd(table[3]);
    const size_t t = n / 4;

    if (!two) {
        for (size_t j = 0; j < n / 2; j += 4) {
            vec a = load_lazy(x + j), b = load_lazy(x + j + n / 2);

            store(x + j, lift(mulmod(_mm256_add_pd(a, b), scale, c), c));
            store(x + j + n / 2,
                  lift(mulmod(_mm256_sub_pd(a, b), w1, c), c));
        }
        return;
    }
    for (uint64_t *at = x; at < x + t; at += 4) {
        vec e = load_lazy(at), f = load_lazy(at + t);
        vec g = load_lazy(at + 2 * t), h = load_lazy(at + 3 * t);

        inv(&e, &f, w2, c);
        inv(&g, &h, w3, c);
        VERIFY_VEC(e, INV_SUMS, c);
        VERIFY_VEC(f, INV_SUMS, c);
        VERIFY_VEC(g, INV_SUMS, c);
        VERIFY_VEC(h, INV_SUMS, c);
        store(at, lift(mulmod(_mm256_add_pd(e, g), scale, c), c));
        store(at + t, lift(mulmod(_mm256_add_pd(f, h), scale, c), c));
        store(at + 2 * t, lift(mulmod(_mm256_sub_pd(e, g), w1, c), c));
        store(at + 3 * t, lift(mulmod(_mm256_sub_pd(f, h), w1, c), c));
    }
}

void cki_avx2_ntt_inv(uint64_t *x, const uint64_t *in, uint64_t w,
                      const cki_ntt *t)
{
    const size_t n = t->n;
    const double *table = (const double *)t->own + n;
    const prime c = prime_of(&t->mod);
    const bool odd = t->log_n % 2 == 1;
    /* where inv_last, or cki_avx2_unfold, begins */
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

        inv_first(block, in + i * size, n, i * (size / 16), size / 16, table,
                  c);
        VERIFY_WITHIN(block, size, INV, c);
        inv_vectors(block, n, i * (size / 16), size / 16, table, c);
        VERIFY_WITHIN(block, size, INV, c);
        for (size_t s = 64; s <= size; s *= 4) {
            inv_sweep(block, s / 4, n / s, i * (size / s), size / s, table, c);
            VERIFY_WITHIN(block, size, INV, c);
        }
    }
    for (size_t s = 4 * size; s <= top; s *= 4) {
        inv_sweep(x, s / 4, n / s, 0, n / s, table, c);
        VERIFY_WITHIN(x, n, INV, c);
    }
    if (t->real)
        cki_avx2_unfold(x, w, t);
    else if (odd)
        inv_last(x, w, false, table, t, c);
    else
        inv_last(x, w, true, table, t, c);
    VERIFY_BELOW(x, n, t->mod.p);
}
