/* convert.c -- base conversion in words of 52 bits.
 *
 * Read first: ifma.h (Lemma I), docs/03-rns.md, docs/10-kernels.md.
 */
#include "kernel/ifma/convert.h"
#include "kernel/ifma/ntt.h"

/* y_i in words, v in bytes: of what a second half reads, it is then one part in
 * 8 len, not one in len.  v is a factor of -D. */

/* The sum of RN(y_i) frac_i from the first source on, for vectors of columns at
 * j. */
enum { VECTORS = 4, COLUMNS = VECTORS * LANES };

static ALWAYS_INLINE void fractions(__m512d f[VECTORS],
                                    const uint64_t *const *y, size_t j,
                                    const cki_conv *k)
{
    UNROLL
    for (int v = 0; v < VECTORS; v++)
        f[v] = _mm512_setzero_pd();
    for (int i = 0; i < k->len; i++) {
        const __m512d frac = _mm512_set1_pd(k->frac[i]);

        UNROLL
        for (int v = 0; v < VECTORS; v++) {
            const vec x = load(y[i] + j + (size_t)(v * LANES));

            f[v] = _mm512_add_pd(f[v], _mm512_mul_pd(_mm512_cvtepu64_pd(x),
                                                     frac));
        }
    }
}

void cki_ifma_convert_begin(uint64_t *const *y, uint64_t *v, const cki_conv *k,
                            bool centred, size_t n)
{
    const uint64_t bound = (k->mod[k->src[0]].p - 1) / 2;
    const __m512d half = _mm512_set1_pd(centred ? 0.5 : 0.0);
    const uint64_t *const *from = (const uint64_t *const *)y;

    if (n % COLUMNS != 0) {
        cki_kernel_portable.convert_begin(y, v, k, centred, n);
        return;
    }
    if (k->len == 1)
        for (size_t j = 0; j < n; j += LANES)
            store_bytes(v, j, _mm512_maskz_set1_epi64(
                _mm512_cmpgt_epu64_mask(load(y[0] + j), set1(bound)),
                centred));
    else
        for (size_t j = 0; j < n; j += COLUMNS) {
            __m512d f[VECTORS];

            fractions(f, from, j, k);
            UNROLL
            for (int i = 0; i < VECTORS; i++)   /* the half comes last       */
                store_bytes(v, j + (size_t)(i * LANES),
                            _mm512_cvttpd_epu64(_mm512_add_pd(f[i], half)));
        }
}

/* ---- the second half (convert.h) ----------------------------------------- */

/* What becomes of R < 2^52: a word; below 2p in its low 52 bits; what it is. */
typedef enum form { WORD, LOW, ANY } form;

static ALWAYS_INLINE vec formed(vec r, form f, const target *t)
{
    return f == WORD ? ended(r, t) : f == LOW ? brought_down(r, t) : r;
}

/* Four targets, all columns. */
static ALWAYS_INLINE void fitting(const target *t, const uint64_t *const *y,
                                  const uint64_t *v, int len, bool whole,
                                  form f, size_t n)
{
    for (size_t j = 0; j < n; j += 2 * LANES) {
        vec r[TARGETS][2];

        eight_sums(r, t, y, v, len, whole, j);
        UNROLL
        for (int g = 0; g < TARGETS; g++) {
            store(t[g].out + j, formed(r[g][0], f, &t[g]));
            store(t[g].out + j + LANES, formed(r[g][1], f, &t[g]));
        }
    }
}

/* Columns j .. j + 7, R any: sums of 104 bits are kept and reduced. */
static inline void wide_sums(const target *t, const uint64_t *const *y,
                             const uint64_t *v, int len, const reducer *e,
                             size_t j)
{
    vec h[TARGETS], l[TARGETS];

    UNROLL
    for (int g = 0; g < TARGETS; g++)
        h[g] = l[g] = zero();
    for (int i = 0; i <= len; i++) {
        const vec x = i < len ? load(y[i] + j) : load_bytes(v, j);

        UNROLL
        for (int g = 0; g < TARGETS; g++) {
            const vec w = set1(t[g].w[i]);

            l[g] = lo(l[g], x, w);
            h[g] = hi(h[g], x, w);
        }
    }
    UNROLL
    for (int g = 0; g < TARGETS; g++)
        store(t[g].out + j, end_sum(h[g], l[g], &e[g]));
}

void cki_ifma_convert_end(uint64_t *const *out, const int *number,
                          int num_targets, const uint64_t *const *y,
                          const uint64_t *v, const cki_conv *k, bool lazy,
                          size_t n)
{
    if (n % COLUMNS != 0) {
        cki_kernel_portable.convert_end(out, number, num_targets, y, v, k,
                                        lazy, n);
        return;
    }
    VERIFY(k->len <= MAX_TERMS);
    for (int first = 0; first < num_targets; first += TARGETS) {
        target t[TARGETS];
        reducer e[TARGETS];
        bool some = true, whole = true, any = true;

        targets_init(t, out, number, first, num_targets, k);
        for (int g = 0; g < TARGETS; g++) {
            e[g] = reducer_of(t[g].m);
            some &= fits(k, false, t[g].m);
            whole &= fits(k, true, t[g].m);
            any &= most_of(k, true) <= (uint64_t)first_bound(room_of(t[g].m));
        }
        if (takes_lazy(lazy, n) && any)
            fitting(t, y, v, k->len, true, ANY, n);
        else if (takes_lazy(lazy, n) && whole)
            fitting(t, y, v, k->len, true, LOW, n);
        else if (takes_lazy(lazy, n) && some)
            fitting(t, y, v, k->len, false, LOW, n);
        else if (some)
            fitting(t, y, v, k->len, false, WORD, n);
        else
            for (size_t j = 0; j < n; j += LANES)
                wide_sums(t, y, v, k->len, e, j);
    }
}
