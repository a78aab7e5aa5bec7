/* digits.c -- integer combinations by small weights (pairs.h).
 *
 * Read first: avx/pairs.h, fma/fma.h (Lemmas F and C), docs/11-layers.md.
 *
 * A word x < p stands for x' = x or x - p, which is cut into three or four
 * signed digits of 16 bits (pairs.h).  One instruction multiplies 16 pairs of
 * 16-bit numbers and adds neighbours, here two terms of one digit and column.
 * Sums of a run stay below 2^15 RUN = 2^31 whatever the order.
 *
 * Sums that no cache will hold until they are read are written past the caches,
 * a line of 64 bytes at once: else each line would be read before it is
 * written, as many bytes again as the inputs have.
 */
#include "kernel/avx/pairs.h"
#include "kernel/avx2/avx2.h"

/* The most that |weight| of a run add up to, and one more; bytes of sums from
 * which on they are written past the caches. */
enum { RUN = 1 << 16, PAST = 1 << 21 };

/* What cuts a word into digits. */
typedef struct cutter {
    __m256i p, most, bias;
} cutter;

static cutter cutter_of(const cki_mod *m)
{
    cutter c = { _mm256_set1_epi64x((int64_t)m->p),
                 _mm256_set1_epi64x((int64_t)cki_pairs_cut(m)),
                 _mm256_set1_epi64x((int64_t)cki_pairs_bias(m)) };

    return c;
}

/* The digits of four words, each in its word.  The fourth of three is the top
 * one's sign. */
static inline __m256i cut(const uint64_t *x, cutter c)
{
    __m256i u = _mm256_loadu_si256((const __m256i *)(const void *)x);
    __m256i above = _mm256_cmpgt_epi64(u, c.most);

    u = _mm256_sub_epi64(u, _mm256_and_si256(above, c.p));
    return _mm256_xor_si256(_mm256_add_epi64(u, c.bias), c.bias);
}

/* A tile is (columns by eights, pair of inputs, digits vectors).  Numbers are
 * pairs' digits, columns 0..7: d_ij is digit j of column i.
 *
 * Four digits:  d_00 d_01 d_02 d_03 | d_20 ..,  d_1. | d_3.,  d_4. | d_6.,
 * d_5. | d_7..  Three: d_00 d_01 d_02 d_50 | d_20 d_21 d_22 d_70,
 * d_10 d_11 d_12 d_51 | d_3. d_71,  d_40 d_41 d_42 d_52 | d_6. d_72. */
static ALWAYS_INLINE void pack_eight(__m256i *to, const uint64_t *x,
                                     const uint64_t *y, bool three, cutter c)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i a = cut(x, c), b = y == NULL ? zero : cut(y, c);
    __m256i d = cut(x + 4, c), e = y == NULL ? zero : cut(y + 4, c);
    __m256i v0 = _mm256_unpacklo_epi16(a, b), v1 = _mm256_unpackhi_epi16(a, b);
    __m256i v2 = _mm256_unpacklo_epi16(d, e), v3 = _mm256_unpackhi_epi16(d, e);

    if (three) {
        v0 = _mm256_blend_epi32(v0, _mm256_shuffle_epi32(v3, 0x00), 0x88);
        v1 = _mm256_blend_epi32(v1, _mm256_shuffle_epi32(v3, 0x55), 0x88);
        v2 = _mm256_blend_epi32(v2, _mm256_shuffle_epi32(v3, 0xaa), 0x88);
    }
    _mm256_store_si256(to++, v0);
    _mm256_store_si256(to++, v1);
    _mm256_store_si256(to++, v2);
    if (!three)
        _mm256_store_si256(to, v3);
}

static ALWAYS_INLINE void pack_digits(__m256i *to, const uint64_t *const *in,
                                      size_t n_in, size_t at, size_t columns,
                                      bool three, cutter c)
{
    const size_t vectors = three ? 3 : 4, step = (n_in + 1) / 2 * vectors;

    for (size_t j = 0; j < n_in; j += 2, to += vectors) {
        __m256i *next = to;

        for (size_t i = at; i < at + columns; i += 8, next += step)
            pack_eight(next, in[j] + i, j + 1 < n_in ? in[j + 1] + i : NULL,
                       three, c);
    }
}

/* Sums of digits, 2^16 apart, and what is added.
 *
 * d_0 + 2^16 d_1 is below 2^48 and exact.  2^32 d_2 + 2^48 d_3 is 2^32 times a
 * whole number below 2^33 (|d_3| <= 2^16, for the digit is a sign): exact.  It
 * is at most 2^63 + 2^48, for four digits 2^15 p + 2^48, so below 2^51 p, and
 * nearest() is off by at most 1/2 + 2^-4: what reduce leaves is whole and below
 * p: exact.  With a word of out the second sum is below 2^51. */
