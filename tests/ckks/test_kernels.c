/* test_kernels.c -- every function of every kernel against its definition:
 * Horner's rule and remainders of 128 bits, nothing of the library's own
 * arithmetic.  Then faults are planted in kernels, and the check that runs
 * before a context uses one has to see them.
 */
#include "test.h"

#include "kernel/kernel.h"
#include "ring/rns.h"

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

static const ckks_memory plain;

static uint64_t ref_mul(uint64_t a, uint64_t b, uint64_t p)
{
    return (uint64_t)((u128)a * b % p);
}

static uint64_t ref_add(uint64_t a, uint64_t b, uint64_t p)
{
    return (uint64_t)(((u128)a + b) % p);
}

static uint64_t ref_pow(uint64_t a, uint64_t e, uint64_t p)
{
    uint64_t r = 1;

    for (; e > 0; e /= 2, a = ref_mul(a, a, p))
        if (e % 2 == 1)
            r = ref_mul(r, a, p);
    return r;
}

static uint32_t reversed_bits(uint32_t i, int bits)
{
    uint32_t r = 0;

    for (; bits > 0; bits--, i /= 2)
        r = 2 * r + i % 2;
    return r;
}

static void *need(size_t size)
{
    void *p = cki_alloc(&plain, size);

    if (p == NULL)
        abort();
    return p;
}

/* ---- primes at the ends of the ranges, words at the ends of [0, p) ------ */

enum { PRIMES = 6 };

/* The smallest prime = 1 mod step above from. */
static uint64_t prime_after(uint64_t from, uint64_t step)
{
    uint64_t p = from / step * step + 1;

    while (p <= from || !cki_is_prime(p))
        p += step;
    return p;
}

/* Just above step, about 2^30, both ends of 49 bits, both ends of 61. */
static void end_primes(cki_mod *m, uint64_t step)
{
    m[0] = cki_mod_make(prime_after(step, step));
    m[1] = cki_mod_make(cki_find_prime(30, step, NULL, 0));
    m[2] = cki_mod_make(prime_after((uint64_t)1 << 48, step));
    m[3] = cki_mod_make(cki_find_prime(49, step, NULL, 0));
    m[4] = cki_mod_make(prime_after((uint64_t)1 << 60, step));
    m[5] = cki_mod_make(cki_find_prime(61, step, NULL, 0));
}

static bool takes(const cki_kernel *k, const cki_mod *m)
{
    return k->usable() && m->bits <= k->max_bits;
}

enum { SHAPES = 6 };

static void fill_shape(uint64_t *x, size_t n, uint64_t p, int shape,
                       uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        x[i] = shape == 0 ? 0
               : shape == 1 ? p - 1
               : shape == 2 ? (i % 2 == 0 ? 0 : p - 1)
               : shape == 3 ? (p - 1) / 2 + (i + i / 4) % 2
               : test_word(state) % p;
}

static void expect_words(const uint64_t *got, const uint64_t *want, size_t n,
                         const cki_kernel *k, const char *what,
                         const cki_mod *m)
{
    if (memcmp(got, want, n * sizeof *got) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        CHECK(got[i] == want[i], "%s %s n=%zu p=%" PRIu64 " word %zu: %" PRIu64
              ", want %" PRIu64, k->name, what, n, m->p, i, got[i], want[i]);
}

/* Behind an output. */
static const uint64_t canary = UINT64_C(0xc0ffee0ddba11c0d);

/* ---- NTT ---------------------------------------------------------------- */

/* a(psi^(2 br(i) + 1)) */
static uint64_t horner(const uint64_t *a, int log_n, uint32_t i, uint64_t psi,
                       uint64_t p)
{
    uint64_t z = ref_pow(psi, 2 * (uint64_t)reversed_bits(i, log_n) + 1, p);
    uint64_t r = 0;

    for (size_t j = (size_t)1 << log_n; j-- > 0;)
        r = (uint64_t)(((u128)r * z + a[j]) % p);
    return r;
}

static void ntt_both_ways(const uint64_t *a, const uint64_t *want, size_t n,
                          const cki_kernel *k, const cki_ntt *t,
                          uint64_t *work)
{
    memcpy(work, a, n * sizeof *a);
    k->ntt_fwd(work, t);
    expect_words(work, want, n, k, "ntt_fwd", &t->mod);
    k->ntt_inv(work, want, 1, t);
    expect_words(work, a, n, k, "ntt_inv", &t->mod);
    memcpy(work, want, n * sizeof *a);
    k->ntt_inv(work, work, 1, t);
    expect_words(work, a, n, k, "ntt_inv in place", &t->mod);
}

static void inverse_times(const uint64_t *a, const uint64_t *known, size_t n,
                          uint64_t w, const cki_kernel *k, const cki_ntt *t,
                          uint64_t *work)
{
    k->ntt_inv(work, known, w, t);
    for (size_t i = 0; i < n; i++)
        CHECK(work[i] == ref_mul(a[i], w, t->mod.p), "%s ntt_inv times %"
              PRIu64 " n=%zu p=%" PRIu64 " word %zu", k->name, w, n, t->mod.p,
              i);
}

/* What a division needs: `in`, summands, their permutation. */
enum { MOST_SUMMANDS = 9 };

typedef struct division {
    uint64_t *in, *x[MOST_SUMMANDS], *want, *got, *z;
    uint32_t *perm;
    size_t size;                /* bytes of all; `in` comes first            */
} division;

static void division_init(division *d, int log_n, uint64_t p, int shape,
                          uint64_t *state)
{
    const size_t n = (size_t)1 << log_n;

    d->size = ((MOST_SUMMANDS + 4) * n + n / 2 + 1) * sizeof *d->in;
    d->in = need(d->size);
    fill_shape(d->in, n, p, shape, state);
    for (size_t j = 0; j < MOST_SUMMANDS; j++) {
        d->x[j] = d->in + (j + 1) * n;
        fill_shape(d->x[j], n, p, j == 0 ? shape : 1 + (int)j % 5, state);
    }
    d->want = d->x[MOST_SUMMANDS - 1] + n;
    d->z = d->want + n;
    d->got = d->z + n;          /* and a canary behind it                    */
    d->perm = (uint32_t *)(void *)(d->got + n + 1);
    cki_galois_perm(d->perm, log_n, (size_t)2 << log_n,
                    ((uint32_t)test_word(state) | 1) & (uint32_t)(2 * n - 1));
}

/* The division of kernel.h with z = a, whose transform is `known`; over `in`
 * or apart from it.  Every second summand is permuted. */
static void division_check(division *d, const uint64_t *a,
                           const uint64_t *known, size_t count, uint64_t w,
                           uint64_t u, bool over, const cki_kernel *k,
                           const cki_ntt *t)
{
    const uint64_t p = t->mod.p;
    const size_t n = t->n;
    cki_summand s[MOST_SUMMANDS];
    cki_ending q = { .in = over ? d->got : d->in, .s = s, .summands = count,
                       .w = w, .u = u };

    for (size_t j = 0; j < count; j++)
        s[j] = (cki_summand){ d->x[j], j % 2 == 0 ? d->perm : NULL };
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = 0, x = ref_add(d->in[i], p - known[i], p);

        for (size_t j = 0; j < count; j++)
            sum = ref_add(sum, d->x[j][j % 2 == 0 ? d->perm[i] : i], p);
        d->want[i] = ref_add(ref_mul(x, w, p), ref_mul(sum, u, p), p);
    }
    memcpy(d->z, a, n * sizeof *a);
    memcpy(d->got, d->in, n * sizeof *a);
    d->got[n] = canary;
    k->ntt_finish(d->got, d->z, &q, t);
    expect_words(d->got, d->want, n, k, "divide", &t->mod);
    CHECK(d->got[n] == canary, "%s divide writes behind n=%zu", k->name, n);
}

