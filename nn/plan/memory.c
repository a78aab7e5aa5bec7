/* memory.c -- the memory a stage needs: tensors, sums of a piece, scratch.
 *
 * Read first: price.h, run.c.
 */
#include <math.h>
#include <string.h>

#include "plan/price.h"

static double limb_bytes(const ckks_params *p)
{
    return ldexp(8, p->log_n);
}

double nni_base_bytes(const nn_plan *p, const nn_machine *machine)
{
    const ckks_params *c = &p->params;
    /* of roots and companions, forward and back */
    const double roots = strcmp(machine->kernel, "avx2") == 0 ? 2 : 4;
    double limbs = roots * (c->num_primes + c->num_special) + 2;

    for (size_t i = 0; i < p->num_keys; i++) {
        const int level = p->key[i].level;

        limbs += 2 * nni_digits(c, level) * (level + 1 + c->num_special);
        if (p->key[i].kind != CKKS_KEY_RELIN)
            limbs += 0.5;       /* the permutation                           */
    }
    return limbs * limb_bytes(c);
}

/* A form of stage j's output, complete. */
static double form_limbs(const nni_stage *s, const nni_out *o,
                         const nn_layout *l)
{
    return 2.0 * (o->level + 1) * s->planes * nni_out_phases(s, o, l);
}

double nni_alive_bytes(const net *n, int k, const nn_plan *p)
{
    double limbs = 0;

    if (k <= n->image.last_reader)
        limbs += 2.0 * (n->image.level + 1) * nn_plan_inputs(p);
    for (int j = 0; j < k; j++)
        for (int i = 0; i < n->stage[j].num_outs; i++)
            if (n->stage[j].out[i].last_reader >= k)
                limbs += form_limbs(&n->stage[j], &n->stage[j].out[i],
                                    &p->layout);
    return limbs * limb_bytes(&p->params);
}

/* Scratch of cki_switch on so many threads. */
static double switch_limbs(const ckks_params *p, int level, double xs,
                           double pairs, int threads)
{
    const double digits = nni_digits(p, level);
    const int specials = ckks_params_special_at(p, level);
    const int scaled = specials < p->num_special;

    return xs * ((level + 1) * (1 + scaled) + digits)
           + pairs * 2 * (specials + 2)
           + threads * (4 * (digits + 3) + 1);
}

/* What finish_one has at once besides sums and outputs. */
static double one_limbs(const nni_stage *s, const nni_row_shape *row,
                        const ckks_params *p)
{
    const double limbs = s->level + 1;
    const double parts = s->square ? 3 : 2;
    double most = 4 * limbs;    /* a sum and its copy with the bias          */

    if (row->sums > 0)
        most = fmax(most, 2 * limbs + switch_limbs(p, s->level,
                              ceil((double)row->rotations / row->sums), 1, 1));
    for (int j = 0; j < s->num_outs; j++) {
        const int level = s->out[j].level + 1;
        double down = s->square ? switch_limbs(p, level, 1, 1, 1) : 6;

        most = fmax(most, parts * (limbs - s->masked) + parts * (level + 1)
                              + 2 * level + down);
    }
    return most;
}

/* Of the inputs: dropped, rotated and masked ones, and the masks. */
static double own_limbs(const net *n, const nni_stage *s,
                        const nni_shape *shape, const nni_map *m,
                        const nn_plan *p)
{
    const double limbs = s->level + 1;
    double count = shape->versions;

    for (int i = 0; i < s->num_sources && !s->masked; i++)
        if (s->source[i].stage < 0 && n->image.level != s->level)
            count += s->source[i].channels
                     * nn_layout_phases(&p->layout, s->source[i].gap);
    if (s->masked)
        count += m->num_inputs;
    return 2 * limbs * count + (s->masked ? 8 * limbs : 0);
}

/* Outputs once so many rows are done, the last one perhaps in part; of a mean
 * that lacks rows the sums so far. */
