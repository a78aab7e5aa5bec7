/* fold_act.c -- activations and pooling as steps, with the factors and summands
 * that they let through.
 *
 * Read first: fold.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/fold.h"

/* One tensor whose numbers fit its bits again: divided by a power of two. */
static ckks_status act_narrow(blind_fold *b, int layer)
{
    const int from = b->m->layer[layer].in[0];
    blind_view *v = &b->view[from];
    const blind_step *x = &b->n->step[v->step];
    blind_step *s;
    int shift = 0;

    while (ldexp(x->limit, -shift) > ldexp(1, b->n->bits - 1))
        shift++;
    if (shift == 0)
        return CKKS_OK;
    s = blind_fold_step(b, BLIND_ADD, from);
    if (s == NULL)
        return CKKS_EPARAM;
    s->num_in = 1;
    s->in[0] = v->step;
    s->align[0] = shift;
    s->fraction = b->n->step[v->step].fraction - shift;
    s->range = b->n->step[v->step].range;
    v->step = b->n->num_steps - 1;
    for (int c = 0; c < b->m->layer[from].channels; c++)
        v->factor[c] = ldexp(v->factor[c], shift);
    return blind_fold_done(b);
}

/* Channels whose factor is not above 0, or whose summand is not 0. */
static bool act_plain(const blind_view *v, int channels, bool summands)
{
    bool plain = true;

    for (int c = 0; c < channels; c++)
        plain &= v->factor[c] > 0 && (summands || v->summand[c] == 0);
    return plain;
}

/* A step that reads one tensor and passes its view on. */
static ckks_status act_through(blind_fold *b, int layer, blind_op op)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *from = &b->view[l->in[0]];
    blind_step *s = blind_fold_step(b, op, layer);
    ckks_status st;

    if (s == NULL)
        return CKKS_EPARAM;
    s->num_in = 1;
    s->in[0] = from->step;
    s->fraction = b->n->step[from->step].fraction;
    s->range = l->range.max;
    blind_layer_pool(s->pool, l);
    st = blind_fold_view(b, layer);
    for (int c = 0; c < l->channels && st == CKKS_OK; c++) {
        b->view[layer].factor[c] = from->factor[c];
        b->view[layer].summand[c] = from->summand[c];
    }
    return st == CKKS_OK ? blind_fold_done(b) : st;
}

ckks_status blind_fold_relu(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    ckks_status s;

    if (!act_plain(&b->view[l->in[0]], l->channels, l->op != NN_RELU))
        return blind_fold_refuse(b, layer, l->op == NN_RELU
            ? "a batch norm before it cannot be folded into a convolution"
            : "a batch norm with a negative factor before it cannot be "
              "folded");
    s = act_narrow(b, layer);
    return s == CKKS_OK
               ? act_through(b, layer, l->op == NN_RELU ? BLIND_RELU
                                                             : BLIND_MAX)
               : s;
}

/* The mean: a sum, whose factor is that of the terms divided by their number.
 */
ckks_status blind_fold_mean(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const ckks_status st = act_through(b, layer, BLIND_SUM);
    blind_step *s;
    int window;

    if (st != CKKS_OK)
        return st;
    s = &b->n->step[b->n->num_steps - 1];
    window = s->pool[0] * s->pool[1] * s->pool[2];
    s->fraction += (int)lrint(log2(window));
    for (int c = 0; c < l->channels; c++)
        b->view[layer].factor[c] /= window;
    return CKKS_OK;
}

/* t = x / factor is an integer, so x^2 = factor^2 t^2.  The quadratic
 *   a x^2 + b x + c = a (x + b / 2a)^2 + (c - b^2 / 4a)
 * of x whose summand is -b / 2a: the convolution before it had b / 2a added. */
typedef struct act_complete {
    double a, half, rest;           /* half = b / 2a, rest = c - b^2 / 4a    */
} act_complete;

static act_complete act_completed(const nn_layer *l, int c)
{
    act_complete q = { 1, 0, 0 };

    if (l->op == NN_QUADRATIC) {
        q.a = (double)l->a[c];
        q.half = (double)l->b[c] / (2 * q.a);
        q.rest = (double)l->c[c] - q.a * q.half * q.half;
    }
    return q;
}

static ckks_status act_square_check(const blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *v = &b->view[l->in[0]];

    for (int c = 0; c < l->channels; c++) {
        const act_complete q = act_completed(l, c);

        if (q.a == 0)
            return blind_fold_refuse(b, layer, "a is 0 for some channel");
        if (!(fabs(v->summand[c] + q.half) <= 1e-9 * (1 + fabs(q.half))))
            return blind_fold_refuse(b, layer, l->op == NN_QUADRATIC
                ? "b cannot be folded into a convolution"
                : "a batch norm before it cannot be folded into a "
                  "convolution");
    }
    return CKKS_OK;
}

/* The largest square, as integer before the shift: the smaller of two bounds,
 * by what goes in and by what comes out. */
static double act_square_most(const blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *v = &b->view[l->in[0]];
    double most = 0;

    for (int c = 0; c < l->channels; c++) {
        const act_complete q = act_completed(l, c);
        const double t = b->m->layer[l->in[0]].range.max + fabs(q.half);
        const double out = (l->range.max + fabs(q.rest)) / fabs(q.a);

        most = fmax(most, fmin(t * t, out) / (v->factor[c] * v->factor[c]));
    }
    return most;
}

ckks_status blind_fold_square(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *v = &b->view[l->in[0]];
    blind_view *to = &b->view[layer];
    ckks_status s = act_square_check(b, layer);
    blind_step *step;
    int shift = 1;

    if (s == CKKS_OK)
        s = act_narrow(b, layer);
    if (s != CKKS_OK)
        return s;
    while (ldexp(act_square_most(b, layer), -shift)
           >= ldexp(1, b->n->bits - 3))
        shift++;
    step = blind_fold_step(b, BLIND_SQUARE, layer);
    if (step == NULL)
        return CKKS_EPARAM;
    step->num_in = 1;
    step->in[0] = v->step;
    step->range = l->range.max;
    step->shift = shift;
    step->fraction = 2 * b->n->step[v->step].fraction - shift;
    s = blind_fold_view(b, layer);
    for (int c = 0; c < l->channels && s == CKKS_OK; c++) {
        const act_complete q = act_completed(l, c);

        to->factor[c] = q.a * ldexp(v->factor[c] * v->factor[c], shift);
        to->summand[c] = q.rest;
    }
    return s == CKKS_OK ? blind_fold_done(b) : s;
}
