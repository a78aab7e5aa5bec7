/* price.c -- the operations of a stage, and what they take on a machine.
 *
 * Read first: price.h, docs/performance.md.
 *
 * Operations are counted in limbs, in the order in which run.c asks libckks
 * for them; what libckks does for each is counted here too (switch.c).
 */
#include <math.h>

#include "plan/price.h"

/* Limbs of each kind of work. */
typedef struct work {
    double limbs[NN_COSTS];
} work;

typedef struct pricing {
    const ckks_params *params;
    const nn_machine *machine;
    int threads;
    double seconds;             /* so far                                    */
} pricing;

/* Adds a part that falls into so many equal tasks: the last round of threads
 * may have fewer tasks than threads.  w is emptied. */
static void charge(pricing *p, work *w, double tasks)
{
    const double n = ldexp(1, p->params->log_n);
    const int layers = p->params->log_n + (p->params->ring == CKKS_RING_REAL);
    double sum = 0;

    w->limbs[NN_FORWARD] *= 0.5 * layers;
    w->limbs[NN_INVERSE] *= 0.5 * layers;
    for (int i = 0; i < NN_COSTS; i++)
        sum += w->limbs[i] * p->machine->cost[i];
    if (tasks > 0)
        p->seconds += sum * n * ceil(tasks / p->threads) / tasks;
    *w = (work){ { 0 } };
}

/* ---- what libckks does -------------------------------------------------- */

static void switch_limbs(work *w, const ckks_params *p,
                         const nn_switching *s, double times)
{
    const int specials = ckks_params_special_at(p, s->level);
    const double limbs = s->level + 1, all = limbs + specials;
    const double gone = specials + s->rescaled;
    const double kept = limbs - s->rescaled, halves = 2 * s->pairs * times;
    const double digits = nni_digits(p, s->level);
    const int alpha = (p->num_primes + p->dnum - 1) / p->dnum;
    double terms = 0;

    for (int i = 0; i <= s->level; i += alpha) {
        double len = fmin(alpha, limbs - i);

        terms += len * (all - len);
    }
    if (specials < p->num_special)      /* x / R                             */
        w->limbs[NN_PASS] += 2 * limbs * s->xs * times;
    w->limbs[NN_INVERSE] += limbs * s->xs * times;
    w->limbs[NN_CONVERT] += (limbs + terms) * s->xs * times;
    w->limbs[NN_FORWARD] += (digits * all - limbs) * s->xs * times;
    w->limbs[NN_INNER] += digits * all * s->terms * times;
    w->limbs[NN_INVERSE] += gone * halves;
    w->limbs[NN_CONVERT] += (gone + gone * kept) * halves;
    w->limbs[NN_FORWARD] += kept * halves;
    w->limbs[NN_PASS] += kept * halves + limbs * s->adds * times;
    w->limbs[NN_PERMUTE] += limbs * s->turns * times;
}

double nn_switch_seconds(const nn_switching *s, const ckks_params *p,
                          const nn_machine *machine)
{
    pricing all = { p, machine, 1, 0 };
    work w = { { 0 } };

    switch_limbs(&w, p, s, 1);
    charge(&all, &w, 1);
    return all.seconds;
}

/* ckks_rescale of `parts` polynomials with so many limbs. */
static void rescale_limbs(work *w, double limbs, double parts, double times)
{
    const double all = parts * times;

    w->limbs[NN_INVERSE] += all;
    w->limbs[NN_FORWARD] += (limbs - 1) * all;
    w->limbs[NN_CONVERT] += limbs * all;
    w->limbs[NN_PASS] += (2 + 2 * (limbs - 1)) * all;
}

/* ---- inputs ------------------------------------------------------------- */

/* gather: what the image is dropped to. */
static double dropped_inputs(const net *n, const nni_stage *s,
                             const nn_layout *l)
{
    double count = 0;

    for (int i = 0; i < s->num_sources; i++)
        if (s->source[i].stage < 0 && n->image.level != s->level)
            count += s->source[i].channels
                     * nn_layout_phases(l, s->source[i].gap);
    return count;
}

