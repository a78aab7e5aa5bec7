/* count.c -- steps of a schedule, counted.
 *
 * Read first: count.h.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "format/machine.h"
#include "plan/count.h"
#include "plan/worth.h"

nni_count nni_count_of(const ckks_params *p, const nn_machine *machine,
                       int threads, double live)
{
    return (nni_count){ .figures = nni_figures_of(p), .machine = machine,
                        .threads = threads, .live = live, .peak = live,
                        .alone = true, .alike = 1 };
}

/* ---- bytes --------------------------------------------------------------- */

void nni_count_take(nni_count *c, size_t *at, double bytes)
{
    *at = 0;
    c->live += bytes;
    c->high = fmax(c->high, c->live);
    c->peak = fmax(c->peak, c->live);
    if (c->arena == NULL || bytes <= 0)
        return;
    *at = nni_arena_take(c->arena, (size_t)bytes);
    if (*at == NNI_NO_ROOM) {
        c->no_room = true;
        *at = 0;
    }
    if (*at < c->lowest)
        c->lowest = *at;
    if (*at + (size_t)bytes > c->highest)
        c->highest = *at + (size_t)bytes;
}

void nni_count_give(nni_count *c, size_t at, double bytes)
{
    c->live -= bytes;
    if (c->arena != NULL && bytes > 0 && !c->no_room)
        nni_arena_give(c->arena, at, (size_t)bytes);
}

static double ct_bytes(const nni_count *c, const ckks_ct *ct)
{
    return (double)(ct->degree + 1) * (ct->level + 1) * c->figures.limb;
}

/* Where a ciphertext lies stands in its pointer, which is never followed. */
void nni_count_make(nni_count *c, ckks_ct *out, int degree, int level)
{
    ckks_ct made = { .degree = degree, .level = level };
    size_t at;

    nni_count_take(c, &at, ct_bytes(c, &made));
    made.limb = (uint64_t *)(uintptr_t)(at + 8);
    made.scale = c->alike;
    nni_count_free(c, out);
    *out = made;
}

void nni_count_free(nni_count *c, ckks_ct *ct)
{
    /* a task that stands for more than the ciphertext does meets many of it */
    const double times = fmax(1, ct->scale / c->alike);

    if (ct->limb != NULL)
        nni_count_give(c, (size_t)(uintptr_t)ct->limb - 8,
                       times * ct_bytes(c, ct));
    memset(ct, 0, sizeof *ct);
}

void nni_count_free_mask(nni_count *c, ckks_pt *pt)
{
    if (pt->limb != NULL)
        nni_count_give(c, (size_t)(uintptr_t)pt->limb - 8,
             (pt->level + 1) * c->figures.limb);
    memset(pt, 0, sizeof *pt);
}

/* A key switching that makes `count` ciphertexts from out on; what was there
 * goes in the end, and only one may have been. */
static void switching(nni_count *c, ckks_ct *out, int count,
                      const nn_switching *s)
{
    const double scratch = nni_switch_scratch(&c->figures, s,
                                              c->alone ? c->threads : 1)
                           * c->figures.row;
    ckks_ct old = *out;
    size_t at;

    memset(out, 0, sizeof *out);
    for (int i = 0; i < count; i++)
        nni_count_make(c, &out[i], 1, s->level - s->rescaled);
    nni_count_take(c, &at, scratch);
    nni_count_give(c, at, scratch);
    nni_count_free(c, &old);
    nni_switch_work(&c->tally.work, &c->figures, s, 1);
}

/* ---- work ---------------------------------------------------------------- */

static void pass(nni_count *c, double limbs)
{
    c->tally.work.limbs[NN_PASS] += limbs;
}

/* The sums of one block: all of them, or one that stands for all. */
static void make_sums(nni_count *c, nni_state *state, const nni_combine *b,
                      int to, int level)
{
    const nni_ref sum = { b->tensor, to, 1 };
    const int first = b->piece.channel, channels = b->piece.channels;
    ckks_ct *ct = nni_at(state, sum, first, NULL);

    for (int o = first; o < first + (c->sampled ? 1 : channels); o++)
        nni_count_make(c, nni_at(state, sum, o, NULL), 1, level);
    if (c->sampled) {
        c->live += (channels - 1) * ct_bytes(c, ct);
        c->high = fmax(c->high, c->live);
        c->peak = fmax(c->peak, c->live);
        ct->scale = channels;
    }
}

