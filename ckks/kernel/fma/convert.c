/* convert.c -- base conversion in doubles.
 *
 * Read first: dot.h (Lemma D), docs/03-rns.md, docs/10-kernels.md.
 */
#include "kernel/fma/dot.h"
#include "kernel/fma/ntt.h"

/* y_i and v as doubles, in memory of words. */

enum {
    CHUNK = MOST_TERMS,
    CHUNKS = (CKKS_MAX_PRIMES + 1 + CHUNK - 1) / CHUNK,
    CHUNK_SUMS = CHUNKS * OF_DOT
};

/* Lemma C is used on what all chunks add up to, less the middle. */
WITHIN(CHUNK_SUMS + HALF, MOST);

/* What is left for a transform: lazy values within FWD_0.  By p > 256, as its
 * primes are, a quarter of a unit is less than p/1024 (dot_lazy). */
WITHIN(UNIT + UNIT / 4 + 1, FWD_0);
WITHIN(HALF + 1, FWD_0);

/* RN(y_i) frac_i, added to what f holds (i > 0); y_i to doubles. */
static void count_one(uint64_t *y, uint64_t *f, int i, const cki_conv *k,
                      size_t n)
{
    const vec frac = all(k->frac[i]);

    for (size_t j = 0; j < n; j += LANES) {
        vec r = load(y + j), part = r * frac;

        store_lazy(y + j, r);
        if (i > 0)
            part += load_lazy(f + j);
        store_lazy(f + j, part);
    }
}

static void fma_convert_begin(uint64_t *const *y, uint64_t *v,
                              const cki_conv *k, bool centred, size_t n)
{
    enum { TILE = 1024 };
    const vec half = all(centred ? 0.5 : 0.0);
    const vec one = all(centred ? 1.0 : 0.0);
    const vec bound = all((double)((k->mod[k->src[0]].p - 1) / 2));

    if (n % (2 * LANES) != 0) {
        cki_kernel_portable.convert_begin(y, v, k, centred, n);
        return;
    }
    for (size_t at = 0; at < n; at += TILE) {
        size_t count = n - at < TILE ? n - at : TILE;

        for (int i = 0; i < k->len; i++)
            count_one(y[i] + at, v + at, i, k, count);
        for (size_t j = at; j < at + count; j += LANES)
            if (k->len > 1)             /* the half comes last               */
                store_lazy(v + j, whole_below(load_lazy(v + j) + half));
            else
                store_lazy(v + j, where(load_lazy(y[0] + j) > bound, one));
    }
}

/* What convert_end knows of up to four targets: (source or v, target). */
typedef struct targets {
    double b[CKKS_MAX_PRIMES + 1][4];
    prime c[4];
    uint64_t *out[4];
} targets;

/* out[0], out[LANES] = the words of a and b, or lazy values. */
static ALWAYS_INLINE void put_two(uint64_t *out, vec a, vec b, bool lazy,
                                  prime c)
{
    VERIFY_VEC(a, CHUNK_SUMS, c);
    VERIFY_VEC(b, CHUNK_SUMS, c);
    if (lazy) {
        store_lazy(out, reduce(a, c));
        store_lazy(out + LANES, reduce(b, c));
    } else {                            /* less the middle                   */
        store_centred(out, reduce(a - c.half, c), c);
        store_centred(out + LANES, reduce(b - c.half, c), c);
    }
}

/* Two targets, two vectors of columns: out = sum of b[i] y[i] + b[len] v. */
static ALWAYS_INLINE void two_targets(const targets *t,
                                      const uint64_t *const *y,
                                      const uint64_t *v, int len, bool lazy,
                                      size_t j)
{
    const prime c0 = t->c[0], c1 = t->c[1];
    vec t00 = all(0), t01 = t00, t10 = t00, t11 = t00;

    for (int at = 0; at <= len; at += CHUNK) {
        int end = at + CHUNK <= len + 1 ? at + CHUNK : len + 1;
        vec h00 = all(HIGH), h01 = h00, h10 = h00, h11 = h00;
        vec l00 = all(0), l01 = l00, l10 = l00, l11 = l00;

        for (int i = at; i < end; i++) {
            const uint64_t *row = (i < len ? y[i] : v) + j;
            vec x0 = load_lazy(row), x1 = load_lazy(row + LANES);
            vec w0 = all(t->b[i][0]);
            vec w1 = all(t->b[i][1]);

            dot_term(&h00, &l00, x0, w0);
            dot_term(&h01, &l01, x1, w0);
            dot_term(&h10, &l10, x0, w1);
            dot_term(&h11, &l11, x1, w1);
        }
        /* at most p/2 + 1 each, CHUNK_SUMS in the end */
        t00 += dot_end(h00, l00, c0);
        t01 += dot_end(h01, l01, c0);
        t10 += dot_end(h10, l10, c1);
        t11 += dot_end(h11, l11, c1);
    }
    put_two(t->out[0] + j, t00, t01, lazy, c0);
    put_two(t->out[1] + j, t10, t11, lazy, c1);
}

