/* memory_support.h -- allocations of the whole test binary that count, and that
 * fail when told to.
 *
 * The linker gives malloc, calloc, realloc, aligned_alloc, free, fopen, fdopen,
 * fclose and opendir, closedir of all objects of this binary to
 * memory_support.c (--wrap); what the C library and other libraries allocate
 * for themselves is not seen.
 */
#ifndef CKKS_TEST_MEMORY_H
#define CKKS_TEST_MEMORY_H

#include <stdbool.h>

/* False where the linker could not do that. */
bool memory_watched(void);

/* Allocation number k from now on fails, 0: none; the count begins at 0. */
void memory_refuse(long k);
/* Allocations since then. */
long memory_calls(void);
/* Pieces, files and folders that are held now. */
long memory_held(void);

#endif
