/* stack.c -- how much stack a client takes: a thread runs it on painted memory
 * and what is no longer painted has been used.  Prints the bytes.
 *
 * Beside client.c's run: a public key, encryption with it, flooding, saved and
 * loaded secrets, N = 2^13 with 4 primes, and calls that are refused with the
 * longest messages.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckks.h"

int client_run(void);

enum { ROOM = 1 << 20, PAINT = 0xa5 };

static int failed;

static void must(ckks_status s, ckks_status want)
{
    failed |= s != want;
}

static void secret_as_bytes(const ckks_ctx *ctx, const ckks_sk *sk)
{
    size_t size = ckks_sk_size(sk);
    uint8_t *bytes = malloc(size);
    ckks_sk *again = NULL;

    must(bytes == NULL ? CKKS_EMEM : ckks_sk_save(bytes, size, sk), CKKS_OK);
    must(ckks_sk_load(&again, ctx, bytes, size), CKKS_OK);
    bytes[3] ^= 1;
    must(ckks_sk_load(&again, ctx, bytes, size), CKKS_EFORMAT);
    ckks_sk_clear(&again);
    free(bytes);
}

static void with_public_key(void)
{
    const ckks_params p = { .log_n = 13, .num_primes = 4,
                            .primes = { 45, 40, 40, 40 }, .num_special = 1,
                            .special = { 45 }, .dnum = 4 };
    const double x[2] = { 1, -0.5 };
    double y[2];
    ckks_ctx *ctx = NULL;
    ckks_rng rng = { 0 };
    ckks_sk *sk = NULL;
    ckks_pk *pk = NULL;
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };

    must(ckks_ctx_init(&ctx, &p), CKKS_OK);
    must(ckks_rng_init(&rng, NULL), CKKS_OK);
    must(ckks_sk_init(&sk, ctx, &rng), CKKS_OK);
    must(ckks_pk_init(&pk, &rng, sk), CKKS_OK);
    must(ckks_encode(&pt, ctx, x, x, 2, 3, 0x1p70), CKKS_OK);
    must(ckks_encrypt(&ct, &rng, &pt, pk), CKKS_OK);
    must(ckks_decrypt_flooded(&pt, &rng, &ct, sk, 20, 30), CKKS_OK);
    must(ckks_decode(y, NULL, 2, &pt), CKKS_OK);
    must(ckks_encode(&pt, ctx, x, NULL, 2, 0, 0x1p47), CKKS_ESCALE);
    must(ckks_encode_const(&pt, ctx, 1e300, -1e300, 3, 3), CKKS_ESCALE);
    secret_as_bytes(ctx, sk);
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    ckks_pk_clear(&pk);
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&ctx);
}

static void *body(void *unused)
{
    (void)unused;
    failed |= client_run();
    with_public_key();
    return NULL;
}

static void *nothing(void *unused)
{
    return unused;
}

/* Bytes of the stack that a thread with this body has written. */
static long used(void *(*run)(void *))
{
    unsigned char *stack = aligned_alloc(4096, ROOM);
    size_t clean = 0;
    pthread_attr_t attr;
    pthread_t thread;

    if (stack == NULL)
        return -1;
    memset(stack, PAINT, ROOM);
    if (pthread_attr_init(&attr) != 0
        || pthread_attr_setstack(&attr, stack, ROOM) != 0
        || pthread_create(&thread, &attr, run, NULL) != 0
        || pthread_join(thread, NULL) != 0)
        return -1;
    while (clean < ROOM && stack[clean] == PAINT)
        clean++;
    free(stack);
    return (long)(ROOM - clean);
}

/* What a thread needs itself (its descriptor lies on the stack) is not the
 * library's. */
int main(void)
{
    long all = used(body), own = used(nothing);

    printf("%ld\n", all - own);
    return failed || all < 0 || own < 0;
}
