/* bench.c -- what operations cost on this machine, beside what the machine
 * could do at best.
 *
 * Every measurement is made in three rounds spread over the run, and the round
 * with the lowest median counts: a disturbance that lasts longer than one
 * measurement falls on one round only.  The machine's rates are measured in
 * each round too.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "bench.h"

/* Kernels by name; a machine has those for which contexts can be made. */
static const char *const bench_kernels[] = { "portable", "fma2", "avx2",
                                             "avx512ifma" };

enum { BENCH_KERNELS = sizeof bench_kernels / sizeof bench_kernels[0],
       BENCH_MOST_ROWS = 64 };

static const char bench_network_name[] = "network";

typedef struct bench_run {
    bool json, quick, network;
    bool real;                          /* ring of the operations            */
    bool row[BENCH_MOST_ROWS];          /* to be measured                    */
    int rows;                           /* how many of them                  */
    int threads, rounds;
    double seconds;                     /* for a measurement, in a round     */
    const char *kernel[BENCH_KERNELS];
    int kernels;
    bench_rates one, all;               /* by one thread, by `threads`       */
    measure_time best[BENCH_SETS][BENCH_KERNELS][BENCH_MOST_ROWS];
    double ntt[BENCH_SETS][BENCH_KERNELS];
} bench_run;

/* ---- what is to be measured --------------------------------------------- */

