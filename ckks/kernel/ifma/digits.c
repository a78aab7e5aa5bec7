/* digits.c -- integer combinations by small weights, |weight| < 2^15.
 *
 * Read first: avx/pairs.h, ifma.h (Lemma I), docs/11-layers.md.
 *
 * Words are cut into three or four signed digits of 16 bits (pairs.h), and one
 * instruction multiplies 32 pairs, adds neighbours and adds that to a sum.
 */
#include "kernel/avx/pairs.h"
#include "kernel/ifma/ifma.h"

/* What cuts a word into digits. */
typedef struct cutter {
    vec p, most, bias;
} cutter;

static cutter cutter_of(const cki_mod *m)
{
    cutter c = { set1(m->p), set1(cki_pairs_cut(m)), set1(cki_pairs_bias(m)) };

    return c;
}

/* The digits of eight words, each in its word (pairs.h). */
static inline vec cut(const uint64_t *x, const cutter *c)
{
    vec u = load(x);

    u = _mm512_mask_sub_epi64(u, _mm512_cmpgt_epu64_mask(u, c->most), u,
                              c->p);
    return _mm512_xor_si512(add(u, c->bias), c->bias);
}

/* A tile is (columns by sixteens, pair of inputs, digits vectors).  In each
 * of the four lanes l of a vector, d_ij digit j of column i:
 *
 * Four digits:  d_2l,0..3,  d_2l+1,0..3,  d_2l+8,0..3,  d_2l+9,0..3.
 * Three:  d_2l,0..2 d_2l+9,0,  d_2l+1,0..2 d_2l+9,1,  d_2l+8,0..2 d_2l+9,2. */
static ALWAYS_INLINE void pack_sixteen(vec *to, const uint64_t *x,
                                       const uint64_t *y, bool three,
                                       const cutter *c)
{
    const __mmask16 fourth = 0x8888;
    vec a = cut(x, c), b = y == NULL ? zero() : cut(y, c);
    vec d = cut(x + LANES, c), e = y == NULL ? zero() : cut(y + LANES, c);
    vec v0 = _mm512_unpacklo_epi16(a, b), v1 = _mm512_unpackhi_epi16(a, b);
    vec v2 = _mm512_unpacklo_epi16(d, e), v3 = _mm512_unpackhi_epi16(d, e);

    if (three) {
        v0 = _mm512_mask_shuffle_epi32(v0, fourth, v3, 0x00);
        v1 = _mm512_mask_shuffle_epi32(v1, fourth, v3, 0x55);
        v2 = _mm512_mask_shuffle_epi32(v2, fourth, v3, 0xaa);
    }
    *to++ = v0;
    *to++ = v1;
    *to++ = v2;
    if (!three)
        *to = v3;
}

static ALWAYS_INLINE void pack_digits(vec *to, const uint64_t *const *in,
                                      size_t n_in, size_t at, size_t columns,
                                      bool three, const cutter *c)
{
    const size_t vectors = three ? 3 : 4, step = (n_in + 1) / 2 * vectors;

    for (size_t j = 0; j < n_in; j += 2, to += vectors) {
        vec *next = to;

        for (size_t i = at; i < at + columns; i += 2 * LANES, next += step)
            pack_sixteen(next, in[j] + i, j + 1 < n_in ? in[j + 1] + i : NULL,
                         three, c);
    }
}

/* The end: S = d_0 + 2^16 d_1 + 2^32 d_2 + 2^48 d_3 is below 2^63 in size, as
 * the |weight| of a run add up to less than 2^16 (three digits: pairs.h) or
 * 2^15 (four, |x'| < 2^48).  S = high 2^52 + low with a sign in high; so is a
 * multiple of p in [2^63, 2^63 + p).  Their sum, and a word below p that may be
 * added, is not negative and below 2^64 + 2p: with low's carry taken to high,
 * twice Lemma I as in convert.c: below 4p. */
typedef struct digit_ending {
    prime c;
    vec w, s;                   /* 2^52 mod p and its companion              */
    vec high, low;              /* of the multiple of p                      */
} digit_ending;

