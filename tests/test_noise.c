/* test_noise.c -- measured errors against predicted ones.
 *
 * One operation at a time: the slots before and after it are compared, both
 * decrypted exactly, so that only the error the operation adds is left.  The
 * prediction is the standard deviation of a coefficient of that error,
 * docs/09-noise.md; a slot is a sum of n = N coefficients times roots of
 * unity, so its rms is sqrt(n) times that, divided by the scale.
 *
 *   rounding    r = sqrt((1 + 2n/3) / 12)    t_0 + t_1 s, t uniform in
 *               [-1/2, 1/2], s ternary with 2n/3 coefficients that are not 0
 *   switching   k = sqrt(n 10.5 / 12 sum of D_j^2) / P    sum of d_j e_j / P,
 *               d_j uniform in [-D_j/2, D_j/2], e_j of variance 10.5; P the
 *               product of the special primes that the level uses
 *
 * In the real ring n = 2N.  There a slot is e_0 + sum of e_i 2 cos(i angle);
 * the squares of 2 cos are 2 on average, so coefficients of sd sigma give it
 * the sd sigma sqrt(2N).  A product of polynomials is one of slots: t_1 s has
 * slots of sd sqrt(2N/12) sqrt(2N 2/3), which is sqrt(n) times the second part
 * of r; d_j e_j of sd sqrt(2N/12) D_j sqrt(2N 10.5), sqrt(n) times k's.
 *
 * The rms must agree to 0.25 bit, and no slot may lie beyond what has odds of
 * 2^-40.  An error of independent coefficients is a Gaussian in a slot, beyond
 * t sd with odds exp(-t^2): t = 5.3.  The others are products of two such
 * slots, t(zeta) s(zeta) and d(zeta) e(zeta), with odds 2t K_1(2t), about
 * sqrt(pi t) exp(-2t): t = 15.  Real Gaussians reach further: their odds are
 * erfc(t / sqrt(2)), t = 7.2, and those of their products the integral of
 * 2 K_0 / pi, about sqrt(2 / (pi t)) exp(-t): t = 26.
 */
#include <math.h>

#include "test.h"

#include "context.h"
#include "key.h"

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
enum { SETS = sizeof sets / sizeof *sets, MAX_SLOTS = 1 << 12 };

/* Odds of 2^-40, complex and real; by bench.real. */
static const double gaussian_limit[] = { 5.3, 7.2 };
static const double product_limit[] = { 15, 26 };

typedef struct bench {
    const char *name;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    size_t slots;
    int top;
    bool real;
    double n;                   /* N; real ring: 2N                          */
} bench;

static double before[2][MAX_SLOTS], after[2][MAX_SLOTS];

