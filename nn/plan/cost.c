/* cost.c -- what a plan costs: steps, keys, error, and the sums of price.c and
 * memory.c.
 *
 * Read first: docs/09-noise.md, docs/11-layers.md, docs/performance.md.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/price.h"

double nni_digits(const ckks_params *p, int level)
{
    int alpha = (p->num_primes + p->dnum - 1) / p->dnum;

    return level / alpha + 1;
}

/* ---- steps -------------------------------------------------------------- */

/* What is known of stage k besides its place in the plan. */
typedef struct pricing {
    bool choose;                /* what is rotated; else as the plan says    */
    const nn_machine *machine;
    int threads;
    double high;                /* bytes that have been in use at once       */
} pricing;

static const double WORTH = 0.9;

/* Time and memory of stage k, inputs or sums rotated. */
typedef struct way {
    long rotations;
    bool any;                   /* something is rotated                      */
    double seconds, fresh, bytes;
} way;

static ckks_status way_of(way *out, const net *n, int k, const nni_map *m,
                          const nn_plan *p, bool by_inputs,
                          const pricing *with)
{
    const nni_stage *s = &n->stage[k];
    const nn_machine *machine = with->machine;
    nni_shape shape = { 0 };
    ckks_status st = nni_shape_init(&shape, m, s, &p->layout, by_inputs);

    if (st != CKKS_OK)
        return st;
    out->any = shape.versions > shape.copies;
    out->rotations = shape.versions - shape.copies;
    for (int i = 0; i < shape.num_rows; i++)
        out->rotations += (long)shape.row[i].rotations
                          * shape.row[i].piece.channels;
    out->bytes = nni_base_bytes(p, machine)
                 + nni_stage_bytes(n, k, &shape, m, p, machine,
                                   with->threads);
    out->fresh = fmax(0, out->bytes - with->high) / 8
                 * machine->cost[NN_FRESH];
    out->rotations += (long)nni_mean_rotations(s, &p->layout);
    out->seconds = out->fresh + nni_stage_seconds(n, k, &shape, m, p, machine,
                                                  with->threads);
    nni_shape_clear(&shape);
    return CKKS_OK;
}

/* Whether inputs are rotated rather than sums: if that takes less time, and a
 * tenth less if it needs more memory.  Closer than that the predictions do not
 * know which is faster. */
static bool better(const way *inputs, const way *sums)
{
    double worth = inputs->bytes <= sums->bytes ? 1 : WORTH;

    return inputs->seconds < worth * sums->seconds;
}

/* A matrix is what it is. */
static ckks_status price_matrix(nn_step *s, const net *n, int k, nn_plan *p,
                                pricing *with)
{
    nni_matrix x;

    if (!nni_matrix_fits(&x, n, k, &p->layout, n->stage[k].neurons))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: %s does not fit its layout",
                       s->name);
    s->neurons = x.neurons;
    s->rotations = (long)x.inputs * (x.babies - 1)
                   + (long)x.outputs * (x.giants + x.num_folds);
    s->products = (double)x.inputs * x.count * x.outputs;
    s->bytes = nni_base_bytes(p, with->machine)
               + nni_matrix_bytes(n, k, &x, p, with->threads);
    s->seconds = nni_matrix_seconds(n, k, &x, p, with->machine,
                                    with->threads);
    s->seconds += fmax(0, s->bytes - with->high) / 8
                  * with->machine->cost[NN_FRESH];
    p->fresh_seconds += fmax(0, s->bytes - with->high) / 8
                        * with->machine->cost[NN_FRESH];
    with->high = fmax(with->high, s->bytes);
    return CKKS_OK;
}

