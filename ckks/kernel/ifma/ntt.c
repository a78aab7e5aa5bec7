/* ntt.c -- the NTT in words of 52 bits.
 *
 * Read first: ifma.h (Lemma I), docs/02-ntt.md, docs/10-kernels.md.
 */
#include "kernel/ifma/ntt.h"

/* ---- tables -------------------------------------------------------------- */

/* A table of one direction: N twiddles, numbered as in kernel.h, and behind
 * them their N companions.  Those of the layers of distance 2 and 1 stand, for
 * each 64 words of the transform, in the order the transposed code reads: lane
 * j belongs to words 8j .. 8j + 7.
 * own: forward table, inverse table. */
size_t cki_ifma_ntt_bytes(size_t n)
{
    return n <= (size_t)1 << SMALL_LOG ? cki_portable_ntt_bytes(n)
                                       : 4 * n * sizeof(uint64_t);
}

static void table_fill(uint64_t *w, const uint64_t *root, size_t n,
                       const cki_mod *m)
{
    for (size_t i = 0; i < n / 4; i++)
        w[i] = root[i];
    for (size_t i = n / 4; i < n; i++) {
        size_t wide = i < n / 2 ? 2 : 4;        /* twiddles a lane           */
        size_t in = i % (LANES * wide);

        w[i - in + in % wide * LANES + in / wide] = root[i];
    }
    for (size_t i = 0; i < n; i++)
        w[n + i] = companion(w[i], m);
}

void cki_ifma_ntt_prepare(cki_ntt *t, const uint64_t *root,
                          const uint64_t *inverse)
{
    const size_t n = t->n;
    uint64_t *w = t->own;

    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_prepare(t, root, inverse);
        return;
    }
    table_fill(w, root, n, &t->mod);
    table_fill(w + 2 * n, inverse, n, &t->mod);
}

/* ---- forward (ranges: ntt.h) --------------------------------------------- */

static inline vec halve(vec x, const plan *f)
{
    return fold(low52(x, f->c), f->half);
}

/* One layer over everything. */
static void fwd_first(uint64_t *x, const plan *f)
{
    const twiddle t = same(f->table, f->n, 1);
    const prime c = f->c;
    uint64_t *y = x + f->n / 2;

    for (size_t j = 0; j < f->n / 2; j += LANES) {
        vec a = load(x + j), b = load(y + j);

        fwd(&a, &b, t, c);
        store(x + j, a);
        store(y + j, b);
    }
    VERIFY_WITHIN(x, f->n, f->bound[0], c);
}

/* Two layers on one block of 4t words, its first twiddle number i. */
static inline void fwd_block(uint64_t *x, size_t t, size_t i, bool halved,
                             const plan *f)
{
    const twiddle w1 = same(f->table, f->n, i);
    const twiddle w2 = same(f->table, f->n, 2 * i);
    const twiddle w3 = same(f->table, f->n, 2 * i + 1);
    const prime c = f->c;

    for (uint64_t *end = x + t; x < end; x += LANES) {
        vec a = load(x), b = load(x + t);
        vec d = load(x + 2 * t), e = load(x + 3 * t);

        if (halved) {
            a = halve(a, f);
            b = halve(b, f);
        }
        fwd(&a, &d, w1, c);
        fwd(&b, &e, w1, c);
        fwd(&a, &b, w2, c);
        fwd(&d, &e, w3, c);
        store(x, a);
        store(x + t, b);
        store(x + 2 * t, d);
        store(x + 3 * t, e);
    }
}

/* A pair of layers on `size` words, whole blocks of 4t; i: the first's. */
static void fwd_sweep(uint64_t *x, size_t size, size_t t, size_t i,
                      bool halved, const plan *f)
{
    for (uint64_t *end = x + size; x < end; x += 4 * t, i++)
        if (halved)
            fwd_block(x, t, i, true, f);
        else
            fwd_block(x, t, i, false, f);
}

/* What becomes of a transform. */
typedef struct ending {
    uint64_t *out;
    const cki_ending *q;
    twiddle w, minus, u;        /* w, p - w, u                               */
} ending;

