/* values.c -- the tables that values of weights are computed with. */
#include "values.h"

#include <stdlib.h>
#include <string.h>

#include "nn.h"

/* The one in words of the ring's kernel. */
static const blind_values_kernel *values_kernel(const cki_kernel *k)
{
#ifdef CKI_HAVE_AVX512IFMA
    if (k == &cki_kernel_avx512ifma)
        return &blind_values_ifma;
#endif
#ifdef CKI_HAVE_AVX2
    if (k == &cki_kernel_avx2)
        return &blind_values_avx2;
#endif
    (void)k;
    return &blind_values_portable;
}

/* psi^i and companions of all limbs. */
static void values_roots(blind_values *v)
{
    const size_t n = v->r->n;

    for (int l = 0; l < v->r->limbs; l++) {
        const cki_mod *m = &v->r->rns.mod[l];
        uint64_t *root = v->root + (size_t)l * 4 * n, y = 1;

        for (size_t i = 0; i < 2 * n; i++) {
            root[i] = y;
            root[2 * n + i] = v->kernel->companion(y, m);
            y = cki_mul(y, v->r->rns.psi[l], m);
        }
    }
}

static void values_powers(blind_values *v)
{
    const size_t n = v->r->n;
    uint64_t *to = v->power;

    for (int l = 0; l < v->r->limbs; l++)
        for (size_t at = 0; at < n; at += BLIND_POINTS)
            for (size_t c = 0; c < v->columns; c++, to += 2 * BLIND_WORDS)
                for (size_t j = 0; j < BLIND_WORDS; j++) {
                    const uint64_t *x
                        = blind_values_root(v, l, at + BLIND_PLACES * j,
                                            v->column[c]);

                    to[j] = x[0];
                    to[BLIND_WORDS + j] = x[2 * n];
                }
}

/* Columns by their rest modulo 4, those of one rest as they were given. */
static void values_order(blind_values *v, const size_t *column)
{
    size_t at = 0;

    for (size_t k = 0; k < 4; k++) {
        v->first[k] = at;
        for (size_t c = 0; c < v->columns; c++)
            if (column[c] % 4 == k) {
                v->place[c] = at;
                v->column[at++] = column[c];
            }
    }
    v->first[4] = at;
    v->plain = v->first[1] > 0 && v->column[0] == 0;
}

ckks_status blind_values_init(blind_values *v, const blind_ring *r,
                              const size_t *row, size_t rows,
                              const size_t *column, size_t columns)
{
    const size_t limbs = (size_t)r->limbs, word = sizeof(uint64_t);

    memset(v, 0, sizeof *v);
    v->r = r;
    v->kernel = values_kernel(r->rns.kernel);
    v->rows = rows;
    v->columns = columns;
    v->root_size = limbs * 4 * r->n * word;
    v->power_size = limbs * r->n / BLIND_PLACES * 2 * columns * word;
    v->row = malloc(rows * sizeof *v->row);
    v->column = malloc(columns * sizeof *v->column);
    v->place = malloc(columns * sizeof *v->place);
    v->root = blind_alloc(v->root_size);
    v->power = blind_alloc(v->power_size);
    if (v->row == NULL || v->column == NULL || v->place == NULL
        || v->root == NULL || v->power == NULL) {
        blind_values_clear(v);
        return nn_fail(CKKS_EMEM, "no memory for powers of roots");
    }
    memcpy(v->row, row, rows * sizeof *row);
    values_order(v, column);
    values_roots(v);
    values_powers(v);
    return CKKS_OK;
}

void blind_values_clear(blind_values *v)
{
    free(v->row);
    free(v->column);
    free(v->place);
    blind_free(v->root, v->root_size);
    blind_free(v->power, v->power_size);
    memset(v, 0, sizeof *v);
}
