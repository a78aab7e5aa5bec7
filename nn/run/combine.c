/* combine.c -- one combination of a schedule as a call of ckks_combine.
 *
 * Read first: backend.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/backend.h"

/* What the call takes: shapes (cts), (sums), (blocks), (all terms), (rows
 * terms of every block). */
typedef struct call {
    const ckks_ct **in;
    ckks_ct **out;
    ckks_block *block;
    int32_t *index, *weight;
    size_t sums;
} call;

static void call_clear(call *w)
{
    free(w->in);
    free(w->out);
    free(w->block);
    free(w->index);
    free(w->weight);
}

static ckks_status call_init(call *w, const nni_combine *c)
{
    const size_t channels = (size_t)c->piece.channels;
    const size_t terms = (size_t)c->terms;

    *w = (call){ .sums = (size_t)c->blocks * channels };
    w->in = malloc((size_t)c->cts * sizeof *w->in);
    w->out = malloc(w->sums * sizeof *w->out);
    w->block = malloc((size_t)c->blocks * sizeof *w->block);
    w->index = malloc(terms * sizeof *w->index);
    w->weight = malloc(terms * channels * sizeof *w->weight);
    if (w->in != NULL && w->out != NULL && w->block != NULL
        && w->index != NULL && w->weight != NULL)
        return CKKS_OK;
    return nn_fail(CKKS_EMEM, "no memory for %zu terms of %zu sums", terms,
                   w->sums);
}

/* Indices and weights of one block. */
static void fill_block(const nni_schedule *s, const nni_combine *c,
                       const nni_block *b, int32_t *index, int32_t *weight)
{
    const nni_phase *p = &s->map->phase[b->phase];
    const int first = c->piece.channel, channels = c->piece.channels;

    for (int r = b->first; r < b->first + b->reads; r++) {
        const nni_input *in = &s->input[c->first_input + s->read[r].input];

        for (int i = 0; i < in->channels; i++)
            *index++ = in->first + i;
    }
    for (int o = first; o < first + channels; o++)
        for (int r = b->first; r < b->first + b->reads; r++) {
            const nni_input *in = &s->input[c->first_input + s->read[r].input];
            const nni_group *g = &p->group[s->read[r].group];

            memcpy(weight, p->weight + (size_t)o * (size_t)p->terms
                               + (size_t)(g->first + in->channel),
                   (size_t)in->channels * sizeof *weight);
            weight += in->channels;
        }
}

static void fill(call *w, const nni_schedule *s, nni_state *state,
                 const nni_combine *c)
{
    const size_t channels = (size_t)c->piece.channels;
    int32_t *index = w->index, *weight = w->weight;

    for (int k = 0; k < c->inputs; k++) {
        const nni_input *in = &s->input[c->first_input + k];

        for (int i = 0; i < in->channels; i++)
            w->in[in->first + i] = nni_at(state, in->from, in->channel + i,
                                          NULL);
    }
    for (int k = 0; k < c->blocks; k++) {
        const nni_block *b = &s->block[c->first_block + k];
        const size_t terms = (size_t)b->terms;

        fill_block(s, c, b, index, weight);
        w->block[k] = (ckks_block){ .first = (size_t)k * channels,
                                    .rows = channels, .terms = terms,
                                    .index = index, .weight = weight };
        index += terms;
        weight += terms * channels;
        for (int o = 0; o < c->piece.channels; o++)
            w->out[(size_t)k * channels + (size_t)o] =
                nni_at(state, (nni_ref){ c->tensor, b->to, 1 },
                       c->piece.channel + o, NULL);
    }
}

ckks_status nni_run_combine(const nni_schedule *s, nni_state *state,
                            const nni_combine *c)
{
    const nni_placed_stage *stage = &s->placed->stage[s->stage];
    call w;
    ckks_status st = call_init(&w, c);

    if (st == CKKS_OK) {
        fill(&w, s, state, c);
        st = ckks_combine(w.out, w.sums, w.in, (size_t)c->cts, w.block,
                          (size_t)c->blocks,
                          stage->masked ? ldexp(stage->scale, stage->mask_bits)
                                        : stage->scale);
        st = nn_relay(st, NULL);
    }
    call_clear(&w);
    return st;
}
