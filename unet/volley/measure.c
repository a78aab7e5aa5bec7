/* measure.c -- median and 10th percentile of many calls. */
#include <stdlib.h>

#include "measure.h"

static int time_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

ckks_status measure_relay(ckks_status s)
{
    return s == CKKS_OK ? s : nn_fail(s, "%s", ckks_last_error());
}

ckks_status measure(measure_time *out, measure_call call, void *on,
                    double seconds, int least)
{
    double *took = malloc(MEASURE_MOST_CALLS * sizeof *took), end;
    ckks_status s;
    int n = 0;

    if (took == NULL)
        return nn_fail(CKKS_EMEM, "no memory for times");
    s = measure_relay(call(on));               /* memory is touched, once    */
    end = volley_clock() + seconds;
    while (s == CKKS_OK && n < MEASURE_MOST_CALLS
           && (n < least || volley_clock() < end)) {
        double start = volley_clock();

        s = measure_relay(call(on));
        took[n++] = volley_clock() - start;
    }
    if (s == CKKS_OK) {
        qsort(took, (size_t)n, sizeof *took, time_order);
        *out = (measure_time){ took[(n - 1) / 2], took[n / 10], n, 1 };
    }
    free(took);
    return s;
}

void measure_keep_best(measure_time *best, const measure_time *round)
{
    int rounds = best->rounds + round->rounds;

    if (best->rounds == 0 || round->median < best->median)
        *best = *round;
    best->rounds = rounds;
}
