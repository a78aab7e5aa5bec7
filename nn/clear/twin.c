/* twin.c -- the cleartext twin: the integers of the plan on doubles, all
 * slots, garbage included.
 *
 * Naive on purpose: an output slot is the sum of weight times input slot at
 * the rotated place.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/lanes.h"
#include "stage/weights.h"

/* A tensor: shape (channels, phases, slots). */
typedef struct field {
    double *x;
    int phases;
} field;

/* y[j] += w x[j + step], where the term's mask lets it. */
static void add_rotated(double *y, const double *x, double w,
                        const nni_term *t, int gap, bool masked,
                        const nn_layout *l)
{
    size_t slots = l->slots, step = (size_t)t->step;

    if (masked && nni_cut(t)) {
        for (size_t j = 0; j < slots; j++)
            if (nni_mask_place(l, gap, t, j))
                y[j] += w * x[(j + step) % slots];
        return;
    }
    if (t->alternate) {
        for (size_t j = 0; j < slots; j++)
            y[j] += w * x[(j + step) % slots]
                    * ((j + step) % 2 == 0 ? sqrt(2) : -sqrt(2));
        return;
    }
    for (size_t j = 0; j < slots - step; j++)
        y[j] += w * x[j + step];
    for (size_t j = slots - step; j < slots; j++)
        y[j] += w * x[j + step - slots];
}

/* y[j] += the weight's value in slot j times x[j + step]. */
static void add_lanes(double *y, const double *x, const int32_t *coefficient,
                      int period, double scale, int step, size_t slots)
{
    double value[64];

    nni_lane_values(value, coefficient, period);
    for (size_t j = 0; j < slots; j++)
        y[j] += value[j % (size_t)period] * scale
                * x[(j + (size_t)step) % slots];
}

/* y = output channel o at one phase. */
static void linear_one(double *y, const field *in, const nni_placed *p, int k,
                       const nni_map *m, const nni_phase *ph, int o)
{
    const nni_placed_stage *s = &p->stage[k];
    const size_t slots = p->layout.slots;

    if (ph->live)
        nni_map_bias(y, m, p, k, (int)(ph - m->phase), o);
    else
        memset(y, 0, slots * sizeof *y);
    for (int g = 0; g < ph->groups; g++) {
        const nni_group *group = &ph->group[g];
        const nni_feed *f = &m->feed[group->term.feed];
        const double scale = nni_source_form(p, s, f->source)->scale;

        for (int c = 0; c < f->channels; c++) {
            const double *x = in[f->source].x
                              + (size_t)(f->phase + c * f->stride) * slots;

            if (s->period > 0) {
                add_lanes(y, x, ph->weight
                                    + ((size_t)o * (size_t)ph->terms
                                       + (size_t)(group->first + c))
                                          * (size_t)s->period,
                          s->period, scale / s->scale, group->term.step,
                          slots);
                continue;
            }
            const double w = ph->weight[(size_t)o * (size_t)ph->terms
                                        + (size_t)(group->first + c)];

            add_rotated(y, x, w * (scale / s->scale), &group->term, s->of->gap,
                        s->masked, &p->layout);
        }
    }
}

/* y, a phase of the stage's sums, through its mask. */
static void clear_phase(double *y, const nni_stage *s, int phase,
                        const nn_layout *l)
{
    const nni_size map = nni_stage_size(s);
    int a, b;

    (void)nni_phase_at(&a, &b, l, &map, phase);
    for (size_t j = 0; j < l->slots; j++)
        y[j] *= nni_mask_map(l, s, a, b, j);
}

static void linear(double *out, const field *in, const nni_placed *p, int k,
                   const nni_map *m)
{
    for (int o = 0; o < m->channels; o++)
        for (int i = 0; i < m->num_phases; i++) {
            double *y = out + ((size_t)o * (size_t)m->num_phases + (size_t)i)
                                  * p->layout.slots;

            linear_one(y, in, p, k, m, &m->phase[i], o);
            if (p->stage[k].cleared)
                clear_phase(y, p->stage[k].of, i, &p->layout);
        }
}

/* z += plaintext times the input, rotated by the baby step. */
static void add_product(double *z, const double *p, const double *x, int baby,
                        size_t slots)
{
    for (size_t j = 0; j < slots; j++)
        z[j] += p[j] * x[(j + (size_t)baby) % slots];
}

