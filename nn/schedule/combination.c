/* combination.c -- the steps of a stage whose outputs are integer combinations
 * of ciphertexts.
 *
 * Read first: inputs.h.
 *
 *   make what is read      inputs dropped, rotated, masked, alternating
 *   for each piece         combine inputs into sums; for each channel and
 *                          phase: rotate the sums and add them, bias, mask,
 *                          activation, its place in every form
 *
 * Sums, and what is made of inputs, are the largest part of what a stage holds;
 * so pieces are small, and where many made inputs are read by few sums, the
 * inputs are made and read some channels at a time, and sums are added.
 */
#include <string.h>

#include "schedule/inputs.h"
#include "stage/lanes.h"

/* The step that the sums of a term are rotated by. */
static int due(const nni_inputs *w, const nni_term *t)
{
    return t->step - t->step % w->m->babies;
}

static int count_blocks(const nni_inputs *w, const nni_phase *p)
{
    int blocks = 0;

    for (int g = 0; g < p->groups; g++) {
        bool seen = false;

        for (int j = 0; j < g && !seen; j++)
            seen = due(w, &p->group[j].term) == due(w, &p->group[g].term);
        blocks += !seen;
    }
    return blocks;
}

/* ---- combinations -------------------------------------------------------- */

/* The number of what a group reads in the combination; it is added if need
 * be. */
static int input_number(nni_inputs *w, nni_combine *c, const nni_term *t,
                        int slice)
{
    nni_schedule *s = w->m->s;
    const nni_feed *feed = &w->map->feed[t->feed];
    int *number, from;
    const nni_ref ref = nni_read_ref(&number, w, t);
    nni_input *in;

    if (*number > 0)
        return *number - 1;
    from = nni_slice_begin(w, feed, slice);
    in = nni_grow(w->m, s->input, &s->inputs, sizeof *in);
    if (in == NULL)
        return 0;
    s->input = in;
    in += s->inputs - 1;
    *in = (nni_input){ ref, from, nni_slice_begin(w, feed, slice + 1) - from,
                       c->cts };
    c->cts += in->channels;
    *number = ++c->inputs;
    return *number - 1;
}

/* to: where the sum of channel 0 would be. */
static void add_block(nni_inputs *w, nni_combine *c, int phase, int step,
                      int slice, int to)
{
    nni_schedule *s = w->m->s;
    const nni_phase *p = &w->map->phase[phase];
    nni_block *b = nni_grow(w->m, s->block, &s->blocks, sizeof *b);

    if (b == NULL)
        return;
    s->block = b;
    b += s->blocks - 1;
    *b = (nni_block){ .phase = phase, .step = step, .to = to,
                      .first = s->reads };
    for (int g = 0; g < p->groups; g++) {
        const nni_term *t = &p->group[g].term;
        nni_read *r;
        int input;

        if (due(w, t) != step)
            continue;
        input = input_number(w, c, t, slice);
        if (w->m->full || s->input[c->first_input + input].channels == 0)
            continue;
        r = nni_grow(w->m, s->read, &s->reads, sizeof *r);
        if (r == NULL)
            return;
        s->read = r;
        r[s->reads - 1] = (nni_read){ g, input };
        b->reads++;
        b->terms += s->input[c->first_input + input].channels;
    }
    if (b->reads == 0) {        /* nothing of this slice                     */
        s->blocks--;
        return;
    }
    c->blocks++;
    c->terms += b->terms;
}

/* Where the sums of block number b of a piece are: those of a slice lie by
 * phases and channels, others as they come. */
static int sums_at(const nni_inputs *w, const nni_piece *p, int tensor,
                   int phase, int b)
{
    return w->slices > 1 && tensor == NNI_SUM
               ? phase * w->map->channels
               : b * p->channels - p->channel;
}

/* The blocks of a piece, phase by phase. */
static void list_blocks(nni_inputs *w, nni_combine *c, int slice)
{
    const nni_schedule *s = w->m->s;
    const nni_piece *piece = &c->piece;

    memset(w->number, 0, (size_t)(w->map->num_feeds + w->versions)
                             * sizeof *w->number);
    for (int i = piece->first; i < piece->first + piece->phases; i++) {
        const nni_phase *p = &w->map->phase[i];
        const int start = s->blocks;

        for (int g = 0; g < p->groups && !w->m->full; g++) {
            const int step = due(w, &p->group[g].term);
            bool seen = false;

            for (int b = start; b < s->blocks; b++)
                seen |= s->block[b].step == step;
            if (!seen)
                add_block(w, c, i, step, slice,
                          sums_at(w, piece, c->tensor, i, c->blocks));
        }
    }
}

