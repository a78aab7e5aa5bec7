/* ntt_inv.c -- the inverse NTT in words of 52 bits.
 *
 * Read first: ntt.c.
 */
#include "kernel/ifma/ntt.h"

/* (x, y) -> (x + y, w (x - y + above)), both below `above`: 2p or 4p (ranges:
 * ntt.h). */
static inline void inv(vec *x, vec *y, twiddle t, vec above, prime c)
{
    vec d = add(sub(*x, *y), above);

    VERIFY(below(low52(*x, c), above) && below(low52(*y, c), above));
    *x = add(*x, *y);
    *y = mul_add_lazy(zero(), d, t.w, t.s, c);
}

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
    const twiddle w1 = same(f->table, f->n, i);
    const twiddle w2 = same(f->table, f->n, 2 * i);
    const twiddle w3 = same(f->table, f->n, 2 * i + 1);
    const prime c = f->c;
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
                each(w, n, at2 + 8 * k), each(w, n, at1 + 16 * k),
                each(w, n, at1 + 16 * k + 8), p4, c);
    VERIFY_EIGHT(x, INV, c);
    UNROLL
    for (int k = 0; k < 4; k++) {
        inv(&x[k], &x[k + 4], each(w, n, n / 8 + 8 * i), c.p2, c);
        x[k] = fold(x[k], c.p2);
        x[k + 4] = low52(x[k + 4], c);
    }
    VERIFY_EIGHT(x, INV, c);
    transpose(x);
    UNROLL
    for (size_t k = 0; k < 4; k++) {
        inv(&x[2 * k], &x[2 * k + 1], same(w, n, n / 16 + 4 * i + k), c.p2,
            c);
        x[2 * k] = fold(x[2 * k], c.p2);
        x[2 * k + 1] = low52(x[2 * k + 1], c);
    }
    VERIFY_EIGHT(x, INV, c);
    UNROLL
    for (size_t k = 0; k < 2; k++)
        inv_two(&x[k], &x[k + 2], &x[k + 4], &x[k + 6],
                same(w, n, n / 64 + i), same(w, n, n / 32 + 2 * i),
                same(w, n, n / 32 + 2 * i + 1), p4, c);
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
    const twiddle w2 = same(f->table, f->n, 2), w3 = same(f->table, f->n, 3);
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

/* w x, canonical; x anything below 2^52. */
static inline vec times(vec x, twiddle w, prime c)
{
    return fold(low52(mul_add_lazy(zero(), x, w.w, w.s, c), c), c.p);
}

/* The four words of the real ring's layer (cki_ntt_init) back, w/2N included:
 * from INV_SUMS at most, sums and differences below 8 (ROOM). */
static inline void unfold(vec *u, vec *p, vec *q, vec *v, twiddle w0,
                          twiddle scale, vec p4, prime c)
{
    const vec a = *u, b = *p;

    VERIFY_VEC(a, INV_SUMS, c);
    VERIFY_VEC(b, INV_SUMS, c);
    VERIFY_VEC(*q, INV_SUMS, c);
    VERIFY_VEC(*v, INV_SUMS, c);
    *u = times(add(a, *v), scale, c);
    *v = times(add(sub(a, *v), p4), w0, c);
    *p = times(add(b, *q), scale, c);
    *q = times(add(sub(b, *q), p4), w0, c);
}

/* What is not kept at j = 0 and N/4, from what is: v = u and q = I p there, u =
 * -I q and p = -I v here. */
static void inv_edge(cki_edge *e, twiddle w0, twiddle w1, twiddle scale,
                     bool two, vec p4, const cki_ntt *t, prime c)
{
    const twiddle plus = factor(t->unfold, &t->mod);
    const twiddle minus = factor(t->fold, &t->mod);

    for (size_t i = 0; i < 2 * LANES; i += LANES) {
        vec u = load(e->u + i), p = load(e->p + i);
        vec q = load(e->q + i), v = load(e->v + i);

        if (two) {
            inv(&u, &p, w1, c.p2, c);
            inv(&q, &v, w1, c.p2, c);
        }
        if (i == 0) {
            v = _mm512_mask_mov_epi64(v, 1, u);
            q = _mm512_mask_mov_epi64(q, 1, times(p, plus, c));
        } else {
            u = times(q, minus, c);
            p = times(v, minus, c);
        }
        unfold(&u, &p, &q, &v, w0, scale, p4, c);
        store(e->u + i, u);
        store(e->p + i, p);
        store(e->q + i, q);
        store(e->v + i, v);
    }
}

/* The last layer, if two, and that of the real ring; canonical words out. */
static ALWAYS_INLINE void inv_real(uint64_t *x, uint64_t w, bool two,
                                   const cki_ntt *t, const plan *f)
{
    const size_t n = t->n;
    const cki_mod *m = &t->mod;
    const prime c = f->c;
    const uint64_t by = cki_mul(t->n_inv, w, m);
    const twiddle scale = factor(by, m), w1 = same(f->table, n, 1);
    const twiddle w0 = factor(cki_mul(by, t->unfold, m), m);
    const vec p4 = add(c.p2, c.p2);
    uint64_t *mid = x + n / 2, *end = x + n;
    cki_edge edge;

    cki_edge_load(&edge, x, LANES, n);
    for (size_t j = LANES; j < n / 4; j += LANES) {
        vec u = load(x + j), p = load(mid + j);
        vec q = reversed(load(mid - j - 7)), v = reversed(load(end - j - 7));

        if (two) {
            inv(&u, &p, w1, c.p2, c);
            inv(&q, &v, w1, c.p2, c);
        }
        unfold(&u, &p, &q, &v, w0, scale, p4, c);
        store(x + j, u);
        store(mid + j, p);
        store(mid - j - 7, reversed(q));
        store(end - j - 7, reversed(v));
    }
    inv_edge(&edge, w0, w1, scale, two, p4, t, c);
    cki_edge_store(x, &edge, LANES, n);
}

void cki_ifma_ntt_inv(uint64_t *x, const uint64_t *in, uint64_t w,
                      const cki_ntt *t)
{
    const size_t n = t->n;
    const uint64_t *own = t->own;
    const bool odd = t->log_n % 2 == 1;
    /* where inv_last, or inv_real, begins */
    const size_t top = odd ? n / 2 : t->real ? n : n / 4;
    const plan f = plan_of(t, own + 2 * n);
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
    if (t->real && odd)
        inv_real(x, w, true, t, &f);
    else if (t->real)
        inv_real(x, w, false, t, &f);
    else if (odd)
        inv_last(x, w, false, t, &f);
    else
        inv_last(x, w, true, t, &f);
    VERIFY_BELOW(x, n, t->mod.p);
}
