/* avx2.c -- layer 2: the kernel in doubles with fused multiply-add, p < 2^49.
 *
 * Read first: docs/10-kernels.md.  Residues are doubles holding whole numbers;
 * a product modulo p is five operations and exact:
 *
 * Lemma F.  p odd, p < 2^49, pinv = RN(1/p), M = 1.5 * 2^52; a, w whole,
 * |a w| <= 2^51 p.  Let h = RN(a w), l = fma(a, w, -h),
 * q = fma(h, pinv, M) - M, r = fma(-q, p, h) + l.  Then r = a w - q p exactly
 * and |r| <= p (1/2 + |a w / p| 2^-52).
 *
 *   Proof.  l is exact: the error of a product of doubles is a double when
 *   nothing underflows.  h pinv = (a w / p)(1 + e) with |e| <= 2^-52 + 2^-106,
 *   so it is off by at most |a w / p| 2^-52 (+ a negligible term); M plus a
 *   number of at most 2^51 lies in [2^52, 2^53] where doubles are whole, so
 *   the fma rounds once, to the nearest whole number: |q - a w / p| <= 1/2 +
 *   |a w / p| 2^-52.  Hence |a w - q p| <= p (1/2 + ...) <= p < 2^49.  h - q p
 *   is whole and at most 2^49 + |l|, |l| <= 2^47, so both the fma and the last
 *   sum are exact.
 *
 * With |w| <= p/2 (twiddles are stored balanced) and |a| <= A p this reads:
 * A p <= 2^52, |r| <= p (1/2 + A p 2^-53) <= p (1/2 + A/16).  Ranges are
 * written B: "B = 2.8" means |x| <= 2.8 p.  The limit is A = 8.
 */
#include <immintrin.h>
#include <string.h>

#include "kernel.h"
#include "portable.h"

typedef __m256d vec;

#define MAGIC 0x1.8p52
#define TWO52 0x1p52

/* The constants of one prime. */
typedef struct prime {
    vec p, inv, magic;
} prime;

static inline prime prime_of(const cki_mod *m)
{
    prime c = { _mm256_set1_pd((double)m->p), _mm256_set1_pd(m->inv),
                _mm256_set1_pd(MAGIC) };

    return c;
}

/* A word of [0, 2^52) as a double and back: the bits of 2^52 + x are those of
 * 2^52 with x in the low 52. */
static inline vec load(const uint64_t *x)
{
    __m256i two52 = _mm256_castpd_si256(_mm256_set1_pd(TWO52));
    __m256i u = _mm256_loadu_si256((const __m256i *)(const void *)x);

    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(u, two52)),
                         _mm256_set1_pd(TWO52));
}

static inline void store(uint64_t *x, vec v)
{
    __m256i two52 = _mm256_castpd_si256(_mm256_set1_pd(TWO52));
    __m256i u = _mm256_castpd_si256(_mm256_add_pd(v, _mm256_set1_pd(TWO52)));

    _mm256_storeu_si256((__m256i *)(void *)x, _mm256_xor_si256(u, two52));
}

/* Doubles kept in the memory of words, within one transform. */
static inline vec load_lazy(const uint64_t *x)
{
    return _mm256_castsi256_pd(
        _mm256_loadu_si256((const __m256i *)(const void *)x));
}

static inline void store_lazy(uint64_t *x, vec v)
{
    _mm256_storeu_si256((__m256i *)(void *)x, _mm256_castpd_si256(v));
}

/* The nearest whole number, |x| <= 2^51. */
static inline vec nearest(vec x, vec y, prime c)
{
    return _mm256_sub_pd(_mm256_fmadd_pd(x, y, c.magic), c.magic);
}

/* a w mod p by Lemma F. */
static inline vec mulmod(vec a, vec w, prime c)
{
    vec h = _mm256_mul_pd(a, w), l = _mm256_fmsub_pd(a, w, h);
    vec q = nearest(h, c.inv, c);

    return _mm256_add_pd(_mm256_fnmadd_pd(q, c.p, h), l);
}

/* x mod p with |out| <= p (1/2 + |x / p| 2^-52); |x| < 2^53, |x/p| <= 2^51. */
static inline vec reduce(vec x, prime c)
{
    return _mm256_fnmadd_pd(nearest(x, c.inv, c), c.p, x);
}

/* (-p, p) -> [0, p) */
static inline vec lift(vec x, prime c)
{
    vec negative = _mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_LT_OQ);

    return _mm256_add_pd(x, _mm256_and_pd(negative, c.p));
}

