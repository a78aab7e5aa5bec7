/* weights.c -- a model's weights as the integers of a plan. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/matrix.h"
#include "run/run.h"

nni_bits nni_plan_bits(const nn_plan *p)
{
    nni_bits b = { nni_bit_length(p->params.primes[0]), 0,
                   p->scale_bits, p->out_level,
                   (int)round(log2(p->in_scale)) };

    for (int i = 1; i < p->params.num_primes; i++)
        if (nni_bit_length(p->params.primes[i]) > b.layer)
            b.layer = nni_bit_length(p->params.primes[i]);
    if (p->params.num_primes == 1)
        b.layer = b.base;
    return b;
}

/* The plan must be one of this model: same stages at the same levels. */
static ckks_status check_plan(const net *n, const nn_plan *p, const char *name)
{
    bool same = n->num_stages == p->num_steps
                && n->image.level == p->in_level
                && n->stage[n->num_stages - 1].value_scale == p->out_scale
                && n->model->channels == p->channels
                && n->stage[n->num_stages - 1].channels == p->out_channels
                && n->stage[n->num_stages - 1].neurons == p->out_neurons
                && n->stage[n->num_stages - 1].column == p->out_column
                && strcmp(n->model->name, p->name) == 0;

    for (int k = 0; same && k < n->num_stages; k++)
        same = n->stage[k].level == p->step[k].level
               && n->stage[k].neurons == p->step[k].neurons
               && n->stage[k].square == p->step[k].square
               && n->stage[k].channels == p->step[k].channels;
    if (same)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%s: the plan \"%s\" of %d steps is not one of "
                   "model \"%s\" with %d", name, p->name, p->num_steps,
                   n->model->name, n->num_stages);
}

/* What the index arithmetic of map.c relies on; a plan may come from a file. */
static ckks_status check_layout(net *n, const nn_plan *p,
                                const char *name)
{
    const nn_layout *l = &p->layout;
    bool sound = l->ring_y > 0 && l->ring_x > 0 && l->grid_y > 0
                 && l->grid_x > 0
                 && l->height / l->ring_y == l->grid_y
                 && l->width / l->ring_x == l->grid_x
                 && l->slots == nni_slots(&p->params)
                 && (size_t)l->grid_y * (size_t)l->grid_x <= l->slots
                 && (size_t)l->batch <= l->slots && l->batch >= 1
                 && p->border == n->model->border
                 && p->out_gap == n->stage[n->num_stages - 1].gap;

    if (p->border == NN_WRAP)
        sound = sound && l->ring_y == n->model->ring_y
                && (size_t)l->grid_y * (size_t)l->grid_x == l->slots;
    if (p->border == NN_ZERO || p->border == NN_WRAP)
        sound = sound && l->height == n->model->height
                && l->width == n->model->width;
    if (p->border == NN_VALID)
        sound = sound && l->height >= n->model->height
                && l->width >= n->model->width
                && l->ring_y <= n->model->height
                && l->ring_x <= n->model->width;
    if (sound)
        return nni_set_masks(n, l, p->params.ring == CKKS_RING_REAL);
    return nn_fail(CKKS_EPARAM, "%s: the plan's map of %d x %d on rings of %d "
                   "x %d and %zu slots is not one of model \"%s\"", name,
                   l->height, l->width, l->ring_y, l->ring_x, l->slots,
                   n->model->name);
}

static ckks_status set_matrices(net *n, const nn_plan *p, const char *name)
{
    int neurons[NN_MAX_STEPS];

    if (n->num_stages != p->num_steps || p->num_steps > NN_MAX_STEPS)
        return nn_fail(CKKS_EPARAM, "%s: the plan \"%s\" of %d steps is not "
                       "one of model \"%s\" with %d", name, p->name,
                       p->num_steps, n->model->name, n->num_stages);
    for (int k = 0; k < p->num_steps; k++)
        neurons[k] = p->step[k].neurons;
    return nni_matrix_set(n, &p->layout, neurons);
}

ckks_status nni_of_plan(net *out, const nn_model *m, const nn_plan *p,
                        const char *name)
{
    ckks_status st = nni_init(out, m);

    if (st != CKKS_OK)
        return st;
    if (p->params.num_primes <= 0)
        st = nn_fail(CKKS_EARG, "%s: a plan without primes", name);
    if (st == CKKS_OK)
        st = check_layout(out, p, name);
    if (st == CKKS_OK)
        st = set_matrices(out, p, name);
    if (st == CKKS_OK)
        st = nni_levels(out, nni_plan_bits(p), NULL);
    if (st == CKKS_OK && nni_depth(out) != p->params.num_primes - 1)
        st = nn_fail(CKKS_EPARAM, "%s: depth %d, the plan has %d primes", name,
                     nni_depth(out), p->params.num_primes);
    if (st == CKKS_OK)
        st = nni_levels(out, nni_plan_bits(p), p->params.primes);
    if (st == CKKS_OK)
        st = check_plan(out, p, name);
    if (st != CKKS_OK)
        nni_clear(out);
    return st;
}

ckks_status nn_weights_init(nn_weights **out, const nn_model *m,
                            const nn_plan *p)
{
    nn_weights *w;
    ckks_status st;

    if (out == NULL || m == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "nn_weights_init: null pointer");
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return nn_fail(CKKS_EMEM, "nn_weights_init: no memory");
    st = nni_of_plan(&w->net, m, p, "nn_weights_init");
    if (st != CKKS_OK) {
        free(w);
        return st;
    }
    w->map = calloc((size_t)w->net.num_stages, sizeof *w->map);
    if (w->map == NULL)
        st = nn_fail(CKKS_EMEM, "nn_weights_init: no memory");
    w->layout = p->layout;
    w->encoded = calloc((size_t)w->net.num_stages, sizeof *w->encoded);
    if (w->encoded == NULL)
        st = nn_fail(CKKS_EMEM, "nn_weights_init: no memory");
    for (int k = 0; st == CKKS_OK && k < w->net.num_stages; k++)
        st = nni_map_init(&w->map[k], &w->net, k, &p->layout, true);
    if (st == CKKS_OK)
        st = nn_plan_fingerprint(w->fingerprint, p);
    if (st != CKKS_OK) {
        nn_weights_clear(&w);
        return st;
    }
    nn_weights_clear(out);
    *out = w;
    return CKKS_OK;
}

void nn_weights_clear(nn_weights **w)
{
    if (w == NULL || *w == NULL)
        return;
    for (int k = 0; (*w)->map != NULL && k < (*w)->net.num_stages; k++)
        nni_map_clear(&(*w)->map[k]);
    for (int k = 0; (*w)->encoded != NULL && k < (*w)->net.num_stages; k++)
        nni_encoded_clear(&(*w)->encoded[k]);
    free((*w)->encoded);
    free((*w)->map);
    nni_clear(&(*w)->net);
    free(*w);
    *w = NULL;
}