static digit_ending digit_ending_of(const cki_mod *m)
{
    const uint64_t top = (uint64_t)1 << 63;
    const uint64_t up = (top + m->p - 1) / m->p * m->p;
    uint64_t w = cki_reduce(MASK52 + 1, m);
    digit_ending e = { prime_of(m), set1(w), set1(companion(w, m)),
                       set1(up >> 52), set1(up & MASK52) };

    return e;
}

static inline vec wide(__m256i x)
{
    return _mm512_cvtepi32_epi64(x);
}

static ALWAYS_INLINE void digit_end(uint64_t *out, vec sum, bool add_to,
                                    const digit_ending *e)
{
    vec h = add(_mm512_srai_epi64(sum, 52), e->high);
    vec l = add(low52(sum, e->c), e->low), q;

    if (add_to)
        l = add(l, load(out));
    h = add(h, _mm512_srli_epi64(l, 52));
    l = low52(l, e->c);
    VERIFY(below(h, set1(MASK52 + 1)));
    q = hi(hi(zero(), h, e->s), l, e->c.one);
    l = low52(lo(lo(l, h, e->w), q, e->c.neg), e->c);
    store(out, fold(fold(l, e->c.p2), e->c.p));
}

static inline __m256i lower(vec x)
{
    return _mm512_castsi512_si256(x);
}

static inline __m256i upper(vec x)
{
    return _mm512_extracti64x4_epi64(x, 1);
}

/* The low words of the four lanes, then the high ones. */
static inline vec gather(vec x)
{
    return _mm512_permutexvar_epi64(
        _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), x);
}

/* d_0 and d_1 of eight columns: halves of low; d_2 and d_3: of high. */
static inline vec join(vec low, __m256i d2)
{
    return add(add(wide(lower(low)), _mm512_slli_epi64(wide(upper(low)), 16)),
               _mm512_slli_epi64(wide(d2), 32));
}

/* Sums of eight columns' four digits, as pack_sixteen has them. */
static ALWAYS_INLINE void end_four(uint64_t *out, const vec *s, bool add_to,
                                   const digit_ending *e)
{
    vec low = gather(_mm512_unpacklo_epi32(s[0], s[1]));
    vec high = gather(_mm512_unpackhi_epi32(s[0], s[1]));

    digit_end(out, add(join(low, lower(high)),
                       _mm512_slli_epi64(wide(upper(high)), 48)), add_to, e);
}

/* Of sixteen columns' three. */
static ALWAYS_INLINE void end_three(uint64_t *out, const vec *s, bool add_to,
                                    const digit_ending *e)
{
    vec low = gather(_mm512_unpacklo_epi32(s[0], s[1]));
    vec high = _mm512_unpackhi_epi32(s[0], s[1]);
    vec nine = _mm512_unpackhi_epi64(high, high);

    digit_end(out, join(low, lower(gather(high))), add_to, e);
    low = gather(_mm512_unpacklo_epi32(s[2], nine));
    digit_end(out + LANES, join(low, upper(gather(s[2]))), add_to, e);
}

/* The sums of one run for eight rows; gives where the next begins.  Written as
 * an instruction, for gcc 12 copies every sum to memory in every round. */
#define ADD_PRODUCTS(s, x, w)                                             \
    __asm__("vpdpwssd %2, %1, %0" : "+v"(s) : "v"(x), "v"(w))