/* [0, 2p) -> [0, p) */
static inline vec fold(vec x, prime c)
{
    vec large = _mm256_cmp_pd(x, c.p, _CMP_GE_OQ);

    return _mm256_sub_pd(x, _mm256_and_pd(large, c.p));
}

static double balanced(uint64_t w, uint64_t p)
{
    return w > p / 2 ? -(double)(p - w) : (double)w;
}

static inline vec constant(uint64_t w, const cki_mod *m)
{
    return _mm256_set1_pd(balanced(w, m->p));
}

/* ---- NTT: tables ------------------------------------------------------------------ */

enum {
    SMALL_LOG = 5,              /* rings up to 2^5 go to the portable code   */
    BLOCK = 4096                /* words that stay in the first-level cache  */
};

/* own: N doubles forward, N inverse, both balanced, index as in portable.c;
 * the last N/2 (layer of pairs) in groups of eight as four even, four odd;
 * then 1/N and psi^-br(1)/N. */
static size_t ntt_bytes(size_t n)
{
    return n <= (size_t)1 << SMALL_LOG ? cki_portable_ntt_bytes(n)
                                       : (2 * n + 8) * sizeof(double);
}

static void table_fill(double *w, const uint64_t *root, size_t n, uint64_t p)
{
    for (size_t i = 0; i < n / 2; i++)
        w[i] = balanced(root[i], p);
    for (size_t i = n / 2; i < n; i += 8)
        for (size_t j = 0; j < 8; j++)
            w[i + j % 2 * 4 + j / 2] = balanced(root[i + j], p);
}

static void ntt_prepare(cki_ntt *t, const uint64_t *root,
                        const uint64_t *inverse)
{
    const size_t n = t->n;
    double *w = t->own;
    uint64_t n_inv;

    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_prepare(t, root, inverse);
        return;
    }
    table_fill(w, root, n, t->mod.p);
    table_fill(w + n, inverse, n, t->mod.p);
    n_inv = cki_inv(n % t->mod.p, &t->mod);
    w[2 * n] = balanced(n_inv, t->mod.p);
    w[2 * n + 1] = balanced(cki_mul(n_inv, inverse[1], &t->mod), t->mod.p);
}

/* ---- NTT: forward ------------------------------------------------------------------
 *
 * (x, y) -> (x + w y, x - w y).  From B before a layer to B + 1/2 + B/16
 * after: 1, 1.57, 2.17, 2.80, 3.48, 4.19, 4.96, 5.77, 6.63, 7.54, 8.5.  So ten
 * layers can follow each other before the input of a product leaves B = 8.
 * Reducing the x of a layer (its y reduces itself, to at most 1) starts the
 * count again. */

static inline void fwd(vec *x, vec *y, vec w, prime c)
{
    vec r = mulmod(*y, w, c), u = *x;

    *x = _mm256_add_pd(u, r);
    *y = _mm256_sub_pd(u, r);
}

enum { MAX_LAYERS = 10 };

/* One layer over everything; converts words. */
static void fwd_first(uint64_t *x, size_t n, const double *table, prime c)
{
    vec w = _mm256_set1_pd(table[1]);

    for (size_t j = 0; j < n / 2; j += 4) {
        vec a = load(x + j), b = load(x + j + n / 2);

        fwd(&a, &b, w, c);
        store_lazy(x + j, a);
        store_lazy(x + j + n / 2, b);
    }
}

/* Two layers on one block of 4t words; table index m + i of the block. */
static inline void fwd_block(uint64_t *x, size_t t, const double *table,
                             size_t index, bool words, bool reduced, prime c)
{
    vec w1 = _mm256_set1_pd(table[index]);
    vec w2 = _mm256_set1_pd(table[2 * index]);
    vec w3 = _mm256_set1_pd(table[2 * index + 1]);

    for (size_t j = 0; j < t; j += 4) {
        uint64_t *at = x + j;
        vec e = words ? load(at) : load_lazy(at);
        vec f = words ? load(at + t) : load_lazy(at + t);
        vec g = words ? load(at + 2 * t) : load_lazy(at + 2 * t);
        vec h = words ? load(at + 3 * t) : load_lazy(at + 3 * t);

        if (reduced) {
            e = reduce(e, c);
            f = reduce(f, c);
        }
        fwd(&e, &g, w1, c);
        fwd(&f, &h, w1, c);
        fwd(&e, &f, w2, c);
        fwd(&g, &h, w3, c);
        store_lazy(at, e);
        store_lazy(at + t, f);
        store_lazy(at + 2 * t, g);
        store_lazy(at + 3 * t, h);
    }
}

