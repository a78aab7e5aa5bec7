/* rates.c -- what the machine can do, measured: clock, multipliers,
 * memory.
 *
 * All threads run a loop at once and the slowest counts, so that a rate is
 * what they get together.  The best of some runs is taken: whatever disturbs
 * a run makes it slower.
 */
#include <math.h>
#include <stdlib.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "bench.h"
#include "loops.h"

enum { RATE_THREADS = 1024, RATE_ALIGN = 64 };

static int rate_thread(void)
{
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

static void rate_take(double *rate, double now)
{
    if (now > *rate)
        *rate = now;
}

/* What a thread does between two looks at the clock. */
typedef struct rate_job {
    const bench_loop *loop;             /* `times` times, or                 */
    void (*pass)(void *x, size_t bytes);    /* over its part, if not NULL    */
    unsigned char *const *part;
    size_t bytes;
    int times;
} rate_job;

static void rate_work(const rate_job *job)
{
    for (int k = 0; k < job->times; k++)
        if (job->pass != NULL)
            job->pass(job->part[rate_thread()], job->bytes);
        else
            job->loop->run();
}

/* Seconds from the first thread's start to the last one's end.  Waking the
 * threads and gathering them again is left out: it takes long where other
 * programs run. */
static double rate_wall(const rate_job *job, int threads)
{
    double first = 0, last = 0;

#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
    {
        double start, end;

#pragma omp barrier
        start = volley_clock();
        rate_work(job);
        end = volley_clock();
#pragma omp critical(volley_bench_rate)
        {
            first = last <= 0 || start < first ? start : first;
            last = end > last ? end : last;
        }
    }
#else
    (void)threads;
    first = volley_clock();
    rate_work(job);
    last = volley_clock();
#endif
    return last - first;
}

/* ---- arithmetic --------------------------------------------------------- */

enum { RATE_TIMES = 8 };            /* some tenths of a millisecond          */

static void rate_loop(double *rate, const bench_loop *loop, int threads,
                      int runs)
{
    const rate_job job = { .loop = loop, .times = RATE_TIMES };

    for (int i = 0; i < runs && loop->run != NULL; i++)
        rate_take(rate, loop->work * RATE_TIMES * threads
                            / rate_wall(&job, threads));
}

/* ---- memory ------------------------------------------------------------- */

/* Each thread its own part, touched by itself first. */
typedef struct rate_memory {
    unsigned char *raw[RATE_THREADS], *part[RATE_THREADS];
    size_t bytes;                   /* of a part                             */
    int threads;
} rate_memory;

static void memory_touch(rate_memory *m)
{
#ifdef _OPENMP
#pragma omp parallel num_threads(m->threads)
#endif
    {
        unsigned char *x = m->part[rate_thread()];

        for (size_t i = 0; i < m->bytes; i++)
            x[i] = (unsigned char)(i * 167 + 1);
    }
}

static void memory_clear(rate_memory *m)
{
    for (int t = 0; t < m->threads; t++)
        free(m->raw[t]);
    free(m);
}

static rate_memory *memory_init(int threads)
{
    rate_memory *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    m->threads = threads;
    m->bytes = ((size_t)1 << BENCH_MAX_BYTES) / (size_t)threads;
    for (int t = 0; t < threads; t++) {
        uintptr_t at;

        m->raw[t] = malloc(m->bytes + RATE_ALIGN);
        if (m->raw[t] == NULL) {
            memory_clear(m);
            return NULL;
        }
        at = (uintptr_t)m->raw[t] % RATE_ALIGN;
        m->part[t] = m->raw[t] + (RATE_ALIGN - at) % RATE_ALIGN;
    }
    memory_touch(m);
    return m;
}

/* One rate for every size; small ones are gone over again and again. */
static void rate_pass(double rate[BENCH_SIZES], const rate_memory *m,
                      void (*pass)(void *x, size_t bytes))
{
    for (int i = 0; i < BENCH_SIZES; i++) {
        const size_t total = (size_t)1 << (BENCH_MIN_BYTES + i);
        const int passes = total < (size_t)1 << 25
                           ? (int)(((size_t)1 << 25) / total) : 1;
        const rate_job job = { .pass = pass, .part = m->part,
                               .bytes = total / (size_t)m->threads,
                               .times = passes };

        rate_take(&rate[i], (double)total * passes
                                / rate_wall(&job, m->threads));
    }
}

/* ---- all of them -------------------------------------------------------- */

ckks_status bench_rates_raise(bench_rates *r, int threads, bool quick)
{
    const int runs = quick ? 20 : 100, passes = quick ? 2 : 5;
    rate_memory *m;
    bench_loops loop;

    if (threads < 1 || threads > RATE_THREADS)
        return nn_fail(CKKS_EARG, "bench: %d threads", threads);
    m = memory_init(threads);
    if (m == NULL)
        return nn_fail(CKKS_EMEM, "no memory for 2^%d bytes to measure "
                       "bandwidth with", BENCH_MAX_BYTES);
    r->threads = threads;
    bench_loops_choose(&loop);
    rate_loop(&r->clock, &loop.clock, 1, runs);
    rate_loop(&r->fma, &loop.fma, threads, runs);
    rate_loop(&r->fma_add, &loop.fma_add, threads, runs);
    rate_loop(&r->madd52, &loop.madd52, threads, runs);
    rate_loop(&r->mul64, &loop.mul64, threads, runs);
    for (int i = 0; i < passes; i++) {
        rate_pass(r->read, m, loop.read);
        rate_pass(r->stream, m, loop.stream);
    }
    memory_clear(m);
    return CKKS_OK;
}

void bench_rates_floor(bench_rates *r, const bench_rates *one)
{
    rate_take(&r->clock, one->clock);
    rate_take(&r->fma, one->fma);
    rate_take(&r->fma_add, one->fma_add);
    rate_take(&r->madd52, one->madd52);
    rate_take(&r->mul64, one->mul64);
    for (int i = 0; i < BENCH_SIZES; i++) {
        rate_take(&r->read[i], one->read[i]);
        rate_take(&r->stream[i], one->stream[i]);
    }
}

/* Between two sizes measured, in proportion to the logarithms. */
double bench_bandwidth(const double rate[BENCH_SIZES], double bytes)
{
    const double at = log2(bytes) - BENCH_MIN_BYTES;
    int i;

    if (!(at > 0))
        return rate[0];
    if (at >= BENCH_SIZES - 1)
        return rate[BENCH_SIZES - 1];
    i = (int)at;
    return rate[i] * pow(rate[i + 1] / rate[i], at - i);
}
