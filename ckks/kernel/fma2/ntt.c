/* ntt.c -- the NTT in pairs of doubles, forward, and what a division makes of
 * it.
 *
 * Read first: fma2.h (Lemma F), docs/02-ntt.md, docs/10-kernels.md.
 */
#include "kernel/fma2/ntt.h"

/* ---- tables -------------------------------------------------------------- */

/* own: N doubles forward, N inverse, both balanced, numbered as in kernel.h. */
size_t cki_fma2_ntt_bytes(size_t n)
{
    return n <= (size_t)1 << SMALL_LOG ? cki_portable_ntt_bytes(n)
                                       : 2 * n * sizeof(double);
}

static void table_fill(double *w, const uint64_t *root, size_t n, uint64_t p)
{
    for (size_t i = 0; i < n; i++)
        w[i] = balanced(root[i], p);
}

void cki_fma2_ntt_prepare(cki_ntt *t, const uint64_t *root,
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

/* ---- forward (ranges: ntt.h) -----------------------------------------------
 *
 * A layer at a time: a butterfly is a chain of some 17 cycles by latencies, and
 * the processor looks ahead no further than a few of them one after the other,
 * while loads and stores have units of their own. */

/* One layer on a block of 2t words; numbers are words yet, or x is reduced
 * first, or neither. */
static ALWAYS_INLINE void fwd_block(uint64_t *x, size_t t, twiddle w,
                                    bool words, bool reduced, prime c)
{
    uint64_t *y = x + t;

    for (uint64_t *end = y; x < end; x += 2, y += 2) {
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
    else if (t == 4)
        fwd_blocks(x, count, 4, table, false, false, c);
    else
        fwd_blocks(x, count, t, table, false, false, c);
}

/* The last two layers, of distances 2 and 1, on `count` words from number i of
 * n on; h is taken off before the last sums, so that two share it. */
static ALWAYS_INLINE void fwd_last(uint64_t *x, size_t count, size_t i,
                                   size_t n, const double *table, bool reduced,
                                   bool canonical, prime c)
{
    const vec h = canonical ? c.half : both(0);
    const double *two = table + (n + i) / 4, *one = table + (n + i) / 2;

    for (uint64_t *end = x + count; x < end; x += 4, two++, one += 2) {
        vec a = load_lazy(x), b = load_lazy(x + 2), even, odd;

        if (reduced)
            a = reduce(a, c);
        fwd(&a, &b, same(*two, c), c);
        even = firsts(a, b) - h;
        odd = seconds(a, b);
        fwd(&even, &odd, twiddle_of(load_doubles(one), c), c);
        a = firsts(even, odd);
        b = seconds(even, odd);
        if (canonical) {
            store_centred(x, reduce(a, c), c);
            store_centred(x + 2, reduce(b, c), c);
        } else {
            store_lazy(x, a);
            store_lazy(x + 2, b);
        }
    }
}

/* Asks for the part of a block of arrays that belongs to 16 words, at j of x's
 * block. */
static inline void ask(const cki_soon *soon, size_t j)
{
    for (int k = 0; k < CKI_SOON && soon->x[k] != NULL; k++) {
        const uint64_t *y = soon->x[k] + soon->at + j;

        __builtin_prefetch(y, 0, 2);
        __builtin_prefetch(y + 8, 0, 2);
    }
}

/* Canonical words; skipped: words of x's block before these; soon: or NULL. */
static void fwd_words(uint64_t *x, size_t count, size_t i, bool reduced,
                      size_t skipped, const cki_soon *soon, const cki_ntt *t,
                      prime c)
{
    for (size_t j = 0; j < count; j += 16) {
        if (soon != NULL)
            ask(soon, skipped + j);
        if (reduced)
            fwd_last(x + j, 16, i + j, t->n, t->own, true, true, c);
        else
            fwd_last(x + j, 16, i + j, t->n, t->own, false, true, c);
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

        if (perm != NULL)
            ask_permuted(y, perm, at, n);
        UNROLL
        for (size_t k = 0; k < 4; k++)
            x[k] += load_at(y, perm, at + 2 * k);
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

/* The division, of the words from `at` on.  in less the transform is at most 1
 * + 5.77 < 8 (DIVIDEND), so the product with w at most 1/2 + 6.77/16 < 1; with
 * the sum (or the product of it, below 1) and the middle below 1 + 4.5 + 1/2 <
 * 8: Lemma C. */
static void fwd_divide(const uint64_t *x, size_t count, size_t at,
                       const ending *e, size_t n, prime c)
{
    const cki_ending *q = e->q;

    for (const uint64_t *end = x + count; x < end; x += 8, at += 8) {
        uint64_t *out = e->out + at;
        vec v[4], sum[4];

        UNROLL
        for (size_t k = 0; k < 4; k++) {
            v[k] = load_lazy(x + 2 * k);
            VERIFY_VEC(v[k], FWD_7, c);
            v[k] = load(q->in + at + 2 * k) - v[k];
            VERIFY_VEC(v[k], DIVIDEND, c);
            v[k] = mulmod(v[k], e->w, c);
        }
        if (q->summands == 0) {
            UNROLL
            for (size_t k = 0; k < 4; k++)
                store(out + 2 * k, lift(v[k], c));
            continue;
        }
        UNROLL
        for (int k = 0; k < 4; k++)
            sum[k] = both(0);
        add_summands(sum, q, at, n, c);
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            if (q->u != 1)
                sum[k] = mulmod(sum[k], e->u, c);
            v[k] += sum[k] - c.half;
            VERIFY_VEC(v[k], MOST, c);
            store_centred(out + 2 * k, reduce(v[k], c), c);
        }
    }
}

/* Layers done since the numbers were words or x was reduced, layers left, and
 * whether x are brought down before the next: after nine layers, and among the
 * last seven (LAST_LAYERS) before the first, if more than seven would follow
 * each other at the end. */
typedef struct count {
    int done, left;
} count;

static inline bool next_layer(count *k)
{
    const bool reduced = k->done == MAX_LAYERS - 1
                         || (k->left <= LAST_LAYERS
                             && k->done + k->left > LAST_LAYERS);

    k->done = reduced ? 1 : k->done + 1;
    k->left--;
    return reduced;
}

/* ---- in two halves ------------------------------------------------------- */

/* The words that a layer joins, and what is known before it. */
typedef struct state {
    size_t size;
    count k;
    bool words;                 /* nothing has been done yet                 */
} state;

static state state_of(const cki_ntt *t)
{
    const int folded = t->real ? 1 + t->log_n % 2 : 0;
    state s = { folded == 2 ? t->n / 2 : t->n,
                { folded, t->log_n - folded / 2 }, !t->real };

    return s;
}

/* Layers on the words from `at` to stop, until they join at most `most`. */
static void fwd_layers(uint64_t *x, size_t at, size_t stop, size_t most,
                       state *s, const cki_ntt *t, prime c)
{
    const double *table = t->own;

    for (; s->size > most; s->size /= 2, s->words = false) {
        const bool reduced = next_layer(&s->k);

        fwd_layer(x + at, stop - at, s->size / 2, table + (t->n + at) / s->size,
                  s->words, reduced, c);
        VERIFY_WITHIN(x + at, stop - at, fwd_bound(s->k.done), c);
    }
}

/* The layers of the words from `at` to stop, which know nothing of others;
 * skipped: words before them of what belongs to soon; e, soon: or NULL. */
static void fwd_rest(uint64_t *x, size_t at, size_t stop, state s,
                     const ending *e, size_t skipped, const cki_soon *soon,
                     const cki_ntt *t, prime c)
{
    const size_t size = stop - at;
    bool reduced, last;

    fwd_layers(x, at, stop, 4, &s, t, c);
    reduced = next_layer(&s.k);
    last = next_layer(&s.k);
    VERIFY(!last && s.k.left == 0 && s.k.done <= LAST_LAYERS);
    (void)last;
    x += at;
    if (e == NULL) {
        fwd_words(x, size, at, reduced, skipped, soon, t, c);
        return;
    }
    if (reduced)
        fwd_last(x, size, at, t->n, t->own, true, false, c);
    else
        fwd_last(x, size, at, t->n, t->own, false, false, c);
    VERIFY_WITHIN(x, size, FWD_7, c);
    fwd_divide(x, size, at, e, t->n, c);
}

static void head(uint64_t *x, const cki_ntt *t)
{
    const prime c = prime_of(&t->mod);
    state s = state_of(t);

    VERIFY_BELOW(x, t->n, t->mod.p);
    if (t->real)
        cki_fma2_fold(x, t);
    fwd_layers(x, 0, t->n, CKI_BLOCK, &s, t, c);
}

/* The other layers of the words from `at` to stop, whole blocks; e, soon: or
 * NULL. */
static void tail(uint64_t *x, size_t at, size_t stop, const ending *e,
                 const cki_soon *soon, const cki_ntt *t)
{
    const prime c = prime_of(&t->mod);
    const size_t begin = at;
    state s = state_of(t);

    for (; s.size > CKI_BLOCK; s.size /= 2, s.words = false)
        (void)next_layer(&s.k);
    for (size_t block = s.size; at < stop; at += block) {
        state own = s;

        fwd_layers(x, at, at + block, BLOCK, &own, t, c);
        for (size_t i = at; i < at + block; i += own.size)
            fwd_rest(x, i, i + own.size, own, e, i - begin, soon, t, c);
    }
}

void cki_fma2_ntt_head(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_head(x, t);
    else
        head(x, t);
}

void cki_fma2_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t,
                       const cki_soon *soon)
{
    const size_t stop = at + cki_block(t->n);

    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_tail(x, at, t, soon);
    else
        tail(x, at, stop, NULL, soon, t);
    VERIFY_BELOW(x + at, stop - at, t->mod.p);
}

void cki_fma2_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_fwd(x, t);
    } else {
        head(x, t);
        tail(x, 0, t->n, NULL, NULL, t);
        VERIFY_BELOW(x, t->n, t->mod.p);
    }
}

void cki_fma2_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
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
