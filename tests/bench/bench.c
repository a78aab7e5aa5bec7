/* bench.c -- `make bench`: what operations cost on this machine.
 *
 * The clock is measured in the same run (a chain of dependent additions, one
 * a cycle), so that cycles mean cycles also where the system says nothing
 * about them.  Each line is the median and the 10th percentile of many runs;
 * where the two are far apart, something else ran too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "context.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { MOST_RUNS = 4000 };

static const ckks_memory plain;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void need(ckks_status s)
{
    if (s == CKKS_OK)
        return;
    fprintf(stderr, "bench: %s: %s\n", ckks_status_name(s), ckks_last_error());
    exit(1);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Cycles a second: the best of some chains of 2^22 additions. */
static double clock_rate(void)
{
    double best = 1e9;

    for (int r = 0; r < 20; r++) {
        uint64_t x = (uint64_t)r;
        double t = now();

        for (int i = 0; i < 1 << 20; i++) {
#if defined(__x86_64__)
            __asm__ volatile("add $1, %0\n\tadd $1, %0\n\t"
                             "add $1, %0\n\tadd $1, %0" : "+r"(x));
#elif defined(__aarch64__)
            __asm__ volatile("add %0, %0, #1\n\tadd %0, %0, #1\n\t"
                             "add %0, %0, #1\n\tadd %0, %0, #1" : "+r"(x));
#else
            x += 4;
#endif
        }
        t = now() - t;
        best = t < best ? t : best;
    }
    return 4 * (double)(1 << 20) / best;
}

/* ---- a measurement ----------------------------------------------- */

typedef struct result {
    double median, p10;         /* seconds                                   */
    int runs;
} result;

/* Runs f(arg) for about `seconds`, three times at least. */
static result measure(void (*f)(void *), void *arg, double seconds)
{
    static double took[MOST_RUNS];
    double end;
    int n = 0;

    f(arg);
    end = now() + seconds;
    while (n < MOST_RUNS && (n < 3 || now() < end)) {
        double t = now();

        f(arg);
        took[n++] = now() - t;
    }
    qsort(took, (size_t)n, sizeof *took, by_size);
    return (result){ took[n / 2], took[n / 10], n };
}

/* ---- the transforms ----------------------------------------------- */

typedef struct transform {
    const cki_kernel *kernel;
    cki_ntt *table;
    uint64_t *x;
} transform;

static void run_forward(void *arg)
{
    transform *t = arg;

    t->kernel->ntt_fwd(t->x, t->table);
}

static void run_inverse(void *arg)
{
    transform *t = arg;

    t->kernel->ntt_inv(t->x, t->table);
}

static void print_ntt(const transform *t, const char *what, result r,
                      double hz)
{
    int log_n = t->table->log_n;
    double butterflies = (double)(t->table->n / 2) * log_n;

    printf("%-12s %-8s 2^%-3d %4d bits %10.1f us %10.1f us %8.2f cycles\n",
           t->kernel->name, what, log_n, t->table->mod.bits, 1e6 * r.median,
           1e6 * r.p10, r.median * hz / butterflies);
}

static void bench_ntt(double hz)
{
    printf("\n%-12s %-8s %-5s %9s %13s %13s %15s\n", "kernel", "NTT", "N",
           "prime", "median", "p10", "a butterfly");
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        for (int log_n = 13; log_n <= 16 && (*k)->usable(); log_n++) {
            size_t n = (size_t)1 << log_n;
            cki_mod m = cki_mod_make(cki_find_prime((*k)->max_bits, 2 * n,
                                                    NULL, 0));
            transform t = { *k, NULL, cki_alloc(&plain, n * 8) };

            if (t.x == NULL)
                exit(1);
            need(cki_ntt_init(&t.table, *k, &m, cki_min_root(2 * n, &m), log_n,
                              &plain));
            for (size_t i = 0; i < n; i++)
                t.x[i] = i * UINT64_C(0x9e3779b97f4a7c15) % m.p;
            print_ntt(&t, "forward", measure(run_forward, &t, 0.15), hz);
            print_ntt(&t, "inverse", measure(run_inverse, &t, 0.15), hz);
            cki_ntt_clear(&t.table, &plain);
            cki_free(&plain, t.x, n * 8);
        }
}

/* ---- the operations ----------------------------------------------- */

enum { STEPS = 8, LOG_N = 15, SLOTS = 1 << (LOG_N - 1) };

static struct {
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys, *one;
    ckks_pt pt, decrypted;
    ckks_ct ct, two, out, many[STEPS];
    double re[SLOTS], im[SLOTS];
    int step[STEPS];
} w;

static void run_encode(void *arg)
{
    (void)arg;
    need(ckks_encode(&w.pt, w.ctx, w.re, w.im, SLOTS,
                     ckks_ctx_top_level(w.ctx), 0x1p40));
}

static void run_decode(void *arg)
{
    (void)arg;
    need(ckks_decode(w.re, w.im, SLOTS, &w.pt));
}

static void run_encrypt(void *arg)
{
    (void)arg;
    need(ckks_encrypt(&w.ct, &w.rng, &w.pt, w.pk));
}

static void run_encrypt_sk(void *arg)
{
    (void)arg;
    need(ckks_encrypt_sk(&w.ct, &w.rng, &w.pt, w.sk));
}

