/* candidate.c -- one way to lay out a network: rings and grid, forms of dense
 * layers, primes, digits; priced, and refused if it does not fit.
 *
 * Read first: search.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/search.h"
#include "plan/worth.h"

enum { SMALLEST_PART = 64 };            /* of the memory, a form that is filed */

/* The primes of a depth, as sizes. */
static void choose_primes(ckks_params *q, const nni_placed *p)
{
    const int depth = p->image.level;

    q->num_primes = depth + 1;
    for (int i = 0; i <= depth; i++)
        q->primes[i] = (uint64_t)nni_level_bits(p, i);
}

/* The special primes that digits of alpha primes need; false: they do not fit
 * under the security limit.  *least: log2(QP) then. */
static bool choose_special(ckks_params *q, double *least, int alpha)
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

static ckks_status resolve(nn_plan *p, nni_placed *placed)
{
    const nni_placed_stage *last = &placed->stage[placed->num_stages - 1];
    ckks_status st = ckks_params_resolve(&p->params, &p->params);

    if (st != CKKS_OK)
        return nn_relay(st, "nn_plan_make");
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

/* The number among those that decide on a pixel or image that has the least
 * size: a logit, or what parts a label from the others.  *label: whose it is;
 * of a logit -1. */
static double least_size(int *label, const nn_model *m)
{
    double least = m->layer[m->output].range.rms;

    *label = -1;
    for (int k = 0; k < m->num_labels; k++)
        if (k == 0 || m->label_margin[k] < least) {
            least = m->label_margin[k];
            *label = k;
        }
    return least;
}

/* A result that says nothing is no plan. */
static ckks_status check_error(const nn_plan *p, const nn_model *m)
{
    int label;
    const double rms = least_size(&label, m);

    if (!(p->error_sd > NNI_ERROR_USELESS * rms))
        return CKKS_OK;
    if (label >= 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: label %d (%s) is parted "
                       "from the others by logits of the size %.3g (rms), and "
                       "differences of logits would have an error of %.3g "
                       "(sd), more than %g of it: the result would say "
                       "nothing; smaller gains (docs/model.md) or fewer levels "
                       "would help", label, m->label_name[label], rms,
                       p->error_sd, NNI_ERROR_USELESS);
    return nn_fail(CKKS_EPARAM, "nn_plan_make: logits of the size %.3g (rms) "
                   "would have an error of %.3g (sd), more than %g of it: the "
                   "result would say nothing; smaller gains (docs/model.md) or "
                   "fewer levels would help", rms, p->error_sd,
                   NNI_ERROR_USELESS);
}

static bool fits(const nn_plan *p, const nn_aim *aim)
{
    return aim->max_memory == 0
           || (p->peak_bytes <= (double)aim->max_memory
               && p->scratch_bytes <= (double)aim->max_scratch);
}

static ckks_status check_memory(const nn_plan *p, nni_search_state *with)
{
    const double most = (double)with->aim->max_memory;
    const double keys = nni_base_bytes(p, &with->widest);

    if (fits(p, with->aim))
        return CKKS_OK;
    if (p->peak_bytes <= most)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: needs a scratch file of "
                       "%.0f MiB, allowed are %.0f",
                       ceil(p->scratch_bytes / 1048576),
                       (double)with->aim->max_scratch / 1048576);
    if (p->peak_bytes < with->least_bytes)
        with->least_bytes = p->peak_bytes;
    /* other primes and digits make other keys, and hardly anything else */
    with->hopeless = p->peak_bytes - keys > most
                     && p->peak_bytes - 0.75 * keys >= with->least_bytes;
    return nn_fail(CKKS_EPARAM, "nn_plan_make: needs %.0f MiB, allowed are "
                   "%.0f", ceil(p->peak_bytes / 1048576), most / 1048576);
}

/* How many seconds a set may take for a plan to be of interest still: half as
 * many again as what is best. */
static nni_bound bound_of(const nn_plan *p, const nni_search_state *with)
{
    const nn_aim *aim = with->aim;
    const int batch = p->layout.batch;
    const double sets = aim->images == 0 ? 1
                        : aim->images == NN_MANY
                            ? 1.0 / batch
                            : (aim->images + batch - 1) / batch;

    const double limit = aim->max_memory == 0 ? HUGE_VAL
                                              : (double)aim->max_memory;

    return (nni_bound){ NNI_WORTH_LOOK * with->worth / sets,
                        limit == HUGE_VAL ? limit
                                          : fmax(limit, with->least_bytes),
                        limit };
}

/* Price, and where memory counts the bytes as they are laid out. */
static ckks_status price_anew(nn_plan *p, nni_placed *placed,
                              const nni_bound *bound, nni_search_state *with)
{
    const nn_aim *aim = with->aim;
    ckks_status st = nni_price(p, placed, true, with->machine, 1, bound);

    if (st == CKKS_OK && aim->max_memory > 0 && aim->threads > 1)
        st = nni_price(p, placed, false, with->machine, aim->threads, bound);
    if (st == CKKS_OK && aim->max_memory > 0 && p->peak_bytes <= bound->bytes)
        st = nni_lay_out(p, placed, &with->widest, aim->threads, NULL);
    if (st == CKKS_OK)
        nni_remember(p, bound->limit, with);
    return st;
}