static ckks_status price_step(nn_step *s, const net *n, int k,
                              const nni_map *m, nn_plan *p, pricing *with)
{
    const bool masked = n->stage[k].masked;
    const bool alternating = n->stage[k].alternating;
    way inputs = { 0 }, sums = { 0 }, *taken;
    ckks_status st = CKKS_OK;

    if (n->stage[k].neurons > 0)
        return price_matrix(s, n, k, p, with);
    if (!alternating)
        st = way_of(&inputs, n, k, m, p, true, with);
    if (st == CKKS_OK && !masked)
        st = way_of(&sums, n, k, m, p, false, with);
    if (st != CKKS_OK)
        return st;
    if (with->choose)
        s->rotate_inputs = inputs.any
                           && (masked || better(&inputs, &sums));
    if (alternating)
        s->rotate_inputs = false;
    taken = masked || s->rotate_inputs ? &inputs : &sums;
    s->rotations = taken->rotations;
    s->bytes = taken->bytes;
    s->seconds = taken->seconds;
    p->fresh_seconds += taken->fresh;
    with->high = fmax(with->high, taken->bytes);
    return CKKS_OK;
}

/* Variance of the real part of a slot whose polynomial has coefficients of
 * variance 1: of a sum of e_k zeta^k, or of e_0 and 2 e_k cos(..). */
static double slot_variance(const ckks_params *p)
{
    return ldexp(p->ring == CKKS_RING_REAL ? 2 : 0.5, p->log_n);
}

/* sd of the real part of a slot after a rounding division, as a number of the
 * ciphertext: that of e_0 + e_1 s, e of variance 1/12, s of 2/3.  Slots of a
 * product multiply; complex ones have twice the real part's variance. */
static double rounding_sd(const ckks_params *p)
{
    const double slot = slot_variance(p);
    const double s = (p->ring == CKKS_RING_REAL ? 1 : 2) * slot * 2 / 3;

    return sqrt(slot / 12 * (1 + s));
}

static double fresh_sd(const ckks_params *p)
{
    return sqrt(10.5 * slot_variance(p));
}

/* Size of a step's map: of the layout's, where the model's has no end. */
static int step_side(int layout, int side, int gap)
{
    if (side > 0)
        return side;
    return gap > 0 ? (layout + gap - 1) / gap : 1;
}

/* Phases of a form that hold pixels, as they are brought down. */
static long live_phases(const nni_stage *s, const nni_out *o,
                        const nn_layout *l)
{
    const nni_means m = nni_means_after(s, o, l, 0);
    long live = 0;
    int y, x;

    for (int i = 0; i < nni_means_phases(&m, l); i++)
        live += nni_means_at(&y, &x, &m, l, i);
    return live;
}

static ckks_status one_step(nn_step *out, const net *n, int k,
                            const nni_map *m, nn_plan *p, pricing *with)
{
    const nni_stage *s = &n->stage[k];
    nn_step st = { .square = s->square, .level = s->level,
                   .rotate_inputs = !with->choose && out->rotate_inputs,
                   .channels = s->channels };
    ckks_status status;

    memcpy(st.name, s->name, sizeof st.name);
    st.log_scale = log2(s->scale);
    st.height = step_side(p->layout.height, s->height, s->gap);
    st.width = step_side(p->layout.width, s->width, s->gap);
    st.ciphertexts = s->neurons > 0 ? s->planes : 0;
    for (int i = 0; i < m->num_phases; i++)
        st.ciphertexts += m->phase[i].live ? s->channels : 0;
    for (int i = 0; i < m->num_phases; i++)
        st.products += (double)s->channels * m->phase[i].terms;
    for (int i = 0; i < s->num_outs; i++) {
        const nni_out *o = &s->out[i];

        if (s->square)
            st.relins += s->planes * live_phases(s, o, &p->layout);
        st.error = fmax(st.error, rounding_sd(&p->params) / o->scale
                                      * s->factor);
    }
    status = price_step(&st, n, k, m, p, with);
    if (status == CKKS_OK)
        *out = st;
    return status;
}

/* Gain from a form in which an output is kept to the logit: that of what reads
 * it, if it is read beside others at another level, else its own. */