/* With first .. last summands. */
static void divisions(const uint64_t *a, const uint64_t *known, int shape,
                      size_t first, size_t last, const cki_kernel *k,
                      const cki_ntt *t, uint64_t *state)
{
    const uint64_t p = t->mod.p;
    const uint64_t factor[] = { 1, p - 1, (p - 1) / 2, (p + 1) / 2,
                                test_word(state) % p, 0 };
    division d;

    division_init(&d, t->log_n, p, shape, state);
    for (size_t count = first; count <= last; count++)
        for (int over = 0; over < 2; over++)
            division_check(&d, a, known, count, factor[count % 5],
                           count % 2 == 0 ? 1 : factor[(count + 2) % 6],
                           over == 1, k, t);
    cki_free(&plain, d.in, d.size);
}

static void ntt_by_definition(int log_n, const cki_mod *m, int shape,
                              uint64_t *state)
{
    size_t n = (size_t)1 << log_n;
    uint64_t *a = need(3 * n * sizeof *a), *want = a + n;
    uint64_t psi = cki_min_root(2 * n, m);

    CHECK(ref_pow(psi, n, m->p) == m->p - 1, "N=%zu p=%" PRIu64, n, m->p);
    fill_shape(a, n, m->p, shape, state);
    for (uint32_t i = 0; i < n; i++)
        want[i] = horner(a, log_n, i, psi, m->p);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        cki_ntt *t = NULL;

        if (takes(*k, m)
            && CHECK_OK(cki_ntt_init(&t, *k, m, psi, log_n,
                         (size_t)2 << log_n, &plain))) {
            ntt_both_ways(a, want, n, *k, t, want + n);
            inverse_times(a, want, n, test_word(state) % m->p, *k, t,
                          want + n);
            divisions(a, want, shape == 4 ? 4 : (shape + 1) % 4, 0,
                      MOST_SUMMANDS, *k, t, state);
        }
        cki_ntt_clear(&t, &plain);
    }
    cki_free(&plain, a, 3 * n * sizeof *a);
}

TEST(kernel_ntt_every_word)
{
    uint64_t state = 1;
    cki_mod m[PRIMES];

    for (int log_n = 2; log_n <= 12; log_n++) {
        end_primes(m, (uint64_t)2 << log_n);
        for (int i = 0; i < PRIMES; i++)
            for (int shape = 0; shape < SHAPES; shape++)
                if (log_n <= 7 || shape == 4 || (log_n <= 10 && shape == 1))
                    ntt_by_definition(log_n, &m[i], shape, &state);
    }
}

/* 10^6 random words through N = 64, where layers of both kinds meet. */
TEST(kernel_ntt_random)
{
    uint64_t state = 2;
    int count = test_long() ? 260000 : 2600;
    cki_mod m[PRIMES];

    end_primes(m, 128);
    for (int r = 0; r < count; r++)
        ntt_by_definition(6, &m[r % PRIMES], 4, &state);
}

/* N = 2^13..2^17: the round trip, some evaluations, and one answer. */
static void ntt_spot(int log_n, const cki_mod *m, int shape, uint64_t *state)
{
    size_t n = (size_t)1 << log_n;
    uint64_t *a = need(3 * n * sizeof *a), *first = a + n, *x = a + 2 * n;
    uint64_t psi = cki_min_root(2 * n, m);
    bool have = false;

    fill_shape(a, n, m->p, shape, state);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        cki_ntt *t = NULL;

        if (!takes(*k, m)
            || !CHECK_OK(cki_ntt_init(&t, *k, m, psi, log_n,
                         (size_t)2 << log_n, &plain)))
            continue;
        memcpy(x, a, n * sizeof *a);
        (*k)->ntt_fwd(x, t);
        if (have)
            expect_words(x, first, n, *k, "ntt_fwd, kernels differ", m);
        memcpy(first, x, n * sizeof *a);
        have = true;
        (*k)->ntt_inv(x, x, 1, t);
        expect_words(x, a, n, *k, "round trip", m);
        divisions(a, first, shape, 2, 2, *k, t, state);
        cki_ntt_clear(&t, &plain);
    }
    for (int j = 0; j < 4; j++) {
        uint32_t i = j == 0 ? 0 : j == 1 ? (uint32_t)n - 1
                                         : (uint32_t)(test_word(state) % n);
        uint64_t want = horner(a, log_n, i, psi, m->p);

        CHECK(first[i] == want, "N=%zu p=%" PRIu64 " shape %d word %" PRIu32
              ": %" PRIu64 ", want %" PRIu64, n, m->p, shape, i, first[i],
              want);
    }
    cki_free(&plain, a, 3 * n * sizeof *a);
}

