/* client.c -- a client of few bytes: keeps a secret key, encrypts readings,
 * sends bytes, gets bytes back, decrypts them.
 *
 * Links with libckks.a of a MINIMAL build and nothing else; no operating
 * system is needed (docs/embedded.md).  It prints nothing: the exit code says
 * whether the readings came back.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ckks.h"

enum { READINGS = 8, LEVEL = 1 };

#ifdef CLIENT_ENTROPY
/* Stands for the board's generator of true random numbers: this one repeats,
 * so it serves a test and nothing else. */
int client_entropy(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(i * 37 + 11);
    return 0;
}
#endif

/* What came back from the server (here: what was sent) holds the readings. */
static ckks_status check(const ckks_ctx *ctx, const ckks_sk *sk,
                         const uint8_t *bytes, size_t size,
                         const double *reading)
{
    ckks_ct ct = { 0 };
    ckks_pt pt = { 0 };
    double back[READINGS];
    ckks_status s = ckks_ct_load(&ct, ctx, bytes, size);

    if (s == CKKS_OK)
        s = ckks_decrypt(&pt, &ct, sk);
    if (s == CKKS_OK)
        s = ckks_decode(back, NULL, READINGS, &pt);
    for (int i = 0; i < READINGS && s == CKKS_OK; i++)
        if (!(fabs(back[i] - reading[i]) < 1e-4))
            s = CKKS_EFORMAT;
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    return s;
}

static ckks_status send_and_receive(const ckks_ctx *ctx, ckks_rng *rng,
                                    const ckks_sk *sk)
{
    const double reading[READINGS] = { 21.5, 21.625, 20.25, -3, 0, 1, 2, 19 };
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    uint8_t *bytes = NULL;
    size_t size = 0;
    ckks_status s = ckks_encode(&pt, ctx, reading, NULL, READINGS, LEVEL,
                                0x1p30);

    if (s == CKKS_OK)
        s = ckks_encrypt_sk(&ct, rng, &pt, sk);
    if (s == CKKS_OK) {
        size = ckks_ct_size(&ct);
        bytes = malloc(size);
        s = bytes == NULL ? CKKS_EMEM : ckks_ct_save(bytes, size, &ct);
    }
    if (s == CKKS_OK)
        s = check(ctx, sk, bytes, size, reading);
    if (s == CKKS_OK) {                 /* damage on the way is seen         */
        bytes[size / 2] ^= 1;
        s = check(ctx, sk, bytes, size, reading) == CKKS_EFORMAT
                ? CKKS_OK : CKKS_EIO;
    }
    free(bytes);
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    return s;
}

int client_run(void)
{
    const ckks_params p = { .log_n = 12, .num_primes = LEVEL + 1,
                            .primes = { 40, 40 } };
    ckks_ctx *ctx = NULL;
    ckks_rng rng = { 0 };
    ckks_sk *sk = NULL;
    ckks_status s = ckks_ctx_init(&ctx, &p);

    if (s == CKKS_OK)
        s = ckks_rng_init(&rng, NULL);
    if (s == CKKS_OK)
        s = ckks_sk_init(&sk, ctx, &rng);
    if (s == CKKS_OK)
        s = send_and_receive(ctx, &rng, sk);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
    return (int)s;
}

#ifndef CLIENT_NO_MAIN
int main(void)
{
    return client_run();
}
#endif