/* Two layers on the blocks [first, first + count) of 4t words each, m = number
 * of blocks of the whole transform. */
static void fwd_sweep(uint64_t *x, size_t t, size_t m, size_t first,
                      size_t count, bool words, bool reduced,
                      const double *table, prime c)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t *at = x + 4 * t * i;

        if (words)
            fwd_block(at, t, table, m + first + i, true, false, c);
        else if (reduced)
            fwd_block(at, t, table, m + first + i, false, true, c);
        else
            fwd_block(at, t, table, m + first + i, false, false, c);
    }
}

static inline void transpose(vec *a, vec *b, vec *c, vec *d)
{
    vec ab0 = _mm256_unpacklo_pd(*a, *b), ab1 = _mm256_unpackhi_pd(*a, *b);
    vec cd0 = _mm256_unpacklo_pd(*c, *d), cd1 = _mm256_unpackhi_pd(*c, *d);

    *a = _mm256_permute2f128_pd(ab0, cd0, 0x20);
    *b = _mm256_permute2f128_pd(ab1, cd1, 0x20);
    *c = _mm256_permute2f128_pd(ab0, cd0, 0x31);
    *d = _mm256_permute2f128_pd(ab1, cd1, 0x31);
}

/* The last four layers, on blocks of 16 words numbered from first: two layers
 * on whole vectors, two after a transposition; canonical words out. */
static void fwd_last(uint64_t *x, size_t n, size_t first, size_t count,
                     const double *table, prime c)
{
    for (size_t i = first; i < first + count; i++, x += 16) {
        const double *w4 = table + n / 4 + 4 * i, *w5 = table + n / 2 + 8 * i;
        vec a = load_lazy(x), b = load_lazy(x + 4);
        vec d = load_lazy(x + 8), e = load_lazy(x + 12);
        vec w1 = _mm256_set1_pd(table[n / 16 + i]);
        vec w;

        fwd(&a, &d, w1, c);
        fwd(&b, &e, w1, c);
        fwd(&a, &b, _mm256_set1_pd(table[n / 8 + 2 * i]), c);
        fwd(&d, &e, _mm256_set1_pd(table[n / 8 + 2 * i + 1]), c);
        transpose(&a, &b, &d, &e);
        w = _mm256_loadu_pd(w4);
        fwd(&a, &d, w, c);
        fwd(&b, &e, w, c);
        fwd(&a, &b, _mm256_loadu_pd(w5), c);
        fwd(&d, &e, _mm256_loadu_pd(w5 + 4), c);
        a = lift(reduce(a, c), c);
        b = lift(reduce(b, c), c);
        d = lift(reduce(d, c), c);
        e = lift(reduce(e, c), c);
        transpose(&a, &b, &d, &e);
        store(x, a);
        store(x + 4, b);
        store(x + 8, d);
        store(x + 12, e);
    }
}

/* The sweeps of one block of `size` words that starts the layer of m blocks. */
static void fwd_rest(uint64_t *x, size_t n, size_t size, size_t index,
                     int layers, bool words, const double *table, prime c)
{
    size_t count = 1, m = n / size;

    for (size_t t = size / 4; t >= 16; t /= 4, count *= 4, m *= 4) {
        int ahead = t == 16 ? 2 + 4 : 2;    /* fwd_last follows at once      */
        bool reduced = layers + ahead > MAX_LAYERS;

        fwd_sweep(x, t, m, index * count, count, words, reduced, table, c);
        layers = reduced ? 2 : layers + 2;
        words = false;
    }
    VERIFY(layers + 4 <= MAX_LAYERS);
    fwd_last(x, n, index * (size / 16), size / 16, table, c);
}

static void ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    const double *table = t->own;
    const size_t n = t->n;
    const prime c = prime_of(&t->mod);
    size_t size = n;
    int layers = 0;
    bool words = true;

    VERIFY_BELOW(x, n, t->mod.p);
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_fwd(x, t);
        return;
    }
    if (t->log_n % 2 == 1) {
        fwd_first(x, n, table, c);
        size /= 2;
        layers = 1;
        words = false;
    }
    for (; size > BLOCK; size /= 4, layers += 2, words = false)
        fwd_sweep(x, size / 4, n / size, 0, n / size, words, false, table, c);
    for (size_t i = 0; i < n / size; i++)
        fwd_rest(x + i * size, n, size, i, layers, words, table, c);
    VERIFY_BELOW(x, n, t->mod.p);
}

