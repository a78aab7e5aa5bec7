/* ntt.c -- the NTT in words of 52 bits.
 *
 * Read first: ifma.h (Lemma I), docs/02-ntt.md, docs/10-kernels.md.
 */
#include "kernel/ifma/ending.h"

/* ---- tables -------------------------------------------------------------- */

/* A table of one direction: the companions of N twiddles, numbered as in
 * kernel.h.  Those of the layers of distance 2 and 1 stand, for each 64 words
 * of the transform, in the order the transposed code reads: lane j belongs to
 * words 8j .. 8j + 7.
 * own: forward table, inverse table. */
size_t cki_ifma_ntt_bytes(size_t n)
{
    return n <= (size_t)1 << SMALL_LOG ? cki_portable_ntt_bytes(n)
                                       : 2 * n * sizeof(uint64_t);
}

static void table_fill(uint64_t *s, const uint64_t *root, size_t n,
                       const cki_mod *m)
{
    for (size_t i = 0; i < n / 4; i++)
        s[i] = companion(root[i], m);
    for (size_t i = n / 4; i < n; i++) {
        size_t wide = i < n / 2 ? 2 : 4;        /* twiddles a lane           */
        size_t in = i % (LANES * wide);

        s[i - in + in % wide * LANES + in / wide] = companion(root[i], m);
    }
}

void cki_ifma_ntt_prepare(cki_ntt *t, const uint64_t *root,
                          const uint64_t *inverse)
{
    const size_t n = t->n;
    uint64_t *s = t->own;

    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_prepare(t, root, inverse);
        return;
    }
    table_fill(s, root, n, &t->mod);
    table_fill(s + n, inverse, n, &t->mod);
}

/* ---- forward (ranges: ntt.h) --------------------------------------------- */

/* One layer over everything. */
static void fwd_one(uint64_t *x, const plan *f)
{
    const prime c = f->c;
    const twiddle t = same(f->table, 1, c);
    uint64_t *y = x + f->n / 2;

    for (size_t j = 0; j < f->n / 2; j += LANES) {
        vec a = load(x + j), b = load(y + j);

        fwd(&a, &b, t, c);
        store(x + j, a);
        store(y + j, b);
    }
}

/* What is done to x before a layer: reduced, or not; rise: what is added, or
 * NULL. */
static ALWAYS_INLINE vec ready(vec x, unsigned reduced, const vec *rise,
                               prime c)
{
    if (reduced)
        x = reduce_lazy(x, c);
    return rise != NULL ? add(x, *rise) : x;
}

/* Two layers on one block of 4t words, its first twiddle number i. */
static ALWAYS_INLINE void fwd_four(uint64_t *x, size_t t, size_t i,
                                   unsigned reduced, bool rose, const plan *f)
{
    const prime c = f->c;
    const twiddle w1 = same(f->table, i, c);
    const twiddle w2 = same(f->table, 2 * i, c);
    const twiddle w3 = same(f->table, 2 * i + 1, c);
    const vec rise = add(c.p2, c.p2);

    for (uint64_t *end = x + t; x < end; x += LANES) {
        vec a = load(x), b = load(x + t);
        vec d = load(x + 2 * t), e = load(x + 3 * t);

        a = ready(a, reduced & 1, rose ? &rise : NULL, c);
        b = ready(b, reduced & 1, rose ? &rise : NULL, c);
        fwd_or_raised(&a, &d, w1, rose, c);
        fwd_or_raised(&b, &e, w1, rose, c);
        a = ready(a, reduced & 2, NULL, c);
        d = ready(d, reduced & 2, NULL, c);
        fwd_or_raised(&a, &b, w2, rose, c);
        fwd_or_raised(&d, &e, w3, rose, c);
        store(x, a);
        store(x + t, b);
        store(x + 2 * t, d);
        store(x + 3 * t, e);
    }
}