/* The same for other channels of the piece before: what is read is what that
 * reads. */
static void repeat_blocks(nni_inputs *w, nni_combine *c)
{
    nni_schedule *s = w->m->s;
    const nni_combine before = s->combine[s->combines - 1];

    c->first_input = before.first_input;
    c->inputs = before.inputs;
    c->cts = before.cts;
    c->terms = before.terms;
    for (int b = 0; b < before.blocks; b++) {
        nni_block *grown = nni_grow(w->m, s->block, &s->blocks, sizeof *grown);

        if (grown == NULL)
            return;
        s->block = grown;
        grown += s->blocks - 1;
        *grown = s->block[before.first_block + b];
        grown->to = sums_at(w, &c->piece, c->tensor, grown->phase, b);
    }
    c->blocks = before.blocks;
}

/* Adds a combination to the schedule, and the step that does it.  again: the
 * one before is of other channels of the same piece and slice. */
static void combine(nni_inputs *w, const nni_piece *piece, int tensor,
                    int slice, bool again)
{
    nni_schedule *s = w->m->s;
    const nni_ref to = { tensor, 0, 1 };
    nni_combine c = { .piece = *piece, .tensor = tensor,
                      .first_input = s->inputs, .first_block = s->blocks };
    nni_combine *grown;

    if (again)
        repeat_blocks(w, &c);
    else
        list_blocks(w, &c, slice);
    if (c.blocks == 0)
        return;
    if (c.blocks * piece->channels > s->count[-tensor - 1])
        s->count[-tensor - 1] = c.blocks * piece->channels;
    grown = nni_grow(w->m, s->combine, &s->combines, sizeof *grown);
    if (grown == NULL)
        return;
    s->combine = grown;
    s->combine[s->combines - 1] = c;
    nni_begin_round(w->m);
    nni_begin_body(w->m, 0, 1);
    nni_add_step(w->m, NNI_COMBINE, to, to, w->m->stage->level)->at =
        s->combines - 1;
}

/* ---- from sums to forms -------------------------------------------------- */

/* The sum of the blocks of one phase, rotated; gives where it is. */
static nni_ref add_blocks(nni_inputs *w, const nni_block *block, int blocks)
{
    const int level = w->m->stage->level;
    nni_ref sum = { NNI_HERE, 0, 0 };

    if (blocks == 1 && block->step == 0)
        return (nni_ref){ NNI_SUM, block->to, 1 };
    for (int again = 0; again < 2; again++) {   /* read, then freed          */
        nni_add_step(w->m, again == 0 ? NNI_ROTATE_SUM : NNI_FREE, sum, sum,
                     level);
        for (int b = 0; b < blocks; b++)
            nni_add_part(w->m, (nni_ref){ NNI_SUM, block[b].to, 1 },
                         block[b].step);
    }
    return sum;
}

/* What follows the sums of one phase, which are these blocks. */
static void finish_phase(nni_inputs *w, const nni_block *block, int blocks)
{
    const nni_placed_stage *s = w->m->stage;
    const nni_ref sum = add_blocks(w, block, blocks);
    const int phase = block->phase;
    int level = s->level;

    nni_add_step(w->m, s->of->uneven || s->period > 0 ? NNI_BIAS_EDGE
                                                       : NNI_BIAS,
                 sum, sum, level)->at = phase;
    if (s->masked)
        nni_add_step(w->m, NNI_RESCALE, sum, sum, level--);
    if (s->cleared) {
        nni_add_step(w->m, NNI_CLEAR, sum, sum, level)->at =
            nni_clearing_mask(w, phase);
        nni_add_step(w->m, NNI_RESCALE, sum, sum, level--);
    }
    nni_add_forms(w->m, sum, phase, level);
}

