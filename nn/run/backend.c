/* backend.c -- the steps of a schedule as calls of libckks.
 *
 * Read first: backend.h.
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "ckks_primitives.h"
#include "run/backend.h"
#include "schedule/parallel.h"

/* What stands for channel o where the activation is no square: the same scale
 * as a square has. */
static bool is_linear(const nni_stage *s, int o)
{
    return s->linear != NULL && s->linear[o];
}

static ckks_status activate(ckks_ct *out, const ckks_ct *ct,
                            const nni_placed_stage *s, int o)
{
    if (is_linear(s->of, o))
        return ckks_mul_const(out, ct, 1, 0, round(s->value_scale));
    return ckks_square(out, ct);
}

/* place += the activation of ct, or ct where the stage has none. */
static ckks_status accumulate(ckks_ct *place, ckks_ct *ct,
                              const nni_placed_stage *s, int o)
{
    ckks_status st = CKKS_OK;

    if (s->of->square && !is_linear(s->of, o))
        return ckks_add_square(place, ct);
    if (s->of->square)
        st = activate(ct, ct, s, o);
    return st == CKKS_OK ? ckks_add(place, place, ct) : st;
}

static ckks_status encode_mask(const nni_runner *r, const nni_schedule *s,
                               ckks_pt *out, const nni_masking *mask, int level)
{
    const nni_placed_stage *stage = &s->placed->stage[s->stage];
    const nn_layout *l = &s->placed->layout;
    double *slot = malloc(l->slots * sizeof *slot);
    ckks_status st;

    if (slot == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a mask of %zu slots",
                       l->slots);
    for (size_t j = 0; j < l->slots; j++)
        slot[j] = mask->sums
                      ? nni_mask_map(l, stage->of, mask->at[0], mask->at[1], j)
                      : nni_mask_place(l, stage->of->gap, &mask->term, j);
    st = ckks_encode(out, r->ctx, slot, NULL, l->slots, level,
                     ldexp(1, stage->mask_bits));
    free(slot);
    return nn_relay(st, NULL);
}

