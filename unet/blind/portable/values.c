/* values.c -- values of weights and their products in C11: values.h. */
#include <string.h>

#include "blind/values.h"

static uint64_t values_companion(uint64_t w, const cki_mod *m)
{
    return cki_shoup(w, m);
}

/* Rows summed up: shape (pairs, columns, PAIR). */
static void values_rows(uint64_t *out, const uint64_t *coef, size_t pairs,
                        const blind_values *v, int l, size_t group)
{
    const cki_mod *m = &v->r->rns.mod[l];
    const size_t count = v->columns * BLIND_PAIR;

    for (; pairs > 0; pairs--, out += count) {
        memcpy(out, coef, count * sizeof *out);
        coef += count;
        for (size_t k = 1; k < v->rows; k++, coef += count) {
            const uint64_t *y = blind_values_root(v, l, group * BLIND_POINTS,
                                                  v->row[k]);
            const uint64_t w = y[0], s = y[2 * v->r->n];

            for (size_t i = 0; i < count; i++)
                out[i] = cki_add(out[i], cki_mul_shoup(coef[i], w, s, m->p),
                                 m->p);
        }
    }
}

/* The sum over columns of rest k at word j: products are below 2^50, columns
 * at most 16^3. */
static inline uint64_t values_rest(const uint64_t *coef, const uint64_t *power,
                                   size_t j, size_t k, const blind_values *v,
                                   const cki_mod *m)
{
    uint64_t sum = 0;

    for (size_t c = v->first[k]; c < v->first[k + 1]; c++) {
        const uint64_t *x = power + 2 * BLIND_WORDS * c + j;

        sum += cki_mul_shoup_lazy(coef[BLIND_PAIR * c], x[0], x[BLIND_WORDS],
                                  m->p);
    }
    return cki_reduce(sum, m);
}

/* Word j of each place of one polynomial, places `step` words apart. */
static void values_four(uint64_t *w, size_t step, const uint64_t *coef,
                        const uint64_t *power, size_t j, const blind_values *v,
                        const uint64_t *turn, const cki_mod *m)
{
    const uint64_t p = m->p, ws = turn[2 * v->r->n];
    const uint64_t r0 = values_rest(coef, power, j, 0, v, m);
    const uint64_t r1 = values_rest(coef, power, j, 1, v, m);
    const uint64_t r2 = values_rest(coef, power, j, 2, v, m);
    const uint64_t r3 = values_rest(coef, power, j, 3, v, m);
    const uint64_t a = cki_add(r0, r2, p), b = cki_add(r1, r3, p);
    const uint64_t c = cki_sub(r0, r2, p);
    const uint64_t d = cki_mul_shoup(cki_sub(r1, r3, p), turn[0], ws, p);

    w[0] = cki_add(a, b, p);
    w[step] = cki_sub(a, b, p);
    w[2 * step] = cki_add(c, d, p);
    w[3 * step] = cki_sub(c, d, p);
}

static void values_portable(uint64_t *w, const uint64_t *coef, size_t terms,
                            const blind_values *v, int l, size_t group,
                            uint64_t *work)
{
    const cki_mod *m = &v->r->rns.mod[l];
    const uint64_t *turn = v->root + (size_t)l * 4 * v->r->n + v->r->n / 2;
    const uint64_t *power = v->power
        + ((size_t)l * v->r->n / BLIND_POINTS + group) * v->columns
          * 2 * BLIND_WORDS;

    if (v->rows > 1) {
        values_rows(work, coef, (terms + 1) / 2, v, l, group);
        coef = work;
    }
    for (size_t t = 0; t < terms; t++)
        for (size_t o = 0; o < BLIND_OUTPUTS; o++)
            for (size_t j = 0; j < BLIND_WORDS; j++)
                values_four(w + (t * BLIND_OUTPUTS + o) * BLIND_WORDS + j,
                            terms * BLIND_OUTPUTS * BLIND_WORDS,
                            coef + t / 2 * BLIND_PAIR * v->columns
                            + t % 2 * BLIND_OUTPUTS + o, power, j, v, turn, m);
}

/* One tile's sums at one place, its values packed as the ring's kernel takes
 * them. */
static void tile_products(const blind_sums *s, const cki_kernel *kernel,
                          const cki_mod *m, size_t k, size_t tile)
{
    enum { PACKED = 8 * BLIND_WORDS + CKI_BEYOND };
    uint8_t packed[2 * BLIND_MOST_TERMS][PACKED];
    const uint8_t *x[2][BLIND_MOST_TERMS];
    const uint64_t *w[BLIND_MOST_TERMS];
    const uint64_t *from = s->x + k * s->x_place + tile * s->x_tile;

    for (size_t i = 0; i < 2 * s->terms; i++) {
        kernel->pack(packed[i], from + BLIND_WORDS * i, BLIND_WORDS,
                     cki_packed_bytes(m));
        x[i % 2][i / 2] = packed[i];
    }
    for (size_t o = 0; o < (size_t)s->outs; o++) {
        uint64_t *y = s->y + k * s->y_place + tile * s->y_tile
                      + 2 * BLIND_WORDS * o;

        for (size_t t = 0; t < s->terms; t++)
            w[t] = s->w + ((k * s->terms + t) * BLIND_OUTPUTS + o)
                          * BLIND_WORDS;
        kernel->dot2(y, y + BLIND_WORDS, w, NULL, x[0], x[1], (int)s->terms,
                     s->add, BLIND_WORDS, m);
    }
}

/* By the inner products of the ring's kernel. */
static void values_products(const blind_sums *s, const blind_values *v, int l)
{
    for (size_t k = 0; k < BLIND_PLACES; k++)
        for (size_t tile = 0; tile < s->tiles; tile++)
            tile_products(s, v->r->rns.kernel, &v->r->rns.mod[l], k, tile);
}

const blind_values_kernel blind_values_portable = {
    values_companion, values_portable, values_products
};