/* y[j] += x[j + step] */
static void add_turned(double *y, const double *x, int step, size_t slots)
{
    for (size_t j = 0; j < slots; j++)
        y[j] += x[(j + (size_t)step) % slots];
}

/* One output ciphertext of a matrix; work: 3 slots. */
static void matrix_output(double *y, double *work, const field *in,
                          const nni_matrix *x, const nni_placed *p, int k,
                          int o)
{
    const size_t slots = p->layout.slots;
    double *value = work, *sum = work + slots, *whole = work + 2 * slots;

    memset(whole, 0, slots * sizeof *whole);
    for (int g = 0; g < x->giants; g++) {
        memset(sum, 0, slots * sizeof *sum);
        for (int b = 0; b < x->babies; b++)
            for (int i = 0; i < x->inputs; i++)
                if (nni_matrix_values(value, x, p, k, o, g, b, i))
                    add_product(sum, value, in->x + (size_t)i * slots, b,
                                slots);
        add_turned(whole, sum, nni_matrix_giant(x, &p->layout, g), slots);
    }
    for (int i = 0; i < x->num_folds; i++) {
        memcpy(sum, whole, slots * sizeof *sum);
        add_turned(whole, sum, nni_matrix_fold(x, i), slots);
    }
    nni_matrix_bias(y, x, p, k, o);
    for (size_t j = 0; j < slots; j++)
        y[j] += whole[j];
}

static ckks_status matrix(double *out, const field *in, const nni_placed *p,
                          int k)
{
    const size_t slots = p->layout.slots;
    const nni_matrix x = nni_matrix_of(p, k);
    double *work = malloc(3 * slots * sizeof *work);

    if (work == NULL)
        return nn_fail(CKKS_EMEM, "nn_clear: no memory for %s",
                       p->stage[k].of->name);
    for (int o = 0; o < x.outputs; o++)
        matrix_output(out + (size_t)o * slots, work, in, &x, p, k, o);
    free(work);
    return CKKS_OK;
}

static void activate(double *y, const nni_placed_stage *s, size_t count)
{
    for (int o = 0; s->of->square && o < s->planes; o++)
        if (s->of->linear == NULL || !s->of->linear[o])
            for (size_t j = 0; j < count; j++)
                y[(size_t)o * count + j] *= y[(size_t)o * count + j];
}

/* z += a quarter of each of the four pixels of map y, of this gap, that a mean
 * at the position of phase `to` takes. */
static void add_four(double *z, const double *y, int gap, int to,
                     const nn_layout *l)
{
    const nni_size half = { 2 * gap, 0, 0 };
    int a, b;

    (void)nni_phase_at(&a, &b, l, &half, to);
    for (int i = 0; i < 4; i++) {
        int v = a + i / 2 * gap, h = b + i % 2 * gap;
        size_t from = (size_t)(v % l->ring_y / nni_unit(l->ring_y, gap)
                                   * nni_phases(l->ring_x, gap)
                               + h % l->ring_x / nni_unit(l->ring_x, gap));
        size_t step = (size_t)((v / l->ring_y * l->grid_x + h / l->ring_x)
                               * nni_cell(l)) % l->slots;

        for (size_t j = 0; j < l->slots; j++)
            z[j] += y[from * l->slots + (j + step) % l->slots] / 4;
    }
}

/* The output y of stage s in a form: means over 2^pool x 2^pool. */
static field pooled(const double *y, const nni_placed_stage *s,
                    const nni_out *o, const nn_layout *l)
{
    const size_t channels = (size_t)s->planes;
    field f = { NULL, nn_layout_phases(l, s->of->gap) };
    size_t count = channels * (size_t)f.phases * l->slots;

    f.x = malloc(count * sizeof *f.x);
    if (f.x != NULL)
        memcpy(f.x, y, count * sizeof *f.x);
    for (int i = 0; i < o->pool && f.x != NULL; i++) {
        const int gap = s->of->gap << i, phases = nn_layout_phases(l, 2 * gap);
        double *x = calloc(channels * (size_t)phases * l->slots, sizeof *x);

        for (int c = 0; x != NULL && c < s->planes; c++)
            for (int k = 0; k < phases; k++)
                add_four(x + (size_t)(c * phases + k) * l->slots,
                         f.x + (size_t)c * (size_t)f.phases * l->slots, gap,
                         k, l);
        free(f.x);
        f = (field){ x, phases };
    }
    return f;
}

