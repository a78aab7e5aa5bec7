/* bench_world.c -- parameter sets, and the objects the rows work on. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* 128 bits of security each (docs/security.md).  2^15 is the one that the
 * figures elsewhere are for; digits fit into 2P. */
const bench_set bench_sets[BENCH_SETS] = {
    { 13,  3, 49, 40,  1, 49, 3, false },
    { 14,  7, 49, 40,  3, 46, 3, false },
    { 15, 18, 49, 40,  3, 46, 6, false },
    { 16, 31, 49, 40, 10, 49, 3, false }
};

static const double bench_scale = 0x1p40;

void bench_params(ckks_params *out, const bench_set *set, const char *kernel)
{
    *out = (ckks_params){ .log_n = set->log_n,
                          .num_primes = set->num_primes,
                          .num_special = set->num_special,
                          .dnum = set->dnum,
                          .ring = set->real ? CKKS_RING_REAL
                                            : CKKS_RING_COMPLEX,
                          .kernel = kernel };
    for (int i = 0; i < set->num_primes; i++)
        out->primes[i] = (uint64_t)(i == 0 ? set->first_bits : set->bits);
    for (int i = 0; i < set->num_special; i++)
        out->special[i] = (uint64_t)set->special_bits;
}

/* splitmix64: spreads over all 64 bits whatever the state was. */
static uint64_t world_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [-1/2, 1/2). */
static double world_number(uint64_t *state)
{
    return (double)(world_next(state) >> 11) * 0x1p-53 - 0.5;
}

/* The numbers: slots, words below prime 1, integer weights of 12 bits. */
static void world_fill(bench *b)
{
    const size_t slots = ckks_ctx_slots(b->ctx);
    const bool real = ckks_ctx_ring(b->ctx) == CKKS_RING_REAL;
    const uint64_t p = ckks_ctx_prime(b->ctx, 1);
    uint64_t state = 1;

    for (size_t j = 0; j < slots; j++) {
        b->re[j] = world_number(&state);
        b->im[j] = real ? 0 : world_number(&state);
    }
    for (size_t i = 0; i < (size_t)bench_n(b); i++)
        b->limb[i] = b->bad[i] = world_next(&state) % p;
    for (int k = 0; k < BENCH_BLOCKS; k++)      /* a phase, its neighbours   */
        for (int j = 0; j < BENCH_TERMS; j++)
            b->index[k * BENCH_TERMS + j] =
                (8 * (k + j / 8 % 3) + j % 8) % 32 + 32 * (j / 24);
    for (int k = 0; k < BENCH_OUT * BENCH_TERMS; k++)
        b->weight[k] = (int32_t)(world_next(&state) % 4095) - 2047;
    for (int k = 0; k < BENCH_STEPS; k++)
        b->step[k] = 1 << k;
}

static ckks_status world_memory(bench *b)
{
    const size_t n = ckks_ctx_slots(b->ctx), words = (size_t)bench_n(b);
    const ckks_memory memory = nn_pool_memory(b->pool);

    b->re = calloc(n, sizeof *b->re);
    b->im = calloc(n, sizeof *b->im);
    b->re_out = calloc(n, sizeof *b->re_out);
    b->im_out = calloc(n, sizeof *b->im_out);
    /* where ciphertexts lie: large pages, if there are any */
    b->limb = memory.allocate(memory.user, words * sizeof *b->limb);
    b->bad = memory.allocate(memory.user, words * sizeof *b->bad);
    if (b->re == NULL || b->im == NULL || b->re_out == NULL
        || b->im_out == NULL || b->limb == NULL || b->bad == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu slots", n);
    return CKKS_OK;
}

/* The operands every row may use. */
static ckks_status world_encrypt(bench *b)
{
    ckks_status s = ckks_encode(&b->pt, b->ctx, b->re, b->im,
                                ckks_ctx_slots(b->ctx),
                                ckks_ctx_top_level(b->ctx), bench_scale);

    if (s == CKKS_OK)
        s = ckks_encrypt_sk(&b->a, &b->rng, &b->pt, b->sk);
    if (s == CKKS_OK)
        s = ckks_encrypt_sk(&b->b, &b->rng, &b->pt, b->sk);
    if (s == CKKS_OK)
        s = ckks_mul_plain(&b->wide, &b->a, &b->pt);
    if (s == CKKS_OK)
        s = ckks_mul(&b->square, &b->a, &b->b);
    return s;
}

ckks_status bench_init(bench *b, const bench_set *set, const char *kernel)
{
    /* the same keys and noise in every run; they protect nothing */
    static const uint8_t seed[CKKS_SEED_BYTES] = { 1 };
    ckks_params p;
    ckks_status s = nn_pool_init(&b->pool);

    if (s != CKKS_OK)
        return s;
    bench_params(&p, set, kernel);
    p.memory = nn_pool_memory(b->pool);
    s = bench_relay(ckks_ctx_init(&b->ctx, &p));
    if (s == CKKS_OK)
        s = world_memory(b);
    if (s != CKKS_OK)
        return s;
    world_fill(b);
    s = ckks_rng_init(&b->rng, seed);
    if (s == CKKS_OK)
        s = ckks_sk_init(&b->sk, b->ctx, &b->rng);
    if (s == CKKS_OK)
        s = world_encrypt(b);
    if (s != CKKS_OK)
        return bench_relay(s);
    b->file_size = ckks_ct_size(&b->wide);
    b->file = calloc(b->file_size, 1);
    return b->file != NULL ? CKKS_OK
                           : nn_fail(CKKS_EMEM, "no memory for %zu bytes",
                                     b->file_size);
}

static void world_clear_ciphertexts(bench *b)
{
    ckks_pt_clear(&b->pt);
    ckks_pt_clear(&b->pt_out);
    ckks_ct_clear(&b->a);
    ckks_ct_clear(&b->b);
    ckks_ct_clear(&b->wide);
    ckks_ct_clear(&b->square);
    ckks_ct_clear(&b->out);
    ckks_ct_clear(&b->two);
    for (int k = 0; k < BENCH_STEPS; k++)
        ckks_ct_clear(&b->many[k]);
    for (int k = 0; k < BENCH_IN; k++)
        ckks_ct_clear(&b->in[k]);
    for (int k = 0; k < BENCH_OUT; k++)
        ckks_ct_clear(&b->sum[k]);
}

static void world_clear_limb(const bench *b, uint64_t *limb)
{
    ckks_memory memory;

    if (limb == NULL)
        return;
    memory = nn_pool_memory(b->pool);
    memory.release(memory.user, limb, (size_t)bench_n(b) * sizeof *limb);
}

void bench_clear(bench *b)
{
    world_clear_ciphertexts(b);
    ckks_pk_clear(&b->pk);
    ckks_keys_clear(&b->relin);
    ckks_keys_clear(&b->rotate);
    ckks_keys_clear(&b->conj);
    ckks_keys_clear(&b->hoist);
    ckks_keys_clear(&b->made);
    ckks_sk_clear(&b->sk);
    ckks_rng_clear(&b->rng);
    world_clear_limb(b, b->limb);
    world_clear_limb(b, b->bad);
    ckks_ctx_clear(&b->ctx);
    free(b->re);
    free(b->im);
    free(b->re_out);
    free(b->im_out);
    free(b->file);
    nn_pool_clear(&b->pool);
    memset(b, 0, sizeof *b);
}
