/* bench.c -- times of single operations of libckks.
 *
 * N = 2^15, primes of 49 + 17 x 40 bits, 3 special ones of 46, 6 digits; the
 * lowest of three medians of five calls.
 */
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "volley.h"

enum { BENCH_PRIMES = 18, BENCH_SPECIAL = 3, BENCH_DNUM = 6, BENCH_LOG_N = 15,
       BENCH_CALLS = 5, BENCH_ROUNDS = 3 };

static const double bench_scale = 0x1p40;

typedef struct bench {
    nn_pool *pool;          /* scratch is kept from one operation to the next */
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    ckks_pt pt;
    ckks_ct a, b, out;
    double *re;             /* shape (slots)                                 */
} bench;

static ckks_status bench_encode(bench *b)
{
    return ckks_encode(&b->pt, b->ctx, b->re, NULL, ckks_ctx_slots(b->ctx),
                       BENCH_PRIMES - 1, bench_scale);
}

static ckks_status bench_decode(bench *b)
{
    return ckks_decode(b->re, NULL, ckks_ctx_slots(b->ctx), &b->pt);
}

static ckks_status bench_encrypt(bench *b)
{
    return ckks_encrypt_sk(&b->a, &b->rng, &b->pt, b->sk);
}

static ckks_status bench_add(bench *b)
{
    return ckks_add(&b->out, &b->a, &b->a);
}

static ckks_status bench_mul_relin(bench *b)
{
    ckks_status s = ckks_mul(&b->b, &b->a, &b->a);

    return s == CKKS_OK ? ckks_relin(&b->out, &b->b, b->keys) : s;
}

static ckks_status bench_rescale(bench *b)
{
    return ckks_rescale(&b->b, &b->out);
}

static ckks_status bench_rotate(bench *b)
{
    return ckks_rotate(&b->out, &b->a, b->keys, 1);
}

static ckks_status bench_decrypt(bench *b)
{
    return ckks_decrypt(&b->pt, &b->a, b->sk);
}

/* In an order in which every operand has been made before it is used. */
static const struct bench_row {
    const char *name;
    ckks_status (*call)(bench *b);
} bench_table[] = {
    { "encode", bench_encode },
    { "encrypt", bench_encrypt },
    { "add", bench_add },
    { "mul_relin", bench_mul_relin },
    { "rescale", bench_rescale },
    { "rotate", bench_rotate },
    { "decrypt", bench_decrypt },
    { "decode", bench_decode }
};

enum { BENCH_ROWS = sizeof bench_table / sizeof bench_table[0] };

/* The median of five calls, in seconds. */
static ckks_status bench_median(double *out, bench *b,
                                const struct bench_row *row)
{
    double t[BENCH_CALLS];

    for (int i = 0; i < BENCH_CALLS; i++) {
        double start = volley_clock();
        ckks_status s = row->call(b);
        double took = volley_clock() - start;
        int j = i;

        if (s != CKKS_OK)
            return s;
        for (; j > 0 && t[j - 1] > took; j--)
            t[j] = t[j - 1];
        t[j] = took;
    }
    *out = t[BENCH_CALLS / 2];
    return CKKS_OK;
}

static ckks_status bench_time(double *out, bench *b,
                              const struct bench_row *row)
{
    ckks_status s = CKKS_OK;

    for (int i = 0; i < BENCH_ROUNDS && s == CKKS_OK; i++) {
        double t = 0;

        s = bench_median(&t, b, row);
        if (i == 0 || t < *out)
            *out = t;
    }
    return s;
}

static ckks_status bench_init(bench *b)
{
    static const ckks_key_request request[] = {
        { CKKS_KEY_RELIN, 0, BENCH_PRIMES - 1 },
        { CKKS_KEY_ROTATE, 1, BENCH_PRIMES - 1 }
    };
    ckks_params p = {0};
    ckks_status s;

    p.log_n = BENCH_LOG_N;
    p.num_primes = BENCH_PRIMES;
    p.num_special = BENCH_SPECIAL;
    p.dnum = BENCH_DNUM;
    for (int i = 0; i < BENCH_PRIMES; i++)
        p.primes[i] = i == 0 ? 49 : 40;
    for (int i = 0; i < BENCH_SPECIAL; i++)
        p.special[i] = 46;
    s = nn_pool_init(&b->pool);
    if (s != CKKS_OK)
        return s;
    p.memory = nn_pool_memory(b->pool);
    s = ckks_ctx_init(&b->ctx, &p);
    if (s == CKKS_OK)
        s = ckks_rng_init(&b->rng, NULL);
    if (s == CKKS_OK)
        s = ckks_sk_init(&b->sk, b->ctx, &b->rng);
    if (s == CKKS_OK)
        s = ckks_keys_init(&b->keys, &b->rng, b->sk, request, 2);
    return s;
}

static int bench_run(bench *b, bool json)
{
    nn_json_writer w;
    int threads = 1;

#ifdef _OPENMP
    threads = omp_get_max_threads();
#endif
    nn_json_writer_init(&w, json ? stdout : NULL, 2);
    nn_json_put_object(&w, NULL);
    nn_json_put_int(&w, "log_n", BENCH_LOG_N);
    nn_json_put_string(&w, "kernel", ckks_ctx_kernel(b->ctx));
    nn_json_put_int(&w, "threads", threads);
    if (!json)
        printf("N = 2^%d, %d primes (49 + 17 x 40 bits), 3 x 46 special, %d "
               "digits; %s, %d thread%s\n", BENCH_LOG_N, BENCH_PRIMES,
               BENCH_DNUM, ckks_ctx_kernel(b->ctx), threads,
               threads == 1 ? "" : "s");
    nn_json_put_object(&w, "milliseconds");
    for (int i = 0; i < BENCH_ROWS; i++) {
        double t = 0;
        ckks_status s = bench_time(&t, b, &bench_table[i]);

        if (s != CKKS_OK) {
            nn_json_writer_clear(&w);
            return volley_check_ckks(s, bench_table[i].name);
        }
        nn_json_put_double(&w, bench_table[i].name, 1e3 * t);
        if (!json)
            printf("%-10s %8.2f ms\n", bench_table[i].name, 1e3 * t);
    }
    nn_json_put_end(&w);
    nn_json_put_end(&w);
    return volley_json_end(&w);
}

int volley_run_bench(const volley_args *a)
{
    static double re[1 << (BENCH_LOG_N - 1)];
    bench b = {0};
    int code;

    for (size_t i = 0; i < sizeof re / sizeof re[0]; i++)
        re[i] = (double)(i % 1000) / 1000 - 0.5;
    b.re = re;
    code = volley_check_ckks(bench_init(&b), NULL);
    if (code == VOLLEY_DONE)
        code = bench_run(&b, a->value[OPT_JSON] != NULL);
    ckks_ct_clear(&b.a);
    ckks_ct_clear(&b.b);
    ckks_ct_clear(&b.out);
    ckks_pt_clear(&b.pt);
    ckks_keys_clear(&b.keys);
    ckks_sk_clear(&b.sk);
    ckks_rng_clear(&b.rng);
    ckks_ctx_clear(&b.ctx);
    nn_pool_clear(&b.pool);
    return code;
}
