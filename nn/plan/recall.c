/* recall.c -- prices of one layout that are known: other primes of as many
 * levels and digits take the same seconds and bytes, and make other errors.
 *
 * Read first: search.h.
 */
#include <math.h>
#include <string.h>

#include "plan/search.h"

/* Whether key switching does the same at every level. */
static bool same_figures(const ckks_params *a, const ckks_params *b)
{
    bool same = a->num_primes == b->num_primes && a->dnum == b->dnum
                && a->num_special == b->num_special;

    for (int i = 0; i < a->num_primes && same; i++)
        same = ckks_params_special_at(a, i) == ckks_params_special_at(b, i);
    return same;
}

/* Whether what was found then holds within this bound, too: of a plan that was
 * beyond its bound it is known what it takes at least. */
static bool holds(const nni_priced *known, const nni_bound *bound)
{
    return known->bound.limit == bound->limit
           && (!known->beyond
               || (bound->seconds <= known->bound.seconds
                   && bound->bytes <= known->bound.bytes));
}

bool nni_recall(nn_plan *p, const nni_placed *placed, const nni_bound *bound,
                nni_search_state *with)
{
    const int count = with->num_priced < NNI_PRICED ? with->num_priced
                                                    : NNI_PRICED;

    for (int i = 0; i < count; i++) {
        const nn_plan *known = &with->priced[i].plan;
        nn_plan made;

        if (!holds(&with->priced[i], bound) || known->scratch != p->scratch
            || known->out_level != p->out_level
            || !same_figures(&known->params, &p->params))
            continue;
        made = *known;
        made.params = p->params;
        made.in_scale = p->in_scale;
        made.scale_bits = p->scale_bits;
        made.out_scale = p->out_scale;
        made.weights_loss = p->weights_loss;
        for (int k = 0; k < placed->num_stages; k++) {
            made.step[k].log_scale = log2(placed->stage[k].scale);
            made.step[k].error = nni_stage_error(placed, k, &made);
        }
        made.error_sd = nni_logit_error(placed, &made);
        *p = made;
        with->laid = !with->priced[i].beyond;
        return true;
    }
    return false;
}

void nni_remember(const nn_plan *p, const nni_bound *bound, bool beyond,
                  nni_search_state *with)
{
    with->priced[with->num_priced++ % NNI_PRICED] =
        (nni_priced){ *p, *bound, beyond };
}