static ckks_status price_within(nn_plan *p, nni_placed *placed,
                                const nni_bound *bound, nni_search_state *with)
{
    ckks_status st = CKKS_OK;

    if (!nni_recall(p, placed, bound->limit, with))
        st = price_anew(p, placed, bound, with);
    return st == CKKS_OK ? check_error(p, with->model) : st;
}

/* Forms go to the scratch file, the largest first, until the rest fits. */
static ckks_status use_scratch(nn_plan *p, nni_placed *placed,
                               nni_search_state *with)
{
    const int memory = (int)(with->aim->max_memory >> 20);
    nni_bound bound = bound_of(p, with);
    ckks_status st = CKKS_OK;

    bound.bytes = bound.limit;
    for (int part = 2; part <= SMALLEST_PART && st == CKKS_OK
                       && !fits(p, with->aim); part *= 2) {
        p->scratch = memory / part > 0 ? memory / part : 1;
        if (nni_set_filed(placed, p->scratch))
            st = price_within(p, placed, &bound, with);
    }
    return st;
}

/* Digits chosen: primes, levels, price, memory.  What is chosen is what is best
 * on one thread, so that it does not depend on their number.  What does not
 * fit as laid out, though it seemed to while it was priced, is tried once more
 * with less memory everywhere.  *stage: as in candidate. */
static ckks_status finish(nn_plan *p, nni_placed *placed, int *stage,
                          nni_search_state *with)
{
    nni_bound bound = bound_of(p, with);
    ckks_status st = resolve(p, placed);

    if (st != CKKS_OK)
        return st;
    *stage = 3;
    (void)nni_set_filed(placed, p->scratch);
    st = price_within(p, placed, &bound, with);
    if (st == CKKS_OK && !fits(p, with->aim)) {
        bound.limit = 0;
        st = price_within(p, placed, &bound, with);
    }
    if (st == CKKS_OK && !fits(p, with->aim) && with->aim->max_scratch > 0)
        st = use_scratch(p, placed, with);
    return st == CKKS_OK ? check_memory(p, with) : st;
}

/* All sizes of digits of a network that is placed. */
static ckks_status try_digits(nn_plan *best, nn_plan *p, int *stage,
                              nni_search_state *with, nni_placed *placed)
{
    const nn_plan laid = *p;
    const int primes = placed->image.level + 1;
    ckks_status why = CKKS_EPARAM, st;
    bool found = false;
    double least = 0;

    for (int dnum = 1, alpha = 0; dnum <= primes; dnum++) {
        const int before = alpha;

        alpha = (primes + dnum - 1) / dnum;
        if (alpha == before)
            continue;
        *p = laid;
        choose_primes(&p->params, placed);
        if (!choose_special(&p->params, &least, alpha))
            continue;
        *stage = *stage < 2 ? 2 : *stage;
        st = finish(p, placed, stage, with);
        if (st == CKKS_EMEM)
            return st;
        if (st == CKKS_OK
            && (nni_worth(p, with->aim) > NNI_WORTH_LOOK * with->worth
                || (found && p->seconds > best->seconds))) {
            if (!found)
                *best = *p;
            return CKKS_OK;     /* smaller digits will not make up for it    */
        }
        if (st == CKKS_OK
            && (!found || p->seconds < NNI_WORTH_DIGITS * best->seconds))
            *best = *p;
        found |= st == CKKS_OK;
        why = st;
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
    return found ? CKKS_OK : why;
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

double nni_worth(const nn_plan *p, const nn_aim *aim)
{
    const double again = p->seconds - p->fresh_seconds;
    const int batch = p->layout.batch;

    if (aim->images == 0)
        return p->seconds;
    if (aim->images == NN_MANY)
        return again / batch;
    return p->fresh_seconds
           + again * ((aim->images + batch - 1) / batch);
}

double nni_coarse(const nn_plan *p, const nn_model *m)
{
    int label;

    return p->layout.lanes > 0 && m->num_classes == 0
                   && p->error_sd > NNI_ERROR_LANES * least_size(&label, m)
               ? NNI_WORTH_LANES : 1;
}

double nni_excess(const nn_plan *p, const nn_model *m)
{
    const nn_layer *out = &m->layer[m->output];
    const double share = m->num_classes == 0 ? NNI_ERROR_MASK
                         : out->channels > 1 ? NNI_ERROR_CLASSES
                                             : NNI_ERROR_LOGIT;
    int label;
    const double may = share * least_size(&label, m);

    return may > 0 && p->error_sd > may ? p->error_sd / may : 1;
}