TEST(kernel_ntt_large)
{
    uint64_t state = 3;
    cki_mod m[PRIMES];

    for (int log_n = 13; log_n <= 17; log_n++) {
        end_primes(m, (uint64_t)2 << log_n);
        for (int i = 0; i < PRIMES; i++)
            for (int shape = 1; shape <= 4; shape++)
                if (i == 3 || shape == 4 || (shape == 1 && log_n <= 15))
                    ntt_spot(log_n, &m[i], shape, &state);
    }
}

/* ---- pointwise ---------------------------------------------------------- */

enum { OP_ADD, OP_SUB, OP_MUL, OP_MUL_ADD, OP_SCALE, OP_SCALE_ADD, OPS };
static const char *const op_name[] = { "add", "sub", "mul", "mul_add",
                                       "scale", "scale_add" };

static uint64_t op_word(int op, uint64_t a, uint64_t b, uint64_t c, uint64_t w,
                        uint64_t p)
{
    switch (op) {
    case OP_ADD:       return ref_add(a, b, p);
    case OP_SUB:       return ref_add(a, p - b, p);
    case OP_MUL:       return ref_mul(a, b, p);
    case OP_MUL_ADD:   return ref_add(ref_mul(a, b, p), c, p);
    case OP_SCALE:     return ref_mul(a, w, p);
    default:           return ref_add(ref_mul(a, w, p), c, p);
    }
}

static void op_run(int op, uint64_t *out, const uint64_t *a, const uint64_t *b,
                   const uint64_t *c, uint64_t w, size_t n,
                   const cki_kernel *k, const cki_mod *m)
{
    switch (op) {
    case OP_ADD:       k->add(out, a, b, n, m); break;
    case OP_SUB:       k->sub(out, a, b, n, m); break;
    case OP_MUL:       k->mul(out, a, b, n, m); break;
    case OP_MUL_ADD:   k->mul_add(out, a, b, c, n, m); break;
    case OP_SCALE:     k->scale_add(out, a, w, NULL, n, m); break;
    default:           k->scale_add(out, a, w, c, n, m); break;
    }
}

enum { LONGEST = 1024 };

typedef struct lines {
    uint64_t a[LONGEST], b[LONGEST], c[LONGEST], want[LONGEST];
    uint64_t got[LONGEST + 8];
} lines;

/* All operations on a, b, c: into a fresh array with a canary behind it, and
 * over each input. */
static void ops_check(lines *x, size_t n, uint64_t w, const cki_mod *m)
{
    for (int op = 0; op < OPS; op++) {
        for (size_t i = 0; i < n; i++)
            x->want[i] = op_word(op, x->a[i], x->b[i], x->c[i], w, m->p);
        for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
            if (!takes(*k, m))
                continue;
            for (int alias = 0; alias < 4; alias++) {
                const uint64_t *in[3] = { x->a, x->b, x->c };

                if (alias > 0) {
                    memcpy(x->got, in[alias - 1], n * sizeof *x->got);
                    in[alias - 1] = x->got;
                }
                x->got[n] = canary;
                op_run(op, x->got, in[0], in[1], in[2], w, n, *k, m);
                expect_words(x->got, x->want, n, *k, op_name[op], m);
                CHECK(x->got[n] == canary, "%s %s writes behind n=%zu",
                      (*k)->name, op_name[op], n);
            }
        }
    }
}

/* The three parts of a square, made and added. */
static void square_check(lines *x, size_t n, const cki_mod *m)
{
    static uint64_t got[3][LONGEST + 8], start[LONGEST];
    const uint64_t p = m->p;

    memcpy(start, x->c, n * sizeof *start);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        for (int add = 0; add <= 1 && takes(*k, m); add++) {
            for (int part = 0; part < 3; part++) {
                memcpy(got[part], start, n * sizeof *start);
                got[part][n] = canary;
            }
            (*k)->square(got[0], got[1], got[2], x->a, x->b, add == 1, n, m);
            for (int part = 0; part < 3; part++) {
                for (size_t i = 0; i < n; i++) {
                    uint64_t y = ref_mul(part < 2 ? x->a[i] : x->b[i],
                                         part < 1 ? x->a[i] : x->b[i], p);

                    if (part == 1)
                        y = ref_add(y, y, p);
                    x->want[i] = add ? ref_add(y, start[i], p) : y;
                }
                expect_words(got[part], x->want, n, *k, "square", m);
                CHECK(got[part][n] == canary, "%s square writes behind n=%zu",
                      (*k)->name, n);
            }
        }
}

TEST(kernel_pointwise_edges)
{
    static lines x;
    uint64_t state = 4;
    cki_mod m[PRIMES];

    end_primes(m, 8);
    for (int i = 0; i < PRIMES; i++)
        for (int s = 0; s < SHAPES * SHAPES; s++)
            for (size_t n = 1; n <= 33; n++) {
                uint64_t p = m[i].p;
                const uint64_t w[] = { 0, 1, p - 1, (p - 1) / 2, (p + 1) / 2,
                                       test_word(&state) % p };

                fill_shape(x.a, n, p, s % SHAPES, &state);
                fill_shape(x.b, n, p, s / SHAPES, &state);
                fill_shape(x.c, n, p, (int)(n % SHAPES), &state);
                ops_check(&x, n, w[(n + (size_t)s) % 6], &m[i]);
                square_check(&x, n, &m[i]);
            }
}

