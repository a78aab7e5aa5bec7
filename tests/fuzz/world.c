/* world.c -- contexts of toy size with keys, all from one seed. */
#include <string.h>

#include "fuzz.h"

ckks_rng *fuzz_rng(void)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 1 };
    static ckks_rng rng;

    if (!rng.ready)
        fuzz_must(ckks_rng_init(&rng, seed) == CKKS_OK, "no rng");
    return &rng;
}

/* 0  primes 17, 41, 113: limbs end in the middle of a byte, and entries of the
 *    parameters are sizes
 * 1  the real ring, digits of two primes, fitted special primes
 * 2  SEAL's choices
 * 3  no special primes: no keys
 * 4  SEAL's choices but for a prime of 61 bits
 * 5  but for the number of primes
 * 6  128 bits of security                                                    */
static void params(ckks_params *p, unsigned i)
{
    static const ckks_params tiny[] = {
        { .log_n = 2, .num_primes = 2, .primes = { 5, 6 }, .num_special = 1,
          .special = { 7 }, .dnum = 2 },
        { .log_n = 3, .num_primes = 3, .primes = { 40, 30, 30 },
          .num_special = 2, .special = { 45, 40 }, .dnum = 2,
          .fitted_special = 1, .ring = CKKS_RING_REAL },
        { .log_n = 3, .num_primes = 2, .primes = { 40, 30 },
          .num_special = 1, .special = { 45 }, .dnum = 2, .generator = 3,
          .uncentred_digits = 1 },
        { .log_n = 2, .num_primes = 1, .primes = { 30 }, .dnum = 1 },
        { .log_n = 2, .num_primes = 1, .primes = { 61 }, .num_special = 1,
          .special = { 61 }, .dnum = 1, .generator = 3,
          .uncentred_digits = 1 },
        { .log_n = 2, .num_primes = 64, .num_special = 1, .special = { 45 },
          .dnum = 64, .generator = 3, .uncentred_digits = 1 },
        { .log_n = 10, .num_primes = 1, .primes = { 25 }, .dnum = 1 }
    };

    *p = tiny[i];
    p->security = i == 6 ? 128 : CKKS_INSECURE;
    for (int k = 0; i == 5 && k < p->num_primes; k++)
        p->primes[k] = 40;
}

static void make_keys(fuzz_world *w, unsigned i)
{
    const int top = ckks_ctx_top_level(w->ctx);
    const ckks_key_request want[] = {
        { CKKS_KEY_RELIN, 0, top }, { CKKS_KEY_ROTATE, 1, top },
        { CKKS_KEY_CONJ, 0, i == FUZZ_SEAL ? top : 0 }
    };
    const size_t count = ckks_ctx_ring(w->ctx) == CKKS_RING_REAL ? 2 : 3;

    fuzz_must(ckks_pk_init(&w->pk, fuzz_rng(), w->sk) == CKKS_OK
                  && ckks_keys_init(&w->keys, fuzz_rng(), w->sk, want, count)
                         == CKKS_OK, "keys of context %u", i);
}

static void make_world(fuzz_world *w, unsigned i)
{
    ckks_params p;

    params(&p, i);
    fuzz_must(ckks_ctx_init(&w->ctx, &p) == CKKS_OK
                  && ckks_sk_init(&w->sk, w->ctx, fuzz_rng()) == CKKS_OK,
              "context %u", i);
    if (ckks_ctx_num_special(w->ctx) > 0 && i < 4)
        make_keys(w, i);
}

const fuzz_world *fuzz_world_at(unsigned i)
{
    static fuzz_world world[FUZZ_CONTEXTS];
    fuzz_world *w = &world[i %= FUZZ_CONTEXTS];

    if (w->ctx == NULL) {
        const unsigned held = fuzz_hold();

        make_world(w, i);
        fuzz_go_on(held);
    }
    return w;
}
