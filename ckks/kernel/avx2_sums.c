/* avx2_sums.c -- layer 2: inner products and base conversion.
 *
 * Read first: avx2.h (Lemma F), docs/10-kernels.md.
 */
#include "avx2.h"

/* ---- sums of products ------------------------------------------------------
 *
 * Lemma D.  high starts at C = 1.5 * 2^101, where doubles have an ulp of 2^49.
 * For each term: next = fma(a, b, high); d = next - high; low += fma(a, b, -d).
 * If the sum of |a b| is at most 2^100 and there are at most 8 terms, then
 * (high - C) + low is the sum of the a b exactly, |low| <= 8 * 2^48.
 *
 *   Proof.  high stays within 2^100 of C, so in [2^101, 2^102], with ulp 2^49:
 *   next and high are multiples of 2^49, d is one too and |a b - d| <= 2^48
 *   (half an ulp), a whole number: a b - d is exact, and sums of eight are.
 *
 * The end: H = high - C, q = nearest(H / p), r = fma(-q, p, H) + low.  |H / p|
 * <= 2^51 is needed for q; then |r| <= p (1/2 + 2^-1) + 2^51 < 2^52, exact, and
 * reduce and lift finish.  For a, b in [0, p): four terms (4 p < 2^51).  For
 * a < 2^49 and |b| <= p/2: eight. */

#define HIGH 0x1.8p101

static inline void dot_term(vec *high, vec *low, vec a, vec b)
{
    vec next = _mm256_fmadd_pd(a, b, *high);
    vec d = _mm256_sub_pd(next, *high);

    *low = _mm256_add_pd(*low, _mm256_fmsub_pd(a, b, d));
    *high = next;
}

/* The sum modulo p, |out| <= p (1/2 + 2^-1). */
static inline vec dot_end(vec high, vec low, prime c)
{
    vec h = _mm256_sub_pd(high, _mm256_set1_pd(HIGH));
    vec r = _mm256_fnmadd_pd(nearest(h, c.inv, c), c.p, h);

    return reduce(_mm256_add_pd(r, low), c);
}

/* Up to four terms, added to out if add_to. */
static void dot2_few(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                     const uint64_t *const *y0, const uint64_t *const *y1,
                     int k, bool add_to, size_t n, prime c)
{
    for (size_t i = 0; i < n; i += 4) {
        vec high0 = _mm256_set1_pd(HIGH), high1 = high0;
        vec low0 = _mm256_setzero_pd(), low1 = low0;

        for (int j = 0; j < k; j++) {
            vec a = load(x[j] + i);

            dot_term(&high0, &low0, a, load(y0[j] + i));
            dot_term(&high1, &low1, a, load(y1[j] + i));
        }
        low0 = lift(dot_end(high0, low0, c), c);
        low1 = lift(dot_end(high1, low1, c), c);
        if (add_to) {
            low0 = fold(_mm256_add_pd(low0, load(out0 + i)), c);
            low1 = fold(_mm256_add_pd(low1, load(out1 + i)), c);
        }
        store(out0 + i, low0);
        store(out1 + i, low1);
    }
}

void cki_avx2_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                 const uint64_t *const *y0, const uint64_t *const *y1, int k,
                 bool add_to, size_t n, const cki_mod *m)
{
    const prime c = prime_of(m);

    if (n % 4 != 0) {
        cki_kernel_portable.dot2(out0, out1, x, y0, y1, k, add_to, n, m);
        return;
    }
    for (int j = 0; j < k; j += 4)
        dot2_few(out0, out1, x + j, y0 + j, y1 + j, k - j < 4 ? k - j : 4,
                 add_to || j > 0, n, c);
}

enum { TILE = 64, CHUNK = 8 };