static bool bench_init(bench *b, const noise_set *set)
{
    static const ckks_key_request wish[] = {
        { CKKS_KEY_RELIN, 0, 0 }, { CKKS_KEY_ROTATE, 1, 0 },
        { CKKS_KEY_ROTATE, 100, 0 }, { CKKS_KEY_ROTATE, -7, 0 },
        { CKKS_KEY_CONJ, 0, 0 }         /* last: not in the real ring        */
    };
    enum { WISHES = sizeof wish / sizeof *wish };
    ckks_key_request request[WISHES];
    uint8_t seed[CKKS_SEED_BYTES] = { 11 };

    memset(b, 0, sizeof *b);
    b->name = set->name;
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

static void every_set(void (*check)(bench *b))
{
    for (size_t i = 0; i < SETS; i++) {
        bench b;

        if (bench_init(&b, &sets[i]))
            check(&b);
        bench_clear(&b);
    }
}

/* Slots uniform in the unit square, or from -1 to 1, a different vector for
 * each seed. */
static void random_pt(bench *b, ckks_pt *pt, int level, double scale,
                      uint64_t seed)
{
    static double re[MAX_SLOTS], im[MAX_SLOTS];

    for (size_t j = 0; j < b->slots; j++) {
        re[j] = (double)(int64_t)test_word(&seed) * 0x1p-63;
        im[j] = (double)(int64_t)test_word(&seed) * 0x1p-63;
    }
    if (!CHECK_OK(ckks_encode(pt, b->ctx, re, b->real ? NULL : im, b->slots,
                              level, scale)))
        abort();
}

static void random_ct(bench *b, ckks_ct *ct, int level, double scale,
                      uint64_t seed)
{
    ckks_pt pt = { 0 };

    random_pt(b, &pt, level, scale, seed);
    if (!CHECK_OK(ckks_encrypt_sk(ct, &b->rng, &pt, b->sk)))
        abort();
    ckks_pt_clear(&pt);
}

static void open_ct(bench *b, double slots[2][MAX_SLOTS], const ckks_ct *ct)
{
    ckks_pt pt = { 0 };

    if (!CHECK_OK(ckks_decrypt(&pt, ct, b->sk))
        || !CHECK_OK(ckks_decode(slots[0], slots[1], b->slots, &pt)))
        abort();
    ckks_pt_clear(&pt);
}

static double rounding(const bench *b)
{
    return sqrt((1 + 2 * b->n / 3) / 12);
}

/* log2 of the special product of a level. */
static double log_p(const bench *b, int level)
{
    double sum = 0;

    for (int i = 0; i < ckks_ctx_special_at(b->ctx, level); i++)
        sum += log2((double)ckks_ctx_special(b->ctx, i));
    return sum;
}

/* sqrt(n 10.5 / 12 sum of D_j^2) / 2^log_divisor */
static double switching(const bench *b, int level, double log_divisor)
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

/* after[j] against before[j + step], by the predicted sd of a coefficient. */
static void judge(const bench *b, const char *what, int level, int step,
                  double sd, double scale, const double *limits)
{
    const double limit = limits[b->real];
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
    test_note("%s, %s level %d: 2^%.2f, predicted 2^%.2f; worst slot %zu: "
              "%.1f sd", b->name, what, level, log2(rms), log2(predicted),
              worst_slot, worst / predicted);
    CHECK(fabs(log2(rms / predicted)) < 0.25, "%s, %s: rms 2^%.3f, predicted "
          "2^%.3f", b->name, what, log2(rms), log2(predicted));
    CHECK(worst < limit * predicted, "%s, %s: slot %zu is off by %.1f sd",
          b->name, what, worst_slot, worst / predicted);
}

/* ---- the secret --------------------------------------------------------- */

/* What all predictions of products rest on: ternary coefficients, sd sqrt(2/3),
 * make slots of rms sqrt(2n/3). */
static void check_secret(bench *b)
{
    static int64_t coeff[2 * MAX_SLOTS];
    ckks_pt pt = { 0 };

    for (size_t k = 0; k < b->ctx->n; k++)
        coeff[k] = b->sk->coeff[k];
    memset(before, 0, sizeof before);
    if (CHECK_OK(ckks_encode_integers(&pt, b->ctx, coeff, 0, 1))
        && CHECK_OK(ckks_decode(after[0], after[1], b->slots, &pt)))
        judge(b, "secret", 0, 0, sqrt(2.0 / 3), 1, gaussian_limit);
    ckks_pt_clear(&pt);
}

TEST(noise_prediction_of_the_secrets_slots)
{
    every_set(check_secret);
}

/* ---- fresh ciphertexts -------------------------------------------------- */

static void check_fresh(bench *b)
{
    double from_key = b->n * 10.5 * 2 / 3 * 2 + 10.5;

    for (int level = 0; level <= b->top; level += b->top) {
        double sd_pk = hypot(sqrt(from_key) / exp2(log_p(b, level)),
                             rounding(b));
        ckks_pt pt = { 0 };
        ckks_ct ct = { 0 };

        random_pt(b, &pt, level, 0x1p30, 1);
        if (!CHECK_OK(ckks_decode(before[0], before[1], b->slots, &pt)))
            abort();
        if (CHECK_OK(ckks_encrypt_sk(&ct, &b->rng, &pt, b->sk))) {
            open_ct(b, after, &ct);
            judge(b, "fresh, secret key", level, 0, sqrt(10.5), 0x1p30,
                  gaussian_limit);
        }
        if (CHECK_OK(ckks_encrypt(&ct, &b->rng, &pt, b->pk))) {
            open_ct(b, after, &ct);
            judge(b, "fresh, public key", level, 0, sd_pk, 0x1p30,
                  product_limit);
        }
        ckks_pt_clear(&pt);
        ckks_ct_clear(&ct);
    }
}

TEST(noise_of_fresh_ciphertexts)
{
    every_set(check_fresh);
}

/* ---- rescale, relin ----------------------------------------------------- */

static void check_rescale(bench *b)
{
    for (int level = b->top; level > 0; level -= b->top > 1 ? b->top - 1 : 1) {
        ckks_ct a = { 0 }, out = { 0 };

        random_ct(b, &a, level, 0x1p60, 2);
        open_ct(b, before, &a);
        if (CHECK_OK(ckks_rescale(&out, &a))) {
            open_ct(b, after, &out);
            judge(b, "rescale", level, 0, rounding(b), out.scale,
                  product_limit);
        }
        ckks_ct_clear(&a);
        ckks_ct_clear(&out);
    }
}

TEST(noise_of_rescale)
{
    every_set(check_rescale);
}

static void check_relin(bench *b)
{
    for (int level = b->top; level > 0; level -= b->top > 1 ? b->top - 1 : 1) {
        double log_q = log2((double)b->ctx->rns.mod[level].p);
        ckks_ct x = { 0 }, y = { 0 }, out = { 0 };

        random_ct(b, &x, level, 0x1p26, 3);
        random_ct(b, &y, level, 0x1p26, 4);
        if (!CHECK_OK(ckks_mul(&x, &x, &y)))
            abort();
        open_ct(b, before, &x);
        if (CHECK_OK(ckks_relin(&out, &x, b->keys))) {
            open_ct(b, after, &out);
            judge(b, "relin", level, 0,
                  hypot(switching(b, level, log_p(b, level)), rounding(b)),
                  out.scale, product_limit);
        }
        if (CHECK_OK(ckks_relin_rescale(&out, &x, b->keys))) {
            open_ct(b, after, &out);
            judge(b, "relin_rescale", level, 0,
                  hypot(switching(b, level, log_p(b, level) + log_q),
                        rounding(b)),
                  out.scale, product_limit);
        }
        ckks_ct_clear(&x);
        ckks_ct_clear(&y);
        ckks_ct_clear(&out);
    }
}

TEST(noise_of_relinearisation)
{
    every_set(check_relin);
}

/* ---- rotations ---------------------------------------------------------- */

static void check_rotate(bench *b)
{
    static const int step[] = { 1, 100, -7 };
    ckks_ct a = { 0 }, out = { 0 };

    for (int i = 0; i < 3; i++) {
        int level = i == 0 ? b->top : i % (b->top + 1);
        double sd = hypot(switching(b, level, log_p(b, level)), rounding(b));

        random_ct(b, &a, level, 0x1p30, 5);
        open_ct(b, before, &a);
        if (CHECK_OK(ckks_rotate(&out, &a, b->keys, step[i]))) {
            open_ct(b, after, &out);
            judge(b, "rotate", level, step[i], sd, 0x1p30,
                  product_limit);
        }
        if (i == 0 && !b->real && CHECK_OK(ckks_conj(&out, &a, b->keys))) {
            open_ct(b, after, &out);
            for (size_t j = 0; j < b->slots; j++)
                after[1][j] = -after[1][j];
            judge(b, "conj", level, 0, sd, 0x1p30, product_limit);
        }
    }
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
}

/* The fitted sets are such that it matters: a switching at a level that uses
 * fewer special primes is noisier than all of them would make it. */
static void check_fitted(bench *b)
{
    const double all = ckks_ctx_log_qp(b->ctx) - ckks_ctx_log_q(b->ctx,
                                                                b->top);

    if (!b->ctx->fitted)
        return;
    CHECK(ckks_ctx_special_at(b->ctx, b->top) == 2
              && ckks_ctx_special_at(b->ctx, 1) == 1, "%s", b->name);
    CHECK(hypot(switching(b, 1, log_p(b, 1)), rounding(b))
              > 1.3 * hypot(switching(b, 1, all), rounding(b)),
          "%s: another P would pass", b->name);
}

TEST(noise_of_fitted_special_primes_shows)
{
    every_set(check_fitted);
}

TEST(noise_of_rotations)
{
    every_set(check_rotate);
}

/* Three switched terms and one that is not: three times the variance of a
 * switching, once that of a rounding. */
static void check_sum(bench *b)
{
    static const int step[] = { 1, 0, 100, -7 };
    static double total[2][MAX_SLOTS];
    const int level = b->top;
    ckks_ct a[4], out = { 0 };
    const ckks_ct *in[4] = { &a[0], &a[1], &a[2], &a[3] };

    memset(a, 0, sizeof a);
    memset(total, 0, sizeof total);
    for (int i = 0; i < 4; i++) {
        random_ct(b, &a[i], level, 0x1p30, (uint64_t)(6 + i));
        open_ct(b, before, &a[i]);
        for (size_t j = 0; j < b->slots; j++) {
            size_t from = (j + b->slots + (size_t)step[i]) % b->slots;

            total[0][j] += before[0][from];
            total[1][j] += before[1][from];
        }
    }
    memcpy(before, total, sizeof total);
    if (CHECK_OK(ckks_rotate_sum(&out, in, step, 4, b->keys))) {
        open_ct(b, after, &out);
        judge(b, "rotate_sum of 4", level, 0,
              hypot(sqrt(3) * switching(b, level, log_p(b, level)),
                    rounding(b)),
              0x1p30, product_limit);
    }
    for (int i = 0; i < 4; i++)
        ckks_ct_clear(&a[i]);
    ckks_ct_clear(&out);
}

TEST(noise_of_sums_of_rotations)
{
    every_set(check_sum);
}
