/* bench.h -- what the files of `volley bench` share.
 *
 *   bench.c          what is measured, in which order; the verb
 *   bench_rows.c     the table: one measurement of an operation is one row
 *   bench_switch.c   more of it: operations that switch keys
 *   bench_world.c    the parameter sets, and the objects the rows work on
 *   bench_network.c  whole networks
 *   bench_time.c     median and 10th percentile of many calls
 *   bench_rates.c    what the machine can do: clock, multipliers, memory;
 *   bench_loops.c    the loops for it
 *   bench_limit.c    the least time a measurement could take by those rates
 *   bench_report.c   results for people and as JSON
 *   bench_calibrate.c    what the planner wants to know of this machine
 *
 * How each figure is made: docs/performance.md.
 */
#ifndef VOLLEY_BENCH_H
#define VOLLEY_BENCH_H

#include "volley.h"

enum {
    BENCH_STEPS = 8,            /* rotations of the hoisted measurement      */
    /* the integer matrix product, as a row of a 3x3 convolution of 8 channels
     * on a ring 4 wide asks for it: 4 phases, 9 x 8 terms each, 3 rows of
     * phases read */
    BENCH_IN = 96, BENCH_BLOCKS = 4, BENCH_CHANNELS = 8, BENCH_TERMS = 72,
    BENCH_OUT = BENCH_BLOCKS * BENCH_CHANNELS,
    BENCH_LEVEL = 3,            /* at most: where the product is measured    */
    BENCH_MIN_BYTES = 18,       /* log2 of the smallest and the largest      */
    BENCH_MAX_BYTES = 28,       /* working set whose bandwidth is measured   */
    BENCH_SIZES = BENCH_MAX_BYTES - BENCH_MIN_BYTES + 1,
    BENCH_MOST_CALLS = 4096
};

/* ---- rates of the machine (bench_rates.c) ------------------------------- */

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

/* ---- time (bench_time.c) ------------------------------------------------ */

typedef struct bench_time {
    double median, p10;         /* seconds a call                            */
    int calls;
    int rounds;
} bench_time;

typedef struct bench bench;
typedef ckks_status (*bench_call)(bench *b);

/* A failure of libckks with its message where nn_last_error() finds it. */
CKKS_CHECKED ckks_status bench_relay(ckks_status s);
/* One call to warm up, then many for about so many seconds, at least `least`.
 * The median is the lower one of an even number. */
CKKS_CHECKED ckks_status bench_measure(bench_time *out, bench_call call,
                                       bench *b, double seconds, int least);
/* Keeps the round with the lowest median. */
void bench_keep_best(bench_time *best, const bench_time *round);

/* ---- parameter sets and their objects (bench_world.c) ------------------- */

typedef struct bench_set {
    int log_n, num_primes, first_bits, bits;
    int num_special, special_bits, dnum;
    bool real;                  /* ring                                      */
} bench_set;

extern const bench_set bench_sets[];
enum { BENCH_SETS = 4 };

/* Everything a row may use.  Operands are uniform random or encrypted values;
 * rows leave them alone and write to out, pt_out, many. */
struct bench {
    nn_pool *pool;              /* scratch is kept from call to call         */
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    double *re, *im;            /* shape (slots)                             */
    double *re_out, *im_out;
    ckks_pt pt;                 /* scale 2^40, top level                     */
    ckks_ct a, b;               /* encryptions of it; degree 1               */
    ckks_ct wide;               /* a * pt: scale 2^80                        */
    ckks_ct square;             /* a * b: degree 2                           */
    ckks_ct out, two;
    ckks_pt pt_out;
    uint64_t *limb;             /* N words for single NTTs                   */
    uint64_t *bad;              /* the same with one word too large          */
    uint8_t *file;              /* bytes of wide                             */
    size_t file_size;
    /* made for the rows that ask for them */
    ckks_pk *pk;
    ckks_keys *relin, *rotate, *conj, *hoist, *made;
    int step[BENCH_STEPS];
    ckks_ct many[BENCH_STEPS];
    ckks_ct in[BENCH_IN], sum[BENCH_OUT];
    int32_t index[BENCH_BLOCKS * BENCH_TERMS];
    int32_t weight[BENCH_OUT * BENCH_TERMS];
};

void bench_params(ckks_params *out, const bench_set *set, const char *kernel);
CKKS_CHECKED ckks_status bench_init(bench *b, const bench_set *set,
                                    const char *kernel);
void bench_clear(bench *b);

/* ---- rows (bench_rows.c) ------------------------------------------------ */

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

/* ---- results (bench_report.c) ------------------------------------------- */

typedef struct bench_result {
    const char *name;
    const char *kernel;
    int log_n, primes, special, dnum, threads;
    bool real;                  /* ring                                      */
    double log_qp, security_bits;
    bench_time time;
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

/* ---- networks (bench_network.c) ----------------------------------------- */

/* The model of --model (default gm) and one set of the images of --data
 * (default: the examples), packed. */
typedef struct bench_net bench_net;
int bench_net_open(bench_net **out, const volley_args *a);
void bench_net_close(bench_net **net);
/* Measures it with one kernel, and reports; first: below a heading. */
int bench_net_run(bench_net *n, const char *kernel, bool first, bool quick,
                  bool json, const bench_rates *rates);

/* ---- for the planner (bench_calibrate.c) -------------------------------- */

/* Measures an nn_machine on one thread and writes it to a file, NULL: to
 * standard output. */
int bench_calibrate(const char *kernel, const char *out_path);

#endif