static void price_inputs(pricing *p, const net *n, const nni_stage *s,
                         const nni_shape *shape, const nni_map *m,
                         const nn_layout *l)
{
    const double limbs = s->level + 1;
    const double made = shape->versions - shape->copies;
    const nn_switching turn = { .level = s->level, .xs = shape->turned,
                             .terms = made, .pairs = made, .turns = made };
    work w = { { 0 } };

    w.limbs[NN_PASS] = 4 * limbs * dropped_inputs(n, s, l);
    charge(p, &w, 1);
    if (shape->versions > 0) {
        switch_limbs(&w, p->params, &turn, made > 0);
        w.limbs[NN_PASS] += 4 * limbs * shape->copies;
        charge(p, &w, m->num_inputs);
    }
    if (s->masked) {            /* eight masks: an FFT is about four NTTs    */
        w.limbs[NN_FORWARD] = 8 * (limbs + 4);
        charge(p, &w, 1);
        w.limbs[NN_PASS] = 4 * limbs * m->num_inputs
                           + 6 * limbs * shape->versions;
        charge(p, &w, m->num_inputs + shape->versions);
    }
}

/* ---- one piece ---------------------------------------------------------- */

static void price_combine(pricing *p, const nni_stage *s,
                          const nni_row_shape *row)
{
    const int together = nni_machine_rows(p->machine);
    const int channels = row->piece.channels;
    const double rows = (channels + together - 1) / together * together;
    const double limbs = 2 * (s->level + 1);
    work w = { { 0 } };

    w.limbs[NN_PACK] = limbs * row->inputs;
    w.limbs[NN_TERM] = limbs * rows * row->terms;
    w.limbs[NN_REDUCE] = limbs * channels * row->blocks;
    charge(p, &w, limbs);
}

/* finish_linear, for the whole piece. */
static void linear_limbs(work *w, const pricing *p, const nni_stage *s,
                         const nni_row_shape *row)
{
    const double limbs = s->level + 1, channels = row->piece.channels;
    const double phases = row->piece.phases;
    const double unturned = row->blocks - row->moved - row->rotations;
    const nn_switching sum = { .level = s->level, .xs = row->rotations,
                            .terms = row->rotations, .pairs = row->sums,
                            .adds = 2 * unturned, .turns = row->rotations };

    switch_limbs(w, p->params, &sum, channels);
    w->limbs[NN_PASS] += 6 * limbs * phases * channels;         /* bias      */
    if (s->masked)
        rescale_limbs(w, limbs, 2, phases * channels);
}

/* deliver, for `count` ciphertexts of `parts` polynomials and one form. */
static void form_limbs(work *w, const pricing *p, const nni_stage *s,
                       const nn_layout *l, const nni_out *o, double parts,
                       double count)
{
    const nni_means m = nni_means_after(s, o, l, 0);
    const double limbs = o->level + 2;
    const double made = s->gap > 0 ? count * s->gap / m.gap_y * s->gap / m.gap_x
                                   : count;
    const nn_switching relin = { .level = o->level + 1, .xs = 1, .terms = 1,
                              .pairs = 1, .adds = 2, .rescaled = true };

    w->limbs[NN_PASS] += 2 * parts * limbs * count
                         + 3 * parts * limbs * (count - made);
    if (parts == 3) {
        switch_limbs(w, p->params, &relin, made);
        return;
    }
    if (!s->square)             /* nni_lift                                  */
        w->limbs[NN_PASS] += 2 * parts * limbs * made;
    rescale_limbs(w, limbs, 2, made);
}

static void price_finish(pricing *p, const net *n, const nni_stage *s,
                         const nn_layout *l, const nni_row_shape *row)
{
    const double limbs = s->level + 1 - s->masked;
    const nni_piece *piece = &row->piece;
    double linear = s->square ? 0 : piece->channels;
    work w = { { 0 } };

    for (int o = 0; o < piece->channels && s->square && s->linear != NULL; o++)
        linear += s->linear[piece->channel + o];
    linear_limbs(&w, p, s, row);
    if (s != &n->stage[n->num_stages - 1]) {
        double squares = (piece->channels - linear) * piece->phases;
        double others = linear * piece->phases;

        w.limbs[NN_PASS] += 5 * limbs * squares
                            + (s->square ? 4 * limbs * others : 0);
        for (int j = 0; j < s->num_outs; j++) {
            form_limbs(&w, p, s, l, &s->out[j], 3, squares);
            form_limbs(&w, p, s, l, &s->out[j], 2, others);
        }
    }
    charge(p, &w, piece->channels);
}

/* ---- nni_pool ------------------------------------------------------------ */

/* Of one form: poolings by rotation, each of so many outputs, terms and
 * rotations of a channel; false behind the last. */
