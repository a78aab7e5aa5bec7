/* values.c -- values of weights and their products in doubles.
 *
 * Read first: values.h, kernel/fma/fma.h (Lemma F), kernel/fma/dot.h (Lemma D).
 *
 * A companion is the bits of the root as a double in [-p/2, p/2].  Coefficients
 * and values are doubles in the memory of words; values are at most (p - 1) / 2
 * in absolute value.
 */
#include <string.h>

#include "blind/values.h"
#include "kernel/avx2/avx2.h"
#include "kernel/fma/dot.h"
#include "nn.h"

/* ---- sums of few products --------------------------------------------------
 *
 * A sum begins at p at most; eight products by Lemma F, of coefficients of at
 * most p, stay below MOST, and reduce brings it to p/2. */

enum {
    VALUES_CHUNK = 8,
    VALUES_SUM = UNIT + VALUES_CHUNK * PRODUCT(UNIT),
    VALUES_REST = UNIT + UNIT / 64, /* of a rest, or a coefficient            */
    VALUES_CROSS = 2 * VALUES_REST,     /* R_0 + R_2 and the like            */
    VALUES_TURNED = PRODUCT(VALUES_CROSS)
};

WITHIN(VALUES_SUM, MOST);
WITHIN(2 * VALUES_CROSS, MOST);
WITHIN(VALUES_CROSS + VALUES_TURNED, MOST);

