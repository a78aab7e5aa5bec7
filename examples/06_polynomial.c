/* 06_polynomial.c -- a polynomial of degree 7 of every slot, three levels deep.
 *
 * p(x) = (c0 + c1 x) + (c2 + c3 x) x^2 + ((c4 + c5 x) + (c6 + c7 x) x^2) x^4
 *
 * Sums need equal scales, and a division by q_l leaves an odd one.  So scales are
 * chosen from the end: a product with a constant takes the scale that, times
 * what follows and through its divisions, comes out as wanted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ckks.h"

enum { SLOTS = 8192, TOP = 3 };             /* N/2 for N = 2^14              */

static const double c[8] = { 0.5, 1, -0.25, 2, 0.125, -1.5, 0.75, 0.375 };
static void must(ckks_status s)
{
    if (s != CKKS_OK) {
        fprintf(stderr, "%s: %s\n", ckks_status_name(s), ckks_last_error());
        exit(1);
    }
}

/* out = c[k] + c[k + 1] x at this level and scale, by way of the level above. */
static void line(ckks_ct *out, const ckks_ct *x, int k, int level,
                 double scale)
{
    double q = (double)ckks_ctx_prime(x->ctx, level + 1);

    must(ckks_drop_level(out, x, level + 1));
    must(ckks_mul_const(out, out, c[k + 1], 0, scale * q / x->scale));
    must(ckks_rescale(out, out));
    must(ckks_add_const(out, out, c[k], 0));
}

/* out = line k + (line k + 2) x^2, at level 1 and this scale. */
static void cubic(ckks_ct *out, const ckks_ct *x, const ckks_ct *square,
                  const ckks_keys *keys, int k, double scale)
{
    double q = (double)ckks_ctx_prime(x->ctx, 2);
    ckks_ct high = {0};

    line(&high, x, k + 2, 2, scale * q / square->scale);
    must(ckks_mul(&high, &high, square));
    must(ckks_relin_rescale(&high, &high, keys));
    line(out, x, k, 1, high.scale);
    must(ckks_add(out, out, &high));
    ckks_ct_clear(&high);
}

static double value(double x)
{
    double sum = 0;

    for (int k = 7; k >= 0; k--)
        sum = sum * x + c[k];
    return sum;
}

int main(void)
{
    const ckks_params params = {            /* 128 bits of security          */
        .log_n = 14, .num_primes = TOP + 1, .primes = { 49, 40, 40, 40 },
        .num_special = 1, .special = { 49 }, .dnum = TOP + 1
    };
    const ckks_key_request wanted = { CKKS_KEY_RELIN, 0, TOP };
    const double scale = 0x1p40;
    static double x[SLOTS], y[SLOTS];
    ckks_ctx *ctx = NULL;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    ckks_pt px = {0};
    ckks_ct cx = {0}, square = {0}, fourth = {0}, low = {0}, out = {0};
    double worst = 0, off, q;

    for (int j = 0; j < SLOTS; j++)
        x[j] = cos(j);
    must(ckks_ctx_init(&ctx, &params));
    must(ckks_rng_init(&rng, NULL));
    must(ckks_sk_init(&sk, ctx, &rng));
    must(ckks_keys_init(&keys, &rng, sk, &wanted, 1));
    must(ckks_encode(&px, ctx, x, NULL, SLOTS, TOP, scale));
    must(ckks_encrypt_sk(&cx, &rng, &px, sk));

    must(ckks_square(&square, &cx));
    must(ckks_relin_rescale(&square, &square, keys));       /* level 2       */
    must(ckks_square(&fourth, &square));
    must(ckks_relin_rescale(&fourth, &fourth, keys));       /* level 1       */
    q = (double)ckks_ctx_prime(ctx, 1);
    cubic(&out, &cx, &square, keys, 4, scale * q / fourth.scale);
    must(ckks_mul(&out, &out, &fourth));
    must(ckks_relin_rescale(&out, &out, keys));             /* level 0       */
    cubic(&low, &cx, &square, keys, 0, out.scale);
    must(ckks_drop_level(&low, &low, 0));
    must(ckks_add(&out, &out, &low));

    must(ckks_decrypt(&px, &out, sk));
    must(ckks_decode(y, NULL, SLOTS, &px));
    for (int j = 0; j < SLOTS; j++)
        worst = fmax(worst, fabs(y[j] - value(x[j])));
    off = fabs(out.scale / scale - 1);
    printf("slot 1: %.9f, should be %.9f; worst error 2^%.1f; scale off by %g\n",
           y[1], value(x[1]), log2(worst), off);

    ckks_ct_clear(&cx);
    ckks_ct_clear(&square);
    ckks_ct_clear(&fourth);
    ckks_ct_clear(&low);
    ckks_ct_clear(&out);
    ckks_pt_clear(&px);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
    return !(worst < 0x1p-18 && off < 0x1p-40);
}
