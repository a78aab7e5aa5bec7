/* timing.c KERNEL -- do times differ between one secret and many?
 *
 * As in dudect: of two classes, the same secret each time or a new one each
 * time, one is drawn and timed, again and again; Welch's t compares the means.
 * |t| above 10 in each of three trials is a report.  It sees what the machine
 * itself makes of data, where the other methods see what the program asks for;
 * no report proves little.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/kernel.h"
#include "scheme/rng.h"

enum { LOG_N = 9, N = 1 << LOG_N, SAMPLES = 12000, TRIALS = 3, ROWS = 4 };

#define REPORT 10.0

static struct {
    const cki_kernel *k;
    cki_mod mod;
    cki_ntt *ntt, *real;
    uint64_t row[ROWS][N], same[ROWS][N];
    cki_stream stream, same_stream;
    int8_t small[N];
} own;

static const ckks_memory memory;

static uint64_t draw(void)
{
    static uint64_t a = 1;

    a = a * 6364136223846793005u + 1442695040888963407u;
    return a ^ a >> 31;
}

/* ---- what is timed --------------------------------------------------- */

static void forward(void)
{
    own.k->ntt_fwd(own.row[0], own.ntt);
}

static void forward_real(void)
{
    own.k->ntt_fwd(own.row[0], own.real);
}

static void inverse(void)
{
    own.k->ntt_inv(own.row[0], own.row[0], 5, own.ntt);
}

static void product(void)       /* decryption                                */
{
    own.k->mul_add(own.row[3], own.row[0], own.row[1], own.row[2], N,
                   &own.mod);
}

static void difference(void)
{
    own.k->sub(own.row[3], own.row[0], own.row[1], N, &own.mod);
}

static void conversion(void)
{
    static double frac[2];
    uint64_t *y[2] = { own.row[0], own.row[1] };
    const cki_conv c = { .len = 2, .src = { 0, 0 }, .mod = &own.mod,
                         .frac = frac };

    frac[0] = frac[1] = own.mod.inv;
    own.k->convert_begin(y, own.row[3], &c, true, N);
}

static void errors(void)
{
    cki_sample_error(own.small, N, &own.stream);
}

static const struct {
    const char *name;
    void (*run)(void);
} timed[] = {
    { "forward transform", forward }, { "in the real ring", forward_real },
    { "inverse transform", inverse }, { "product and sum", product },
    { "difference", difference }, { "base conversion", conversion },
    { "errors", errors }
};

/* ---- one trial ------------------------------------------------------- */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fill(uint64_t (*x)[N])
{
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < N; j++)
            x[i][j] = draw() % own.mod.p;
}

/* Either class draws new secrets and reads both, so that caches and branch
 * predictors are found as the other class finds them. */
static double one_time(bool same, void (*run)(void))
{
    static uint64_t fresh[ROWS][N];
    const uint64_t mask = cki_mask(same);
    double begin;

    fill(fresh);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < N; j++)
            own.row[i][j] = fresh[i][j]
                            ^ ((fresh[i][j] ^ own.same[i][j]) & mask);
    own.stream = own.same_stream;
    for (size_t i = 0; i < sizeof own.stream.root; i++)
        own.stream.root[i] ^= (uint8_t)(draw() & ~mask);
    begin = now();
    run();
    return now() - begin;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Welch's t of two classes, times above the limit left out. */
static double welch(const double *time, const bool *same, double limit)
{
    double sum[2] = { 0, 0 }, square[2] = { 0, 0 }, n[2] = { 0, 0 }, var = 0;

    for (int i = 0; i < SAMPLES; i++)
        if (time[i] <= limit) {
            n[same[i]]++;
            sum[same[i]] += time[i];
            square[same[i]] += time[i] * time[i];
        }
    for (int c = 0; c < 2; c++)
        var += (square[c] - sum[c] * sum[c] / n[c]) / (n[c] - 1) / n[c];
    return (sum[0] / n[0] - sum[1] / n[1]) / sqrt(var + 1e-12);
}

static double trial(void (*run)(void))
{
    static double time[SAMPLES], sorted[SAMPLES];
    static bool same[SAMPLES];

    for (int i = 0; i < SAMPLES; i++) {
        same[i] = draw() >> 40 & 1;
        time[i] = one_time(same[i], run);
    }
    memcpy(sorted, time, sizeof sorted);
    qsort(sorted, SAMPLES, sizeof *sorted, compare);
    return fabs(welch(time, same, sorted[SAMPLES * 4 / 5]));
}

static bool init(const char *name)
{
    static const uint8_t key[CKKS_SEED_BYTES] = { 5 };

    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        if (strcmp((*k)->name, name) == 0 && (*k)->usable())
            own.k = *k;
    if (own.k == NULL)
        return false;
    own.mod = cki_mod_make(cki_find_prime(48, 4 * N, NULL, 0));
    fill(own.same);
    cki_stream_init(&own.same_stream, own.k, key, sizeof key, 0, 0);
    return cki_ntt_init(&own.ntt, own.k, &own.mod,
                        cki_min_root(2 * N, &own.mod), LOG_N, 2 * N, &memory)
               == CKKS_OK
           && cki_ntt_init(&own.real, own.k, &own.mod,
                           cki_min_root(4 * N, &own.mod), LOG_N, 4 * N,
                           &memory) == CKKS_OK;
}

int main(int argc, char **argv)
{
    const int count = sizeof timed / sizeof *timed;
    int bad = 0;

    if (argc != 2 || !init(argv[1]))
        return 2;
    printf("%s, |t|:", argv[1]);
    for (int i = 0; i < count; i++) {
        double least = HUGE_VAL;

        for (int j = 0; j < TRIALS && least > REPORT; j++)
            least = fmin(least, trial(timed[i].run));
        printf("%s %s %.1f", i == 0 ? "" : ",", timed[i].name, least);
        bad += least > REPORT;
    }
    printf(": %d reports\n", bad);
    return bad > 0;
}
