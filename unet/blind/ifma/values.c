/* values.c -- values of weights and their products in words of 52 bits.
 *
 * Read first: values.h, kernel/ifma/ifma.h (Lemma I and B).
 *
 * Values are words whose low 52 bits count, B = 8: they are only multiplied.
 */
#include "blind/values.h"
#include "kernel/ifma/ifma.h"
#include "nn.h"

/* ---- sums of few products --------------------------------------------------
 *
 * A sum begins at B = 2 at most; three products by Lemma I, their quotients
 * added and taken off together, leave 2 + 3 * 2 = 8; Lemma I with w = 1 brings
 * it back to 2.  So sums of any number of terms end at B = 2. */

enum {
    VALUES_CHUNK = 3,
    VALUES_SUM = 2,
    VALUES_CROSS = 2 * VALUES_SUM       /* R_0 + R_2, R_0 - R_2 + 2p         */
};

WITHIN(VALUES_SUM + VALUES_CHUNK * OF_PRODUCT, ROOM);
WITHIN(2 * VALUES_CROSS, ROOM);

static uint64_t values_companion52(uint64_t w, const cki_mod *m)
{
    return companion(w, m);
}

static ALWAYS_INLINE vec values_brief(vec x, prime c)
{
    return lo(x, hi(zero(), x, c.one), c.neg);
}

/* ---- rows ---------------------------------------------------------------- */

/* Rows summed up, B = 2: shape (pairs, columns, 8). */
static void values_rows52(uint64_t *out, const uint64_t *coef, size_t pairs,
                          const blind_values *v, int l, size_t group,
                          const prime c)
{
    const size_t count = v->columns * LANES, n = v->r->n;
    const uint64_t *y[NN_MAX_KERNEL * NN_MAX_KERNEL];
    size_t rows = v->rows;

    for (size_t k = 1; k < rows; k++)
        y[k] = blind_values_root(v, l, group * BLIND_POINTS, v->row[k]);
    for (; pairs > 0; pairs--, coef += rows * count)
        for (size_t at = 0; at < count; at += LANES, out += LANES) {
            vec r = load(coef + at), q = zero();

            for (size_t k = 1; k < rows; k++) {
                const vec a = load(coef + k * count + at);

                q = hi(q, a, set1(y[k][2 * n]));
                r = lo(r, a, set1(y[k][0]));
                if (k % VALUES_CHUNK == 0 || k + 1 == rows) {
                    r = values_brief(lo(r, q, c.neg), c);
                    q = zero();
                }
            }
            store(out, r);
        }
}

/* ---- columns ------------------------------------------------------------- */

/* What is the same for all polynomials at a group of points. */
typedef struct values_group {
    const blind_values *v;
    const uint64_t *power;
    vec turn, turn_s;           /* I and its companion                       */
    prime c;
    size_t step;                /* words from one place to the next          */
} values_group;

/* The values at the four places, from sums of B = 2. */
static ALWAYS_INLINE void values_cross(uint64_t *w, const vec *r,
                                       const values_group *g)
{
    const prime c = g->c;
    const vec p4 = add(c.p2, c.p2);
    const vec a = add(r[0], r[2]), b = add(r[1], r[3]);
    const vec d = add(sub(r[0], r[2]), c.p2);
    const vec t = add(sub(r[1], r[3]), c.p2);
    const vec e = mul_add_lazy(zero(), t, g->turn, g->turn_s, c);

    store(w, add(a, b));
    store(w + g->step, add(sub(a, b), p4));
    store(w + 2 * g->step, add(d, e));
    store(w + 3 * g->step, add(sub(d, e), c.p2));
}

