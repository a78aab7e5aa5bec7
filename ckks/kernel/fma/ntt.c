/* ntt.c -- the NTT in doubles, forward, and what a division makes
 * of it.
 *
 * Read first: fma.h (Lemma F), docs/02-ntt.md, docs/10-kernels.md.
 */
#include "kernel/fma/ntt.h"

/* ---- tables -------------------------------------------------------------- */

/* own: N doubles forward, N inverse, both balanced, numbered as in kernel.h;
 * the last N/2 of the inverse (layer of pairs) in groups of two vectors, one of
 * even places, one of odd. */
static size_t fma_ntt_bytes(size_t n)
{
    return n <= (size_t)1 << SMALL_LOG ? cki_portable_ntt_bytes(n)
                                       : 2 * n * sizeof(double);
}

static void table_fill(double *w, const uint64_t *root, size_t n, uint64_t p)
{
    for (size_t i = 0; i < n; i++)
        w[i] = balanced(root[i], p);
}

static void table_by_pairs(double *w, const uint64_t *root, size_t n,
                           uint64_t p)
{
    table_fill(w, root, n / 2, p);
    for (size_t i = n / 2; i < n; i += 2 * LANES)
        for (size_t j = 0; j < 2 * LANES; j++)
            w[i + j % 2 * LANES + j / 2] = balanced(root[i + j], p);
}

static void fma_ntt_prepare(cki_ntt *t, const uint64_t *root,
                            const uint64_t *inverse)
{
    const size_t n = t->n;
    double *w = t->own;

    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_prepare(t, root, inverse);
        return;
    }
    table_fill(w, root, n, t->mod.p);
    table_by_pairs(w + n, inverse, n, t->mod.p);
}

/* ---- the end in a division ---------------------------------------------- */

/* What goes into a division, and what it makes. */
enum {
    DIVIDEND = UNIT + LAST,
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
            for (size_t k = 0; k < 4 * LANES; k += 8)
                ask_permuted(y, perm, at + k, n);
        UNROLL
        for (size_t k = 0; k < 4; k++)
            x[k] += load_at(y, perm, at + LANES * k);
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
 * + 6.54 < 8 (DIVIDEND), so the product with w at most 1/2 + 7.54/16 < 1; with
 * the sum (or the product of it, below 1) and the middle below 1 + 4.5 + 1/2 <
 * 8: Lemma C. */
static void fwd_divide(const uint64_t *x, size_t count, size_t at,
                       const ending *e, size_t n, prime c)
{
    const cki_ending *q = e->q;

    for (const uint64_t *end = x + count; x < end;
         x += 4 * LANES, at += 4 * LANES) {
        uint64_t *out = e->out + at;
        vec v[4], sum[4];

        UNROLL
        for (size_t k = 0; k < 4; k++)
            v[k] = load_lazy(x + LANES * k);
        for (int k = 0; k < 4; k++)
            VERIFY_VEC(v[k], LAST, c);
        UNROLL
        for (size_t k = 0; k < 4; k++)
            v[k] = load(q->in + at + LANES * k) - v[k];
        for (int k = 0; k < 4; k++)
            VERIFY_VEC(v[k], DIVIDEND, c);
        UNROLL
        for (int k = 0; k < 4; k++)
            v[k] = mulmod(v[k], e->w, c);
        if (q->summands == 0) {
            UNROLL
            for (size_t k = 0; k < 4; k++)
                store(out + LANES * k, lift(v[k], c));
            continue;
        }
        UNROLL
        for (int k = 0; k < 4; k++)
            sum[k] = all(0);
        add_summands(sum, q, at, n, c);
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            if (q->u != 1)
                sum[k] = mulmod(sum[k], e->u, c);
            v[k] += sum[k] - c.half;
            VERIFY_VEC(v[k], MOST, c);
            store_centred(out + LANES * k, reduce(v[k], c), c);
        }
    }
}

/* Layers done since the beginning or since x was reduced, layers left, and
 * whether x are brought down before the next `count`: before a tenth, and among
 * the last eight (LAST_LAYERS) before the first, if more than eight, or seven
 * from the beginning, would follow each other at the end. */
typedef struct layers {
    int done, left;
    bool reduced;
} layers;

static inline bool next_layers(layers *k, int count)
{
    const bool reduced = k->done + count >= MAX_LAYERS
                         || (k->left <= LAST_LAYERS
                             && k->done + k->left
                                    > LAST_LAYERS - !k->reduced);

    k->done = reduced ? count : k->done + count;
    k->left -= count;
    k->reduced |= reduced;
    return reduced;
}

/* ---- in two halves ------------------------------------------------------- */

/* The words that a layer joins, and what is known before it. */
typedef struct state {
    size_t size;
    layers k;
    bool words;                 /* nothing has been done to words            */
} state;

static state state_of(const cki_ntt *t, bool lazy)
{
    const int folded = t->real ? 1 + t->log_n % 2 : 0;
    state s = { folded == 2 ? t->n / 2 : t->n,
                { folded, t->log_n - folded / 2, false },
                !t->real && !lazy };

    return s;
}

/* Layers on the words from `at` to stop, until they join at most `most`: one,
 * if an odd number is left, then two at a time. */
