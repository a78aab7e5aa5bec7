/* test_kernel_combine.c -- integer combinations of every kernel against
 * remainders of 128 bits. */
#include "kernel_support.h"

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
    const int32_t share = most / (int32_t)terms, bits15 = (1 << 15) - 3;
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
        uint8_t *work = kernel_alloc(size + 64);

        memset(work + size, 0x5a, 64);
        for (size_t j = 0; j < 2 * MOST_ROWS; j++) {
            out[j] = x->got[j];
            x->got[j][0] = x->got[j][n] = CANARY;
        }
        if (kernel_takes(*k, m)) {
            (*k)->combine(out, in, n_in, x->block, 2, n, m, work);
            for (int b = 0; b < 2; b++)
                for (size_t r = 0; r < x->block[b].rows; r++, at++) {
                    comb_want(x, &x->block[b], r, n, m->p);
                    kernel_expect(x->got[at], x->want, n, *k, "combine", m);
                    CHECK(x->got[at][n] == CANARY, "%s combine writes behind "
                          "n=%zu", (*k)->name, n);
                }
            for (; at < 2 * MOST_ROWS; at++)
                CHECK(x->got[at][0] == CANARY, "%s combine writes output %zu",
                      (*k)->name, at);
        }
        for (size_t j = 0; j < 64; j++)
            CHECK(work[size + j] == 0x5a, "%s combine: work", (*k)->name);
        cki_free(&kernel_memory, work, size + 64);
    }
}

/* The limit; those of weights in 16 bits, alone (CKI_PAIR_LIMIT, 2^15) and in a
 * run; one more each; several runs. */
static const int32_t comb_most[] = {
    (1 << 28) - 1, (1 << 15) - 3, (1 << 15) - 1, (1 << 16) - 1, 1 << 15,
    1 << 16, (1 << 16) - 17, (1 << 15) - 2, (1 << 19) - 1
};
enum { COMB_MOST = sizeof comb_most / sizeof *comb_most };

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

    kernel_primes(m, 8);
    m[PRIMES] = cki_mod_make(cki_find_prime(48, 8, NULL, 0));
    m[PRIMES + 1] = cki_mod_make(kernel_prime_after(end, 8));
    m[PRIMES + 2] = cki_mod_make(kernel_prime_after(off - 4096, 8));
    m[PRIMES + 3] = cki_mod_make(kernel_prime_after(off, 8));
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
                             comb_most[r / 3 % COMB_MOST], &state);
            x.block[b] = (ckks_block){ b == 0 ? 0 : x.block[0].rows, rows,
                                       terms, x.index[b], x.weight[b] };
        }
        for (int j = 0; j < INPUTS; j++) {
            kernel_fill(x.in[j], n, q->p, r / 5 % 3 == 0 ? 1 : 1 + r / 7 % 5,
                       &state);
            if (r / 5 % 3 == 1)
                comb_edges(x.in[j], n, q->p);
        }
        comb_check(&x, n_in, n, q);
    }
}
