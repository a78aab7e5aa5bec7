/* pointwise.c -- pointwise operations in words of 52 bits.
 *
 * Read first: ifma.h (Lemma I).
 */
#include "kernel/ifma/ifma.h"

/* ---- a product of two unknown words ----------------------------------------
 *
 * Lemma J.  p of n bits, n <= 49, a, b < p, t = floor(2 a b / 2^n) and
 * mu = floor(2^(n+51) / p) < 2^52.  Then q = floor(t mu / 2^52) has
 * 0 <= a b - q p < 3p.
 *
 *   Proof.  a b / p = (2 a b / 2^n) (2^(n+51) / p) / 2^52.  Cutting the first
 *   factor loses less than 2^(n+51) / p / 2^52 <= 1, cutting the second less
 *   than t / 2^52 < 2^(n+1) / 2^52 <= 1/4, the last floor less than 1.
 *
 * t is hi(2a, b 2^(52-n)): both factors are below 2^52. */

typedef struct barrett {
    prime c;
    vec mu;
    __m128i shift;              /* 52 - n                                    */
} barrett;

static inline barrett barrett_of(const cki_mod *m)
{
    /* m->mu = floor(2^(2n) / p) has too few bits; 2^(n-1) < p */
    const uint64_t mu = companion((uint64_t)1 << (m->bits - 1), m);
    barrett b = { prime_of(m), set1(mu), _mm_cvtsi32_si128(52 - m->bits) };

    return b;
}

/* Low 52 bits: a b mod p, below 3p; c + that if c is not zero. */
static inline vec mul_lazy(vec c, vec a, vec b, const barrett *k)
{
    vec t = hi(zero(), add(a, a), _mm512_sll_epi64(b, k->shift));

    return lo(lo(c, a, b), hi(zero(), t, k->mu), k->c.neg);
}

/* Low 52 bits below 4p -> canonical. */
static inline vec canonical(vec x, prime c)
{
    return fold(fold(low52(x, c), c.p2), c.p);
}

/* ---- pointwise -------------------------------------------------------------
 *
 * Eight words at a time; only the last few go under a mask, which costs twice
 * a plain store. */

static inline __mmask8 lanes(size_t left)
{
    return (__mmask8)(((unsigned)1 << left) - 1);
}

static inline vec load_some(const uint64_t *x, size_t left)
{
    return left >= LANES ? load(x)
                         : _mm512_maskz_loadu_epi64(lanes(left), x);
}

static inline void store_some(uint64_t *x, size_t left, vec v)
{
    if (left >= LANES)
        store(x, v);
    else
        _mm512_mask_storeu_epi64(x, lanes(left), v);
}

void cki_ifma_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m)
{
    const vec p = set1(m->p);

    for (size_t i = 0; i < n; i += LANES) {
        const size_t k = n - i;

        store_some(out + i, k, fold(add(load_some(a + i, k),
                                        load_some(b + i, k)), p));
    }
}

void cki_ifma_sub(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m)
{
    const vec p = set1(m->p);

    for (size_t i = 0; i < n; i += LANES) {
        const size_t k = n - i;
        vec d = sub(load_some(a + i, k), load_some(b + i, k));

        store_some(out + i, k, _mm512_min_epu64(d, add(d, p)));
    }
}

void cki_ifma_mul(uint64_t *out, const uint64_t *a, const uint64_t *b,
                  size_t n, const cki_mod *m)
{
    const barrett r = barrett_of(m);

    for (size_t i = 0; i < n; i += LANES) {
        const size_t k = n - i;
        vec x = mul_lazy(zero(), load_some(a + i, k), load_some(b + i, k), &r);

        store_some(out + i, k, canonical(x, r.c));
    }
}

void cki_ifma_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      const uint64_t *c, size_t n, const cki_mod *m)
{
    const barrett r = barrett_of(m);

    for (size_t i = 0; i < n; i += LANES) {
        const size_t k = n - i;
        vec x = mul_lazy(load_some(c + i, k), load_some(a + i, k),
                         load_some(b + i, k), &r);

        store_some(out + i, k, canonical(x, r.c));
    }
}

/* Lemma J holds for 2 a0 < 2^50, too: t is below 2^51, the second cut loses less
 * than 1/2. */
void cki_ifma_square(uint64_t *out0, uint64_t *out1, uint64_t *out2,
                     const uint64_t *a0, const uint64_t *a1, bool add_to,
                     size_t n, const cki_mod *m)
{
    const barrett r = barrett_of(m);

    for (size_t i = 0; i < n; i += LANES) {
        const size_t k = n - i;
        vec x = load_some(a0 + i, k), y = load_some(a1 + i, k);
        vec r0 = add_to ? load_some(out0 + i, k) : zero();
        vec r1 = add_to ? load_some(out1 + i, k) : zero();
        vec r2 = add_to ? load_some(out2 + i, k) : zero();

        r0 = mul_lazy(r0, x, x, &r);
        r1 = mul_lazy(r1, add(x, x), y, &r);
        r2 = mul_lazy(r2, y, y, &r);
        store_some(out0 + i, k, canonical(r0, r.c));
        store_some(out1 + i, k, canonical(r1, r.c));
        store_some(out2 + i, k, canonical(r2, r.c));
    }
}

void cki_ifma_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                        const uint64_t *c, size_t n, const cki_mod *m)
{
    const prime p = prime_of(m);
    const vec f = set1(w), s = set1(companion(w, m));

    for (size_t i = 0; i < n; i += LANES) {
        const size_t k = n - i;
        vec to = c == NULL ? zero() : load_some(c + i, k);

        to = mul_add_lazy(to, load_some(a + i, k), f, s, p);
        store_some(out + i, k, canonical(to, p));
    }
}
