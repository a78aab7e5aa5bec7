/* noise.c -- the error that a plan's logits will have.
 *
 * Read first: docs/09-noise.md.
 *
 * Every rounding division leaves an error of known variance, and so does every
 * rotation of what a stage reads; on its way to the logit it grows by the gain
 * that was measured between that layer and the logits (nn_range).  Errors of
 * different divisions are independent: variances add.
 */
#include <math.h>

#include "plan/price.h"
#include "stage/lanes.h"

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

/* sd of a slot of a plaintext's rounding, as a number of the plaintext. */
static double plain_sd(const nn_plan *p)
{
    return sqrt((p->params.ring == CKKS_RING_REAL ? 1 : 2)
                * slot_variance(&p->params) / 12);
}

/* The same after a rotation at a level: the rounding of its division by P, and
 * the errors of the keys times digits, over P. */
static double rotation_sd(const ckks_params *p, int level)
{
    const nni_figures f = nni_figures_of(p);
    const double slot = slot_variance(p);
    double log_p = 0, digits = 0;

    for (int j = 0; j < f.specials[level]; j++)
        log_p += log2((double)p->special[j]);
    for (int i = 0; i <= level; i += f.alpha) {
        double log_d = 0;

        for (int j = i; j < i + f.alpha && j <= level; j++)
            log_d += log2((double)p->primes[j]);
        digits += exp2(2 * (log_d - log_p));
    }
    return hypot(rounding_sd(p),
                 sqrt((p->ring == CKKS_RING_REAL ? 1 : 2) * slot * slot
                      * 10.5 / 12 * digits));
}

double nni_stage_error(const nni_placed *placed, int k, const nn_plan *p)
{
    const nni_placed_stage *s = &placed->stage[k];
    double error = 0;

    for (int i = 0; i < s->num_outs; i++)
        error = fmax(error, rounding_sd(&p->params) / s->out[i].scale
                                * s->of->factor);
    return error;
}

/* Gain from a form in which an output is kept to the logit: that of what reads
 * it, if it is read beside others at another level, else its own. */
static double out_gain(const nni_placed *placed, int k, const nni_out *o)
{
    const nni_placed_stage *s = &placed->stage[k];
    const nn_model *m = placed->net->model;
    const int post = s->of->post;
    double gain = m->layer[post].range.gain;

    if (o->level + 1 < s->level)
        for (int i = 0; i < m->num_layers; i++)
            if (m->layer[i].op == NN_CONCAT || m->layer[i].op == NN_ADD)
                for (int j = 0; j < m->layer[i].num_in; j++)
                    if (m->layer[i].in[j] == post)
                        gain = fmin(gain, m->layer[i].range.gain);
    if (o->pool > 0)
        for (int i = 0; i < m->num_layers; i++)
            if (m->layer[i].op == NN_POOL && m->layer[i].in[0] == post)
                gain = m->layer[i].range.gain;
    return gain;
}

/* Of the logit, by the rounding of a matrix's plaintexts: each slot of each is
 * off by an sd of sqrt(N/12) over its scale, and what is added up in a neuron's
 * slot are all products, once for every fold. */
static double matrix_variance(const nni_placed *placed, int k,
                              const nn_plan *p)
{
    const nni_placed_stage *s = &placed->stage[k];
    const nn_layer *layer = placed->net->model->layer;
    const double sd = plain_sd(p);
    const double scale = ldexp(s->scale, s->mask_bits);
    const int from = s->of->source[0].stage;
    const int pre = from < 0 ? 0 : placed->stage[from].of->post;
    nni_matrix x;

    if (s->neurons == 0)
        return 0;
    x = nni_matrix_of(placed, k);
    /* the value times the input's scale is what is in the ciphertext */
    return pow(sd / scale * nni_source_form(placed, s, 0)->scale
                   * layer[pre].range.rms * layer[s->of->pre].range.gain, 2)
           * x.inputs * x.count * ldexp(1, x.num_folds);
}

/* Of the logit, by the rounding of patterns of slots: a coefficient is off by
 * an sd of sqrt(1/12), a slot has one and twice the cosines of the others. */
static double lanes_variance(const nni_placed *placed, int k)
{
    const nni_placed_stage *s = &placed->stage[k];
    const nn_layer *layer = placed->net->model->layer;
    double sum = 0;

    for (int i = 0; i < s->of->num_sources && s->period > 0; i++) {
        const int from = s->of->source[i].stage;
        const int pre = from < 0 ? 0 : placed->stage[from].of->post;

        sum += pow(nni_source_form(placed, s, i)->scale / s->scale
                       * layer[pre].range.rms
                       * layer[s->of->pre].range.gain, 2)
               * (2.0 * s->period - 1) / 12 * nni_source_planes(placed, s, i)
               * s->of->kernel_y * (s->of->kernel_x + 1.0) * s->period;
    }
    return sum;
}

