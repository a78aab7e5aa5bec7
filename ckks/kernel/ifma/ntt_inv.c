/* ntt_inv.c -- the inverse NTT in words of 52 bits.
 *
 * Read first: ntt.c.
 */
#include "kernel/ifma/ntt.h"

/* Two layers on four vectors: pairs (a, b) and (d, e) with w2 and w3, then
 * (a, d) and (b, e) with w1.  At the end b is below 4p: halved once; a below
 * 8p: twice. */
static inline void inv_two(vec *a, vec *b, vec *d, vec *e, twiddle w1,
                           twiddle w2, twiddle w3, vec p4, prime c)
{
    inv(a, b, w2, c.p2, c);
    inv(d, e, w3, c.p2, c);
    inv(a, d, w1, p4, c);
    inv(b, e, w1, c.p2, c);
    *a = fold(fold(low52(*a, c), p4), c.p2);
    *b = fold(low52(*b, c), c.p2);
    *d = low52(*d, c);
    *e = low52(*e, c);
}

static inline void inv_block(uint64_t *x, size_t t, size_t i, const plan *f)
{
    const prime c = f->c;
    const twiddle w1 = same(f->table, i, c);
    const twiddle w2 = same(f->table, 2 * i, c);
    const twiddle w3 = same(f->table, 2 * i + 1, c);
    const vec p4 = add(c.p2, c.p2);

    for (uint64_t *end = x + t; x < end; x += LANES) {
        vec a = load(x), b = load(x + t);
        vec d = load(x + 2 * t), e = load(x + 3 * t);

        inv_two(&a, &b, &d, &e, w1, w2, w3, p4, c);
        store(x, a);
        store(x + t, b);
        store(x + 2 * t, d);
        store(x + 3 * t, e);
    }
}

static void inv_sweep(uint64_t *x, size_t size, size_t t, size_t i,
                      const plan *f)
{
    for (uint64_t *end = x + size; x < end; x += 4 * t, i++)
        inv_block(x, t, i, f);
}

/* The first six layers on 64 words number i: distances 1 and 2, 4 and 8, 16
 * and 32. */
static inline void inv_first(uint64_t *to, const uint64_t *in, size_t i,
                             const plan *f)
{
    const uint64_t *w = f->table;
    const size_t n = f->n, at1 = n / 2 + 32 * i, at2 = n / 4 + 16 * i;
    const prime c = f->c;
    const vec p4 = add(c.p2, c.p2);
    vec x[8];

    UNROLL
    for (int k = 0; k < 8; k++)
        x[k] = load(in + LANES * k);
    transpose(x);
    UNROLL
    for (size_t k = 0; k < 2; k++)
        inv_two(&x[4 * k], &x[4 * k + 1], &x[4 * k + 2], &x[4 * k + 3],
                each(w, at2 + 8 * k, c), each(w, at1 + 16 * k, c),
                each(w, at1 + 16 * k + 8, c), p4, c);
    VERIFY_EIGHT(x, INV, c);
    UNROLL
    for (int k = 0; k < 4; k++) {
        inv(&x[k], &x[k + 4], each(w, n / 8 + 8 * i, c), c.p2, c);
        x[k] = fold(x[k], c.p2);
        x[k + 4] = low52(x[k + 4], c);
    }
    VERIFY_EIGHT(x, INV, c);
    transpose(x);
    UNROLL
    for (size_t k = 0; k < 4; k++) {
        inv(&x[2 * k], &x[2 * k + 1], same(w, n / 16 + 4 * i + k, c), c.p2,
            c);
        x[2 * k] = fold(x[2 * k], c.p2);
        x[2 * k + 1] = low52(x[2 * k + 1], c);
    }
    VERIFY_EIGHT(x, INV, c);
    UNROLL
    for (size_t k = 0; k < 2; k++)
        inv_two(&x[k], &x[k + 2], &x[k + 4], &x[k + 6],
                same(w, n / 64 + i, c), same(w, n / 32 + 2 * i, c),
                same(w, n / 32 + 2 * i + 1, c), p4, c);
    UNROLL
    for (int k = 0; k < 8; k++)
        store(to + LANES * k, x[k]);
}

/* The last layer (log N odd) or two, w/N included; canonical words out. */
static void inv_last(uint64_t *x, uint64_t w, bool two, const cki_ntt *ntt,
                     const plan *f)
{
    const cki_mod *m = &ntt->mod;
    const prime c = f->c;
    const twiddle scale = factor(cki_mul(ntt->n_inv, w, m), m);
    const twiddle w1 = factor(cki_mul(ntt->n_inv_v, w, m), m);
    const twiddle w2 = same(f->table, 2, c), w3 = same(f->table, 3, c);
    const vec p4 = add(c.p2, c.p2);
    const size_t t = two ? f->n / 4 : f->n / 2;

    for (uint64_t *stop = x + t; x < stop; x += LANES) {
        vec out[4], a = load(x), b = load(x + t);

        if (two) {
            vec d = load(x + 2 * t), e = load(x + 3 * t);

            inv(&a, &b, w2, c.p2, c);
            inv(&d, &e, w3, c.p2, c);
            VERIFY_VEC(a, INV_SUMS, c);
            VERIFY_VEC(d, INV_SUMS, c);
            VERIFY_VEC(b, INV, c);
            VERIFY_VEC(e, INV, c);
            out[0] = add(a, d);
            out[1] = add(b, e);
            out[2] = add(sub(a, d), p4);
            out[3] = add(sub(b, e), c.p2);
        } else {
            out[0] = add(a, b);
            out[1] = add(sub(a, b), c.p2);
        }
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            twiddle by = k < (two ? 2 : 1) ? scale : w1;

            if (k < 2 || two)
                store(x + k * t, fold(low52(mul_add_lazy(
                    zero(), out[k], by.w, by.s, c), c), c.p));
        }
    }
}

void cki_ifma_ntt_inv(uint64_t *x, const uint64_t *in, uint64_t w,
                      const cki_ntt *t)
{
    const size_t n = t->n;
    const uint64_t *own = t->own;
    const bool odd = t->log_n % 2 == 1;
    /* where inv_last, or cki_ifma_unfold, begins */
    const size_t top = odd ? n / 2 : t->real ? n : n / 4;
    const plan f = plan_of(t, own + n);
    size_t size = top;

    VERIFY_BELOW(in, n, t->mod.p);
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_inv(x, in, w, t);
        return;
    }
    while (size > BLOCK)
        size /= 4;
    if (size < LAST)
        size = LAST;
    for (size_t at = 0; at < n; at += size) {
        for (size_t i = at; i < at + size; i += LAST)
            inv_first(x + i, in + i, i / LAST, &f);
        VERIFY_WITHIN(x + at, size, INV, f.c);
        for (size_t s = 4 * LAST; s <= size; s *= 4) {
            inv_sweep(x + at, size, s / 4, (n + at) / s, &f);
            VERIFY_WITHIN(x + at, size, INV, f.c);
        }
    }
    for (size_t s = 4 * size; s <= top; s *= 4) {
        inv_sweep(x, n, s / 4, n / s, &f);
        VERIFY_WITHIN(x, n, INV, f.c);
    }
    if (t->real)
        cki_ifma_unfold(x, w, t, &f);
    else if (odd)
        inv_last(x, w, false, t, &f);
    else
        inv_last(x, w, true, t, &f);
    VERIFY_BELOW(x, n, t->mod.p);
}
