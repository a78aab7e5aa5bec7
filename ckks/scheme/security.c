/* security.c -- how large Q P may be, and what that buys.
 *
 * Read first: docs/security.md, docs/09-noise.md.  Both functions assume this
 * library's laws: a dense ternary secret, errors of standard deviation
 * sqrt(10.5).  The table decides; the estimate is a second opinion that
 * also speaks where the table has no entry.
 */
#include "base/base.h"

#include <math.h>

/* Largest log2(QP) for 128, 192 and 256 bits against classical computers,
 * ternary secret; one row for each log_n from 10 to 17.  0: none.
 * [SecurityGuidelines24] table 4.2. */
static const int max_log_qp[][3] = {
    {   26,    0,    0 },
    {   53,   36,   27 },
    {  106,   73,   56 },
    {  214,  147,  114 },
    {  430,  297,  230 },
    {  868,  597,  462 },
    { 1747, 1199,  929 },
    { 3523, 2411, 1866 }
};

int ckks_max_log_qp(int log_n, int security)
{
    int column = security == 128 ? 0 : security == 192 ? 1
                 : security == 256 ? 2 : -1;

    if (log_n < 10 || log_n > 17 || column < 0)
        return 0;
    return max_log_qp[log_n - 10][column];
}

/* ln of the root Hermite factor of BKZ with block size beta: experiment below
 * 40, Chen's formula from there on,
 *   delta = (beta / (2 pi e) * (pi beta)^(1/beta))^(1/(2 (beta - 1))).
 * [Chen13]; the small values are those of the lattice estimator [APS15]. */
static double log_delta(double beta)
{
    static const struct { double beta, delta; } small[] = {
        { 28, 1.01331 }, { 25, 1.01342 }, { 20, 1.01420 }, { 15, 1.01485 },
        { 10, 1.01616 }, { 5, 1.01862 }, { 0, 1.02190 }
    };
    const double pi = 3.14159265358979323846, e = 2.71828182845904523536;

    if (beta <= 40) {
        int i = 0;

        while (small[i].beta > beta)
            i++;
        return log(beta < 40 ? small[i].delta : 1.01295);
    }
    return (log(beta / (2 * pi * e)) + log(pi * beta) / beta)
           / (2 * (beta - 1));
}

/* The primal attack (unique shortest vector) on n-dimensional LWE modulo q:
 * the vector (e, s scaled to the size of e, 1) is found in dimension
 * d = n + m + 1 from m samples when its projection is shorter than the last
 * block's Gram-Schmidt vector,
 *
 *   sqrt(beta) s_e <= delta^(2 beta - d - 1) (q^m (s_e/s_s)^n)^(1/d).
 *
 * With a = ln delta and b = (n + 1) ln q - n ln(s_e/s_s), the logarithm of the
 * right side is a (2 beta - 1) + ln q - (a d + b / d): largest at
 * d = sqrt(b / a).  Returns that side's excess over the left; *d is the
 * dimension, at least n + 2 and beta. */
static double primal_excess(double *d, double beta, double n, double log_q)
{
    const double s_e = sqrt(10.5), s_s = sqrt(2.0 / 3.0);
    double a = log_delta(beta);
    double b = (n + 1) * log_q - n * log(s_e / s_s);
    double best = b > 0 ? floor(sqrt(b / a) + 0.5) : 0;

    best = fmax(best, fmax(n + 2, beta));
    *d = best;
    return a * (2 * beta - 1) + log_q - (a * best + b / best)
           - 0.5 * log(beta) - log(s_e);
}

/* The smallest beta is found by bisection; the excess grows with beta where
 * it is near 0.  Its price: 0.292 beta + 14.1 bits for a short vector in a
 * block (the sieve of [BDGL16] and its overhead), 8 d such blocks.  Trying
 * all secrets, n log2(3) bits, is cheaper for the toy degrees; below
 * about 60 bits the number says "broken" and no more. */
static double estimate(int log_n, double log_qp)
{
    const double ln2 = 0.69314718055994530942;
    double n, low = 2, high, d, all;

    if (log_n < CKKS_MIN_LOG_N || log_n > CKKS_MAX_LOG_N
        || !(log_qp > 0) || !isfinite(log_qp))
        return 0;
    n = ldexp(1, log_n);
    all = n * log2(3);
    high = 16 * n + 64;
    if (primal_excess(&d, high, n, log_qp * ln2) < 0)
        return all;             /* q hides less than the errors do           */
    if (primal_excess(&d, low, n, log_qp * ln2) >= 0)
        high = low;
    while (high - low > 1) {
        double mid = floor((low + high) / 2);

        if (primal_excess(&d, mid, n, log_qp * ln2) >= 0)
            high = mid;
        else
            low = mid;
    }
    (void)primal_excess(&d, high, n, log_qp * ln2);
    return fmin(all, 0.292 * high + 14.1 + log2(8 * d));
}

double ckks_security_estimate(int log_n, double log_qp)
{
    CKI_NEAREST;
    double bits;

    CKI_PIN(log_qp);
    bits = estimate(log_n, log_qp);
    CKI_PIN(bits);
    return bits;
}
