/* values.h -- values of the weights' polynomials, 32 points at a time, and sums
 * of their products with ciphertexts.
 *
 * Read first: docs/02-ntt.md; tile.h.
 *
 * Weights have few coefficients, at exponents that are the same for all of a
 * convolution: columns + rows, rows multiples of 32.  So their transforms are
 * computed at each point by the definition.  The 4 points x, -x, I x, -I x
 * stand one behind the other in the order of the transform, and with
 *   R_k = sum of c_e x^e over e = k mod 4
 * the values there are
 *   (R_0 + R_2) +- (R_1 + R_3)  and  (R_0 - R_2) +- I (R_1 - R_3):
 * a product for every four points and a column.  32 points of the order have
 * one x^32, so what rows have in common is summed up before, once for them:
 *   c_column = sum over rows of c_(column, row) (x^32)^(row / 32).
 * And where the pieces of a packed polynomial lie `block` apart, the points of
 * n / block runs have one x^block each: pieces are summed up by who gives the
 * coefficients.
 *
 * Toy: 3 + 5 X^32 + 2 X^33 at points with x^32 = y: column 0 has 3 + 5 y,
 * column 1 has 2 y, so R_0 = 3 + 5 y, R_1 = 2 y x.
 *
 * Words of 32 points are kept in another order: place k < 4 has eight words, of
 * points 4 j + k, j = 0..7.  Values of weights are between the two functions of
 * a kernel in a form of its own; all other words lie in [0, p).
 */
#ifndef BLIND_VALUES_H
#define BLIND_VALUES_H

#include "ring.h"

enum {
    BLIND_POINTS = 32,          /* that are worked on together: four places  */
    BLIND_PLACES = 4,
    BLIND_WORDS = 8,            /* of a place                                */
    BLIND_OUTPUTS = 4,          /* polynomials for different sums, together  */
    BLIND_PAIR = 2 * BLIND_OUTPUTS,     /* those of two terms                */
    BLIND_MOST_TERMS = 64       /* of a sum, at once                         */
};

typedef struct blind_values blind_values;

/* The sums of one group of points. */
typedef struct blind_sums {
    uint64_t *y;                /* shape (places, tiles, outs, 2, 8)         */
    const uint64_t *w;          /* shape (places, terms, OUTPUTS, 8)         */
    const uint64_t *x;          /* shape (places, tiles, terms, 2, 8)        */
    size_t terms, tiles;
    size_t y_place, y_tile;     /* words from one to the next                */
    size_t x_place, x_tile;
    int outs;                   /* 1..BLIND_OUTPUTS                          */
    bool add;                   /* to what y holds                           */
} blind_sums;

typedef struct blind_values_kernel {
    /* What a kernel has beside a root of unity w < p. */
    uint64_t (*companion)(uint64_t w, const cki_mod *m);
    /* w[place][term][out] = values at the points of a group modulo prime l.
     * coef: shape (pairs of terms, rows * columns, PAIR), places as in
     * blind_values_at, term t and output o at OUTPUTS (t mod 2) + o of pair
     * t / 2; work: blind_values_work(terms) words. */
    void (*values)(uint64_t *w, const uint64_t *coef, size_t terms,
                   const blind_values *v, int l, size_t group, uint64_t *work);
    /* y[place][tile][o][part] = sum over terms of w[place][term][o]
     * x[place][tile][term][part]; at most BLIND_MOST_TERMS. */
    void (*products)(const blind_sums *s, const blind_values *v, int l);
} blind_values_kernel;

extern const blind_values_kernel blind_values_portable;
#ifdef CKI_HAVE_AVX2
extern const blind_values_kernel blind_values_avx2;
#endif
#ifdef CKI_HAVE_AVX512IFMA
extern const blind_values_kernel blind_values_ifma;
#endif

struct blind_values {
    const blind_ring *r;
    const blind_values_kernel *kernel;
    size_t rows, columns;
    size_t *row, *column;       /* exponents; columns by their rest mod 4    */
    size_t *place;              /* of column c as it was given               */
    size_t first[5];            /* columns of rest k: first[k] .. first[k+1] */
    bool plain;                 /* column 0 has exponent 0                   */
    uint64_t *root;             /* shape (limbs, 2, 2n): psi^i, companions   */
    uint64_t *power;            /* shape (limbs, n / 32, columns, 2, 8): x^e
                                   of point 4 j, companions                  */
    size_t root_size, power_size;
};

/* For coefficients at row[i] + column[j]: row[0] = 0, rows multiples of 32.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status blind_values_init(blind_values *v,
                                           const blind_ring *r,
                                           const size_t *row, size_t rows,
                                           const size_t *column,
                                           size_t columns);
void blind_values_clear(blind_values *v);

/* Where the coefficient of a row and a column stands among a polynomial's. */
static inline size_t blind_values_at(const blind_values *v, size_t row,
                                     size_t column)
{
    return row * v->columns + v->place[column];
}

/* Words. */
static inline size_t blind_values_work(const blind_values *v, size_t terms)
{
    return (terms + 1) / 2 * BLIND_PAIR * v->columns;
}

/* Number of x^e among the roots, x the point of this number in the order of the
 * transform; the companion stands 2n words behind. */
static inline const uint64_t *blind_values_root(const blind_values *v, int l,
                                                size_t point, size_t e)
{
    const size_t n = v->r->n;
    const size_t odd = 2 * (size_t)cki_bitrev((uint32_t)point,
                                              v->r->rns.log_n) + 1;

    return v->root + (size_t)l * 4 * n + odd * e % (2 * n);
}

#endif