TEST(kernel_pointwise_random)
{
    static lines x;
    uint64_t state = 5;
    int count = test_long() ? 100000 : 1000;
    cki_mod m[PRIMES];

    end_primes(m, 2048);
    for (int r = 0; r < count; r++) {
        const cki_mod *q = &m[r % PRIMES];

        fill_shape(x.a, LONGEST, q->p, 4, &state);
        fill_shape(x.b, LONGEST, q->p, 4, &state);
        fill_shape(x.c, LONGEST, q->p, 4, &state);
        ops_check(&x, LONGEST, test_word(&state) % q->p, q);
        square_check(&x, LONGEST, q);
    }
}

/* ---- inner products ----------------------------------------------------- */

enum { MOST_TERMS = 64, DOT_N = 256 };

typedef struct dots {
    uint64_t x[MOST_TERMS][DOT_N], y[2][MOST_TERMS][DOT_N];
    uint64_t start[2][DOT_N], want[2][DOT_N], got[2][DOT_N + 8];
} dots;

static void dot_check(dots *d, int terms, const uint32_t *perm, size_t n,
                      const cki_mod *m, bool add)
{
    const uint64_t *x[MOST_TERMS], *y0[MOST_TERMS], *y1[MOST_TERMS];

    for (int j = 0; j < terms; j++) {
        x[j] = d->x[j];
        y0[j] = d->y[0][j];
        y1[j] = d->y[1][j];
    }
    for (int h = 0; h < 2; h++)
        for (size_t i = 0; i < n; i++) {
            uint64_t s = add ? d->start[h][i] : 0;
            size_t at = perm == NULL ? i : perm[i];

            for (int j = 0; j < terms; j++)
                s = (uint64_t)(((u128)d->x[j][at] * d->y[h][j][i] + s)
                               % m->p);
            d->want[h][i] = s;
        }
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        if (!takes(*k, m))
            continue;
        for (int h = 0; h < 2; h++) {
            memcpy(d->got[h], d->start[h], n * sizeof *d->got[h]);
            d->got[h][n] = canary;
        }
        (*k)->dot2(d->got[0], d->got[1], x, perm, y0, y1, terms, add, n,
                   m);
        for (int h = 0; h < 2; h++) {
            expect_words(d->got[h], d->want[h], n, *k, "dot2", m);
            CHECK(d->got[h][n] == canary, "%s dot2 writes behind n=%zu",
                  (*k)->name, n);
        }
    }
}

static void dot_fill(dots *d, int terms, size_t n, uint64_t p, int sx, int sy,
                     uint64_t *state)
{
    for (int j = 0; j < terms; j++) {
        fill_shape(d->x[j], n, p, sx, state);
        fill_shape(d->y[0][j], n, p, sy, state);
        fill_shape(d->y[1][j], n, p, 4, state);
    }
    fill_shape(d->start[0], n, p, sx, state);
    fill_shape(d->start[1], n, p, 4, state);
}

TEST(kernel_dot2)
{
    static dots d;
    uint64_t state = 6;
    int count = test_long() ? 8000 : 80;
    cki_mod m[PRIMES];

    end_primes(m, 512);
    for (int i = 0; i < PRIMES; i++)
        for (int terms = 1; terms <= MOST_TERMS; terms++)
            for (int shape = 1; shape < 5; shape++) {
                size_t n = 1 + (size_t)(7 * terms + shape) % 33;

                dot_fill(&d, terms, n, m[i].p, shape, shape, &state);
                dot_check(&d, terms, NULL, n, &m[i], terms % 2 == shape % 2);
                if (shape < 4)
                    dot_fill(&d, terms, n, m[i].p, 1, shape, &state);
                dot_check(&d, terms, NULL, n, &m[i], terms % 2 != shape % 2);
            }
    for (int r = 0; r < count; r++) {           /* 10^6 words and more       */
        int terms = 1 + (int)(test_word(&state) % MOST_TERMS);

        dot_fill(&d, terms, DOT_N, m[r % PRIMES].p, 4, 4, &state);
        dot_check(&d, terms, NULL, DOT_N, &m[r % PRIMES], r % 2 == 0);
    }
}

TEST(kernel_dot2_of_automorphisms)
{
    static dots d;
    uint32_t perm[DOT_N];
    uint64_t state = 16;
    cki_mod m[PRIMES];

    end_primes(m, 512);
    for (int log_n = 2; log_n <= 8; log_n++)
        for (int r = 0; r < 12; r++) {
            uint32_t g = (uint32_t)test_word(&state) | 1;
            size_t n = (size_t)1 << log_n;
            int terms = 1 + (r * 7 + log_n) % 12;

            cki_galois_perm(perm, log_n, (size_t)2 << log_n, g & (uint32_t)(2 * n - 1));
            dot_fill(&d, terms, n, m[r % PRIMES].p, 4, 1 + r % 4, &state);
            dot_check(&d, terms, perm, n, &m[r % PRIMES], r % 2 == 0);
        }
}

/* ---- base conversion ---------------------------------------------------- */

enum { MOST_SOURCES = CKKS_MAX_PRIMES, TARGETS = 5, CONV_N = 200,
       CONV_ALL = MOST_SOURCES + TARGETS };

typedef struct conversion {
    cki_mod mod[CONV_ALL];
    uint64_t inv[MOST_SOURCES], hat[CONV_ALL * MOST_SOURCES], prod[CONV_ALL];
    double frac[MOST_SOURCES];
    cki_conv c;
    uint64_t in[MOST_SOURCES][CONV_N], want[TARGETS][CONV_N];
    uint64_t y[MOST_SOURCES + 1][CONV_N];
    uint64_t got[TARGETS][CONV_N + 8];
} conversion;

