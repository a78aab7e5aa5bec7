/* avx2_ntt.c -- layer 2: the NTT in doubles.
 *
 * Read first: avx2.h (Lemma F), docs/02-ntt.md, docs/10-kernels.md.
 */
#include "avx2.h"
#include "portable.h"

/* ---- NTT: tables -------------------------------------------------------- */

enum {
    SMALL_LOG = 5,              /* rings up to 2^5 go to the portable code   */
    BLOCK = 4096                /* words that stay in the first-level cache  */
};

/* own: N doubles forward, N inverse, both balanced, index as in portable.c;
 * the last N/2 (layer of pairs) in groups of eight as four even, four odd. */
size_t cki_avx2_ntt_bytes(size_t n)
{
    return n <= (size_t)1 << SMALL_LOG ? cki_portable_ntt_bytes(n)
                                       : 2 * n * sizeof(double);
}

static void table_fill(double *w, const uint64_t *root, size_t n, uint64_t p)
{
    for (size_t i = 0; i < n / 2; i++)
        w[i] = balanced(root[i], p);
    for (size_t i = n / 2; i < n; i += 8)
        for (size_t j = 0; j < 8; j++)
            w[i + j % 2 * 4 + j / 2] = balanced(root[i + j], p);
}

void cki_avx2_ntt_prepare(cki_ntt *t, const uint64_t *root,
                        const uint64_t *inverse)
{
    const size_t n = t->n;
    double *w = t->own;

    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_prepare(t, root, inverse);
        return;
    }
    table_fill(w, root, n, t->mod.p);
    table_fill(w + n, inverse, n, t->mod.p);
}

/* ---- NTT: forward ----------------------------------------------------------
 *
 * (x, y) -> (x + w y, x - w y).  From B before a layer to B + 1/2 + B/16
 * after: 1, 1.57, 2.17, 2.80, 3.48, 4.19, 4.96, 5.77, 6.63, 7.54, 8.5.  So ten
 * layers can follow each other before the input of a product leaves B = 8.
 * Reducing the x of a layer (its y reduces itself, to at most 1) starts the
 * count again.  At the end Lemma C wants 2^52 >= 8 p with the p/2 taken off
 * before: after at most seven layers it is 5.77 + 0.5. */

static inline void fwd(vec *x, vec *y, vec w, prime c)
{
    vec r = mulmod(*y, w, c), u = *x;

    *x = _mm256_add_pd(u, r);
    *y = _mm256_sub_pd(u, r);
}

