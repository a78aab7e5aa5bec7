/* kernels.c -- in the tests of mutants: the list of kernels that tests go
 * through, cut down to portable, which takes every prime, and the one that
 * MUTANTS_KERNEL names.
 *
 * The tests are compiled with -Dcki_kernels=mutants_kernels; the library keeps
 * its own list.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

const cki_kernel *mutants_kernels[8];

__attribute__((constructor)) static void mutants_choose(void)
{
    const char *name = getenv("MUTANTS_KERNEL");
    size_t n = 0;

    for (size_t k = 0; cki_kernels[k] != NULL && n < 7; k++)
        if (name == NULL || strcmp(cki_kernels[k]->name, "portable") == 0
            || strcmp(cki_kernels[k]->name, name) == 0)
            mutants_kernels[n++] = cki_kernels[k];
}