/* out = the word of a sum, or a lazy value. */
static ALWAYS_INLINE void put_one(uint64_t *out, vec high, vec low, bool lazy,
                                  prime c)
{
    if (lazy)
        store_lazy(out, dot_lazy(high, low, c));
    else
        store_centred(out, dot_end(high, low, c), c);
}

/* Four targets, a vector of columns, one chunk: each word is read once for
 * all. */
static ALWAYS_INLINE void four_targets(const targets *t,
                                       const uint64_t *const *y,
                                       const uint64_t *v, int len, bool lazy,
                                       size_t j)
{
    vec h0 = all(HIGH), h1 = h0, h2 = h0, h3 = h0;
    vec l0 = all(0), l1 = l0, l2 = l0, l3 = l0;

    if (!lazy) {                        /* for Lemma C                       */
        l0 -= t->c[0].half;
        l1 -= t->c[1].half;
        l2 -= t->c[2].half;
        l3 -= t->c[3].half;
    }

    for (int i = 0; i <= len; i++) {
        vec x = load_lazy((i < len ? y[i] : v) + j);

        dot_term(&h0, &l0, x, all(t->b[i][0]));
        dot_term(&h1, &l1, x, all(t->b[i][1]));
        dot_term(&h2, &l2, x, all(t->b[i][2]));
        dot_term(&h3, &l3, x, all(t->b[i][3]));
    }
    put_one(t->out[0] + j, h0, l0, lazy, t->c[0]);
    put_one(t->out[1] + j, h1, l1, lazy, t->c[1]);
    put_one(t->out[2] + j, h2, l2, lazy, t->c[2]);
    put_one(t->out[3] + j, h3, l3, lazy, t->c[3]);
}

/* Targets from `first` on, so many; the last one stands for what lacks. */
static void targets_init(targets *t, uint64_t *const *out, const int *number,
                         int count, const cki_conv *k)
{
    for (int g = 0; g < 4; g++) {
        const int at = g < count ? g : count - 1;
        const cki_mod *m = &k->mod[number[at]];
        const uint64_t *row = k->hat + (size_t)number[at] * (size_t)k->len;

        for (int i = 0; i < k->len; i++)
            t->b[i][g] = balanced(row[i], m->p);
        t->b[k->len][g] = balanced(cki_neg(k->prod[number[at]], m->p), m->p);
        t->c[g] = prime_of(m);
        t->out[g] = out[at];
    }
}

static ALWAYS_INLINE void convert_rows(uint64_t *const *out, const int *number,
                                       int num_targets,
                                       const uint64_t *const *y,
                                       const uint64_t *v, const cki_conv *k,
                                       bool lazy, size_t n)
{
    targets t;

    for (int first = 0, count; first < num_targets; first += count) {
        count = num_targets - first;
        count = count > 2 && k->len < CHUNK ? 4 : 2;
        targets_init(&t, out + first, number + first,
                     count < num_targets - first ? count
                                                 : num_targets - first, k);
        if (count == 4)
            for (size_t j = 0; j < n; j += LANES)
                four_targets(&t, y, v, k->len, lazy, j);
        else
            for (size_t j = 0; j < n; j += 2 * LANES)
                two_targets(&t, y, v, k->len, lazy, j);
    }
}

static void fma_convert_end(uint64_t *const *out, const int *number,
                            int num_targets, const uint64_t *const *y,
                            const uint64_t *v, const cki_conv *k, bool lazy,
                            size_t n)
{
    VERIFY(k->len <= CKKS_MAX_PRIMES);
    if (n % (2 * LANES) != 0)
        cki_kernel_portable.convert_end(out, number, num_targets, y, v, k,
                                        lazy, n);
    else if (takes_lazy(lazy, n))
        convert_rows(out, number, num_targets, y, v, k, true, n);
    else
        convert_rows(out, number, num_targets, y, v, k, false, n);
}