/* Sources: len primes of these bits; targets: small ones and of all sizes. */
static void conv_make(conversion *v, int len, int bits)
{
    uint64_t used[CONV_ALL];
    const int size[TARGETS] = { 12, 30, bits, 40, bits - 1 };

    for (int i = 0; i < len + TARGETS; i++) {
        int b = i < len ? bits - i % 3 : size[i - len];

        used[i] = cki_find_prime(b, 16, used, (size_t)i);
        v->mod[i] = cki_mod_make(used[i]);
    }
    v->c = (cki_conv){ .len = len, .mod = v->mod, .inv = v->inv,
                       .frac = v->frac, .hat = v->hat, .prod = v->prod };
    for (int i = 0; i < len; i++) {
        uint64_t others = 1;

        v->c.src[i] = i;
        v->frac[i] = 1.0 / (double)used[i];
        for (int j = 0; j < len; j++)
            if (j != i)
                others = ref_mul(others, used[j] % used[i], used[i]);
        v->inv[i] = ref_pow(others, used[i] - 2, used[i]);
    }
    for (int t = 0; t < len + TARGETS; t++) {
        v->prod[t] = 1;
        for (int i = 0; i < len; i++) {
            uint64_t hat = 1;

            for (int j = 0; j < len; j++)
                if (j != i)
                    hat = ref_mul(hat, used[j] % used[t], used[t]);
            v->hat[t * len + i] = hat;
            v->prod[t] = ref_mul(v->prod[t], used[i] % used[t], used[t]);
        }
    }
}

/* kernel.h's formula for column k. */
static void conv_want(conversion *v, size_t k, bool centred)
{
    const int len = v->c.len;
    uint64_t y[MOST_SOURCES], q;
    double f = 0;

    for (int i = 0; i < len; i++) {
        y[i] = ref_mul(v->in[i][k], v->inv[i], v->mod[i].p);
        f += (double)y[i] * v->frac[i];
    }
    if (len == 1)
        q = centred && y[0] > (v->mod[0].p - 1) / 2;
    else
        q = (uint64_t)(centred ? f + 0.5 : f);
    for (int t = 0; t < TARGETS; t++) {
        uint64_t p = v->mod[len + t].p, s = 0;

        for (int i = 0; i < len; i++)
            s = (uint64_t)(((u128)y[i] * v->hat[(len + t) * len + i] + s) % p);
        v->want[t][k] = ref_add(s, p - ref_mul(q, v->prod[len + t], p), p);
    }
}

/* Words such that all y_i at even places go with a negative balanced hat of
 * target 2 (p of most bits), at odd places with a positive one: the largest
 * sums a kernel with balanced constants can meet. */
static void conv_fill_extreme(conversion *v, size_t n)
{
    const int len = v->c.len, t = len + 2;

    for (int i = 0; i < len; i++) {
        uint64_t q = v->mod[i].p;
        bool minus = v->hat[t * len + i] > v->mod[t].p / 2;
        uint64_t x = ref_mul(q - 1, ref_pow(v->inv[i], q - 2, q), q);

        for (size_t k = 0; k < n; k++)
            v->in[i][k] = minus == (k % 2 == 0) ? x : 0;
    }
}

/* Shape SHAPES is conv_fill_extreme. */
static void conv_check(conversion *v, size_t n, bool centred, int shape,
                       uint64_t *state)
{
    uint64_t *out[TARGETS], *y[MOST_SOURCES];
    int target[TARGETS];

    for (int i = 0; i < v->c.len; i++)
        fill_shape(v->in[i], n, v->mod[i].p, shape, state);
    if (shape == SHAPES)
        conv_fill_extreme(v, n);
    for (size_t k = 0; k < n; k++)
        conv_want(v, k, centred);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        bool all = (*k)->usable();

        for (int i = 0; i < v->c.len + TARGETS; i++)
            all = all && takes(*k, &v->mod[i]);
        for (int t = 0; t < TARGETS; t++) {
            target[t] = v->c.len + t;
            out[t] = v->got[t];
            v->got[t][n] = canary;
        }
        if (!all)
            continue;
        for (int i = 0; i < v->c.len; i++) {
            y[i] = v->y[i];
            for (size_t j = 0; j < n; j++)
                y[i][j] = ref_mul(v->in[i][j], v->inv[i], v->mod[i].p);
        }
        (*k)->convert_begin(y, v->y[v->c.len], &v->c, centred, n);
        (*k)->convert_end(out, target, TARGETS, (const uint64_t *const *)y,
                          v->y[v->c.len], &v->c, n);
        for (int t = 0; t < TARGETS; t++) {
            expect_words(v->got[t], v->want[t], n, *k,
                         centred ? "convert, centred" : "convert, uncentred",
                         &v->mod[target[t]]);
            CHECK(v->got[t][n] == canary, "%s convert writes behind n=%zu",
                  (*k)->name, n);
        }
    }
}

TEST(kernel_convert)
{
    static conversion v;
    static const size_t lengths[] = { 4, 7, 8, 16, 33, 64, 72, 200 };
    uint64_t state = 7;
    int rounds = test_long() ? 100 : 1;

    for (int bits = 30; bits <= 61; bits += bits == 30 ? 19 : 12)
        for (int len = 1; len <= MOST_SOURCES; len++) {
            if (len > 33 && len % 31 != 2)      /* 1..33 and 64              */
                continue;
            conv_make(&v, len, bits);
            for (int s = 0; s < SHAPES * 2 + 2; s++)
                conv_check(&v, lengths[(len + s) % 8], s % 2 == 0, s / 2,
                           &state);
            for (int r = 0; r < 10 * rounds; r++)
                conv_check(&v, CONV_N, r % 2 == 0, 4, &state);
        }
}

/* ---- integer combinations ----------------------------------------------- */

enum { INPUTS = 12, MOST_ROWS = 9, COMB_N = 1056, COMB_TERMS = 40 };

typedef struct combination {
    uint64_t in[INPUTS][COMB_N], want[COMB_N];
    uint64_t got[2 * MOST_ROWS][COMB_N + 8];
    int32_t index[2][COMB_TERMS], weight[2][MOST_ROWS * COMB_TERMS];
    ckks_block block[2];
} combination;

/* Rows of |weight| adding up to at most `most`; kinds: 0 random, 1 one
 * weight of that size (or the most of 16 bits), 2 spread evenly, 3 signs
 * alternate, 4 all negative. */