static ending ending_of(uint64_t *out, const cki_ending *q, const cki_mod *m)
{
    ending e = { out, q, factor(q->w, m), factor(m->p - q->w, m),
                 factor(q->u, m) };

    return e;
}

/* The sum of the summands there: at most SUMMANDS, three after a reduction. */
enum {
    SUMMANDS = 1 + 3,
    QUOTIENT = OF_PRODUCTS + SUMMANDS
};

WITHIN(OF_PRODUCT, SUMMANDS);   /* u times the sum                           */
WITHIN(QUOTIENT, ROOM);

static inline vec summands_at(const cki_ending *q, size_t at, size_t n,
                              prime c)
{
    vec sum = zero();

    for (size_t j = 0; j < q->summands; j++) {
        const cki_summand *s = q->s + j;

        if (s->perm != NULL)
            ask_permuted(s->x, s->perm, at, n);

        sum = add(sum, s->perm == NULL ? load(s->x + at)
                                       : permuted(s->x, s->perm + at));
        VERIFY_VEC(sum, SUMMANDS, c);
        if (j % 3 == 2)
            sum = reduce(sum, c);
    }
    return sum;
}

/* w in + (p - w) x + u sum, canonical.  Lemma I twice, the quotients and
 * the remainders added: below 4p; with the sum, or its product, below 8p
 * (QUOTIENT). */
static ALWAYS_INLINE vec end_of(vec x, size_t at, const ending *e, size_t n,
                                prime c)
{
    const bool more = e->q->summands > 0;
    vec y = load(e->q->in + at), r = zero();
    vec q = hi(hi(zero(), y, e->w.s), x, e->minus.s);

    if (more) {
        r = summands_at(e->q, at, n, c);
        if (e->q->u != 1) {
            q = hi(q, r, e->u.s);
            r = lo(zero(), r, e->u.w);
        }
    }
    r = lo(lo(lo(r, y, e->w.w), x, e->minus.w), q, c.neg);
    VERIFY_VEC(r, QUOTIENT, c);
    return more ? reduce(r, c) : fold(fold(low52(r, c), c.p2), c.p);
}

/* The last six layers, on 64 words number i: three on whole vectors, three
 * after a transposition; canonical words out, or into a division. */
static ALWAYS_INLINE void fwd_last(uint64_t *to, size_t i, const ending *e,
                                   const plan *f)
{
    const uint64_t *w = f->table;
    const size_t n = f->n;
    const bool *halved = f->halved + f->pairs - 3;
    const prime c = f->c;
    vec x[8];

    UNROLL
    for (int k = 0; k < 8; k++)
        x[k] = load(to + LANES * k);
    if (halved[0])
        UNROLL
        for (int k = 0; k < 4; k++)
            x[k] = halve(x[k], f);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[k], &x[k + 4], same(w, n, n / 64 + i), c);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[k + k / 2 * 2], &x[k + k / 2 * 2 + 2],
            same(w, n, n / 32 + 2 * i + (size_t)k / 2), c);
    VERIFY_EIGHT(x, f->bound[f->pairs - 2], c);
    if (halved[1])
        UNROLL
        for (int k = 0; k < 8; k += 2)
            x[k] = halve(x[k], f);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[2 * k], &x[2 * k + 1], same(w, n, n / 16 + 4 * i + (size_t)k),
            c);
    transpose(x);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[k], &x[k + 4], each(w, n, n / 8 + 8 * i), c);
    VERIFY_EIGHT(x, f->bound[f->pairs - 1], c);
    if (halved[2])
        UNROLL
        for (int k = 0; k < 4; k++)
            x[k + k / 2 * 2] = halve(x[k + k / 2 * 2], f);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[k + k / 2 * 2], &x[k + k / 2 * 2 + 2],
            each(w, n, n / 4 + 16 * i + 8 * ((size_t)k / 2)), c);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[2 * k], &x[2 * k + 1],
            each(w, n, n / 2 + 32 * i + 8 * (size_t)k), c);
    VERIFY_EIGHT(x, f->bound[f->pairs], c);
    if (e == NULL)
        UNROLL
        for (int k = 0; k < 8; k++)
            x[k] = reduce(x[k], c);
    transpose(x);
    UNROLL
    for (size_t k = 0; k < 8; k++)
        if (e == NULL)
            store(to + LANES * k, x[k]);
        else
            store(e->out + LAST * i + LANES * k,
                  end_of(x[k], LAST * i + LANES * k, e, n, c));
}

