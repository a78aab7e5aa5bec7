/* weigh.c -- sums of limbs times words of 52 bits.
 *
 * Read first: ifma.h (Lemma I, "sums of products"), docs/12-volley.md.
 *
 * Eight rows by eight columns: their low and high halves are sixteen registers.
 * After MAX_TERMS terms the sum is reduced; the next ones are added to that
 * word, as many as there is room for.
 */
#include "kernel/ifma/ifma.h"

_Static_assert((int)ROWS == (int)CKI_ROWS, "rows");

/* One column of eight words, up to MAX_TERMS terms; sum: what is there already,
 * canonical, and then the new sum, (rows, 8). */
static __attribute__((noinline)) void
some_terms(uint64_t *sum, const uint64_t *const *in, size_t at,
           const uint64_t *weight, size_t terms, const reducer *e)
{
    vec l[ROWS], h[ROWS];

    UNROLL
    for (int r = 0; r < ROWS; r++) {
        l[r] = load(sum + LANES * r);
        h[r] = zero();
    }
    for (size_t k = 0; k < terms; k++, weight += ROWS) {
        const vec x = load(in[k] + at);

        UNROLL
        for (int r = 0; r < ROWS; r++) {
            const vec w = set1(weight[r]);

            l[r] = lo(l[r], w, x);
            h[r] = hi(h[r], w, x);
        }
    }
    UNROLL
    for (int r = 0; r < ROWS; r++)
        store(sum + LANES * r, end_sum(h[r], l[r], e));
}

void cki_ifma_weigh(uint64_t *const *out, size_t rows,
                    const uint64_t *const *in, const uint64_t *weight,
                    size_t terms, size_t n, const cki_mod *m)
{
    const reducer e = reducer_of(m);

    if (n % LANES != 0) {
        cki_kernel_portable.weigh(out, rows, in, weight, terms, n, m);
        return;
    }
    for (size_t i = 0; i < n; i += LANES) {
        _Alignas(64) uint64_t sum[ROWS * LANES] = { 0 };

        for (size_t k = 0; k < terms; k += MAX_TERMS)
            some_terms(sum, in + k, i, weight + ROWS * k,
                       terms - k < MAX_TERMS ? terms - k : MAX_TERMS, &e);
        for (size_t r = 0; r < rows; r++)
            store(out[r] + i, load(sum + LANES * r));
    }
}
