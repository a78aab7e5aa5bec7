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

#include "noise_support.h"

#include "scheme/context.h"
#include "scheme/key.h"

/* ---- the secret --------------------------------------------------------- */

/* What all predictions of products rest on: ternary coefficients, sd sqrt(2/3),
 * make slots of rms sqrt(2n/3). */
static void check_secret(bench *b)
{
    static int64_t coeff[2 * NOISE_MAX_SLOTS];
    ckks_pt pt = { 0 };

    for (size_t k = 0; k < b->ctx->n; k++)
        coeff[k] = b->sk->coeff[k];
    memset(before, 0, sizeof before);
    if (CHECK_OK(ckks_encode_integers(&pt, b->ctx, coeff, 0, 1))
        && CHECK_OK(ckks_decode(after[0], after[1], b->slots, &pt)))
        noise_judge(b, "secret", 0, 0, sqrt(2.0 / 3), 1, gaussian_limit);
    ckks_pt_clear(&pt);
}

TEST(noise_prediction_of_the_secrets_slots)
{
    noise_every_set(check_secret);
}

/* ---- fresh ciphertexts -------------------------------------------------- */

static void check_fresh(bench *b)
{
    double from_key = b->n * 10.5 * 2 / 3 * 2 + 10.5;

    for (int level = 0; level <= b->top; level += b->top) {
        double sd_pk = hypot(sqrt(from_key) / exp2(noise_log_p(b, level)),
                             noise_rounding(b));
        ckks_pt pt = { 0 };
        ckks_ct ct = { 0 };

        noise_pt(b, &pt, level, 0x1p30, 1);
        if (!CHECK_OK(ckks_decode(before[0], before[1], b->slots, &pt)))
            abort();
        if (CHECK_OK(ckks_encrypt_sk(&ct, &b->rng, &pt, b->sk))) {
            noise_open(b, after, &ct);
            noise_judge(b, "fresh, secret key", level, 0, sqrt(10.5), 0x1p30,
                  gaussian_limit);
        }
        if (CHECK_OK(ckks_encrypt(&ct, &b->rng, &pt, b->pk))) {
            noise_open(b, after, &ct);
            noise_judge(b, "fresh, public key", level, 0, sd_pk, 0x1p30,
                  product_limit);
        }
        ckks_pt_clear(&pt);
        ckks_ct_clear(&ct);
    }
}

TEST(noise_of_fresh_ciphertexts)
{
    noise_every_set(check_fresh);
}

/* ---- rescale, relin ----------------------------------------------------- */

static void check_rescale(bench *b)
{
    for (int level = b->top; level > 0; level -= b->top > 1 ? b->top - 1 : 1) {
        ckks_ct a = { 0 }, out = { 0 };

        noise_ct(b, &a, level, 0x1p60, 2);
        noise_open(b, before, &a);
        if (CHECK_OK(ckks_rescale(&out, &a))) {
            noise_open(b, after, &out);
            noise_judge(b, "rescale", level, 0, noise_rounding(b), out.scale,
                  product_limit);
        }
        ckks_ct_clear(&a);
        ckks_ct_clear(&out);
    }
}

TEST(noise_of_rescale)
{
    noise_every_set(check_rescale);
}

static void check_relin(bench *b)
{
    for (int level = b->top; level > 0; level -= b->top > 1 ? b->top - 1 : 1) {
        double log_q = log2((double)b->ctx->rns.mod[level].p);
        ckks_ct x = { 0 }, y = { 0 }, out = { 0 };

        noise_ct(b, &x, level, 0x1p26, 3);
        noise_ct(b, &y, level, 0x1p26, 4);
        if (!CHECK_OK(ckks_mul(&x, &x, &y)))
            abort();
        noise_open(b, before, &x);
        if (CHECK_OK(ckks_relin(&out, &x, b->keys))) {
            noise_open(b, after, &out);
            noise_judge(b, "relin", level, 0,
                  hypot(noise_switching(b, level, noise_log_p(b, level)),
                        noise_rounding(b)),
                  out.scale, product_limit);
        }
        if (CHECK_OK(ckks_relin_rescale(&out, &x, b->keys))) {
            noise_open(b, after, &out);
            noise_judge(b, "relin_rescale", level, 0,
                  hypot(noise_switching(b, level,
                                        noise_log_p(b, level) + log_q),
                        noise_rounding(b)),
                  out.scale, product_limit);
        }
        ckks_ct_clear(&x);
        ckks_ct_clear(&y);
        ckks_ct_clear(&out);
    }
}