/* ---- NTT: inverse ---------------------------------------------------------------------
 *
 * (x, y) -> (x + y, w (x - y)).  Two layers from B: sums 4B, reduced to at
 * most 1/2 + B/4 2^-3...; f' = 2 (1/2 + B/8) = 1 + B/4; others at most
 * 1/2 + B/4.  B = 1.4 is kept: 1 + 0.35 = 1.35.  Products see at most
 * 4 B = 5.6 < 8. */

static inline void inv(vec *x, vec *y, vec w, prime c)
{
    vec u = *x, v = *y;

    *x = _mm256_add_pd(u, v);
    *y = mulmod(_mm256_sub_pd(u, v), w, c);
}

/* The first four layers on blocks of 16 words; words in, lazy out. */
static void inv_first(uint64_t *x, size_t n, size_t first, size_t count,
                      const double *table, prime c)
{
    for (size_t i = first; i < first + count; i++, x += 16) {
        const double *w4 = table + n / 4 + 4 * i, *w5 = table + n / 2 + 8 * i;
        vec a = load(x), b = load(x + 4), d = load(x + 8), e = load(x + 12);
        vec w;

        transpose(&a, &b, &d, &e);
        inv(&a, &b, _mm256_loadu_pd(w5), c);
        inv(&d, &e, _mm256_loadu_pd(w5 + 4), c);
        w = _mm256_loadu_pd(w4);
        inv(&a, &d, w, c);
        inv(&b, &e, w, c);
        a = reduce(a, c);
        transpose(&a, &b, &d, &e);
        inv(&a, &b, _mm256_set1_pd(table[n / 8 + 2 * i]), c);
        inv(&d, &e, _mm256_set1_pd(table[n / 8 + 2 * i + 1]), c);
        w = _mm256_set1_pd(table[n / 16 + i]);
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

/* The last layer (log N odd) or two, 1/N included; canonical words out.  The
 * products' inputs are at most 4B = 5.6, so |r| <= 0.85 p. */
static void inv_last(uint64_t *x, size_t n, bool two, const double *table,
                     prime c)
{
    const vec scale = _mm256_set1_pd(table[n]);         /* behind the table  */
    const vec w1 = _mm256_set1_pd(table[n + 1]);
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
        store(at, lift(mulmod(_mm256_add_pd(e, g), scale, c), c));
        store(at + t, lift(mulmod(_mm256_add_pd(f, h), scale, c), c));
        store(at + 2 * t, lift(mulmod(_mm256_sub_pd(e, g), w1, c), c));
        store(at + 3 * t, lift(mulmod(_mm256_sub_pd(f, h), w1, c), c));
    }
}

static void ntt_inv(uint64_t *x, const cki_ntt *t)
{
    const size_t n = t->n;
    const double *table = (const double *)t->own + n;
    const prime c = prime_of(&t->mod);
    const bool odd = t->log_n % 2 == 1;
    const size_t top = odd ? n / 2 : n / 4;     /* where the last layers begin */
    size_t size = top;

    VERIFY_BELOW(x, n, t->mod.p);
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_inv(x, t);
        return;
    }
    while (size > BLOCK)
        size /= 4;
    for (size_t i = 0; i < n / size; i++) {
        uint64_t *block = x + i * size;

        inv_first(block, n, i * (size / 16), size / 16, table, c);
        for (size_t s = 64; s <= size; s *= 4)
            inv_sweep(block, s / 4, n / s, i * (size / s), size / s, table, c);
    }
    for (size_t s = 4 * size; s <= top; s *= 4)
        inv_sweep(x, s / 4, n / s, 0, n / s, table, c);
    inv_last(x, n, !odd, table, c);
    VERIFY_BELOW(x, n, t->mod.p);
}

/* ---- pointwise ------------------------------------------------------------------------
 *
 * Four words at a time; what is left of n goes through a padded copy. */

typedef struct tail {
    uint64_t a[4], b[4], c[4];
} tail;

#define POINTWISE(NAME, BODY)                                             \
    static inline void NAME##_four(uint64_t *out, const uint64_t *a,      \
                                   const uint64_t *b, const uint64_t *c,  \
                                   vec w, prime k)                        \
    {                                                                     \
        BODY                                                              \
    }                                                                     \
    static void NAME##_all(uint64_t *out, const uint64_t *a,              \
                           const uint64_t *b, const uint64_t *c, vec w,   \
                           size_t n, const cki_mod *m)                    \
    {                                                                     \
        const prime k = prime_of(m);                                      \
        size_t i = 0, rest = n % 4 * sizeof *a;                           \
        for (; i + 4 <= n; i += 4)                                        \
            NAME##_four(out + i, a + i, b + i, c + i, w, k);              \
        if (rest > 0) {                                                   \
            tail t = { { 0 }, { 0 }, { 0 } };                             \
            memcpy(t.a, a + i, rest);                                     \
            memcpy(t.b, b + i, rest);                                     \
            memcpy(t.c, c + i, rest);                                     \
            NAME##_four(t.a, t.a, t.b, t.c, w, k);                        \
            memcpy(out + i, t.a, rest);                                   \
        }                                                                 \
    }

