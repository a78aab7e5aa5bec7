/* which.c -- the kernel that a context of small primes takes here, and what is
 * said of fma2 when it is asked for: "NAME; MESSAGE". */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/kernel.h"

static void *allocate(void *user, size_t size)
{
    (void)user;
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void release(void *user, void *p, size_t size)
{
    (void)user;
    (void)size;
    free(p);
}

int main(void)
{
    const ckks_memory memory = { allocate, release, NULL };
    const cki_kernel *best = NULL, *asked = NULL;

    if (cki_kernel_choose(&best, NULL, CKKS_SIMD_BITS, &memory) != CKKS_OK) {
        printf("none; %s\n", ckks_last_error());
        return 1;
    }
    printf("%s; %s\n", best->name,
           cki_kernel_choose(&asked, "fma2", CKKS_SIMD_BITS, &memory)
                   == CKKS_OK ? asked->name : ckks_last_error());
    return 0;
}
