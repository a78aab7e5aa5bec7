/* walk.c -- the walk over a schedule, and the tensors it works on.
 *
 * Read first: schedule.h.
 */
#include <stdlib.h>
#include <string.h>

#include "schedule/parallel.h"
#include "schedule/schedule.h"

/* ---- tensors ------------------------------------------------------------- */

/* An array of empty ciphertexts in place of what was there. */
static ckks_status renew(ckks_ct **array, int *at, int count, const char *who)
{
    free(*array);
    *array = calloc((size_t)count + 1, sizeof **array);
    *at = *array == NULL ? 0 : count;
    return *array != NULL ? CKKS_OK
                          : nn_fail(CKKS_EMEM, "%s: no memory for %d "
                                    "ciphertexts", who, count);
}

ckks_status nni_state_init(nni_state *s, const nni_placed *p,
                           const char *name)
{
    *s = (nni_state){ .name = name };
    s->tensors = NNI_FORM + p->num_stages * NET_MAX_OUTS;
    s->tensor = calloc((size_t)s->tensors, sizeof *s->tensor);
    s->count = calloc((size_t)s->tensors, sizeof *s->count);
    s->place = calloc((size_t)s->tensors, sizeof *s->place);
    if (s->tensor != NULL && s->count != NULL && s->place != NULL)
        return CKKS_OK;
    nni_state_clear(s);
    return nn_fail(CKKS_EMEM, "%s: no memory for %d tensors", name,
                   NNI_FORM + p->num_stages * NET_MAX_OUTS);
}

ckks_status nni_state_form(nni_state *s, const nni_placed *p, int k, int j)
{
    const nni_placed_stage *st = &p->stage[k];
    const int t = NNI_FORM + k * NET_MAX_OUTS + j;

    if (nni_filed_bytes(p, k, j) > 0) {
        s->place[t] = nni_arena_take(&s->file,
                                     (size_t)nni_filed_bytes(p, k, j));
        if (s->place[t] == NNI_NO_ROOM)
            return nn_fail(CKKS_EMEM, "%s: no memory for places in the scratch "
                           "file", s->name);
    }
    return renew(&s->tensor[t], &s->count[t],
                 st->planes * nni_out_phases(st->of, &st->out[j], &p->layout),
                 s->name);
}

void nni_state_end(nni_state *s, const nni_placed *p, int k)
{
    for (int i = 0; i <= k; i++)
        for (int j = 0; j < p->stage[i].num_outs; j++)
            if (p->stage[i].out[j].last_reader == k
                && nni_filed_bytes(p, i, j) > 0)
                nni_arena_give(&s->file,
                               s->place[NNI_FORM + i * NET_MAX_OUTS + j],
                               (size_t)nni_filed_bytes(p, i, j));
}

ckks_status nni_state_open(nni_state *s, const nni_schedule *of)
{
    const nni_placed *p = of->placed;
    ckks_status st = CKKS_OK;

    for (int j = 0; j < p->stage[of->stage].num_outs && st == CKKS_OK; j++)
        st = nni_state_form(s, p, of->stage, j);
    for (int i = 0; i < NNI_LOCALS && st == CKKS_OK; i++)
        if (of->count[i] > 0)
            st = renew(&s->local[i], &s->local_count[i], of->count[i],
                       s->name);
    if (st != CKKS_OK)
        return st;
    s->mask = calloc((size_t)of->masks + 1, sizeof *s->mask);
    if (s->mask == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %d masks", s->name,
                       of->masks);
    s->masks = of->masks;
    return CKKS_OK;
}

void nni_state_close(nni_state *s)
{
    for (int i = 0; i < NNI_LOCALS; i++) {
        free(s->local[i]);
        s->local[i] = NULL;
        s->local_count[i] = 0;
    }
    free(s->mask);
    s->mask = NULL;
    s->masks = 0;
}

void nni_state_clear(nni_state *s)
{
    nni_state_close(s);
    for (int i = 0; s->tensor != NULL && i < s->tensors; i++)
        free(s->tensor[i]);
    free(s->tensor);
    free(s->count);
    free(s->place);
    nni_arena_clear(&s->file);
    memset(s, 0, sizeof *s);
}

