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
#endif

#include "nn.h"
#include "schedule/arena.h"

/* LARGE: bytes of a large page; the region is reserved, not used: as much as
 * the system allows, MOST at the most. */
enum { ALIGN = 64, LARGE = 1 << 21 };
#define MOST ((size_t)1 << 40)
#define LEAST ((size_t)1 << 28)

struct nn_pool {
    pthread_mutex_t lock;
    char  *region;              /* NULL: every piece comes from malloc       */
    void  *mapped;              /* what the system gave: region and what     */
    size_t mapped_size;         /* lies before its first large page          */
    size_t size;                /* of the region                             */
    nni_arena arena;
    size_t used, peak;          /* bytes handed out                          */
};

static void reserve(nn_pool *pool)
{
#if defined(__linux__) && defined(MAP_NORESERVE)
    for (size_t size = MOST; size >= LEAST && sizeof(void *) > 4; size /= 2) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        size_t skip;

        if (p == MAP_FAILED)
            continue;
        skip = (LARGE - (uintptr_t)p % LARGE) % LARGE;
        pool->mapped = p;
        pool->mapped_size = size;
        pool->region = (char *)p + skip;
        pool->size = size - skip;
#ifdef MADV_HUGEPAGE
        (void)madvise(pool->region, pool->size, MADV_HUGEPAGE);
#endif
        return;
    }
#else
    (void)pool;
#endif
}

/* A piece of the region; NULL: there is none, and *full says whether that is
 * because the region ends. */
static char *from_region(nn_pool *pool, size_t size, bool *full)
{
    size_t at;

    *full = size == 0 || size > pool->size;
    if (*full)
        return NULL;
    at = nni_arena_take(&pool->arena, size);
    if (at == NNI_NO_ROOM)
        return NULL;
    if (at <= pool->size - size)
        return pool->region + at;
    nni_arena_give(&pool->arena, at, size);
    *full = true;
    return NULL;
}

static void *pool_allocate(void *user, size_t size)
{
    nn_pool *pool = user;
    bool full;
    char *p;

    if (size > SIZE_MAX - NNI_GRAIN)
        return NULL;
    pthread_mutex_lock(&pool->lock);
    p = from_region(pool, size, &full);
    if (full)
        p = aligned_alloc(ALIGN, (size + ALIGN - 1) / ALIGN * ALIGN);
    if (p != NULL)
        pool->used += size;
    if (pool->used > pool->peak)
        pool->peak = pool->used;
    pthread_mutex_unlock(&pool->lock);
    return p;
}

static void pool_release(void *user, void *p, size_t size)
{
    nn_pool *pool = user;

    if (p == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->used -= size;
    if (pool->region != NULL && (char *)p >= pool->region
        && (char *)p < pool->region + pool->size)
        nni_arena_give(&pool->arena, (size_t)((char *)p - pool->region), size);
    else
        free(p);
    pthread_mutex_unlock(&pool->lock);
}

ckks_status nn_pool_init(nn_pool **out)
{
    nn_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL || pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return nn_fail(CKKS_EMEM, "nn_pool_init: no memory");
    }
    reserve(pool);
    *out = pool;
    return CKKS_OK;
}

void nn_pool_clear(nn_pool **pool)
{
    if (pool == NULL || *pool == NULL)
        return;
#ifdef __linux__
    if ((*pool)->mapped != NULL)
        (void)munmap((*pool)->mapped, (*pool)->mapped_size);
#endif
    nni_arena_clear(&(*pool)->arena);
    pthread_mutex_destroy(&(*pool)->lock);
    free(*pool);
    *pool = NULL;
}

ckks_memory nn_pool_memory(nn_pool *pool)
{
    return (ckks_memory){ pool_allocate, pool_release, pool };
}

size_t nn_pool_peak(const nn_pool *pool)
{
    return pool->peak > pool->arena.top ? pool->peak : pool->arena.top;
}
