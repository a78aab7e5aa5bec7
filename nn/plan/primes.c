/* primes.c -- a candidate's moduli: sizes for its depth and digits, and the
 * primes of those sizes.
 *
 * Read first: search.h.
 */
#include <math.h>
#include <string.h>

#include "plan/search.h"

void nni_choose_primes(ckks_params *q, const nni_placed *p)
{
    const int depth = p->image.level;

    q->num_primes = depth + 1;
    for (int i = 0; i <= depth; i++)
        q->primes[i] = (uint64_t)nni_level_bits(p, i);
}

bool nni_choose_special(ckks_params *q, double *least, int alpha)
{
    const int limit = q->security == CKKS_INSECURE
                          ? 1 << 20 : ckks_max_log_qp(q->log_n, q->security);
    double log_q = 0, digit = 0;

    q->dnum = (q->num_primes + alpha - 1) / alpha;
    for (int i = 0; i < q->num_primes; i += alpha) {
        double sum = 0;

        for (int j = i; j < q->num_primes && j < i + alpha; j++)
            sum += (double)q->primes[j];
        digit = fmax(digit, sum);
        log_q += sum;
    }
    q->num_special = (int)ceil((digit + 1) / CKKS_SIMD_BITS);
    *least = log_q + q->num_special * (double)CKKS_SIMD_BITS;
    if (q->num_special > CKKS_MAX_SPECIAL || *least > limit)
        return false;
    for (int i = 0; i < q->num_special; i++)
        q->special[i] = CKKS_SIMD_BITS;
    q->fitted_special = 1;
    return true;
}

static bool same_sizes(const ckks_params *a, const ckks_params *b)
{
    return a->log_n == b->log_n && a->ring == b->ring
           && a->num_primes == b->num_primes
           && a->num_special == b->num_special && a->dnum == b->dnum
           && memcmp(a->primes, b->primes,
                     (size_t)a->num_primes * sizeof *a->primes) == 0
           && memcmp(a->special, b->special,
                     (size_t)a->num_special * sizeof *a->special) == 0;
}

ckks_status nni_find_primes(ckks_params *p, nni_search_state *with)
{
    const int count = with->num_found < NNI_FOUND ? with->num_found
                                                  : NNI_FOUND;
    nni_found *found;
    ckks_params made;
    ckks_status st;

    for (int i = 0; i < count; i++)
        if (same_sizes(p, &with->found[i].sizes)) {
            *p = with->found[i].primes;
            return CKKS_OK;
        }
    st = ckks_params_resolve(&made, p);
    if (st != CKKS_OK)
        return nn_relay(st, "nn_plan_make");
    found = &with->found[with->num_found++ % NNI_FOUND];
    *found = (nni_found){ *p, made };
    *p = made;
    return CKKS_OK;
}