static void comb_weights(int32_t *w, size_t terms, int kind, int32_t most,
                         uint64_t *state)
{
    const int32_t share = most / (int32_t)terms, bits15 = (1 << 15) - 1;
    const int32_t one = most >> 15 > 1 && most >> 20 == 0 ? bits15 : most;

    for (size_t k = 0; k < terms; k++) {
        int32_t r = (int32_t)(test_word(state) % (2 * (uint64_t)share + 1));

        w[k] = kind == 0 ? r - share : kind == 1 ? 0
               : kind == 4 ? -share
               : kind == 3 && k % 2 == 1 ? -share : share;
    }
    if (kind == 1)
        w[test_word(state) % terms] = test_word(state) % 2 ? one : -one;
    if (kind == 2)
        w[0] += most - share * (int32_t)terms;
}

static void comb_want(combination *x, const ckks_block *b, size_t row,
                      size_t n, uint64_t p)
{
    for (size_t i = 0; i < n; i++) {
        i128 s = 0;

        for (size_t k = 0; k < b->terms; k++)
            s += (i128)b->weight[row * b->terms + k]
                 * (i128)x->in[b->index[k]][i];
        s %= (i128)p;
        x->want[i] = (uint64_t)(s < 0 ? s + (i128)p : s);
    }
}

/* n_in: those that the kernel is told of; blocks read no others. */
static void comb_check(combination *x, size_t n_in, size_t n,
                       const cki_mod *m)
{
    const uint64_t *in[INPUTS];
    uint64_t *out[2 * MOST_ROWS];

    for (size_t j = 0; j < INPUTS; j++)
        in[j] = x->in[j];
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        size_t size = (*k)->combine_work(n_in, x->block, 2), at = 0;
        uint8_t *work = need(size + 64);

        memset(work + size, 0x5a, 64);
        for (size_t j = 0; j < 2 * MOST_ROWS; j++) {
            out[j] = x->got[j];
            x->got[j][0] = x->got[j][n] = canary;
        }
        if (takes(*k, m)) {
            (*k)->combine(out, in, n_in, x->block, 2, n, m, work);
            for (int b = 0; b < 2; b++)
                for (size_t r = 0; r < x->block[b].rows; r++, at++) {
                    comb_want(x, &x->block[b], r, n, m->p);
                    expect_words(x->got[at], x->want, n, *k, "combine", m);
                    CHECK(x->got[at][n] == canary, "%s combine writes behind "
                          "n=%zu", (*k)->name, n);
                }
            for (; at < 2 * MOST_ROWS; at++)
                CHECK(x->got[at][0] == canary, "%s combine writes output %zu",
                      (*k)->name, at);
        }
        for (size_t j = 0; j < 64; j++)
            CHECK(work[size + j] == 0x5a, "%s combine: work", (*k)->name);
        cki_free(&plain, work, size + 64);
    }
}

/* The limit; those of weights in 16 bits, alone and in a run (2^15 or 2^16);
 * one more each; several runs. */
static const int32_t comb_most[] = {
    (1 << 28) - 1, (1 << 15) - 1, (1 << 16) - 1, 1 << 15, 1 << 16,
    (1 << 19) - 1
};

/* Terms as a network has them, pairs of inputs side by side, or any. */
static void comb_index(int32_t *index, size_t terms, size_t n_in, bool pairs,
                       uint64_t *state)
{
    for (size_t k = 0; k < terms; k++)
        index[k] = pairs && k % 2 == 1 && index[k - 1] % 2 == 0
                           && (size_t)index[k - 1] + 1 < n_in
                       ? index[k - 1] + 1
                       : (int32_t)(test_word(state) % n_in);
}

/* Besides: both sides of 2^48, up to which three digits of 16 bits do, and of
 * 2^48 - 2^32, from which they are cut off centre; and networks'. */
enum { COMB_PRIMES = PRIMES + 6 };

static void comb_primes(cki_mod *m)
{
    const uint64_t end = (uint64_t)1 << 48;
    const uint64_t off = end - ((uint64_t)1 << 32) - ((uint64_t)1 << 16);

    end_primes(m, 8);
    m[PRIMES] = cki_mod_make(cki_find_prime(48, 8, NULL, 0));
    m[PRIMES + 1] = cki_mod_make(prime_after(end, 8));
    m[PRIMES + 2] = cki_mod_make(prime_after(off - 4096, 8));
    m[PRIMES + 3] = cki_mod_make(prime_after(off, 8));
    m[PRIMES + 4] = cki_mod_make(cki_find_prime(47, 8, NULL, 0));
    m[PRIMES + 5] = cki_mod_make(cki_find_prime(40, 8, NULL, 0));
}

/* Some words at both sides of where three digits of 48-bit primes are cut. */
static void comb_edges(uint64_t *x, size_t n, uint64_t p)
{
    const uint64_t edge = ((uint64_t)1 << 47) - 0x80008000;

    for (size_t i = 3; i < n && p > edge + 2; i += 4)
        x[i] = edge - 2 + i / 4 % 4;
}

TEST(kernel_combine)
{
    static combination x;
    static const size_t lengths[] = { 16, 32, 64, 7, 20, 1, 48, 0 };
    uint64_t state = 8;
    int rounds = test_long() ? 1600 : 24;
    cki_mod m[COMB_PRIMES];

    comb_primes(m);
    for (int r = 0; r < rounds * 9 * 30; r++) {
        const cki_mod *q = &m[r % COMB_PRIMES];
        size_t n = lengths[r % 8], n_in = INPUTS - (size_t)r / 8 % 2;

        if (n == 0)             /* tiles of 256 or 512 columns, one in part  */
            n = r / 8 % 5 == 0 ? COMB_N : 96;

        for (int b = 0; b < 2; b++) {
            size_t rows = 1 + (size_t)(r / 30 + 4 * b) % MOST_ROWS;
            size_t terms = 1 + test_word(&state) % COMB_TERMS;

            comb_index(x.index[b], terms, n_in, r / 16 % 2 == 0, &state);
            for (size_t i = 0; i < rows; i++)
                comb_weights(x.weight[b] + i * terms, terms,
                             (int)((size_t)r + i) % 5,
                             comb_most[r / 3 % 6], &state);
            x.block[b] = (ckks_block){ b == 0 ? 0 : x.block[0].rows, rows,
                                       terms, x.index[b], x.weight[b] };
        }
        for (int j = 0; j < INPUTS; j++) {
            fill_shape(x.in[j], n, q->p, r / 5 % 3 == 0 ? 1 : 1 + r / 7 % 5,
                       &state);
            if (r / 5 % 3 == 1)
                comb_edges(x.in[j], n, q->p);
        }
        comb_check(&x, n_in, n, q);
    }
}