enum { MAX_LAYERS = 10, LAST_LAYERS = 7 };

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
static ALWAYS_INLINE void fwd_block(uint64_t *x, size_t t, const double *table,
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

/* Two layers on the vectors of blocks of 16 words, numbered from first. */
static void fwd_vectors(uint64_t *x, size_t n, size_t first, size_t count,
                        const double *table, prime c)
{
    for (size_t i = first; i < first + count; i++, x += 16) {
        vec a = load_lazy(x), b = load_lazy(x + 4);
        vec d = load_lazy(x + 8), e = load_lazy(x + 12);
        vec w1 = _mm256_set1_pd(table[n / 16 + i]);

        fwd(&a, &d, w1, c);
        fwd(&b, &e, w1, c);
        fwd(&a, &b, _mm256_set1_pd(table[n / 8 + 2 * i]), c);
        fwd(&d, &e, _mm256_set1_pd(table[n / 8 + 2 * i + 1]), c);
        store_lazy(x, a);
        store_lazy(x + 4, b);
        store_lazy(x + 8, d);
        store_lazy(x + 12, e);
    }
}

/* The last two layers, within vectors, of the 16 words x; y is taken off before
 * the last sums, so that two share it. */
static ALWAYS_INLINE void last_two(vec *x, const uint64_t *in, size_t n,
                                   size_t i, vec y, const double *table,
                                   prime c)
{
    const double *w4 = table + n / 4 + 4 * i, *w5 = table + n / 2 + 8 * i;
    vec w = _mm256_loadu_pd(w4);

    UNROLL
    for (int k = 0; k < 4; k++)
        x[k] = load_lazy(in + 4 * k);
    transpose(&x[0], &x[1], &x[2], &x[3]);
    fwd(&x[0], &x[2], w, c);
    fwd(&x[1], &x[3], w, c);
    x[0] = _mm256_sub_pd(x[0], y);
    x[2] = _mm256_sub_pd(x[2], y);
    fwd(&x[0], &x[1], _mm256_loadu_pd(w5), c);
    fwd(&x[2], &x[3], _mm256_loadu_pd(w5 + 4), c);
}

/* Blocks of 16 words, numbered from first; canonical words out. */
static void fwd_last(uint64_t *x, size_t n, size_t first, size_t count,
                     const double *table, prime c)
{
    for (size_t i = first; i < first + count; i++, x += 16) {
        vec v[4];

        last_two(v, x, n, i, c.half, table, c);
        UNROLL
        for (int k = 0; k < 4; k++)
            v[k] = reduce(v[k], c);
        transpose(&v[0], &v[1], &v[2], &v[3]);
        UNROLL
        for (int k = 0; k < 4; k++)
            store_centred(x + 4 * k, v[k], c);
    }
}

/* x += in and the products at words at .. at + 15: at most 1 + 0.63. */
static ALWAYS_INLINE void add_dividend(vec *x, const cki_quotient *q,
                                       size_t at, size_t n, prime c)
{
    const uint32_t *perm = q->perm;

    if (perm != NULL)
        for (int j = 0; j < q->products; j++) {
            ask_permuted(q->x[j], perm, at, n);
            ask_permuted(q->x[j], perm, at + 8, n);
        }
    UNROLL
    for (size_t k = 0; k < 4; k++, at += 4) {
        if (q->in != NULL)
            x[k] = _mm256_add_pd(x[k], load(q->in + at));
        if (q->products == 1) {
            x[k] = _mm256_add_pd(x[k], mulmod(load_at(q->x[0], perm, at),
                                              load(q->y[0] + at), c));
        } else if (q->products == 2) {
            vec high = _mm256_set1_pd(HIGH), low = _mm256_setzero_pd();

            dot_term(&high, &low, load_at(q->x[0], perm, at),
                     load(q->y[0] + at));
            dot_term(&high, &low, load_at(q->x[1], perm, at),
                     load(q->y[1] + at));
            x[k] = _mm256_add_pd(x[k], dot_end(high, low, c));
        }
    }
}

/* x += the summands there, at most 1/2 + 4 in the end if there are any: brought
 * down after every fourth. */
static ALWAYS_INLINE void add_summands(vec *x, const cki_quotient *q,
                                       size_t at, size_t n, prime c)
{
    for (size_t j = 0; j < q->summands; j++) {
        const uint64_t *y = q->s[j].x;
        const uint32_t *perm = q->s[j].perm;

        if (perm != NULL) {
            ask_permuted(y, perm, at, n);
            ask_permuted(y, perm, at + 8, n);
        }
        UNROLL
        for (size_t k = 0; k < 4; k++)
            x[k] = _mm256_add_pd(x[k], load_at(y, perm, at + 4 * k));
        if (j % 4 == 3)
            UNROLL
            for (int k = 0; k < 4; k++)
                x[k] = reduce(x[k], c);
    }
}

/* What becomes of a transform. */
typedef struct ending {
    uint64_t *out;
    const cki_quotient *q;
    vec w, u;
} ending;

/* The last two layers, into a division.  in and products less the transform
 * are at most 1.63 + 5.77 < 8, so the product with w at most 1/2 + 7.4/16 < 1;
 * with the sum (or the product of it, below 1) and the middle below
 * 1 + 4.5 + 1/2 < 8: Lemma C. */
static ALWAYS_INLINE void fwd_divide(const uint64_t *x, size_t n, size_t first,
                                     size_t count, const ending *e,
                                     const cki_quotient *q,
                                     const double *table, prime c)
{
    const vec zero = _mm256_setzero_pd();

    for (size_t i = first; i < first + count; i++, x += 16) {
        uint64_t *out = e->out + 16 * i;
        vec v[4], sum[4];

        last_two(v, x, n, i, zero, table, c);
        transpose(&v[0], &v[1], &v[2], &v[3]);
        UNROLL
        for (int k = 0; k < 4; k++)
            v[k] = _mm256_sub_pd(zero, v[k]);
        add_dividend(v, q, 16 * i, n, c);
        UNROLL
        for (int k = 0; k < 4; k++)
            v[k] = mulmod(v[k], e->w, c);
        if (q->summands == 0) {
            UNROLL
            for (size_t k = 0; k < 4; k++)
                store(out + 4 * k, lift(v[k], c));
            continue;
        }
        UNROLL
        for (int k = 0; k < 4; k++)
            sum[k] = zero;
        add_summands(sum, q, 16 * i, n, c);
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            if (q->u != 1)
                sum[k] = mulmod(sum[k], e->u, c);
            v[k] = _mm256_add_pd(v[k], _mm256_sub_pd(sum[k], c.half));
            store_centred(out + 4 * k, reduce(v[k], c), c);
        }
    }
}