POINTWISE(add, {
    (void)c;
    (void)w;
    store(out, fold(_mm256_add_pd(load(a), load(b)), k));
})
POINTWISE(sub, {
    (void)c;
    (void)w;
    store(out, lift(_mm256_sub_pd(load(a), load(b)), k));
})
/* |a b / p| < p < 2^49, so |r| <= 0.63 p by Lemma F. */
POINTWISE(mul, {
    (void)c;
    (void)w;
    store(out, lift(mulmod(load(a), load(b), k), k));
})
POINTWISE(mul_add, {
    vec r = lift(mulmod(load(a), load(b), k), k);

    (void)w;
    store(out, fold(_mm256_add_pd(r, load(c)), k));
})
POINTWISE(scale, {
    (void)b;
    (void)c;
    store(out, lift(mulmod(load(a), w, k), k));
})
POINTWISE(scale_add, {
    vec r = lift(mulmod(load(a), w, k), k);

    (void)b;
    store(out, fold(_mm256_add_pd(r, load(c)), k));
})
POINTWISE(sub_scale, {
    (void)c;
    store(out, lift(mulmod(_mm256_sub_pd(load(a), load(b)), w, k), k));
})

static void add(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m)
{
    add_all(out, a, b, a, _mm256_setzero_pd(), n, m);
}

static void sub(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m)
{
    sub_all(out, a, b, a, _mm256_setzero_pd(), n, m);
}

static void mul(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m)
{
    mul_all(out, a, b, a, _mm256_setzero_pd(), n, m);
}

static void mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    const uint64_t *c, size_t n, const cki_mod *m)
{
    mul_add_all(out, a, b, c, _mm256_setzero_pd(), n, m);
}

static void scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                      const uint64_t *c, size_t n, const cki_mod *m)
{
    if (c == NULL)
        scale_all(out, a, a, a, constant(w, m), n, m);
    else
        scale_add_all(out, a, a, c, constant(w, m), n, m);
}

static void sub_scale(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      uint64_t w, size_t n, const cki_mod *m)
{
    sub_scale_all(out, a, b, a, constant(w, m), n, m);
}

/* ---- sums of products -------------------------------------------------------------------
 *
 * Lemma D.  high starts at C = 1.5 * 2^101, where doubles have an ulp of 2^49.
 * For each term: next = fma(a, b, high); d = next - high; low += fma(a, b, -d).
 * If the sum of |a b| is at most 2^100 and there are at most 8 terms, then
 * (high - C) + low is the sum of the a b exactly, |low| <= 8 * 2^48.
 *
 *   Proof.  high stays within 2^100 of C, so in [2^101, 2^102], with ulp 2^49:
 *   next and high are multiples of 2^49, d is one too and |a b - d| <= 2^48
 *   (half an ulp), a whole number: a b - d is exact, and sums of eight are.
 *
 * The end: H = high - C, q = nearest(H / p), r = fma(-q, p, H) + low.  |H / p|
 * <= 2^51 is needed for q; then |r| <= p (1/2 + 2^-1) + 2^51 < 2^52, exact, and
 * reduce and lift finish.  For a, b in [0, p): four terms (4 p < 2^51).  For
 * a < 2^49 and |b| <= p/2: eight. */

#define HIGH 0x1.8p101

static inline void dot_term(vec *high, vec *low, vec a, vec b)
{
    vec next = _mm256_fmadd_pd(a, b, *high);
    vec d = _mm256_sub_pd(next, *high);

    *low = _mm256_add_pd(*low, _mm256_fmsub_pd(a, b, d));
    *high = next;
}

/* The sum modulo p, |out| <= p (1/2 + 2^-1). */
static inline vec dot_end(vec high, vec low, prime c)
{
    vec h = _mm256_sub_pd(high, _mm256_set1_pd(HIGH));
    vec r = _mm256_fnmadd_pd(nearest(h, c.inv, c), c.p, h);

    return reduce(_mm256_add_pd(r, low), c);
}

