/* bench.h -- what the files of the program `bench` share.
 *
 *   bench.c          what is measured, in which order; main
 *   rows.c           the table: one measurement of an operation is one row
 *   switch.c         more of it: operations that switch keys
 *   world.c          the parameter sets, and the objects the rows work on
 *   network.c        whole networks
 *   rates.c          what the machine can do: clock, multipliers, memory;
 *   loops.c          the loops for it
 *   limit.c          the least time a measurement could take by those rates
 *   report.c         results for people and as JSON
 *
 * Calls are timed, and the ground of the objects is laid, by measure.h of the
 * command, whose `calibrate` does the same.  How each figure is made:
 * docs/performance.md.
 */
#ifndef VOLLEY_BENCH_H
#define VOLLEY_BENCH_H

#include "volley/measure.h"

enum {
    BENCH_STEPS = 8,            /* rotations of the hoisted measurement      */
    BENCH_MIN_BYTES = 18,       /* log2 of the smallest and the largest      */
    BENCH_MAX_BYTES = 28,       /* working set whose bandwidth is measured   */
    BENCH_SIZES = BENCH_MAX_BYTES - BENCH_MIN_BYTES + 1
};

/* ---- rates of the machine (rates.c) ------------------------------------- */

/* By all threads together; 0: this machine, or this build, has none. */
typedef struct bench_rates {
    int threads;
    double clock;               /* cycles a second, of one thread            */
    double fma;                 /* 4 fused multiply-adds of doubles each     */
    double fma_add;             /* the same and 4 additions in turn; counts
                                   both                                      */
    double madd52;              /* 8 products of 52 bits each                */
    double mul64;               /* one 64 x 64 -> 128-bit product each       */
    double read[BENCH_SIZES];   /* bytes a second: reading 2^(18 + i) bytes  */
    double stream[BENCH_SIZES]; /* reading two arrays, writing a third, so
                                   many bytes in all                         */
} bench_rates;

/* Measures all rates with so many threads and raises those in *r that turn
 * out higher: disturbances only ever slow them down.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status bench_rates_raise(bench_rates *r, int threads,
                                           bool quick);
/* Several threads get no less than one does. */
void bench_rates_floor(bench_rates *r, const bench_rates *one);
/* Bytes a second for a working set of so many bytes. */
double bench_bandwidth(const double rate[BENCH_SIZES], double bytes);

/* ---- what a measurement has to do, by the documented costs -------------- */

typedef struct bench_work {
    double n, layers;           /* of the NTTs: log2 N, real ring one more   */
    double ntts;
    double bytes;               /* of operands read and results written      */
    double key_bytes;           /* of evaluation keys read                   */
    double terms;               /* integer times word, added                 */
    double convert_limbs;       /* results of base conversions               */
    double inner_limbs;         /* products of limbs with keys               */
} bench_work;

/* The least time by the machine's rates, and what sets it. */
typedef struct bench_limit {
    double seconds;             /* 0: no sensible limit                      */
    double ntt, bytes, key, terms;      /* the parts                         */
    const char *by;             /* "ntt", "memory", ...; NULL                */
} bench_limit;
bench_limit bench_limit_of(const bench_work *w, const char *kernel,
                           const bench_rates *r);

/* ---- parameter sets and their objects (world.c) ------------------------- */

extern const measure_set bench_sets[];
enum { BENCH_SETS = 4 };

/* Everything a row may use.  Rows leave their operands alone and write to
 * w.out, w.sum, two, pt_out, many. */
typedef struct bench {
    measure_world w;
    double *re_out, *im_out;    /* shape (slots)                             */
    ckks_ct wide;               /* a * pt: scale 2^80                        */
    ckks_ct square;             /* a * b: degree 2                           */
    ckks_ct two;
    ckks_pt pt_out;
    uint64_t *bad;              /* w.limb with one word too large            */
    uint8_t *file;              /* bytes of wide                             */
    size_t file_size;
    /* made for the rows that ask for them */
    ckks_pk *pk;
    ckks_keys *relin, *rotate, *conj, *hoist, *made;
    int step[BENCH_STEPS];
    ckks_ct many[BENCH_STEPS];
} bench;

typedef ckks_status (*bench_call)(bench *b);

CKKS_CHECKED ckks_status bench_init(bench *b, const measure_set *set,
                                    const char *kernel);
void bench_clear(bench *b);
/* `measure` of one of its calls. */
CKKS_CHECKED ckks_status bench_measure(measure_time *out, bench_call call,
                                       bench *b, double seconds, int least);

/* ---- rows (rows.c) ------------------------------------------------------ */

typedef struct bench_row {
    const char *name;
    bench_call ready;           /* makes what the call needs; NULL           */
    bench_call call;
    /* measured too and taken off: what the public function does besides;
     * NULL: nothing */
    ckks_status (*besides)(double *seconds, bench *b);
    bench_work (*work)(const bench *b);     /* NULL: no sensible limit       */
    bool alone;                 /* runs on one thread, whatever the number   */
} bench_row;

/* Row i of both files' tables; NULL behind the last. */
const bench_row *bench_row_at(int i);
const bench_row *bench_switch_row_at(int i);

/* N, and the limbs of a polynomial at the top level. */
double bench_n(const bench *b);
/* Layers of an NTT in a ring (CKKS_RING_...). */
double bench_layers(int log_n, int ring);
double bench_limbs(const bench *b);
/* So many NTTs, and so many polynomials at the top level read or written. */
bench_work bench_work_of(const bench *b, double ntts, double polynomials);
/* Of one key switching: NTTs, key bytes, base conversions, inner products. */
bench_work bench_switch_work(const ckks_params *p, int level);
int bench_digits(const ckks_params *p, int level);

/* ---- results (report.c) ------------------------------------------------- */

typedef struct bench_result {
    const char *name;
    const char *kernel;
    int log_n, primes, special, dnum, threads;
    bool real;                  /* ring                                      */
    double log_qp, security_bits;
    measure_time time;
    double besides;             /* seconds a call already taken off          */
    bool has_work;
    bench_work work;
    double ntt;                 /* one NTT, measured beside it; 0: was not   */
    const bench_rates *rates;
    const char *model;          /* of a network; else NULL                   */
    int tiles;                  /* that it took at once                      */
} bench_result;

/* The machine's rates for people; nothing as JSON. */
void bench_report_rates(const bench_rates *r, bool json);
/* What the lines that follow have in common; nothing as JSON. */
void bench_report_head(const bench_result *r, bool json);
/* One measurement: one line.  VOLLEY_DONE, or a failure told. */
int bench_report(const bench_result *r, bool json);

/* ---- networks (network.c) ----------------------------------------------- */

/* The model of --model (default gm) and one set of the images of --data
 * (default: the examples), packed. */
typedef struct bench_net bench_net;
int bench_net_open(bench_net **out, const volley_args *a);
void bench_net_close(bench_net **net);
/* Measures it with one kernel, and reports; first: below a heading. */
int bench_net_run(bench_net *n, const char *kernel, bool first, bool quick,
                  bool json, const bench_rates *rates);

#endif
