/* run_row.c -- the integer combinations of one piece: some channels at
 * some phases of a row.
 *
 * Read first: run.h, map.c, shape.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

void nni_row_clear(nni_row *w)
{
    for (int i = 0; w->sum != NULL && i < w->num_blocks * w->piece.channels;
         i++)
        ckks_ct_clear(&w->sum[i]);
    free(w->block);
    free(w->phase);
    free(w->step);
    free(w->index);
    free(w->weight);
    free(w->in);
    free(w->sum);
    free(w->to);
    memset(w, 0, sizeof *w);
}

static ckks_status row_alloc(nni_row *w, const nni_inputs *in)
{
    const nni_piece *p = &w->piece;
    size_t terms = 0, channels = (size_t)p->channels, blocks = 0;

    for (int i = p->first; i < p->first + p->phases; i++)
        terms += (size_t)in->map->phase[i].terms;
    blocks = terms;             /* at most one a term                        */
    w->block = calloc(blocks, sizeof *w->block);
    w->phase = calloc(blocks, sizeof *w->phase);
    w->step = calloc(blocks, sizeof *w->step);
    w->index = calloc(terms, sizeof *w->index);
    w->weight = calloc(terms * channels, sizeof *w->weight);
    w->in = calloc((size_t)in->total, sizeof *w->in);
    if (w->block == NULL || w->phase == NULL || w->step == NULL
        || w->index == NULL || w->weight == NULL || w->in == NULL)
        return nni_no_memory(in->stage->name);
    return CKKS_OK;
}

/* The block of phase i whose sums are to be rotated by `step`. */
static void fill_block(nni_row *w, const nni_inputs *in, int i, int step,
                       int32_t **index, int32_t **weight, int *used)
{
    const nni_phase *p = &in->map->phase[i];
    ckks_block *b = &w->block[w->num_blocks];
    int32_t *first = *index;
    size_t terms = 0;

    for (int k = 0; k < p->terms; k++) {
        int due, ct = nni_inputs_find(&due, in, &p->term[k]);

        if (due != step)
            continue;
        if (used[ct] < 0) {
            used[ct] = w->num_in;
            w->in[w->num_in++] = in->ct[ct];
        }
        first[terms++] = used[ct];
    }
    *b = (ckks_block){ .first = (size_t)w->num_blocks
                                * (size_t)w->piece.channels,
                       .rows = (size_t)w->piece.channels, .terms = terms,
                       .index = first, .weight = *weight };
    for (int o = 0; o < w->piece.channels; o++)
        for (int k = 0; k < p->terms; k++) {
            int due;

            (void)nni_inputs_find(&due, in, &p->term[k]);
            if (due == step)
                *(*weight)++ = p->weight[(size_t)(w->piece.channel + o)
                                         * (size_t)p->terms + (size_t)k];
        }
    *index += terms;
    w->phase[w->num_blocks] = i;
    w->step[w->num_blocks++] = step;
}

static void fill_blocks(nni_row *w, const nni_inputs *in, int *used)
{
    int32_t *index = w->index, *weight = w->weight;

    for (int i = 0; i < in->total; i++)
        used[i] = -1;
    for (int i = w->piece.first; i < w->piece.first + w->piece.phases; i++) {
        const nni_phase *p = &in->map->phase[i];
        int start = w->num_blocks;

        for (int k = 0; k < p->terms; k++) {
            int due, seen = 0;

            (void)nni_inputs_find(&due, in, &p->term[k]);
            for (int b = start; b < w->num_blocks; b++)
                seen |= w->step[b] == due;
            if (!seen)
                fill_block(w, in, i, due, &index, &weight, used);
        }
    }
}

ckks_status nni_row_init(nni_row *w, const nni_inputs *in,
                         const nni_piece *piece)
{
    int *used = malloc((size_t)in->total * sizeof *used);
    size_t sums;
    ckks_status st;

    *w = (nni_row){ .piece = *piece };
    st = used == NULL ? nni_no_memory(in->stage->name) : row_alloc(w, in);
    if (st == CKKS_OK) {
        fill_blocks(w, in, used);
        sums = (size_t)w->num_blocks * (size_t)piece->channels;
        w->sum = calloc(sums, sizeof *w->sum);
        w->to = calloc(sums, sizeof *w->to);
        if (w->sum == NULL || w->to == NULL)
            st = nni_no_memory(in->stage->name);
        for (size_t i = 0; st == CKKS_OK && i < sums; i++)
            w->to[i] = &w->sum[i];
    }
    if (st == CKKS_OK) {
        st = ckks_combine(w->to, sums, w->in, (size_t)w->num_in, w->block,
                          (size_t)w->num_blocks,
                          ldexp(in->stage->scale, in->stage->mask_bits));
        if (st != CKKS_OK)
            st = nn_fail(st, "nn_run: %s: %s", in->stage->name,
                         ckks_last_error());
    }
    free(used);
    if (st != CKKS_OK)
        nni_row_clear(w);
    return st;
}
