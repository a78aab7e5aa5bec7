/* pool.c -- memory for ciphertexts, kept for reuse and counted.
 *
 * Networks ask for the same few sizes over and over.  Giving a piece back to
 * the system and taking it again costs a page fault for every 4 KiB; keeping
 * it costs nothing.  When memory would grow, unused pieces of other sizes go
 * back first.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "nn.h"

enum { ALIGN = 64, LARGE = 65536 };

typedef struct piece {
    struct piece *next;
    size_t size;
} piece;

struct nn_pool {
    pthread_mutex_t lock;
    piece *free_list;           /* unused pieces, latest first               */
    size_t used, kept, peak;    /* bytes handed out, unused, most of both    */
};

static size_t rounded(size_t size)
{
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static void *take_kept(nn_pool *pool, size_t size)
{
    for (piece **p = &pool->free_list; *p != NULL; p = &(*p)->next)
        if ((*p)->size == size) {
            piece *found = *p;

            *p = found->next;
            pool->kept -= size;
            return found;
        }
    return NULL;
}

/* Frees unused pieces, oldest last in the list first, until at most `keep`
 * bytes are kept. */
static void shrink(nn_pool *pool, size_t keep)
{
    while (pool->kept > keep && pool->free_list != NULL) {
        piece **p = &pool->free_list;

        while ((*p)->next != NULL)
            p = &(*p)->next;
        pool->kept -= (*p)->size;
        free(*p);
        *p = NULL;
    }
}

static void *pool_allocate(void *user, size_t size)
{
    nn_pool *pool = user;
    void *p;

    size = rounded(size);
    pthread_mutex_lock(&pool->lock);
    p = take_kept(pool, size);
    if (p == NULL) {
        shrink(pool, pool->peak > pool->used + size
                         ? pool->peak - pool->used - size : 0);
        p = aligned_alloc(ALIGN, size);
    }
    if (p != NULL) {
        pool->used += size;
        if (pool->used + pool->kept > pool->peak)
            pool->peak = pool->used + pool->kept;
    }
    pthread_mutex_unlock(&pool->lock);
    return p;
}

static void pool_release(void *user, void *memory, size_t size)
{
    nn_pool *pool = user;

    size = rounded(size);
    pthread_mutex_lock(&pool->lock);
    pool->used -= size;
    if (size < LARGE) {
        free(memory);
    } else {
        piece *p = memory;

        p->size = size;
        p->next = pool->free_list;
        pool->free_list = p;
        pool->kept += size;
    }
    pthread_mutex_unlock(&pool->lock);
}

ckks_status nn_pool_init(nn_pool **out)
{
    nn_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL || pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return nn_fail(CKKS_EMEM, "nn_pool_init: no memory");
    }
    *out = pool;
    return CKKS_OK;
}

void nn_pool_clear(nn_pool **pool)
{
    if (*pool == NULL)
        return;
    shrink(*pool, 0);
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
