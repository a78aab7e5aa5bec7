/* totals.c -- bytes that are sent, and security: what follows from a plan's
 * parameters and keys.
 *
 * Read first: price.h.
 */
#include <math.h>

#include "plan/price.h"

/* Bits of the primes up to a level, each rounded up as in files. */
static double packed_bits(const nn_plan *p, int level)
{
    double bits = 0;

    for (int i = 0; i <= level; i++)
        bits += nni_prime_bits(p->params.primes[i]);
    return bits;
}

void nni_totals(nn_plan *p)
{
    const double limb = ldexp(1, p->params.log_n) / 8;
    const nni_figures f = nni_figures_of(&p->params);
    double special = 0;

    p->log_qp = 0;
    for (int i = 0; i < p->params.num_primes; i++)
        p->log_qp += log2((double)p->params.primes[i]);
    for (int i = 0; i < p->params.num_special; i++)
        special += log2((double)p->params.special[i]);
    p->log_qp += special;
    p->security_bits = ckks_security_estimate(p->params.log_n, p->log_qp);
    p->upload_bytes = nn_plan_inputs(p) * packed_bits(p, p->in_level) * limb;
    p->download_bytes = nn_plan_outputs(p) * 2
                        * packed_bits(p, p->out_level) * limb;
    p->key_bytes = 0;
    for (size_t i = 0; i < p->num_keys; i++) {
        double row = special;

        for (int j = 0; j <= p->key[i].level; j++)
            row += log2((double)p->params.primes[j]);
        p->key_bytes += nni_digits(&f, p->key[i].level) * row * limb;
    }
}
