/* noise_support.c -- see noise_support.h. */
#include <math.h>

#include "noise_support.h"

#include "scheme/context.h"

typedef struct noise_set {
    const char *name;
    ckks_params params;
} noise_set;

static const noise_set sets[] = {
    { "N=2^12, 128 bits, K=1, D=2",
      { .log_n = 12, .num_primes = 2, .primes = { 36, 34 }, .num_special = 1,
        .special = { 36 }, .dnum = 2 } },
    { "N=2^13, 128 bits, K=1, D=4",
      { .log_n = 13, .num_primes = 4, .primes = { 47, 40, 40, 40 },
        .num_special = 1, .special = { 47 }, .dnum = 4 } },
    { "N=2^13, K=2, D=3",
      { .log_n = 13, .num_primes = 5, .primes = { 49, 40, 40, 40, 40 },
        .num_special = 2, .special = { 45, 45 }, .dnum = 3,
        .security = CKKS_INSECURE } },
    { "real N=2^12, 128 bits, K=1, D=2",
      { .log_n = 12, .num_primes = 2, .primes = { 36, 34 }, .num_special = 1,
        .special = { 36 }, .dnum = 2, .ring = CKKS_RING_REAL } },
    { "real N=2^12, K=2, D=3",
      { .log_n = 12, .num_primes = 5, .primes = { 49, 40, 40, 40, 40 },
        .num_special = 2, .special = { 45, 45 }, .dnum = 3,
        .security = CKKS_INSECURE, .ring = CKKS_RING_REAL } },
    { "real N=2^11, K=1 of 2 below the top, D=4",
      { .log_n = 11, .num_primes = 4, .primes = { 40, 40, 40, 49 },
        .num_special = 2, .special = { 42, 45 }, .dnum = 4,
        .security = CKKS_INSECURE, .fitted_special = 1,
        .ring = CKKS_RING_REAL } },
    { "N=2^13, K=1 of 2 below the top, D=4",
      { .log_n = 13, .num_primes = 4, .primes = { 40, 40, 40, 49 },
        .num_special = 2, .special = { 42, 45 }, .dnum = 4,
        .security = CKKS_INSECURE, .fitted_special = 1 } },
};
enum { SETS = sizeof sets / sizeof *sets };

const double gaussian_limit[2] = { 5.3, 7.2 };
const double product_limit[2] = { 15, 26 };

double before[2][NOISE_MAX_SLOTS], after[2][NOISE_MAX_SLOTS];
noise_total noise_totals[2];

enum { ROUNDS = 33 };
static int this_round;

static bool bench_init(bench *b, const noise_set *set)
{
    static const ckks_key_request wish[] = {
        { CKKS_KEY_RELIN, 0, 0 }, { CKKS_KEY_ROTATE, 1, 0 },
        { CKKS_KEY_ROTATE, 100, 0 }, { CKKS_KEY_ROTATE, -7, 0 },
        { CKKS_KEY_CONJ, 0, 0 }         /* last: not in the real ring        */
    };
    enum { WISHES = sizeof wish / sizeof *wish };
    ckks_key_request request[WISHES];
    uint8_t seed[CKKS_SEED_BYTES] = { 11, (uint8_t)this_round };

    memset(b, 0, sizeof *b);
    b->name = set->name;
    b->seed = 1000 * (uint64_t)this_round;
    b->top = set->params.num_primes - 1;
    b->real = set->params.ring == CKKS_RING_REAL;
    for (size_t i = 0; i < WISHES; i++) {
        request[i] = wish[i];
        request[i].level = b->top;
    }
    if (!CHECK_OK(ckks_ctx_init(&b->ctx, &set->params))
        || !CHECK_OK(ckks_rng_init(&b->rng, seed))
        || !CHECK_OK(ckks_sk_init(&b->sk, b->ctx, &b->rng))
        || !CHECK_OK(ckks_pk_init(&b->pk, &b->rng, b->sk))
        || !CHECK_OK(ckks_keys_init(&b->keys, &b->rng, b->sk, request,
                                    b->real ? WISHES - 1 : WISHES)))
        return false;
    b->slots = ckks_ctx_slots(b->ctx);
    b->n = 2 * (double)b->slots;
    return true;
}

static void bench_clear(bench *b)
{
    ckks_keys_clear(&b->keys);
    ckks_pk_clear(&b->pk);
    ckks_sk_clear(&b->sk);
    ckks_rng_clear(&b->rng);
    ckks_ctx_clear(&b->ctx);
}

