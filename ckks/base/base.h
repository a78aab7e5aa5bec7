/* base.h -- messages, memory, wiping, invariant checks. */
#ifndef CKI_BASE_H
#define CKI_BASE_H

#include <stdbool.h>

#include "ckks.h"

/* With these NaN and infinity pass for numbers, and sums are done in another
 * order than the proofs of the kernels have them. */
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) \
    || defined(__RECIPROCAL_MATH__) \
    || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ + 0 > 0)
#error "libckks computes wrongly with -ffast-math, -Ofast and their parts"
#endif

#if defined(__GNUC__)
#define CKI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CKI_PRINTF(f, a)
#endif

/* Records the message of a failing public call and returns its status.  The
 * text begins with the public function's name: "ckks_add: levels differ: ...".
 * The thread-local buffer behind it is the library's only writable global. */
#ifdef CKKS_NO_MESSAGE          /* no texts in the program: statuses alone   */
int cki_message(const char *format, ...) CKI_PRINTF(1, 2);  /* is not there  */
#define cki_fail(s, ...)                                                  \
    ((void)sizeof cki_message(__VA_ARGS__), (ckks_status)(s))
#else
ckks_status cki_fail(ckks_status s, const char *format, ...) CKI_PRINTF(2, 3);
#endif

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

/* ---- rounding ------------------------------------------------------------ *
 * How doubles round, and whether tiny ones become 0, is a state of the thread
 * that the host program may have set for computations of its own.  Results
 * here need rounding to nearest: CKI_NEAREST's place is the first line of a
 * public function that computes and of a loop body that other threads run.  To
 * the end of the block doubles round to nearest, then as they did.
 *
 * A state is 0 for round to nearest, tiny doubles kept.  cki_rounding_set is
 * called where the host has changed something, so hardly ever. */
#if defined(__SSE2_MATH__) && defined(__GNUC__)
enum { CKI_MXCSR = 0xe040 };    /* flush to zero, rounding, denormals zero   */
static inline int cki_rounding(void)
{
    return (int)(__builtin_ia32_stmxcsr() & CKI_MXCSR);
}
#elif defined(__aarch64__) && defined(__GNUC__)
enum { CKI_FPCR = 0x1c00000 };  /* flush to zero, rounding                   */
static inline int cki_rounding(void)
{
    uint64_t state;

    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    return (int)(state & CKI_FPCR);
}
#else                           /* by <fenv.h>: rounding alone               */
int cki_rounding(void);
#endif
void cki_rounding_set(int state);

static inline int cki_rounding_begin(void)
{
    int state = cki_rounding();

    if (state != 0)
        cki_rounding_set(0);
    return state;
}

static inline void cki_rounding_end(const int *state)
{
    if (*state != 0)
        cki_rounding_set(*state);
}

/* Without the attribute the thread is left rounding to nearest. */
#if defined(__GNUC__)
#define CKI_AT_END(f) __attribute__((cleanup(f), unused))
#else
#define CKI_AT_END(f)
#endif
#define CKI_STATE(line) rounding_at_##line
#define CKI_NEAREST_AT(line) \
    CKI_AT_END(cki_rounding_end) const int CKI_STATE(line) \
        = cki_rounding_begin()
#define CKI_NEAREST CKI_NEAREST_AT(__LINE__)

/* A compiler takes arithmetic for free of side effects and may do it before
 * CKI_NEAREST, or after its end, where all operands are at hand: so doubles that
 * come by value, and one that is returned, are pinned to where this stands. */
#if defined(__GNUC__)
#define CKI_PIN(x) __asm__ volatile("" : "+m"(x))
#else
#define CKI_PIN(x) ((void)(x))
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