/* Three layers on eight vectors: w[0]; w[1], w[2]; w[3] .. w[6]. */
static ALWAYS_INLINE void fwd_three(vec *x, const twiddle *w, unsigned reduced,
                                    bool rose, prime c)
{
    const vec rise = add(add(c.p2, c.p2), c.p2);

    UNROLL
    for (int k = 0; k < 4; k++) {
        x[k] = ready(x[k], reduced & 1, rose ? &rise : NULL, c);
        fwd_or_raised(&x[k], &x[k + 4], w[0], rose, c);
    }
    UNROLL
    for (int k = 0; k < 4; k++) {
        vec *y = x + k + k / 2 * 2;

        *y = ready(*y, reduced & 2, NULL, c);
        fwd_or_raised(y, y + 2, w[1 + k / 2], rose, c);
    }
    UNROLL
    for (int k = 0; k < 4; k++) {
        x[2 * k] = ready(x[2 * k], reduced & 4, NULL, c);
        fwd_or_raised(&x[2 * k], &x[2 * k + 1], w[3 + k], rose, c);
    }
}

/* Three layers on one block of 8t words, its first twiddle number i. */
static ALWAYS_INLINE void fwd_eight(uint64_t *x, size_t t, size_t i,
                                    unsigned reduced, bool rose, const plan *f)
{
    twiddle w[7];

    twiddles_of_three(w, i, f);
    for (uint64_t *end = x + t; x < end; x += LANES) {
        vec a[8];

        UNROLL
        for (size_t k = 0; k < 8; k++)
            a[k] = load(x + k * t);
        fwd_three(a, w, reduced, rose, f->c);
        UNROLL
        for (size_t k = 0; k < 8; k++)
            store(x + k * t, a[k]);
    }
}

/* The last six layers, on 64 words number i, three of them transposed; words
 * out, if lazy what the layers leave in the low 52 bits, or into a division. */
static ALWAYS_INLINE void fwd_last(uint64_t *x, size_t i, const sweep *s,
                                   bool rose, bool lazy, const ending *e,
                                   const plan *f)
{
    const size_t n = f->n;
    const prime c = f->c;
    twiddle w[7];
    vec a[8];

    UNROLL
    for (int k = 0; k < 8; k++)
        a[k] = load(x + LANES * k);
    twiddles_of_three(w, n / LAST + i, f);
    fwd_three(a, w, s[0].reduced, rose, c);
    VERIFY_EIGHT(a, s[0].bound, c);
    transpose(a);
    twiddles_transposed(w, i, f);
    fwd_three(a, w, s[1].reduced, rose, c);
    VERIFY_EIGHT(a, s[1].bound, c);
    if (e == NULL && !lazy)
        UNROLL
        for (int k = 0; k < 8; k++)
            a[k] = reduce(a[k], c);
    transpose(a);
    UNROLL
    for (size_t k = 0; k < 8; k++)
        if (e == NULL)
            store(x + LANES * k, a[k]);
        else
            store(e->out + LAST * i + LANES * k,
                  end_of(a[k], LAST * i + LANES * k, e, n, c));
}

/* The layers above the last six, three at a time as far as they go, else two;
 * one if there is but one.  Gives how many sweeps. */
static int sweeps_of(sweep *s, int layers, plan *f)
{
    int count = 0;

    for (; layers > 0; layers -= s[count++].layers)
        s[count] = plan_layers(f, layers == 2 || layers == 4 ? 2
                                  : layers < 3 ? layers : 3);
    return count;
}

/* One sweep over `count` words, whole blocks of `size`; i: the first block's
 * twiddle. */
static void fwd_sweep(uint64_t *x, size_t count, size_t size, size_t i,
                      sweep s, const plan *f)
{
    uint64_t *const end = x + count;
    const bool rose = raised(f);

    for (; x < end; x += size, i++)
        if (s.layers == 3 && rose)
            fwd_eight(x, size / 8, i, s.reduced, true, f);
        else if (s.layers == 3)
            fwd_eight(x, size / 8, i, s.reduced, false, f);
        else if (s.layers == 2 && rose)
            fwd_four(x, size / 4, i, s.reduced, true, f);
        else if (s.layers == 2)
            fwd_four(x, size / 4, i, s.reduced, false, f);
        else
            fwd_one(x, f);
    VERIFY_WITHIN(end - count, count, s.bound, f->c);
}

/* ---- in two halves ------------------------------------------------------- */

/* All sweeps, and the last six layers; the words that the first sweep joins. */
typedef struct course {
    sweep s[MAX_SWEEPS];
    int count;
    sweep last[2];
    size_t size;
} course;