static ALWAYS_INLINE ints digit_end(const uint64_t *out, __m128i d0, __m128i d1,
                                    __m128i d2, __m128i d3, bool four,
                                    bool add_to, prime c)
{
    vec low = _mm256_fmadd_pd(_mm256_cvtepi32_pd(d1), _mm256_set1_pd(0x1p16),
                              _mm256_cvtepi32_pd(d0));
    vec high = _mm256_mul_pd(_mm256_cvtepi32_pd(d2), _mm256_set1_pd(0x1p32));

    VERIFY(!four || _mm_movemask_epi8(_mm_cmpgt_epi32(
        _mm_abs_epi32(d3), _mm_set1_epi32(RUN))) == 0);
    if (four)
        high = _mm256_fmadd_pd(_mm256_cvtepi32_pd(d3), _mm256_set1_pd(0x1p48),
                               high);
    VERIFY(at_most(low, 0x1p48));
    VERIFY(at_most(high, (four ? 0x1p15 * c.p[0] : 0x1p63) + 0x1p48));
    low = _mm256_sub_pd(low, c.half);
    if (add_to)
        low = _mm256_add_pd(low, load(out));
    return centred_words(reduce(_mm256_add_pd(reduce(high, c), low), c), c);
}

/* Words 0, 2, 1, 3 of 64 bits: neighbours of both halves come together. */
static inline __m256i gather(__m256i x)
{
    return _mm256_permute4x64_epi64(x, 0xd8);
}

static inline __m128i lower(__m256i x)
{
    return _mm256_castsi256_si128(x);
}

static inline __m128i upper(__m256i x)
{
    return _mm256_extracti128_si256(x, 1);
}

static ALWAYS_INLINE void put_four(uint64_t *out, ints x, bool past)
{
    if (past)
        _mm256_stream_si256((__m256i *)(void *)out, x);
    else
        store_words(out, x);
}

/* Sums of four columns' four digits, as pack_eight has them; past: past the
 * caches. */
static ALWAYS_INLINE void end_four(uint64_t *out, __m256i s0, __m256i s1,
                                   bool add_to, bool past, prime c)
{
    __m256i low = gather(_mm256_unpacklo_epi32(s0, s1));
    __m256i high = gather(_mm256_unpackhi_epi32(s0, s1));

    put_four(out, digit_end(out, lower(low), upper(low), lower(high),
                            upper(high), true, add_to, c), past);
}

/* Of eight columns' three. */
static ALWAYS_INLINE void end_eight(uint64_t *out, __m256i s0, __m256i s1,
                                    __m256i s2, bool add_to, bool past,
                                    prime c)
{
    __m256i high = _mm256_unpackhi_epi32(s0, s1);
    __m256i low = gather(_mm256_unpacklo_epi32(s0, s1));
    __m256i five = _mm256_unpackhi_epi64(high, high);
    __m128i none = _mm_setzero_si128();
    ints first, second;

    first = digit_end(out, lower(low), upper(low), lower(gather(high)), none,
                      false, add_to, c);
    low = gather(_mm256_unpacklo_epi32(s2, five));
    second = digit_end(out + 4, lower(low), upper(low),
                       lower(_mm256_permute4x64_epi64(s2, 0x0d)), none, false,
                       add_to, c);
    put_four(out, first, past);
    put_four(out + 4, second, past);
}

/* The sums of one run for four rows; gives where the next begins.  A function
 * of its own, where sums are all there is to keep in registers; what the rows
 * share is read for each, as no register is left for it, and the compiler may
 * not know that it is the same. */
#define READ_AGAIN(x) __asm__("" : "+r"(x))
#define ADD_TO(s, x) __asm__("vpaddd %1, %0, %0" : "+x"(s) : "x"(x))
#define RUN_SUMS(name, VECTORS)                                           \
    static __attribute__((noinline)) const cki_entry *name(                   \
        __m256i *out, const __m256i *tile, size_t pair_size,              \
        const cki_entry *e, const uint32_t *pair)                             \
    {                                                                     \
        __m256i s[ROWS][VECTORS];                                         \
        cki_entry last;                                                       \
                                                                          \
        UNROLL                                                            \
        for (int r = 0; r < ROWS; r++)                                    \
            UNROLL                                                        \
            for (int v = 0; v < VECTORS; v++)                             \
                s[r][v] = _mm256_setzero_si256();                         \
        do {                                                              \
            const __m256i *x = tile + *e / 2 * pair_size;                 \
                                                                          \
            last = *e++ & 1;                                           \
            UNROLL                                                        \
            for (int r = 0; r < ROWS; r++) {                              \
                __m256i w = _mm256_set1_epi32((int)pair[r]);              \
                                                                          \
                READ_AGAIN(x);                                            \
                UNROLL                                                    \
                for (int v = 0; v < VECTORS; v++)                         \
                    ADD_TO(s[r][v], _mm256_madd_epi16(x[v], w));          \
            }                                                             \
            pair += ROWS;                                                 \
        } while (!last);                                                  \
        UNROLL                                                            \
        for (int r = 0; r < ROWS; r++)                                    \
            UNROLL                                                        \
            for (int v = 0; v < VECTORS; v++)                             \
                _mm256_store_si256(out + VECTORS * r + v, s[r][v]);       \
        return e;                                                         \
    }
