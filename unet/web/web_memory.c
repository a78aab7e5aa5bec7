/* web_memory.c -- malloc for the module: blocks in a list by their address, the
 * first that is large enough, neighbours joined.  The module is one thread.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before every block; sizes count blocks' heads, too, in units of it. */
typedef struct block {
    struct block *next;         /* free ones: the next higher one            */
    size_t units;
    uint64_t aligned;           /* 16 bytes in all, as any object wants      */
} block;

enum { UNIT = sizeof(block), PAGE = 1 << 16 };
_Static_assert(UNIT == 16, "blocks are aligned to 16 bytes");

extern char __heap_base;
static block free_list;         /* of no units, below all others             */
static uintptr_t heap_end;

/* The last free block below b. */
static block *block_before(const block *b)
{
    block *p = &free_list;

    while (p->next != NULL && p->next < b)
        p = p->next;
    return p;
}

static void block_join(block *p)
{
    if (p != &free_list && p->next == p + p->units) {
        p->units += p->next->units;
        p->next = p->next->next;
    }
}

static void block_put(block *b)
{
    block *p = block_before(b);

    b->next = p->next;
    p->next = b;
    block_join(b);
    block_join(p);
}

/* Memory that is there from the start, then more of it. */
static bool heap_grow(size_t units)
{
    block *b = (block *)heap_end;
    uintptr_t end = __builtin_wasm_memory_size(0) * (uintptr_t)PAGE;

    if (heap_end == 0) {
        b = (block *)(((uintptr_t)&__heap_base + UNIT - 1) & ~(uintptr_t)15);
    } else {
        const size_t pages = units / (PAGE / UNIT) + 1;

        if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX)
            return false;
        end += pages * PAGE;
    }
    heap_end = end;
    b->units = (end - (uintptr_t)b) / UNIT;
    block_put(b);
    return true;
}

/* n bytes of units, the head's included; 0: more than there can be. */
static size_t units_of(size_t n)
{
    return n > SIZE_MAX / 2 ? 0 : (n + UNIT - 1) / UNIT + 1;
}

static block *block_take(size_t units)
{
    for (;;) {
        for (block *p = &free_list; p->next != NULL; p = p->next) {
            block *b = p->next;

            if (b->units < units)
                continue;
            if (b->units > units) {
                block *rest = b + units;

                rest->units = b->units - units;
                rest->next = b->next;
                p->next = rest;
                b->units = units;
            } else {
                p->next = b->next;
            }
            return b;
        }
        if (!heap_grow(units))
            return NULL;
    }
}

void *malloc(size_t n)
{
    const size_t units = units_of(n);
    block *b = units > 0 ? block_take(units) : NULL;

    if (b != NULL)
        return b + 1;
    errno = ENOMEM;
    return NULL;
}

void free(void *p)
{
    if (p != NULL)
        block_put((block *)p - 1);
}

void *calloc(size_t n, size_t size)
{
    const bool over = size > 0 && n > SIZE_MAX / size;
    void *p = malloc(over ? SIZE_MAX : n * size);

    return p != NULL ? memset(p, 0, n * size) : NULL;
}

/* A block grows into a free one behind it, if there is. */
void *realloc(void *old, size_t n)
{
    block *b = (block *)old - 1, *p, *q;
    const size_t units = units_of(n);
    void *to;

    if (old == NULL)
        return malloc(n);
    if (units > 0 && units <= b->units)
        return old;
    p = block_before(b);
    q = p->next;
    if (units > 0 && q != NULL && q == b + b->units
        && b->units + q->units >= units) {
        p->next = q->next;
        b->units += q->units;
        q = b + units;
        q->units = b->units - units;
        b->units = units;
        if (q->units > 0)
            block_put(q);
        return old;
    }
    to = malloc(n);
    if (to == NULL)
        return NULL;
    memcpy(to, old, (b->units - 1) * UNIT);
    free(old);
    return to;
}

/* What lies before the first aligned place becomes a block of its own. */
void *aligned_alloc(size_t alignment, size_t n)
{
    char *p = n <= SIZE_MAX / 4 && alignment <= SIZE_MAX / 4
            ? malloc(n + alignment) : malloc(SIZE_MAX);
    const uintptr_t at = (uintptr_t)p;
    const size_t skip = (size_t)(-at & (alignment - 1)) / UNIT;
    block *b = (block *)(void *)p - 1;

    if (p == NULL || skip == 0)
        return p;
    b[skip].units = b->units - skip;
    b->units = skip;
    block_put(b);
    return b + skip + 1;
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    void *p = aligned_alloc(alignment, n);

    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}
