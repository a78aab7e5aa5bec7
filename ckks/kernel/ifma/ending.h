/* ending.h -- what a division makes of a transform, in words of 52
 * bits.
 *
 * Read first: ntt.h, cki_ending in kernel.h.
 */
#ifndef CKI_IFMA_ENDING_H
#define CKI_IFMA_ENDING_H

#include "kernel/ifma/ntt.h"

/* What becomes of a transform. */
typedef struct ending {
    uint64_t *out;
    const cki_ending *q;
    twiddle w, minus, u;        /* w, p - w, u                               */
} ending;

static inline ending ending_of(uint64_t *out, const cki_ending *q,
                               const cki_mod *m)
{
    ending e = { out, q, factor(q->w, m), factor(m->p - q->w, m),
                 factor(q->u, m) };

    return e;
}

/* The sum of the summands there: at most SUMMANDS, three after a reduction. */
enum {
    SUMMANDS = 1 + 3,
    QUOTIENT = OF_PRODUCTS + SUMMANDS
};

WITHIN(OF_PRODUCT, SUMMANDS);   /* u times the sum                           */
WITHIN(QUOTIENT, ROOM);

static inline vec summands_at(const cki_ending *q, size_t at, size_t n,
                              prime c)
{
    vec sum = zero();

    for (size_t j = 0; j < q->summands; j++) {
        const cki_summand *s = q->s + j;

        if (s->perm != NULL)
            ask_permuted(s->x, s->perm, at, n);

        sum = add(sum, s->perm == NULL ? load(s->x + at)
                                       : permuted(s->x, s->perm + at));
        VERIFY_VEC(sum, SUMMANDS, c);
        if (j % 3 == 2)
            sum = reduce(sum, c);
    }
    return sum;
}

/* w in + (p - w) x + u sum, canonical.  Lemma I twice, the quotients and
 * the remainders added: below 4p; with the sum, or its product, below 8p
 * (QUOTIENT). */
static ALWAYS_INLINE vec end_of(vec x, size_t at, const ending *e, size_t n,
                                prime c)
{
    const bool more = e->q->summands > 0;
    vec y = load(e->q->in + at), r = zero();
    vec q = hi(hi(zero(), y, e->w.s), x, e->minus.s);

    if (more) {
        r = summands_at(e->q, at, n, c);
        if (e->q->u != 1) {
            q = hi(q, r, e->u.s);
            r = lo(zero(), r, e->u.w);
        }
    }
    r = lo(lo(lo(r, y, e->w.w), x, e->minus.w), q, c.neg);
    VERIFY_VEC(r, QUOTIENT, c);
    return more ? reduce(r, c) : fold(fold(low52(r, c), c.p2), c.p);
}

#endif