/* Adds what a channel's bias is in each slot. */
static ckks_status add_edge_bias(const nni_runner *r, const nni_schedule *s,
                                 ckks_ct *sum, int phase, int channel)
{
    const size_t slots = s->placed->layout.slots;
    double *value = malloc(slots * sizeof *value);
    ckks_pt pt = { 0 };
    ckks_status st;

    if (value == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a bias of %zu slots", slots);
    nni_map_bias(value, s->map, s->placed, s->stage, phase, channel);
    st = ckks_encode(&pt, r->ctx, value, NULL, slots, sum->level, sum->scale);
    if (st == CKKS_OK)
        st = ckks_add_plain(sum, sum, &pt);
    ckks_pt_clear(&pt);
    free(value);
    return nn_relay(st, NULL);
}

/* The parts that are there: those of a matrix may be sums of nothing. */
static size_t gather(const ckks_ct **part, int *turn, const nni_schedule *s,
                     nni_state *state, const nni_step *step, int task,
                     ckks_ct here[2])
{
    size_t n = 0;

    for (int i = step->list; i < step->list + step->count; i++) {
        const ckks_ct *ct = nni_at(state, s->part[i].from, task, here);

        if (ct->limb == NULL)
            continue;
        part[n] = ct;
        turn[n++] = s->part[i].step;
    }
    return n;
}

/* The steps with parts: what is read and by how much it is rotated. */
static ckks_status with_parts(const nni_runner *r, const nni_schedule *s,
                              nni_state *state, const nni_step *step, int task,
                              ckks_ct here[2])
{
    const size_t room = (size_t)step->count + 1;
    const ckks_ct **part = malloc(room * sizeof *part);
    int *turn = malloc(room * sizeof *turn);
    ckks_ct *to = nni_at(state, step->to, task, here);
    ckks_status st = CKKS_OK;

    if (part == NULL || turn == NULL) {
        st = nn_fail(CKKS_EMEM, "no memory for %d parts", step->count);
    } else {
        const size_t n = gather(part, turn, s, state, step, task, here);

        if (step->what == NNI_HOIST)
            st = ckks_rotate_hoisted(to, turn, n,
                                     nni_at(state, step->from, task, here),
                                     r->keys);
        else if (n == 1 && turn[0] == 0)
            st = ckks_ct_copy(to, part[0]);
        else
            st = ckks_rotate_sum(to, part, turn, n, r->keys);
        st = nn_relay(st, NULL);
    }
    free(part);
    free(turn);
    return st;
}

/* The sum of the products of one giant step of one output. */
static ckks_status products(const nni_runner *r, const nni_schedule *s,
                            nni_state *state, const nni_step *step, int task)
{
    const nni_matrix *x = &s->matrix;
    const int giant = task % x->giants;
    ckks_ct *sum = nni_at(state, step->to, task, NULL), product = { 0 };
    ckks_status st = CKKS_OK;

    for (int i = 0; i < x->babies * x->inputs && st == CKKS_OK; i++) {
        const int baby = i / x->inputs, input = i % x->inputs;
        const int at = baby == 0 ? input
                                 : x->inputs + input * (x->babies - 1) + baby
                                       - 1;
        const ckks_ct *ct = nni_at(state, step->from, at, NULL);
        const ckks_pt *pt;

        if (!nni_matrix_wants(x, giant, baby))
            break;
        pt = &r->encoded->product[nni_product(x, task / x->giants, giant, baby,
                                              input)];
        if (pt->limb == NULL)
            continue;
        st = ckks_mul_plain(sum->limb == NULL ? sum : &product, ct, pt);
        if (st == CKKS_OK && product.limb != NULL)
            st = ckks_add(sum, sum, &product);
    }
    if (sum->limb != NULL)
        sum->scale = nni_sum_scale(&s->placed->stage[s->stage]);
    ckks_ct_clear(&product);
    return nn_relay(st, NULL);
}

static void release(const nni_schedule *s, nni_state *state,
                    const nni_step *step, int task, ckks_ct here[2])
{
    if (step->count == 0) {
        ckks_ct *first = nni_at(state, step->from, task, here);

        for (int i = 0; i < step->at; i++)
            ckks_ct_clear(first + i);
    }
    for (int i = step->list; i < step->list + step->count; i++)
        ckks_ct_clear(nni_at(state, s->part[i].from, task, here));
}

static ckks_status apply(const nni_runner *r, const nni_schedule *s,
                         nni_state *state, const nni_step *step, int task,
                         ckks_ct here[2])
{
    const nni_placed_stage *stage = &s->placed->stage[s->stage];
    ckks_ct *to = nni_at(state, step->to, task, here);
    ckks_ct *from = nni_at(state, step->from, task, here);

    switch (step->what) {
    case NNI_DROP:
        return nn_relay(ckks_drop_level(to, from, step->level), NULL);
    case NNI_HOIST:
    case NNI_ROTATE_SUM:
        return with_parts(r, s, state, step, task, here);
    case NNI_ALTERNATE:
        return nn_relay(ckks_mul_alternating(to, from), NULL);
    case NNI_ENCODE:
        return encode_mask(r, s, &state->mask[step->at], &s->mask[step->at],
                           step->level);
    case NNI_MASK:
    case NNI_CLEAR:             /* from is what is cleared                   */
        return nn_relay(ckks_mul_plain(to, from, &state->mask[step->at]), NULL);
    case NNI_SCALE:
        return nn_relay(ckks_mul_const(to, from, 1, 0,
                                       ldexp(1, stage->mask_bits)), NULL);
    case NNI_COMBINE:
        return nni_run_combine(s, state, &s->combine[step->at]);
    case NNI_ADD:
        return nn_relay(ckks_add(to, to, from), NULL);
    case NNI_BIAS:
        return nn_relay(ckks_add_const(to, to,
                                       s->map->phase[step->at].bias[task], 0),
                        NULL);
    case NNI_BIAS_EDGE:
        return add_edge_bias(r, s, to, step->at, task);
    case NNI_RESCALE:
        return nn_relay(ckks_rescale(to, to), NULL);
    case NNI_MOVE:
        ckks_ct_swap(to, from);
        return CKKS_OK;
    case NNI_ACTIVATE:
        return nn_relay(activate(to, from, stage, task), NULL);
    case NNI_ACCUMULATE:
        return nn_relay(accumulate(to, from, stage, task), NULL);
    case NNI_RELIN_RESCALE:
        return nn_relay(ckks_relin_rescale(to, to, r->keys), NULL);
    case NNI_LIFT:
        return nn_relay(ckks_mul_const(
            to, to, 1, 0,
            nni_lift(r->bits, stage->value_scale,
                     ckks_ctx_prime(r->ctx, step->level))), NULL);
    case NNI_PRODUCTS:
        return products(r, s, state, step, task);
    case NNI_BIAS_PLAIN:
        if (stage->extra)
            to->scale = stage->value_scale;
        return nn_relay(ckks_add_plain(to, to, &r->encoded->bias[task]), NULL);
    case NNI_STORE:
        return nni_run_store(r, s, state, step, task);
    case NNI_LOAD:
        return nni_run_load(r, s, state, step, task);
    default:
        release(s, state, step, task, here);
        return CKKS_OK;
    }
}

static double seconds_now(void)
{
    struct timespec t = { 0, 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

ckks_status nni_run_step(void *user, const nni_schedule *s, nni_state *state,
                         const nni_step *step, int task, ckks_ct here[2])
{
    const nni_runner *r = user;
    const nn_progress *p = r->progress;
    ckks_status st;
    double began;

    if (p == NULL || p->took == NULL)
        return apply(r, s, state, step, task, here);
    began = seconds_now();
    st = apply(r, s, state, step, task, here);
    NNI_CRITICAL
    p->took(p->user, s->stage, (int)step->what, step->level,
            seconds_now() - began);
    return st;
}