/* ---- in two halves ------------------------------------------------------- */

/* Words of the blocks on which all layers but those of the head work, and the
 * pairs of layers done before them. */
typedef struct inner {
    size_t size;
    int pairs;
} inner;

static inner inner_of(const cki_ntt *t)
{
    inner b = { t->log_n % 2 == 1 ? t->n / 2 : t->n, 0 };

    for (; b.size > BLOCK; b.size /= 4)
        b.pairs++;
    return b;
}

static void head(uint64_t *x, const cki_ntt *t, const plan *f)
{
    const size_t n = t->n;
    size_t size = t->log_n % 2 == 1 ? n / 2 : n;

    VERIFY_BELOW(x, n, t->mod.p);
    if (t->real)
        cki_ifma_fold(x, t, f);
    else if (t->log_n % 2 == 1)
        fwd_first(x, f);
    for (int k = 0; size > BLOCK; size /= 4, k++) {
        fwd_sweep(x, n, size / 4, n / size, f->halved[k], f);
        VERIFY_WITHIN(x, n, f->bound[k + 1], f->c);
    }
}

/* Asks for the part of a block of arrays that belongs to LAST words at i of
 * x's block at `at`. */
static inline void ask(const cki_soon *soon, size_t i, size_t at)
{
    for (int k = 0; k < CKI_SOON && soon->x[k] != NULL; k++)
        for (size_t j = 0; j < LAST; j += LANES)
            _mm_prefetch((const void *)(soon->x[k] + soon->at + i - at + j),
                         _MM_HINT_T1);
}

/* The rest of the layers of the words from `at` to stop, whole blocks. */
static ALWAYS_INLINE void tail(uint64_t *x, size_t at, size_t stop,
                               const ending *e, const cki_soon *soon,
                               const inner *b, const plan *f)
{
    const size_t n = f->n, begin = at;

    for (; at < stop; at += b->size) {
        int k = b->pairs;

        for (size_t s = b->size; s > LAST; s /= 4, k++) {
            fwd_sweep(x + at, b->size, s / 4, (n + at) / s, f->halved[k], f);
            VERIFY_WITHIN(x + at, b->size, f->bound[k + 1], f->c);
        }
        for (size_t i = at; i < at + b->size; i += LAST) {
            if (soon != NULL)
                ask(soon, i, begin);
            fwd_last(x + i, i / LAST, e, f);
        }
    }
}

static void tail_words(uint64_t *x, size_t at, size_t stop,
                       const cki_soon *soon, const cki_ntt *t, const plan *f)
{
    const inner b = inner_of(t);

    if (soon != NULL)
        tail(x, at, stop, NULL, soon, &b, f);
    else
        tail(x, at, stop, NULL, NULL, &b, f);
    VERIFY_BELOW(x + at, stop - at, t->mod.p);
}

void cki_ifma_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_fwd(x, t);
    } else {
        const plan f = plan_of(t, t->own);

        head(x, t, &f);
        tail_words(x, 0, t->n, NULL, t, &f);
    }
}

void cki_ifma_ntt_head(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_head(x, t);
    } else {
        const plan f = plan_of(t, t->own);

        head(x, t, &f);
    }
}

void cki_ifma_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t,
                       const cki_soon *soon)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_tail(x, at, t, soon);
    } else {
        const plan f = plan_of(t, t->own);

        tail_words(x, at, at + cki_block(t->n), soon, t, &f);
    }
}

void cki_ifma_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
                         const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_finish(out, z, q, t);
    } else {
        const ending e = ending_of(out, q, &t->mod);
        const plan f = plan_of(t, t->own);
        const inner b = inner_of(t);

        tail(z, 0, t->n, &e, NULL, &b, &f);
        VERIFY_BELOW(out, t->n, t->mod.p);
    }
}
