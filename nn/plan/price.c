/* price.c -- a placed network's stages, one after the other: inputs or sums
 * rotated, and what that takes.
 *
 * Read first: price.h, docs/performance.md.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/bounds.h"
#include "plan/price.h"
#include "plan/worth.h"

/* Less than bounds by a little: they are summed in another order. */
static const double SURELY = 1 - 1e-9;

/* What all stages have in common. */
typedef struct pricing {
    bool choose;                /* what is rotated; else as the plan says    */
    const nni_placed *placed;
    nni_maps *maps;
    nn_plan *p;
    nni_figures figures;        /* of its parameters                         */
    const nn_machine *machine;
    int threads;
    double high;                /* bytes that have been in use at once       */
    const nni_bound *bound;
    double alive[NN_MAX_STEPS]; /* bytes when a stage begins, with tables and
                                   keys                                      */
    double least[NN_MAX_STEPS]; /* seconds that it takes at least            */
} pricing;

/* Stage k, inputs or sums rotated. */
static ckks_status count_way(nni_count *out, const pricing *with, int k,
                             bool by_inputs)
{
    const bool matrix = with->placed->stage[k].neurons > 0;
    nni_schedule s;
    ckks_status st = nni_schedule_init(&s, with->placed, k,
                                       matrix ? NULL : &with->maps->map[k],
                                       by_inputs, with->placed->net->name);

    if (st != CKKS_OK)
        return st;
    *out = nni_count_of(&with->p->params, with->machine, with->threads,
                        with->alive[k]);
    out->sampled = nni_alike(&s);
    st = nni_count_stage(out, &s);
    nni_schedule_clear(&s);
    return st;
}

/* Seconds of memory never used before. */
static double fresh(const pricing *with, const nni_count *c)
{
    return fmax(0, c->peak - with->high) / 8 * with->machine->cost[NN_FRESH];
}

/* Whether inputs are rotated rather than sums: if that takes less time, and
 * less by NNI_WORTH_BYTES if it needs more memory, by NNI_WORTH_MEMORY if it
 * needs more by NNI_MUCH and more than any stage before; what does not fit only
 * if the other needs more. */
static bool better(const pricing *with, const nni_count *inputs,
                   const nni_count *sums)
{
    const double worth = inputs->peak <= sums->peak ? 1
                         : inputs->peak <= fmax(NNI_MUCH * sums->peak,
                                                with->high)
                             ? NNI_WORTH_BYTES : NNI_WORTH_MEMORY;

    if (inputs->peak > with->bound->limit || sums->peak > with->bound->limit)
        return inputs->peak < sums->peak;
    return inputs->seconds + fresh(with, inputs)
           < worth * (sums->seconds + fresh(with, sums));
}

/* So much work takes at least that long, of all threads. */
static double seconds_of(const pricing *with, const nni_work *w)
{
    return SURELY * nni_work_seconds(w, &with->figures, with->machine)
           / with->threads;
}

/* What stage k takes at least with its inputs or its sums rotated. */
static ckks_status least_of(double *inputs, double *sums, const pricing *with,
                            int k)
{
    const nni_map *map = &with->maps->map[k];
    nni_work w[2] = { { { 0 } }, { { 0 } } };
    nni_turning t;
    ckks_status st = nni_turning_of(&t, with->placed, k, map);

    if (st != CKKS_OK)
        return st;
    nni_least_work(&w[0], &with->figures, with->placed, k, with->maps);
    w[1] = w[0];
    nni_inputs_work(&w[0], &with->figures, with->placed->stage[k].level, &t);
    nni_sums_work(&w[1], &with->figures, with->placed->stage[k].level, map);
    *inputs = seconds_of(with, &w[0]);
    *sums = seconds_of(with, &w[1]);
    return CKKS_OK;
}

/* Whether inputs are rotated in any case: they fit, and sums take longer than
 * the memory is worth that they may save. */