/* R_k of BLIND_OUTPUTS polynomials, B = 2. */
static ALWAYS_INLINE void values_rest52(vec *r, const uint64_t *coef, size_t k,
                                        const values_group *g)
{
    const blind_values *v = g->v;
    const prime c = g->c;
    size_t at = v->first[k];
    const size_t end = v->first[k + 1];

    UNROLL
    for (int o = 0; o < BLIND_OUTPUTS; o++)
        r[o] = zero();
    if (k == 0 && v->plain) {
        UNROLL
        for (int o = 0; o < BLIND_OUTPUTS; o++)
            r[o] = set1(coef[o]);
        at++;
    }
    while (at < end) {
        const size_t stop = end - at < VALUES_CHUNK ? end : at + VALUES_CHUNK;
        vec q[BLIND_OUTPUTS];

        UNROLL
        for (int o = 0; o < BLIND_OUTPUTS; o++)
            q[o] = zero();
        for (; at < stop; at++) {
            const vec w = load(g->power + 2 * LANES * at);
            const vec s = load(g->power + 2 * LANES * at + LANES);

            UNROLL
            for (int o = 0; o < BLIND_OUTPUTS; o++) {
                const vec a = set1(coef[LANES * at + (size_t)o]);

                q[o] = hi(q[o], a, s);
                r[o] = lo(r[o], a, w);
            }
        }
        UNROLL
        for (int o = 0; o < BLIND_OUTPUTS; o++)
            r[o] = values_brief(lo(r[o], q[o], c.neg), c);
    }
}

static void values_term(uint64_t *w, const uint64_t *coef,
                        const values_group *g)
{
    vec r[4][BLIND_OUTPUTS];

    values_rest52(r[0], coef, 0, g);
    values_rest52(r[1], coef, 1, g);
    values_rest52(r[2], coef, 2, g);
    values_rest52(r[3], coef, 3, g);
    UNROLL
    for (int o = 0; o < BLIND_OUTPUTS; o++) {
        const vec four[4] = { r[0][o], r[1][o], r[2][o], r[3][o] };

        values_cross(w + LANES * o, four, g);
    }
}

/* Columns 0, 1, 2: a product each for R_1 and R_2. */
static ALWAYS_INLINE void values_three(uint64_t *w, const uint64_t *coef,
                                       const vec *x, const values_group *g)
{
    const prime c = g->c;

    UNROLL
    for (int o = 0; o < BLIND_OUTPUTS; o++) {
        const vec a = set1(coef[LANES + o]), b = set1(coef[2 * LANES + o]);
        const vec four[4] = {
            set1(coef[o]), mul_add_lazy(zero(), a, x[0], x[1], c),
            mul_add_lazy(zero(), b, x[2], x[3], c), zero()
        };

        values_cross(w + LANES * o, four, g);
    }
}

/* Column 0 alone: the same at all points. */
static ALWAYS_INLINE void values_same(uint64_t *w, const uint64_t *coef,
                                      const values_group *g)
{
    UNROLL
    for (int o = 0; o < BLIND_OUTPUTS; o++)
        for (size_t k = 0; k < BLIND_PLACES; k++)
            store(w + LANES * o + k * g->step, set1(coef[o]));
}

static void values_ifma(uint64_t *w, const uint64_t *coef, size_t terms,
                        const blind_values *v, int l, size_t group,
                        uint64_t *work)
{
    const size_t n = v->r->n, columns = v->columns;
    const uint64_t *turn = v->root + (size_t)l * 4 * n + n / 2;
    const bool three = v->plain && columns == 3 && v->column[1] == 1
                       && v->column[2] == 2;
    values_group g = { v, v->power + ((size_t)l * n / BLIND_POINTS + group)
                              * columns * 2 * LANES, set1(turn[0]),
                       set1(turn[2 * n]), prime_of(&v->r->rns.mod[l]),
                       terms * BLIND_OUTPUTS * LANES };
    vec x[4] = { zero(), zero(), zero(), zero() };

    for (size_t k = 0; k < 4 && three; k++)
        x[k] = load(g.power + (2 + k) * LANES);
    if (v->rows > 1) {
        values_rows52(work, coef, (terms + 1) / 2, v, l, group, g.c);
        coef = work;
    }
    for (size_t t = 0; t < terms; t++, w += BLIND_OUTPUTS * LANES) {
        const uint64_t *from = coef + t / 2 * LANES * columns
                               + t % 2 * BLIND_OUTPUTS;

        if (three)
            values_three(w, from, x, &g);
        else if (v->plain && columns == 1)
            values_same(w, from, &g);
        else
            values_term(w, from, &g);
    }
}

