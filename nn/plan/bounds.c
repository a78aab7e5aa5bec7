/* bounds.c -- what a placed network holds and takes whatever is chosen: bytes
 * of keys, tables and forms, seconds without which no way to run it does.
 *
 * Read first: bounds.h, price.h.
 */
#include <math.h>
#include <string.h>

#include "plan/price.h"

/* ---- bytes --------------------------------------------------------------- */

double nni_base_bytes(const nn_plan *p, const nn_machine *machine)
{
    const nni_figures f = nni_figures_of(&p->params);
    const ckks_params *c = &p->params;
    /* of roots and companions, forward and back */
    const double roots = strcmp(machine->kernel, "avx2") == 0
                                 || strcmp(machine->kernel, "fma2") == 0
                             ? 2 : 4;
    const double limbs = roots * (c->num_primes + c->num_special) + 2;

    return limbs * f.limb + nni_keys_bytes(c, p->key, p->num_keys);
}

double nni_encoded_bytes(const nn_plan *p, const nni_placed *placed)
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

/* A stage's floats: its own weights, and those of transposed convolutions that
 * it reads through. */
static double floats(const nni_stage *s)
{
    double sum = s->weight == NULL ? 0
                 : (double)s->channels * (s->inputs / s->groups)
                       * (s->kernel_y / s->mean_y) * (s->kernel_x / s->mean_x);

    for (int i = 0; i < s->num_sources; i++) {
        const nni_source *x = &s->source[i];

        if (x->up_weight != NULL)
            sum += (double)x->channels * x->up_channels * x->up_kernel
                   * x->up_kernel;
    }
    return sum;
}

double nni_floats_bytes(const nni_placed *p)
{
    double sum = 0;

    for (int k = 0; k < p->num_stages; k++)
        sum += floats(p->stage[k].of);
    return sum * sizeof(float);
}

double nni_integers_bytes(const nni_placed *p, int k, const nni_maps *maps)
{
    const nni_map *m = &maps->map[k];
    const int period = p->stage[k].period;
    const double rows = (double)m->channels * (period > 0 ? period : 1);
    double terms = 0;
    int most = 0;

    for (int i = 0; i < m->num_phases; i++) {
        terms += m->phase[i].terms;
        most = m->phase[i].terms > most ? m->phase[i].terms : most;
    }
    return rows * (terms * sizeof(int32_t) + (double)most * sizeof(double));
}

/* Ciphertexts of one channel of a form of stage k that hold pixels, of its
 * first phases. */
static int count_live(const nni_placed *p, int k, const nni_out *o, int phases)
{
    const nni_size size = nni_stage_size(p->stage[k].of);
    const nni_means end = nni_means_after(&size, o->pool, &p->layout,
                                          nni_turns(&size, o->pool,
                                                    &p->layout));
    int live = 0, y, x;

    for (int i = 0; i < phases; i++)
        live += nni_means_at(&y, &x, &end, &p->layout, i);
    return live;
}

/* The same of all channels. */
static double live_count(nni_maps *maps, const nni_placed *p, int k,
                         const nni_out *o, int phases)
{
    const bool all = phases == nni_out_phases(p->stage[k].of, o, &p->layout);
    int *known = o->pool < NNI_POOLS && all ? &maps->live[k][o->pool] : NULL;
    int live = known != NULL && *known > 0 ? *known - 1
                                           : count_live(p, k, o, phases);

    if (known != NULL)
        *known = live + 1;
    return (double)live * p->stage[k].planes;
}

void nni_alive_bytes(double *alive, nni_maps *maps, const nni_placed *p,
                     const nn_plan *plan)
{
    const double limb = ldexp(8, plan->params.log_n);
    const double image = 2.0 * (p->image.level + 1) * nn_plan_inputs(plan);

    for (int k = 0; k < p->num_stages; k++)
        alive[k] = k <= p->image.last_reader ? image * limb : 0;
    for (int j = 0; j < p->num_stages; j++)
        for (int i = 0; i < p->stage[j].num_outs; i++) {
            const nni_out *o = &p->stage[j].out[i];
            const double bytes = 2.0 * (o->level + 1) * limb
                                 * live_count(maps, p, j, o, o->filed);

            for (int k = j + 1; k <= o->last_reader; k++)
                alive[k] += bytes;
        }
}

double nni_file_bytes(const nni_placed *p)
{
    double most = 0;

    for (int k = 0; k < p->num_stages; k++) {
        double bytes = 0;

        for (int j = 0; j <= k; j++)
            for (int i = 0; i < p->stage[j].num_outs; i++)
                if (p->stage[j].out[i].last_reader >= k)
                    bytes += nni_filed_bytes(p, j, i);
        most = fmax(most, bytes);
    }
    return most;
}

/* ---- seconds ------------------------------------------------------------- */

/* The relinearisations of stage k. */
static void relins_work(nni_work *w, const nni_figures *f, nni_maps *maps,
                        const nni_placed *p, int k)
{
    const nni_placed_stage *s = &p->stage[k];

    for (int i = 0; i < s->num_outs; i++) {
        const nn_switching relin = { .level = s->out[i].level + 1, .xs = 1,
                                     .terms = 1, .pairs = 1, .adds = 2,
                                     .rescaled = true };

        if (s->of->square && s->of->linear == NULL)
            nni_switch_work(w, f, &relin,
                            live_count(maps, p, k, &s->out[i],
                                       nni_out_phases(s->of, &s->out[i],
                                                      &p->layout)));
    }
}

static void products_work(nni_work *w, const nni_placed_stage *s,
                          const nni_map *map)
{
    const double each = 2.0 * (s->level + 1) * (map->channels / s->of->groups);

    for (int i = 0; i < map->num_phases; i++)
        w->limbs[NN_TERM] += each * map->phase[i].terms;
}

void nni_least_work(nni_work *w, const nni_figures *f, const nni_placed *p,
                    int k, nni_maps *maps)
{
    relins_work(w, f, maps, p, k);
    if (maps->map != NULL)
        products_work(w, &p->stage[k], &maps->map[k]);
}

/* Steps, 0 not counted, of a phase's terms. */
static int count_steps(const nni_phase *p)
{
    int steps = 0;

    for (int g = 0; g < p->groups; g++) {
        bool seen = p->group[g].term.step == 0;

        for (int j = 0; j < g && !seen; j++)
            seen = p->group[j].term.step == p->group[g].term.step;
        steps += !seen;
    }
    return steps;
}

bool nni_map_turns(const nni_map *map)
{
    for (int i = 0; i < map->num_phases; i++)
        for (int g = 0; g < map->phase[i].groups; g++)
            if (map->phase[i].group[g].term.step != 0)
                return true;
    return false;
}

void nni_inputs_work(nni_work *w, const nni_figures *f, int level,
                     const nni_turning *t)
{
    const nn_switching turns = { .level = level, .xs = t->inputs,
                                 .terms = t->turns, .pairs = t->turns,
                                 .turns = t->turns };

    nni_switch_work(w, f, &turns, 1);
    w->limbs[NN_PASS] += NNI_ADD_LIMBS * (level + 1) * t->sums;
}

void nni_sums_work(nni_work *w, const nni_figures *f, int level,
                   const nni_map *map)
{
    for (int i = 0; i < map->num_phases; i++) {
        const int steps = count_steps(&map->phase[i]);
        const nn_switching turn = { .level = level, .xs = steps,
                                    .terms = steps, .pairs = 1,
                                    .turns = steps };

        if (steps > 0)
            nni_switch_work(w, f, &turn, map->channels);
    }
}