static double out_gain(const net *n, int k, const nni_out *o)
{
    const nni_stage *s = &n->stage[k];
    const nn_model *m = n->model;
    double gain = m->layer[s->post].range.gain;

    if (o->level + 1 < s->level)
        for (int i = 0; i < m->num_layers; i++)
            if (m->layer[i].op == NN_CONCAT)
                for (int j = 0; j < m->layer[i].num_in; j++)
                    if (m->layer[i].in[j] == s->post)
                        gain = fmin(gain, m->layer[i].range.gain);
    if (o->pool > 0)
        for (int i = 0; i < m->num_layers; i++)
            if (m->layer[i].op == NN_POOL && m->layer[i].in[0] == s->post)
                gain = m->layer[i].range.gain;
    return gain;
}

/* Of the logit, by the rounding of a matrix's plaintexts: each slot of each is
 * off by an sd of sqrt(N/12) over its scale, and what is added up in a neuron's
 * slot are all products, once for every fold. */
static double matrix_variance(const net *n, int k, const nn_plan *p)
{
    const nni_stage *s = &n->stage[k];
    const nn_layer *layer = n->model->layer;
    const double sd = sqrt((p->params.ring == CKKS_RING_REAL ? 1 : 2)
                           * slot_variance(&p->params) / 12);
    const double scale = ldexp(s->scale, s->mask_bits);
    const int pre = s->source[0].stage < 0
                        ? 0 : n->stage[s->source[0].stage].post;
    nni_matrix x;

    if (s->neurons == 0 || !nni_matrix_fits(&x, n, k, &p->layout, s->neurons))
        return 0;
    /* the value times the input's scale is what is in the ciphertext */
    return pow(sd / scale * nni_source_scale(n, &s->source[0])
                   * layer[pre].range.rms * layer[s->pre].range.gain, 2)
           * x.inputs * x.count * ldexp(1, x.num_folds);
}

/* Variance of a form by that of a pixel: means by whole ciphertexts are rounded
 * once; of others each pixel is, and rotated. */
static double mean_noise(const nni_stage *s, const nni_out *o,
                         const nn_layout *l)
{
    const nni_means m = nni_means_after(s, o, l, 0);
    const double gap = s->gap << o->pool;

    return nni_turns(s, o, l) > 0 ? 2 * (gap / m.gap_y) * (gap / m.gap_x) : 1;
}

static double logit_error(const net *n, const nn_plan *p)
{
    double sum = pow(fresh_sd(&p->params) / p->in_scale
                         * n->model->layer[0].range.gain, 2);

    for (int k = 0; k < n->num_stages; k++)
        for (int i = 0; i < n->stage[k].num_outs; i++) {
            const nni_out *o = &n->stage[k].out[i];

            /* rotating masked inputs adds as much again */
            sum += pow(rounding_sd(&p->params) / o->scale
                           * n->stage[k].factor * out_gain(n, k, o), 2)
                   * (p->border == NN_ZERO ? 2 : 1)
                   * mean_noise(&n->stage[k], o, &p->layout);
        }
    for (int k = 0; k < n->num_stages; k++)
        sum += matrix_variance(n, k, p);
    return sqrt(sum);
}

/* ---- keys --------------------------------------------------------------- */

static ckks_status want_key(nn_plan *p, ckks_key_kind kind, int step,
                            int level)
{
    for (size_t i = 0; i < p->num_keys; i++)
        if (p->key[i].kind == kind && p->key[i].step == step) {
            if (level > p->key[i].level)
                p->key[i].level = level;
            return CKKS_OK;
        }
    if (p->num_keys == NN_MAX_KEYS)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: more than %d keys",
                       NN_MAX_KEYS);
    p->key[p->num_keys++] = (ckks_key_request){ kind, step, level };
    return CKKS_OK;
}

/* Of means that are sums of rotated ciphertexts. */
static ckks_status pool_keys(nn_plan *p, const nni_stage *s, const nni_out *o)
{
    const nn_layout *l = &p->layout;
    ckks_status st = CKKS_OK;
    nni_term term[4];

    for (int turned = 0; turned < nni_turns(s, o, l); turned++) {
        const nni_means before = nni_means_after(s, o, l, turned);
        const nni_means after = nni_means_after(s, o, l, turned + 1);

        for (int to = 0; to < nni_means_phases(&after, l); to++)
            for (int i = nni_pool_terms(term, l, &before, &after, to) - 1;
                 i >= 0 && st == CKKS_OK; i--)
                if (term[i].step != 0)
                    st = want_key(p, CKKS_KEY_ROTATE, term[i].step, o->level);
    }
    return st;
}