TEST(noise_of_relinearisation)
{
    noise_every_set(check_relin);
}

/* ---- rotations ---------------------------------------------------------- */

static void check_rotate(bench *b)
{
    static const int step[] = { 1, 100, -7 };
    ckks_ct a = { 0 }, out = { 0 };

    for (int i = 0; i < 3; i++) {
        int level = i == 0 ? b->top : i % (b->top + 1);
        double sd = hypot(noise_switching(b, level, noise_log_p(b, level)),
                          noise_rounding(b));

        noise_ct(b, &a, level, 0x1p30, 5);
        noise_open(b, before, &a);
        if (CHECK_OK(ckks_rotate(&out, &a, b->keys, step[i]))) {
            noise_open(b, after, &out);
            noise_judge(b, "rotate", level, step[i], sd, 0x1p30,
                  product_limit);
        }
        if (i == 0 && !b->real && CHECK_OK(ckks_conj(&out, &a, b->keys))) {
            noise_open(b, after, &out);
            for (size_t j = 0; j < b->slots; j++)
                after[1][j] = -after[1][j];
            noise_judge(b, "conj", level, 0, sd, 0x1p30, product_limit);
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
    CHECK(hypot(noise_switching(b, 1, noise_log_p(b, 1)), noise_rounding(b))
              > 1.3 * hypot(noise_switching(b, 1, all), noise_rounding(b)),
          "%s: another P would pass", b->name);
}

/* The digits are made once: each output is as far off as if rotated alone. */
static void check_hoisted(bench *b)
{
    static const int step[] = { 1, 100, -7 };
    ckks_ct a = { 0 }, out[3];

    memset(out, 0, sizeof out);
    for (int level = b->top; level >= 0; level -= b->top) {
        const double sd = hypot(
            noise_switching(b, level, noise_log_p(b, level)),
            noise_rounding(b));

        noise_ct(b, &a, level, 0x1p30, 12);
        noise_open(b, before, &a);
        if (!CHECK_OK(ckks_rotate_hoisted(out, step, 3, &a, b->keys)))
            break;
        for (int i = 0; i < 3; i++) {
            noise_open(b, after, &out[i]);
            noise_judge(b, "rotate_hoisted", level, step[i], sd, 0x1p30,
                        product_limit);
        }
    }
    for (int i = 0; i < 3; i++)
        ckks_ct_clear(&out[i]);
    ckks_ct_clear(&a);
}

TEST(noise_of_hoisted_rotations)
{
    noise_every_set(check_hoisted);
}

TEST(noise_of_fitted_special_primes_shows)
{
    noise_every_set(check_fitted);
}

TEST(noise_of_rotations)
{
    noise_every_set(check_rotate);
}

/* Three switched terms and one that is not: three times the variance of a
 * switching, once that of a rounding. */
static void check_sum(bench *b)
{
    static const int step[] = { 1, 0, 100, -7 };
    static double total[2][NOISE_MAX_SLOTS];
    const int level = b->top;
    ckks_ct a[4], out = { 0 };
    const ckks_ct *in[4] = { &a[0], &a[1], &a[2], &a[3] };

    memset(a, 0, sizeof a);
    memset(total, 0, sizeof total);
    for (int i = 0; i < 4; i++) {
        noise_ct(b, &a[i], level, 0x1p30, (uint64_t)(6 + i));
        noise_open(b, before, &a[i]);
        for (size_t j = 0; j < b->slots; j++) {
            size_t from = (j + b->slots + (size_t)step[i]) % b->slots;

            total[0][j] += before[0][from];
            total[1][j] += before[1][from];
        }
    }
    memcpy(before, total, sizeof total);
    if (CHECK_OK(ckks_rotate_sum(&out, in, step, 4, b->keys))) {
        noise_open(b, after, &out);
        noise_judge(b, "rotate_sum of 4", level, 0,
              hypot(sqrt(3) * noise_switching(b, level, noise_log_p(b, level)),
                    noise_rounding(b)),
              0x1p30, product_limit);
    }
    for (int i = 0; i < 4; i++)
        ckks_ct_clear(&a[i]);
    ckks_ct_clear(&out);
}

TEST(noise_of_sums_of_rotations)
{
    noise_every_set(check_sum);
}
