/* poison.c KERNEL RING LOG_N -- secrets are undefined for memcheck, which then
 * reports whatever jumps or addresses by them.  One line a phase with reports
 * outside tests/ct/allowed; the last line sums up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "owner.h"

static struct {
    const char *name;
    unsigned before, total, phases;
} at;

void secret_bytes(uint8_t *x, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(x, n);
}

void secret_small(int8_t *x, size_t n, int max)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] > max || x[i] < -max)
            exit(2);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(x, n);
}

/* Their values follow some law, that arithmetic may go its usual ways. */
void secret_words(uint64_t *x, size_t n, uint64_t p)
{
    static uint64_t a;

    for (size_t i = 0; i < n; i++) {
        a = a * 6364136223846793005u + 1442695040888963407u;
        x[i] = (a ^ a >> 29) % p;
    }
    (void)VALGRIND_MAKE_MEM_UNDEFINED(x, n * sizeof *x);
}

void published(void *x, size_t size)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(x, size);
}

void phase_begin(const char *name)
{
    at.name = name;
    at.before = VALGRIND_COUNT_ERRORS;
    at.phases++;
}

void phase_end(void)
{
    const unsigned now = VALGRIND_COUNT_ERRORS;

    if (now > at.before)
        printf("  %u reports: %s\n", now - at.before, at.name);
    at.total += now - at.before;
}

void measure_stop(void)
{
}

void measure_go(void)
{
}

int main(int argc, char **argv)
{
    const ckks_memory memory = { NULL, NULL, NULL };

    if (argc != 4 || !RUNNING_ON_VALGRIND)
        return 2;
    owner_init(argv[1], strcmp(argv[2], "real") == 0, atoi(argv[3]), &memory);
    owner_run_kernel(true);
    owner_run(true);
    owner_run_allowed();
    printf("%u reports in %u phases\n", at.total, at.phases);
    return at.total != 0;
}
