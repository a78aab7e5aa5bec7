/* 07_slot_errors.c -- what one rotation adds to each slot, with centred digits
 * and with uncentred ones: the figure of docs/07-key-switching.md.
 *
 *     07_slot_errors                              a summary
 *     07_slot_errors LOG_N KEYS BITS UNCENTRED    lines "key slot real imag",
 *                                                 for docs/slot_errors.py
 * BITS is the size of q_0; slot j is the value at zeta^(3^j). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ckks.h"

static double re[1 << 16], im[1 << 16], x[1 << 16], y[1 << 16], e[1 << 16];

static void must(ckks_status s)
{
    if (s != CKKS_OK) {
        fprintf(stderr, "%s: %s\n", ckks_status_name(s), ckks_last_error());
        exit(1);
    }
}

static int order(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;

    return (p > q) - (p < q);
}

/* x + i y = the slots of a random vector, rotated, less what they should be;
 * keys of seed k. */
static void rotate_once(const ckks_params *p, int k)
{
    const uint8_t seed[CKKS_SEED_BYTES] = { (uint8_t)k };  /* not for work    */
    const int top = p->num_primes - 1;
    const ckks_key_request one = { CKKS_KEY_ROTATE, 1, top };
    ckks_ctx *ctx = NULL;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    ckks_pt pt = {0};
    ckks_ct ct = {0};

    must(ckks_ctx_init(&ctx, p));
    must(ckks_rng_init(&rng, seed));
    must(ckks_sk_init(&sk, ctx, &rng));
    must(ckks_keys_init(&keys, &rng, sk, &one, 1));

    size_t slots = ckks_ctx_slots(ctx);

    for (size_t j = 0; j < slots; j++) {
        re[j] = rand() / (RAND_MAX / 2.0) - 1;
        im[j] = rand() / (RAND_MAX / 2.0) - 1;
    }
    must(ckks_encode(&pt, ctx, re, im, slots, top, 0x1p40));
    must(ckks_encrypt_sk(&ct, &rng, &pt, sk));
    must(ckks_rotate(&ct, &ct, keys, 1));
    must(ckks_decrypt(&pt, &ct, sk));
    must(ckks_decode(x, y, slots, &pt));
    for (size_t j = 0; j < slots; j++) {
        x[j] -= re[(j + 1) % slots];
        y[j] -= im[(j + 1) % slots];
    }
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
}

/* Eight keys, the mean of the logarithms; returns worst less median, bits. */
static double summary(const ckks_params *p)
{
    size_t slots = (size_t)1 << (p->log_n - 1);
    double worst = 0, median = 0;
    int zero = 0;

    for (int k = 0; k < 8; k++) {
        rotate_once(p, k);
        for (size_t j = 0; j < slots; j++)
            e[j] = hypot(x[j], y[j]);
        double e0 = e[0];
        qsort(e, slots, sizeof *e, order);
        zero += e[slots - 1] <= e0;
        worst += log2(e[slots - 1]) / 8;
        median += log2(e[slots / 2]) / 8;
    }
    printf("%-9s  worst slot 2^%.1f, median 2^%.1f; slot 0 is the worst with "
           "%d of 8 keys\n", p->uncentred_digits ? "uncentred" : "centred",
           worst, median, zero);
    return worst - median;
}

int main(int count, char **args)
{
    ckks_params p = {
        .log_n = 13, .num_primes = 3, .primes = { 60, 40, 40 }, .dnum = 3,
        .num_special = 1, .special = { 60 }, .generator = 3
    };
    double bits[2];

    if (count == 5) {
        p.log_n = atoi(args[1]);
        p.primes[0] = (uint64_t)atoi(args[3]);
        p.uncentred_digits = atoi(args[4]);
        for (int k = 0; k < atoi(args[2]); k++) {
            rotate_once(&p, k);
            for (int j = 0; j < 1 << (p.log_n - 1); j++)
                printf("%d %d %.4g %.4g\n", k, j, x[j], y[j]);
        }
        return 0;
    }
    for (int i = 0; i < 2; i++, p.uncentred_digits = 1)
        bits[i] = summary(&p);
    return !(bits[0] < 4 && bits[1] > 5);
}
