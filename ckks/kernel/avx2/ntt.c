/* ntt.c -- the NTT in doubles, forward, and what a division makes
 * of it.
 *
 * Read first: avx2.h (Lemma F), docs/02-ntt.md, docs/10-kernels.md.
 */
#include "kernel/avx2/ntt.h"

/* ---- tables -------------------------------------------------------------- */

/* own: N doubles forward, N inverse, both balanced, numbered as in kernel.h;
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

/* ---- forward (ranges: ntt.h) --------------------------------------------- */

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
    VERIFY_WITHIN(x, n, FWD_1, c);
}

/* Two layers on one block of 4t words; table index m + i of the block. */
static ALWAYS_INLINE void fwd_block(uint64_t *x, size_t t, const double *table,
                                    size_t index, bool words, bool reduced,
                                    prime c)
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

/* Asks for the part of a block of arrays that belongs to 16 words, at j of x's
 * block. */
static inline void ask(const cki_soon *soon, size_t j)
{
    for (int k = 0; k < CKI_SOON && soon->x[k] != NULL; k++) {
        const uint64_t *y = soon->x[k] + soon->at + j;

        _mm_prefetch((const void *)y, _MM_HINT_T1);
        _mm_prefetch((const void *)(y + 8), _MM_HINT_T1);
    }
}

/* Blocks of 16 words, numbered from first; canonical words out.  skipped: words
 * of x's block before these. */
static void fwd_last(uint64_t *x, size_t n, size_t first, size_t count,
                     size_t skipped, const cki_soon *soon,
                     const double *table, prime c)
{
    for (size_t i = first; i < first + count; i++, x += 16) {
        vec v[4];

        if (soon != NULL)
            ask(soon, skipped + 16 * (i - first));

        last_two(v, x, n, i, c.half, table, c);
        for (int k = 0; k < 4; k++)
            VERIFY_VEC(v[k], FWD_7 + HALF, c);
        UNROLL
        for (int k = 0; k < 4; k++)
            v[k] = reduce(v[k], c);
        transpose(&v[0], &v[1], &v[2], &v[3]);
        UNROLL
        for (int k = 0; k < 4; k++)
            store_centred(x + 4 * k, v[k], c);
    }
}

/* What goes into a division, and what it makes. */
enum {
    DIVIDEND = UNIT + FWD_7,
    SUMMANDS = HALF + 4 * UNIT,
    QUOTIENT = PRODUCT(DIVIDEND)
};

WITHIN(DIVIDEND, MOST);
WITHIN(QUOTIENT, UNIT - 1);
WITHIN(PRODUCT(SUMMANDS), SUMMANDS);
WITHIN(QUOTIENT + SUMMANDS + HALF, MOST);

/* x += the summands there, at most 1/2 + 4 (SUMMANDS) at any time: brought down
 * after every fourth. */
static ALWAYS_INLINE void add_summands(vec *x, const cki_ending *q,
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
        for (int k = 0; k < 4; k++)
            VERIFY_VEC(x[k], SUMMANDS, c);
        if (j % 4 == 3)
            UNROLL
            for (int k = 0; k < 4; k++)
                x[k] = reduce(x[k], c);
    }
}

/* What becomes of a transform. */
typedef struct ending {
    uint64_t *out;
    const cki_ending *q;
    vec w, u;
} ending;

/* The last two layers, into a division.  in less the transform is at most 1 +
 * 5.77 < 8 (DIVIDEND), so the product with w at most 1/2 + 6.77/16 < 1; with
 * the sum (or the product of it, below 1) and the middle below 1 + 4.5 + 1/2 <
 * 8: Lemma C. */
static void fwd_divide(const uint64_t *x, size_t n, size_t first, size_t count,
                       const ending *e, const double *table, prime c)
{
    const cki_ending *q = e->q;
    const vec zero = _mm256_setzero_pd();

    for (size_t i = first; i < first + count; i++, x += 16) {
        uint64_t *out = e->out + 16 * i;
        vec v[4], sum[4];

        last_two(v, x, n, i, zero, table, c);
        transpose(&v[0], &v[1], &v[2], &v[3]);
        for (int k = 0; k < 4; k++)
            VERIFY_VEC(v[k], FWD_7, c);
        UNROLL
        for (size_t k = 0; k < 4; k++)
            v[k] = _mm256_sub_pd(load(q->in + 16 * i + 4 * k), v[k]);
        for (int k = 0; k < 4; k++)
            VERIFY_VEC(v[k], DIVIDEND, c);
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
            VERIFY_VEC(v[k], MOST, c);
            store_centred(out + 4 * k, reduce(v[k], c), c);
        }
    }
}

