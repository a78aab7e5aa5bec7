/* run.c -- the network on ciphertexts: the schedules of its stages, walked.
 *
 * Read first: docs/11-layers.md, schedule/schedule.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/backend.h"

static bool same_context(const ckks_ctx *ctx, const ckks_params *p)
{
    bool same = ckks_ctx_log_n(ctx) == p->log_n
                && ckks_ctx_ring(ctx) == p->ring
                && ckks_ctx_top_level(ctx) == p->num_primes - 1;

    for (int i = 0; same && i < p->num_primes; i++)
        same = ckks_ctx_prime(ctx, i) == p->primes[i];
    return same;
}

static ckks_status check(const ckks_ct *out, const ckks_ct *in,
                         const nn_plan *p, const nn_weights *w,
                         const ckks_keys *keys)
{
    uint8_t fingerprint[16];
    ckks_status st;

    if (out == NULL || in == NULL || p == NULL || w == NULL || keys == NULL)
        return nn_fail(CKKS_EARG, "nn_run: null pointer");
    st = nn_plan_fingerprint(fingerprint, p);
    if (st != CKKS_OK)
        return st;
    if (memcmp(fingerprint, w->fingerprint, sizeof fingerprint) != 0)
        return nn_fail(CKKS_EPARAM, "nn_run: the weights were made for another "
                       "plan");
    for (int i = 0; i < nn_plan_inputs(p); i++)
        if (in[i].ctx == NULL || in[i].level != p->in_level
            || in[i].degree != 1
            || fabs(in[i].scale / p->in_scale - 1) > 0x1p-32)
            return nn_fail(CKKS_EPARAM, "nn_run: input %d: level %d, degree "
                           "%d, scale 2^%.3f; the plan says %d, 1, 2^%.3f", i,
                           in[i].level, in[i].degree, log2(in[i].scale),
                           p->in_level, log2(p->in_scale));
    for (int i = 0; i < nn_plan_inputs(p); i++)
        if (!same_context(in[i].ctx, &p->params))
            return nn_fail(CKKS_EPARAM, "nn_run: input %d: its context has N = "
                           "2^%d and %d primes; the plan says N = 2^%d and "
                           "%d, or other primes", i,
                           ckks_ctx_log_n(in[i].ctx),
                           ckks_ctx_top_level(in[i].ctx) + 1, p->params.log_n,
                           p->params.num_primes);
    return CKKS_OK;
}

/* What an error left behind, and what no stage read. */
static void clear_all(nni_state *s)
{
    for (int t = NNI_FORM; t < s->tensors; t++)
        for (int i = 0; s->tensor != NULL && i < s->count[t]; i++)
            ckks_ct_clear(&s->tensor[t][i]);
}

static void clear_locals(nni_state *s)
{
    for (int t = 0; t < NNI_LOCALS; t++)
        for (int i = 0; i < s->local_count[t]; i++)
            ckks_ct_clear(&s->local[t][i]);
    for (int i = 0; i < s->masks; i++)
        ckks_pt_clear(&s->mask[i]);
}

static ckks_status one_stage(nni_state *state, nni_runner *r, int k,
                             bool by_inputs)
{
    const nn_weights *w = r->w;
    const nni_backend with = { .apply = nni_run_step, .parallel = true,
                               .user = r };
    const bool matrix = w->placed.stage[k].neurons > 0;
    nni_encoded here = { 0 };
    nni_schedule s = { 0 };
    nni_map map;
    ckks_status st = nni_map_init(&map, &w->placed, k, true);

    if (st == CKKS_OK)
        st = nni_schedule_init(&s, &w->placed, k, matrix ? NULL : &map,
                               by_inputs, "nn_run");
    r->encoded = &w->encoded[k];
    if (st == CKKS_OK && matrix && r->encoded->ctx != r->ctx) {
        st = nni_encoded_init(&here, &w->placed, k, r->ctx, "nn_run");
        r->encoded = &here;
    }
    if (st == CKKS_OK)
        st = nni_state_open(state, &s);
    if (st == CKKS_OK)
        st = nni_walk(&s, state, &with);
    if (st == CKKS_OK)
        nni_state_end(state, &w->placed, k);
    clear_locals(state);
    nni_state_close(state);
    nni_schedule_clear(&s);
    nni_encoded_clear(&here);
    nni_map_clear(&map);
    return st;
}

/* Keys that were opened: just those that stage k and later ones need of what
 * was read. */
static ckks_status hold(const nni_runner *r, const nni_held *held, int k)
{
    ckks_key_request key[NN_MAX_KEYS];
    const size_t n = nni_held_at(key, held, k);

    return nn_relay(ckks_keys_hold(r->keys, key, n), "the evaluation keys");
}

static ckks_status run_all(nni_state *state, ckks_ct *logit, ckks_ct *in,
                           const nn_plan *p, nni_runner *r)
{
    const nn_progress *progress = r->progress;
    const nn_weights *w = r->w;
    nni_held held;
    double done = 0;
    ckks_status st = nni_held_init(&held, &w->placed, w->map);

    if (st == CKKS_OK)
        st = nni_state_init(state, &w->placed, "nn_run");
    if (st != CKKS_OK) {
        nni_held_clear(&held);
        return st;
    }
    state->tensor[NNI_IMAGE] = in;
    state->tensor[NNI_LOGIT] = logit;
    for (int k = 0; k < w->net.num_stages && st == CKKS_OK; k++) {
        if (progress != NULL && progress->report != NULL)
            progress->report(progress->user, p, k, done, p->seconds);
        st = hold(r, &held, k);
        if (st == CKKS_OK)
            st = one_stage(state, r, k, p->step[k].rotate_inputs);
        done += p->step[k].seconds;
    }
    nni_held_clear(&held);
    clear_all(state);
    state->tensor[NNI_IMAGE] = state->tensor[NNI_LOGIT] = NULL;
    nni_state_clear(state);
    return st;
}

ckks_status nn_run_scratch(ckks_ct *out, ckks_ct *in, const nn_plan *p,
                           const nn_weights *w, ckks_keys *keys,
                           const nn_scratch *scratch,
                           const nn_progress *progress)
{
    nni_runner r = { .w = w, .keys = keys, .scratch = scratch,
                     .progress = progress };
    nni_state state = { 0 };
    ckks_ct *logit;
    ckks_status st = check(out, in, p, w, keys);

    if (st == CKKS_OK && p->scratch > 0
        && (scratch == NULL || scratch->write == NULL
            || scratch->read == NULL))
        st = nn_fail(CKKS_EARG, "nn_run: the plan puts what is more than %d "
                     "MiB of a map into a scratch file, and there is none",
                     p->scratch);
    if (st != CKKS_OK)
        return st;
    r.ctx = in[0].ctx;
    r.bits = nni_plan_choice(p).bits;
    logit = calloc((size_t)nn_plan_outputs(p), sizeof *logit);
    st = logit == NULL ? nn_fail(CKKS_EMEM, "nn_run: no memory")
                       : run_all(&state, logit, in, p, &r);
    for (int i = 0; logit != NULL && i < nn_plan_outputs(p); i++) {
        if (st == CKKS_OK)
            ckks_ct_swap(&out[i], &logit[i]);
        ckks_ct_clear(&logit[i]);
    }
    free(logit);
    return st;
}

ckks_status nn_run(ckks_ct *out, ckks_ct *in, const nn_plan *p,
                   const nn_weights *w, ckks_keys *keys,
                   const nn_progress *progress)
{
    return nn_run_scratch(out, in, p, w, keys, NULL, progress);
}