/* The same for a combination whose sums are complete. */
static void finish_piece(nni_inputs *w, const nni_combine *c)
{
    const nni_block *block = w->m->s->block + c->first_block;

    nni_begin_round(w->m);
    nni_begin_body(w->m, c->piece.channel, c->piece.channels);
    for (int b = 0, count; b < c->blocks; b += count) {
        count = 1;
        while (b + count < c->blocks
               && block[b + count].phase == block[b].phase)
            count++;
        finish_phase(w, block + b, count);
    }
}

static bool has_pixels(const nni_inputs *w, const nni_piece *p)
{
    bool live = false;

    for (int i = p->first; i < p->first + p->phases; i++)
        live |= w->map->phase[i].live;
    return live;
}

/* Piece by piece. */
static void make_pieces(nni_inputs *w)
{
    nni_piece piece = { 0 };

    nni_make_slice(w, 0);
    while (nni_piece_next(w, &piece, nni_piece_limbs(w) / nni_inputs_limbs(w))) {
        if (piece.channel == 0)
            nni_free_before(w, piece.first);
        if (!has_pixels(w, &piece))
            continue;
        if (piece.channel == 0)
            nni_move_window(w, &piece);
        combine(w, &piece, NNI_SUM, 0, piece.channel > 0);
        if (w->m->full)
            return;
        finish_piece(w, &w->m->s->combine[w->m->s->combines - 1]);
    }
    nni_free_before(w, w->map->num_phases);
    nni_move_window(w, NULL);
}

/* ---- slices -------------------------------------------------------------- */

/* The sums that a combination made are added to those of the slices before. */
static void add_piece(nni_inputs *w, const nni_combine *c)
{
    nni_begin_round(w->m);
    nni_begin_body(w->m, c->piece.channel, c->piece.channels);
    for (int b = 0; b < c->blocks; b++) {
        const nni_block *block = w->m->s->block + c->first_block + b;
        const nni_ref more = { NNI_MORE, block->to, 1 };
        const nni_ref sum = { NNI_SUM, block->phase * w->map->channels, 1 };

        nni_add_step(w->m, NNI_ADD, sum, more, w->m->stage->level);
        nni_add_step(w->m, NNI_FREE, more, more, w->m->stage->level)->at =
            1;
    }
}

/* Slice by slice: sums of all phases and channels, one block a phase; those of
 * the first slice are made, those of others added to them piece by piece. */
static void make_slices(nni_inputs *w)
{
    nni_schedule *s = w->m->s;
    const int first = s->combines;
    int last = first, before;

    s->count[-NNI_SUM - 1] = w->map->num_phases * w->map->channels;
    for (int slice = 0; slice < w->slices; slice++) {
        const int most = slice == 0 ? nni_piece_limbs(w)
                                    : NNI_ADDED_LIMBS;
        nni_piece piece = { 0 };
        bool made = false;

        nni_make_slice(w, slice);
        while (nni_piece_next(w, &piece, most / nni_inputs_limbs(w))) {
            if (!has_pixels(w, &piece))
                continue;
            before = s->combines;
            combine(w, &piece, slice == 0 ? NNI_SUM : NNI_MORE, slice,
                    piece.channel > 0 && made);
            if (w->m->full)
                return;
            made = s->combines > before;
            if (slice > 0 && made)
                add_piece(w, &s->combine[s->combines - 1]);
        }
        if (slice == 0)
            last = s->combines;
        nni_free_slice(w, slice);
    }
    for (int c = first; c < last; c++)
        finish_piece(w, &s->combine[c]);
}

void nni_make_combination(nni_maker *m)
{
    nni_inputs w;

    m->by_inputs = m->stage->masked
                   || (m->by_inputs && !m->stage->alternating
                       && m->stage->period == 0);
    m->babies = m->by_inputs ? (int)m->p->layout.slots : 1;
    if (m->stage->period > 0)
        m->babies = nni_babies(m->stage, m->s->map);
    nni_inputs_init(&w, m);
    m->full = m->full || !nni_list_endings(&w);
    for (int i = 0; i < w.map->num_phases && !m->full; i++)
        w.blocks[i] = count_blocks(&w, &w.map->phase[i]);
    if (!m->full) {
        w.slices = nni_choose_slices(&w);
        nni_encode_masks(&w);
        if (w.slices > 1)
            make_slices(&w);
        else
            make_pieces(&w);
    }
    nni_inputs_clear(&w);
}