static double delivered_limbs(const nni_stage *s, const nn_layout *l,
                              double rows)
{
    double limbs = 0;

    for (int j = 0; j < s->num_outs; j++) {
        const nni_out *o = &s->out[j];
        const nni_means m = nni_means_after(s, o, l, 0);
        const double each = s->channels * nni_phases(l->ring_x, m.gap_x);
        const int side = s->gap > 0 ? m.gap_y / s->gap : 1;

        const double sum = (s->square ? 3 : 2) * (o->level + 2);
        const double form = 2 * (o->level + 1);
        const double whole = floor(rows / side), part = rows - whole * side;
        const double down = fmax(0, part - (side - 1));

        limbs += each * (form * (whole + down)
                         + sum * (fmin(part, 1) - down));
    }
    return limbs;
}

/* Inputs that are dropped before a phase is begun. */
static double dropped_limbs(const net *n, int k, const nni_map *m, int phase,
                            bool by_inputs)
{
    const nni_stage *s = &n->stage[k];
    double limbs = 0;

    for (int i = 0; i < s->num_sources; i++) {
        const nni_source *src = &s->source[i];
        const int level = src->stage < 0
                              ? n->image.level
                              : n->stage[src->stage].out[src->out].level;

        if (nni_drops(n, k, i, by_inputs))
            limbs += 2.0 * (level + 1) * m->ended[phase * m->num_sources + i];
    }
    return limbs;
}

/* Scratch of ckks_combine: tiles of inputs, weights as doubles. */
static double combine_bytes(const nni_stage *s, const nni_row_shape *row,
                            const nn_machine *machine)
{
    const int together = nni_machine_rows(machine);
    const double rows = (row->piece.channels + together - 1) / together
                        * together;
    const double doubles = rows * row->terms
                           + (row->inputs + 1.0) * nni_machine_columns(machine);

    return together == 1 ? 0 : 2 * (s->level + 1) * 8 * doubles;
}

/* Plaintexts, inputs and what is rotated of them, sums. */
double nni_matrix_bytes(const net *n, int k, const nni_matrix *x,
                        const nn_plan *p, int threads)
{
    const nni_stage *s = &n->stage[k];
    const double limbs = s->level + 1;
    const double products = (double)x->inputs * x->count * x->outputs;
    const double own = (double)x->inputs * x->babies;
    const double sums = (double)x->outputs * (x->giants + 2);

    return nni_alive_bytes(n, k, p)
           + limb_bytes(&p->params)
                 * (limbs * products + 2 * limbs * (own + sums)
                    + threads * switch_limbs(&p->params, s->level, x->giants,
                                             1, threads));
}

/* Rows that are done before a piece: the part of its own that the pieces before
 * it make. */
static double rows_before(const nni_piece *p, const nni_map *m, int columns)
{
    return (p->first + p->phases * (double)p->channel / m->channels) / columns;
}

double nni_stage_bytes(const net *n, int k, const nni_shape *shape,
                       const nni_map *m, const nn_plan *p,
                       const nn_machine *machine, int threads)
{
    const nni_stage *s = &n->stage[k];
    const double limb = limb_bytes(&p->params), sum = 2.0 * (s->level + 1);
    const double own = own_limbs(n, s, shape, m, p);
    const int columns = nni_columns(s, &p->layout);
    double most = own + sum * threads, logits = 0, dropped = 0;

    for (int i = 0; i < shape->num_rows; i++) {
        const nni_row_shape *row = &shape->row[i];
        const int channels = row->piece.channels;
        const double sums = sum * channels * row->blocks;
        const double moved = sum * channels * row->moved;
        const double from = rows_before(&row->piece, m, columns);
        const double made = (double)channels / m->channels
                            * row->piece.phases / columns;
        double before = own + delivered_limbs(s, &p->layout, from) + logits;
        const double one = threads * one_limbs(s, row, &p->params);

        if (row->piece.channel == 0)
            dropped = dropped_limbs(n, k, m, row->piece.first,
                                    shape->by_inputs);
        before -= dropped;
        if (k == n->num_stages - 1)
            logits += sum * channels * row->piece.phases;
        most = fmax(most, before + sums
                              + fmax(combine_bytes(s, row, machine) / limb,
                                     one));
        most = fmax(most, own - dropped + sums - moved + one + logits
                              + delivered_limbs(s, &p->layout, from + made));
    }
    return nni_alive_bytes(n, k, p) + most * limb;
}
