/* limit.c -- the least time a measurement could take.
 *
 * A limit is a bound by counting: of the work that the documented costs of
 * ckks.h ask for, what one kind of instruction or the memory cannot do faster
 * at its measured rate.  The largest of the bounds is the limit.  No bound
 * says that it can be reached: reductions, loads, shuffles and base
 * conversions are left out.  docs/performance.md has the table.
 */
#include <string.h>

#include "bench.h"

/* What a kernel spends on a butterfly and on a term (an integer times a word,
 * added), in instructions of the rate that bounds it.
 *
 *   portable    a butterfly is a product by Shoup's method: 3 products of 64
 *               bits; a term is 2, one for each half of the word
 *   avx2        a butterfly is 4 fused multiply-adds (or products) and 4
 *               additions, 4 at once: 2 instructions; a term is 2 fused
 *               multiply-adds, 4 at once: 1/2
 *   avx512ifma  a butterfly is 3 products of 52 bits, a term 2, 8 at once
 *
 * A kernel that is not here has no limits. */
typedef struct limit_kernel {
    const char *name;
    size_t ntt_rate;            /* offset in bench_rates                     */
    double butterfly;
    size_t term_rate;
    double term;
} limit_kernel;

#define RATE(field) offsetof(bench_rates, field)

static const limit_kernel limit_table[] = {
    { "portable", RATE(mul64), 3, RATE(mul64), 2 },
    { "avx2", RATE(fma_add), 8.0 / 4, RATE(fma), 2.0 / 4 },
    { "avx512ifma", RATE(madd52), 3.0 / 8, RATE(madd52), 2.0 / 8 }
};

/* Seconds for so many instructions; 0 if the rate is unknown. */
static double limit_seconds(double count, const bench_rates *r, size_t rate)
{
    double x;

    memcpy(&x, (const char *)r + rate, sizeof x);
    return x > 0 ? count / x : 0;
}

static void limit_arithmetic(bench_limit *out, const bench_work *w,
                             const char *kernel, const bench_rates *r)
{
    for (size_t k = 0; k < sizeof limit_table / sizeof limit_table[0]; k++) {
        const limit_kernel *t = &limit_table[k];

        if (strcmp(t->name, kernel) != 0)
            continue;
        out->ntt = limit_seconds(w->ntts * w->n / 2 * w->layers * t->butterfly,
                                 r, t->ntt_rate);
        out->terms = limit_seconds(w->terms * t->term, r, t->term_rate);
    }
}

bench_limit bench_limit_of(const bench_work *w, const char *kernel,
                           const bench_rates *r)
{
    bench_limit l = { .by = NULL };

    limit_arithmetic(&l, w, kernel, r);
    if (w->bytes > 0)
        l.bytes = w->bytes / bench_bandwidth(r->stream, w->bytes);
    if (w->key_bytes > 0)
        l.key = w->key_bytes / bench_bandwidth(r->read, w->key_bytes);
    l.seconds = l.ntt + l.terms;
    if (l.seconds > 0)
        l.by = l.ntt > l.terms ? "ntt" : "products";
    if (l.bytes + l.key > l.seconds) {
        l.seconds = l.bytes + l.key;
        l.by = l.key > l.bytes ? "keys" : "memory";
    }
    /* arithmetic that no rate is known for: no limit at all */
    if ((w->ntts > 0 && l.ntt <= 0) || (w->terms > 0 && l.terms <= 0))
        l = (bench_limit){ .bytes = l.bytes, .key = l.key };
    return l;
}
