/* test_pages.c -- the region that ciphertexts lie in, where addresses are
 * limited. */
#define _DEFAULT_SOURCE
#include "nn.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REST = 64 };             /* MiB beyond a power of two                 */
#define MIB ((size_t)1 << 20)

/* Bytes of addresses that this process has; 0: it is not known. */
static size_t addresses(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Whether a piece comes from the region, and as much as `rest` can be had
 * beside it. */
static int use_limited(size_t limit, size_t piece, size_t rest)
{
    const struct rlimit as = { limit, limit };
    nn_pages *pages = NULL;
    ckks_memory m;
    char *p;
    void *other;

    if (setrlimit(RLIMIT_AS, &as) != 0 || nn_pages_init(&pages) != CKKS_OK)
        return 1;
    m = nn_pages_memory(pages);
    p = m.allocate(m.user, piece);
    if (p == NULL || nn_pages_peak(pages) < piece)
        return 2;
    p[0] = p[piece - 1] = 1;
    other = mmap(NULL, rest, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (other == MAP_FAILED)
        return 3;
    m.release(m.user, p, piece);
    nn_pages_clear(&pages);
    return pages == NULL ? 0 : 4;
}

/* The most that a limit leaves for others is half of it, not what a power of
 * two leaves; what there was before it comes off that half.  Caught when
 * planted: the largest power of two is taken. */
TEST(pages_leave_half_of_the_addresses)
{
    const size_t has = addresses();
    int status = -1;
    pid_t child;

    if (has == 0 || has > 2048 * MIB) {
        printf("  skip: addresses are not counted, or a tool holds most\n");
        return;
    }
    fflush(NULL);
    child = fork();
    if (child == 0)
        _exit(use_limited(2 * has + 1024 * MIB + REST * MIB, 400 * MIB,
                          400 * MIB));
    CHECK(child > 0 && waitpid(child, &status, 0) == child
              && WIFEXITED(status) && WEXITSTATUS(status) == 0,
          "%zu MiB of addresses before: status %d", has / MIB, status);
}
#endif
