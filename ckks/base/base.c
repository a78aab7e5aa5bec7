/* base.c -- messages, memory, wiping. */
#include "base/base.h"

#include <fenv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CKKS_OMP
#include <pthread.h>
#endif

#ifdef CKKS_NO_MESSAGE

const char *ckks_last_error(void)
{
    return "";
}

#else

static _Thread_local char message[512];

const char *ckks_last_error(void)
{
    return message;
}

ckks_status cki_fail(ckks_status s, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    return s;
}

#endif

const char *ckks_status_name(ckks_status s)
{
    static const char *const name[] = {
        "CKKS_OK",     "CKKS_EARG", "CKKS_EPARAM",  "CKKS_ECTX",
        "CKKS_ELEVEL", "CKKS_ESCALE", "CKKS_EKEY",  "CKKS_EFORMAT",
        "CKKS_EMEM",   "CKKS_ERNG", "CKKS_EIO"
    };

    if ((size_t)s >= sizeof name / sizeof *name)
        return "unknown status";
    return name[s];
}

/* Newlib has the name aligned_alloc but, on some machines, not what it calls;
 * Windows has not the name.  There each piece keeps malloc's pointer in front
 * of it. */
#if defined(__NEWLIB__) || defined(_WIN32)

static void *aligned_new(size_t size)
{
    char *base = size > SIZE_MAX - 64 ? NULL : malloc(size + 64);
    void **p;

    if (base == NULL)
        return NULL;
    p = (void **)(void *)(base + 64 - (uintptr_t)base % 64);
    p[-1] = base;
    return p;
}

static void aligned_free(void *p)
{
    free(((void **)p)[-1]);
}

#else

static void *aligned_new(size_t size)
{
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void aligned_free(void *p)
{
    free(p);
}

#endif

void *cki_alloc(const ckks_memory *m, size_t size)
{
    if (size == 0 || size > SIZE_MAX - 63)
        return NULL;
    if (m->allocate != NULL)
        return m->allocate(m->user, size);
    return aligned_new(size);
}

void cki_free(const ckks_memory *m, void *p, size_t size)
{
    if (p == NULL)
        return;
    if (m->release != NULL)
        m->release(m->user, p, size);
    else
        aligned_free(p);
}

void cki_wipe(void *p, size_t size)
{
#if defined(__GNUC__)
    memset(p, 0, size);
    __asm__ volatile("" : : "r"(p) : "memory");     /* reads what p holds    */
#else
    volatile unsigned char *b = p;

    while (size-- > 0)
        *b++ = 0;
#endif
}

/* ---- rounding ----------------------------------------------------------- */

#if defined(__SSE2_MATH__) && defined(__GNUC__)

void cki_rounding_set(int state)
{
    __builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~(unsigned)CKI_MXCSR)
                           | (unsigned)state);
}

#elif defined(__aarch64__) && defined(__GNUC__)

void cki_rounding_set(int state)
{
    uint64_t all;

    __asm__ volatile("mrs %0, fpcr" : "=r"(all));
    all = (all & ~(uint64_t)CKI_FPCR) | (uint64_t)state;
    __asm__ volatile("msr fpcr, %0" : : "r"(all));
}

#elif defined(FE_TONEAREST)

int cki_rounding(void)
{
    return fegetround() - FE_TONEAREST;
}

void cki_rounding_set(int state)
{
    (void)fesetround(FE_TONEAREST + state);
}

#else                           /* a machine of one mode                     */

int cki_rounding(void)
{
    return 0;
}

void cki_rounding_set(int state)
{
    (void)state;
}

#endif

/* ---- forks -------------------------------------------------------------- */

#ifdef CKKS_OMP

static bool forked;

static void note_fork(void)
{
    forked = true;
}

__attribute__((constructor)) static void watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, note_fork) != 0)
        forked = true;                  /* no memory: better one thread      */
}

bool cki_forked(void)
{
    return forked;
}

#endif