static bool means_at(double *outputs, double *terms, double *rotations,
                     const nni_stage *s, const nni_out *o, const nn_layout *l,
                     int turned)
{
    const nni_means before = nni_means_after(s, o, l, turned);
    const nni_means after = nni_means_after(s, o, l, turned + 1);
    nni_term term[4];
    int y, x;

    *outputs = *terms = *rotations = 0;
    if (turned >= nni_turns(s, o, l))
        return false;
    for (int to = 0; to < nni_means_phases(&after, l); to++) {
        const int count = nni_pool_terms(term, l, &before, &after, to);

        if (!nni_means_at(&y, &x, &after, l, to))
            continue;
        *outputs += 1;
        *terms += count;
        for (int i = 0; i < count; i++)
            *rotations += term[i].step != 0;
    }
    return true;
}

double nni_mean_rotations(const nni_stage *s, const nn_layout *l)
{
    double sum = 0, outputs, terms, rotations;

    for (int j = 0; j < s->num_outs; j++)
        for (int t = 0; means_at(&outputs, &terms, &rotations, s, &s->out[j],
                                 l, t); t++)
            sum += rotations * s->channels;
    return sum;
}

static void price_means(pricing *p, const nni_stage *s, const nn_layout *l)
{
    double outputs, terms, rotations;
    work w = { { 0 } };

    for (int j = 0; j < s->num_outs; j++)
        for (int t = 0; means_at(&outputs, &terms, &rotations, s, &s->out[j],
                                 l, t); t++) {
            const nn_switching sum = { .level = s->out[j].level,
                                       .xs = rotations, .terms = rotations,
                                       .pairs = outputs,
                                       .adds = 2 * (terms - rotations),
                                       .turns = rotations };

            switch_limbs(&w, p->params, &sum, s->channels);
            charge(p, &w, s->channels * outputs);
        }
}

/* nni_finish, for `squares` ciphertexts at one phase. */
static void finish_limbs(work *w, const pricing *p, const nni_stage *s,
                         const nn_layout *l, double squares)
{
    w->limbs[NN_PASS] += 5 * (s->level + 1 - s->extra) * squares;
    for (int j = 0; j < s->num_outs; j++)
        form_limbs(w, p, s, l, &s->out[j], s->square ? 3 : 2, squares);
}

double nni_matrix_seconds(const net *n, int k, const nni_matrix *x,
                          const nn_plan *plan, const nn_machine *machine,
                          int threads)
{
    const nni_stage *s = &n->stage[k];
    const double limbs = s->level + 1, made = (double)x->babies - 1;
    const nn_switching turn = { .level = s->level, .xs = made > 0,
                                .terms = made, .pairs = made, .turns = made };
    const nn_switching giant = { .level = s->level, .xs = x->giants,
                                 .terms = x->giants, .pairs = 1,
                                 .turns = x->giants };
    const nn_switching fold = { .level = s->level, .xs = 1, .terms = 1,
                                .pairs = 1, .adds = 2, .turns = 1 };
    pricing p = { &plan->params, machine, threads, 0 };
    work w = { { 0 } };

    switch_limbs(&w, p.params, &turn, x->inputs);
    w.limbs[NN_PASS] += 4 * limbs * x->inputs;
    charge(&p, &w, x->inputs);
    /* a product: two halves read, plaintext read, written, added */
    w.limbs[NN_PASS] = 11 * limbs * x->inputs * x->count * x->outputs;
    charge(&p, &w, (double)x->outputs * x->giants);
    switch_limbs(&w, p.params, &giant, x->outputs);
    switch_limbs(&w, p.params, &fold, (double)x->outputs * x->num_folds);
    if (s->extra)
        rescale_limbs(&w, limbs, 2, x->outputs);
    if (k < n->num_stages - 1)
        finish_limbs(&w, &p, s, &plan->layout, x->outputs);
    charge(&p, &w, x->outputs);
    return p.seconds;
}

double nni_stage_seconds(const net *n, int k, const nni_shape *shape,
                         const nni_map *m, const nn_plan *plan,
                         const nn_machine *machine, int threads)
{
    const nni_stage *s = &n->stage[k];
    pricing p = { &plan->params, machine, threads, 0 };

    price_inputs(&p, n, s, shape, m, &plan->layout);
    for (int i = 0; i < shape->num_rows; i++) {
        price_combine(&p, s, &shape->row[i]);
        price_finish(&p, n, s, &plan->layout, &shape->row[i]);
    }
    price_means(&p, s, &plan->layout);
    return p.seconds;
}