/* ---- in two halves ------------------------------------------------------- */

/* Blocks on which all layers but those of the head work, and the layers done
 * before them. */
typedef struct inner {
    size_t size;
    int layers;
} inner;

static inner inner_of(const cki_ntt *t)
{
    const bool odd = t->log_n % 2 == 1;
    inner b = { odd ? t->n / 2 : t->n, odd + t->real };

    for (; b.size > BLOCK; b.size /= 4)
        b.layers += 2;
    return b;
}

static void head(uint64_t *x, const cki_ntt *t)
{
    const double *table = t->own;
    const size_t n = t->n;
    const prime c = prime_of(&t->mod);
    const bool odd = t->log_n % 2 == 1;
    size_t size = odd ? n / 2 : n;
    int layers = odd + t->real;
    bool words = layers == 0;           /* nothing has been done yet         */

    VERIFY_BELOW(x, n, t->mod.p);
    if (t->real)
        cki_avx2_fold(x, t);
    else if (odd)
        fwd_first(x, n, table, c);
    for (; size > BLOCK; size /= 4, layers += 2, words = false) {
        fwd_sweep(x, size / 4, n / size, 0, n / size, words, false, table, c);
        VERIFY_WITHIN(x, n, fwd_bound(layers + 2), c);
    }
}

/* The other layers of the words from `at` to stop, whole blocks; e, soon: or
 * NULL. */
static void tail(uint64_t *x, size_t at, size_t stop, const ending *e,
                 const cki_soon *soon, const cki_ntt *ntt)
{
    const inner b = inner_of(ntt);
    const double *table = ntt->own;
    const size_t n = ntt->n, begin = at;
    const prime c = prime_of(&ntt->mod);

    for (; at < stop; at += b.size) {
        size_t index = at / b.size, count = 1, m = n / b.size;
        bool words = b.layers == 0;
        int layers = b.layers;

        for (size_t t = b.size / 4; t >= 16; t /= 4, count *= 4, m *= 4) {
            /* no sweep behind this one reduces */
            bool reduced = t == 16 ? layers + 2 + 4 > LAST_LAYERS
                                   : layers + 2 > MAX_LAYERS;

            fwd_sweep(x + at, t, m, index * count, count, words, reduced,
                      table, c);
            layers = reduced ? 2 : layers + 2;
            words = false;
            VERIFY_WITHIN(x + at, b.size, fwd_bound(layers), c);
        }
        VERIFY(layers + 4 <= LAST_LAYERS);
        fwd_vectors(x + at, n, at / 16, b.size / 16, table, c);
        VERIFY_WITHIN(x + at, b.size, fwd_bound(layers + 2), c);
        if (e == NULL)
            fwd_last(x + at, n, at / 16, b.size / 16, at - begin, soon, table,
                     c);
        else
            fwd_divide(x + at, n, at / 16, b.size / 16, e, table, c);
    }
}

void cki_avx2_ntt_head(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_head(x, t);
    else
        head(x, t);
}

void cki_avx2_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t,
                       const cki_soon *soon)
{
    const size_t stop = at + cki_block(t->n);

    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_tail(x, at, t, soon);
    else
        tail(x, at, stop, NULL, soon, t);
    VERIFY_BELOW(x + at, stop - at, t->mod.p);
}

void cki_avx2_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_fwd(x, t);
    } else {
        head(x, t);
        tail(x, 0, t->n, NULL, NULL, t);
        VERIFY_BELOW(x, t->n, t->mod.p);
    }
}

void cki_avx2_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
                         const cki_ntt *t)
{
    const ending e = { out, q, constant(q->w, &t->mod),
                       constant(q->u, &t->mod) };

    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_finish(out, z, q, t);
    else
        tail(z, 0, t->n, &e, NULL, t);
    VERIFY_BELOW(out, t->n, t->mod.p);
}