/* Up to four terms, added to out if add_to. */
static void dot2_few(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                     const uint64_t *const *y0, const uint64_t *const *y1,
                     int k, bool add_to, size_t n, prime c)
{
    for (size_t i = 0; i < n; i += 4) {
        vec high0 = _mm256_set1_pd(HIGH), high1 = high0;
        vec low0 = _mm256_setzero_pd(), low1 = low0;

        for (int j = 0; j < k; j++) {
            vec a = load(x[j] + i);

            dot_term(&high0, &low0, a, load(y0[j] + i));
            dot_term(&high1, &low1, a, load(y1[j] + i));
        }
        low0 = lift(dot_end(high0, low0, c), c);
        low1 = lift(dot_end(high1, low1, c), c);
        if (add_to) {
            low0 = fold(_mm256_add_pd(low0, load(out0 + i)), c);
            low1 = fold(_mm256_add_pd(low1, load(out1 + i)), c);
        }
        store(out0 + i, low0);
        store(out1 + i, low1);
    }
}

static void dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                 const uint64_t *const *y0, const uint64_t *const *y1, int k,
                 bool add_to, size_t n, const cki_mod *m)
{
    const prime c = prime_of(m);

    for (int j = 0; j < k; j += 4)
        dot2_few(out0, out1, x + j, y0 + j, y1 + j, k - j < 4 ? k - j : 4,
                 add_to || j > 0, n, c);
}

enum { TILE = 64, CHUNK = 8 };

/* y (len, TILE) and v (TILE) as doubles for the columns from at on. */
static void conv_tile(double (*y)[TILE], double *v,
                      const uint64_t *const *in, const cki_conv *k,
                      bool centred, size_t at, size_t count)
{
    const vec half = _mm256_set1_pd(centred ? 0.5 : 0.0);

    for (int i = 0; i < k->len; i++) {
        const cki_mod *q = &k->mod[k->src[i]];
        const prime c = prime_of(q);
        const vec w = constant(k->inv[i], q);
        const vec frac = _mm256_set1_pd(k->frac[i]);

        for (size_t j = 0; j < count; j += 4) {
            vec r = lift(mulmod(load(in[i] + at + j), w, c), c);
            vec f = _mm256_mul_pd(r, frac);

            _mm256_storeu_pd(y[i] + j, r);
            if (i > 0)
                f = _mm256_add_pd(_mm256_loadu_pd(v + j), f);
            _mm256_storeu_pd(v + j, f);
        }
    }
    if (k->len == 1) {
        double bound = (double)((k->mod[k->src[0]].p - 1) / 2);

        for (size_t j = 0; j < count; j++)
            v[j] = centred && y[0][j] > bound;
        return;
    }
    for (size_t j = 0; j < count; j += 4)       /* the half comes last       */
        _mm256_storeu_pd(v + j, _mm256_floor_pd(
            _mm256_add_pd(_mm256_loadu_pd(v + j), half)));
}

/* One target: out = sum of b[i] y[i] + b[len] v, b balanced. */
static void conv_out(uint64_t *out, double (*y)[TILE], const double *v,
                     const double *b, int len, size_t count, prime c)
{
    for (size_t j = 0; j < count; j += 8) {
        vec total0 = _mm256_setzero_pd(), total1 = total0;

        for (int at = 0; at <= len; at += CHUNK) {
            int end = at + CHUNK <= len + 1 ? at + CHUNK : len + 1;
            vec high0 = _mm256_set1_pd(HIGH), high1 = high0;
            vec low0 = _mm256_setzero_pd(), low1 = low0;

            for (int i = at; i < end; i++) {
                const double *row = i < len ? y[i] : v;
                vec w = _mm256_set1_pd(b[i]);

                dot_term(&high0, &low0, _mm256_loadu_pd(row + j), w);
                dot_term(&high1, &low1, _mm256_loadu_pd(row + j + 4), w);
            }
            /* at most 13 chunks of at most p each */
            total0 = _mm256_add_pd(total0, dot_end(high0, low0, c));
            total1 = _mm256_add_pd(total1, dot_end(high1, low1, c));
        }
        store(out + j, lift(reduce(total0, c), c));
        store(out + j + 4, lift(reduce(total1, c), c));
    }
}

