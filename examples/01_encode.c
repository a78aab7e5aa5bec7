/* 01_encode.c -- numbers into a polynomial and back.  No keys yet.
 *
 * 4096 numbers become one polynomial of degree below 8192 with integer
 * coefficients.  The scale says how fine the grid of integers is: the error of
 * a slot is about sqrt(N/12) / scale.  Adding and multiplying polynomials adds
 * and multiplies the numbers.  docs/04-encoding.md
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ckks.h"

enum { SLOTS = 4096 };

static void must(ckks_status s)
{
    if (s != CKKS_OK) {
        fprintf(stderr, "%s: %s\n", ckks_status_name(s), ckks_last_error());
        exit(1);
    }
}

/* Largest difference between what went in and what comes out at a scale. */
static double round_trip(const ckks_ctx *ctx, const double *in, double scale)
{
    static double out[SLOTS];
    ckks_pt pt = {0};
    double worst = 0;

    must(ckks_encode(&pt, ctx, in, NULL, SLOTS, ckks_ctx_top_level(ctx),
                     scale));
    must(ckks_decode(out, NULL, SLOTS, &pt));
    for (int j = 0; j < SLOTS; j++)
        worst = fmax(worst, fabs(out[j] - in[j]));
    ckks_pt_clear(&pt);
    return worst;
}

int main(void)
{
    /* N = 2^13; one prime of 49 bits, two of 40; 128 bits of security. */
    const ckks_params params = {
        .log_n = 13, .num_primes = 3, .primes = { 49, 40, 40 },
        .num_special = 1, .special = { 49 }, .dnum = 3
    };
    static double in[SLOTS];
    ckks_ctx *ctx = NULL;
    char text[1024];
    int wrong = 0;

    must(ckks_ctx_init(&ctx, &params));
    ckks_ctx_describe(text, sizeof text, ctx);
    printf("%s\n", text);

    for (int j = 0; j < SLOTS; j++)
        in[j] = sin(0.01 * j);
    for (int bits = 20; bits <= 40; bits += 10) {
        double scale = ldexp(1, bits), sd = sqrt(8192 / 12.0) / scale;
        double worst = round_trip(ctx, in, scale);

        printf("scale 2^%d: predicted error 2^%.1f, worst slot 2^%.1f\n",
               bits, log2(sd), log2(worst));
        wrong |= !(worst < 6 * sd);
    }
    ckks_ctx_clear(&ctx);
    if (wrong)
        fprintf(stderr, "an error is larger than predicted\n");
    return wrong;
}