typedef struct twin {
    const nni_placed *p;
    field image;
    field (*out)[NET_MAX_OUTS];         /* shape (stages, outs)              */
} twin;

static field source_field(const twin *t, const nni_placed_stage *s, int i)
{
    const int from = s->of->source[i].stage;

    return from < 0 ? t->image : t->out[from][s->from[i]];
}

static void release(twin *t, int reader)
{
    for (int j = 0; j <= reader; j++)
        for (int i = 0; i < t->p->stage[j].num_outs; i++)
            if (t->p->stage[j].out[i].last_reader <= reader && j < reader) {
                free(t->out[j][i].x);
                t->out[j][i].x = NULL;
            }
}

static double largest(const double *y, size_t count)
{
    double m = 0;

    for (size_t j = 0; j < count; j++)
        m = fmax(m, fabs(y[j]));
    return m;
}

static ckks_status one_stage(double *last, twin *t, const nni_map *m, int k,
                             double *range)
{
    const nni_placed_stage *s = &t->p->stage[k];
    const nn_layout *l = &t->p->layout;
    size_t count = (size_t)nn_layout_phases(l, s->of->gap) * l->slots;
    field in[NET_MAX_SOURCES];
    double *y = last != NULL ? last
                             : malloc((size_t)s->planes * count * sizeof *y);

    if (y == NULL)
        return nn_fail(CKKS_EMEM, "nn_clear: no memory for %s",
                       s->of->name);
    for (int i = 0; i < s->of->num_sources; i++)
        in[i] = source_field(t, s, i);
    if (s->neurons > 0) {
        ckks_status st = matrix(y, in, t->p, k);

        if (st != CKKS_OK) {
            if (last == NULL)
                free(y);
            return st;
        }
    } else {
        linear(y, in, t->p, k, m);
    }
    if (range != NULL)
        *range = largest(y, (size_t)s->planes * count);
    if (last != NULL)
        return CKKS_OK;
    activate(y, s, count);
    for (int i = 0; i < s->num_outs; i++) {
        t->out[k][i] = pooled(y, s, &s->out[i], l);
        if (t->out[k][i].x == NULL) {
            free(y);
            return nn_fail(CKKS_EMEM, "nn_clear: no memory for %s",
                       s->of->name);
        }
    }
    free(y);
    release(t, k);
    return CKKS_OK;
}

/* The same with the stage's integers, which are made for it. */
static ckks_status whole_stage(double *last, twin *t, int k, double *range)
{
    nni_map m;
    ckks_status st = nni_map_init(&m, t->p, k, true);

    if (st == CKKS_OK)
        st = one_stage(last, t, &m, k, range);
    nni_map_clear(&m);
    return st;
}

ckks_status nn_clear(double *out, const double *in, const nn_plan *p,
                     const nn_weights *w, double *ranges)
{
    twin t = { .p = &w->placed };
    ckks_status st = CKKS_OK;
    int stages = w->net.num_stages;
    double largest_of[NN_MAX_STEPS];

    t.image.phases = p->layout.ring_y * p->layout.ring_x;
    t.image.x = malloc((size_t)nn_plan_inputs(p) * p->layout.slots
                       * sizeof *in);
    t.out = calloc((size_t)stages, sizeof *t.out);
    if (t.image.x == NULL || t.out == NULL)
        st = nn_fail(CKKS_EMEM, "nn_clear: no memory for the image");
    else
        memcpy(t.image.x, in, (size_t)nn_plan_inputs(p) * p->layout.slots
                                  * sizeof *in);
    for (int k = 0; k < stages && st == CKKS_OK; k++)
        st = whole_stage(k == stages - 1 ? out : NULL, &t, k,
                         ranges == NULL ? NULL : &largest_of[k]);
    if (st == CKKS_OK && ranges != NULL)
        memcpy(ranges, largest_of, (size_t)stages * sizeof *ranges);
    for (int k = 0; t.out != NULL && k < stages; k++)
        for (int i = 0; i < NET_MAX_OUTS; i++)
            free(t.out[k][i].x);
    free(t.out);
    free(t.image.x);
    return st;
}
