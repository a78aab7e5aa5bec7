/* avx2_combine.c -- layer 2: integer combinations of limbs.
 *
 * Read first: avx2.h (Lemmas F and C), docs/11-layers.md.
 */
#include "avx2.h"

/* ---- the integer combination -----------------------------------------------
 *
 * Two ways, by the weights.  In both, inputs are packed a tile of 32 columns at
 * a time.
 *
 * Small weights (|weight| < 2^15, in every row they add up to less than 2^18):
 * a word x < 2^52 is cut into four digits of 13 bits.  One instruction
 * multiplies 16 pairs of 16-bit numbers and adds neighbours, here two terms of
 * one digit and column.  The sums are below 2^13 2^18 = 2^31 whatever the
 * order.
 *
 * Other weights (rows below 2^28): x < 2^49 is cut into x = h 2^25 + l, both
 * held as doubles, packed as (input, {l, h}, 32).  Both sums stay below 2^53:
 * exact.
 *
 * Limbs lie powers of two apart, so their lines fall into the same few sets of
 * the caches and no prefetcher follows them: lines are asked for AHEAD limbs
 * before they are read, no earlier. */

enum { COLUMNS = 32, ROWS = 4, AHEAD = 16 };

static size_t weights_of(const ckks_block *block, size_t n_blocks)
{
    size_t sum = 0;

    for (size_t b = 0; b < n_blocks; b++)
        sum += (block[b].rows + ROWS - 1) / ROWS * ROWS * block[b].terms;
    return sum;
}

/* Enough for either way: pairs of digits' weights take half a double a term,
 * rounded up to whole pairs. */
size_t cki_avx2_combine_work(size_t n_in, const ckks_block *block,
                           size_t n_blocks)
{
    return (n_in * 2 * COLUMNS + weights_of(block, n_blocks))
           * sizeof(double);
}

/* ---- small weights ------------------------------------------------------ */

static bool small_weights(const ckks_block *block, size_t n_blocks)
{
    for (const ckks_block *b = block; b < block + n_blocks; b++)
        for (size_t r = 0; r < b->rows; r++) {
            const int32_t *w = b->weight + r * b->terms;
            int64_t sum = 0;

            for (size_t k = 0; k < b->terms; k++) {
                int64_t size = w[k] < 0 ? -(int64_t)w[k] : w[k];

                if (size >= 1 << 15)
                    return false;
                sum += size;
            }
            if (sum >= 1 << 18)
                return false;
        }
    return true;
}

/* Two terms' weights in a word, (group of four rows, pair of terms, row);
 * missing rows and terms are 0. */
static void pack_pairs(uint32_t *to, const ckks_block *block, size_t n_blocks)
{
    for (const ckks_block *b = block; b < block + n_blocks; b++)
        for (size_t r = 0; r < b->rows; r += ROWS)
            for (size_t k = 0; k < b->terms; k += 2)
                for (size_t s = r; s < r + ROWS; s++) {
                    const int32_t *w = b->weight + s * b->terms + k;
                    bool row = s < b->rows;
                    int low = row ? w[0] : 0;
                    int high = row && k + 1 < b->terms ? w[1] : 0;

                    *to++ = ((uint32_t)low & 0xffff) | (uint32_t)high << 16;
                }
}

/* Digits of four columns in a vector: those of bits 0, 13, 26 and 39. */
static inline __m256i digits_of(__m256i x)
{
    const __m256i bytes = _mm256_setr_epi8(
        0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,
        0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    const __m256i halves = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i even = _mm256_blend_epi16(x, _mm256_slli_epi64(x, 6), 0x44);
    __m256i odd = _mm256_blend_epi16(_mm256_slli_epi64(x, 3),
                                     _mm256_slli_epi64(x, 9), 0x88);

    /* digit k at bit 16 k of its word, then digits together */
    x = _mm256_and_si256(_mm256_blend_epi16(even, odd, 0xaa),
                         _mm256_set1_epi16((1 << 13) - 1));
    return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(x, bytes), halves);
}

/* (input, 32 columns by fours, digit, 4) */
static void pack_digits(__m256i *to, const uint64_t *const *in, size_t n_in,
                        size_t at)
{
    for (size_t j = 0; j < n_in; j++)
        for (size_t i = 0; i < COLUMNS; i += 4) {
            const uint64_t *x = in[j] + at + i;

            _mm256_store_si256(to++, digits_of(_mm256_loadu_si256(
                                         (const __m256i *)(const void *)x)));
        }
}

/* Sums of digits 0 and 2 and of digits 1 and 3, four columns each. */
typedef struct digit_sums {
    __m256i even, odd;
} digit_sums;

static ALWAYS_INLINE void digit_terms(digit_sums *s, __m256i even,
                                      __m256i odd, uint32_t pair)
{
    __m256i w = _mm256_set1_epi32((int)pair);

    s->even = _mm256_add_epi32(s->even, _mm256_madd_epi16(even, w));
    s->odd = _mm256_add_epi32(s->odd, _mm256_madd_epi16(odd, w));
}

/* d_0 + 2^13 d_1 and 2^26 d_2 + 2^39 d_3 are below 2^45 and 2^71: exact, the
 * latter 2^26 times a whole number.  With D = d_2 + 2^13 d_3 it is at most 2^18
 * p, as every word's upper digits are at most the word: nearest() is off by
 * 1/2 + 2^-34, and what reduce leaves is whole and below p: exact. */
