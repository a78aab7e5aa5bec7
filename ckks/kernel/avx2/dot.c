/* dot.c -- inner products in doubles.
 *
 * Read first: avx2.h (Lemmas F and D), docs/10-kernels.md.
 */
#include "kernel/avx2/avx2.h"

/* FULL_TERMS at a time by Lemma D, one alone by Lemma F. */

/* One term: by Lemma F its remainder is at most p (1/2 + 2^-3) in absolute
 * value (OF_WORDS), for |a b / p| < p < 2^49. */
static ALWAYS_INLINE void dot2_one(uint64_t *out0, uint64_t *out1,
                                   const uint64_t *x, const uint32_t *perm,
                                   const uint64_t *y0, const uint64_t *y1,
                                   bool add_to, size_t n, prime c)
{
    for (size_t i = 0; i < n; i += 4) {
        vec a, r0, r1;

        if (perm != NULL && i % 8 == 0)
            ask_permuted(x, perm, i, n);
        a = load_at(x, perm, i);
        r0 = lift(mulmod(a, load(y0 + i), c), c);
        r1 = lift(mulmod(a, load(y1 + i), c), c);
        if (add_to) {
            r0 = fold(_mm256_add_pd(r0, load(out0 + i)), c);
            r1 = fold(_mm256_add_pd(r1, load(out1 + i)), c);
        }
        store(out0 + i, r0);
        store(out1 + i, r1);
    }
}

/* Up to four terms, added to out if add_to. */
static ALWAYS_INLINE void dot2_few(uint64_t *out0, uint64_t *out1,
                                   const uint64_t *const *x,
                                   const uint32_t *perm,
                                   const uint64_t *const *y0,
                                   const uint64_t *const *y1, int k,
                                   bool add_to, size_t n, prime c)
{
    for (size_t i = 0; i < n; i += 4) {
        vec high0 = _mm256_set1_pd(HIGH), high1 = high0;
        vec low0 = _mm256_sub_pd(_mm256_setzero_pd(), c.half), low1 = low0;

        if (add_to) {
            low0 = _mm256_add_pd(low0, load(out0 + i));
            low1 = _mm256_add_pd(low1, load(out1 + i));
        }
        UNROLL
        for (int j = 0; j < k; j++) {
            vec a;

            if (perm != NULL && i % 8 == 0)
                ask_permuted(x[j], perm, i, n);
            a = load_at(x[j], perm, i);
            dot_term(&high0, &low0, a, load(y0[j] + i));
            dot_term(&high1, &low1, a, load(y1[j] + i));
        }
        store_centred(out0 + i, dot_end(high0, low0, c), c);
        store_centred(out1 + i, dot_end(high1, low1, c), c);
    }
}

static ALWAYS_INLINE void dot2_all(uint64_t *out0, uint64_t *out1,
                                   const uint64_t *const *x,
                                   const uint32_t *perm,
                                   const uint64_t *const *y0,
                                   const uint64_t *const *y1, int k,
                                   bool add_to, size_t n, prime c)
{
    for (int j = 0; j < k; j += FULL_TERMS) {
        const int some = k - j < FULL_TERMS ? k - j : FULL_TERMS;
        const bool add = add_to || j > 0;

        if (some == 1)
            dot2_one(out0, out1, x[j], perm, y0[j], y1[j], add, n, c);
        else if (some == 2)
            dot2_few(out0, out1, x + j, perm, y0 + j, y1 + j, 2, add, n, c);
        else
            dot2_few(out0, out1, x + j, perm, y0 + j, y1 + j, some, add, n, c);
    }
}

void cki_avx2_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                   const uint32_t *perm, const uint64_t *const *y0,
                   const uint64_t *const *y1, int k, bool add_to, size_t n,
                   const cki_mod *m)
{
    if (n % 4 != 0)
        cki_kernel_portable.dot2(out0, out1, x, perm, y0, y1, k, add_to, n, m);
    else if (perm == NULL)
        dot2_all(out0, out1, x, NULL, y0, y1, k, add_to, n, prime_of(m));
    else
        dot2_all(out0, out1, x, perm, y0, y1, k, add_to, n, prime_of(m));
}