static bool surely_inputs(const pricing *with, int k, const nni_count *inputs,
                          double sums)
{
    const double held = with->alive[k];                 /* sums hold more    */
    const double worth = inputs->peak <= fmax(NNI_MUCH * held, with->high)
                             ? NNI_WORTH_BYTES : NNI_WORTH_MEMORY;

    return inputs->peak <= with->bound->limit
           && inputs->seconds + fresh(with, inputs) < worth * sums;
}

/* Whether sums are: they fit, and inputs take longer. */
static bool surely_sums(const pricing *with, const nni_count *sums,
                        double inputs)
{
    return sums->peak <= with->bound->limit
           && sums->seconds + fresh(with, sums) <= inputs;
}

/* Counts stage k, whose inputs or sums are rotated: *by_inputs, which.  What
 * may take less comes first: mostly the other then need not be counted. */
static ckks_status count_either(nni_count *out, bool *by_inputs,
                                const pricing *with, int k)
{
    double least_inputs, least_sums;
    nni_count sums;
    bool first;
    ckks_status st = least_of(&least_inputs, &least_sums, with, k);

    if (st != CKKS_OK)
        return st;
    first = least_inputs < least_sums;
    st = count_way(first ? out : &sums, with, k, first);
    *by_inputs = st == CKKS_OK && first
                 && surely_inputs(with, k, out, least_sums);
    if (st != CKKS_OK || *by_inputs)
        return st;
    if (!first && surely_sums(with, &sums, least_inputs)) {
        *out = sums;
        return st;
    }
    st = count_way(first ? &sums : out, with, k, !first);
    *by_inputs = st == CKKS_OK && better(with, out, &sums);
    if (!*by_inputs)
        *out = sums;
    return st;
}

/* Counts stage k as it will be run; which way is written into *s. */
static ckks_status count_stage(nni_count *out, nn_step *s, const pricing *with,
                               int k)
{
    const nni_placed_stage *stage = &with->placed->stage[k];
    const bool either = stage->neurons == 0 && !stage->masked
                        && !stage->alternating && stage->period == 0
                        && with->choose && nni_map_turns(&with->maps->map[k]);
    ckks_status st = either ? count_either(out, &s->rotate_inputs, with, k)
                            : count_way(out, with, k, s->rotate_inputs);

    if (with->choose && stage->masked)
        s->rotate_inputs = out->tally.calls[NNI_HOIST] > 0;
    return st;
}

/* Size of a step's map: of the layout's, where the model's has no end. */
static int step_side(int layout, int side, int gap)
{
    if (side > 0)
        return side;
    return gap > 0 ? (layout + gap - 1) / gap : 1;
}

static ckks_status price_stage(pricing *with, int k)
{
    const nni_placed_stage *s = &with->placed->stage[k];
    const nn_layout *l = &with->p->layout;
    nn_step st = { .square = s->of->square, .level = s->level,
                   .rotate_inputs = !with->choose
                                    && with->p->step[k].rotate_inputs,
                   .channels = s->of->channels, .neurons = s->neurons };
    nni_count c;
    ckks_status status = count_stage(&c, &st, with, k);

    if (status != CKKS_OK)
        return status;
    memcpy(st.name, s->of->name, sizeof st.name);
    st.log_scale = log2(s->scale);
    st.height = step_side(l->height, s->of->height, s->of->gap);
    st.width = step_side(l->width, s->of->width, s->of->gap);
    st.ciphertexts = s->neurons > 0 ? s->planes : 0;
    for (int i = 0; i < with->maps->map[k].num_phases; i++)
        st.ciphertexts += with->maps->map[k].phase[i].live ? s->planes : 0;
    st.rotations = (long)c.tally.rotations;
    st.relins = (long)c.tally.relins;
    st.products = c.tally.products;
    st.seconds = c.seconds + fresh(with, &c);
    st.bytes = c.peak;
    st.error = nni_stage_error(with->placed, k, with->p);
    with->p->fresh_seconds += fresh(with, &c);
    with->p->seconds += st.seconds;
    with->high = fmax(with->high, c.peak);
    with->p->step[k] = st;
    return CKKS_OK;
}

