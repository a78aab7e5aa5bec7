/* memory_support.c -- see memory_support.h. */
#include "memory_support.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long calls, held;
static long refuse;

void memory_refuse(long k)
{
    refuse = k;
    calls = 0;
}

long memory_calls(void)
{
    return calls;
}

long memory_held(void)
{
    return held;
}

#ifdef TEST_WRAP

bool memory_watched(void)
{
    return true;
}

static bool refused(void)
{
    if (++calls != refuse)
        return false;
    errno = ENOMEM;
    return true;
}

static void *taken(void *p)
{
    held += p != NULL;
    return p;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void __real_free(void *p);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__real_fdopen(int fd, const char *mode);
int __real_fclose(FILE *f);
DIR *__real_opendir(const char *path);
int __real_closedir(DIR *d);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void __wrap_free(void *p);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
int __wrap_fclose(FILE *f);
DIR *__wrap_opendir(const char *path);
int __wrap_closedir(DIR *d);

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : taken(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : taken(__real_calloc(count, size));
}

void *__wrap_realloc(void *p, size_t size)
{
    void *q = refused() ? NULL : __real_realloc(p, size);

    held += p == NULL && q != NULL;
    return q;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return refused() ? NULL : taken(__real_aligned_alloc(align, size));
}

void __wrap_free(void *p)
{
    held -= p != NULL;
    __real_free(p);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return refused() ? NULL : taken(__real_fopen(path, mode));
}

FILE *__wrap_fdopen(int fd, const char *mode)
{
    return refused() ? NULL : taken(__real_fdopen(fd, mode));
}

int __wrap_fclose(FILE *f)
{
    held--;
    return __real_fclose(f);
}

DIR *__wrap_opendir(const char *path)
{
    return refused() ? NULL : taken(__real_opendir(path));
}

int __wrap_closedir(DIR *d)
{
    held--;
    return __real_closedir(d);
}

#else

bool memory_watched(void)
{
    return false;
}

#endif