static void convert_tile(uint64_t *const *out, const int *target,
                         int num_targets, const uint64_t *const *in,
                         const cki_conv *k, bool centred, size_t at,
                         size_t count)
{
    double y[CKKS_MAX_PRIMES][TILE], v[TILE], b[CKKS_MAX_PRIMES + 1];

    conv_tile(y, v, in, k, centred, at, count);
    for (int t = 0; t < num_targets; t++) {
        const cki_mod *m = &k->mod[target[t]];
        const uint64_t *hat = k->hat + (size_t)target[t] * (size_t)k->len;

        for (int i = 0; i < k->len; i++)
            b[i] = balanced(hat[i], m->p);
        b[k->len] = balanced(cki_neg(k->prod[target[t]], m->p), m->p);
        conv_out(out[t] + at, y, v, b, k->len, count, prime_of(m));
    }
}

static void convert(uint64_t *const *out, const int *target, int num_targets,
                    const uint64_t *const *in, const cki_conv *k,
                    bool centred, size_t n)
{
    if (n % 8 != 0) {
        cki_kernel_portable.convert(out, target, num_targets, in, k, centred,
                                    n);
        return;
    }
    for (size_t at = 0; at < n; at += TILE)
        convert_tile(out, target, num_targets, in, k, centred, at,
                     n - at < TILE ? n - at : TILE);
}

/* ---- automorphisms: a group of four comes from one group of four ------------------------ */

static inline __m256i permuted(const uint64_t *in, const uint32_t *perm)
{
    const __m128i low = _mm_set1_epi32(3);
    __m128i index = _mm_loadu_si128((const __m128i *)(const void *)perm);
    __m256i x = _mm256_loadu_si256(
        (const __m256i *)(const void *)(in + (perm[0] & ~(uint32_t)3)));
    /* word k of the group is the pair (2k, 2k + 1) of 32-bit lanes */
    __m256i k = _mm256_slli_epi64(
        _mm256_cvtepu32_epi64(_mm_and_si128(index, low)), 1);
    __m256i odd = _mm256_add_epi64(k, _mm256_set1_epi64x(1));

    return _mm256_permutevar8x32_epi32(
        x, _mm256_or_si256(k, _mm256_slli_epi64(odd, 32)));
}

static void permute(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                    size_t n)
{
    for (size_t i = 0; i < n; i += 4)
        _mm256_storeu_si256((__m256i *)(void *)(out + i),
                            permuted(in, perm + i));
}

static void add_permuted(uint64_t *out, const uint64_t *in,
                         const uint32_t *perm, size_t n, const cki_mod *m)
{
    const __m256i p = _mm256_set1_epi64x((int64_t)m->p);

    for (size_t i = 0; i < n; i += 4) {
        __m256i *to = (__m256i *)(void *)(out + i);
        __m256i sum = _mm256_add_epi64(_mm256_loadu_si256(to),
                                       permuted(in, perm + i));
        __m256i below = _mm256_cmpgt_epi64(p, sum);

        _mm256_storeu_si256(to, _mm256_sub_epi64(
            sum, _mm256_andnot_si256(below, p)));
    }
}

/* ---- the integer combination ---------------------------------------------------------------
 *
 * A word x < 2^49 is cut into x = h 2^25 + l, both held as doubles.  With row
 * sums of |weight| below 2^28 both sums stay below 2^53: exact.  Inputs are
 * packed a tile of 16 columns at a time as (row, {l, h}, 16). */

enum { COLUMNS = 16, ROWS = 4 };

static size_t weights_of(const ckks_block *block, size_t n_blocks)
{
    size_t sum = 0;

    for (size_t b = 0; b < n_blocks; b++)
        sum += (block[b].rows + ROWS - 1) / ROWS * ROWS * block[b].terms;
    return sum;
}

static size_t combine_work(size_t n_in, const ckks_block *block,
                           size_t n_blocks)
{
    return (n_in * 2 * COLUMNS + weights_of(block, n_blocks))
           * sizeof(double);
}

/* Weights as doubles, (group of four rows, term, row); missing rows are 0. */
static void pack_weights(double *to, const ckks_block *block, size_t n_blocks)
{
    for (size_t b = 0; b < n_blocks; b++)
        for (size_t r = 0; r < block[b].rows; r += ROWS)
            for (size_t k = 0; k < block[b].terms; k++)
                for (size_t s = r; s < r + ROWS; s++)
                    *to++ = s < block[b].rows
                                ? block[b].weight[s * block[b].terms + k] : 0;
}

