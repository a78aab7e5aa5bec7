/* rounding.c KERNEL -- threads of OpenMP that the host program has set to round
 * otherwise: results are the same bytes, and the threads still round so.
 */
#define _POSIX_C_SOURCE 200809L
#include <fenv.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckks.h"

enum { N = 4096, LEVEL = 3, THREADS = 4 };

#define MUST(call)                                                        \
    do {                                                                  \
        if ((call) != CKKS_OK) {                                          \
            puts(ckks_last_error());                                      \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

typedef struct world {
    ckks_ctx *ctx;
    ckks_sk *sk;
    ckks_keys *keys;
} world;

/* The hash of what comes of an encoding, a product, a rotation and a sum. */
static void run(const world *w, uint8_t hash[16])
{
    const uint8_t seed[CKKS_SEED_BYTES] = { 3 };
    const ckks_block block = { 0, 1, 2, (const int32_t[]){ 0, 1 },
                               (const int32_t[]){ 123457, -33333 } };
    double x[N / 2];
    ckks_rng rng = { 0 };
    ckks_pt pt = { 0 };
    ckks_ct a = { 0 }, b = { 0 }, *out = &b;
    const ckks_ct *in[] = { &b, &b };
    uint8_t *bytes;
    size_t size;

    for (int i = 0; i < N / 2; i++)
        x[i] = i / 4096.0;
    MUST(ckks_rng_init(&rng, seed));
    MUST(ckks_encode(&pt, w->ctx, x, NULL, N / 2, LEVEL, 0x1p40));
    MUST(ckks_encrypt_sk(&a, &rng, &pt, w->sk));
    MUST(ckks_mul(&b, &a, &a));
    MUST(ckks_relin_rescale(&b, &b, w->keys));
    MUST(ckks_rotate(&b, &b, w->keys, 1));
    MUST(ckks_combine(&out, 1, in, 2, &block, 1, 0x1p40));
    size = ckks_ct_size(&b);
    bytes = malloc(size);
    MUST(ckks_ct_save(bytes, size, &b));
    ckks_blake2b(hash, 16, bytes, size, NULL, 0);
    free(bytes);
    ckks_ct_clear(&a);
    ckks_ct_clear(&b);
    ckks_pt_clear(&pt);
}

static void world_init(world *w, const char *kernel)
{
    const ckks_params p = {
        .log_n = 12, .num_primes = LEVEL + 1, .primes = { 49, 40, 40, 40 },
        .num_special = 2, .special = { 49, 49 }, .dnum = 2,
        .security = CKKS_INSECURE, .kernel = kernel
    };
    const ckks_key_request request[] = { { CKKS_KEY_RELIN, 0, LEVEL },
                                         { CKKS_KEY_ROTATE, 1, LEVEL } };
    const uint8_t seed[CKKS_SEED_BYTES] = { 1 };
    ckks_rng rng = { 0 };

    if (ckks_ctx_init(&w->ctx, &p) != CKKS_OK) {
        printf("not on this machine: %s\n", ckks_last_error());
        exit(2);
    }
    MUST(ckks_rng_init(&rng, seed));
    MUST(ckks_sk_init(&w->sk, w->ctx, &rng));
    MUST(ckks_keys_init(&w->keys, &rng, w->sk, request, 2));
}

int main(int argc, char **argv)
{
    static const int mode[] = { FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    uint8_t want[16], got[16];
    world w = { NULL, NULL, NULL };
    int bad = 0;

    (void)argc;
    omp_set_num_threads(THREADS);
    world_init(&w, argv[1]);
    run(&w, want);
    for (int m = 0; m < 3; m++) {
        int threads = 0, kept = 0;

#pragma omp parallel
        fesetround(mode[m]);
        fesetround(FE_TONEAREST);       /* this thread alone                 */
        run(&w, got);
#pragma omp parallel reduction(+ : threads, kept)
        {
            threads++;
            kept += omp_get_thread_num() == 0 || fegetround() == mode[m];
        }
        if (threads != THREADS || kept != THREADS
            || memcmp(want, got, sizeof want) != 0) {
            printf("mode %d: %d threads, %d of them round as before; results "
                   "%s\n", m, threads, kept,
                   memcmp(want, got, sizeof want) ? "differ" : "are the same");
            bad = 1;
        }
    }
    ckks_keys_clear(&w.keys);
    ckks_sk_clear(&w.sk);
    ckks_ctx_clear(&w.ctx);
    return bad;
}
