/* test_kernel_ntt.c -- transforms and divisions of every kernel against their
 * definition: Horner's rule. */
#include "kernel_support.h"

#include "ring/rns.h"

/* ---- NTT ---------------------------------------------------------------- */

/* a(psi^(2 br(i) + 1)) */
static uint64_t horner(const uint64_t *a, int log_n, uint32_t i, uint64_t psi,
                       uint64_t p)
{
    const size_t n = (size_t)1 << log_n;
    uint64_t z = ref_pow(psi, 2 * ref_reversed(i, n) + 1, p), r = 0;

    for (size_t j = n; j-- > 0;)
        r = (uint64_t)(((u128)r * z + a[j]) % p);
    return r;
}

/* The transform in two halves, each block looked at when its call is done,
 * while other words are asked for. */
static void ntt_in_halves(const uint64_t *a, const uint64_t *want, size_t n,
                          const cki_kernel *k, const cki_ntt *t,
                          uint64_t *work)
{
    const size_t block = cki_block(n);
    const cki_soon soon = { { (const uint8_t *)a, (const uint8_t *)want } };

    memcpy(work, a, n * sizeof *a);
    k->ntt_head(work, t, false);
    for (size_t at = 0; at < n; at += block) {
        k->ntt_tail(work, at, t, false,
                    at % (2 * block) == 0 ? NULL : &soon);
        kernel_expect(work + at, want + at, block, k, "ntt_head, ntt_tail",
                      &t->mod);
    }
}

static void ntt_both_ways(const uint64_t *a, const uint64_t *want, size_t n,
                          const cki_kernel *k, const cki_ntt *t,
                          uint64_t *work)
{
    memcpy(work, a, n * sizeof *a);
    k->ntt_fwd(work, t);
    kernel_expect(work, want, n, k, "ntt_fwd", &t->mod);
    ntt_in_halves(a, want, n, k, t, work);
    k->ntt_inv(work, want, 1, t);
    kernel_expect(work, a, n, k, "ntt_inv", &t->mod);
    memcpy(work, want, n * sizeof *a);
    k->ntt_inv(work, work, 1, t);
    kernel_expect(work, a, n, k, "ntt_inv in place", &t->mod);
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
    d->in = kernel_alloc(d->size);
    kernel_fill(d->in, n, p, shape, state);
    for (size_t j = 0; j < MOST_SUMMANDS; j++) {
        d->x[j] = d->in + (j + 1) * n;
        kernel_fill(d->x[j], n, p, j == 0 ? shape : 1 + (int)j % 5, state);
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
    d->got[n] = CANARY;
    k->ntt_head(d->z, t, false);
    k->ntt_finish(d->got, d->z, &q, t);
    kernel_expect(d->got, d->want, n, k, "divide", &t->mod);
    CHECK(d->got[n] == CANARY, "%s divide writes behind n=%zu", k->name, n);
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
    cki_free(&kernel_memory, d.in, d.size);
}

static void ntt_by_definition(int log_n, const cki_mod *m, int shape,
                              uint64_t *state)
{
    size_t n = (size_t)1 << log_n;
    uint64_t *a = kernel_alloc(3 * n * sizeof *a), *want = a + n;
    uint64_t psi = cki_min_root(2 * n, m);

    CHECK(ref_pow(psi, n, m->p) == m->p - 1, "N=%zu p=%" PRIu64, n, m->p);
    kernel_fill(a, n, m->p, shape, state);
    for (uint32_t i = 0; i < n; i++)
        want[i] = horner(a, log_n, i, psi, m->p);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        cki_ntt *t = NULL;

        if (kernel_takes(*k, m)
            && CHECK_OK(cki_ntt_init(&t, *k, m, psi, log_n,
                         (size_t)2 << log_n, &kernel_memory))) {
            ntt_both_ways(a, want, n, *k, t, want + n);
            inverse_times(a, want, n, test_word(state) % m->p, *k, t,
                          want + n);
            divisions(a, want, shape == 4 ? 4 : (shape + 1) % 4, 0,
                      MOST_SUMMANDS, *k, t, state);
        }
        cki_ntt_clear(&t, &kernel_memory);
    }
    cki_free(&kernel_memory, a, 3 * n * sizeof *a);
}

