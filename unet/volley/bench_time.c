/* bench_time.c -- median and 10th percentile of many calls. */
#include <stdlib.h>

#include "bench.h"

static int time_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

ckks_status bench_relay(ckks_status s)
{
    return s == CKKS_OK ? s : nn_fail(s, "%s", ckks_last_error());
}

ckks_status bench_measure(bench_time *out, bench_call call, bench *b,
                          double seconds, int least)
{
    double *took = malloc(BENCH_MOST_CALLS * sizeof *took), end;
    ckks_status s;
    int n = 0;

    if (took == NULL)
        return nn_fail(CKKS_EMEM, "no memory for times");
    s = bench_relay(call(b));               /* memory is touched, once       */
    end = volley_clock() + seconds;
    while (s == CKKS_OK && n < BENCH_MOST_CALLS
           && (n < least || volley_clock() < end)) {
        double start = volley_clock();

        s = bench_relay(call(b));
        took[n++] = volley_clock() - start;
    }
    if (s == CKKS_OK) {
        qsort(took, (size_t)n, sizeof *took, time_order);
        *out = (bench_time){ took[(n - 1) / 2], took[n / 10], n, 1 };
    }
    free(took);
    return s;
}

void bench_keep_best(bench_time *best, const bench_time *round)
{
    int rounds = best->rounds + round->rounds;

    if (best->rounds == 0 || round->median < best->median)
        *best = *round;
    best->rounds = rounds;
}
