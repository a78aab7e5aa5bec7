/* maker.c -- a stage's steps: what all stages have in common.
 *
 * Read first: schedule.h.
 */
#include <stdlib.h>

#include "schedule/schedule.h"

/* ---- arrays -------------------------------------------------------------- */

void *nni_grow(nni_maker *m, void *array, int *count, size_t size)
{
    void *grown = array;

    if (m->full)
        return NULL;
    /* doubled when a power of two is full */
    if (*count == 0 || (*count >= 8 && (*count & (*count - 1)) == 0))
        grown = realloc(array, (*count == 0 ? 8 : 2 * (size_t)*count) * size);
    if (grown == NULL) {
        m->full = true;
        return NULL;
    }
    ++*count;
    return grown;
}

void nni_begin_round(nni_maker *m)
{
    nni_schedule *s = m->s;
    nni_round *r = nni_grow(m, s->round, &s->rounds, sizeof *r);

    if (r == NULL)
        return;
    s->round = r;
    r[s->rounds - 1] = (nni_round){ .first = s->bodies };
}

void nni_begin_body(nni_maker *m, int begin, int tasks)
{
    nni_schedule *s = m->s;
    nni_body *b = nni_grow(m, s->body, &s->bodies, sizeof *b);

    if (b == NULL || s->rounds == 0)
        return;
    s->body = b;
    b[s->bodies - 1] = (nni_body){ s->steps, 0, begin, tasks };
    s->round[s->rounds - 1].bodies++;
    s->round[s->rounds - 1].tasks += tasks;
}

nni_step *nni_add_step(nni_maker *m, nni_do what, nni_ref to, nni_ref from,
                       int level)
{
    nni_schedule *s = m->s;
    nni_step *step = nni_grow(m, s->step, &s->steps, sizeof *step);

    if (step == NULL || s->bodies == 0)
        return &m->none;
    s->step = step;
    step += s->steps - 1;
    *step = (nni_step){ .what = what, .level = level, .to = to, .from = from,
                        .list = s->parts };
    s->body[s->bodies - 1].steps++;
    return step;
}

void nni_add_part(nni_maker *m, nni_ref from, int step)
{
    nni_schedule *s = m->s;
    nni_part *p = nni_grow(m, s->part, &s->parts, sizeof *p);

    if (p == NULL || s->steps == 0)
        return;
    s->part = p;
    p[s->parts - 1] = (nni_part){ from, step };
    s->step[s->steps - 1].count++;
}

/* ---- forms --------------------------------------------------------------- */

int nni_collects(const nni_maker *m, int j)
{
    const nni_size size = nni_stage_size(m->stage->of);

    return nni_turns(&size, m->stage->out[j].pool, &m->p->layout) > 0
               ? NNI_MEAN - 2 * j : NNI_FORM + m->k * NET_MAX_OUTS + j;
}

/* How the phases of the sums fall into places of a form before its means by
 * rotation. */
typedef struct places {
    int columns, down, across;  /* of the sums; so many of them a place      */
    int phases, place_columns;  /* of the places                             */
} places;

static places places_of(const nni_maker *m, int j)
{
    const nn_layout *l = &m->p->layout;
    const nni_size size = nni_stage_size(m->stage->of);
    const nni_means to = nni_means_after(&size, m->stage->out[j].pool, l, 0);

    return (places){ nni_phases(l->ring_x, size.gap),
                     size.gap > 0 ? to.gap_y / size.gap : 1,
                     size.gap > 0 ? to.gap_x / size.gap : 1,
                     nni_means_phases(&to, l),
                     nni_phases(l->ring_x, to.gap_x) };
}

static int place_of(const places *at, int phase)
{
    return phase / at->columns / at->down * at->place_columns
           + phase % at->columns / at->across;
}

/* Whether no phase that is done before this one has its place; phases come in
 * order, each once for every piece of its channels. */
static bool first_there(nni_maker *m, int j, int place, int phase)
{
    int *first = m->first[j];

    if (first == NULL)
        return true;
    if (first[place] == 0)
        first[place] = phase + 1;
    return first[place] == phase + 1;
}

/* A ciphertext of form j that is complete goes where the form lies. */
static void add_store(nni_maker *m, int j, nni_ref at)
{
    const nni_out *o = &m->stage->out[j];

    if (at.tensor >= NNI_FORM && at.base >= o->filed)
        nni_add_step(m, NNI_STORE, at, at, o->level);
}