static void run_decrypt(void *arg)
{
    (void)arg;
    need(ckks_decrypt(&w.decrypted, &w.ct, w.sk));
}

static void run_rotate(void *arg)
{
    (void)arg;
    need(ckks_rotate(&w.out, &w.ct, w.keys, 1));
}

static void run_hoisted(void *arg)
{
    (void)arg;
    need(ckks_rotate_hoisted(w.many, w.step, STEPS, &w.ct, w.keys));
}

static void run_mul_relin(void *arg)
{
    (void)arg;
    need(ckks_mul(&w.two, &w.ct, &w.ct));
    need(ckks_relin(&w.out, &w.two, w.keys));
}

static void run_mul_relin_rescale(void *arg)
{
    (void)arg;
    need(ckks_mul(&w.two, &w.ct, &w.ct));
    need(ckks_relin_rescale(&w.out, &w.two, w.keys));
}

static void run_rescale(void *arg)
{
    (void)arg;
    need(ckks_rescale(&w.out, &w.ct));
}

static void run_add(void *arg)
{
    (void)arg;
    need(ckks_add(&w.out, &w.ct, &w.ct));
}

static void run_mul_plain(void *arg)
{
    (void)arg;
    need(ckks_mul_plain(&w.out, &w.ct, &w.pt));
}

static void run_keygen(void *arg)
{
    const ckks_key_request r = { CKKS_KEY_ROTATE, 1,
                                 ckks_ctx_top_level(w.ctx) };

    (void)arg;
    need(ckks_keys_init(&w.one, &w.rng, w.sk, &r, 1));
}

static int threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* 49 + 17 x 40 bits, P of 3 x 46, six digits: 128 bits of security. */
static void world_init(void)
{
    ckks_params p = { .log_n = LOG_N, .num_primes = 18, .num_special = 3,
                      .dnum = 6, .primes = { 49 }, .special = { 46, 46, 46 } };
    ckks_key_request r[STEPS + 1] = { { CKKS_KEY_RELIN, 0, 17 } };
    uint8_t seed[CKKS_SEED_BYTES] = { 1 };

    for (int i = 1; i < 18; i++)
        p.primes[i] = 40;
    for (int j = 0; j < STEPS; j++) {
        w.step[j] = 1 << j;
        r[j + 1] = (ckks_key_request){ CKKS_KEY_ROTATE, w.step[j], 17 };
    }
    for (int j = 0; j < SLOTS; j++) {
        w.re[j] = (double)(j % 1001) / 1001;
        w.im[j] = (double)(j % 777) / 777;
    }
    need(ckks_ctx_init(&w.ctx, &p));
    need(ckks_rng_init(&w.rng, seed));
    need(ckks_sk_init(&w.sk, w.ctx, &w.rng));
    need(ckks_pk_init(&w.pk, &w.rng, w.sk));
    need(ckks_keys_init(&w.keys, &w.rng, w.sk, r, STEPS + 1));
}

static void world_clear(void)
{
    ckks_pt_clear(&w.pt);
    ckks_pt_clear(&w.decrypted);
    ckks_ct_clear(&w.ct);
    ckks_ct_clear(&w.two);
    ckks_ct_clear(&w.out);
    for (int j = 0; j < STEPS; j++)
        ckks_ct_clear(&w.many[j]);
    ckks_keys_clear(&w.keys);
    ckks_keys_clear(&w.one);
    ckks_pk_clear(&w.pk);
    ckks_sk_clear(&w.sk);
    ckks_rng_clear(&w.rng);
    ckks_ctx_clear(&w.ctx);
}

static void bench_operations(void)
{
    static const struct {
        const char *name;
        void (*run)(void *);
    } row[] = {
        { "encode", run_encode }, { "decode", run_decode },
        { "encrypt, secret key", run_encrypt_sk },
        { "encrypt, public key", run_encrypt },
        { "decrypt", run_decrypt }, { "add", run_add },
        { "multiply by plaintext", run_mul_plain },
        { "rescale", run_rescale },
        { "multiply, relinearise", run_mul_relin },
        { "... and rescale", run_mul_relin_rescale },
        { "rotate", run_rotate }, { "8 rotations, hoisted", run_hoisted },
        { "one rotation key", run_keygen }
    };

    world_init();
    printf("\nN = 2^%d, 18 + 3 primes, log2(QP) = %.1f, dnum = %d, level %d, "
           "kernel %s, threads %d\n", ckks_ctx_log_n(w.ctx),
           ckks_ctx_log_qp(w.ctx), ckks_ctx_dnum(w.ctx),
           ckks_ctx_top_level(w.ctx), ckks_ctx_kernel(w.ctx), threads());
    printf("%-24s %13s %13s %6s\n", "operation", "median", "p10", "runs");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        result r = measure(row[i].run, NULL, 0.6);

        printf("%-24s %10.2f ms %10.2f ms %6d\n", row[i].name, 1e3 * r.median,
               1e3 * r.p10, r.runs);
        fflush(stdout);
    }
    world_clear();
}

int main(void)
{
    double hz = clock_rate();

    printf("clock %.2f GHz (measured), NTT on 1 thread, operations on %d\n",
           1e-9 * hz, threads());
    bench_ntt(hz);
    bench_operations();
    return 0;
}
