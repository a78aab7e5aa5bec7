/* plan.c -- everything decided before a key exists.
 *
 * Read first: docs/11-layers.md, docs/12-volley.md.
 *
 * What the model and the aim fix is written down here; search.c chooses the
 * rest.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/machine.h"
#include "plan/search.h"

static void describe(nn_plan *p, const net *n, const nn_model *m,
                     const nn_aim *aim)
{
    memset(p, 0, sizeof *p);
    memcpy(p->name, m->name, sizeof p->name);
    memcpy(p->foreground, m->foreground, sizeof p->foreground);
    p->num_classes = m->num_classes;
    memcpy(p->class_name, m->class_name, sizeof p->class_name);
    p->num_labels = m->num_labels;
    memcpy(p->label_name, m->label_name, sizeof p->label_name);
    memcpy(p->label_max, m->label_max, sizeof p->label_max);
    p->border = m->border;
    p->channels = m->channels;
    p->mul = m->mul;
    p->add = m->add;
    p->images = m->images;
    p->threshold = m->threshold;
    p->logit_max = m->layer[m->output].range.max;
    p->core_height = m->height;
    p->core_width = m->width;
    if (m->border == NN_HALO) {
        /* whole poolings, so that they meet image and tiles in phase 0 */
        p->halo = nni_round_up(nn_halo_radius(m), n->max_gap);
        if (aim->height > 0)
            p->core_height = nni_round_up(aim->height, n->max_gap);
        if (aim->width > 0)
            p->core_width = nni_round_up(aim->width, n->max_gap);
    }
    p->params.security = aim->security == 0 ? 128 : aim->security;
}

static bool in_range(int v, int low, int high)
{
    return v == 0 || (v >= low && v <= high);
}

static ckks_status check_aim(const nn_model *m, const nn_aim *aim)
{
    if (!in_range(aim->log_n, CKKS_MIN_LOG_N, CKKS_MAX_LOG_N))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: N = 2^%d, not 2^%d..2^%d",
                       aim->log_n, CKKS_MIN_LOG_N, CKKS_MAX_LOG_N);
    if (aim->images < 0 || aim->images > NN_MANY
        || (aim->layer_bits != 0 && aim->layer_bits != 47
            && aim->layer_bits != 44 && aim->layer_bits != 40
            && aim->layer_bits != 38)
        || (int)aim->dense < NN_DENSE_ANY || aim->dense > NN_DENSE_SINGLE)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: %d images (0..2^30), layer "
                       "primes of %d bits (47, 44, 40, 38), dense form %d",
                       aim->images, aim->layer_bits, (int)aim->dense);
    if (!in_range(aim->ring_y, 1, NN_MAX_SIDE)
        || !in_range(aim->ring_x, 1, NN_MAX_SIDE)
        || !in_range(aim->height, 1, NN_MAX_SIDE)
        || !in_range(aim->width, 1, NN_MAX_SIDE) || aim->max_batch < 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: ring %d x %d, tile %d x %d, "
                       "batch %d: sides are 1..%d", aim->ring_y, aim->ring_x,
                       aim->height, aim->width, aim->max_batch, NN_MAX_SIDE);
    if (aim->machine != NULL) {
        ckks_status st = nni_machine_check(aim->machine, "nn_plan_make");

        if (st != CKKS_OK)
            return st;
    }
    if (!in_range(aim->threads, 1, NN_MAX_THREADS))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: %d threads, not 1..%d",
                       aim->threads, NN_MAX_THREADS);
    if (m->border == NN_WRAP && aim->ring_y > 0 && aim->ring_y != m->ring_y)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: border wrap: the ring's "
                       "height %d is part of the model, it cannot be %d",
                       m->ring_y, aim->ring_y);
    if ((int)aim->slots < NN_SLOTS_ANY || aim->slots > NN_SLOTS_REAL)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: slots %d, not 0..2",
                       (int)aim->slots);
    if ((int)aim->lanes < NN_LANES_ANY || aim->lanes > NN_LANES_ALWAYS)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: lanes %d, not 0..2",
                       (int)aim->lanes);
    if (m->border != NN_HALO
        && ((aim->height > 0 && aim->height != m->height)
            || (aim->width > 0 && aim->width != m->width)))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: only border halo has tiles; "
                       "the model takes %d x %d, not %d x %d", m->height,
                       m->width, aim->height, aim->width);
    return CKKS_OK;
}

/* What was measured of every layer must be there: by it scales are chosen. */
static ckks_status check_ranges(const nn_model *m)
{
    for (int i = 0; i < m->num_layers; i++) {
        const nn_range *r = &m->layer[i].range;

        if (!isfinite(r->max) || !isfinite(r->rms) || !isfinite(r->gain)
            || r->max < 0 || r->rms < 0 || r->gain < 0)
            return nn_fail(CKKS_EPARAM, "nn_plan_make: layer %s: its range is "
                           "missing or no number (max %g, rms %g, gain %g): "
                           "measure it on training images (docs/model.md)",
                           m->layer[i].name, r->max, r->rms, r->gain);
    }
    for (int k = 0; k < m->num_labels; k++)
        if (!(m->label_max[k] >= 0 && isfinite(m->label_max[k])
              && m->label_margin[k] >= 0 && isfinite(m->label_margin[k])))
            return nn_fail(CKKS_EPARAM, "nn_plan_make: label %d (%s): its "
                           "range is no number (max %g, margin %g)", k,
                           m->label_name[k], m->label_max[k],
                           m->label_margin[k]);
    return CKKS_OK;
}