RUN_SUMS(sums_of_three, 3)
RUN_SUMS(sums_of_four, 2)

/* Four rows, eight columns of three digits or four of four.  tile: at those
 * columns; past: what the last run leaves goes past the caches. */
static ALWAYS_INLINE void digit_rows(uint64_t *const *out, size_t rows,
                                     const __m256i *tile, size_t pair_size,
                                     const cki_entry *e, const uint32_t *pair,
                                     size_t count, size_t at, bool three,
                                     bool past, prime c)
{
    const cki_entry *stop = e + count;

    for (bool add_to = false; e < stop; add_to = true) {
        __m256i s[3 * ROWS];
        const cki_entry *next = (three ? sums_of_three : sums_of_four)(
            s, tile, pair_size, e, pair);

        for (size_t r = 0; r < ROWS && r < rows; r++)
            if (three)
                end_eight(out[r] + at, s[3 * r], s[3 * r + 1], s[3 * r + 2],
                          add_to, past && next == stop, c);
            else
                end_four(out[r] + at, s[2 * r], s[2 * r + 1], add_to,
                         past && next == stop, c);
        pair += ROWS * (next - e);
        e = next;
    }
}

/* A part of the next tile's inputs: memory works while sums are made. */
static void ask_next(const uint64_t *const *in, size_t first, size_t end,
                     size_t at)
{
    for (size_t k = first; k < end; k++)
        _mm_prefetch((const void *)(in[k / (DIGIT_COLUMNS / 8)] + at
                                    + k % (DIGIT_COLUMNS / 8) * 8),
                     _MM_HINT_T1);
}

/* Whether all sums begin with a line and are more than caches hold. */
static bool goes_past(uint64_t *const *out, const ckks_block *block,
                      size_t n_blocks, size_t n)
{
    size_t rows = 0;

    for (const ckks_block *b = block; b < block + n_blocks; b++)
        for (size_t r = 0; r < b->rows; r++, rows++)
            if ((uintptr_t)out[b->first + r] % 64 != 0)
                return false;
    return rows >= PAST / sizeof **out / n;
}

static ALWAYS_INLINE void combine_small(uint64_t *const *out,
                                        const uint64_t *const *in, size_t n_in,
                                        const ckks_block *block,
                                        size_t n_blocks, size_t n, bool three,
                                        const cki_mod *m, void *work)
{
    const size_t vectors = three ? 3 : 4;
    const size_t pairs = (n_in + 1) / 2, lines = n_in * (DIGIT_COLUMNS / 8);
    const prime c = prime_of(m);
    const cutter cut_by = cutter_of(m);
    const bool past = goes_past(out, block, n_blocks, n);
    __m256i *tile = work;
    uint32_t *packed = (uint32_t *)(void *)(tile + pairs * vectors
                                                       * (DIGIT_COLUMNS / 8));

    size_t calls = 0, step;

    cki_pairs_pack(packed, block, n_blocks, ROWS, RUN);
    for (const ckks_block *b = block; b < block + n_blocks; b++)
        calls += (b->rows + ROWS - 1) / ROWS * (DIGIT_COLUMNS / 8);
    step = (lines + calls - 1) / calls;
    for (size_t at = 0; at < n; at += DIGIT_COLUMNS) {
        const size_t ahead = at + 2 * DIGIT_COLUMNS <= n ? at + DIGIT_COLUMNS
                                                         : at;
        const size_t columns = n - at < DIGIT_COLUMNS ? n - at : DIGIT_COLUMNS;
        size_t asked = 0;

        pack_digits(tile, in, n_in, at, columns, three, cut_by);
        for (size_t i = 0; i < columns; i += 8) {
            const __m256i *x = tile + i / 8 * pairs * vectors;
            const uint32_t *w = packed;

            for (const ckks_block *b = block; b < block + n_blocks; b++) {
                const size_t count = *w++;
                const cki_entry *e = w;

                w += count;
                for (size_t r = 0; r < b->rows; r += ROWS, w += ROWS * count) {
                    size_t end = asked + step < lines ? asked + step : lines;

                    ask_next(in, asked, end, ahead);
                    asked = end;
                    digit_rows(out + b->first + r, b->rows - r, x, vectors, e,
                               w, count, at + i, three, past, c);
                    if (!three)             /* the line's other half         */
                        digit_rows(out + b->first + r, b->rows - r, x + 2,
                                   vectors, e, w, count, at + i + 4, false,
                                   past, c);
                }
            }
        }
    }
    if (past)
        _mm_sfence();           /* before others are told of the sums        */
}

void cki_avx2_combine_digits(uint64_t *const *out, const uint64_t *const *in,
                             size_t n_in, const ckks_block *block,
                             size_t n_blocks, size_t n, const cki_mod *m,
                             void *work)
{
    if (cki_pairs_three(m))
        combine_small(out, in, n_in, block, n_blocks, n, true, m, work);
    else
        combine_small(out, in, n_in, block, n_blocks, n, false, m, work);
}
