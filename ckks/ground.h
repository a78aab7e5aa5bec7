/* ground.h -- layer 0: messages, memory, wiping, invariant checks. */
#ifndef CKI_GROUND_H
#define CKI_GROUND_H

#include <stdbool.h>

#include "ckks.h"

#if defined(__GNUC__)
#define CKI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CKI_PRINTF(f, a)
#endif

/* Records the message of a failing public call and returns its status.  The
 * text begins with the public function's name: "ckks_add: levels differ: ...".
 * The thread-local buffer behind it is the library's only writable global. */
ckks_status cki_fail(ckks_status s, const char *format, ...) CKI_PRINTF(2, 3);

/* Memory of 64-byte alignment through the hooks; NULL when there is none. */
void *cki_alloc(const ckks_memory *m, size_t size);
void cki_free(const ckks_memory *m, void *p, size_t size);

/* Zeroes memory in a way no optimiser removes. */
void cki_wipe(void *p, size_t size);

/* Invariants: checked under -DCKKS_VERIFY, never in the normal build. */
#ifdef CKKS_VERIFY
#include <stdio.h>
#include <stdlib.h>
#define VERIFY(c)                                                         \
    do {                                                                  \
        if (!(c)) {                                                       \
            fprintf(stderr, "%s:%d: VERIFY(%s)\n", __FILE__, __LINE__, #c); \
            abort();                                                      \
        }                                                                 \
    } while (0)
#define VERIFY_BELOW(x, n, bound)                                         \
    do {                                                                  \
        for (size_t v_ = 0; v_ < (n); v_++)                               \
            VERIFY((x)[v_] < (bound));                                    \
    } while (0)
#else
#define VERIFY(c) ((void)0)
#define VERIFY_BELOW(x, n, bound) ((void)0)
#endif

/* Loops marked with this run in parallel in an OpenMP build; every iteration
 * writes its own limb, so results do not depend on the number of threads.
 *
 * GNU's OpenMP keeps its threads from one loop to the next, a fork does not
 * copy them, and the child would wait for them for ever.  So a process that was
 * forked after the library was loaded has one thread. */
#ifdef CKKS_OMP
#include <omp.h>
bool cki_forked(void);
#define CKI_PARALLEL \
    CKI_PRAGMA(omp parallel for schedule(dynamic) if(!cki_forked()))
/* As many threads as cki_threads() said, each with a number below that. */
#define CKI_PARALLEL_OF(threads) \
    CKI_PRAGMA(omp parallel for schedule(dynamic) num_threads(threads) \
               if(!cki_forked()))
#define CKI_PRAGMA(x) _Pragma(#x)
static inline int cki_threads(void)
{
    return omp_in_parallel() || cki_forked() ? 1 : omp_get_max_threads();
}
static inline int cki_thread(void)
{
    return omp_get_thread_num();
}
#else
#define CKI_PARALLEL
#define CKI_PARALLEL_OF(threads)
static inline int cki_threads(void)
{
    return 1;
}
static inline int cki_thread(void)
{
    return 0;
}
#endif

#endif
