/* report.c -- results, for people and as JSON.
 *
 * As JSON every measurement is an object on a line of its own that says all
 * there is to say, the machine's rates included.  bench_result is the one
 * thing that is handed on: whatever else is to be made of measurements, such
 * as constants for the planner's predictions, starts from it and not from
 * these lines.
 */
#include <stdlib.h>

#include "bench.h"

static double report_fraction(const bench_result *r, const bench_limit *l)
{
    return l->seconds > 0 && r->time.median > 0
               ? l->seconds / r->time.median : 0;
}

static bench_limit report_limit(const bench_result *r)
{
    return r->has_work ? bench_limit_of(&r->work, r->kernel, r->rates)
                       : (bench_limit){ .by = NULL };
}

/* Cycles a butterfly of a single NTT; 0 for anything else. */
static double report_cycles(const bench_result *r)
{
    const bench_work *w = &r->work;

    return r->has_work && w->ntts > 0 && w->ntts < 2
               ? r->time.median * r->rates->clock / (w->n / 2 * w->layers) : 0;
}

/* All NTTs of it one after the other, shared out over the threads. */
static double report_ntts(const bench_result *r)
{
    return r->work.ntts * r->ntt / r->threads;
}

/* ---- JSON --------------------------------------------------------------- */

/* A number > 0, rounded to six digits; null for any other. */
static void put_known(nni_json_writer *w, const char *key, double x)
{
    char text[32];

    snprintf(text, sizeof text, "%.6g", x);
    if (x > 0)
        nni_json_put_double(w, key, strtod(text, NULL));
    else
        nni_json_put_null(w, key);
}

static void put_machine(nni_json_writer *w, const bench_rates *r)
{
    nni_json_put_object(w, "machine");
    nni_json_put_int(w, "threads", r->threads);
    put_known(w, "clock_hz", r->clock);
    put_known(w, "mul64_per_s", r->mul64);
    put_known(w, "fma_4_per_s", r->fma);
    put_known(w, "fma_add_4_per_s", r->fma_add);
    put_known(w, "madd52_8_per_s", r->madd52);
    put_known(w, "l2_read_bytes_per_s", r->read[0]);
    put_known(w, "l2_stream_bytes_per_s", r->stream[0]);
    put_known(w, "memory_read_bytes_per_s", r->read[BENCH_SIZES - 1]);
    put_known(w, "memory_stream_bytes_per_s", r->stream[BENCH_SIZES - 1]);
    nni_json_put_end(w);
}

/* Of a key switching: what is counted, and what its parts take. */
static void put_parts(nni_json_writer *w, const bench_result *r,
                      const bench_limit *l)
{
    const double ntts = report_ntts(r), all = r->time.median;

    nni_json_put_object(w, "parts");
    nni_json_put_int(w, "ntts", (int64_t)r->work.ntts);
    put_known(w, "ntt_us", 1e6 * ntts);
    nni_json_put_int(w, "convert_limbs", (int64_t)r->work.convert_limbs);
    nni_json_put_int(w, "inner_product_limbs", (int64_t)r->work.inner_limbs);
    nni_json_put_int(w, "key_bytes", (int64_t)r->work.key_bytes);
    put_known(w, "key_us", 1e6 * l->key);
    put_known(w, "rest_us", 1e6 * (all - ntts - l->key));
    put_known(w, "memory_bandwidth_fraction", l->key / all);
    nni_json_put_end(w);
}

static void put_extras(nni_json_writer *w, const bench_result *r,
                       const bench_limit *l)
{
    if (report_cycles(r) > 0) {
        put_known(w, "cycles_per_butterfly", report_cycles(r));
        put_known(w, "check_us", 1e6 * r->besides);
    }
    if (r->has_work && r->work.inner_limbs > 0)
        put_parts(w, r, l);
    if (r->has_work && r->work.terms > 0 && r->model == NULL)
        put_known(w, "multiply_adds_per_s", r->work.terms / r->time.median);
    if (r->model != NULL) {
        nni_json_put_string(w, "model", r->model);
        nni_json_put_int(w, "tiles", r->tiles);
    }
}

