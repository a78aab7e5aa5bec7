/* loops.h -- private to rates.c: loops whose speed is known. */
#ifndef VOLLEY_BENCH_LOOPS_H
#define VOLLEY_BENCH_LOOPS_H

#include <stddef.h>
#include <stdint.h>

/* One run takes work / rate seconds; run NULL: not on this machine. */
typedef struct bench_loop {
    void (*run)(void);
    double work;
} bench_loop;

typedef struct bench_loops {
    bench_loop clock, fma, fma_add, madd52, mul64;  /* as in bench_rates     */
    /* One pass over memory aligned to 64 bytes. */
    void (*read)(void *x, size_t bytes);
    void (*stream)(void *x, size_t bytes);
} bench_loops;

void bench_loops_choose(bench_loops *out);

#endif
