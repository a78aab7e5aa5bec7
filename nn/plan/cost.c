/* cost.c -- what libckks does for a call, and what that takes.
 *
 * Read first: cost.h, docs/performance.md.
 */
#include <math.h>

#include "plan/cost.h"

nni_figures nni_figures_of(const ckks_params *p)
{
    nni_figures f = { .params = p, .limb = ldexp(8, p->log_n),
                      .row = ldexp(8 + 8.0 / 64, p->log_n) + 64,
                      .alpha = (p->num_primes + p->dnum - 1) / p->dnum };

    for (int i = 0; i < p->num_primes; i++)
        f.specials[i] = ckks_params_special_at(p, i);
    return f;
}

int nni_prime_bits(uint64_t entry)
{
    int bits = 0;

    if (entry <= CKKS_MAX_BITS)
        return (int)entry;
    while (bits < 64 && entry >> bits > 0)
        bits++;
    return bits;
}

double nni_key_row(const nni_figures *f, int i)
{
    const ckks_params *p = f->params;
    const uint64_t entry = i < p->num_primes
                               ? p->primes[i] : p->special[i - p->num_primes];
    const double n = ldexp(1, p->log_n);

    return 64 * ceil((n * nni_word_bytes(entry) + n / 8) / 64) + 64;
}

int nni_digits(const nni_figures *f, int level)
{
    return level / f->alpha + 1;
}

void nni_switch_work(nni_work *w, const nni_figures *f, const nn_switching *s,
                     double times)
{
    const int specials = f->specials[s->level];
    const double limbs = s->level + 1, all = limbs + specials;
    const double gone = specials + s->rescaled;
    const double kept = limbs - s->rescaled, halves = 2 * s->pairs * times;
    const double digits = nni_digits(f, s->level);
    double terms = 0;

    for (int i = 0; i <= s->level; i += f->alpha) {
        double len = fmin(f->alpha, limbs - i);

        terms += len * (all - len);
    }
    if (specials < f->params->num_special)      /* x / R                     */
        w->limbs[NN_PASS] += 2 * limbs * s->xs * times;
    w->limbs[NN_INVERSE] += limbs * s->xs * times;
    w->limbs[NN_CONVERT] += (limbs + terms) * s->xs * times;
    w->limbs[NN_FORWARD] += (digits * all - limbs) * s->xs * times;
    w->limbs[NN_INNER] += digits * all * s->terms * times;
    w->limbs[NN_INVERSE] += gone * halves;
    w->limbs[NN_CONVERT] += (gone + gone * kept) * halves;
    w->limbs[NN_FORWARD] += kept * halves;
    w->limbs[NN_PASS] += kept * halves + limbs * s->adds * times;
    w->limbs[NN_PERMUTE] += limbs * s->turns * times;
}

void nni_rescale_work(nni_work *w, double limbs, double parts, double times)
{
    const double all = parts * times;

    w->limbs[NN_INVERSE] += all;
    w->limbs[NN_FORWARD] += (limbs - 1) * all;
    w->limbs[NN_CONVERT] += limbs * all;
    w->limbs[NN_PASS] += (2 + 2 * (limbs - 1)) * all;
}

double nni_switch_scratch(const nni_figures *f, const nn_switching *s,
                          int threads)
{
    const int specials = f->specials[s->level];
    const int scaled = specials < f->params->num_special;
    const double digits = nni_digits(f, s->level);
    /* hoisted ones have a sink each, and sums of up to eight are kept */
    const double sums = s->pairs > 1 ? fmin(8, s->pairs) : 1;

    return s->xs * ((s->level + 1) * (1 + scaled) + digits)
           + 2 * s->pairs * (specials + s->rescaled + 1)
           + threads * (4 * (digits + 1 + 2 * sums) + 1);
}

double nni_work_seconds(const nni_work *w, const nni_figures *f,
                        const nn_machine *m)
{
    const ckks_params *p = f->params;
    const double layers = p->log_n + (p->ring == CKKS_RING_REAL);
    double sum = 0;

    for (int i = 0; i < NN_COSTS; i++) {
        const bool ntt = i == NN_FORWARD || i == NN_INVERSE;

        sum += w->limbs[i] * (ntt ? 0.5 * layers : 1) * m->cost[i];
    }
    return sum * ldexp(1, p->log_n);
}

double nn_switch_seconds(const nn_switching *s, const ckks_params *p,
                         const nn_machine *machine)
{
    const nni_figures f = nni_figures_of(p);
    nni_work w = { { 0 } };

    nni_switch_work(&w, &f, s, 1);
    return nni_work_seconds(&w, &f, machine);
}