/* All names, for a complaint. */
static const char *bench_names(char *out, size_t size)
{
    size_t at = 0;
    const bench_row *row;

    for (int i = 0; (row = bench_row_at(i)) != NULL && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s ", row->name);
    if (at < size)
        snprintf(out + at, size - at, "%s", bench_network_name);
    return out;
}

static int bench_select(bench_run *r, const char *word)
{
    char names[1024];
    const bench_row *row;

    if (strcmp(word, bench_network_name) == 0) {
        r->network = true;
        return VOLLEY_DONE;
    }
    for (int i = 0; (row = bench_row_at(i)) != NULL; i++)
        if (strcmp(row->name, word) == 0) {
            r->rows += r->row[i] ? 0 : 1;
            r->row[i] = true;
            return VOLLEY_DONE;
        }
    return volley_usage("bench: unknown measurement '%s'; there are %s", word,
                        bench_names(names, sizeof names));
}

static void bench_select_all(bench_run *r)
{
    for (int i = 0; bench_row_at(i) != NULL; i++) {
        r->row[i] = true;
        r->rows++;
    }
    r->network = !r->quick;
}

/* All this machine has, or the one that CKKS_KERNEL names. */
static int bench_find_kernels(bench_run *r)
{
    const char *only = getenv("CKKS_KERNEL");

    if (only != NULL && only[0] != '\0') {
        r->kernel[r->kernels++] = only;
        if (!measure_has_kernel(only))
            return volley_check_ckks(CKKS_EPARAM, "CKKS_KERNEL");
        return VOLLEY_DONE;
    }
    for (int k = 0; k < BENCH_KERNELS; k++)
        if (measure_has_kernel(bench_kernels[k]))
            r->kernel[r->kernels++] = bench_kernels[k];
    return r->kernels > 0 ? VOLLEY_DONE
                          : volley_check_ckks(CKKS_EPARAM, "bench");
}

static void bench_set_threads(bench_run *r, int threads)
{
    r->threads = threads > 0 ? threads : 1;
#ifdef _OPENMP
    omp_set_num_threads(r->threads);
#else
    r->threads = 1;
#endif
}

/* ---- measuring ---------------------------------------------------------- */

static void bench_progress(int round, const measure_set *set,
                           const char *kernel, const char *name)
{
    if (isatty(2))
        fprintf(stderr, "\rround %d, N = 2^%d, %s, %s\x1b[K", round + 1,
                set->log_n, kernel, name);
}

static void bench_progress_end(void)
{
    if (isatty(2))
        fputs("\r\x1b[K", stderr);
}

/* One kernel and parameter set in one round. */
typedef struct bench_place {
    bench_run *run;
    bench *b;
    const measure_set *set;
    const char *kernel;
    measure_time *best;                 /* of rows, shape (BENCH_MOST_ROWS)  */
    double *ntt;                        /* of a single NTT, 0: none yet      */
    int round;
} bench_place;

static bench_result bench_describe(const bench_place *at, const bench_row *row)
{
    const bench_run *r = at->run;
    const measure_set *set = at->set;
    const bench *b = at->b;
    bench_result out = {
        .name = row->name, .kernel = at->kernel,
        .log_n = set->log_n, .primes = set->num_primes,
        .special = set->num_special, .dnum = set->dnum, .real = set->real,
        .threads = row->alone ? 1 : r->threads,
        .log_qp = ckks_ctx_log_qp(b->w.ctx),
        .security_bits = ckks_ctx_security_bits(b->w.ctx),
        .rates = row->alone ? &r->one : &r->all,
        .ntt = *at->ntt
    };

    if (row->work != NULL) {
        out.has_work = true;
        out.work = row->work(b);
    }
    return out;
}

/* One row in one round, what it does besides taken off. */
static ckks_status bench_row_time(measure_time *out, double *besides,
                                  const bench_place *at, const bench_row *row)
{
    const bench_run *r = at->run;
    bench *b = at->b;
    ckks_status s = CKKS_OK;

    *besides = 0;
    if (row->ready != NULL)
        s = nn_relay(row->ready(b), NULL);
    if (s == CKKS_OK)
        s = bench_measure(out, row->call, b, r->seconds, r->quick ? 1 : 3);
    if (s == CKKS_OK && row->besides != NULL)
        s = row->besides(besides, b);
    if (s == CKKS_OK && out->p10 > *besides) {
        out->median -= *besides;
        out->p10 -= *besides;
    }
    return s;
}

/* A single NTT, for the parts of key switchings: the mean of both directions,
 * which are rows 0 and 1. */
static ckks_status bench_single_ntt(const bench_place *at)
{
    measure_time t[2] = {{0}};
    ckks_status s = CKKS_OK;
    double besides, mean;

    for (int i = 0; i < 2 && s == CKKS_OK; i++)
        s = bench_row_time(&t[i], &besides, at, bench_row_at(i));
    mean = (t[0].median + t[1].median) / 2;
    if (s == CKKS_OK && (*at->ntt <= 0 || mean < *at->ntt))
        *at->ntt = mean;
    return s;
}

/* Row i; the last round reports. */
static int bench_one(const bench_place *at, int i)
{
    const bench_row *row = bench_row_at(i);
    measure_time now = {0};
    bench_result result;
    double besides = 0;
    int code;

    bench_progress(at->round, at->set, at->kernel, row->name);
    code = volley_check(bench_row_time(&now, &besides, at, row));
    bench_progress_end();
    if (code != VOLLEY_DONE)
        return code;
    measure_keep_best(&at->best[i], &now);
    if (at->round < at->run->rounds - 1)
        return VOLLEY_DONE;
    result = bench_describe(at, row);
    result.time = at->best[i];
    result.besides = besides;
    return bench_report(&result, at->run->json);
}

static bool bench_wants_parts(const bench_run *r)
{
    for (int i = 0; bench_switch_row_at(i) != NULL; i++)
        for (int j = 0; bench_row_at(j) != NULL; j++)
            if (bench_row_at(j) == bench_switch_row_at(i) && r->row[j])
                return true;
    return false;
}

static int bench_rows_of(const bench_place *at)
{
    bench_run *r = at->run;
    int code = volley_check(bench_init(at->b, at->set, at->kernel));

    if (code == VOLLEY_DONE && bench_wants_parts(r))
        code = volley_check(bench_single_ntt(at));
    if (code == VOLLEY_DONE && at->round == r->rounds - 1
        && at->kernel == r->kernel[0]) {
        const bench_result head = bench_describe(at, bench_row_at(0));

        bench_report_head(&head, r->json);
    }
    for (int i = 0; bench_row_at(i) != NULL && code == VOLLEY_DONE; i++)
        if (r->row[i] && !(at->set->real
                           && strcmp(bench_row_at(i)->name, "conj") == 0))
            code = bench_one(at, i);
    return code;
}

static int bench_round(bench_run *r, int round)
{
    int code = volley_check(bench_rates_raise(&r->one, 1, r->quick));

    if (code == VOLLEY_DONE && r->threads > 1)
        code = volley_check(bench_rates_raise(&r->all, r->threads, r->quick));
    if (r->threads == 1)
        r->all = r->one;
    bench_rates_floor(&r->all, &r->one);
    if (code == VOLLEY_DONE && round == r->rounds - 1)
        bench_report_rates(&r->all, r->json);
    for (int s = 0; s < BENCH_SETS && r->rows > 0; s++)
        for (int k = 0; k < r->kernels && code == VOLLEY_DONE; k++) {
            bench b = {0};
            measure_set set = bench_sets[s];
            const bench_place at = { r, &b, &set, r->kernel[k],
                                     r->best[s][k], &r->ntt[s][k], round };

            set.real = r->real;
            code = bench_rows_of(&at);
            bench_clear(&b);
        }
    return code;
}

/* Everything the command line says. */
static int bench_prepare(bench_run *r, const volley_args *a)
{
    nn_slots slots;
    int code;

    r->json = a->value[OPT_JSON] != NULL;
    r->quick = a->value[OPT_QUICK] != NULL;
    r->rounds = r->quick ? 1 : 3;
    r->seconds = r->quick ? 0.02 : 0.3;
    code = volley_slots(&slots, a);
    r->real = slots == NN_SLOTS_REAL;
    for (int i = 0; i < a->words && code == VOLLEY_DONE; i++)
        code = bench_select(r, a->word[i]);
    if (a->words == 0)
        bench_select_all(r);
    if (code == VOLLEY_DONE && !r->network
        && (a->value[OPT_MODEL] != NULL || a->value[OPT_DATA] != NULL))
        code = volley_usage("bench: --model and --data are for the "
                            "measurement '%s'", bench_network_name);
    if (code == VOLLEY_DONE) {
        bench_set_threads(r, a->threads);
        code = bench_find_kernels(r);
    }
    return code;
}

static int bench_run_all(const volley_args *a)
{
    bench_run *r = calloc(1, sizeof *r);
    bench_net *net = NULL;
    int code = r != NULL ? bench_prepare(r, a) : volley_fail("no memory");

    if (code == VOLLEY_DONE && r->network)
        code = bench_net_open(&net, a);
    for (int i = 0; code == VOLLEY_DONE && i < r->rounds; i++)
        code = bench_round(r, i);
    for (int k = 0; code == VOLLEY_DONE && r->network && k < r->kernels; k++)
        code = bench_net_run(net, r->kernel[k], k == 0, r->quick, r->json,
                             &r->all);
    bench_net_close(&net);
    free(r);
    return code;
}

static const volley_verb bench_verb = {
    "bench", "[--quick] [NAME...]",
    "times of operations and networks, beside the machine's limits",
    "Without names everything, at N = 2^13 to 2^16 with every kernel this\n"
    "machine has (CKKS_KERNEL names one), with one thread unless --threads\n"
    "says more; minutes.  With --json one object a line.  Names:\n"
    "  ntt_fwd ntt_inv encode decode encrypt_sk encrypt decrypt\n"
    "  add sub add_plain mul_plain add_const mul_const mul_int\n"
    "  mul square rescale matmul save load\n"
    "  relin mul_relin mul_relin_rescale rotate conj hoist8 rotate_sum8\n"
    "  keygen network\n",
    OPT_EVERY | OPT_BIT(OPT_QUICK) | OPT_BIT(OPT_MODEL) | OPT_BIT(OPT_DATA)
    | OPT_BIT(OPT_SLOTS), 0, 0, -1, bench_run_all
};

int main(int argc, char **argv)
{
    return volley_run_alone(&bench_verb, argc, argv);
}
