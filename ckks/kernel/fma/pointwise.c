/* pointwise.c -- pointwise operations in doubles.
 *
 * Read first: fma.h (Lemma F).
 */
#include <string.h>

#include "kernel/fma/fma.h"

/* A vector at a time; what is left of n goes through a padded copy. */

typedef struct padded {
    uint64_t a[LANES], b[LANES], c[LANES];
} padded;

#define POINTWISE(NAME, BODY)                                             \
    static inline void NAME##_some(uint64_t *out, const uint64_t *a,      \
                                   const uint64_t *b, const uint64_t *c,  \
                                   vec w, prime k)                        \
    {                                                                     \
        BODY                                                              \
    }                                                                     \
    static void NAME##_all(uint64_t *out, const uint64_t *a,              \
                           const uint64_t *b, const uint64_t *c, vec w,   \
                           size_t n, const cki_mod *m)                    \
    {                                                                     \
        const prime k = prime_of(m);                                      \
        size_t i = 0, rest = n % LANES * sizeof *a;                       \
        for (; i + LANES <= n; i += LANES)                                \
            NAME##_some(out + i, a + i, b + i, c + i, w, k);              \
        if (rest > 0) {                                                   \
            padded t = { { 0 }, { 0 }, { 0 } };                           \
            memcpy(t.a, a + i, rest);                                     \
            memcpy(t.b, b + i, rest);                                     \
            memcpy(t.c, c + i, rest);                                     \
            NAME##_some(t.a, t.a, t.b, t.c, w, k);                        \
            memcpy(out + i, t.a, rest);                                   \
        }                                                                 \
    }

POINTWISE(add, {
    (void)c;
    (void)w;
    store(out, fold(load(a) + load(b), k));
})
POINTWISE(sub, {
    (void)c;
    (void)w;
    store(out, lift(load(a) - load(b), k));
})
/* |a b / p| < p < 2^49, so |r| <= 0.63 p (OF_WORDS) by Lemma F. */
POINTWISE(mul, {
    (void)c;
    (void)w;
    store(out, lift(mulmod(load(a), load(b), k), k));
})
POINTWISE(mul_add, {
    vec r = lift(mulmod(load(a), load(b), k), k);

    (void)w;
    store(out, fold(r + load(c), k));
})
POINTWISE(scale, {
    (void)b;
    (void)c;
    store(out, lift(mulmod(load(a), w, k), k));
})
POINTWISE(scale_add, {
    vec r = lift(mulmod(load(a), w, k), k);

    (void)b;
    store(out, fold(r + load(c), k));
})

static void fma_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    add_all(out, a, b, a, all(0), n, m);
}

static void fma_sub(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    sub_all(out, a, b, a, all(0), n, m);
}

static void fma_mul(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    mul_all(out, a, b, a, all(0), n, m);
}

static void fma_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                        const uint64_t *c, size_t n, const cki_mod *m)
{
    mul_add_all(out, a, b, c, all(0), n, m);
}

/* out = r modulo p, added to what is there if add_to; |r| < p. */
static inline void put(uint64_t *out, vec r, bool add_to, prime c)
{
    r = lift(r, c);
    store(out, add_to ? fold(r + load(out), c) : r);
}

/* |2 a0 a1| < 2^50 p, so its remainder is at most 0.75 p (OF_SUM). */
static void fma_square(uint64_t *out0, uint64_t *out1, uint64_t *out2,
                       const uint64_t *a0, const uint64_t *a1, bool add_to,
                       size_t n, const cki_mod *m)
{
    const prime c = prime_of(m);
    const size_t whole = n / LANES * LANES;

    for (size_t i = 0; i < whole; i += LANES) {
        vec x = load(a0 + i), y = load(a1 + i);

        put(out0 + i, mulmod(x, x, c), add_to, c);
        put(out1 + i, mulmod(x + x, y, c), add_to, c);
        put(out2 + i, mulmod(y, y, c), add_to, c);
    }
    cki_kernel_portable.square(out0 + whole, out1 + whole, out2 + whole,
                               a0 + whole, a1 + whole, add_to, n - whole, m);
}

static void fma_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                          const uint64_t *c, size_t n, const cki_mod *m)
{
    if (c == NULL)
        scale_all(out, a, a, a, constant(w, m), n, m);
    else
        scale_add_all(out, a, a, c, constant(w, m), n, m);
}
