/* pool.c -- memory for ciphertexts, counted, and kept for reuse.
 *
 * A network asks for megabytes over and over.  By default malloc takes such
 * pieces from the system and gives them back each time, at the price of
 * clearing every page again; told to keep them it finds room in what it has.
 * Limbs lie far apart, so with small pages every other access misses the
 * translation cache; large ones are asked for where the system has them.
 */
#define _DEFAULT_SOURCE         /* madvise, sbrk                             */
#include <pthread.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "nn.h"

/* LARGE: bytes of a large page; TOP: by how much the heap grows, so that large
 * pages fit. */
enum { ALIGN = 64, LARGE = 1 << 21, TOP = 1 << 26 };

struct nn_pool {
    pthread_mutex_t lock;
    size_t used, peak;          /* bytes handed out                          */
};

/* Large pages where [p, p + size) lies and from there to the end of the heap: a
 * wish, no more.  It has to come first: malloc writes where the next piece will
 * begin, and a large page only comes where nothing has been touched. */
static void want_large_pages(void *p, size_t size)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    uintptr_t from = (uintptr_t)p / LARGE * LARGE, end = (uintptr_t)sbrk(0);
    uintptr_t to = ((uintptr_t)p + size + LARGE - 1) / LARGE * LARGE;

    if (end > to && end - to <= TOP)
        to = end;
    if (size >= LARGE / 8)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
    (void)p;
    (void)size;
#endif
}

static void *pool_allocate(void *user, size_t size)
{
    nn_pool *pool = user;
    void *p = size > SIZE_MAX - ALIGN
                  ? NULL
                  : aligned_alloc(ALIGN, (size + ALIGN - 1) / ALIGN * ALIGN);

    if (p == NULL)
        return NULL;
    want_large_pages(p, size);
    pthread_mutex_lock(&pool->lock);
    pool->used += size;
    if (pool->used > pool->peak)
        pool->peak = pool->used;
    pthread_mutex_unlock(&pool->lock);
    return p;
}

static void pool_release(void *user, void *p, size_t size)
{
    nn_pool *pool = user;

    free(p);
    pthread_mutex_lock(&pool->lock);
    pool->used -= size;
    pthread_mutex_unlock(&pool->lock);
}

ckks_status nn_pool_init(nn_pool **out)
{
    nn_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL || pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return nn_fail(CKKS_EMEM, "nn_pool_init: no memory");
    }
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);      /* never */
    mallopt(M_TOP_PAD, TOP);
    mallopt(M_ARENA_MAX, 1);
#endif
    *out = pool;
    return CKKS_OK;
}

void nn_pool_clear(nn_pool **pool)
{
    if (pool == NULL || *pool == NULL)
        return;
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
    return pool->peak;
}
