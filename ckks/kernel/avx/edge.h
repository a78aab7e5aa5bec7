/* edge.h -- where the real ring's own layer does not fall into
 * vectors.
 *
 * Read first: cki_ntt_init in kernel.h.  Vectors of `lanes` words take j, j + 1,
 * ... for j from `lanes` on; what is left are 0 .. lanes - 1 and N/4.  They are
 * copied out, worked on as two vectors, and copied back.
 */
#ifndef CKI_EDGE_H
#define CKI_EDGE_H

#include "kernel/kernel.h"

enum { CKI_EDGE = 16 };         /* two vectors of eight                      */

/* Number i is j = i for i < lanes, and from there on N/4, again and again. */
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
