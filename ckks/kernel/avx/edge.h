/* edge.h -- where the real ring's own layer does not fall into vectors.
 *
 * Read first: cki_ntt_init in kernel.h.  The layer joins the words at j, N/2 -
 * j, N/2 + j and N - j, and vectors of `lanes` words take j, j + 1, ... from j =
 * lanes on, up to N/4 - 1.  Left are j = 0 .. lanes - 1, whose partners N - j
 * begin with no vector, and j = N/4, where N/2 - j is j itself.  They are
 * copied out, worked on as two vectors, and copied back.
 */
#ifndef CKI_EDGE_H
#define CKI_EDGE_H

#include "kernel/kernel.h"

enum { CKI_EDGE = 16 };         /* two vectors of eight                      */

/* Two vectors of each of the four words.  The first has j = 0 .. lanes - 1 in
 * its lanes, the second j = N/4 in every one: with lanes = 4
 *
 *      i      0   1   2   3   4    5    6    7
 *      j      0   1   2   3  N/4  N/4  N/4  N/4
 *
 * of which the first copy, i = lanes, is stored. */
typedef struct cki_edge {
    uint64_t u[CKI_EDGE], p[CKI_EDGE], q[CKI_EDGE], v[CKI_EDGE];
} cki_edge;

static inline size_t cki_edge_at(size_t i, size_t lanes, size_t n)
{
    return i < lanes ? i : n / 4;
}

static inline void cki_edge_load(cki_edge *e, const uint64_t *x, size_t lanes,
                                 size_t n)
{
    for (size_t i = 0; i < 2 * lanes; i++) {
        const size_t j = cki_edge_at(i, lanes, n);

        e->u[i] = x[j];
        e->p[i] = x[n / 2 + j];
        e->q[i] = x[n / 2 - j];
        e->v[i] = j == 0 ? 0 : x[n - j];
    }
}

/* What transforms keep: u and p for j < N/4, q and v for j > 0. */
static inline void cki_edge_store(uint64_t *x, const cki_edge *e, size_t lanes,
                                  size_t n)
{
    for (size_t i = 0; i <= lanes; i++) {
        const size_t j = cki_edge_at(i, lanes, n);

        if (j < n / 4) {
            x[j] = e->u[i];
            x[n / 2 + j] = e->p[i];
        }
        if (j > 0) {
            x[n / 2 - j] = e->q[i];
            x[n - j] = e->v[i];
        }
    }
}

#endif