static int report_json(const bench_result *r)
{
    const bench_limit l = report_limit(r);
    nni_json_writer w;

    nni_json_writer_init(&w, stdout, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "name", r->name);
    nni_json_put_string(&w, "kernel", r->kernel);
    nni_json_put_int(&w, "log_n", r->log_n);
    nni_json_put_int(&w, "primes", r->primes);
    nni_json_put_int(&w, "special", r->special);
    nni_json_put_int(&w, "dnum", r->dnum);
    nni_json_put_int(&w, "threads", r->threads);
    put_known(&w, "median_us", 1e6 * r->time.median);
    put_known(&w, "p10_us", 1e6 * r->time.p10);
    put_known(&w, "limit_fraction", report_fraction(r, &l));
    put_known(&w, "limit_us", 1e6 * l.seconds);
    if (l.by != NULL)
        nni_json_put_string(&w, "limit_by", l.by);
    else
        nni_json_put_null(&w, "limit_by");
    nni_json_put_int(&w, "calls", r->time.calls);
    nni_json_put_int(&w, "rounds", r->time.rounds);
    nni_json_put_bool(&w, "real", r->real);
    put_known(&w, "log_qp", r->log_qp);
    put_known(&w, "security_bits", r->security_bits);
    put_extras(&w, r, &l);
    put_machine(&w, r->rates);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

/* ---- for people --------------------------------------------------------- */

/* "81.3 us", "26.1 ms", "18.4 s"; out has 32 bytes. */
static const char *report_time(char out[32], double seconds)
{
    if (seconds < 1e-3)
        snprintf(out, 32, "%.1f us", 1e6 * seconds);
    else if (seconds < 1)
        snprintf(out, 32, "%.2f ms", 1e3 * seconds);
    else
        snprintf(out, 32, "%.2f s", seconds);
    return out;
}

static void print_extras(const bench_result *r, const bench_limit *l)
{
    const double ntts = report_ntts(r);
    char a[32], b[32], c[32];

    if (report_cycles(r) > 0)
        printf("  %.2f cycles a butterfly", report_cycles(r));
    if (r->has_work && r->work.inner_limbs > 0)
        printf("  %.0f NTT %s, keys %s, rest %s", r->work.ntts,
               report_time(a, ntts), report_time(b, l->key),
               report_time(c, r->time.median - ntts - l->key));
    if (r->has_work && r->work.terms > 0 && r->model == NULL)
        printf("  %.2fe9 multiply-adds/s",
               1e-9 * r->work.terms / r->time.median);
    if (r->model != NULL)
        printf("  %s, %d tile%s", r->model, r->tiles,
               r->tiles == 1 ? "" : "s");
}

static void report_print(const bench_result *r)
{
    const bench_limit l = report_limit(r);
    char median[32], p10[32], share[16] = "-";

    if (l.seconds > 0)
        snprintf(share, sizeof share, "%.0f %%", 100 * report_fraction(r, &l));
    printf("%-18s %-10s %2d %12s %12s %6s %-9s", r->name, r->kernel,
           r->threads, report_time(median, r->time.median),
           report_time(p10, r->time.p10), share, l.by != NULL ? l.by : "");
    print_extras(r, &l);
    printf("\n");
    fflush(stdout);
}

void bench_report_rates(const bench_rates *r, bool json)
{
    if (json)
        return;
    printf("machine, %d thread%s: clock %.2f GHz; 10^9 a second: 64-bit "
           "products %.2f, FMA x 4 %.2f,\n  FMA and add x 4 %.2f, madd52 x 8 "
           "%.2f; read 2^18 bytes %.1f GB/s, 2^28 %.1f GB/s;\n  stream 2^18 "
           "bytes %.1f GB/s, 2^28 %.1f GB/s\n", r->threads,
           r->threads == 1 ? "" : "s", 1e-9 * r->clock, 1e-9 * r->mul64,
           1e-9 * r->fma, 1e-9 * r->fma_add, 1e-9 * r->madd52,
           1e-9 * r->read[0], 1e-9 * r->read[BENCH_SIZES - 1],
           1e-9 * r->stream[0], 1e-9 * r->stream[BENCH_SIZES - 1]);
}

void bench_report_head(const bench_result *r, bool json)
{
    if (json)
        return;
    printf("\nN = 2^%d%s, %d + %d primes, dnum %d, log2 QP = %.1f, %.0f bits of "
           "security\n", r->log_n, r->real ? ", real slots" : "", r->primes, r->special, r->dnum, r->log_qp,
           r->security_bits);
    printf("%-18s %-10s %2s %12s %12s %6s\n", "", "kernel", "T", "median",
           "p10", "limit");
}

int bench_report(const bench_result *r, bool json)
{
    if (json)
        return report_json(r);
    report_print(r);
    return VOLLEY_DONE;
}