/* Predictions for a machine (NULL: the one here), memory as it is laid out;
 * hook: nni_lay_out's. */
static ckks_status predict(nn_plan *p, const net *n, const nn_machine *machine,
                           int threads, const nni_hook *hook)
{
    nn_machine here;
    nni_placed placed;
    nni_maps maps = { 0 };
    ckks_status st = CKKS_OK;

    if (machine == NULL) {
        st = nn_machine_default(&here, NULL);
        machine = &here;
    }
    if (st != CKKS_OK)
        return st;
    st = nni_place_plan(&placed, n, p);
    if (st != CKKS_OK)
        return st;
    st = nni_price(p, &placed, &maps, false, machine, threads, NULL);
    if (st == CKKS_OK)
        st = nni_lay_out(p, &placed, &maps, machine, threads, HUGE_VAL, hook);
    p->weights_loss = 0;
    for (int k = 0; k < placed.num_stages && st == CKKS_OK; k++) {
        p->step[k].loss = nni_weights_loss(&placed, k);
        p->weights_loss = fmax(p->weights_loss, p->step[k].loss);
    }
    if (st == CKKS_OK)
        nni_totals(p);
    nni_maps_clear(&maps);
    nni_placed_clear(&placed);
    return st;
}

static ckks_status make(nn_plan *out, const net *n, const nn_model *m,
                        const nn_aim *aim)
{
    nn_plan *plan = calloc(2, sizeof *plan), *blank;
    const nn_machine *machine = aim->machine;
    nn_machine usual;
    ckks_status st = CKKS_OK;

    if (plan == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_make: no memory");
    blank = plan + 1;
    if (machine == NULL) {
        st = nn_machine_default(&usual, "avx2");
        machine = &usual;
    }
    describe(blank, n, m, aim);
    if (st == CKKS_OK)
        st = nni_search(plan, n, blank, m, aim, machine);
    if (st == CKKS_OK)
        st = predict(plan, n, aim->machine, aim->threads, NULL);
    if (st == CKKS_OK && nn_plan_check(plan) != CKKS_OK)    /* it must load  */
        st = nn_fail(CKKS_EPARAM, "nn_plan_make: %s", nn_last_error());
    if (st == CKKS_OK)
        *out = *plan;
    free(plan);
    return st;
}

ckks_status nn_plan_make(nn_plan *out, const nn_model *m, const nn_aim *aim)
{
    static const nn_aim none;
    net n;
    ckks_status st;

    if (out == NULL || m == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_make: null pointer");
    if (aim == NULL)
        aim = &none;
    st = nni_check_blind(m);
    if (st == CKKS_OK)
        st = check_aim(m, aim);
    if (st == CKKS_OK)
        st = check_ranges(m);
    if (st == CKKS_OK)
        st = nni_init(&n, m, "nn_plan_make");
    if (st != CKKS_OK)
        return st;
    st = make(out, &n, m, aim);
    nni_clear(&n);
    return st;
}

/* What client and server agreed on stays as it was, to the last bit. */
static void keep_agreed(nn_plan *to, const nn_plan *from)
{
    to->error_sd = from->error_sd;
    to->num_keys = from->num_keys;
    memcpy(to->key, from->key, sizeof to->key);
    for (int i = 0; i < to->num_steps; i++) {
        nn_step *s = &to->step[i];
        const nn_step *old = &from->step[i];

        memcpy(s->name, old->name, sizeof s->name);
        s->log_scale = old->log_scale;
        s->height = old->height;
        s->width = old->width;
        s->rotate_inputs = old->rotate_inputs;
    }
}

ckks_status nni_predict(nn_plan *p, const nn_model *m,
                        const nn_machine *machine, int threads,
                        const nni_hook *hook, const char *name)
{
    nn_plan *made;
    net n;
    ckks_status st = CKKS_OK;

    if (p == NULL || m == NULL)
        return nn_fail(CKKS_EARG, "%s: null pointer", name);
    if (threads < 0 || threads > NN_MAX_THREADS)
        return nn_fail(CKKS_EARG, "%s: %d threads, not 1..%d", name, threads,
                       NN_MAX_THREADS);
    if (machine != NULL)
        st = nni_machine_check(machine, name);
    if (st == CKKS_OK)
        st = nni_init(&n, m, name);
    if (st != CKKS_OK)
        return st;
    made = malloc(sizeof *made);
    if (made == NULL) {
        st = nn_fail(CKKS_EMEM, "%s: no memory", name);
    } else {
        *made = *p;
        st = predict(made, &n, machine, threads, hook);
    }
    if (st == CKKS_OK) {
        keep_agreed(made, p);
        *p = *made;
    }
    free(made);
    nni_clear(&n);
    return st;
}

ckks_status nn_plan_price(nn_plan *p, const nn_model *m,
                          const nn_machine *machine, int threads)
{
    return nni_predict(p, m, machine, threads, NULL, "nn_plan_price");
}

ckks_status nn_plan_context(ckks_ctx **out, const nn_plan *p,
                            const ckks_memory *memory)
{
    ckks_params params = p->params;
    ckks_status st;

    params.kernel = NULL;
    params.memory = memory == NULL ? (ckks_memory){ 0 } : *memory;
    st = ckks_ctx_init(out, &params);
    return nn_relay(st, NULL);
}