static ALWAYS_INLINE void digit_end(uint64_t *out, digit_sums s, prime c)
{
    vec d0 = _mm256_cvtepi32_pd(_mm256_castsi256_si128(s.even));
    vec d1 = _mm256_cvtepi32_pd(_mm256_castsi256_si128(s.odd));
    vec d2 = _mm256_cvtepi32_pd(_mm256_extracti128_si256(s.even, 1));
    vec d3 = _mm256_cvtepi32_pd(_mm256_extracti128_si256(s.odd, 1));
    vec low = _mm256_fmadd_pd(d1, _mm256_set1_pd(0x1p13), d0);
    vec high = _mm256_fmadd_pd(d3, _mm256_set1_pd(0x1p39),
                               _mm256_mul_pd(d2, _mm256_set1_pd(0x1p26)));

    /* |sum| <= 2^49 + 2^45 + 2^48 */
    store_centred(out, reduce(_mm256_add_pd(reduce(high, c),
                                            _mm256_sub_pd(low, c.half)), c),
                  c);
}

/* Four rows, four columns.  tile: at those columns. */
static inline void digits_four(uint64_t *const *out, size_t rows,
                               const __m256i *tile, const uint32_t *pair,
                               const int32_t *index, size_t terms, size_t at,
                               prime c)
{
    digit_sums s0 = { _mm256_setzero_si256(), _mm256_setzero_si256() };
    digit_sums s1 = s0, s2 = s0, s3 = s0;

    for (size_t k = 0; k < terms; k += 2, pair += ROWS) {
        size_t second = k + 1 < terms ? k + 1 : k;  /* weight 0 then         */
        __m256i x = _mm256_load_si256(tile + (size_t)index[k]
                                                 * (COLUMNS / 4));
        __m256i y = _mm256_load_si256(tile + (size_t)index[second]
                                                 * (COLUMNS / 4));
        __m256i even = _mm256_unpacklo_epi16(x, y);
        __m256i odd = _mm256_unpackhi_epi16(x, y);

        digit_terms(&s0, even, odd, pair[0]);
        digit_terms(&s1, even, odd, pair[1]);
        digit_terms(&s2, even, odd, pair[2]);
        digit_terms(&s3, even, odd, pair[3]);
    }
    digit_end(out[0] + at, s0, c);
    if (rows > 1)
        digit_end(out[1] + at, s1, c);
    if (rows > 2)
        digit_end(out[2] + at, s2, c);
    if (rows > 3)
        digit_end(out[3] + at, s3, c);
}

/* A part of the next tile's inputs: memory works while sums are made. */
static void ask_next(const uint64_t *const *in, size_t first, size_t end,
                     size_t at)
{
    for (size_t k = first; k < end; k++)
        _mm_prefetch((const void *)(in[k / (COLUMNS / 8)] + at
                                    + k % (COLUMNS / 8) * 8), _MM_HINT_T1);
}

static void combine_small(uint64_t *const *out, const uint64_t *const *in,
                          size_t n_in, const ckks_block *block,
                          size_t n_blocks, size_t n, prime c, void *work)
{
    const size_t lines = n_in * (COLUMNS / 8);
    size_t groups = 0, step;
    __m256i *tile = work;
    uint32_t *pairs = (uint32_t *)(void *)(tile + n_in * (COLUMNS / 4));

    for (size_t b = 0; b < n_blocks; b++)
        groups += (block[b].rows + ROWS - 1) / ROWS;
    step = lines / (groups * (COLUMNS / 4)) + 1;
    pack_pairs(pairs, block, n_blocks);
    for (size_t at = 0; at < n; at += COLUMNS) {
        const uint32_t *w = pairs;
        const size_t ahead = at + COLUMNS < n ? at + COLUMNS : at;
        size_t asked = 0;

        pack_digits(tile, in, n_in, at);
        for (const ckks_block *b = block; b < block + n_blocks; b++)
            for (size_t r = 0; r < b->rows; r += ROWS) {
                for (size_t i = 0; i < COLUMNS; i += 4) {
                    size_t end = asked + step < lines ? asked + step : lines;

                    ask_next(in, asked, end, ahead);
                    asked = end;
                    digits_four(out + b->first + r, b->rows - r, tile + i / 4,
                                w, b->index, b->terms, at + i, c);
                }
                w += ROWS * ((b->terms + 1) / 2);
            }
    }
}

/* ---- other weights ------------------------------------------------------ */

/* Weights as doubles, (group of four rows, term, row); missing rows are 0. */
static void pack_weights(double *to, const ckks_block *block, size_t n_blocks)
{
    for (size_t b = 0; b < n_blocks; b++)
        for (size_t r = 0; r < block[b].rows; r += ROWS)
            for (size_t k = 0; k < block[b].terms; k++)
                for (size_t s = r; s < r + ROWS; s++)
                    *to++ = s < block[b].rows
                                ? block[b].weight[s * block[b].terms + k] : 0;
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

            if (j + AHEAD < n_in)
                _mm_prefetch((const void *)(in[j + AHEAD] + at + i),
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
    if (small_weights(block, n_blocks)) {
        combine_small(out, in, n_in, block, n_blocks, n, c, work);
        return;
    }
    pack_weights(weights, block, n_blocks);
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