static course course_of(const cki_ntt *t, plan *f)
{
    const bool two = t->real && t->log_n % 2 == 1;
    course k = { .size = two ? t->n / 2 : t->n };

    k.count = sweeps_of(k.s, t->log_n - two - SMALL_LOG, f);
    for (int i = 0; i < 2; i++)
        k.last[i] = plan_layers(f, 3);
    return k;
}

static void head(uint64_t *x, const cki_ntt *t, bool lazy)
{
    plan f = plan_of(t, t->own);
    course k;

    if (lazy)
        VERIFY_WITHIN(x, t->n, first_bound(f.room), f.c);
    else
        VERIFY_BELOW(x, t->n, t->mod.p);
    if (t->real)
        cki_ifma_fold(x, t, &f);
    k = course_of(t, &f);
    for (int i = 0; k.size > CKI_BLOCK; k.size >>= k.s[i++].layers)
        fwd_sweep(x, t->n, k.size, t->n / k.size, k.s[i], &f);
}

/* Asks for the part of packed blocks that belongs to LAST words, at i of x's
 * block. */
static inline void ask(const cki_soon *soon, size_t i, size_t bytes)
{
    for (int k = 0; k < CKI_SOON && soon->x[k] != NULL; k++)
        for (size_t j = 0; j < LAST * bytes; j += 64)
            _mm_prefetch((const void *)(soon->x[k] + i * bytes + j),
                         _MM_HINT_T1);
}

/* The rest of the layers of the words from `at` to stop, whole blocks; e, soon:
 * or NULL. */
static ALWAYS_INLINE void tail(uint64_t *x, size_t at, size_t stop, bool lazy,
                               const ending *e, const cki_soon *soon,
                               const cki_ntt *t)
{
    plan f = plan_of(t, t->own);
    course k = course_of(t, &f);
    const size_t n = t->n, begin = at, bytes = cki_packed_bytes(&t->mod);
    int top = 0, mid;

    for (; k.size > CKI_BLOCK; k.size >>= k.s[top++].layers)
        ;
    for (; at < stop; at += k.size) {
        size_t size = k.size;

        for (mid = top; size > BLOCK; size >>= k.s[mid++].layers)
            fwd_sweep(x + at, k.size, size, (n + at) / size, k.s[mid], &f);
        for (size_t i = at; i < at + k.size; i += size) {
            size_t part = size;

            for (int j = mid; j < k.count; part >>= k.s[j++].layers)
                fwd_sweep(x + i, size, part, (n + i) / part, k.s[j], &f);
            for (size_t j = i; j < i + size; j += LAST) {
                if (soon != NULL)
                    ask(soon, j - begin, bytes);
                if (raised(&f))
                    fwd_last(x + j, j / LAST, k.last, true, lazy, e, &f);
                else
                    fwd_last(x + j, j / LAST, k.last, false, lazy, e, &f);
            }
        }
    }
}

static void tail_words(uint64_t *x, size_t at, size_t stop,
                       const cki_soon *soon, const cki_ntt *t)
{
    if (soon != NULL)
        tail(x, at, stop, false, NULL, soon, t);
    else
        tail(x, at, stop, false, NULL, NULL, t);
    VERIFY_BELOW(x + at, stop - at, t->mod.p);
}

static void tail_lazy(uint64_t *x, size_t at, size_t stop,
                      const cki_soon *soon, const cki_ntt *t)
{
    tail(x, at, stop, true, NULL, soon, t);
}

void cki_ifma_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_fwd(x, t);
    } else {
        head(x, t, false);
        tail_words(x, 0, t->n, NULL, t);
    }
}

void cki_ifma_ntt_head(uint64_t *x, const cki_ntt *t, bool lazy)
{
    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_head(x, t, lazy);
    else
        head(x, t, lazy);
}

void cki_ifma_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t, bool lazy,
                       const cki_soon *soon)
{
    if (t->log_n <= SMALL_LOG)
        cki_portable_ntt_tail(x, at, t, lazy, soon);
    else if (lazy)
        tail_lazy(x, at, at + cki_block(t->n), soon, t);
    else
        tail_words(x, at, at + cki_block(t->n), soon, t);
}

void cki_ifma_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
                         const cki_ntt *t)
{
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_finish(out, z, q, t);
    } else {
        const ending e = ending_of(out, q, &t->mod);

        tail(z, 0, t->n, false, &e, NULL, t);
        VERIFY_BELOW(out, t->n, t->mod.p);
    }
}
