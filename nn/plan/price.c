/* price.c -- a placed network's stages, one after the other: inputs or sums
 * rotated, and what that takes.
 *
 * Read first: price.h, docs/performance.md.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/price.h"
#include "plan/worth.h"

/* What all stages have in common. */
typedef struct pricing {
    bool choose;                /* what is rotated; else as the plan says    */
    const nni_placed *placed;
    const nni_map *map;
    nn_plan *p;
    const nn_machine *machine;
    int threads;
    bool sampled;               /* nni_count's                               */
    double base;                /* bytes of keys and tables                  */
    double high;                /* bytes that have been in use at once       */
    double limit;               /* what there are; HUGE_VAL: any number      */
} pricing;

double nni_base_bytes(const nn_plan *p, const nn_machine *machine)
{
    const nni_figures f = nni_figures_of(&p->params);
    const ckks_params *c = &p->params;
    /* of roots and companions, forward and back */
    const double roots = strcmp(machine->kernel, "avx2") == 0
                                 || strcmp(machine->kernel, "fma2") == 0
                             ? 2 : 4;
    double limbs = roots * (c->num_primes + c->num_special) + 2;

    for (size_t i = 0; i < p->num_keys; i++) {
        const int level = p->key[i].level;

        limbs += 2.0 * nni_digits(&f, level) * (level + 1 + c->num_special);
        if (p->key[i].kind != CKKS_KEY_RELIN)
            limbs += 0.5;       /* the permutation                           */
    }
    return limbs * f.limb;
}

/* Plaintexts of matrices, which are encoded once. */
static double encoded_bytes(const nn_plan *p, const nni_placed *placed)
{
    double limbs = 0;

    for (int k = 0; k < placed->num_stages; k++) {
        const nni_placed_stage *s = &placed->stage[k];
        nni_matrix x;

        if (s->neurons == 0)
            continue;
        x = nni_matrix_of(placed, k);
        limbs += (double)x.inputs * x.count * x.outputs * (s->level + 1)
                 + x.outputs * (s->level + 1.0 - s->extra);
    }
    return limbs * ldexp(8, p->params.log_n);
}

/* Ciphertexts of a form of stage k that hold pixels, of its first phases. */
static double live_count(const nni_placed *p, int k, const nni_out *o,
                         int phases)
{
    const nni_size size = nni_stage_size(p->stage[k].of);
    const nni_means end = nni_means_after(&size, o->pool, &p->layout,
                                          nni_turns(&size, o->pool,
                                                    &p->layout));
    double live = 0;
    int y, x;

    for (int i = 0; i < phases; i++)
        live += nni_means_at(&y, &x, &end, &p->layout, i);
    return live * p->stage[k].planes;
}

/* Bytes of the tensors that are there when stage k begins. */
static double alive_bytes(const pricing *with, int k)
{
    const nni_placed *p = with->placed;
    double limbs = 0;

    if (k <= p->image.last_reader)
        limbs += 2.0 * (p->image.level + 1) * nn_plan_inputs(with->p);
    for (int j = 0; j < k; j++)
        for (int i = 0; i < p->stage[j].num_outs; i++) {
            const nni_out *o = &p->stage[j].out[i];

            if (o->last_reader >= k)
                limbs += 2.0 * (o->level + 1) * live_count(p, j, o, o->filed);
        }
    return limbs * ldexp(8, with->p->params.log_n);
}

/* Stage k, inputs or sums rotated. */
static ckks_status count_way(nni_count *out, const pricing *with, int k,
                             bool by_inputs)
{
    const bool matrix = with->placed->stage[k].neurons > 0;
    nni_schedule s;
    ckks_status st = nni_schedule_init(&s, with->placed, k,
                                       matrix ? NULL : &with->map[k],
                                       by_inputs, with->placed->net->name);

    if (st != CKKS_OK)
        return st;
    *out = nni_count_of(&with->p->params, with->machine, with->threads,
                        with->base + alive_bytes(with, k));
    out->sampled = with->sampled && nni_alike(&s);
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

    if (inputs->peak > with->limit || sums->peak > with->limit)
        return inputs->peak < sums->peak;
    return inputs->seconds + fresh(with, inputs)
           < worth * (sums->seconds + fresh(with, sums));
}