/* ---- automorphisms ------------------------------------------------------ */

/* NTT(a(X^g)) is the permuted NTT(a): with the NTT tested above. */
static void galois_check(int log_n, uint32_t g, const cki_mod *m,
                         uint64_t *state)
{
    size_t n = (size_t)1 << log_n, bytes = 4 * n * sizeof(uint64_t);
    uint64_t *a = need(bytes), *b = a + n, *got = b + n;
    uint32_t *perm = (uint32_t *)(void *)(got + n);
    uint64_t psi = cki_min_root(2 * n, m);
    cki_ntt *t = NULL;

    cki_galois_perm(perm, log_n, (size_t)2 << log_n, g);
    fill_shape(a, n, m->p, 4, state);
    for (size_t i = 0; i < n; i++) {
        size_t e = i * g % (2 * n);

        b[e % n] = e < n ? a[i] : (m->p - a[i]) % m->p;
    }
    if (!CHECK_OK(cki_ntt_init(&t, &cki_kernel_portable, m, psi, log_n,
                               (size_t)2 << log_n, &plain)))
        abort();
    cki_kernel_portable.ntt_fwd(a, t);
    cki_kernel_portable.ntt_fwd(b, t);
    cki_ntt_clear(&t, &plain);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        if (!takes(*k, m))
            continue;
        (*k)->permute(got, a, perm, n);
        expect_words(got, b, n, *k, "permute", m);
    }
    cki_free(&plain, a, bytes);
}

TEST(kernel_automorphisms)
{
    uint64_t state = 9;
    int rounds = test_long() ? 3200 : 32;
    cki_mod m[PRIMES];

    for (int log_n = 2; log_n <= 6; log_n++) {
        end_primes(m, (uint64_t)2 << log_n);
        for (uint32_t g = 1; g < (uint32_t)2 << log_n; g += 2)
            for (int i = 0; i < PRIMES; i++)
                galois_check(log_n, g, &m[i], &state);
    }
    for (int r = 0; r < rounds; r++) {          /* 10^6 words                */
        int log_n = 13 + r % 4;
        uint32_t g = (uint32_t)test_word(&state) | 1;

        if (r < 24)
            end_primes(m, (uint64_t)2 << 16);
        galois_check(log_n, g & (((uint32_t)2 << log_n) - 1), &m[r % PRIMES],
                     &state);
    }
}

/* ---- planted faults ----------------------------------------------------- */

/* What the kernel under a fault is, and which word of an output turns: the
 * first, the middle one, the last. */
static const cki_kernel *inner;
static int place;

static void spoil(uint64_t *x, size_t n)
{
    x[place == 0 ? 0 : place == 1 ? n / 2 : n - 1] ^= 1;
}

static void bad_fwd(uint64_t *x, const cki_ntt *t)
{
    inner->ntt_fwd(x, t);
    spoil(x, t->n);
}

static void bad_fwd_real(uint64_t *x, const cki_ntt *t)
{
    inner->ntt_fwd(x, t);
    if (t->real)
        spoil(x, t->n);
}

static void bad_fwd_odd(uint64_t *x, const cki_ntt *t)
{
    inner->ntt_fwd(x, t);
    if (t->log_n % 2 == 1)
        spoil(x, t->n);
}

static void bad_inv_odd(uint64_t *out, const uint64_t *in, uint64_t w,
                        const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (t->log_n % 2 == 1 && t->real)
        spoil(out, t->n);
}

static void bad_inv_real(uint64_t *out, const uint64_t *in, uint64_t w,
                         const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (t->real && w == 1)
        spoil(out, t->n);
}

static void bad_inv_times_real(uint64_t *out, const uint64_t *in, uint64_t w,
                               const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (t->real && w != 1)
        spoil(out, t->n);
}

static void bad_inv(uint64_t *out, const uint64_t *in, uint64_t w,
                    const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (w == 1)
        spoil(out, t->n);
}

static void bad_inv_times(uint64_t *out, const uint64_t *in, uint64_t w,
                          const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (w != 1)
        spoil(out, t->n);
}

static void bad_inv_input(uint64_t *out, const uint64_t *in, uint64_t w,
                          const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (in != out)
        spoil((uint64_t *)(uintptr_t)in, t->n);
}

#define BAD_DIVIDE(name, when)                                            \
    static void name(uint64_t *out, uint64_t *z, const cki_ending *q,   \
                     const cki_ntt *t)                                    \
    {                                                                     \
        inner->ntt_finish(out, z, q, t);                                      \
        if (when)                                                         \
            spoil(out, t->n);                                             \
    }
BAD_DIVIDE(bad_divide, q->summands == 0)
BAD_DIVIDE(bad_divide_one, q->summands == 1)
BAD_DIVIDE(bad_divide_turned, q->summands > 0 && q->s[0].perm != NULL)
BAD_DIVIDE(bad_divide_scaled, q->summands > 1 && q->u != 1)
BAD_DIVIDE(bad_divide_real, t->real)

#define BAD_SQUARE(name, fault)                                           \
    static void name(uint64_t *out0, uint64_t *out1, uint64_t *out2,      \
                     const uint64_t *a0, const uint64_t *a1, bool add,    \
                     size_t n, const cki_mod *m)                          \
    {                                                                     \
        inner->square(out0, out1, out2, a0, a1, add, n, m);               \
        fault;                                                            \
    }
