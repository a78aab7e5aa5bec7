/* kernel_support.h -- what the tests of the kernels share: primes at the ends
 * of the ranges, words at the ends of [0, p). */
#ifndef KERNEL_SUPPORT_H
#define KERNEL_SUPPORT_H

#include "kernel/kernel.h"
#include "ref_words.h"
#include "test.h"

enum { PRIMES = 6, SHAPES = 6 };

/* Behind an output. */
#define CANARY UINT64_C(0xc0ffee0ddba11c0d)

/* The hooks that are none: malloc and free. */
extern const ckks_memory kernel_memory;
/* Ends the program where there is no memory; free by cki_free. */
void *kernel_alloc(size_t size);

/* The smallest prime = 1 mod step above from. */
uint64_t kernel_prime_after(uint64_t from, uint64_t step);
/* m[PRIMES]: just above step, about 2^30, both ends of 49 bits, both
 * ends of 61. */
void kernel_primes(cki_mod *m, uint64_t step);
/* Whether the kernel runs here and takes the prime. */
bool kernel_takes(const cki_kernel *k, const cki_mod *m);
/* x[n]: 0, p - 1, both in turn, halves of p, or random words, by shape. */
void kernel_fill(uint64_t *x, size_t n, uint64_t p, int shape,
                 uint64_t *state);
/* x packed (packed.h) into out, 8 n + CKI_BEYOND bytes, ones behind the last
 * word; gives out. */
const uint8_t *kernel_packed(uint8_t *out, const uint64_t *x, size_t n,
                             const cki_mod *m);
/* got = want, word by word. */
void kernel_expect(const uint64_t *got, const uint64_t *want, size_t n,
                   const cki_kernel *k, const char *what, const cki_mod *m);

#endif