void noise_every_set(void (*check)(bench *b))
{
    for (this_round = 0; this_round < (test_long() ? ROUNDS : 1); this_round++)
        for (size_t i = 0; i < SETS; i++) {
            bench b;

            if (bench_init(&b, &sets[i]))
                check(&b);
            bench_clear(&b);
        }
}

void noise_slots(const bench *b, double slots[2][NOISE_MAX_SLOTS],
                 uint64_t number)
{
    uint64_t seed = b->seed + number;

    for (size_t j = 0; j < b->slots; j++) {
        slots[0][j] = (double)(int64_t)test_word(&seed) * 0x1p-63;
        slots[1][j] = (double)(int64_t)test_word(&seed) * 0x1p-63;
        if (b->real)
            slots[1][j] = 0;
    }
}

void noise_pt(bench *b, ckks_pt *pt, int level, double scale, uint64_t number)
{
    static double x[2][NOISE_MAX_SLOTS];

    noise_slots(b, x, number);
    if (!CHECK_OK(ckks_encode(pt, b->ctx, x[0], b->real ? NULL : x[1],
                              b->slots, level, scale)))
        abort();
}

void noise_ct(bench *b, ckks_ct *ct, int level, double scale, uint64_t number)
{
    ckks_pt pt = { 0 };

    noise_pt(b, &pt, level, scale, number);
    if (!CHECK_OK(ckks_encrypt_sk(ct, &b->rng, &pt, b->sk)))
        abort();
    ckks_pt_clear(&pt);
}

void noise_open(bench *b, double slots[2][NOISE_MAX_SLOTS], const ckks_ct *ct)
{
    ckks_pt pt = { 0 };

    if (!CHECK_OK(ckks_decrypt(&pt, ct, b->sk))
        || !CHECK_OK(ckks_decode(slots[0], slots[1], b->slots, &pt)))
        abort();
    ckks_pt_clear(&pt);
}

double noise_rounding(const bench *b)
{
    return sqrt((1 + 2 * b->n / 3) / 12);
}

double noise_log_p(const bench *b, int level)
{
    double sum = 0;

    for (int i = 0; i < ckks_ctx_special_at(b->ctx, level); i++)
        sum += log2((double)ckks_ctx_special(b->ctx, i));
    return sum;
}

/* sqrt(n 10.5 / 12 sum of D_j^2) / 2^log_divisor */
double noise_switching(const bench *b, int level, double log_divisor)
{
    double sum = 0;

    for (int first = 0; first <= level; first += b->ctx->alpha) {
        int last = first + b->ctx->alpha - 1 < level
                       ? first + b->ctx->alpha - 1 : level;
        double log_d = 0;

        for (int i = first; i <= last; i++)
            log_d += log2((double)b->ctx->rns.mod[i].p);
        sum += exp2(2 * (log_d - log_divisor));
    }
    return sqrt(b->n * 10.5 / 12 * sum);
}

void noise_judge(const bench *b, const char *what, int level, int step,
                  double sd, double scale, const double *limits)
{
    const double limit = limits[b->real];
    noise_total *total = &noise_totals[b->real];
    double predicted = sqrt(b->n) * sd / scale, sum = 0, worst = 0, rms;
    size_t worst_slot = 0;

    for (size_t j = 0; j < b->slots; j++) {
        size_t from = (j + b->slots + (size_t)step) % b->slots;
        double d = hypot(after[0][j] - before[0][from],
                         after[1][j] - before[1][from]);

        sum += d * d;
        if (d > worst) {
            worst = d;
            worst_slot = j;
        }
    }
    rms = sqrt(sum / (double)b->slots);
    total->slots += b->slots;
    if (worst / (predicted * limit) > total->worst) {
        total->worst = worst / (predicted * limit);
        snprintf(total->where, sizeof total->where, "%s, %s: %.1f sd of %.1f",
                 b->name, what, worst / predicted, limit);
    }
    if (this_round == 0)
        test_note("%s, %s level %d: 2^%.2f, predicted 2^%.2f; worst slot %zu: "
                  "%.1f sd", b->name, what, level, log2(rms), log2(predicted),
                  worst_slot, worst / predicted);
    CHECK(fabs(log2(rms / predicted)) < 0.25, "%s, %s: rms 2^%.3f, predicted "
          "2^%.3f", b->name, what, log2(rms), log2(predicted));
    CHECK(worst < limit * predicted, "%s, %s: slot %zu is off by %.1f sd",
          b->name, what, worst_slot, worst / predicted);
}
