/* convert.h -- the second half of base conversion in words of 52 bits, on its
 * own or before a transform.
 *
 * Read first: ifma.h (Lemma I), docs/03-rns.md.
 *
 * out = sum of x_i w_i modulo p, the x_i below different sources q_i, the last
 * of them v.  Lemma I term by term, with quotients and remainders added:
 * R = sum of (x_i w_i - floor(x_i s_i / 2^52) p) is at least 0 and below
 * p times the sum of 1 + x_i 2^-52.  It is known modulo 2^52, as the sum of the
 * low halves plus neg times the sum of the quotients, so it is R wherever p
 * times that sum of the largest x_i does not exceed 2^52 (fits).  No carry is
 * lost before: 65 low halves are below 2^59, and of the sum of quotients only
 * the low 52 bits are read.
 *
 * v is at most the number of sources, so a byte.  Where there is room for v w
 * as it is, no quotient is taken off for it (whole). */
#ifndef CKI_IFMA_CONVERT_H
#define CKI_IFMA_CONVERT_H

#include "kernel/ifma/ifma.h"

enum { TARGETS = 4 };           /* worked on together                        */

/* What a target prime asks for, worked out once a call. */
typedef struct target {
    const cki_mod *m;
    uint64_t *out;
    uint64_t p, neg, one;       /* as in prime                               */
    uint64_t w[MAX_TERMS + 1], s[MAX_TERMS + 1];
} target;

static inline void target_init(target *t, uint64_t *out, const cki_conv *k,
                               int number)
{
    const cki_mod *m = &k->mod[number];
    const uint64_t *hat = k->hat + (size_t)number * (size_t)k->len;

    t->m = m;
    t->out = out;
    t->p = m->p;
    t->neg = MASK52 + 1 - m->p;
    t->one = (MASK52 + 1) / m->p;
    for (int i = 0; i <= k->len; i++) {
        t->w[i] = i < k->len ? hat[i] : cki_neg(k->prod[number], m->p);
        t->s[i] = companion(t->w[i], m);
    }
}

/* Targets number first .. first + 3; the last one stands for what lacks. */
static inline void targets_init(target *t, uint64_t *const *out,
                                const int *number, int first, int num_targets,
                                const cki_conv *k)
{
    for (int g = 0; g < TARGETS; g++) {
        const int last = num_targets - 1;
        const int at = first + g < last ? first + g : last;

        target_init(&t[g], out[at], k, number[at]);
    }
}

/* R is below this many p: the sum of 1 + x_i 2^-52, rounded up, and of v 1 more
 * or, whole, len. */
static inline uint64_t most_of(const cki_conv *k, bool whole)
{
    uint64_t parts = MAX_TERMS, len = (uint64_t)k->len;

    for (int i = 0; i < k->len; i++)
        parts += k->mod[k->src[i]].p;
    return len + 1 + (parts >> 52) + (whole ? len : 1);
}

static inline bool fits(const cki_conv *k, bool whole, const cki_mod *m)
{
    return most_of(k, whole) <= (MASK52 + 1) / m->p;
}

/* Of v's bytes, those of columns j .. j + 7: as words, and back. */
static ALWAYS_INLINE vec load_bytes(const uint64_t *v, size_t j)
{
    const uint8_t *from = (const uint8_t *)v + j;

    return _mm512_cvtepu8_epi64(
        _mm_loadl_epi64((const __m128i *)(const void *)from));
}

static ALWAYS_INLINE void store_bytes(uint64_t *v, size_t j, vec x)
{
    uint8_t *to = (uint8_t *)v + j;

    _mm_storel_epi64((__m128i *)(void *)to, _mm512_cvtepi64_epi8(x));
}

/* R of four targets for two vectors of columns at j: each factor is read once
 * for both. */
static ALWAYS_INLINE void eight_sums(vec r[TARGETS][2], const target *t,
                                     const uint64_t *const *y,
                                     const uint64_t *v, int len, bool whole,
                                     size_t j)
{
    vec q[TARGETS][2];

    UNROLL
    for (int g = 0; g < TARGETS; g++)
        r[g][0] = r[g][1] = q[g][0] = q[g][1] = zero();
    for (int i = 0; i <= len; i++) {
        const vec x0 = i < len ? load(y[i] + j) : load_bytes(v, j);
        const vec x1 = i < len ? load(y[i] + j + LANES)
                               : load_bytes(v, j + LANES);

        UNROLL
        for (int g = 0; g < TARGETS; g++) {
            const vec w = set1(t[g].w[i]), s = set1(t[g].s[i]);

            r[g][0] = lo(r[g][0], x0, w);
            r[g][1] = lo(r[g][1], x1, w);
            if (i == len && whole)
                continue;
            q[g][0] = hi(q[g][0], x0, s);
            q[g][1] = hi(q[g][1], x1, s);
        }
    }
    UNROLL
    for (int g = 0; g < TARGETS; g++) {
        r[g][0] = lo(r[g][0], q[g][0], set1(t[g].neg));
        r[g][1] = lo(r[g][1], q[g][1], set1(t[g].neg));
    }
}

/* Below 2p in the low 52 bits (Lemma I with w = 1); canonical. */
static inline vec brought_down(vec r, const target *t)
{
    return lo(r, hi(zero(), r, set1(t->one)), set1(t->neg));
}

static inline vec ended(vec r, const target *t)
{
    const vec x = _mm512_and_si512(brought_down(r, t), set1(MASK52));

    return fold(x, set1(t->p));
}

#endif
