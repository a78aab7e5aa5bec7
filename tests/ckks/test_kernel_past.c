/* test_kernel_past.c -- integer combinations whose sums are more than caches
 * hold, of every kernel against remainders of 128 bits. */
#include "kernel_support.h"

enum { PAST_N = 8192, PAST_IN = 5, PAST_ROWS = 20, PAST_TERMS = 6,
       PAST_OUT = 2 * PAST_ROWS };

/* Two blocks, of one run each and of several; words behind each output. */
typedef struct large {
    uint64_t *in[PAST_IN], *out[PAST_OUT], *memory;
    int32_t index[PAST_TERMS], weight[2][PAST_ROWS * PAST_TERMS];
    ckks_block block[2];
} large;

static void large_init(large *x, const cki_mod *m, uint64_t *state)
{
    const size_t apart = PAST_N + 8;

    x->memory = kernel_alloc((PAST_IN + PAST_OUT) * apart * sizeof(uint64_t));
    for (size_t j = 0; j < PAST_IN; j++) {
        x->in[j] = x->memory + j * apart;
        kernel_fill(x->in[j], PAST_N, m->p, (int)j, state);
    }
    for (size_t r = 0; r < PAST_OUT; r++)
        x->out[r] = x->memory + (PAST_IN + r) * apart;
    for (size_t k = 0; k < PAST_TERMS; k++)
        x->index[k] = (int32_t)(k < PAST_IN ? k : test_word(state) % PAST_IN);
    for (size_t b = 0; b < 2; b++) {
        const int32_t most = b == 0 ? 10922 : 32765;    /* by six: 2^16      */

        for (size_t k = 0; k < PAST_ROWS * PAST_TERMS; k++)
            x->weight[b][k] = (int32_t)(test_word(state)
                                        % (2 * (uint64_t)most + 1)) - most;
        x->block[b] = (ckks_block){ b * PAST_ROWS, PAST_ROWS, PAST_TERMS,
                                    x->index, x->weight[b] };
    }
}

static uint64_t large_want(const large *x, const ckks_block *b, size_t row,
                           size_t i, uint64_t p)
{
    i128 s = 0;

    for (size_t k = 0; k < b->terms; k++)
        s += (i128)b->weight[row * b->terms + k]
             * (i128)x->in[b->index[k]][i];
    s %= (i128)p;
    return (uint64_t)(s < 0 ? s + (i128)p : s);
}

static void large_check(const large *x, const cki_kernel *k, const cki_mod *m)
{
    const size_t size = k->combine_work(PAST_IN, x->block, 2);
    void *work = kernel_alloc(size);

    for (size_t r = 0; r < PAST_OUT; r++)
        x->out[r][PAST_N] = CANARY;
    k->combine(x->out, (const uint64_t *const *)x->in, PAST_IN, x->block, 2,
               PAST_N, m, work);
    cki_free(&kernel_memory, work, size);
    for (size_t r = 0; r < PAST_OUT; r++) {
        const ckks_block *b = &x->block[r / PAST_ROWS];

        CHECK(x->out[r][PAST_N] == CANARY, "%s writes behind", k->name);
        for (size_t i = 0; i < PAST_N; i++) {
            const uint64_t want = large_want(x, b, r % PAST_ROWS, i, m->p);

            if (!CHECK(x->out[r][i] == want, "%s p=%" PRIu64 " row %zu word "
                       "%zu: %" PRIu64 ", want %" PRIu64, k->name, m->p, r, i,
                       x->out[r][i], want))
                return;
        }
    }
}

/* Primes of three digits and of four; outputs that begin with a line of 64
 * bytes, and one that does not. */
TEST(kernel_combine_past_caches)
{
    uint64_t state = 21;

    for (int bits = 47; bits <= 49; bits++) {
        const cki_mod m = cki_mod_make(cki_find_prime(bits, 8, NULL, 0));
        large x;

        large_init(&x, &m, &state);
        for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
            if (kernel_takes(*k, &m)) {
                large_check(&x, *k, &m);
                x.out[7]++;
                large_check(&x, *k, &m);
                x.out[7]--;
            }
        cki_free(&kernel_memory, x.memory,
                 (PAST_IN + PAST_OUT) * (PAST_N + 8) * sizeof(uint64_t));
    }
}