ckks_ct *nni_at(const nni_state *s, nni_ref r, int task, ckks_ct here[2])
{
    const int index = r.base + r.stride * task;

    if (r.tensor == NNI_HERE || r.tensor == NNI_COPY)
        return &here[-1 - r.tensor];
    return r.tensor >= 0 ? &s->tensor[r.tensor][index]
                         : &s->local[-1 - r.tensor][index];
}

uint64_t nni_file_at(size_t *bytes, const nni_state *s, const nni_placed *p,
                     nni_ref r, int task)
{
    const int form = r.tensor - NNI_FORM;
    const nni_placed_stage *stage = &p->stage[form / NET_MAX_OUTS];
    const nni_out *o = &stage->out[form % NET_MAX_OUTS];
    const int phases = nni_out_phases(stage->of, o, &p->layout);
    const int index = r.base + r.stride * task;

    *bytes = (size_t)nni_form_bytes(p, o);
    return s->place[r.tensor]
           + ((uint64_t)(index / phases) * (uint64_t)(phases - o->filed)
              + (uint64_t)(index % phases - o->filed)) * *bytes;
}

/* ---- the walk ------------------------------------------------------------ */

/* Task number t of a round: its body, and its own number. */
static const nni_body *body_of(int *task, const nni_schedule *s,
                               const nni_round *r, int t)
{
    const nni_body *b = s->body + r->first;

    while (t >= b->tasks)
        t -= b++->tasks;
    *task = b->begin + t;
    return b;
}

/* One task, which stands for so many. */
static ckks_status walk_task(const nni_schedule *s, nni_state *state,
                             const nni_backend *with, const nni_body *b,
                             int task, int alike)
{
    static const nni_ref own = { NNI_HERE, 0, 0 }, copy = { NNI_COPY, 0, 0 };
    nni_step last = { .what = NNI_FREE, .at = 1 };
    ckks_ct here[2] = { { 0 }, { 0 } };
    ckks_status st = CKKS_OK, ended;

    if (with->task != NULL)
        with->task(with->user, alike, true);
    for (int i = b->first; i < b->first + b->steps && st == CKKS_OK; i++)
        st = with->apply(with->user, s, state, &s->step[i], task, here);
    for (int i = 0; i < 2; i++)         /* what an error left                */
        if (here[i].limb != NULL) {
            last.from = i == 0 ? own : copy;
            ended = with->apply(with->user, s, state, &last, task, here);
            st = st == CKKS_OK ? ended : st;
        }
    if (with->task != NULL)
        with->task(with->user, alike, false);
    return st;
}

bool nni_alike(const nni_schedule *s)
{
    return s->map != NULL && s->placed->stage[s->stage].of->linear == NULL;
}

static ckks_status walk_round(const nni_schedule *s, nni_state *state,
                              const nni_backend *with, const nni_round *r)
{
    nni_failure f = { CKKS_OK, "" };
    int task;

    if (with->sampled) {
        for (int i = r->first; i < r->first + r->bodies; i++)
            nni_note(&f, walk_task(s, state, with, &s->body[i],
                                   s->body[i].begin, s->body[i].tasks));
    } else if (!with->parallel || r->tasks == 1) {
        for (int t = 0; t < r->tasks && f.status == CKKS_OK; t++) {
            const nni_body *b = body_of(&task, s, r, t);

            nni_note(&f, walk_task(s, state, with, b, task, 1));
        }
    } else {
        NNI_PARALLEL
        for (int t = 0; t < r->tasks; t++) {
            int own;
            const nni_body *b = body_of(&own, s, r, t);

            nni_note(&f, walk_task(s, state, with, b, own, 1));
        }
    }
    return nni_failed(&f, state->name,
                      s->placed->stage[s->stage].of->name);
}

ckks_status nni_walk(const nni_schedule *s, nni_state *state,
                     const nni_backend *with)
{
    ckks_status st = CKKS_OK;

    for (int i = 0; i < s->rounds && st == CKKS_OK; i++) {
        if (with->round != NULL)
            with->round(with->user, s, i, true);
        st = walk_round(s, state, with, &s->round[i]);
        if (with->round != NULL)
            with->round(with->user, s, i, false);
    }
    return st;
}
