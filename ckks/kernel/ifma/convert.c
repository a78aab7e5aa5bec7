/* convert.c -- base conversion in words of 52 bits.
 *
 * Read first: ifma.h (Lemma I), docs/03-rns.md, docs/10-kernels.md.
 */
#include "kernel/ifma/ifma.h"

/* y_i and v in words.  v is a factor of -D. */

enum { TARGETS = 4 };

/* RN(y_i) frac_i, added to what f holds (i > 0). */
static void count_one(double *f, const uint64_t *y, int i, const cki_conv *k,
                      size_t n)
{
    const __m512d frac = _mm512_set1_pd(k->frac[i]);

    for (size_t j = 0; j < n; j += LANES) {
        __m512d part = _mm512_mul_pd(_mm512_cvtepu64_pd(load(y + j)), frac);

        if (i > 0)
            part = _mm512_add_pd(_mm512_loadu_pd(f + j), part);
        _mm512_storeu_pd(f + j, part);
    }
}

void cki_ifma_convert_begin(uint64_t *const *y, uint64_t *v, const cki_conv *k,
                            bool centred, size_t n)
{
    enum { TILE = 1024 };
    const uint64_t bound = (k->mod[k->src[0]].p - 1) / 2;
    const __m512d half = _mm512_set1_pd(centred ? 0.5 : 0.0);
    double f[TILE];

    if (n % LANES != 0) {
        cki_kernel_portable.convert_begin(y, v, k, centred, n);
        return;
    }
    for (size_t at = 0; at < n; at += TILE) {
        size_t count = n - at < TILE ? n - at : TILE;

        for (int i = 0; i < k->len; i++)
            count_one(f, y[i] + at, i, k, count);
        for (size_t j = 0; j < count; j += LANES)
            if (k->len > 1)             /* the half comes last               */
                store(v + at + j, _mm512_cvttpd_epu64(
                    _mm512_add_pd(_mm512_loadu_pd(f + j), half)));
            else
                store(v + at + j, _mm512_maskz_set1_epi64(
                    _mm512_cmpgt_epu64_mask(load(y[0] + at + j), set1(bound)),
                    centred));
    }
}

/* What a target prime asks for, worked out once a call. */
typedef struct target {
    const cki_mod *m;
    const uint64_t *hat;        /* the factors of the y_i                    */
    uint64_t minus;             /* that of v: -D mod p                       */
    uint64_t w, s;              /* as in a reducer                          */
} target;

static target target_of(const cki_conv *k, int number)
{
    const cki_mod *m = &k->mod[number];
    uint64_t w = cki_reduce(MASK52 + 1, m);
    target t = { m, k->hat + (size_t)number * (size_t)k->len,
                 cki_neg(k->prod[number], m->p), w, companion(w, m) };

    return t;
}

/* Four targets (the last may stand several times), columns j .. j + 7. */
static inline void four_targets(uint64_t *const *out, const target *const *t,
                                const uint64_t *const *y, const uint64_t *v,
                                int len, size_t j)
{
    vec h[TARGETS], l[TARGETS], x = load(v + j);

    UNROLL
    for (int g = 0; g < TARGETS; g++) {
        vec w = set1(t[g]->minus);

        l[g] = lo(zero(), x, w);
        h[g] = hi(zero(), x, w);
    }
    for (int i = 0; i < len; i++) {
        x = load(y[i] + j);
        UNROLL
        for (int g = 0; g < TARGETS; g++) {
            vec w = set1(t[g]->hat[i]);

            l[g] = lo(l[g], x, w);
            h[g] = hi(h[g], x, w);
        }
    }
    UNROLL
    for (int g = 0; g < TARGETS; g++) {
        reducer e = { prime_of(t[g]->m), set1(t[g]->w), set1(t[g]->s) };

        store(out[g] + j, end_sum(h[g], l[g], &e));
    }
}

void cki_ifma_convert_end(uint64_t *const *out, const int *number,
                          int num_targets, const uint64_t *const *y,
                          const uint64_t *v, const cki_conv *k, size_t n)
{
    if (n % LANES != 0) {
        cki_kernel_portable.convert_end(out, number, num_targets, y, v, k, n);
        return;
    }
    VERIFY(k->len <= MAX_TERMS);
    for (int first = 0; first < num_targets; first += TARGETS) {
        const target *t[TARGETS];
        target own[TARGETS];
        uint64_t *to[TARGETS];

        for (int g = 0; g < TARGETS; g++) {
            int last = num_targets - 1;
            int at = first + g < last ? first + g : last;

            own[g] = target_of(k, number[at]);
            t[g] = &own[g];
            to[g] = out[at];
        }
        for (size_t j = 0; j < n; j += LANES)
            four_targets(to, t, y, v, k->len, j);
    }
}
