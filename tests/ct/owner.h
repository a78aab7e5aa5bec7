/* owner.h -- what an owner does with secrets, for a method that watches it.
 *
 * poison.c lets memcheck take secrets for undefined; trace.c gives others in
 * each run and compares what the machine did.  Each is a program of its own
 * with owner.c.  The library's samplers are wrapped by the linker (ct.sh): what
 * they gave becomes a secret of the method.
 */
#ifndef CT_OWNER_H
#define CT_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ckks_primitives.h"
#include "kernel/kernel.h"
#include "scheme/rng.h"

/* ---- what a method brings -------------------------------------------- */

/* From here on x is secret: any bytes, numbers up to max in absolute value,
 * words below p. */
void secret_bytes(uint8_t *x, size_t n);
void secret_small(int8_t *x, size_t n, int max);
void secret_words(uint64_t *x, size_t n, uint64_t p);
/* From here on x is public. */
void published(void *x, size_t size);

/* What lies between is measured. */
void phase_begin(const char *name);
void phase_end(void);
/* What lies between is public and may depend on secrets of this run. */
void measure_stop(void);
void measure_go(void);

/* ---- owner.c --------------------------------------------------------- */

/* Contexts and arrays.  Rings of 2^log_n and, for single functions, twice
 * that. */
void owner_init(const char *kernel, bool real, int log_n, const ckks_memory *m);

/* Everything that must not depend on secrets: the kernel's functions, at narrow
 * primes, too, or not; samplers, keys, encryption, decryption in a context with
 * two special primes and, or not, in one with one. */
void owner_run_kernel(bool narrow);
void owner_run(bool both);

/* What may, as tests/ct/allowed says. */
void owner_run_allowed(void);

#endif