BAD_SQUARE(bad_square_first, spoil(out0, n))
BAD_SQUARE(bad_square_second, spoil(out1, n))
BAD_SQUARE(bad_square_third, spoil(out2, n))
BAD_SQUARE(bad_square_add, if (add) spoil(out1, n))

static void bad_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    inner->add(out, a, b, n, m);
    spoil(out, n);
}

static void bad_sub(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    inner->sub(out, a, b, n, m);
    spoil(out, n);
}

static void bad_mul(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    inner->mul(out, a, b, n, m);
    spoil(out, n);
}

static void bad_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                        const uint64_t *c, size_t n, const cki_mod *m)
{
    inner->mul_add(out, a, b, c, n, m);
    spoil(out, n);
}

static void bad_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                          const uint64_t *c, size_t n, const cki_mod *m)
{
    inner->scale_add(out, a, w, c, n, m);
    if (c != NULL)
        spoil(out, n);
}

static void bad_scale(uint64_t *out, const uint64_t *a, uint64_t w,
                      const uint64_t *c, size_t n, const cki_mod *m)
{
    inner->scale_add(out, a, w, c, n, m);
    if (c == NULL)
        spoil(out, n);
}

#define BAD_DOT(name, fault)                                              \
    static void name(uint64_t *out0, uint64_t *out1,                      \
                     const uint64_t *const *x, const uint32_t *perm,      \
                     const uint64_t *const *y0, const uint64_t *const *y1, \
                     int k, bool add, size_t n, const cki_mod *m)         \
    {                                                                     \
        inner->dot2(out0, out1, x, perm, y0, y1, k, add, n, m);           \
        fault;                                                            \
    }
BAD_DOT(bad_dot_first, spoil(out0, n))
BAD_DOT(bad_dot_second, spoil(out1, n))
BAD_DOT(bad_dot_add, if (add) spoil(out0, n))
BAD_DOT(bad_dot_perm, if (perm != NULL) spoil(out1, n))

static void bad_permute(uint64_t *out, const uint64_t *in,
                        const uint32_t *perm, size_t n)
{
    inner->permute(out, in, perm, n);
    spoil(out, n);
}

static void bad_centred(uint64_t *const *y, uint64_t *v, const cki_conv *c,
                        bool centred, size_t n)
{
    inner->convert_begin(y, v, c, centred, n);
    if (centred)
        memcpy(v, y[0], n * sizeof *v);
}

static void bad_uncentred(uint64_t *const *y, uint64_t *v, const cki_conv *c,
                          bool centred, size_t n)
{
    inner->convert_begin(y, v, c, centred, n);
    if (!centred)
        memcpy(v, y[0], n * sizeof *v);
}

static void bad_convert(uint64_t *const *out, const int *target,
                        int num_targets, const uint64_t *const *y,
                        const uint64_t *v, const cki_conv *c, size_t n)
{
    inner->convert_end(out, target, num_targets, y, v, c, n);
    spoil(out[0], n);
}

static void bad_combine(uint64_t *const *out, const uint64_t *const *in,
                        size_t n_in, const ckks_block *block, size_t n_blocks,
                        size_t n, const cki_mod *m, void *work)
{
    inner->combine(out, in, n_in, block, n_blocks, n, m, work);
    spoil(out[block[0].first + block[0].rows - 1], n);
}

static void bad_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                       size_t count)
{
    inner->expand(out, root, node, count);
    out[place == 0 ? 0 : place == 1 ? 32 * count : 64 * count - 1] ^= 1;
}

static void expect_found(const cki_kernel *k, const char *what)
{
    for (place = 0; place < 3; place++) {
        bool ok = true;

        CHECK_OK(cki_kernel_check(&ok, k, &plain));
        CHECK(!ok, "%s: a fault in %s at place %d was not seen", inner->name,
              what, place);
    }
}

#define PLANT(member, with)                                               \
    do {                                                                  \
        cki_kernel bad_ = *inner;                                         \
        bad_.member = with;                                               \
        expect_found(&bad_, #with);                                       \
    } while (0)

TEST(kernel_check_sees_faults)
{
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        bool ok = false;

        inner = *k;
        if (!inner->usable())
            continue;
        CHECK_OK(cki_kernel_check(&ok, inner, &plain));
        CHECK(ok, "%s", inner->name);
        PLANT(ntt_fwd, bad_fwd);
        PLANT(ntt_inv, bad_inv);
        PLANT(ntt_inv, bad_inv_times);
        PLANT(ntt_inv, bad_inv_input);
        PLANT(ntt_fwd, bad_fwd_odd);
        PLANT(ntt_inv, bad_inv_odd);
        PLANT(ntt_fwd, bad_fwd_real);
        PLANT(ntt_inv, bad_inv_real);
        PLANT(ntt_inv, bad_inv_times_real);
        PLANT(ntt_finish, bad_divide_real);
        PLANT(ntt_finish, bad_divide);
        PLANT(ntt_finish, bad_divide_one);
        PLANT(ntt_finish, bad_divide_turned);
        PLANT(ntt_finish, bad_divide_scaled);
        PLANT(add, bad_add);
        PLANT(sub, bad_sub);
        PLANT(mul, bad_mul);
        PLANT(mul_add, bad_mul_add);
        PLANT(scale_add, bad_scale_add);
        PLANT(scale_add, bad_scale);
        PLANT(square, bad_square_first);
        PLANT(square, bad_square_second);
        PLANT(square, bad_square_third);
        PLANT(square, bad_square_add);
        PLANT(dot2, bad_dot_first);
        PLANT(dot2, bad_dot_second);
        PLANT(dot2, bad_dot_add);
        PLANT(dot2, bad_dot_perm);
        PLANT(permute, bad_permute);
        PLANT(convert_begin, bad_centred);
        PLANT(convert_begin, bad_uncentred);
        PLANT(convert_end, bad_convert);
        PLANT(combine, bad_combine);
        PLANT(expand, bad_expand);
    }
}
