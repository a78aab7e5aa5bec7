/* fold.c -- the real ring's own layer in words of 52 bits.
 *
 * Read first: cki_ntt_init in kernel.h, ntt.h, avx/edge.h.
 */
#include "kernel/avx/edge.h"
#include "kernel/ifma/ntt.h"

/* ---- forward ------------------------------------------------------------- */

/* The real ring's layer (cki_ntt_init), its four words in u, p, q, v, and, if
 * two, the first of the others. */
static ALWAYS_INLINE void fwd_folded(vec *u, vec *p, vec *q, vec *v,
                                     twiddle w0, twiddle w1, bool two,
                                     prime c)
{
    fwd(u, v, w0, c);
    fwd(p, q, w0, c);
    if (two) {
        fwd(u, p, w1, c);
        fwd(q, v, w1, c);
    }
}

/* That layer, or two, over everything. */
static ALWAYS_INLINE void fwd_real(uint64_t *x, bool two, const cki_ntt *t,
                                   const plan *f)
{
    const size_t n = t->n;
    const prime c = f->c;
    const twiddle w0 = factor(t->fold, &t->mod), w1 = same(f->table, 1, c);
    uint64_t *mid = x + n / 2, *end = x + n;
    cki_edge edge;

    cki_edge_load(&edge, x, LANES, n);
    for (size_t j = LANES; j < n / 4; j += LANES) {
        vec u = load(x + j), p = load(mid + j);
        vec q = reversed(load(mid - j - 7)), v = reversed(load(end - j - 7));

        fwd_folded(&u, &p, &q, &v, w0, w1, two, c);
        store(x + j, u);
        store(mid + j, p);
        store(mid - j - 7, reversed(q));
        store(end - j - 7, reversed(v));
    }
    for (size_t i = 0; i < 2 * LANES; i += LANES) {
        vec u = load(edge.u + i), p = load(edge.p + i);
        vec q = load(edge.q + i), v = load(edge.v + i);

        fwd_folded(&u, &p, &q, &v, w0, w1, two, c);
        store(edge.u + i, u);
        store(edge.p + i, p);
        store(edge.q + i, q);
        store(edge.v + i, v);
    }
    cki_edge_store(x, &edge, LANES, n);
    VERIFY_WITHIN(x, n, f->bound, c);
}

void cki_ifma_fold(uint64_t *x, const cki_ntt *t, const plan *f)
{
    if (t->log_n % 2 == 1)
        fwd_real(x, true, t, f);
    else
        fwd_real(x, false, t, f);
}

/* ---- inverse ------------------------------------------------------------- */

/* w x, canonical; x anything below 2^52. */
static inline vec times(vec x, twiddle w, prime c)
{
    return fold(low52(mul_add_lazy(zero(), x, w.w, w.s, c), c), c.p);
}

/* The four words of the real ring's layer (cki_ntt_init) back, w/2N included:
 * terms below `above`. */
static inline void unfold(vec *u, vec *p, vec *q, vec *v, twiddle w0,
                          twiddle scale, vec above, prime c)
{
    const vec a = *u, b = *p;

    VERIFY(below(low52(a, c), above) && below(low52(b, c), above));
    VERIFY(below(low52(*q, c), above) && below(low52(*v, c), above));
    *u = times(add(a, *v), scale, c);
    *v = times(add(sub(a, *v), above), w0, c);
    *p = times(add(b, *q), scale, c);
    *q = times(add(sub(b, *q), above), w0, c);
}

/* What is not kept at j = 0 and N/4, from what is: v = u and q = I p there, u =
 * -I q and p = -I v here. */
static void inv_edge(cki_edge *e, twiddle w0, twiddle w1, twiddle scale,
                     bool two, const cki_ntt *t, const plan *f)
{
    const prime c = f->c;
    const twiddle plus = factor(t->unfold, &t->mod);
    const twiddle minus = factor(t->fold, &t->mod);

    for (size_t i = 0; i < 2 * LANES; i += LANES) {
        vec u = load(e->u + i), p = load(e->p + i);
        vec q = load(e->q + i), v = load(e->v + i);

        if (two) {
            inv(&u, &p, w1, f->above, c);
            inv(&q, &v, w1, f->above, c);
        }
        if (i == 0) {
            v = _mm512_mask_mov_epi64(v, 1, u);
            q = _mm512_mask_mov_epi64(q, 1, times(p, plus, c));
        } else {
            u = times(q, minus, c);
            p = times(v, minus, c);
        }
        unfold(&u, &p, &q, &v, w0, scale, f->above, c);
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
    const twiddle scale = factor(by, m), w1 = same(f->table, 1, c);
    const twiddle w0 = factor(cki_mul(by, t->unfold, m), m);
    uint64_t *mid = x + n / 2, *end = x + n;
    cki_edge edge;

    cki_edge_load(&edge, x, LANES, n);
    for (size_t j = LANES; j < n / 4; j += LANES) {
        vec u = load(x + j), p = load(mid + j);
        vec q = reversed(load(mid - j - 7)), v = reversed(load(end - j - 7));

        if (two) {
            inv(&u, &p, w1, f->above, c);
            inv(&q, &v, w1, f->above, c);
        }
        unfold(&u, &p, &q, &v, w0, scale, f->above, c);
        store(x + j, u);
        store(mid + j, p);
        store(mid - j - 7, reversed(q));
        store(end - j - 7, reversed(v));
    }
    inv_edge(&edge, w0, w1, scale, two, t, f);
    cki_edge_store(x, &edge, LANES, n);
}

void cki_ifma_unfold(uint64_t *x, uint64_t w, const cki_ntt *t,
                     const plan *f)
{
    if (t->log_n % 2 == 1)
        inv_real(x, w, true, t, f);
    else
        inv_real(x, w, false, t, f);
}