/* ---- products --------------------------------------------------------------
 *
 * A value is below 2^52, a word of a ciphertext below 2^49: 64 products leave
 * high < 64 2^49 + the carry of low < 2^56, low < 66 2^52.  With h = high + low
 * / 2^52 = h_1 2^52 + h_0 the sum is h_1 2^104 + h_0 2^52 + low mod 2^52: three
 * times Lemma I, below 6p. */

enum { VALUES_END = 3 * OF_PRODUCT };
WITHIN(VALUES_END, ROOM);

typedef struct values_end {
    prime c;
    vec p4, w1, s1, w2, s2;     /* 2^52, 2^104 mod p, companions             */
} values_end;

static values_end values_end_of(const cki_mod *m)
{
    const uint64_t w1 = cki_reduce(MASK52 + 1, m), w2 = cki_mul(w1, w1, m);
    values_end e = { prime_of(m), set1(4 * m->p), set1(w1),
                     set1(companion(w1, m)), set1(w2),
                     set1(companion(w2, m)) };

    return e;
}

static ALWAYS_INLINE vec values_reduce(vec high, vec low, const values_end *e)
{
    const prime c = e->c;
    const vec h = add(high, _mm512_srli_epi64(low, 52)), l = low52(low, c);
    const vec h1 = _mm512_srli_epi64(h, 52), h0 = low52(h, c);
    vec q = hi(hi(hi(zero(), l, c.one), h0, e->s1), h1, e->s2), r;

    r = lo(lo(lo(l, h0, e->w1), h1, e->w2), q, c.neg);
    VERIFY_VEC(r, VALUES_END, c);
    return fold(fold(fold(low52(r, c), e->p4), c.p2), c.p);
}

/* One place, one tile, `outs` sums. */
static ALWAYS_INLINE void values_dot(uint64_t *y, const uint64_t *w,
                                     const uint64_t *x, size_t terms, int outs,
                                     bool add_to, const values_end *e)
{
    vec high[2 * BLIND_OUTPUTS], low[2 * BLIND_OUTPUTS];

    UNROLL
    for (int i = 0; i < 2 * outs; i++) {
        high[i] = zero();
        low[i] = add_to ? load(y + LANES * i) : zero();
    }
    for (; terms > 0; terms--, x += 2 * LANES, w += BLIND_OUTPUTS * LANES) {
        const vec x0 = load(x), x1 = load(x + LANES);

        UNROLL
        for (int o = 0; o < outs; o++) {
            const vec a = load(w + LANES * o);

            low[2 * o] = lo(low[2 * o], a, x0);
            high[2 * o] = hi(high[2 * o], a, x0);
            low[2 * o + 1] = lo(low[2 * o + 1], a, x1);
            high[2 * o + 1] = hi(high[2 * o + 1], a, x1);
        }
    }
    UNROLL
    for (int i = 0; i < 2 * outs; i++)
        store(y + LANES * i, values_reduce(high[i], low[i], e));
}

static ALWAYS_INLINE void values_sums(const blind_sums *s, int outs,
                                      const values_end *e)
{
    for (size_t k = 0; k < BLIND_PLACES; k++)
        for (size_t tile = 0; tile < s->tiles; tile++)
            values_dot(s->y + k * s->y_place + tile * s->y_tile,
                       s->w + k * s->terms * BLIND_OUTPUTS * LANES,
                       s->x + k * s->x_place + tile * s->x_tile, s->terms,
                       outs, s->add, e);
}

static void values_products52(const blind_sums *s, const blind_values *v,
                              int l)
{
    const values_end e = values_end_of(&v->r->rns.mod[l]);

    VERIFY(s->terms <= BLIND_MOST_TERMS);
    if (s->outs == 4)
        values_sums(s, 4, &e);
    else if (s->outs == 3)
        values_sums(s, 3, &e);
    else if (s->outs == 2)
        values_sums(s, 2, &e);
    else
        values_sums(s, 1, &e);
}

const blind_values_kernel blind_values_ifma = {
    values_companion52, values_ifma, values_products52
};
