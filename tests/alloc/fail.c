/* fail.c -- preloaded into a command, lets one of its allocations fail.
 *
 *   FAIL_AT=k        the k-th allocation of the process gives NULL (from 1)
 *   FAIL_ENTROPY=k   the program's k-th getrandom fails with EIO; those of
 *                    libraries (GnuTLS draws when it is loaded) are not counted
 *   FAIL_OPENMP=1    counts what OpenMP's library allocates, too: it ends the
 *                    process itself where it gets nothing, so it is left out
 *                    otherwise
 *   FAIL_COUNT=FILE  at the end writes "ALLOCATIONS GETRANDOMS" there
 *
 * What comes before main (the loader, constructors) is not counted.  For glibc,
 * whose own functions (fopen, strdup, opendir ...) come here as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

static atomic_long allocations, entropies;
static long fail_at, fail_entropy;
static int ready, with_openmp;
static uintptr_t skip_from, skip_to;    /* OpenMP's library                  */
static uintptr_t own_from, own_to;      /* the program                       */

static long number(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? atol(text) : 0;
}

/* The machine code of an object. */
static void place(uintptr_t *from, uintptr_t *to,
                  const struct dl_phdr_info *o)
{
    for (int i = 0; i < o->dlpi_phnum; i++)
        if (o->dlpi_phdr[i].p_type == PT_LOAD
            && (o->dlpi_phdr[i].p_flags & PF_X) != 0) {
            *from = o->dlpi_addr + o->dlpi_phdr[i].p_vaddr;
            *to = *from + o->dlpi_phdr[i].p_memsz;
        }
}

/* The program comes first. */
static int find_own(struct dl_phdr_info *o, size_t size, void *user)
{
    (void)size;
    (void)user;
    place(&own_from, &own_to, o);
    return 1;
}

static int find_openmp(struct dl_phdr_info *o, size_t size, void *user)
{
    (void)size;
    (void)user;
    if (o->dlpi_name == NULL || (strstr(o->dlpi_name, "libgomp") == NULL
                                 && strstr(o->dlpi_name, "libomp") == NULL))
        return 0;
    place(&skip_from, &skip_to, o);
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    dl_iterate_phdr(find_own, NULL);
    dl_iterate_phdr(find_openmp, NULL);
    fail_at = number("FAIL_AT");
    fail_entropy = number("FAIL_ENTROPY");
    with_openmp = number("FAIL_OPENMP") != 0;
    ready = 1;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAIL_COUNT");
    char text[64];
    int n, f;

    ready = 0;
    if (path == NULL)
        return;
    n = snprintf(text, sizeof text, "%ld %ld\n", (long)allocations,
                 (long)entropies);
    f = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (f < 0 || write(f, text, (size_t)n) != n)
        _exit(99);
    close(f);
}

static int fails(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;

    if (!ready || (!with_openmp && at >= skip_from && at < skip_to))
        return 0;
    return ++allocations == fail_at;
}

#define FAILS fails(__builtin_return_address(0))

static void *none(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return FAILS ? none() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return FAILS ? none() : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    return FAILS ? none() : __libc_realloc(p, size);
}

void *memalign(size_t align, size_t size)
{
    return FAILS ? none() : __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    return FAILS ? none() : __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *p = FAILS ? none() : __libc_memalign(align, size);

    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

ssize_t getrandom(void *out, size_t size, unsigned flags)
{
    const uintptr_t at = (uintptr_t)__builtin_return_address(0);

    if (at >= own_from && at < own_to && ++entropies == fail_entropy) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_getrandom, out, size, flags);
}
