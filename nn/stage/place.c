/* place.c -- a net on a layout: all decisions in their one order.
 *
 * Read first: place.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/place.h"

ckks_status nni_place(nni_placed *out, const net *n, const nni_choice *c,
                      const uint64_t *prime)
{
    nni_placed p = { .net = n, .layout = c->layout, .bits = c->bits,
                     .limb = (c->real ? 8.0 : 16.0) * (double)c->layout.slots,
                     .num_stages = n->num_stages };
    ckks_status st = CKKS_OK;

    *out = (nni_placed){ 0 };
    if (n->num_stages > NN_MAX_STEPS)
        return nn_fail(CKKS_EPARAM, "%s: %d stages, more than %d", n->name,
                       n->num_stages, NN_MAX_STEPS);
    p.stage = calloc((size_t)n->num_stages, sizeof *p.stage);
    if (p.stage == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %d stages", n->name,
                       n->num_stages);
    for (int k = 0; k < n->num_stages; k++)
        p.stage[k].of = &n->stage[k];
    st = nni_set_masks(&p, c->real);
    if (st == CKKS_OK)
        st = nni_set_matrices(&p, c->neurons);
    if (st == CKKS_OK && c->layout.lanes > 0)
        st = nni_set_lanes(&p, c->real);
    if (st == CKKS_OK)
        st = nni_set_levels(&p);
    if (st == CKKS_OK)
        (void)nni_set_filed(&p, c->scratch);
    if (st == CKKS_OK && prime != NULL)
        st = nni_set_scales(&p, prime);
    if (st == CKKS_OK)
        *out = p;
    else
        nni_placed_clear(&p);
    return st;
}

void nni_placed_clear(nni_placed *p)
{
    free(p->stage);
    memset(p, 0, sizeof *p);
}

/* ---- of a plan ----------------------------------------------------------- */

nni_choice nni_plan_choice(const nn_plan *p)
{
    nni_choice c = { .layout = p->layout,
                     .real = p->params.ring == CKKS_RING_REAL,
                     .scratch = p->scratch,
                     .bits = { nni_bit_length(p->params.primes[0]), 0,
                               p->scale_bits, p->out_level,
                               (int)round(log2(p->in_scale)) } };

    for (int i = 1; i < p->params.num_primes; i++)
        if (nni_bit_length(p->params.primes[i]) > c.bits.layer)
            c.bits.layer = nni_bit_length(p->params.primes[i]);
    if (p->params.num_primes == 1)
        c.bits.layer = c.bits.base;
    for (int k = 0; k < p->num_steps; k++)
        c.neurons[k] = p->step[k].neurons;
    return c;
}

static ckks_status check_count(const net *n, const nn_plan *p)
{
    if (n->num_stages == p->num_steps && p->num_steps <= NN_MAX_STEPS)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%s: the plan \"%s\" of %d steps is not one of "
                   "model \"%s\" with %d", n->name, p->name, p->num_steps,
                   n->model->name, n->num_stages);
}

static ckks_status check_layout(const net *n, const nn_plan *p)
{
    const nn_layout *l = &p->layout;
    bool sound = l->ring_y > 0 && l->ring_x > 0 && l->grid_y > 0
                 && l->grid_x > 0
                 && l->height / l->ring_y == l->grid_y
                 && l->width / l->ring_x == l->grid_x
                 && l->slots == nni_slots(&p->params)
                 && (size_t)l->grid_y * (size_t)l->grid_x
                        * (size_t)nni_cell(l) <= l->slots
                 && (size_t)l->batch <= l->slots && l->batch >= 1
                 && p->border == n->model->border
                 && p->out_gap == n->stage[n->num_stages - 1].gap;

    if (p->border == NN_WRAP)
        sound = sound && l->ring_y == n->model->ring_y
                && (size_t)l->grid_y * (size_t)l->grid_x
                       * (size_t)nni_cell(l) == l->slots;
    if (p->border == NN_WRAP)
        sound = sound && l->height == n->model->height
                && l->width == n->model->width;
    if (p->border == NN_ZERO)
        sound = sound && l->height >= n->model->height + n->margin
                && l->width >= n->model->width + n->margin;
    if (p->border == NN_VALID)
        sound = sound && l->height >= n->model->height
                && l->width >= n->model->width
                && l->ring_y <= n->model->height
                && l->ring_x <= n->model->width;
    if (sound)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%s: the plan's map of %d x %d on rings of %d "
                   "x %d and %zu slots is not one of model \"%s\"", n->name,
                   l->height, l->width, l->ring_y, l->ring_x, l->slots,
                   n->model->name);
}

/* Same stages at the same levels. */
static ckks_status check_same(const nni_placed *a, const nn_plan *p)
{
    const nni_placed_stage *last = &a->stage[a->num_stages - 1];
    const net *n = a->net;
    bool same = a->image.level == p->in_level
                && last->value_scale == p->out_scale
                && n->model->channels == p->channels
                && last->of->channels == p->out_channels
                && last->neurons == p->out_neurons
                && last->column == p->out_column
                && strcmp(n->model->name, p->name) == 0;

    for (int k = 0; same && k < a->num_stages; k++)
        same = a->stage[k].level == p->step[k].level
               && a->stage[k].neurons == p->step[k].neurons
               && a->stage[k].of->square == p->step[k].square
               && a->stage[k].of->channels == p->step[k].channels;
    if (same)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%s: the plan \"%s\" of %d steps is not one of "
                   "model \"%s\" with %d", n->name, p->name, p->num_steps,
                   n->model->name, n->num_stages);
}

ckks_status nni_place_plan(nni_placed *out, const net *n, const nn_plan *p)
{
    nni_choice c;
    nni_placed placed = { 0 };
    ckks_status st = CKKS_OK;

    if (p->params.num_primes <= 0)
        return nn_fail(CKKS_EARG, "%s: a plan without primes", n->name);
    st = check_layout(n, p);
    if (st == CKKS_OK)
        st = check_count(n, p);
    if (st != CKKS_OK)
        return st;
    c = nni_plan_choice(p);
    st = nni_place(&placed, n, &c, NULL);
    if (st == CKKS_OK && placed.image.level != p->params.num_primes - 1)
        st = nn_fail(CKKS_EPARAM, "%s: depth %d, the plan has %d primes",
                     n->name, placed.image.level, p->params.num_primes);
    if (st == CKKS_OK)
        st = nni_set_scales(&placed, p->params.primes);
    if (st == CKKS_OK)
        st = check_same(&placed, p);
    if (st == CKKS_OK)
        *out = placed;
    else
        nni_placed_clear(&placed);
    return st;
}
