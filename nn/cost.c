/* cost.c -- what a plan costs on one thread with avx2: time, memory, keys,
 * error.
 *
 * Read first: docs/09-noise.md, docs/11-layers.md.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

/* A butterfly, with the base conversion and inner products that go with it in
 * a key switching, and a multiply-add of the integer product, in seconds. */
static const double BUTTERFLY = 0.50e-9, MULTIPLY_ADD = 0.19e-9;

static double ntt_seconds(const ckks_params *p)
{
    return BUTTERFLY * ldexp(0.5 * p->log_n, p->log_n);
}

double net_digits(const ckks_params *p, int level)
{
    int alpha = (p->num_primes + p->dnum - 1) / p->dnum;

    return level / alpha + 1;
}

/* NTTs of cutting into digits with the inner products, and of mod-down. */
static double up_ntts(const ckks_params *p, int level)
{
    return net_digits(p, level) * (level + 1 + p->num_special);
}

static double down_ntts(const ckks_params *p, int level)
{
    return 2 * (level + 1 + p->num_special);
}

static double limb_bytes(const ckks_params *p)
{
    return ldexp(8, p->log_n);
}

/* ---- steps -------------------------------------------------------------- */

static ckks_status step_rotations(nn_step *s, const net_map *m, bool masked,
                                  const ckks_params *p)
{
    long inputs, sums;
    double up = up_ntts(p, s->level), down = down_ntts(p, s->level);
    double by_inputs, by_sums;

    ckks_status st = net_map_rotations(&inputs, &sums, m);

    if (st != CKKS_OK)
        return st;
    /* hoisted: one cut an input; sums: one mod-down an output */
    by_inputs = m->num_inputs * up + (double)inputs * down;
    by_sums = (double)sums * up + (double)m->num_phases * m->channels * down;
    s->rotate_inputs = inputs > 0 && (masked || by_inputs < by_sums);
    s->rotations = s->rotate_inputs ? inputs : sums;
    if (s->rotations > 0)
        s->seconds += (s->rotate_inputs ? by_inputs : by_sums)
                      * ntt_seconds(p);
    return CKKS_OK;
}

/* sd of the real part of a slot after a rounding division, as a number of the
 * ciphertext: coefficients of c_0 + c_1 s carry (1 + 2N/3)/12 each. */
static double rounding_sd(int log_n)
{
    double n = ldexp(1, log_n);

    return sqrt(n / 2 * (1 + 2 * n / 3) / 12);
}

static double fresh_sd(int log_n)
{
    return sqrt(10.5 * ldexp(1, log_n) / 2);
}

static ckks_status one_step(nn_step *out, const net *n, int k,
                            const net_map *m, const nn_plan *p)
{
    const net_stage *s = &n->stage[k];
    nn_step st = { .square = s->square, .level = s->level,
                   .channels = s->channels };
    double words = ldexp(2.0 * (s->level + 1), p->params.log_n);
    double error = 0, kept = 0;
    ckks_status status;

    memcpy(st.name, s->name, sizeof st.name);
    st.log_scale = log2(s->scale);
    st.height = p->layout.height >> s->pool;
    st.width = p->layout.width >> s->pool;
    st.ciphertexts = (long)s->channels * m->num_phases;
    status = step_rotations(&st, m, s->masked, &p->params);
    if (status != CKKS_OK)
        return status;
    for (int i = 0; i < m->num_phases; i++)
        st.products += (double)s->channels * m->phase[i].terms;
    st.seconds += st.products * words * MULTIPLY_ADD;
    for (int i = 0; i < s->num_outs; i++) {
        const net_out *o = &s->out[i];
        long count = (long)s->channels * net_out_phases(s, o, &p->layout);
        double ntts = s->square ? up_ntts(&p->params, o->level + 1)
                                      + down_ntts(&p->params, o->level + 1)
                                : 2 * (o->level + 2);

        st.relins += s->square ? count : 0;
        st.seconds += (double)count * ntts * ntt_seconds(&p->params);
        error = fmax(error, rounding_sd(p->params.log_n) / o->scale
                                * s->factor);
        kept += (double)count * 2 * (o->level + 1) * limb_bytes(&p->params);
    }
    st.error = error;
    st.bytes = kept;
    *out = st;
    return CKKS_OK;
}

