/* digits.c -- integer combinations by small weights (pairs.h).
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

/* Inputs are asked for that many before they are packed: they lie powers of two
 * apart, and what fetches lines in a row begins anew with each. */
enum { AHEAD = 4 };

static inline void ask_sixteen(const uint64_t *const *in, size_t n_in,
                               size_t j, size_t at)
{
    if (j < n_in) {
        _mm_prefetch((const void *)(in[j] + at), _MM_HINT_T0);
        _mm_prefetch((const void *)(in[j] + at + LANES), _MM_HINT_T0);
    }
}

static ALWAYS_INLINE void pack_digits(vec *to, const uint64_t *const *in,
                                      size_t n_in, size_t at, size_t columns,
                                      bool three, const cutter *c)
{
    const size_t vectors = three ? 3 : 4, step = (n_in + 1) / 2 * vectors;

    for (size_t j = 0; j < n_in; j += 2, to += vectors) {
        vec *next = to;

        for (size_t i = at; i < at + columns; i += 2 * LANES, next += step) {
            ask_sixteen(in, n_in, j + AHEAD, i);
            ask_sixteen(in, n_in, j + AHEAD + 1, i);
            pack_sixteen(next, in[j] + i, j + 1 < n_in ? in[j + 1] + i : NULL,
                         three, c);
        }
    }
}

/* The end.  The four digits' sums of a run make S = d_0 + 2^16 d_1 + 2^32 d_2
 * + 2^48 d_3.  T is S, 2^15 p (2^14 p for four digits) and a word below p that
 * may be added: at least 0 and below 2^64 (the runs), so it is known if it is
 * known modulo 2^64.
 *
 * q = T / p cut off, in doubles that are all rounded down: T to 53 bits, times
 * inv <= 1/p with inv >= (1 - 2^-51) / p, to a whole number, as 2^52 + q has no
 * bits for parts.  q is at most T / p, and as T / p < 2^17, above T / p - 1 -
 * 2^-33: T - q p is in [0, 2p).  The low 52 bits of the double are q. */
typedef struct digit_ending {
    prime c;
    vec most;                   /* 2^32 - 2^16                               */
    vec above;                  /* 2^15 p, 2^14 p, less START in all digits  */
    __m512d inv, whole;         /* 2^52                                      */
} digit_ending;

/* Every sum begins with 2^31 and so is never negative: |d| < 2^31. */
#define START 0x80000000u

/* What |weight| of a run add up to is less.  Three digits: |x'| <= p/2 + c, c <
 * 2^32, and c > 0 only for p > 2^48 - 2 c.  So |S| < (2^16 - 16) p/2 + 2^16 c <
 * (2^15 - 8) p + 2^48 < (2^15 - 6) p, and T < 2^16 p < 2^64.  Four:
 * |x'| <= p/2, so |S| < (2^14 - 1) p, and T < 2^15 p < 2^64. */
enum { RUN_OF_THREE = (1 << 16) - 16, RUN_OF_FOUR = CKI_PAIR_LIMIT };

static digit_ending digit_ending_of(const cki_mod *m, bool three)
{
    const uint64_t start = ((uint64_t)START << 32) + ((uint64_t)START << 16)
                           + START + (three ? 0 : (uint64_t)START << 48);
    digit_ending e = { prime_of(m), set1(((uint64_t)1 << 32) - (1 << 16)),
                       set1((m->p << (three ? 15 : 14)) - start),
                       _mm512_set1_pd(m->inv - m->inv * 0x1p-52),
                       _mm512_set1_pd(0x1p52) };

    return e;
}

/* sum: d_0 .. d_3, each with START, modulo 2^64. */
static ALWAYS_INLINE void digit_end(uint64_t *out, vec sum, bool add_to,
                                    const digit_ending *e)
{
    enum { DOWN = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC };
    vec t = add(sum, e->above), q;

    if (add_to)
        t = add(t, load(out));
    q = _mm512_castpd_si512(_mm512_fmadd_round_pd(
        _mm512_cvt_roundepu64_pd(t, DOWN), e->inv, e->whole, DOWN));
    store(out, fold(low52(lo(t, q, e->c.neg), e->c), e->c.p));
}

/* Words of two sums, the first in the low half: first + 2^16 second. */
static inline vec two_digits(vec x, const digit_ending *e)
{
    return sub(x, _mm512_mul_epu32(_mm512_srli_epi64(x, 32), e->most));
}

/* Sums of eight columns' four digits, as pack_sixteen has them. */
static ALWAYS_INLINE void end_four(uint64_t *out, const vec *s, bool add_to,
                                   const digit_ending *e)
{
    vec low = two_digits(_mm512_unpacklo_epi64(s[0], s[1]), e);
    vec high = two_digits(_mm512_unpackhi_epi64(s[0], s[1]), e);

    digit_end(out, add(low, _mm512_slli_epi64(high, 32)), add_to, e);
}

/* Of sixteen columns' three: d_2 is the low half of a word, what is above it
 * goes. */
static ALWAYS_INLINE void end_three(uint64_t *out, const vec *s, bool add_to,
                                    const digit_ending *e)
{
    const __mmask8 second = 0xaa;
    vec low = _mm512_unpacklo_epi64(s[0], s[1]);
    vec high = _mm512_unpackhi_epi64(s[0], s[1]);
    vec nine = _mm512_unpackhi_epi32(s[0], s[1]);

    digit_end(out, add(two_digits(low, e), _mm512_slli_epi64(high, 32)),
              add_to, e);
    low = _mm512_mask_blend_epi64(second, s[2], nine);
    high = _mm512_unpackhi_epi32(s[2], s[2]);
    digit_end(out + LANES, add(two_digits(low, e),
                               _mm512_slli_epi64(high, 32)), add_to, e);
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
                s[r][v] = _mm512_set1_epi32((int)START);                  \
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
    const digit_ending end = digit_ending_of(m, three);
    const cutter cut_by = cutter_of(m);
    vec *tile = work;
    uint32_t *packed = (uint32_t *)(void *)(tile + pairs * vectors
                                            * (DIGIT_COLUMNS / (2 * LANES)));

    cki_pairs_pack(packed, block, n_blocks, ROWS,
                   three ? RUN_OF_THREE : RUN_OF_FOUR);
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
