/* combine.c -- integer combinations of limbs.
 *
 * Read first: fma/fma.h (Lemmas F and C), docs/11-layers.md.
 *
 * Two ways, by the weights.  In both, inputs are packed a tile of columns at a
 * time.  Small weights go by digits.c.
 *
 * Other weights (rows below 2^28): x < 2^49 is cut into x = h 2^25 + l, both
 * held as doubles, packed as (input, {l, h}, 32).  Both sums stay below 2^53:
 * exact.  Limbs lie powers of two apart, so their lines fall into the same few
 * sets of the caches and no prefetcher follows them: lines are asked for ASK
 * limbs before they are read, no earlier.
 */
#include "kernel/avx/pairs.h"
#include "kernel/avx2/avx2.h"

enum { COLUMNS = 32, ASK = 16 };

/* Enough for either way: a term's weights of digits, for four rows, and its
 * place in a run take half of its four doubles, and an odd last input is half a
 * pair. */
size_t cki_avx2_combine_work(size_t n_in, const ckks_block *block,
                             size_t n_blocks)
{
    return ((n_in + 1) * DIGIT_COLUMNS + cki_weights_of(block, n_blocks, ROWS))
           * sizeof(double);
}

static void pack_tile(double *to, const uint64_t *const *in, size_t n_in,
                      size_t at)
{
    const __m256i mask = _mm256_set1_epi64x((1 << 25) - 1);
    const __m256i two52 = _mm256_castpd_si256(_mm256_set1_pd(TWO52));
    const vec base = _mm256_set1_pd(TWO52);

    for (size_t j = 0; j < n_in; j++, to += 2 * COLUMNS)
        for (size_t i = 0; i < COLUMNS; i += 4) {
            __m256i x = _mm256_loadu_si256(
                (const __m256i *)(const void *)(in[j] + at + i));
            __m256i l = _mm256_or_si256(_mm256_and_si256(x, mask), two52);
            __m256i h = _mm256_or_si256(_mm256_srli_epi64(x, 25), two52);

            if (j + ASK < n_in)
                _mm_prefetch((const void *)(in[j + ASK] + at + i),
                             _MM_HINT_T0);
            _mm256_storeu_pd(to + i,
                             _mm256_sub_pd(_mm256_castsi256_pd(l), base));
            _mm256_storeu_pd(to + COLUMNS + i,
                             _mm256_sub_pd(_mm256_castsi256_pd(h), base));
        }
}

/* low + high 2^25 modulo p; shift = 2^25 mod p, balanced. */
static inline vec combine_end(vec low, vec high, vec shift, prime c)
{
    vec h = mulmod(reduce(high, c), shift, c);

    VERIFY(at_most(low, 0x1p53) && at_most(high, 0x1p53));
    return lift(reduce(_mm256_add_pd(reduce(low, c), h), c), c);
}

/* Four rows, four columns. */
static inline void combine_four(uint64_t *const *out, size_t rows,
                                const double *tile, const double *weight,
                                const int32_t *index, size_t terms, vec shift,
                                size_t at, prime c)
{
    vec l0 = _mm256_setzero_pd(), l1 = l0, l2 = l0, l3 = l0;
    vec h0 = l0, h1 = l0, h2 = l0, h3 = l0;

    for (size_t k = 0; k < terms; k++, weight += ROWS) {
        const double *x = tile + (size_t)index[k] * 2 * COLUMNS;
        vec l = _mm256_loadu_pd(x), h = _mm256_loadu_pd(x + COLUMNS);
        vec w = _mm256_broadcast_sd(weight);

        l0 = _mm256_fmadd_pd(w, l, l0);
        h0 = _mm256_fmadd_pd(w, h, h0);
        w = _mm256_broadcast_sd(weight + 1);
        l1 = _mm256_fmadd_pd(w, l, l1);
        h1 = _mm256_fmadd_pd(w, h, h1);
        w = _mm256_broadcast_sd(weight + 2);
        l2 = _mm256_fmadd_pd(w, l, l2);
        h2 = _mm256_fmadd_pd(w, h, h2);
        w = _mm256_broadcast_sd(weight + 3);
        l3 = _mm256_fmadd_pd(w, l, l3);
        h3 = _mm256_fmadd_pd(w, h, h3);
    }
    store(out[0] + at, combine_end(l0, h0, shift, c));
    if (rows > 1)
        store(out[1] + at, combine_end(l1, h1, shift, c));
    if (rows > 2)
        store(out[2] + at, combine_end(l2, h2, shift, c));
    if (rows > 3)
        store(out[3] + at, combine_end(l3, h3, shift, c));
}

void cki_avx2_combine(uint64_t *const *out, const uint64_t *const *in,
                      size_t n_in, const ckks_block *block, size_t n_blocks,
                      size_t n, const cki_mod *m, void *work)
{
    double *tile = work, *weights = tile + n_in * 2 * COLUMNS;
    const prime c = prime_of(m);
    const vec shift = constant(cki_reduce((uint64_t)1 << 25, m), m);

    if (n % COLUMNS != 0) {
        cki_kernel_portable.combine(out, in, n_in, block, n_blocks, n, m,
                                    work);
        return;
    }
    if (cki_pairs_fit(block, n_blocks)) {
        cki_avx2_combine_digits(out, in, n_in, block, n_blocks, n, m, work);
        return;
    }
    cki_weights_pack(weights, block, n_blocks, ROWS);
    for (size_t at = 0; at < n; at += COLUMNS) {
        const double *w = weights;

        pack_tile(tile, in, n_in, at);
        for (const ckks_block *b = block; b < block + n_blocks; b++)
            for (size_t r = 0; r < b->rows; r += ROWS, w += ROWS * b->terms)
                for (size_t i = 0; i < COLUMNS; i += 4)
                    combine_four(out + b->first + r, b->rows - r, tile + i, w,
                                 b->index, b->terms, shift, at + i, c);
    }
}