static void combination(nni_count *c, const nni_schedule *s, nni_state *state,
                        const nni_combine *b, int level)
{
    const int together = nni_machine_rows(c->machine);
    const int columns = nni_machine_columns(c->machine);
    const double limbs = 2 * (level + 1), channels = b->piece.channels;
    const double rows = nni_slab_products(s, b, together);
    const int period = s->placed->stage[s->stage].period;
    double work = together == 1
                      ? 0 : limbs * 8 * (rows + (b->cts + 1.0) * columns);
    double term = 1;
    size_t at;

    if (period > 0) {           /* words of all runs, tiles, a limb          */
        work = 8.0 * period * (rows + 64.0 * b->cts) + c->figures.limb;
        term = nni_machine_word(c->machine);
    }

    c->tally.work.limbs[NN_PACK] += limbs * b->cts;
    c->tally.work.limbs[NN_TERM] += limbs * rows * term;
    c->tally.work.limbs[NN_REDUCE] += limbs * channels * b->blocks;
    c->tally.products += nni_slab_products(s, b, 1);
    c->tasks = limbs;
    nni_count_take(c, &at, work);
    for (int k = 0; k < b->blocks; k++)
        make_sums(c, state, b, s->block[b->first_block + k].to, level);
    nni_count_give(c, at, work);
}

/* Inputs rotated by all steps wanted of them, from one set of digits. */
static void hoist(nni_count *c, ckks_ct *to, const nni_step *step)
{
    const nn_switching s = { .level = step->level, .xs = 1,
                             .terms = step->count, .pairs = step->count,
                             .turns = step->count };

    switching(c, to, step->count, &s);
    c->tally.rotations += step->count;
}

static void rotate_sum(nni_count *c, const nni_schedule *s, nni_state *state,
                       const nni_step *step, int task, ckks_ct here[2])
{
    nn_switching sum = { .level = step->level, .pairs = 1 };
    ckks_ct *to = nni_at(state, step->to, task, here);
    int parts = 0;

    for (int i = step->list; i < step->list + step->count; i++) {
        if (nni_at(state, s->part[i].from, task, here)->limb == NULL)
            continue;
        parts++;
        sum.terms += s->part[i].step != 0;
    }
    sum.xs = sum.turns = sum.terms;
    sum.adds = 2 * (parts - sum.terms);
    c->tally.rotations += sum.terms;
    if (sum.terms > 0) {
        switching(c, to, 1, &sum);
        return;
    }
    nni_count_make(c, to, 1, step->level);      /* added, or copied          */
    pass(c, 2 * (step->level + 1) * (parts == 1 ? 2 : 3 * (parts - 1)));
}

static bool is_square(const nni_schedule *s, int task)
{
    const nni_stage *of = s->placed->stage[s->stage].of;

    return of->square && (of->linear == NULL || !of->linear[task]);
}

static void activate(nni_count *c, const nni_schedule *s, ckks_ct *to,
                     int level, int task)
{
    const bool square = is_square(s, task);

    nni_count_make(c, to, square ? 2 : 1, level);
    pass(c, (square ? 5 : 4) * (level + 1));
}

static void accumulate(nni_count *c, const nni_schedule *s, ckks_ct *from,
                       int level, int task)
{
    const bool square = is_square(s, task);

    if (s->placed->stage[s->stage].of->square && !square)
        activate(c, s, from, level, task);
    pass(c, (square ? 8 : 6) * (level + 1));
}

static void relin_rescale(nni_count *c, ckks_ct *to, int level)
{
    const nn_switching s = { .level = level, .xs = 1, .terms = 1, .pairs = 1,
                             .adds = 2, .rescaled = true };

    if (to->degree == 2) {
        switching(c, to, 1, &s);
        c->tally.relins++;
    } else {
        nni_count_make(c, to, 1, level - 1);
        nni_rescale_work(&c->tally.work, level + 1, 2, 1);
    }
}

/* Sum number `task` of a matrix: those of its inputs that are there. */
static void products(nni_count *c, const nni_schedule *s, nni_state *state,
                     const nni_step *step, int task)
{
    const nni_matrix *x = &s->matrix;
    const double limbs = 2 * (step->level + 1);
    ckks_ct *sum = nni_at(state, step->to, task, NULL), product = { 0 };

    for (int i = 0; i < x->babies * x->inputs; i++) {
        if (!nni_matrix_wants(x, task % x->giants, i / x->inputs))
            break;
        if (nni_at(state, step->from, i % x->inputs, NULL)->limb == NULL)
            continue;
        nni_count_make(c, sum->limb == NULL ? sum : &product, 1, step->level);
        pass(c, 5.5 * limbs);   /* halves and plaintext read, written, added */
        c->tally.products++;
    }
    nni_count_free(c, &product);
}