/* ---- all stages ---------------------------------------------------------- */

/* What stages take at least, whatever is rotated, into `least`; all of them. */
static double least_seconds(pricing *with)
{
    double sum = 0;

    for (int k = 0; k < with->placed->num_stages; k++) {
        nni_work w = { { 0 } };

        nni_least_work(&w, &with->figures, with->placed, k, with->maps);
        with->least[k] = seconds_of(with, &w);
        sum += with->least[k];
    }
    return sum;
}

/* Whether the plan is beyond its bound: seconds so far, and those that are left
 * at least.  Then these are its seconds. */
static bool beyond(pricing *with, double left)
{
    nn_plan *p = with->p;

    if (p->seconds - p->fresh_seconds + left > with->bound->seconds) {
        p->seconds += left;
        return true;
    }
    return with->high > with->bound->bytes;
}

/* Before maps are made, so without keys. */
static bool beyond_at_once(pricing *with)
{
    double base;

    with->p->num_keys = 0;
    base = nni_base_bytes(with->p, with->machine)
           + nni_encoded_bytes(with->p, with->placed);
    nni_alive_bytes(with->alive, with->maps, with->placed, with->p);
    for (int k = 0; k < with->placed->num_stages; k++) {
        with->alive[k] += base;
        with->high = fmax(with->high, with->alive[k]);
    }
    return beyond(with, with->bound->seconds < HUGE_VAL ? least_seconds(with)
                                                        : 0);
}

/* Adds weights and keys to what is alive: all keys; where memory is limited,
 * those that a stage holds if they are read as stages need them. */
static void add_weights_and_keys(pricing *with)
{
    const double floats = nni_floats_bytes(with->placed);
    const ckks_params *q = &with->p->params;
    const double all = nni_keys_bytes(q, with->p->key, with->p->num_keys);
    ckks_key_request key[NN_MAX_KEYS];

    for (int k = 0; k < with->placed->num_stages; k++)
        with->alive[k] += floats
                          + nni_integers_bytes(with->placed, k, with->maps)
                          + (with->bound->limit < HUGE_VAL
                                 ? nni_keys_bytes(q, key,
                                                  nni_held_at(
                                                      key, &with->maps->held,
                                                      k))
                                 : all);
}

/* least: known, with maps. */
static ckks_status price_stages(pricing *with)
{
    ckks_status st = nni_list_keys(with->p, with->placed, with->maps);
    double left = 0;

    if (st != CKKS_OK)
        return st;
    add_weights_and_keys(with);
    with->high = with->alive[0];
    for (int k = 0; k < with->placed->num_stages; k++)
        left += with->least[k];
    for (int k = 0; k < with->placed->num_stages && st == CKKS_OK
                    && !beyond(with, left); k++) {
        st = price_stage(with, k);
        left -= with->least[k];
    }
    return st;
}

ckks_status nni_price(nn_plan *p, const nni_placed *placed, nni_maps *maps,
                      bool choose, const nn_machine *machine, int threads,
                      const nni_bound *bound)
{
    static const nni_bound none = { HUGE_VAL, HUGE_VAL, HUGE_VAL };
    pricing with = { .choose = choose, .placed = placed, .p = p,
                     .maps = maps, .figures = nni_figures_of(&p->params),
                     .machine = machine, .threads = threads > 0 ? threads : 1,
                     .bound = bound == NULL ? &none : bound };
    ckks_status st = CKKS_OK;

    p->num_steps = placed->num_stages;
    p->keys_by_stage = false;   /* unless memory is laid out                 */
    p->seconds = p->fresh_seconds = p->scratch_bytes = p->scratch_moved = 0;
    if (!beyond_at_once(&with)) {
        st = nni_maps_make(maps, placed);
        if (st == CKKS_OK && !beyond(&with, least_seconds(&with)))
            st = price_stages(&with);
    }
    p->error_sd = nni_logit_error(placed, p);
    p->peak_bytes = with.high;
    p->threads = with.threads;
    memcpy(p->kernel, machine->kernel, sizeof p->kernel);
    return st;
}
