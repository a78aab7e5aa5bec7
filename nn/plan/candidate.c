/* candidate.c -- one way to lay out a network: rings and grid, forms of dense
 * layers, primes, digits.
 *
 * Read first: search.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/search.h"
#include "plan/worth.h"

static ckks_status choose_layout(nn_plan *p, const net *n, const nn_aim *aim,
                                 const nni_way *as)
{
    const int ring_y = as->ring_y, ring_x = as->ring_x;
    nn_layout *l = &p->layout;
    size_t fit;

    p->params.ring = as->real ? CKKS_RING_REAL : CKKS_RING_COMPLEX;
    *l = (nn_layout){ .ring_y = ring_y, .ring_x = ring_x,
                      .slots = nni_slots(&p->params) };
    l->height = nni_round_up(p->core_height + 2 * p->halo + n->margin, ring_y);
    l->width = nni_round_up(p->core_width + 2 * p->halo + n->margin, ring_x);
    if (as->matrices > 0 && (p->border == NN_VALID || p->border == NN_ZERO)) {
        l->height = ring_y * nni_power_above(l->height / ring_y);
        l->width = ring_x * nni_power_above(l->width / ring_x);
    }
    if (as->lanes)
        l->width = nni_round_up(l->width, n->max_gap);
    l->grid_y = l->height / ring_y;
    l->grid_x = l->width / ring_x;
    fit = l->slots / ((size_t)l->grid_y * (size_t)l->grid_x);
    if (fit == 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: a grid of %d x %d does not "
                       "fit %zu slots; a larger ring or N would", l->grid_y,
                       l->grid_x, l->slots);
    if (p->border == NN_VALID
        && (ring_y > p->core_height || ring_x > p->core_width))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: rings of %d x %d are larger "
                       "than the image, %d x %d", ring_y, ring_x,
                       p->core_height, p->core_width);
    if (as->lanes) {            /* as wide as patterns may be                */
        const size_t most = 64 / (size_t)n->max_gap;

        l->lanes = nni_power_above((int)(fit < most ? fit : most) / 2 + 1);
    }
    if (p->border == NN_WRAP
        && (l->height != p->core_height || l->width != p->core_width
            || (size_t)l->grid_y * (size_t)l->grid_x * (size_t)nni_cell(l)
                   != l->slots))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: border wrap needs a grid "
                       "that fills the slots: %d x %d is %d of %zu; use a "
                       "model with border halo, or N = 2^%.0f", l->grid_y,
                       l->grid_x, l->grid_y * l->grid_x, l->slots,
                       log2((as->real ? 1.0 : 2.0) * l->grid_y * l->grid_x));
    l->batch = (int)fit;
    if (p->border == NN_WRAP || as->lanes)
        l->batch = 1;
    if (aim->max_batch > 0 && l->batch > aim->max_batch)
        l->batch = aim->max_batch;
    if (aim->images > 0 && l->batch > aim->images)
        l->batch = aim->images;
    return CKKS_OK;
}

static nni_choice choice_of(const nn_plan *p, const net *n, nni_bits bits,
                            const nni_way *as)
{
    nni_choice c = { .layout = p->layout, .real = as->real, .bits = bits };
    int seen = 0;

    for (int k = 0; k < n->num_stages; k++)
        if (n->stage[k].dense && seen++ < as->matrices)
            c.neurons[k] = as->singles && seen == as->matrices
                               ? 1 : n->stage[k].channels;
    return c;
}

static ckks_status resolve(nn_plan *p, nni_placed *placed,
                           nni_search_state *with)
{
    const nni_placed_stage *last = &placed->stage[placed->num_stages - 1];
    ckks_status st = nni_find_primes(&p->params, with);

    if (st != CKKS_OK)
        return st;
    st = nni_set_scales(placed, p->params.primes);
    p->in_level = placed->image.level;
    p->in_scale = placed->image.scale;
    p->scale_bits = placed->bits.scale;
    p->out_level = placed->bits.out;
    p->out_scale = last->value_scale;
    p->out_gap = last->of->gap;
    p->out_channels = last->of->channels;
    p->out_neurons = last->neurons;
    p->out_column = last->column;
    return st;
}

