/* pages.c -- memory for ciphertexts: one region, handed out from the bottom
 * up, counted.
 *
 * Read first: schedule/arena.h.
 *
 * A network asks for megabytes over and over.  The system clears every page
 * that is touched for the first time, so what has been given back is handed out
 * again before anything new; the planner lays the same pieces out in the same
 * way, and so knows how much there will be.  Limbs lie far apart, so with small
 * pages every other access misses the translation cache; large ones are asked
 * for where the system has them.
 */
#define _DEFAULT_SOURCE         /* madvise, MAP_ANONYMOUS                    */
#include <pthread.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#include <sys/resource.h>
#endif

#include "nn.h"
#include "schedule/arena.h"

/* LARGE: bytes of a large page; the region is reserved, not used: MOST, or half
 * of what the system allows: what else the process holds needs addresses. */
enum { ALIGN = 64, LARGE = 1 << 21 };
#define MOST ((size_t)1 << 40)
#define LEAST ((size_t)1 << 28)

struct nn_pages {
    pthread_mutex_t lock;
    char  *region;              /* NULL: every piece comes from malloc       */
    void  *mapped;              /* what the system gave: region and what     */
    size_t mapped_size;         /* lies before its first large page          */
    size_t size;                /* of the region                             */
    nni_arena arena;
    size_t used, peak;          /* bytes handed out                          */
};

#ifdef __linux__
/* The most that is asked for: half of a limit on addresses, if there is one. */
static size_t most_addresses(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY
        || limit.rlim_cur / 2 > MOST)
        return MOST;
    return (size_t)limit.rlim_cur / 2 / LARGE * LARGE;
}
#endif

static void reserve(nn_pages *pages)
{
#if defined(__linux__) && defined(MAP_NORESERVE)
    const size_t most = most_addresses();

    for (size_t size = most; size >= LEAST && sizeof(void *) > 4; size /= 2) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        size_t skip;

        if (p == MAP_FAILED)
            continue;
        if (size < most) {              /* half of what there was            */
            const size_t half = size / 2 / LARGE * LARGE;

            (void)munmap((char *)p + half, size - half);
            size = half;
        }
        skip = (LARGE - (uintptr_t)p % LARGE) % LARGE;
        pages->mapped = p;
        pages->mapped_size = size;
        pages->region = (char *)p + skip;
        pages->size = size - skip;
#ifdef MADV_HUGEPAGE
        (void)madvise(pages->region, pages->size, MADV_HUGEPAGE);
#endif
        return;
    }
#else
    (void)pages;
#endif
}

/* A piece of the region; NULL: there is none, and *full says whether that is
 * because the region ends. */
static char *from_region(nn_pages *pages, size_t size, bool *full)
{
    size_t at;

    *full = size == 0 || size > pages->size;
    if (*full)
        return NULL;
    at = nni_arena_take(&pages->arena, size);
    if (at == NNI_NO_ROOM)
        return NULL;
    if (at <= pages->size - size)
        return pages->region + at;
    nni_arena_give(&pages->arena, at, size);
    *full = true;
    return NULL;
}

static void *pages_allocate(void *user, size_t size)
{
    nn_pages *pages = user;
    bool full;
    char *p;

    if (size > SIZE_MAX - NNI_PAD - NNI_GRAIN)
        return NULL;
    pthread_mutex_lock(&pages->lock);
    p = from_region(pages, size, &full);
    if (full)
        p = aligned_alloc(ALIGN, (size + ALIGN - 1) / ALIGN * ALIGN);
    if (p != NULL)
        pages->used += size;
    if (pages->used > pages->peak)
        pages->peak = pages->used;
    pthread_mutex_unlock(&pages->lock);
    return p;
}

static void pages_release(void *user, void *p, size_t size)
{
    nn_pages *pages = user;

    if (p == NULL)
        return;
    pthread_mutex_lock(&pages->lock);
    pages->used -= size;
    if (pages->region != NULL && (char *)p >= pages->region
        && (char *)p < pages->region + pages->size)
        nni_arena_give(&pages->arena, (size_t)((char *)p - pages->region),
                       size);
    else
        free(p);
    pthread_mutex_unlock(&pages->lock);
}

ckks_status nn_pages_init(nn_pages **out)
{
    nn_pages *pages = calloc(1, sizeof *pages);

    if (pages == NULL || pthread_mutex_init(&pages->lock, NULL) != 0) {
        free(pages);
        return nn_fail(CKKS_EMEM, "nn_pages_init: no memory");
    }
    reserve(pages);
    *out = pages;
    return CKKS_OK;
}

void nn_pages_clear(nn_pages **pages)
{
    if (pages == NULL || *pages == NULL)
        return;
#ifdef __linux__
    if ((*pages)->mapped != NULL)
        (void)munmap((*pages)->mapped, (*pages)->mapped_size);
#endif
    nni_arena_clear(&(*pages)->arena);
    pthread_mutex_destroy(&(*pages)->lock);
    free(*pages);
    *pages = NULL;
}

ckks_memory nn_pages_memory(nn_pages *pages)
{
    return (ckks_memory){ pages_allocate, pages_release, pages };
}

size_t nn_pages_peak(const nn_pages *pages)
{
    return pages->peak > pages->arena.top ? pages->peak : pages->arena.top;
}
