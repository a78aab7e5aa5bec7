/* 02_multiply_rotate.c -- encrypt two vectors, multiply, rotate, decrypt. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ckks.h"

enum { SLOTS = 4096 };                      /* N/2 for N = 2^13              */

static void must(ckks_status s)
{
    if (s != CKKS_OK) {
        fprintf(stderr, "%s: %s\n", ckks_status_name(s), ckks_last_error());
        exit(1);
    }
}

int main(void)
{
    const ckks_params params = {            /* 128 bits of security          */
        .log_n = 13, .num_primes = 3, .primes = { 49, 40, 40 },
        .num_special = 1, .special = { 49 }, .dnum = 3
    };
    const ckks_key_request wanted[] = {     /* kind, step, level             */
        { CKKS_KEY_RELIN, 0, 2 }, { CKKS_KEY_ROTATE, 1, 1 }
    };
    const double scale = 0x1p40;
    static double x[SLOTS], y[SLOTS], z[SLOTS];
    ckks_ctx *ctx = NULL;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    ckks_pt px = {0}, py = {0}, pz = {0};
    ckks_ct cx = {0}, cy = {0}, cz = {0};
    double worst = 0;

    for (int j = 0; j < SLOTS; j++) {
        x[j] = cos(0.001 * j);
        y[j] = 1.0 / (1 + j % 10);
    }
    must(ckks_ctx_init(&ctx, &params));
    must(ckks_rng_init(&rng, NULL));        /* the system's entropy          */
    must(ckks_sk_init(&sk, ctx, &rng));
    must(ckks_keys_init(&keys, &rng, sk, wanted, 2));

    must(ckks_encode(&px, ctx, x, NULL, SLOTS, 2, scale));
    must(ckks_encode(&py, ctx, y, NULL, SLOTS, 2, scale));
    must(ckks_encrypt_sk(&cx, &rng, &px, sk));
    must(ckks_encrypt_sk(&cy, &rng, &py, sk));

    must(ckks_mul(&cz, &cx, &cy));          /* degree 2, scale 2^80, level 2 */
    must(ckks_relin_rescale(&cz, &cz, keys));       /* degree 1, level 1     */
    must(ckks_rotate(&cz, &cz, keys, 1));           /* one slot to the left  */

    must(ckks_decrypt(&pz, &cz, sk));
    must(ckks_decode(z, NULL, SLOTS, &pz));
    for (int j = 0; j < SLOTS; j++) {
        int k = (j + 1) % SLOTS;

        worst = fmax(worst, fabs(z[j] - x[k] * y[k]));
    }
    printf("slot 0: %.9f, should be %.9f; worst error 2^%.1f\n", z[0],
           x[1] * y[1], log2(worst));

    ckks_ct_clear(&cx);
    ckks_ct_clear(&cy);
    ckks_ct_clear(&cz);
    ckks_pt_clear(&px);
    ckks_pt_clear(&py);
    ckks_pt_clear(&pz);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
    return !(worst < 0x1p-20);
}