/* y (len, TILE) and v (TILE) as doubles for the columns from at on. */
static void conv_tile(double (*y)[TILE], double *v,
                      const uint64_t *const *in, const cki_conv *k,
                      bool centred, size_t at, size_t count)
{
    const vec half = _mm256_set1_pd(centred ? 0.5 : 0.0);

    for (int i = 0; i < k->len; i++) {
        const cki_mod *q = &k->mod[k->src[i]];
        const prime c = prime_of(q);
        const vec w = constant(k->inv[i], q);
        const vec frac = _mm256_set1_pd(k->frac[i]);

        for (size_t j = 0; j < count; j += 4) {
            vec r = lift(mulmod(load(in[i] + at + j), w, c), c);
            vec f = _mm256_mul_pd(r, frac);

            _mm256_storeu_pd(y[i] + j, r);
            if (i > 0)
                f = _mm256_add_pd(_mm256_loadu_pd(v + j), f);
            _mm256_storeu_pd(v + j, f);
        }
    }
    if (k->len == 1) {
        double bound = (double)((k->mod[k->src[0]].p - 1) / 2);

        for (size_t j = 0; j < count; j++)
            v[j] = centred && y[0][j] > bound;
        return;
    }
    for (size_t j = 0; j < count; j += 4)       /* the half comes last       */
        _mm256_storeu_pd(v + j, _mm256_floor_pd(
            _mm256_add_pd(_mm256_loadu_pd(v + j), half)));
}

/* One target: out = sum of b[i] y[i] + b[len] v, b balanced. */
static void conv_out(uint64_t *out, double (*y)[TILE], const double *v,
                     const double *b, int len, size_t count, prime c)
{
    for (size_t j = 0; j < count; j += 8) {
        vec total0 = _mm256_setzero_pd(), total1 = total0;

        for (int at = 0; at <= len; at += CHUNK) {
            int end = at + CHUNK <= len + 1 ? at + CHUNK : len + 1;
            vec high0 = _mm256_set1_pd(HIGH), high1 = high0;
            vec low0 = _mm256_setzero_pd(), low1 = low0;

            for (int i = at; i < end; i++) {
                const double *row = i < len ? y[i] : v;
                vec w = _mm256_set1_pd(b[i]);

                dot_term(&high0, &low0, _mm256_loadu_pd(row + j), w);
                dot_term(&high1, &low1, _mm256_loadu_pd(row + j + 4), w);
            }
            /* at most 13 chunks of at most p each */
            total0 = _mm256_add_pd(total0, dot_end(high0, low0, c));
            total1 = _mm256_add_pd(total1, dot_end(high1, low1, c));
        }
        store(out + j, lift(reduce(total0, c), c));
        store(out + j + 4, lift(reduce(total1, c), c));
    }
}

static void convert_tile(uint64_t *const *out, const int *target,
                         int num_targets, const uint64_t *const *in,
                         const cki_conv *k, bool centred, size_t at,
                         size_t count)
{
    double y[CKKS_MAX_PRIMES][TILE], v[TILE], b[CKKS_MAX_PRIMES + 1];

    conv_tile(y, v, in, k, centred, at, count);
    for (int t = 0; t < num_targets; t++) {
        const cki_mod *m = &k->mod[target[t]];
        const uint64_t *hat = k->hat + (size_t)target[t] * (size_t)k->len;

        for (int i = 0; i < k->len; i++)
            b[i] = balanced(hat[i], m->p);
        b[k->len] = balanced(cki_neg(k->prod[target[t]], m->p), m->p);
        conv_out(out[t] + at, y, v, b, k->len, count, prime_of(m));
    }
}

void cki_avx2_convert(uint64_t *const *out, const int *target, int num_targets,
                    const uint64_t *const *in, const cki_conv *k,
                    bool centred, size_t n)
{
    if (n % 8 != 0) {
        cki_kernel_portable.convert(out, target, num_targets, in, k, centred,
                                    n);
        return;
    }
    for (size_t at = 0; at < n; at += TILE)
        convert_tile(out, target, num_targets, in, k, centred, at,
                     n - at < TILE ? n - at : TILE);
}
