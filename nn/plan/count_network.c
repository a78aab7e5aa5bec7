/* count_network.c -- walks that count: over one stage, whose inputs are put
 * there, and over all stages.
 *
 * Read first: count.h.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/count.h"

/* All ciphertexts of a form that hold pixels, as they are when read. */
static ckks_status fill_form(nni_state *state, const nni_placed *p, int k,
                             int j)
{
    const nni_placed_stage *s = &p->stage[k];
    const nni_out *o = &s->out[j];
    const int t = NNI_FORM + k * NET_MAX_OUTS + j;
    const nni_size size = nni_stage_size(s->of);
    const nni_means end = nni_means_after(&size, o->pool, &p->layout,
                                          nni_turns(&size, o->pool,
                                                    &p->layout));
    const int phases = nni_means_phases(&end, &p->layout);
    ckks_status st = nni_state_form(state, p, k, j);
    int y, x;

    for (int i = 0; st == CKKS_OK && i < state->count[t]; i++)
        if (nni_means_at(&y, &x, &end, &p->layout, i % phases))
            state->tensor[t][i] = (ckks_ct){ .degree = 1, .level = o->level,
                                             .limb = i % phases < o->filed
                                                 ? (uint64_t *)8 : NULL };
    return st;
}

static ckks_status fill_image(nni_state *state, const nni_placed *p,
                              const char *name)
{
    const int inputs = p->net->model->channels * p->layout.ring_y
                       * p->layout.ring_x;
    const int outputs = p->stage[p->num_stages - 1].planes
                        * nn_layout_phases(&p->layout,
                                           p->stage[p->num_stages - 1].of
                                               ->gap);

    state->tensor[NNI_IMAGE] = calloc((size_t)inputs + 1, sizeof(ckks_ct));
    state->tensor[NNI_LOGIT] = calloc((size_t)outputs + 1, sizeof(ckks_ct));
    if (state->tensor[NNI_IMAGE] == NULL || state->tensor[NNI_LOGIT] == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %d ciphertexts", name,
                       inputs + outputs);
    state->count[NNI_IMAGE] = inputs;
    state->count[NNI_LOGIT] = outputs;
    for (int i = 0; i < inputs; i++)
        state->tensor[NNI_IMAGE][i] = (ckks_ct){ .degree = 1,
                                                 .level = p->image.level,
                                                 .limb = (uint64_t *)8 };
    return CKKS_OK;
}

/* Gives back a stage's masks. */
static void free_masks(nni_count *c, nni_state *state)
{
    for (int i = 0; i < state->masks; i++)
        nni_count_free_mask(c, &state->mask[i]);
}

static ckks_status walk_stage(nni_count *c, const nni_schedule *s,
                              nni_state *state)
{
    const nni_backend with = nni_count_backend(c);
    ckks_status st = nni_state_open(state, s);

    if (st == CKKS_OK)
        st = nni_walk(s, state, &with);
    if ((double)state->file.top > c->file)
        c->file = (double)state->file.top;
    free_masks(c, state);
    nni_state_close(state);
    return st;
}

ckks_status nni_count_stage(nni_count *c, const nni_schedule *s)
{
    const nni_placed *p = s->placed;
    const nni_placed_stage *stage = &p->stage[s->stage];
    nni_state state;
    ckks_status st = nni_state_init(&state, p, p->net->name);

    if (st != CKKS_OK)
        return st;
    st = fill_image(&state, p, p->net->name);
    for (int i = 0; i < stage->of->num_sources && st == CKKS_OK; i++) {
        const int from = stage->of->source[i].stage;

        if (from >= 0)
            st = fill_form(&state, p, from, stage->from[i]);
    }
    if (st == CKKS_OK)
        st = walk_stage(c, s, &state);
    nni_state_clear(&state);
    return st;
}

/* Stage k, as the plan says. */
static ckks_status run_stage(nni_count *c, const nni_placed *p, int k,
                             const nni_map *map, bool by_inputs,
                             nni_state *state)
{
    nni_schedule s;
    ckks_status st = nni_schedule_init(&s, p, k,
                                       p->stage[k].neurons > 0 ? NULL : map,
                                       by_inputs, p->net->name);

    if (st == CKKS_OK)
        st = walk_stage(c, &s, state);
    nni_schedule_clear(&s);
    if (st == CKKS_OK)
        nni_state_end(state, p, k);
    return st;
}

static ckks_status run_all(nni_count *c, const nn_plan *plan,
                           const nni_placed *p, const nni_map *map,
                           const nni_held *held, double most,
                           nni_state *state)
{
    nni_key_places keys;
    ckks_status st = CKKS_OK;

    memset(keys.level, -1, sizeof keys.level);
    for (int k = 0; k < p->num_stages && st == CKKS_OK
                    && !((double)c->arena->top > most); k++) {
        if (held != NULL)
            nni_count_hold(c, &keys, held, k);
        st = run_stage(c, p, k, &map[k], plan->step[k].rotate_inputs, state);
    }
    return st;
}

ckks_status nni_count_network(nni_count *c, const nn_plan *plan,
                              const nni_placed *p, const nni_map *map,
                              const nni_held *held, double most)
{
    nni_state state;
    ckks_status st = nni_state_init(&state, p, p->net->name);

    if (st != CKKS_OK)
        return st;
    st = fill_image(&state, p, p->net->name);
    for (int i = 0; i < state.count[NNI_IMAGE]; i++) {
        ckks_ct *ct = &state.tensor[NNI_IMAGE][i];
        const int level = ct->level;

        memset(ct, 0, sizeof *ct);
        nni_count_make(c, ct, 1, level);
    }
    if (st == CKKS_OK)
        st = run_all(c, plan, p, map, held, most, &state);
    nni_state_clear(&state);
    if (st == CKKS_OK && c->no_room)
        st = nn_fail(CKKS_EMEM, "%s: no memory to lay out memory",
                     p->net->name);
    return st;
}