TEST(kernel_ntt_every_word)
{
    uint64_t state = 1;
    cki_mod m[PRIMES];

    for (int log_n = 2; log_n <= 12; log_n++) {
        kernel_primes(m, (uint64_t)2 << log_n);
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

    kernel_primes(m, 128);
    for (int r = 0; r < count; r++)
        ntt_by_definition(6, &m[r % PRIMES], 4, &state);
}

/* N = 2^13..2^17: the round trip, some evaluations, and one answer. */
static void ntt_spot(int log_n, const cki_mod *m, int shape, uint64_t *state)
{
    size_t n = (size_t)1 << log_n;
    uint64_t *a = kernel_alloc(3 * n * sizeof *a);
    uint64_t *first = a + n, *x = a + 2 * n;
    uint64_t psi = cki_min_root(2 * n, m);
    bool have = false;

    kernel_fill(a, n, m->p, shape, state);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        cki_ntt *t = NULL;

        if (!kernel_takes(*k, m)
            || !CHECK_OK(cki_ntt_init(&t, *k, m, psi, log_n,
                         (size_t)2 << log_n, &kernel_memory)))
            continue;
        memcpy(x, a, n * sizeof *a);
        (*k)->ntt_fwd(x, t);
        if (have)
            kernel_expect(x, first, n, *k, "ntt_fwd, kernels differ", m);
        memcpy(first, x, n * sizeof *a);
        have = true;
        ntt_in_halves(a, first, n, *k, t, x);
        (*k)->ntt_inv(x, x, 1, t);
        kernel_expect(x, a, n, *k, "round trip", m);
        divisions(a, first, shape, 2, 2, *k, t, state);
        cki_ntt_clear(&t, &kernel_memory);
    }
    for (int j = 0; j < 4; j++) {
        uint32_t i = j == 0 ? 0 : j == 1 ? (uint32_t)n - 1
                                         : (uint32_t)(test_word(state) % n);
        uint64_t want = horner(a, log_n, i, psi, m->p);

        CHECK(first[i] == want, "N=%zu p=%" PRIu64 " shape %d word %" PRIu32
              ": %" PRIu64 ", want %" PRIu64, n, m->p, shape, i, first[i],
              want);
    }
    cki_free(&kernel_memory, a, 3 * n * sizeof *a);
}

TEST(kernel_ntt_large)
{
    uint64_t state = 3;
    cki_mod m[PRIMES];

    for (int log_n = 13; log_n <= 17; log_n++) {
        kernel_primes(m, (uint64_t)2 << log_n);
        for (int i = 0; i < PRIMES; i++)
            for (int shape = 1; shape <= 4; shape++)
                if (i == 3 || shape == 4 || (shape == 1 && log_n <= 15))
                    ntt_spot(log_n, &m[i], shape, &state);
    }
}

/* Primes of 44 to 48 bits, whose words have more and more room to grow. */
enum { SOME_BITS = 44, ROOMS = 5 };

static void room_primes(cki_mod *m, uint64_t step)
{
    for (int i = 0; i < ROOMS; i++)
        m[i] = cki_mod_make(cki_find_prime(SOME_BITS + i, step, NULL, 0));
}

TEST(kernel_ntt_of_all_rooms)
{
    uint64_t state = 4;
    cki_mod m[ROOMS];

    for (int log_n = 7; log_n <= 17; log_n++) {
        room_primes(m, (uint64_t)2 << log_n);
        for (int i = 0; i < ROOMS; i++)
            for (int shape = 1; shape <= 4; shape += 3)
                if (log_n <= 10)
                    ntt_by_definition(log_n, &m[i], shape, &state);
                else
                    ntt_spot(log_n, &m[i], shape, &state);
    }
}