static void release(nni_count *c, const nni_schedule *s, nni_state *state,
                    const nni_step *step, int task, ckks_ct here[2])
{
    for (int i = 0; i < step->at && step->count == 0; i++)
        nni_count_free(c, nni_at(state, step->from, task, here) + i);
    for (int i = step->list; i < step->list + step->count; i++)
        nni_count_free(c, nni_at(state, s->part[i].from, task, here));
}

/* A pointwise operation: so many limbs read and written for each of one
 * ciphertext; to is made anew unless it is worked on in place. */
static void pointwise(nni_count *c, ckks_ct *to, int level, double limbs,
                      bool in_place)
{
    if (!in_place)
        nni_count_make(c, to, 1, level);
    pass(c, limbs * (level + 1));
}

static double file_bytes(const nni_count *c, int level)
{
    return 2 * (level + 1) * c->figures.limb;
}

/* Tells what a step took: the work since `before`. */
static void tell(nni_count *c, const nni_schedule *s, const nni_step *step,
                 const nni_work *before)
{
    nni_work own = c->tally.work;
    nni_took took = { .live = c->live };

    for (int i = 0; i < NN_COSTS; i++)
        own.limbs[i] -= before->limbs[i];
    took.seconds = nni_work_seconds(&own, &c->figures, c->machine);
    if (step->what == NNI_STORE || step->what == NNI_LOAD)
        took.seconds += file_bytes(c, step->level) * NNI_SCRATCH_SECONDS;
    if (c->highest > 0) {
        took.from = (double)c->lowest;
        took.to = (double)c->highest;
    }
    c->hook->step(c->hook->user, s->stage, step, &took);
}

ckks_status nni_count_step(void *user, const nni_schedule *s,
                           nni_state *state, const nni_step *step, int task,
                           ckks_ct here[2])
{
    nni_count *c = user;
    const int level = step->level;
    ckks_ct *to = nni_at(state, step->to, task, here);
    ckks_ct *from = nni_at(state, step->from, task, here);
    const nni_work before = c->tally.work;
    size_t at;

    c->tally.calls[step->what]++;
    c->lowest = SIZE_MAX;
    c->highest = 0;
    switch (step->what) {
    case NNI_HOIST:
        hoist(c, to, step);
        break;
    case NNI_ENCODE:            /* an FFT is about four NTTs                 */
        c->tally.work.limbs[NN_FORWARD] += level + 5;
        nni_count_take(c, &at, (level + 1) * c->figures.limb);
        state->mask[step->at] = (ckks_pt){
            .level = level, .limb = (uint64_t *)(uintptr_t)(at + 8) };
        break;
    case NNI_BIAS_EDGE:
        c->tally.work.limbs[NN_FORWARD] += level + 5;
        nni_count_take(c, &at, (level + 1) * c->figures.limb);
        pass(c, 3 * (level + 1));
        nni_count_free_mask(c, &(ckks_pt){
            .level = level, .limb = (uint64_t *)(uintptr_t)(at + 8) });
        break;
    case NNI_COMBINE:
        combination(c, s, state, &s->combine[step->at], level);
        break;
    case NNI_ROTATE_SUM:
        rotate_sum(c, s, state, step, task, here);
        break;
    case NNI_RESCALE:
        nni_rescale_work(&c->tally.work, level + 1, 2, 1);
        nni_count_make(c, to, 1, level - 1);
        break;
    case NNI_MOVE:
        *to = *from;
        memset(from, 0, sizeof *from);
        break;
    case NNI_ACTIVATE:
        activate(c, s, to, level, task);
        break;
    case NNI_ACCUMULATE:
        accumulate(c, s, from, level, task);
        break;
    case NNI_RELIN_RESCALE:
        relin_rescale(c, to, level);
        break;
    case NNI_PRODUCTS:
        products(c, s, state, step, task);
        break;
    case NNI_STORE:
        c->tally.moved += file_bytes(c, level);
        nni_count_free(c, from);
        break;
    case NNI_LOAD:              /* copied, after a look at every word        */
        c->tally.moved += file_bytes(c, level);
        pointwise(c, to, level, 6, false);
        break;
    case NNI_FREE:
        release(c, s, state, step, task, here);
        break;
    default:
        pointwise(c, to, level, step->what == NNI_MASK
                                    || step->what == NNI_CLEAR ? 5
                                : step->what == NNI_BIAS ? 2
                                : step->what == NNI_BIAS_PLAIN ? 3
                                : step->what == NNI_ADD ? NNI_ADD_LIMBS : 4,
                  step->what == NNI_BIAS || step->what == NNI_BIAS_PLAIN
                      || step->what == NNI_CLEAR
                      || step->what == NNI_ADD);
    }
    if (c->hook != NULL)
        tell(c, s, step, &before);
    return CKKS_OK;
}