static uint64_t values_companion_pd(uint64_t w, const cki_mod *m)
{
    const double x = balanced(w, m->p);
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* A root, of its place among the roots. */
static inline vec values_root_pd(const uint64_t *root, size_t n)
{
    return _mm256_castsi256_pd(_mm256_set1_epi64x((long long)root[2 * n]));
}

static inline vec values_same_pd(const uint64_t *x)
{
    return _mm256_castsi256_pd(_mm256_set1_epi64x((long long)*x));
}

/* ---- rows ---------------------------------------------------------------- */

/* Coefficients as doubles, rows summed up: at most p; shape (pairs, columns,
 * PAIR). */
static void values_rows_pd(uint64_t *out, const uint64_t *coef, size_t pairs,
                           const blind_values *v, int l, size_t group,
                           const prime c)
{
    const size_t count = v->columns * BLIND_PAIR, n = v->r->n;
    const size_t rows = v->rows;
    const uint64_t *y[NN_MAX_KERNEL * NN_MAX_KERNEL];

    for (size_t k = 1; k < rows; k++)
        y[k] = blind_values_root(v, l, group * BLIND_POINTS, v->row[k]);
    for (; pairs > 0; pairs--, coef += rows * count)
        for (size_t at = 0; at < count; at += 4, out += 4) {
            vec r = load(coef + at);

            for (size_t k = 1; k < rows; k++) {
                r = _mm256_add_pd(r, mulmod(load(coef + k * count + at),
                                            values_root_pd(y[k], n), c));
                if (k % VALUES_CHUNK == 0 || k + 1 == rows)
                    r = reduce(r, c);
            }
            VERIFY_VEC(r, UNIT, c);
            store_lazy(out, r);
        }
}

/* ---- columns ------------------------------------------------------------- */

enum { VALUES_TOGETHER = 2 };           /* polynomials                       */

typedef struct values_group_pd {
    const blind_values *v;
    const uint64_t *power;              /* of this half of a place           */
    vec turn;                           /* I                                 */
    prime c;
    size_t step;                        /* words from one place to the next  */
} values_group_pd;

/* The values at the four places, of rests of at most VALUES_REST. */
static ALWAYS_INLINE void values_cross_pd(uint64_t *w, const vec *r,
                                          const values_group_pd *g)
{
    const prime c = g->c;
    const vec a = _mm256_add_pd(r[0], r[2]), b = _mm256_add_pd(r[1], r[3]);
    const vec d = _mm256_sub_pd(r[0], r[2]);
    const vec e = mulmod(_mm256_sub_pd(r[1], r[3]), g->turn, c);

    store_lazy(w, reduce(_mm256_add_pd(a, b), c));
    store_lazy(w + g->step, reduce(_mm256_sub_pd(a, b), c));
    store_lazy(w + 2 * g->step, reduce(_mm256_add_pd(d, e), c));
    store_lazy(w + 3 * g->step, reduce(_mm256_sub_pd(d, e), c));
}

/* R_k of VALUES_TOGETHER polynomials. */
static ALWAYS_INLINE void values_rest_pd(vec *r, const uint64_t *coef,
                                         size_t k, const values_group_pd *g)
{
    const blind_values *v = g->v;
    const prime c = g->c;
    size_t at = v->first[k];
    const size_t end = v->first[k + 1];

    UNROLL
    for (int o = 0; o < VALUES_TOGETHER; o++)
        r[o] = _mm256_setzero_pd();
    if (k == 0 && v->plain) {
        UNROLL
        for (int o = 0; o < VALUES_TOGETHER; o++)
            r[o] = values_same_pd(coef + o);
        at++;
    }
    while (at < end) {
        const size_t stop = end - at < VALUES_CHUNK ? end : at + VALUES_CHUNK;

        for (; at < stop; at++) {
            const vec x = load_lazy(g->power + 2 * BLIND_WORDS * at);

            UNROLL
            for (int o = 0; o < VALUES_TOGETHER; o++)
                r[o] = _mm256_add_pd(r[o], mulmod(
                    values_same_pd(coef + BLIND_PAIR * at + (size_t)o), x, c));
        }
        UNROLL
        for (int o = 0; o < VALUES_TOGETHER; o++)
            r[o] = reduce(r[o], c);
    }
}

/* Polynomials number o and o + 1 of a term, half of each place. */
static void values_term_pd(uint64_t *w, const uint64_t *coef,
                           const values_group_pd *g)
{
    vec r[4][VALUES_TOGETHER];

    values_rest_pd(r[0], coef, 0, g);
    values_rest_pd(r[1], coef, 1, g);
    values_rest_pd(r[2], coef, 2, g);
    values_rest_pd(r[3], coef, 3, g);
    UNROLL
    for (int o = 0; o < VALUES_TOGETHER; o++) {
        const vec four[4] = { r[0][o], r[1][o], r[2][o], r[3][o] };

        values_cross_pd(w + BLIND_WORDS * o, four, g);
    }
}

static void values_avx2(uint64_t *w, const uint64_t *coef, size_t terms,
                        const blind_values *v, int l, size_t group,
                        uint64_t *work)
{
    const size_t n = v->r->n, columns = v->columns;
    const uint64_t *power = v->power
        + ((size_t)l * n / BLIND_POINTS + group) * columns * 2 * BLIND_WORDS
        + BLIND_WORDS;
    values_group_pd g = {
        v, power, values_root_pd(v->root + (size_t)l * 4 * n + n / 2, n),
        prime_of(&v->r->rns.mod[l]), terms * BLIND_OUTPUTS * BLIND_WORDS
    };

    values_rows_pd(work, coef, (terms + 1) / 2, v, l, group, g.c);
    for (size_t half = 0; half < BLIND_WORDS; half += 4) {
        g.power = power + half;
        for (size_t i = 0; i < terms * BLIND_OUTPUTS; i += VALUES_TOGETHER)
            values_term_pd(w + BLIND_WORDS * i + half,
                           work + i / BLIND_PAIR * BLIND_PAIR * columns
                           + i % BLIND_PAIR, &g);
    }
}

/* ---- products --------------------------------------------------------------
 *
 * MOST_TERMS by Lemma D, |out| <= p/2 + 1 (OF_DOT); eight of these, for
 * BLIND_MOST_TERMS, and a word are below MOST. */

WITHIN(UNIT + BLIND_MOST_TERMS / MOST_TERMS * OF_DOT, MOST);

/* MOST_TERMS terms or less, added to sum: number 2 o + part. */
static ALWAYS_INLINE void values_few(vec *sum, const uint64_t *w,
                                     const uint64_t *x, size_t terms, int outs,
                                     const prime c)
{
    vec high[2 * VALUES_TOGETHER], low[2 * VALUES_TOGETHER];

    UNROLL
    for (int i = 0; i < 2 * outs; i++) {
        high[i] = _mm256_set1_pd(HIGH);
        low[i] = _mm256_setzero_pd();
    }
    for (; terms > 0; terms--) {
        const vec x0 = load(x), x1 = load(x + BLIND_WORDS);

        UNROLL
        for (int o = 0; o < outs; o++) {
            const vec a = load_lazy(w + BLIND_WORDS * o);

            dot_term(&high[2 * o], &low[2 * o], x0, a);
            dot_term(&high[2 * o + 1], &low[2 * o + 1], x1, a);
        }
        x += 2 * BLIND_WORDS;
        w += BLIND_OUTPUTS * BLIND_WORDS;
    }
    UNROLL
    for (int i = 0; i < 2 * outs; i++)
        sum[i] = _mm256_add_pd(sum[i], dot_end(high[i], low[i], c));
}

/* Half of a place, one tile, `outs` sums. */
static ALWAYS_INLINE void values_dot_pd(uint64_t *y, const uint64_t *w,
                                        const uint64_t *x, size_t terms,
                                        int outs, bool add_to, const prime c)
{
    vec sum[2 * VALUES_TOGETHER];

    UNROLL
    for (int i = 0; i < 2 * outs; i++)
        sum[i] = add_to ? load(y + BLIND_WORDS * i) : _mm256_setzero_pd();
    for (size_t at = 0; at < terms; at += MOST_TERMS)
        values_few(sum, w + at * BLIND_OUTPUTS * BLIND_WORDS,
                   x + at * 2 * BLIND_WORDS,
                   terms - at < MOST_TERMS ? terms - at : MOST_TERMS, outs, c);
    UNROLL
    for (int i = 0; i < 2 * outs; i++)
        store(y + BLIND_WORDS * i, lift(reduce(sum[i], c), c));
}

static void values_products_pd(const blind_sums *s, const blind_values *v,
                               int l)
{
    const prime c = prime_of(&v->r->rns.mod[l]);

    VERIFY(s->terms <= BLIND_MOST_TERMS);
    for (size_t i = 0; i < BLIND_PLACES * s->tiles; i++)
        for (size_t half = 0; half < BLIND_WORDS; half += 4) {
            const size_t k = i / s->tiles, tile = i % s->tiles;
            const uint64_t *x = s->x + k * s->x_place + tile * s->x_tile
                                + half;
            const uint64_t *w = s->w + k * s->terms * BLIND_OUTPUTS
                                       * BLIND_WORDS + half;
            uint64_t *y = s->y + k * s->y_place + tile * s->y_tile + half;

            for (int o = 0; o < s->outs; o += 2, w += 2 * BLIND_WORDS,
                                                 y += 4 * BLIND_WORDS)
                if (s->outs - o > 1)
                    values_dot_pd(y, w, x, s->terms, 2, s->add, c);
                else
                    values_dot_pd(y, w, x, s->terms, 1, s->add, c);
        }
}

const blind_values_kernel blind_values_avx2 = {
    values_companion_pd, values_avx2, values_products_pd
};