/* Of the logit, by a mask that clears a stage's sums: its own rounding, times
 * the value, and that of the division by its prime. */
static double clear_variance(const nni_placed *placed, int k, const nn_plan *p)
{
    const nni_placed_stage *s = &placed->stage[k];
    const nn_range *range = &placed->net->model->layer[s->of->pre].range;

    if (!s->cleared)
        return 0;
    return pow(range->gain, 2)
           * (pow(ldexp(plain_sd(p), -s->mask_bits) * range->rms, 2)
              + pow(rounding_sd(&p->params) / s->value_scale, 2));
}

/* Variance of a form by that of a pixel: means by whole ciphertexts are rounded
 * once; of others each pixel is, and rotated. */
static double mean_noise(const nni_stage *s, const nni_out *o,
                         const nn_layout *l)
{
    const nni_size size = nni_stage_size(s);
    const nni_means m = nni_means_after(&size, o->pool, l, 0);
    const double gap = s->gap << o->pool;

    return nni_turns(&size, o->pool, l) > 0
               ? 2 * (gap / m.gap_y) * (gap / m.gap_x) : 1;
}

/* Whether a stage rotates form i of stage k (-1: the image) as it reads it: for
 * each of its pixels every neighbour's ciphertext, once more or less.  Sums that
 * are rotated lie at a scale where that is nothing. */
static bool turned(const nni_placed *placed, const nn_plan *p, int k, int i)
{
    for (int j = k + 1; j < placed->num_stages; j++) {
        const nni_placed_stage *s = &placed->stage[j];

        if (!p->step[j].rotate_inputs && s->neurons == 0 && s->period == 0)
            continue;           /* with lanes baby steps turn inputs         */
        for (int q = 0; q < s->of->num_sources; q++)
            if (s->of->source[q].stage == k && (k < 0 || s->from[q] == i))
                return true;
    }
    return false;
}

/* sd of what a form of stage k has as it is read, but for what `made` it. */
static double read_sd(const nni_placed *placed, const nn_plan *p, int k, int i,
                      double made)
{
    const nni_out *o = k < 0 ? &placed->image : &placed->stage[k].out[i];

    return turned(placed, p, k, i)
               ? hypot(made, rotation_sd(&p->params, o->level)) : made;
}

double nni_logit_error(const nni_placed *placed, const nn_plan *p)
{
    double sum = pow(read_sd(placed, p, -1, 0, fresh_sd(&p->params))
                         / p->in_scale
                         * placed->net->model->layer[0].range.gain, 2);

    for (int k = 0; k < placed->num_stages; k++)
        for (int i = 0; i < placed->stage[k].num_outs; i++) {
            const nni_out *o = &placed->stage[k].out[i];
            const double made = rounding_sd(&p->params)
                * sqrt(mean_noise(placed->stage[k].of, o, &p->layout));

            sum += pow(read_sd(placed, p, k, i, made) / o->scale
                           * placed->stage[k].of->factor
                           * out_gain(placed, k, o), 2);
        }
    for (int k = 0; k < placed->num_stages; k++)
        sum += matrix_variance(placed, k, p) + clear_variance(placed, k, p)
               + lanes_variance(placed, k);
    return sqrt(sum);
}

/* ---- weights ------------------------------------------------------------- */

/* So many weights of a stage, or fewer, are looked at: of 32 to 512 channels the
 * loss came out within 6 % of that of all of them. */
enum { LOOKED = 1 << 14 };

/* From one to the next: no factor of a kernel's side, so that all taps are
 * met. */
static size_t stride_of(size_t weights)
{
    size_t stride = weights / LOOKED + 1;

    while (stride > 1 && (stride % 2 == 0 || stride % 3 == 0
                          || stride % 5 == 0 || stride % 7 == 0))
        stride++;
    return stride;
}

double nni_weights_loss(const nni_placed *placed, int k)
{
    const nni_placed_stage *s = &placed->stage[k];
    const nni_stage *of = s->of;
    const size_t taps = (size_t)(of->kernel_y / of->mean_y)
                        * (size_t)(of->kernel_x / of->mean_x);
    const size_t row = (size_t)(of->inputs / of->groups) * taps;
    const size_t all = (size_t)of->channels * row;
    double in = 0, weights = 0, errors = 0;

    if (s->neurons > 0 || s->period > 0 || of->weight == NULL)
        return 0;
    for (int i = 0; i < of->num_sources; i++)
        in = fmax(in, nni_source_form(placed, s, i)->scale);
    for (size_t i = 0; i < all; i += stride_of(all)) {
        const size_t o = i / row;
        const double w = (double)of->weight[i] * of->mul[o] * s->scale / in;

        weights += w * w;
        errors += (w - round(w)) * (w - round(w));
    }
    return weights > 0 ? sqrt(errors / weights) : 0;
}