/* x, at level + 1 of form j, in its place there. */
static void add_form(nni_maker *m, int j, nni_ref x, int phase)
{
    const bool square = m->stage->of->square;
    const int level = m->stage->out[j].level + 1;
    const places at = places_of(m, j);
    const int y = phase / at.columns, h = phase % at.columns;
    const nni_ref place = { nni_collects(m, j), place_of(&at, phase),
                            at.phases };

    if (!first_there(m, j, place_of(&at, phase), phase))
        nni_add_step(m, NNI_ACCUMULATE, place, x, level);
    else if (square)
        nni_add_step(m, NNI_ACTIVATE, place, x, level);
    else
        nni_add_step(m, NNI_MOVE, place, x, level);
    nni_add_step(m, NNI_FREE, x, x, level)->at = 1;
    if (y % at.down != at.down - 1 || h % at.across != at.across - 1)
        return;
    if (square) {
        nni_add_step(m, NNI_RELIN_RESCALE, place, place, level);
    } else {
        nni_add_step(m, NNI_LIFT, place, place, level);
        nni_add_step(m, NNI_RESCALE, place, place, level);
    }
    add_store(m, j, place);
}

void nni_add_forms(nni_maker *m, nni_ref sum, int phase, int level)
{
    const nni_placed_stage *s = m->stage;
    const nni_ref copy = { NNI_COPY, 0, 0 };
    bool left = true;

    if (m->k == m->p->num_stages - 1) {
        const nni_ref logit = { NNI_LOGIT, phase,
                                nn_layout_phases(&m->p->layout, s->of->gap) };

        nni_add_step(m, NNI_MOVE, logit, sum, level);
        return;
    }
    for (int j = 0; j < s->num_outs; j++) {
        const int down = s->out[j].level + 1;

        if (j + 1 == s->num_outs && level == down) {
            add_form(m, j, sum, phase);
            left = false;       /* no one needs it any more                  */
        } else {
            nni_add_step(m, NNI_DROP, copy, sum, down);
            if (j + 1 == s->num_outs) {
                nni_add_step(m, NNI_FREE, sum, sum, level)->at = 1;
                left = false;
            }
            add_form(m, j, copy, phase);
        }
    }
    if (left)
        nni_add_step(m, NNI_FREE, sum, sum, level)->at = 1;
}

/* ---- the end of a stage -------------------------------------------------- */

/* Frees `count` ciphertexts of a tensor, in a round of its own. */
static void add_free(nni_maker *m, int tensor, int count)
{
    const nni_ref all = { tensor, 0, 1 };

    if (count == 0)
        return;
    nni_begin_round(m);
    nni_begin_body(m, 0, 1);
    nni_add_step(m, NNI_FREE, all, all, 0)->at = count;
}

/* Form j's means by rotation, one pooling after the other. */
static void add_means(nni_maker *m, int j)
{
    const nn_layout *l = &m->p->layout;
    const nni_out *o = &m->stage->out[j];
    const nni_size size = nni_stage_size(m->stage->of);
    const int turns = nni_turns(&size, o->pool, l);

    for (int turned = 0; turned < turns; turned++) {
        const nni_means before = nni_means_after(&size, o->pool, l, turned);
        const nni_means after = nni_means_after(&size, o->pool, l, turned + 1);
        const int was = nni_means_phases(&before, l);
        const int is = nni_means_phases(&after, l);
        const int from = NNI_MEAN - 2 * j - turned % 2;
        const int to = turned + 1 < turns
                           ? NNI_MEAN - 2 * j - (turned + 1) % 2
                           : NNI_FORM + m->k * NET_MAX_OUTS + j;

        nni_begin_round(m);
        for (int i = 0; i < is; i++) {
            nni_turn turn[4];
            int y, x, count;

            if (!nni_means_at(&y, &x, &after, l, i))
                continue;
            nni_begin_body(m, 0, m->stage->planes);
            nni_add_step(m, NNI_ROTATE_SUM, (nni_ref){ to, i, is },
                         (nni_ref){ from, 0, 0 }, o->level);
            count = nni_mean_turns(turn, l, &before, &after, i);
            for (int t = 0; t < count; t++)
                nni_add_part(m, (nni_ref){ from, turn[t].phase, was },
                             turn[t].step);
            add_store(m, j, (nni_ref){ to, i, is });
        }
        add_free(m, from, m->stage->planes * was);
    }
}

void nni_add_end(nni_maker *m)
{
    const nni_placed *p = m->p;

    for (int j = 0; j < m->stage->num_outs; j++)
        add_means(m, j);
    for (int k = 0; k < m->k; k++)
        for (int j = 0; j < p->stage[k].num_outs; j++)
            if (p->stage[k].out[j].last_reader == m->k)
                add_free(m, NNI_FORM + k * NET_MAX_OUTS + j,
                         p->stage[k].planes
                             * nni_out_phases(p->stage[k].of,
                                              &p->stage[k].out[j],
                                              &p->layout));
    if (p->image.last_reader == m->k)
        add_free(m, NNI_IMAGE, p->net->model->channels * p->layout.ring_y
                                   * p->layout.ring_x);
}

void nni_maker_init(nni_maker *m)
{
    for (int j = 0; j < m->stage->num_outs; j++) {
        m->first[j] = calloc((size_t)places_of(m, j).phases + 1,
                             sizeof *m->first[j]);
        m->full |= m->first[j] == NULL;
    }
}

void nni_maker_clear(nni_maker *m)
{
    for (int j = 0; j < m->stage->num_outs; j++)
        free(m->first[j]);
}
