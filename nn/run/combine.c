/* combine.c -- one combination of a schedule as a call of ckks_combine.
 *
 * Read first: backend.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/backend.h"
#include "stage/lanes.h"

/* What the call takes: shapes (cts), (sums), (blocks), (all terms), (rows
 * terms of every block).  Its blocks are slabs of the combination's. */
typedef struct call {
    const ckks_ct **in;
    ckks_ct **out;
    ckks_block *block;
    int32_t *index, *weight;
    size_t sums, blocks;
} call;

/* Numbers of a weight. */
static size_t coefficients(const nni_schedule *s)
{
    const int period = s->placed->stage[s->stage].period;

    return period > 0 ? (size_t)period : 1;
}

static void call_clear(call *w)
{
    free(w->in);
    free(w->out);
    free(w->block);
    free(w->index);
    free(w->weight);
}

static ckks_status call_init(call *w, const nni_schedule *s,
                             const nni_combine *c)
{
    const int first = c->piece.channel, channels = c->piece.channels;
    size_t blocks = 0, terms = 0, weights = 0;

    for (int k = 0; k < c->blocks; k++)
        for (int o = first, n; o < first + channels; o += n) {
            size_t more;

            n = nni_slab_channels(s, c, o);
            more = (size_t)nni_slab_terms(s, c, &s->block[c->first_block + k],
                                          o, n);
            more += more == 0;
            blocks++;
            terms += more;
            weights += more * (size_t)n * coefficients(s);
        }
    *w = (call){ .sums = (size_t)c->blocks * (size_t)channels };
    w->in = malloc((size_t)c->cts * sizeof *w->in);
    w->out = malloc(w->sums * sizeof *w->out);
    w->block = malloc(blocks * sizeof *w->block);
    w->index = malloc(terms * sizeof *w->index);
    w->weight = calloc(weights, sizeof *w->weight);
    if (w->in != NULL && w->out != NULL && w->block != NULL
        && w->index != NULL && w->weight != NULL)
        return CKKS_OK;
    return nn_fail(CKKS_EMEM, "no memory for %zu terms of %zu sums", terms,
                   w->sums);
}

/* n weights of a block whose sums are rotated by `step` afterwards: patterns of
 * slots are turned back by it. */
static void copy_weights(int32_t *to, const int32_t *from, size_t n, int period,
                         int step)
{
    if (period <= 1 || step % period == 0)
        memcpy(to, from, n * (size_t)(period > 1 ? period : 1) * sizeof *to);
    else
        for (size_t i = 0; i < n; i++, to += period, from += period)
            nni_lane_turn(to, from, period, step);
}

/* Indices and weights of one block, for some channels; a sum of nothing is one
 * of 0 times the first input.  Gives its terms. */
static size_t fill_slab(const nni_schedule *s, const nni_combine *c,
                        const nni_block *b, int first, int channels,
                        int32_t *index, int32_t *weight)
{
    const nni_phase *p = &s->map->phase[b->phase];
    const size_t terms = (size_t)nni_slab_terms(s, c, b, first, channels);
    const size_t each = coefficients(s);
    size_t at = 0;

    index[0] = s->input[c->first_input + s->read[b->first].input].first;
    for (int r = b->first; r < b->first + b->reads; r++) {
        const nni_input *in = &s->input[c->first_input + s->read[r].input];
        const nni_group *g = &p->group[s->read[r].group];
        int from;
        const int n = nni_slab_read(&from, s, c, b, &s->read[r], first,
                                    channels);

        for (int i = 0; i < n; i++)
            index[at + (size_t)i] = in->first + from - in->channel + i;
        for (int o = 0; o < channels; o++)
            copy_weights(weight + ((size_t)o * terms + at) * each,
                         p->weight + ((size_t)(first + o) * (size_t)p->terms
                                      + (size_t)(g->first + from)) * each,
                         (size_t)n, (int)each, b->step);
        at += (size_t)n;
    }
    return terms > 0 ? terms : 1;
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

        for (int o = 0, n; o < c->piece.channels; o += n) {
            const int channel = c->piece.channel + o;
            size_t terms;

            n = nni_slab_channels(s, c, channel);
            terms = fill_slab(s, c, b, channel, n, index, weight);
            w->block[w->blocks++] = (ckks_block){
                .first = (size_t)k * channels + (size_t)o, .rows = (size_t)n,
                .terms = terms, .index = index, .weight = weight };
            index += terms;
            weight += terms * (size_t)n * coefficients(s);
        }
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
    ckks_status st = call_init(&w, s, c);

    if (st == CKKS_OK) {
        fill(&w, s, state, c);
        if (stage->period > 0)
            st = ckks_combine_periodic(w.out, w.sums, w.in, (size_t)c->cts,
                                       w.block, w.blocks, stage->period,
                                       stage->scale);
        else
            st = ckks_combine(w.out, w.sums, w.in, (size_t)c->cts, w.block,
                              w.blocks,
                              stage->masked
                                  ? ldexp(stage->scale, stage->mask_bits)
                                  : stage->scale);
        st = nn_relay(st, NULL);
    }
    call_clear(&w);
    return st;
}