#define RUN_SUMS(name, VECTORS)                                           \
    static __attribute__((noinline)) const cki_entry *name(               \
        vec *out, const vec *tile, size_t pair_size, const cki_entry *e,  \
        const uint32_t *pair)                                             \
    {                                                                     \
        vec s[ROWS][VECTORS];                                             \
        cki_entry last;                                                   \
                                                                          \
        UNROLL                                                            \
        for (int r = 0; r < ROWS; r++)                                    \
            UNROLL                                                        \
            for (int v = 0; v < VECTORS; v++)                             \
                s[r][v] = zero();                                         \
        do {                                                              \
            const vec *x = tile + *e / 2 * pair_size;                     \
                                                                          \
            last = *e++ & 1;                                              \
            UNROLL                                                        \
            for (int r = 0; r < ROWS; r++) {                              \
                vec w = _mm512_set1_epi32((int)pair[r]);                  \
                                                                          \
                UNROLL                                                    \
                for (int v = 0; v < VECTORS; v++)                         \
                    ADD_PRODUCTS(s[r][v], x[v], w);                       \
            }                                                             \
            pair += ROWS;                                                 \
        } while (!last);                                                  \
        UNROLL                                                            \
        for (int r = 0; r < ROWS; r++)                                    \
            UNROLL                                                        \
            for (int v = 0; v < VECTORS; v++)                             \
                out[VECTORS * r + v] = s[r][v];                           \
        return e;                                                         \
    }
RUN_SUMS(sums_of_three, 3)
RUN_SUMS(sums_of_four, 2)

/* Eight rows, sixteen columns of three digits or eight of four.  tile: at those
 * columns. */
static ALWAYS_INLINE void digit_rows(uint64_t *const *out, size_t rows,
                                     const vec *tile, size_t pair_size,
                                     const cki_entry *e, const uint32_t *pair,
                                     size_t count, size_t at, bool three,
                                     const digit_ending *end)
{
    const cki_entry *stop = e + count;

    for (bool add_to = false; e < stop; add_to = true) {
        vec s[3 * ROWS];
        const cki_entry *next = (three ? sums_of_three : sums_of_four)(
            s, tile, pair_size, e, pair);

        for (size_t r = 0; r < ROWS && r < rows; r++)
            if (three)
                end_three(out[r] + at, s + 3 * r, add_to, end);
            else
                end_four(out[r] + at, s + 2 * r, add_to, end);
        pair += ROWS * (next - e);
        e = next;
    }
}

static ALWAYS_INLINE void combine_small(uint64_t *const *out,
                                        const uint64_t *const *in, size_t n_in,
                                        const ckks_block *block,
                                        size_t n_blocks, size_t n, bool three,
                                        const cki_mod *m, void *work)
{
    const size_t vectors = three ? 3 : 4, pairs = (n_in + 1) / 2;
    const size_t width = three ? 2 * LANES : LANES;
    const digit_ending end = digit_ending_of(m);
    const cutter cut_by = cutter_of(m);
    vec *tile = work;
    uint32_t *packed = (uint32_t *)(void *)(tile + pairs * vectors
                                            * (DIGIT_COLUMNS / (2 * LANES)));

    cki_pairs_pack(packed, block, n_blocks, ROWS, three ? 1 << 16 : 1 << 15);
    for (size_t at = 0; at < n; at += DIGIT_COLUMNS) {
        const size_t columns = n - at < DIGIT_COLUMNS ? n - at : DIGIT_COLUMNS;

        pack_digits(tile, in, n_in, at, columns, three, &cut_by);
        for (size_t i = 0; i < columns; i += width) {
            const vec *x = tile + i / (2 * LANES) * pairs * vectors
                           + i % (2 * LANES) / (LANES / 2);
            const uint32_t *w = packed;

            for (const ckks_block *b = block; b < block + n_blocks; b++) {
                const size_t count = *w++;
                const cki_entry *e = w;

                w += count;
                for (size_t r = 0; r < b->rows; r += ROWS, w += ROWS * count)
                    digit_rows(out + b->first + r, b->rows - r, x, vectors, e,
                               w, count, at + i, three, &end);
            }
        }
    }
}

void cki_ifma_combine_digits(uint64_t *const *out, const uint64_t *const *in,
                             size_t n_in, const ckks_block *block,
                             size_t n_blocks, size_t n, const cki_mod *m,
                             void *work)
{
    if (cki_pairs_three(m))
        combine_small(out, in, n_in, block, n_blocks, n, true, m, work);
    else
        combine_small(out, in, n_in, block, n_blocks, n, false, m, work);
}
