/* dense.c -- the steps of a dense layer whose outputs share ciphertexts.
 *
 * Read first: schedule.h, matrix.c.
 *
 * Every input is rotated by the baby steps from one set of digits; for each
 * giant step the products with plaintexts are added; the sums are rotated by
 * the giant steps and added, with one division by P for all; then they are
 * folded.
 */
#include "schedule/schedule.h"

/* Of one phase of the source, or of a vector: every input at the level, and its
 * baby steps: input i is number i of NNI_OWN, turned by b it is number
 * inputs + i (babies - 1) + b - 1. */
static void turn_phase(nni_maker *m, const nni_matrix *x, int phase,
                       int phases)
{
    const int level = m->stage->level, source = m->stage->of->source[0].stage;
    const nni_ref from = { source < 0 ? NNI_IMAGE
                                      : NNI_FORM + source * NET_MAX_OUTS
                                            + m->stage->from[0],
                           phase, phases };
    const nni_ref own = { NNI_OWN, phase, phases };
    const nni_ref turned = { NNI_OWN, x->inputs + phase * (x->babies - 1),
                             phases * (x->babies - 1) };

    nni_begin_body(m, 0, x->inputs / phases);
    nni_add_step(m, NNI_DROP, own, from, level);
    if (nni_source_form(m->p, m->stage, 0)->last_reader == m->k)
        nni_add_step(m, NNI_FREE, from, from, level)->at = 1;
    if (x->babies == 1)
        return;
    nni_add_step(m, NNI_HOIST, turned, own, level);
    for (int b = 1; b < x->babies; b++)
        nni_add_part(m, own, b);
}

static void make_turned(nni_maker *m, const nni_matrix *x)
{
    const nni_source *src = &m->stage->of->source[0];
    const nni_size size = { src->gap, src->height, src->width };
    const int phases = x->in_neurons > 0
                           ? 1 : nn_layout_phases(&m->p->layout, src->gap);
    int y, h;

    m->s->count[-NNI_OWN - 1] = x->inputs * x->babies;
    nni_begin_round(m);
    for (int i = 0; i < phases; i++)
        if (x->in_neurons > 0
            || nni_phase_at(&y, &h, &m->p->layout, &size, i))
            turn_phase(m, x, i, phases);
}

/* The sum of the products of one giant step of one output. */
static void make_sums(nni_maker *m, const nni_matrix *x)
{
    const int sums = x->outputs * x->giants, level = m->stage->level;
    const nni_ref sum = { NNI_SUM, 0, 1 }, all = { NNI_OWN, 0, 1 };

    m->s->count[-NNI_SUM - 1] = sums;
    nni_begin_round(m);
    nni_begin_body(m, 0, sums);
    nni_add_step(m, NNI_PRODUCTS, sum, all, level);
    nni_begin_round(m);
    nni_begin_body(m, 0, 1);
    nni_add_step(m, NNI_FREE, all, all, level)->at = x->inputs * x->babies;
}

/* The sums of an output, rotated and added, folded; its forms. */
static void finish_outputs(nni_maker *m, const nni_matrix *x)
{
    const nni_ref here = { NNI_HERE, 0, 0 };
    const int level = m->stage->level, extra = m->stage->extra;

    nni_begin_round(m);
    nni_begin_body(m, 0, x->outputs);
    for (int again = 0; again < 2; again++) {       /* read, then freed      */
        nni_add_step(m, again == 0 ? NNI_ROTATE_SUM : NNI_FREE, here, here,
                     level);
        for (int g = 0; g < x->giants; g++)
            nni_add_part(m, (nni_ref){ NNI_SUM, g, x->giants },
                         nni_matrix_giant(x, &m->p->layout, g));
    }
    for (int i = 0; i < x->num_folds; i++) {
        nni_add_step(m, NNI_ROTATE_SUM, here, here, level);
        nni_add_part(m, here, 0);
        nni_add_part(m, here, nni_matrix_fold(x, i));
    }
    if (extra)
        nni_add_step(m, NNI_RESCALE, here, here, level);
    nni_add_step(m, NNI_BIAS_PLAIN, here, here, level - extra);
    nni_add_forms(m, here, 0, level - extra);
}

void nni_make_matrix(nni_maker *m)
{
    const nni_matrix *x = &m->s->matrix;

    make_turned(m, x);
    make_sums(m, x);
    finish_outputs(m, x);
}
