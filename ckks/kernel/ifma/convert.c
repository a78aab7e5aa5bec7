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

/* ---- the second half -------------------------------------------------------
 *
 * out = sum of x_i w_i modulo p, the x_i below different sources q_i, the last
 * of them v.  Lemma I term by term, with quotients and remainders added:
 * R = sum of (x_i w_i - floor(x_i s_i / 2^52) p) is at least 0 and below
 * p times the sum of 1 + x_i 2^-52.  It is known modulo 2^52, as the sum of the
 * low halves plus neg times the sum of the quotients, so it is R wherever p
 * times that sum of the largest x_i does not exceed 2^52 (fits).  No carry is
 * lost before: 65 low halves are below 2^59, and of the sum of quotients only
 * the low 52 bits are read.  reduce ends it.
 *
 * Where R may be larger, sums of 104 bits are kept and reduced (end_sum). */

/* What a target prime asks for, worked out once a call. */
typedef struct target {
    const cki_mod *m;
    uint64_t *out;
    uint64_t w[MAX_TERMS + 1], s[MAX_TERMS + 1];
} target;

static void target_init(target *t, uint64_t *out, const cki_conv *k,
                        int number)
{
    const cki_mod *m = &k->mod[number];
    const uint64_t *hat = k->hat + (size_t)number * (size_t)k->len;

    t->m = m;
    t->out = out;
    for (int i = 0; i <= k->len; i++) {
        t->w[i] = i < k->len ? hat[i] : cki_neg(k->prod[number], m->p);
        t->s[i] = companion(t->w[i], m);
    }
}

/* R < 2^52.  2^52 / p, rounded down, against the sum in units of 2^-52, with
 * v <= MAX_TERMS. */
static bool fits(const cki_conv *k, const cki_mod *m)
{
    const uint64_t room = (MASK52 + 1) / m->p;
    uint64_t parts = MAX_TERMS;

    for (int i = 0; i < k->len; i++)
        parts += k->mod[k->src[i]].p;
    return (uint64_t)k->len + 1 + (parts >> 52) < room;
}

/* Four targets, columns j .. j + 15, R < 2^52: each factor is read once for
 * both vectors. */
static ALWAYS_INLINE void four_fitting(const target *t,
                                       const uint64_t *const *y,
                                       const uint64_t *v, int len, size_t j,
                                       bool two)
{
    vec sum[2][TARGETS], q[2][TARGETS];

    UNROLL
    for (int g = 0; g < TARGETS; g++)
        sum[0][g] = sum[1][g] = q[0][g] = q[1][g] = zero();
    for (int i = 0; i <= len; i++) {
        const uint64_t *from = (i < len ? y[i] : v) + j;
        const vec x0 = load(from), x1 = two ? load(from + LANES) : zero();

        UNROLL
        for (int g = 0; g < TARGETS; g++) {
            const vec w = set1(t[g].w[i]), s = set1(t[g].s[i]);

            sum[0][g] = lo(sum[0][g], x0, w);
            q[0][g] = hi(q[0][g], x0, s);
            if (two) {
                sum[1][g] = lo(sum[1][g], x1, w);
                q[1][g] = hi(q[1][g], x1, s);
            }
        }
    }
    UNROLL
    for (int g = 0; g < TARGETS; g++) {
        const prime c = prime_of(t[g].m);

        store(t[g].out + j, reduce(lo(sum[0][g], q[0][g], c.neg), c));
        if (two)
            store(t[g].out + j + LANES,
                  reduce(lo(sum[1][g], q[1][g], c.neg), c));
    }
}

/* The same, R any. */
static inline void four_targets(const target *t, const uint64_t *const *y,
                                const uint64_t *v, int len, size_t j)
{
    vec h[TARGETS], l[TARGETS];

    UNROLL
    for (int g = 0; g < TARGETS; g++)
        h[g] = l[g] = zero();
    for (int i = 0; i <= len; i++) {
        const vec x = load((i < len ? y[i] : v) + j);

        UNROLL
        for (int g = 0; g < TARGETS; g++) {
            const vec w = set1(t[g].w[i]);

            l[g] = lo(l[g], x, w);
            h[g] = hi(h[g], x, w);
        }
    }
    UNROLL
    for (int g = 0; g < TARGETS; g++) {
        const reducer e = reducer_of(t[g].m);

        store(t[g].out + j, end_sum(h[g], l[g], &e));
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
        target t[TARGETS];
        bool all_fit = true;

        for (int g = 0; g < TARGETS; g++) {
            int last = num_targets - 1;
            int at = first + g < last ? first + g : last;

            target_init(&t[g], out[at], k, number[at]);
            all_fit &= fits(k, t[g].m);
        }
        if (all_fit && n % (2 * LANES) == 0)
            for (size_t j = 0; j < n; j += 2 * LANES)
                four_fitting(t, y, v, k->len, j, true);
        else if (all_fit)
            four_fitting(t, y, v, k->len, 0, false);
        else
            for (size_t j = 0; j < n; j += LANES)
                four_targets(t, y, v, k->len, j);
    }
}