static void fwd_layers(uint64_t *x, size_t at, size_t stop, size_t most,
                       state *s, const cki_ntt *t, prime c)
{
    const double *table = t->own;

    while (s->size > most) {
        const int count = 2 - s->k.left % 2;
        const bool reduced = next_layers(&s->k, count);
        const double *one = table + (t->n + at) / s->size;

        if (count == 1)
            fwd_layer(x + at, stop - at, s->size / 2, one, s->words, reduced,
                      c);
        else
            fwd_two_layers(x + at, stop - at, s->size / 4, one,
                           table + 2 * (t->n + at) / s->size, s->words,
                           reduced, c);
        s->size >>= count;
        s->words = false;
        VERIFY_WITHIN(x + at, stop - at, fwd_bound(s->k.done, s->k.reduced),
                      c);
    }
}

/* The layers of the words from `at` to stop, which know nothing of others;
 * skipped: words before them of what belongs to soon; e, soon: or NULL. */
static void fwd_rest(uint64_t *x, size_t at, size_t stop, state s,
                     const ending *e, size_t skipped, const cki_soon *soon,
                     const cki_ntt *t, prime c)
{
    const double *table = t->own;
    const size_t n = t->n, size = stop - at;
    bool reduced;

    fwd_layers(x, at, stop, 4, &s, t, c);
    reduced = next_layers(&s.k, 1);
    x += at;
    if (reduced)
        fwd_twos(x, size, table + (n + at) / 4, true, c);
    else
        fwd_twos(x, size, table + (n + at) / 4, false, c);
    VERIFY_WITHIN(x, size, fwd_bound(s.k.done, s.k.reduced), c);
    reduced = next_layers(&s.k, 1);
    VERIFY(!reduced && s.k.left == 0 && s.k.done <= LAST_LAYERS);
    fwd_ones(x, size, table + (n + at) / 2,
             e == NULL ? c.half : all(0), c);
    VERIFY_WITHIN(x, size, LAST + (e == NULL ? HALF : 0), c);
    if (e == NULL)
        fwd_words(x, size, skipped, soon, cki_packed_bytes(&t->mod), c);
    else
        fwd_divide(x, size, at, e, n, c);
}

/* Words of a part that knows nothing of others after the head.  Of long
 * polynomials, which no cache near the processor holds, it is a few blocks: the
 * tail of the first one does the layers that join them, just before they are
 * worked on.  (Not with two lanes: code that goes over networks.) */
static inline size_t part_of(size_t n)
{
    return LANES == 4 && n > 4 * CKI_BLOCK ? 4 * CKI_BLOCK : CKI_BLOCK;
}

/* One block has its layers in the tail, which begins with words. */
static void lazy_to_words(uint64_t *x, size_t n, prime c)
{
    for (size_t i = 0; i < n; i += LANES)
        store_centred(x + i, reduce(load_lazy(x + i) - c.half, c), c);
}

static void head(uint64_t *x, const cki_ntt *t, bool lazy)
{
    const prime c = prime_of(&t->mod);
    state s;

    if (lazy)
        VERIFY_WITHIN(x, t->n, FWD_0, c);
    else
        VERIFY_BELOW(x, t->n, t->mod.p);
    if (lazy && !t->real && t->n <= CKI_BLOCK) {
        lazy_to_words(x, t->n, c);
        return;
    }
    s = state_of(t, lazy);
    if (t->real)
        fma_fold(x, t, lazy);
    fwd_layers(x, 0, t->n, part_of(t->n), &s, t, c);
}

/* The layers until they join at most `most` words, as if they were done. */
static void skip_layers(state *s, size_t most)
{
    while (s->size > most) {
        const int count = 2 - s->k.left % 2;

        (void)next_layers(&s->k, count);
        s->size >>= count;
        s->words = false;
    }
}

/* The other layers of the words from `at` to stop, whole blocks, and where a
 * part begins those that join its blocks; e, soon: or NULL. */
static void tail(uint64_t *x, size_t at, size_t stop, const ending *e,
                 const cki_soon *soon, const cki_ntt *t)
{
    const prime c = prime_of(&t->mod);
    const size_t begin = at;
    state part = state_of(t, false), s;

    skip_layers(&part, part_of(t->n));
    s = part;
    skip_layers(&s, CKI_BLOCK);
    for (size_t block = s.size; at < stop; at += block) {
        state own = part, first = s;

        if (LANES == 4 && at % part.size == 0)
            fwd_layers(x, at, at + part.size, CKI_BLOCK, &own, t, c);
        fwd_layers(x, at, at + block, BLOCK, &first, t, c);
        for (size_t i = at; i < at + block; i += first.size)
            fwd_rest(x, i, i + first.size, first, e, i - begin, soon, t, c);
    }
}

static void fma_ntt_head(uint64_t *x, const cki_ntt *t, bool lazy)
{
    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_head(x, t, lazy);
    else
        head(x, t, takes_lazy(lazy, t->n));
}

static void fma_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t, bool lazy,
                         const cki_soon *soon)
{
    const size_t stop = at + cki_block(t->n);

    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_tail(x, at, t, lazy, soon);
    else
        tail(x, at, stop, NULL, soon, t);
    VERIFY_BELOW(x + at, stop - at, t->mod.p);
}

static void fma_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_fwd(x, t);
    } else {
        head(x, t, false);
        tail(x, 0, t->n, NULL, NULL, t);
        VERIFY_BELOW(x, t->n, t->mod.p);
    }
}

static void fma_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
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
