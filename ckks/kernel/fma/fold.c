/* fold.c -- the real ring's own layer in doubles.
 *
 * Read first: cki_ntt_init in kernel.h, ntt.h, avx/edge.h.
 */
#include "kernel/avx/edge.h"
#include "kernel/fma/ntt.h"

/* ---- forward ------------------------------------------------------------- */

/* The real ring's layer (cki_ntt_init), its four words in u, p, q, v, and, if
 * two, the first of the others. */
static ALWAYS_INLINE void fwd_folded(vec *u, vec *p, vec *q, vec *v,
                                     twiddle w0, twiddle w1, bool two,
                                     prime c)
{
    fwd(u, v, w0, c);
    fwd(p, q, w0, c);
    VERIFY_VEC(*u, FWD_1, c);
    VERIFY_VEC(*p, FWD_1, c);
    VERIFY_VEC(*q, FWD_1, c);
    VERIFY_VEC(*v, FWD_1, c);
    if (two) {
        fwd(u, p, w1, c);
        fwd(q, v, w1, c);
    }
}

/* Numbers that are lazy values, or words yet. */
static ALWAYS_INLINE vec load_either(const uint64_t *x, bool lazy)
{
    return lazy ? load_lazy(x) : load(x);
}

/* That layer, or two, over everything. */
static ALWAYS_INLINE void fwd_real(uint64_t *x, bool two, bool lazy,
                                   const double *table, const cki_ntt *t,
                                   prime c)
{
    const size_t n = t->n;
    const twiddle w0 = twiddle_of(constant(t->fold, &t->mod), c);
    const twiddle w1 = same(table[1], c);
    uint64_t *mid = x + n / 2;          /* *_back: vectors that go down      */
    uint64_t *mid_back = mid - (LANES - 1), *end_back = mid_back + n / 2;
    cki_edge edge;

    cki_edge_load(&edge, x, LANES, n);
    for (size_t j = LANES; j < n / 4; j += LANES) {
        vec u = load_either(x + j, lazy), p = load_either(mid + j, lazy);
        vec q = reversed(load_either(mid_back - j, lazy));
        vec v = reversed(load_either(end_back - j, lazy));

        fwd_folded(&u, &p, &q, &v, w0, w1, two, c);
        store_lazy(x + j, u);
        store_lazy(mid + j, p);
        store_lazy(mid_back - j, reversed(q));
        store_lazy(end_back - j, reversed(v));
    }
    for (size_t i = 0; i < 2 * LANES; i += LANES) {
        vec u = load_either(edge.u + i, lazy);
        vec p = load_either(edge.p + i, lazy);
        vec q = load_either(edge.q + i, lazy);
        vec v = load_either(edge.v + i, lazy);

        fwd_folded(&u, &p, &q, &v, w0, w1, two, c);
        store_lazy(edge.u + i, u);
        store_lazy(edge.p + i, p);
        store_lazy(edge.q + i, q);
        store_lazy(edge.v + i, v);
    }
    cki_edge_store(x, &edge, LANES, n);
    VERIFY_WITHIN(x, n, two ? FWD_2 : FWD_1, c);
}

/* The real ring's layer (cki_ntt_init), and with an odd log N the first of the
 * others; words or lazy values in, FWD_1 or FWD_2 out. */
static void fma_fold(uint64_t *x, const cki_ntt *t, bool lazy)
{
    const double *table = t->own;
    const prime c = prime_of(&t->mod);

    if (t->log_n % 2 == 1 && lazy)
        fwd_real(x, true, true, table, t, c);
    else if (t->log_n % 2 == 1)
        fwd_real(x, true, false, table, t, c);
    else if (lazy)
        fwd_real(x, false, true, table, t, c);
    else
        fwd_real(x, false, false, table, t, c);
}

/* ---- inverse ------------------------------------------------------------- */

/* The four words of the real ring's layer (cki_ntt_init) back, w/2N included:
 * from INV_SUMS the products' inputs are at most twice that. */
static inline void unfold(vec *u, vec *p, vec *q, vec *v, twiddle w0,
                          twiddle scale, prime c)
{
    const vec a = *u, b = *p;

    VERIFY_VEC(a, INV_SUMS, c);
    VERIFY_VEC(b, INV_SUMS, c);
    VERIFY_VEC(*q, INV_SUMS, c);
    VERIFY_VEC(*v, INV_SUMS, c);
    *u = lift(product(a + *v, scale, c), c);
    *v = lift(product(a - *v, w0, c), c);
    *p = lift(product(b + *q, scale, c), c);
    *q = lift(product(b - *q, w0, c), c);
}

/* What is not kept at j = 0 and N/4, from what is: v = u and q = I p there, u =
 * -I q and p = -I v here. */
static void inv_edge(cki_edge *e, twiddle w0, twiddle w1, twiddle scale,
                     bool two, const cki_ntt *t, prime c)
{
    const vec plus = constant(t->unfold, &t->mod);
    const vec minus = constant(t->fold, &t->mod);

    for (size_t i = 0; i < 2 * LANES; i += LANES) {
        vec u = load_lazy(e->u + i), p = load_lazy(e->p + i);
        vec q = load_lazy(e->q + i), v = load_lazy(e->v + i);

        if (two) {
            inv(&u, &p, w1, c);
            inv(&q, &v, w1, c);
        }
        if (i == 0) {
            v[0] = u[0];
            q[0] = mulmod(p, plus, c)[0];
        } else {
            u = mulmod(q, minus, c);
            p = mulmod(v, minus, c);
        }
        unfold(&u, &p, &q, &v, w0, scale, c);
        store(e->u + i, u);
        store(e->p + i, p);
        store(e->q + i, q);
        store(e->v + i, v);
    }
}

/* The last layer, if two, and that of the real ring; canonical words out. */
static ALWAYS_INLINE void inv_real(uint64_t *x, uint64_t factor, bool two,
                                   const double *table, const cki_ntt *t,
                                   prime c)
{
    const size_t n = t->n;
    const cki_mod *m = &t->mod;
    const uint64_t by = cki_mul(t->n_inv, factor, m);
    const twiddle scale = twiddle_of(constant(by, m), c);
    const twiddle w0 = twiddle_of(constant(cki_mul(by, t->unfold, m), m), c);
    const twiddle w1 = same(table[1], c);
    uint64_t *mid = x + n / 2;          /* *_back: vectors that go down      */
    uint64_t *mid_back = mid - (LANES - 1), *end_back = mid_back + n / 2;
    cki_edge edge;

    cki_edge_load(&edge, x, LANES, n);
    for (size_t j = LANES; j < n / 4; j += LANES) {
        vec u = load_lazy(x + j), p = load_lazy(mid + j);
        vec q = reversed(load_lazy(mid_back - j));
        vec v = reversed(load_lazy(end_back - j));

        if (two) {
            inv(&u, &p, w1, c);
            inv(&q, &v, w1, c);
        }
        unfold(&u, &p, &q, &v, w0, scale, c);
        store(x + j, u);
        store(mid + j, p);
        store(mid_back - j, reversed(q));
        store(end_back - j, reversed(v));
    }
    inv_edge(&edge, w0, w1, scale, two, t, c);
    cki_edge_store(x, &edge, LANES, n);
}

/* w times their inverse, 1/2N included: from INV to canonical words. */
static void fma_unfold(uint64_t *x, uint64_t w, const cki_ntt *t)
{
    const double *table = (const double *)t->own + t->n;
    const prime c = prime_of(&t->mod);

    if (t->log_n % 2 == 1)
        inv_real(x, w, true, table, t, c);
    else
        inv_real(x, w, false, table, t, c);
}
