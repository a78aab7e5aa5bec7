/* sparse.h -- transforms of short polynomials.
 *
 * Read first: docs/02-ntt.md; kernel.h (cki_ntt_init).
 *
 * The weights of a kernel have few coefficients: degree < b, where b divides
 * n.  The first layers of a transform take a polynomial modulo X^n - psi^n to
 * its remainders modulo X^b - z, for n/b numbers z; of one of degree < b these
 * are n/b copies of it.  So only the layers below are left, log2(b) of log2(n):
 * transforms of length b, number i with the twiddles that part i of the long
 * one has there,
 *   root_i[m + k] = root[n/b m + i m + k],   m = 1, 2, .. b/2,  k < m.
 */
#ifndef BLIND_SPARSE_H
#define BLIND_SPARSE_H

#include "ring.h"

typedef struct blind_sparse {
    const blind_ring *r;
    size_t block;               /* b; n: an ordinary transform               */
    cki_ntt *table;             /* shape (limbs, n / b)                      */
    void *own;                  /* the kernel's form of all of them          */
    size_t own_size, table_size;
} blind_sparse;

/* For polynomials of `extent` coefficients. */
CKKS_CHECKED ckks_status blind_sparse_init(blind_sparse *s,
                                           const blind_ring *r, size_t extent);
void blind_sparse_clear(blind_sparse *s);

/* out = NTT modulo prime number l of the polynomial of s->block coefficients
 * in; out has n words and is not in. */
void blind_sparse_fwd(uint64_t *out, const uint64_t *in, int l,
                      const blind_sparse *s);

#endif