/* Counts stage k as it will be run; which way is written into *s. */
static ckks_status count_stage(nni_count *out, nn_step *s, const pricing *with,
                               int k)
{
    const nni_placed_stage *stage = &with->placed->stage[k];
    const bool either = stage->neurons == 0 && !stage->masked
                        && !stage->alternating && stage->period == 0
                        && with->choose;
    nni_count inputs, sums;
    ckks_status st;

    if (!either)
        st = count_way(out, with, k, s->rotate_inputs);
    else {
        st = count_way(&sums, with, k, false);
        if (st == CKKS_OK && sums.tally.rotations > 0)
            st = count_way(&inputs, with, k, true);
        s->rotate_inputs = st == CKKS_OK && sums.tally.rotations > 0
                           && inputs.tally.calls[NNI_HOIST] > 0
                           && better(with, &inputs, &sums);
        *out = s->rotate_inputs ? inputs : sums;
    }
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
    for (int i = 0; i < with->map[k].num_phases; i++)
        st.ciphertexts += with->map[k].phase[i].live ? s->planes : 0;
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

/* The maps of all stages, without weights; clear them in any case. */
static ckks_status maps_init(nni_map **out, const nni_placed *p)
{
    ckks_status st = CKKS_OK;

    *out = calloc((size_t)p->num_stages, sizeof **out);
    if (*out == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %d maps", p->net->name,
                       p->num_stages);
    for (int k = 0; k < p->num_stages && st == CKKS_OK; k++)
        st = nni_map_init(&(*out)[k], p, k, false);
    return st;
}

static void maps_clear(nni_map *map, const nni_placed *p)
{
    for (int k = 0; map != NULL && k < p->num_stages; k++)
        nni_map_clear(&map[k]);
    free(map);
}

/* Seconds that products and relinearisations alone take: no way to run the
 * network takes less. */
static double least_seconds(const pricing *with)
{
    const nni_figures f = nni_figures_of(&with->p->params);
    nni_work w = { { 0 } };

    for (int k = 0; k < with->placed->num_stages; k++) {
        const nni_placed_stage *s = &with->placed->stage[k];
        const double each = 2.0 * (s->level + 1)
                            * (with->map[k].channels / s->of->groups);

        for (int i = 0; i < with->map[k].num_phases; i++)
            w.limbs[NN_TERM] += each * with->map[k].phase[i].terms;
        for (int i = 0; i < s->num_outs; i++) {
            const nn_switching relin = { .level = s->out[i].level + 1,
                                         .xs = 1, .terms = 1, .pairs = 1,
                                         .adds = 2, .rescaled = true };

            if (s->of->square && s->of->linear == NULL)
                nni_switch_work(&w, &f, &relin,
                                live_count(with->placed, k, &s->out[i],
                                       nni_out_phases(s->of, &s->out[i],
                                                      &with->placed->layout)));
        }
    }
    return nni_work_seconds(&w, &f, with->machine);
}

ckks_status nni_price(nn_plan *p, const nni_placed *placed, bool choose,
                      const nn_machine *machine, int threads,
                      const nni_bound *bound)
{
    pricing with = { .choose = choose, .placed = placed, .p = p,
                     .machine = machine, .threads = threads > 0 ? threads : 1,
                     .sampled = true,
                     .limit = bound == NULL ? HUGE_VAL : bound->limit };
    bool stop = false;
    nni_map *map = NULL;
    ckks_status st = maps_init(&map, placed);

    with.map = map;
    if (st == CKKS_OK)
        st = nni_list_keys(p, placed, map);
    p->num_steps = placed->num_stages;
    p->seconds = p->fresh_seconds = p->scratch_bytes = p->scratch_moved = 0;
    if (st == CKKS_OK) {
        with.base = nni_base_bytes(p, machine) + encoded_bytes(p, placed);
        with.high = with.base + alive_bytes(&with, 0);
    }
    if (st == CKKS_OK && bound != NULL && with.limit == HUGE_VAL) {
        p->seconds = least_seconds(&with);
        stop = p->seconds > bound->seconds;
        p->seconds = stop ? p->seconds : 0;
    }
    for (int k = 0; k < placed->num_stages && st == CKKS_OK && !stop; k++) {
        st = price_stage(&with, k);
        if (bound != NULL && (p->seconds - p->fresh_seconds > bound->seconds
                              || with.high > bound->bytes))
            break;
    }
    maps_clear(map, placed);
    p->error_sd = nni_logit_error(placed, p);
    p->peak_bytes = with.high;
    p->threads = with.threads;
    memcpy(p->kernel, machine->kernel, sizeof p->kernel);
    return st;
}

/* ---- memory, laid out ---------------------------------------------------- */

/* What a thread reads a ciphertext of the scratch file into. */
static double buffer_bytes(const nni_placed *p)
{
    double most = 0;

    for (int k = 0; k < p->num_stages; k++)
        for (int j = 0; j < p->stage[k].num_outs; j++)
            if (nni_filed_bytes(p, k, j) > 0)
                most = fmax(most, nni_form_bytes(p, &p->stage[k].out[j]));
    return most;
}

static ckks_status schedules_init(nni_schedule *s, nni_map *map,
                                  const nn_plan *p, const nni_placed *placed)
{
    ckks_status st = CKKS_OK;

    for (int k = 0; k < placed->num_stages && st == CKKS_OK; k++) {
        const bool matrix = placed->stage[k].neurons > 0;

        st = nni_schedule_init(&s[k], placed, k, matrix ? NULL : &map[k],
                               p->step[k].rotate_inputs, placed->net->name);
    }
    return st;
}

ckks_status nni_lay_out(nn_plan *p, const nni_placed *placed,
                        const nn_machine *machine, int threads,
                        const nni_hook *hook)
{
    const int stages = placed->num_stages;
    nni_arena arena = { 0 };
    nni_count c = nni_count_of(&p->params, machine,
                               threads > 0 ? threads : 1, 0);
    nni_schedule *s = calloc((size_t)stages, sizeof *s);
    const nni_schedule **list = calloc((size_t)stages, sizeof *list);
    nni_map *map = NULL;
    ckks_status st = maps_init(&map, placed);

    if (st == CKKS_OK && (s == NULL || list == NULL))
        st = nn_fail(CKKS_EMEM, "%s: no memory for %d schedules",
                     placed->net->name, stages);
    if (st == CKKS_OK)
        st = schedules_init(s, map, p, placed);
    for (int k = 0; k < stages && st == CKKS_OK; k++)
        list[k] = &s[k];
    c.arena = &arena;
    c.hook = hook;
    if (st == CKKS_OK)
        st = nni_count_network(&c, list);
    if (st == CKKS_OK) {
        p->peak_bytes = nni_base_bytes(p, machine) + encoded_bytes(p, placed)
                        + fmax((double)arena.top + c.beside, c.peak)
                        + c.threads * buffer_bytes(placed);
        p->scratch_bytes = c.file;
        p->scratch_moved = c.tally.moved;
    }
    for (int k = 0; k < stages && s != NULL; k++)
        nni_schedule_clear(&s[k]);
    nni_arena_clear(&arena);
    maps_clear(map, placed);
    free(list);
    free(s);
    return st;
}
