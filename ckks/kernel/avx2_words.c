/* avx2_words.c -- layer 2: pointwise operations and automorphisms.
 *
 * Read first: avx2.h (Lemma F).
 */
#include <string.h>

#include "avx2.h"

/* ---- pointwise -------------------------------------------------------------
 *
 * Four words at a time; what is left of n goes through a padded copy. */

typedef struct tail {
    uint64_t a[4], b[4], c[4];
} tail;

#define POINTWISE(NAME, BODY)                                             \
    static inline void NAME##_four(uint64_t *out, const uint64_t *a,      \
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
        size_t i = 0, rest = n % 4 * sizeof *a;                           \
        for (; i + 4 <= n; i += 4)                                        \
            NAME##_four(out + i, a + i, b + i, c + i, w, k);              \
        if (rest > 0) {                                                   \
            tail t = { { 0 }, { 0 }, { 0 } };                             \
            memcpy(t.a, a + i, rest);                                     \
            memcpy(t.b, b + i, rest);                                     \
            memcpy(t.c, c + i, rest);                                     \
            NAME##_four(t.a, t.a, t.b, t.c, w, k);                        \
            memcpy(out + i, t.a, rest);                                   \
        }                                                                 \
    }

POINTWISE(add, {
    (void)c;
    (void)w;
    store(out, fold(_mm256_add_pd(load(a), load(b)), k));
})
POINTWISE(sub, {
    (void)c;
    (void)w;
    store(out, lift(_mm256_sub_pd(load(a), load(b)), k));
})
/* |a b / p| < p < 2^49, so |r| <= 0.63 p by Lemma F. */
POINTWISE(mul, {
    (void)c;
    (void)w;
    store(out, lift(mulmod(load(a), load(b), k), k));
})
POINTWISE(mul_add, {
    vec r = lift(mulmod(load(a), load(b), k), k);

    (void)w;
    store(out, fold(_mm256_add_pd(r, load(c)), k));
})
POINTWISE(scale, {
    (void)b;
    (void)c;
    store(out, lift(mulmod(load(a), w, k), k));
})
POINTWISE(scale_add, {
    vec r = lift(mulmod(load(a), w, k), k);

    (void)b;
    store(out, fold(_mm256_add_pd(r, load(c)), k));
})
POINTWISE(sub_scale, {
    (void)c;
    store(out, lift(mulmod(_mm256_sub_pd(load(a), load(b)), w, k), k));
})

void cki_avx2_add(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m)
{
    add_all(out, a, b, a, _mm256_setzero_pd(), n, m);
}

void cki_avx2_sub(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m)
{
    sub_all(out, a, b, a, _mm256_setzero_pd(), n, m);
}

void cki_avx2_mul(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m)
{
    mul_all(out, a, b, a, _mm256_setzero_pd(), n, m);
}

void cki_avx2_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    const uint64_t *c, size_t n, const cki_mod *m)
{
    mul_add_all(out, a, b, c, _mm256_setzero_pd(), n, m);
}

void cki_avx2_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                      const uint64_t *c, size_t n, const cki_mod *m)
{
    if (c == NULL)
        scale_all(out, a, a, a, constant(w, m), n, m);
    else
        scale_add_all(out, a, a, c, constant(w, m), n, m);
}

void cki_avx2_sub_scale(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      uint64_t w, size_t n, const cki_mod *m)
{
    sub_scale_all(out, a, b, a, constant(w, m), n, m);
}

/* ---- automorphisms ------------------------------------------------------ */

static inline __m256i permuted(const uint64_t *in, const uint32_t *perm)
{
    const uint64_t *group = in + group_at(perm);

    return _mm256_permutevar8x32_epi32(
        _mm256_loadu_si256((const __m256i *)(const void *)group),
        group_order(perm));
}

void cki_avx2_permute(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                    size_t n)
{
    for (size_t i = 0; i < n; i += 4)
        _mm256_storeu_si256((__m256i *)(void *)(out + i),
                            permuted(in, perm + i));
}

void cki_avx2_add_permuted(uint64_t *out, const uint64_t *in,
                         const uint32_t *perm, size_t n, const cki_mod *m)
{
    const __m256i p = _mm256_set1_epi64x((int64_t)m->p);

    for (size_t i = 0; i < n; i += 4) {
        __m256i *to = (__m256i *)(void *)(out + i);
        __m256i sum = _mm256_add_epi64(_mm256_loadu_si256(to),
                                       permuted(in, perm + i));
        __m256i below = _mm256_cmpgt_epi64(p, sum);

        _mm256_storeu_si256(to, _mm256_sub_epi64(
            sum, _mm256_andnot_si256(below, p)));
    }
}