/* The same for each number of products, so that the loop above knows it. */
static void fwd_divide_by_kind(const uint64_t *x, size_t n, size_t first,
                               size_t count, const ending *e,
                               const double *table, prime c)
{
    cki_quotient q = *e->q;

    switch (q.products) {
    case 0:
        fwd_divide(x, n, first, count, e, &q, table, c);
        break;
    case 1:
        q.products = 1;
        fwd_divide(x, n, first, count, e, &q, table, c);
        break;
    default:
        q.products = 2;
        fwd_divide(x, n, first, count, e, &q, table, c);
    }
}

/* The sweeps of one block of `size` words that starts the layer of m blocks;
 * e: or NULL. */
static void fwd_rest(uint64_t *x, size_t n, size_t size, size_t index,
                     int layers, bool words, const ending *e,
                     const double *table, prime c)
{
    size_t count = 1, m = n / size;

    for (size_t t = size / 4; t >= 16; t /= 4, count *= 4, m *= 4) {
        /* no sweep behind this one reduces */
        bool reduced = t == 16 ? layers + 2 + 4 > LAST_LAYERS
                               : layers + 2 > MAX_LAYERS;

        fwd_sweep(x, t, m, index * count, count, words, reduced, table, c);
        layers = reduced ? 2 : layers + 2;
        words = false;
    }
    VERIFY(layers + 4 <= LAST_LAYERS);
    fwd_vectors(x, n, index * (size / 16), size / 16, table, c);
    if (e == NULL)
        fwd_last(x, n, index * (size / 16), size / 16, table, c);
    else
        fwd_divide_by_kind(x, n, index * (size / 16), size / 16, e, table, c);
}

static void transform(uint64_t *x, const ending *e, const cki_ntt *t)
{
    const double *table = t->own;
    const size_t n = t->n;
    const prime c = prime_of(&t->mod);
    size_t size = n;
    int layers = 0;
    bool words = true;

    VERIFY_BELOW(x, n, t->mod.p);
    if (t->log_n % 2 == 1) {
        fwd_first(x, n, table, c);
        size /= 2;
        layers = 1;
        words = false;
    }
    for (; size > BLOCK; size /= 4, layers += 2, words = false)
        fwd_sweep(x, size / 4, n / size, 0, n / size, words, false, table, c);
    for (size_t i = 0; i < n / size; i++)
        fwd_rest(x + i * size, n, size, i, layers, words, e, table, c);
    VERIFY_BELOW(e == NULL ? x : e->out, n, t->mod.p);
}

void cki_avx2_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_fwd(x, t);
    else
        transform(x, NULL, t);
}

void cki_avx2_divide(uint64_t *out, uint64_t *z, const cki_quotient *q,
                     const cki_ntt *t)
{
    const ending e = { out, q, constant(q->w, &t->mod),
                       constant(q->u, &t->mod) };

    VERIFY(q->products <= CKI_FACTORS);
    if (t->log_n <= SMALL_LOG)
        cki_portable_divide(out, z, q, t);
    else
        transform(z, &e, t);
}

/* ---- NTT: inverse ----------------------------------------------------------
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
 * The products' inputs are at most 4B = 5.6, so |r| <= 0.85 p. */
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
    const size_t top = odd ? n / 2 : n / 4; /* the last layers
                                                   begin here                */
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
        inv_vectors(block, n, i * (size / 16), size / 16, table, c);
        for (size_t s = 64; s <= size; s *= 4)
            inv_sweep(block, s / 4, n / s, i * (size / s), size / s, table, c);
    }
    for (size_t s = 4 * size; s <= top; s *= 4)
        inv_sweep(x, s / 4, n / s, 0, n / s, table, c);
    if (odd)
        inv_last(x, w, false, table, t, c);
    else
        inv_last(x, w, true, table, t, c);
    VERIFY_BELOW(x, n, t->mod.p);
}