static ckks_status matrix_keys(nn_plan *p, const net *n, int k)
{
    const int level = n->stage[k].level;
    nni_matrix x;
    ckks_status st = CKKS_OK;

    if (!nni_matrix_fits(&x, n, k, &p->layout, n->stage[k].neurons))
        return CKKS_OK;         /* price_matrix says so                      */
    for (int b = 1; b < x.babies && st == CKKS_OK; b++)
        st = want_key(p, CKKS_KEY_ROTATE, b, level);
    for (int g = 0; g < x.giants && st == CKKS_OK; g++)
        if (nni_matrix_giant(&x, &p->layout, g) != 0)
            st = want_key(p, CKKS_KEY_ROTATE,
                          nni_matrix_giant(&x, &p->layout, g), level);
    for (int i = 0; i < x.num_folds && st == CKKS_OK; i++)
        st = want_key(p, CKKS_KEY_ROTATE, nni_matrix_fold(&x, i), level);
    return st;
}

static ckks_status step_keys(nn_plan *p, const net *n, int number,
                             const nni_map *m)
{
    const nni_stage *s = &n->stage[number];
    ckks_status st = s->neurons > 0 ? matrix_keys(p, n, number) : CKKS_OK;

    for (int i = 0; i < m->num_phases; i++)
        for (int k = 0; k < m->phase[i].terms && st == CKKS_OK; k++)
            if (m->phase[i].term[k].step != 0)
                st = want_key(p, CKKS_KEY_ROTATE, m->phase[i].term[k].step,
                              s->level);
    for (int i = 0; i < s->num_outs && s->square && st == CKKS_OK; i++)
        st = want_key(p, CKKS_KEY_RELIN, 0, s->out[i].level + 1);
    for (int i = 0; i < s->num_outs && st == CKKS_OK; i++)
        st = pool_keys(p, s, &s->out[i]);
    return st;
}

/* ---- all of it ---------------------------------------------------------- */

/* The maps of all stages, without weights; clear it in any case. */
static ckks_status maps_init(nni_map **out, const net *n, const nn_plan *p)
{
    ckks_status st = CKKS_OK;

    *out = calloc((size_t)n->num_stages, sizeof **out);
    if (*out == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_make: no memory for %d maps",
                       n->num_stages);
    for (int k = 0; k < n->num_stages && st == CKKS_OK; k++)
        st = nni_map_init(&(*out)[k], n, k, &p->layout, false);
    return st;
}

static void maps_clear(nni_map *map, const net *n)
{
    for (int k = 0; map != NULL && k < n->num_stages; k++)
        nni_map_clear(&map[k]);
    free(map);
}

ckks_status nni_price(nn_plan *p, const net *n, bool choose,
                      const nn_machine *machine, int threads)
{
    pricing with = { choose, machine, threads > 0 ? threads : 1, 0 };
    nni_map *map = NULL;
    ckks_status st;

    if (n->num_stages > NN_MAX_STEPS)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: %d stages, more than %d",
                       n->num_stages, NN_MAX_STEPS);
    st = maps_init(&map, n, p);
    p->num_keys = 0;
    p->num_steps = n->num_stages;
    for (int k = 0; k < n->num_stages && st == CKKS_OK; k++)
        st = step_keys(p, n, k, &map[k]);
    p->seconds = p->fresh_seconds = 0;
    with.high = nni_base_bytes(p, machine) + nni_alive_bytes(n, 0, p);
    for (int k = 0; k < n->num_stages && st == CKKS_OK; k++) {
        st = one_step(&p->step[k], n, k, &map[k], p, &with);
        p->seconds += p->step[k].seconds;
    }
    maps_clear(map, n);
    p->error_sd = logit_error(n, p);
    p->peak_bytes = with.high;
    p->threads = with.threads;
    memcpy(p->kernel, machine->kernel, sizeof p->kernel);
    return st;
}
