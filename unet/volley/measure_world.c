/* measure_world.c -- a context with keys, and the objects that calls work on.
 */
#include <stdlib.h>
#include <string.h>

#include "measure.h"

static const double measure_scale = 0x1p40;

void measure_params(ckks_params *out, const measure_set *set,
                    const char *kernel)
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

bool measure_has_kernel(const char *kernel)
{
    static const measure_set small = { 13, 3, 49, 40, 1, 49, 3, false };
    ckks_params p;
    ckks_ctx *ctx = NULL;
    bool there;

    measure_params(&p, &small, kernel);
    there = ckks_ctx_init(&ctx, &p) == CKKS_OK;
    ckks_ctx_clear(&ctx);
    return there;
}

double measure_n(const measure_world *w)
{
    return (double)((size_t)1 << ckks_ctx_log_n(w->ctx));
}

/* splitmix64: spreads over all 64 bits whatever the state was. */
uint64_t measure_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [-1/2, 1/2). */
static double world_number(uint64_t *state)
{
    return (double)(measure_word(state) >> 11) * 0x1p-53 - 0.5;
}

/* The numbers: slots, words below prime 1, integer weights of 12 bits. */
static void world_fill(measure_world *w)
{
    const size_t slots = ckks_ctx_slots(w->ctx);
    const bool real = ckks_ctx_ring(w->ctx) == CKKS_RING_REAL;
    const uint64_t p = ckks_ctx_prime(w->ctx, 1);
    uint64_t state = 1;

    for (size_t j = 0; j < slots; j++) {
        w->re[j] = world_number(&state);
        w->im[j] = real ? 0 : world_number(&state);
    }
    for (size_t i = 0; i < (size_t)measure_n(w); i++)
        w->limb[i] = measure_word(&state) % p;
    for (int k = 0; k < MEASURE_BLOCKS; k++)    /* a phase, its neighbours   */
        for (int j = 0; j < MEASURE_TERMS; j++)
            w->index[k * MEASURE_TERMS + j] =
                (8 * (k + j / 8 % 3) + j % 8) % 32 + 32 * (j / 24);
    for (int k = 0; k < MEASURE_OUT * MEASURE_TERMS; k++)
        w->weight[k] = (int32_t)(measure_word(&state) % 4095) - 2047;
}

static ckks_status world_memory(measure_world *w)
{
    const size_t n = ckks_ctx_slots(w->ctx), words = (size_t)measure_n(w);
    const ckks_memory memory = nn_pages_memory(w->pool);

    w->re = calloc(n, sizeof *w->re);
    w->im = calloc(n, sizeof *w->im);
    /* where ciphertexts lie: large pages, if there are any */
    w->limb = memory.allocate(memory.user, words * sizeof *w->limb);
    if (w->re == NULL || w->im == NULL || w->limb == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu slots", n);
    return CKKS_OK;
}

/* The operands every call may use. */
static ckks_status world_encrypt(measure_world *w)
{
    ckks_status s = ckks_encode(&w->pt, w->ctx, w->re, w->im,
                                ckks_ctx_slots(w->ctx),
                                ckks_ctx_top_level(w->ctx), measure_scale);

    if (s == CKKS_OK)
        s = ckks_encrypt_sk(&w->a, &w->rng, &w->pt, w->sk);
    if (s == CKKS_OK)
        s = ckks_encrypt_sk(&w->b, &w->rng, &w->pt, w->sk);
    return s;
}

ckks_status measure_init(measure_world *w, const measure_set *set,
                         const char *kernel)
{
    /* the same keys and noise in every run; they protect nothing */
    static const uint8_t seed[CKKS_SEED_BYTES] = { 1 };
    ckks_params p;
    ckks_status s = nn_pages_init(&w->pool);

    if (s != CKKS_OK)
        return s;
    measure_params(&p, set, kernel);
    p.memory = nn_pages_memory(w->pool);
    s = nn_relay(ckks_ctx_init(&w->ctx, &p), NULL);
    if (s == CKKS_OK)
        s = world_memory(w);
    if (s != CKKS_OK)
        return s;
    world_fill(w);
    s = ckks_rng_init(&w->rng, seed);
    if (s == CKKS_OK)
        s = ckks_sk_init(&w->sk, w->ctx, &w->rng);
    if (s == CKKS_OK)
        s = world_encrypt(w);
    return nn_relay(s, NULL);
}

static void world_clear_limb(measure_world *w)
{
    ckks_memory memory;

    if (w->limb == NULL)
        return;
    memory = nn_pages_memory(w->pool);
    memory.release(memory.user, w->limb,
                   (size_t)measure_n(w) * sizeof *w->limb);
}

void measure_clear(measure_world *w)
{
    ckks_pt_clear(&w->pt);
    ckks_ct_clear(&w->a);
    ckks_ct_clear(&w->b);
    ckks_ct_clear(&w->out);
    for (int k = 0; k < MEASURE_IN; k++)
        ckks_ct_clear(&w->in[k]);
    for (int k = 0; k < MEASURE_OUT; k++)
        ckks_ct_clear(&w->sum[k]);
    ckks_sk_clear(&w->sk);
    ckks_rng_clear(&w->rng);
    world_clear_limb(w);
    ckks_ctx_clear(&w->ctx);
    free(w->re);
    free(w->im);
    nn_pages_clear(&w->pool);
    memset(w, 0, sizeof *w);
}