static void pack_tile(double *to, const uint64_t *const *in, size_t n_in,
                      size_t at)
{
    const __m256i mask = _mm256_set1_epi64x((1 << 25) - 1);
    const __m256i two52 = _mm256_castpd_si256(_mm256_set1_pd(TWO52));
    const vec base = _mm256_set1_pd(TWO52);

    for (size_t j = 0; j < n_in; j++, to += 2 * COLUMNS)
        for (size_t i = 0; i < COLUMNS; i += 4) {
            __m256i x = _mm256_loadu_si256(
                (const __m256i *)(const void *)(in[j] + at + i));
            __m256i l = _mm256_or_si256(_mm256_and_si256(x, mask), two52);
            __m256i h = _mm256_or_si256(_mm256_srli_epi64(x, 25), two52);

            _mm256_storeu_pd(to + i,
                             _mm256_sub_pd(_mm256_castsi256_pd(l), base));
            _mm256_storeu_pd(to + COLUMNS + i,
                             _mm256_sub_pd(_mm256_castsi256_pd(h), base));
        }
}

/* low + high 2^25 modulo p; shift = 2^25 mod p, balanced. */
static inline vec combine_end(vec low, vec high, vec shift, prime c)
{
    vec h = mulmod(reduce(high, c), shift, c);

    return lift(reduce(_mm256_add_pd(reduce(low, c), h), c), c);
}

/* Four rows, four columns. */
static inline void combine_four(uint64_t *const *out, size_t rows,
                                const double *tile, const double *weight,
                                const int32_t *index, size_t terms, vec shift,
                                size_t at, prime c)
{
    vec l0 = _mm256_setzero_pd(), l1 = l0, l2 = l0, l3 = l0;
    vec h0 = l0, h1 = l0, h2 = l0, h3 = l0;

    for (size_t k = 0; k < terms; k++, weight += ROWS) {
        const double *x = tile + (size_t)index[k] * 2 * COLUMNS;
        vec l = _mm256_loadu_pd(x), h = _mm256_loadu_pd(x + COLUMNS);
        vec w = _mm256_broadcast_sd(weight);

        l0 = _mm256_fmadd_pd(w, l, l0);
        h0 = _mm256_fmadd_pd(w, h, h0);
        w = _mm256_broadcast_sd(weight + 1);
        l1 = _mm256_fmadd_pd(w, l, l1);
        h1 = _mm256_fmadd_pd(w, h, h1);
        w = _mm256_broadcast_sd(weight + 2);
        l2 = _mm256_fmadd_pd(w, l, l2);
        h2 = _mm256_fmadd_pd(w, h, h2);
        w = _mm256_broadcast_sd(weight + 3);
        l3 = _mm256_fmadd_pd(w, l, l3);
        h3 = _mm256_fmadd_pd(w, h, h3);
    }
    store(out[0] + at, combine_end(l0, h0, shift, c));
    if (rows > 1)
        store(out[1] + at, combine_end(l1, h1, shift, c));
    if (rows > 2)
        store(out[2] + at, combine_end(l2, h2, shift, c));
    if (rows > 3)
        store(out[3] + at, combine_end(l3, h3, shift, c));
}

static void combine(uint64_t *const *out, const uint64_t *const *in,
                    size_t n_in, const ckks_block *block, size_t n_blocks,
                    size_t n, const cki_mod *m, void *work)
{
    double *tile = work, *weights = tile + n_in * 2 * COLUMNS;
    const prime c = prime_of(m);
    const vec shift = constant(cki_reduce((uint64_t)1 << 25, m), m);

    if (n % COLUMNS != 0) {
        cki_kernel_portable.combine(out, in, n_in, block, n_blocks, n, m,
                                    work);
        return;
    }
    pack_weights(weights, block, n_blocks);
    for (size_t at = 0; at < n; at += COLUMNS) {
        const double *w = weights;

        pack_tile(tile, in, n_in, at);
        for (const ckks_block *b = block; b < block + n_blocks; b++)
            for (size_t r = 0; r < b->rows; r += ROWS, w += ROWS * b->terms)
                for (size_t i = 0; i < COLUMNS; i += 4)
                    combine_four(out + b->first + r, b->rows - r, tile + i, w,
                                 b->index, b->terms, shift, at + i, c);
    }
}

static bool usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const cki_kernel cki_kernel_avx2 = {
    .name = "avx2",
    .max_bits = CKKS_SIMD_BITS,
    .usable = usable,
    .ntt_bytes = ntt_bytes,
    .ntt_prepare = ntt_prepare,
    .ntt_fwd = ntt_fwd,
    .ntt_inv = ntt_inv,
    .add = add,
    .sub = sub,
    .mul = mul,
    .mul_add = mul_add,
    .scale_add = scale_add,
    .sub_scale = sub_scale,
    .dot2 = dot2,
    .permute = permute,
    .add_permuted = add_permuted,
    .convert = convert,
    .combine = combine,
    .combine_work = combine_work
};
