/* combine.c -- integer combinations of limbs.
 *
 * Read first: ifma.h, docs/11-layers.md.
 *
 * Two ways, by the weights, as in avx2/combine.c; inputs are packed a tile of
 * columns at a time.  Small weights go by digits.c.
 *
 * Other weights: in doubles.  A word x < 2^49 is cut into x = h 2^25 + l.  With
 * row sums of |weight| below 2^28 the sums of both halves stay below 2^53:
 * exact.  Packed as (row, {l, h}, 32).
 */
#include "kernel/avx/pairs.h"
#include "kernel/ifma/ifma.h"

/* Limbs lie powers of two apart, so their lines fall into the same few sets of
 * the caches and no prefetcher follows them: lines are asked for AHEAD limbs
 * before they are read, no earlier. */
enum { COLUMNS = 32, AHEAD = 16 };

typedef __m512d dbl;

/* Enough for either way: a term's weights of digits, and its entry, take less
 * than its eight doubles, and an odd last input is half a pair. */
size_t cki_ifma_combine_work(size_t n_in, const ckks_block *block,
                             size_t n_blocks)
{
    return ((n_in + 1) * DIGIT_COLUMNS + cki_weights_of(block, n_blocks, ROWS))
           * sizeof(double);
}

static void pack_tile(double *to, const uint64_t *const *in, size_t n_in,
                      size_t at)
{
    const vec mask = set1((1 << 25) - 1);

    for (size_t j = 0; j < n_in; j++, to += 2 * COLUMNS)
        for (size_t i = 0; i < COLUMNS; i += LANES) {
            vec x = load(in[j] + at + i);

            if (j + AHEAD < n_in)
                _mm_prefetch((const void *)(in[j + AHEAD] + at + i),
                             _MM_HINT_T0);
            _mm512_storeu_pd(to + i, _mm512_cvtepu64_pd(
                _mm512_and_si512(x, mask)));
            _mm512_storeu_pd(to + COLUMNS + i, _mm512_cvtepu64_pd(
                _mm512_srli_epi64(x, 25)));
        }
}

/* ---- the end of a sum ------------------------------------------------------
 *
 * low + high 2^25 mod p.  Each half is first brought into (0, 2p) in doubles:
 * q = nearest(x / p), x - q p + p with |x - q p| <= p (1/2 + |x/p| 2^-52),
 * exact since |x| < 2^53 (Lemma F in fma.h, with w = 1).  Then Lemma I with
 * w = 2^25 mod p: below 2p + 2p. */

typedef struct ending {
    prime c;
    vec w, s;                   /* 2^25 mod p and its companion              */
    dbl p, inv, magic;
} ending;

static ending ending_of(const cki_mod *m)
{
    uint64_t w = cki_reduce((uint64_t)1 << 25, m);
    ending e = { prime_of(m), set1(w), set1(companion(w, m)),
                 _mm512_set1_pd((double)m->p), _mm512_set1_pd(m->inv),
                 _mm512_set1_pd(0x1.8p52) };

    return e;
}

static inline vec positive(dbl x, const ending *e)
{
    dbl q = _mm512_sub_pd(_mm512_fmadd_pd(x, e->inv, e->magic), e->magic);

    VERIFY(_mm512_cmp_pd_mask(_mm512_abs_pd(x), _mm512_set1_pd(0x1p53),
                              _CMP_LE_OQ) == 0xff);
    return add(_mm512_cvtpd_epi64(_mm512_fnmadd_pd(q, e->p, x)), e->c.p);
}

static inline vec finish(dbl low, dbl high, const ending *e)
{
    vec r = mul_add_lazy(positive(low, e), positive(high, e), e->w, e->s,
                         e->c);

    VERIFY_VEC(positive(low, e), 2, e->c);
    VERIFY_VEC(positive(high, e), 2, e->c);
    VERIFY_VEC(r, OF_PRODUCTS, e->c);
    return fold(fold(low52(r, e->c), e->c.p2), e->c.p);
}

/* Eight rows, eight columns: l and h of each row, (row, {l, h}, 8).  A function
 * of its own, so that nothing but the sums asks for registers. */
static __attribute__((noinline)) void
sums(double *to, const double *tile, const double *weight,
     const int32_t *index, size_t terms)
{
    dbl l[ROWS], h[ROWS];

    UNROLL
    for (int r = 0; r < ROWS; r++)
        l[r] = h[r] = _mm512_setzero_pd();
    for (size_t k = 0; k < terms; k++, weight += ROWS) {
        const double *x = tile + (size_t)index[k] * 2 * COLUMNS;
        dbl xl = _mm512_loadu_pd(x), xh = _mm512_loadu_pd(x + COLUMNS);

        UNROLL
        for (int r = 0; r < ROWS; r++) {
            dbl w = _mm512_set1_pd(weight[r]);

            l[r] = _mm512_fmadd_pd(w, xl, l[r]);
            h[r] = _mm512_fmadd_pd(w, xh, h[r]);
        }
    }
    UNROLL
    for (int r = 0; r < ROWS; r++) {
        _mm512_store_pd(to + 2 * LANES * r, l[r]);
        _mm512_store_pd(to + 2 * LANES * r + LANES, h[r]);
    }
}

static void combine_eight(uint64_t *const *out, size_t rows,
                          const double *tile, const double *weight,
                          const ckks_block *b, size_t at, const ending *e)
{
    _Alignas(64) double sum[2 * ROWS * LANES];

    sums(sum, tile, weight, b->index, b->terms);
    for (size_t r = 0; r < ROWS && r < rows; r++)
        store(out[r] + at, finish(_mm512_load_pd(sum + 2 * LANES * r),
                                  _mm512_load_pd(sum + 2 * LANES * r + LANES),
                                  e));
}

void cki_ifma_combine(uint64_t *const *out, const uint64_t *const *in,
                      size_t n_in, const ckks_block *block, size_t n_blocks,
                      size_t n, const cki_mod *m, void *work)
{
    double *tile = work, *weights = tile + n_in * 2 * COLUMNS;
    const ending e = ending_of(m);

    if (n % COLUMNS != 0) {
        cki_kernel_portable.combine(out, in, n_in, block, n_blocks, n, m,
                                    work);
        return;
    }
    if (cki_pairs_fit(block, n_blocks)) {
        cki_ifma_combine_digits(out, in, n_in, block, n_blocks, n, m, work);
        return;
    }
    cki_weights_pack(weights, block, n_blocks, ROWS);
    for (size_t at = 0; at < n; at += COLUMNS) {
        const double *w = weights;

        pack_tile(tile, in, n_in, at);
        for (const ckks_block *b = block; b < block + n_blocks; b++)
            for (size_t r = 0; r < b->rows; r += ROWS, w += ROWS * b->terms)
                for (size_t i = 0; i < COLUMNS; i += LANES)
                    combine_eight(out + b->first + r, b->rows - r, tile + i,
                                  w, b, at + i, &e);
    }
}
