/* sparse.h -- transforms of the weights' polynomials.
 *
 * Read first: docs/02-ntt.md; kernel.h (cki_ntt_init).
 *
 * Weights have few coefficients: `parts` pieces of degree < b, piece k at
 * X^(k n / parts); parts and b are powers of two.  The first log2(parts) layers
 * of a transform take columns of the pieces alone, number for number.  Then
 * there are `parts` polynomials of degree < b, modulo X^(n / parts) - z each.
 * The next layers take such a one to its remainders modulo X^b - z' for
 * n / parts / b numbers z': these are copies of it.  So what is left are
 * log2(b) layers of log2(n): transforms of length b, number i with the twiddles
 * that part i of the long one has there,
 *   root_i[m + k] = root[n/b m + i m + k],   m = 1, 2, .. b/2,  k < m.
 * Toy, n = 4, parts = 2, b = 1: w = 3 + 5 X^2.  The first layer gives 3 + 5 y
 * modulo X^2 - y and 3 - 5 y modulo X^2 + y; the transform is these two, twice
 * each.
 */
#ifndef BLIND_SPARSE_H
#define BLIND_SPARSE_H

#include "ring.h"

typedef struct blind_sparse {
    const blind_ring *r;
    size_t parts, block;        /* block: b; n: an ordinary transform        */
    uint64_t *root;             /* shape (limbs, n)                          */
    cki_ntt *table;             /* shape (limbs, n / b)                      */
    void *own;                  /* the kernel's form of all of them          */
    size_t root_size, own_size, table_size;
} blind_sparse;

/* For polynomials of `parts` pieces, a power of two, of `extent`
 * coefficients. */
CKKS_CHECKED ckks_status blind_sparse_init(blind_sparse *s,
                                           const blind_ring *r, size_t parts,
                                           size_t extent);
void blind_sparse_clear(blind_sparse *s);

/* out = NTT modulo prime number l of the polynomial whose piece k begins at
 * in[k s->block], which is spoiled; out has n words and is not in. */
void blind_sparse_fwd(uint64_t *out, uint64_t *in, int l,
                      const blind_sparse *s);

#endif