/* Gain from a form in which an output is kept to the logit: that of what reads
 * it, if it is read beside others at another level, else its own. */
static double out_gain(const net *n, int k, const net_out *o)
{
    const net_stage *s = &n->stage[k];
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

static double logit_error(const net *n, const nn_plan *p)
{
    double sum = pow(fresh_sd(p->params.log_n) / p->in_scale
                         * n->model->layer[0].range.gain, 2);

    for (int k = 0; k < n->num_stages; k++)
        for (int i = 0; i < n->stage[k].num_outs; i++) {
            const net_out *o = &n->stage[k].out[i];

            /* rotating masked inputs adds as much again */
            sum += pow(rounding_sd(p->params.log_n) / o->scale
                           * n->stage[k].factor * out_gain(n, k, o), 2)
                   * (p->border == NN_ZERO ? 2 : 1);
        }
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

static ckks_status step_keys(nn_plan *p, const net_stage *s,
                             const net_map *m)
{
    ckks_status st = CKKS_OK;

    for (int i = 0; i < m->num_phases; i++)
        for (int k = 0; k < m->phase[i].terms && st == CKKS_OK; k++)
            if (m->phase[i].term[k].step != 0)
                st = want_key(p, CKKS_KEY_ROTATE, m->phase[i].term[k].step,
                              s->level);
    for (int i = 0; i < s->num_outs && s->square && st == CKKS_OK; i++)
        st = want_key(p, CKKS_KEY_RELIN, 0, s->out[i].level + 1);
    return st;
}

/* ---- memory ------------------------------------------------------------- */

/* Peak over the stages: tensors alive, sums of one row of phases, scratch. */
static double peak_memory(const net *n, const nn_plan *p)
{
    double keys = 0, peak = 0, limb = limb_bytes(&p->params);

    for (size_t i = 0; i < p->num_keys; i++)
        keys += up_ntts(&p->params, p->key[i].level) * 2 * limb;
    for (int k = 0; k < n->num_stages; k++) {
        const net_stage *s = &n->stage[k];
        double ct = 2.0 * (s->level + 1) * limb, rows = ct * s->channels;
        double alive = p->step[k].rotate_inputs
                           ? (double)p->step[k].rotations * ct : 0;

        if (k <= n->image.last_reader)
            alive += nn_plan_inputs(p) * 2.0 * (n->image.level + 1) * limb;
        for (int j = 0; j <= k; j++)
            for (int i = 0; i < n->stage[j].num_outs; i++) {
                const net_out *o = &n->stage[j].out[i];

                if (j == k || o->last_reader >= k)
                    alive += (double)n->stage[j].channels
                             * net_out_phases(&n->stage[j], o, &p->layout)
                             * 2 * (o->level + 1) * limb;
            }
        /* sums with their rotated parts, squares in three parts */
        rows *= 4.5 * (s->flat ? 1 : p->layout.ring_x >> s->pool);
        if (alive + rows > peak)
            peak = alive + rows;
    }
    return keys + peak + 160 * limb;       /* tables, scratch               */
}

/* ---- all of it ---------------------------------------------------------- */

ckks_status net_price(nn_plan *p, const net *n)
{
    ckks_status st = CKKS_OK;

    p->num_keys = 0;
    p->seconds = 0;
    p->num_steps = n->num_stages;
    if (n->num_stages > NN_MAX_STEPS)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: %d stages, more than %d",
                       n->num_stages, NN_MAX_STEPS);
    for (int k = 0; k < n->num_stages && st == CKKS_OK; k++) {
        net_map m;

        st = net_map_init(&m, n, k, &p->layout, false);
        if (st != CKKS_OK)
            break;
        st = one_step(&p->step[k], n, k, &m, p);
        p->seconds += p->step[k].seconds;
        if (st == CKKS_OK)
            st = step_keys(p, &n->stage[k], &m);
        net_map_clear(&m);
    }
    p->error_sd = logit_error(n, p);
    p->peak_bytes = peak_memory(n, p);
    return st;
}
