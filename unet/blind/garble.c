/* garble.c -- half gates and projections. */
#include "blind/garble.h"

#include "blind/number.h"

/* ---- half gates ------------------------------------------------------------
 *
 * With the labels a, a ^ d and b, b ^ d of 0 and 1, p and r the colours of a
 * and b: a & b = (a & r) ^ (a & (b ^ r)).  r is the garbler's, b ^ r the colour
 * that the evaluator sees, so each half knows one of its factors:
 *   T_0 = H(a) ^ H(a ^ d) ^ r d,  label of 0: H(a) ^ p T_0
 *   T_1 = H(b) ^ H(b ^ d) ^ a,    label of 0: H(b) ^ r (T_1 ^ a)
 * and the evaluator, with labels A, B of colours s, t, has H(A) ^ s T_0 and
 * H(B) ^ t (T_1 ^ A). */

static void garble_and(blind_block *out, const blind_block *a,
                       const blind_block *b, int lanes, blind_gates *g)
{
    blind_block *h = g->work, *k = h + 2 * lanes;
    uint8_t *first = g->table, *second = first + 16 * lanes;

    for (int i = 0; i < lanes; i++) {
        h[2 * i] = a[i];
        h[2 * i + 1] = blind_xor(a[i], g->delta);
        k[2 * i] = b[i];
        k[2 * i + 1] = blind_xor(b[i], g->delta);
    }
    g->aes->hash(h, h, g->start, g->tweak, 2 * (size_t)lanes, 2);
    for (int i = 0; i < lanes; i++) {
        const unsigned p = blind_colour(a[i]), r = blind_colour(b[i]);
        const blind_block both = blind_xor(k[2 * i], k[2 * i + 1]);
        const blind_block t = blind_xor(blind_xor(h[2 * i], h[2 * i + 1]),
                                        blind_masked(g->delta, r));

        blind_put(first + 16 * i, t);
        blind_put(second + 16 * i, blind_xor(both, a[i]));
        out[i] = blind_xor(blind_xor(h[2 * i], blind_masked(t, p)),
                           blind_xor(k[2 * i], blind_masked(both, r)));
    }
}

static void evaluate_and(blind_block *out, const blind_block *a,
                         const blind_block *b, int lanes, blind_gates *g)
{
    blind_block *h = g->work, *k = h + lanes;
    const uint8_t *first = g->table, *second = first + 16 * lanes;

    for (int i = 0; i < lanes; i++) {
        h[i] = a[i];
        k[i] = b[i];
    }
    g->aes->hash(h, h, g->start, g->tweak, 2 * (size_t)lanes, 1);
    for (int i = 0; i < lanes; i++) {
        const unsigned s = blind_colour(a[i]), t = blind_colour(b[i]);
        const blind_block t0 = blind_get(first + 16 * i);
        const blind_block t1 = blind_xor(blind_get(second + 16 * i), a[i]);

        out[i] = blind_xor(blind_xor(h[i], blind_masked(t0, s)),
                           blind_xor(k[i], blind_masked(t1, t)));
    }
}

void blind_and(blind_block *out, const blind_block *a, const blind_block *b,
               int lanes, blind_gates *g)
{
    const bool full = lanes == BLIND_LANES && g->aes->garble != NULL;

    if (full && g->garbles)
        g->aes->garble(out, g->table, a, b, g->delta, g->start, g->tweak);
    else if (full)
        g->aes->evaluate(out, g->table, a, b, g->start, g->tweak);
    else if (g->garbles)
        garble_and(out, a, b, lanes, g);
    else
        evaluate_and(out, a, b, lanes, g);
    g->table += lanes * BLIND_AND_BYTES;
    g->tweak += 2 * (uint64_t)lanes;
}

/* ---- projections ----------------------------------------------------------
 *
 * Let the label of colour 0 stand for the value v, which is the colour of the
 * garbler's label; H_0 and H_1 are the hashes of the labels of colours 0 and 1.
 * With rho = H_0 - v y the table is rho + (1 - v) y - H_1: the evaluator adds
 * it to its label's hash if that has colour 1 and has rho + bit y either
 * way. */

static void garble_project(blind_share *out, const blind_block *bit,
                           const blind_share *y, int lanes, blind_gates *g)
{
    blind_block *h = g->work;

    for (int i = 0; i < lanes; i++) {
        const unsigned v = blind_colour(bit[i]);

        h[2 * i] = blind_xor(bit[i], blind_masked(g->delta, v));
        h[2 * i + 1] = blind_xor(h[2 * i], g->delta);
    }
    g->aes->hash(h, h, g->start, g->tweak, (size_t)lanes, 2);
    for (int i = 0; i < lanes; i++) {
        const unsigned v = blind_colour(bit[i]);
        const blind_share rho = blind_number(h[2 * i]) - blind_chosen(y[i], v);
        const blind_share row = rho + blind_chosen(y[i], v ^ 1)
                                - blind_number(h[2 * i + 1]);

        blind_put(g->table + BLIND_PROJECT_BYTES * i, blind_number_block(row));
        out[i] = 0 - rho;
    }
}

static void evaluate_project(blind_share *out, const blind_block *bit,
                             int lanes, blind_gates *g)
{
    g->aes->hash(g->work, bit, g->start, g->tweak, (size_t)lanes, 1);
    for (int i = 0; i < lanes; i++) {
        const uint8_t *row = g->table + BLIND_PROJECT_BYTES * i;

        out[i] = blind_number(g->work[i])
                 + blind_chosen(blind_number(blind_get(row)),
                                blind_colour(bit[i]));
    }
}

void blind_project(blind_share *out, const blind_block *bit,
                   const blind_share *y, int lanes, blind_gates *g)
{
    if (g->garbles)
        garble_project(out, bit, y, lanes, g);
    else
        evaluate_project(out, bit, lanes, g);
    g->table += lanes * BLIND_PROJECT_BYTES;
    g->tweak += (uint64_t)lanes;
}
