/* real_support.h -- a small context of the real ring. */
#ifndef REAL_SUPPORT_H
#define REAL_SUPPORT_H

#include "kernel/kernel.h"
#include "test.h"

/* Four primes in two digits; NULL: told. */
static inline ckks_ctx *real_ctx(int log_n, const char *kernel)
{
    const ckks_params p = { .log_n = log_n, .num_primes = 4,
                            .primes = { 49, 40, 40, 40 }, .num_special = 2,
                            .special = { 49, 49 }, .dnum = 2,
                            .ring = CKKS_RING_REAL,
                            .security = CKKS_INSECURE, .kernel = kernel };
    ckks_ctx *ctx = NULL;

    return CHECK_OK(ckks_ctx_init(&ctx, &p)) ? ctx : NULL;
}

#endif