/* The largest loss of weights of all stages. */
static double weights_loss(const nni_placed *p, nni_search_state *with)
{
    const int count = with->num_lost < NNI_FOUND ? with->num_lost : NNI_FOUND;
    nni_lost now = { .bits = p->bits, .lanes = p->layout.lanes > 0 };

    for (int k = 0; k < p->num_stages; k++)
        now.matrices += p->stage[k].neurons > 0;
    for (int i = 0; i < count; i++)
        if (memcmp(&with->lost[i].bits, &now.bits, sizeof now.bits) == 0
            && with->lost[i].lanes == now.lanes
            && with->lost[i].matrices == now.matrices)
            return with->lost[i].loss;
    for (int k = 0; k < p->num_stages; k++)
        now.loss = fmax(now.loss, nni_weights_loss(p, k));
    with->lost[with->num_lost++ % NNI_FOUND] = now;
    return now.loss;
}

/* Digits chosen: primes, levels, price, memory.  What is chosen is what is best
 * on one thread, so that it does not depend on their number.  *stage: as in
 * candidate. */
static ckks_status finish(nn_plan *p, nni_placed *placed, int *stage,
                          nni_search_state *with)
{
    ckks_status st = resolve(p, placed, with);

    if (st != CKKS_OK)
        return st;
    p->weights_loss = weights_loss(placed, with);
    *stage = 3;
    return nni_price_within(p, placed, with);
}

/* Whether a plan is kept before the best of other digits: found, such a one
 * was; slow, one that is not taken. */
static bool better_digits(const nn_plan *p, const nn_plan *best, bool found,
                          bool slow, const nni_search_state *with)
{
    if (with->slow)
        return !found && !slow;
    return !found || p->seconds < NNI_WORTH_DIGITS * best->seconds;
}

/* All sizes of digits of a network that is placed.  Once smaller digits take
 * longer, none is tried that is smaller still. */
static ckks_status try_digits(nn_plan *best, nn_plan *p, int *stage,
                              nni_search_state *with, nni_placed *placed)
{
    const nn_plan laid = *p;
    const int primes = placed->image.level + 1;
    ckks_status why = CKKS_EPARAM, st;
    bool found = false, slow = false;
    double least = 0;

    with->enough = HUGE_VAL;
    for (int dnum = 1, alpha = 0; dnum <= primes; dnum++) {
        const int before = alpha;

        alpha = (primes + dnum - 1) / dnum;
        if (alpha == before)
            continue;
        *p = laid;
        nni_choose_primes(&p->params, placed);
        if (!nni_choose_special(&p->params, &least, alpha))
            continue;
        *stage = *stage < 2 ? 2 : *stage;
        st = finish(p, placed, stage, with);
        if (st == CKKS_EMEM)
            return st;
        if (st == CKKS_OK && found && p->seconds > best->seconds)
            return CKKS_OK;
        if (st == CKKS_OK && better_digits(p, best, found, slow, with))
            *best = *p;
        found |= st == CKKS_OK && !with->slow;
        if (found)
            with->enough = NNI_WORTH_DIGITS * best->seconds;
        slow |= st == CKKS_OK && with->slow;
        why = st == CKKS_OK ? why : st;
        if (with->hopeless)
            break;
    }
    if (*stage == 1)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: depth %d with primes of %d "
                       "bits needs log2(QP) %.0f; at N = 2^%d and %d bits of "
                       "security it may be %d", primes - 1, placed->bits.layer,
                       least, laid.params.log_n, laid.params.security,
                       ckks_max_log_qp(laid.params.log_n,
                                       laid.params.security));
    return found || slow ? CKKS_OK : why;
}

ckks_status nni_candidate(nn_plan *best, nn_plan *p, int *stage,
                          nni_search_state *with, nni_bits bits,
                          const nni_way *as)
{
    nni_placed placed = { 0 };
    nni_choice c;
    ckks_status st = choose_layout(p, with->net, with->aim, as);

    if (st != CKKS_OK)
        return st;
    c = choice_of(p, with->net, bits, as);
    st = nni_place(&placed, with->net, &c, NULL);
    if (st != CKKS_OK)
        return st;
    *stage = 1;
    with->hopeless = false;
    if (placed.image.level + 1 > CKKS_MAX_PRIMES)
        st = nn_fail(CKKS_EPARAM, "nn_plan_make: depth %d, more than %d",
                     placed.image.level, CKKS_MAX_PRIMES - 1);
    else
        st = try_digits(best, p, stage, with, &placed);
    nni_placed_clear(&placed);
    return st;
}
