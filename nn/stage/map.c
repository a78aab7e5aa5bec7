/* map.c -- the linear map of a stage as integers times rotated ciphertexts.
 *
 * Read first: map.h, terms.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/lanes.h"
#include "stage/terms.h"

/* Integer weights: the values times the scale of the sums, over that of what
 * is read. */
static ckks_status quantise(nni_phase *ph, const nni_table *t,
                            const nni_placed *p, const nni_placed_stage *s,
                            const nni_map *m)
{
    for (int o = 0; o < s->of->channels; o++) {
        int32_t *to = ph->weight + (size_t)o * (size_t)ph->terms;
        double sum = 0;

        for (int g = 0; g < ph->groups; g++) {
            const nni_feed *feed = &m->feed[ph->group[g].term.feed];
            const int first = ph->group[g].first;
            const double in = nni_source_form(p, s, feed->source)->scale;

            for (int k = first; k < first + feed->channels; k++) {
                double w = round(t->weight[(size_t)o * t->row + (size_t)k]
                                 * s->scale / in);

                sum += fabs(w);
                if (!(sum < 0x1p28))
                    return nn_fail(CKKS_EPARAM, "%s: %s: integer weights of "
                                   "channel %d add up to more than 2^28",
                                   p->net->name, s->of->name, o);
                to[k] = (int32_t)w;
            }
        }
        ph->bias[o] = t->bias[o] + s->of->add[o];
    }
    return CKKS_OK;
}

/* The same for patterns of slots. */
static ckks_status quantise_lanes(nni_phase *ph, const nni_table *t,
                                  const nni_placed *p,
                                  const nni_placed_stage *s, const nni_map *m)
{
    const size_t period = (size_t)s->period;

    for (int o = 0; o < m->channels; o++)
        for (int g = 0; g < ph->groups; g++) {
            const nni_feed *feed = &m->feed[ph->group[g].term.feed];
            const size_t first = (size_t)ph->group[g].first;
            const double in = nni_source_form(p, s, feed->source)->scale;

            for (size_t k = first; k < first + (size_t)feed->channels; k++)
                if (!nni_lane_round(
                        ph->weight + ((size_t)o * (size_t)ph->terms + k)
                                         * period,
                        t->weight + ((size_t)o * t->row + k) * period,
                        s->period, s->scale / in))
                    return nn_fail(CKKS_EPARAM, "%s: %s: a weight is larger "
                                   "than 2^31", p->net->name, s->of->name);
        }
    for (int o = 0; o < s->of->channels; o++)
        ph->bias[o] = t->bias[o] + s->of->add[o];
    return CKKS_OK;
}

static ckks_status make_phase(nni_phase *ph, nni_table *t, const nni_placed *p,
                              const nni_placed_stage *s, nni_map *m, int number,
                              bool with_weights)
{
    const nni_size map = nni_stage_size(s->of);
    const size_t channels = (size_t)s->of->channels;
    const size_t rows = (size_t)m->channels
                        * (size_t)(s->period > 0 ? s->period : 1);
    int y, x;

    ph->live = nni_phase_at(&y, &x, &p->layout, &map, number);
    if (!ph->live)
        return CKKS_OK;
    if (with_weights) {
        memset(t->weight, 0, rows * t->row * sizeof *t->weight);
        memset(t->bias, 0, channels * sizeof *t->bias);
        if (t->edge != NULL)
            memset(t->edge, 0, channels * (size_t)t->taps * sizeof *t->edge);
    }
    nni_read_phase(t, p, s, y, x, with_weights);
    if (t->terms == 0)
        return nn_fail(CKKS_EPARAM, "%s: %s reads nothing but what lies beyond "
                       "the border for some of its pixels, on rings of %d x %d",
                       p->net->name, s->of->name, p->layout.ring_y,
                       p->layout.ring_x);
    ph->groups = t->groups;
    ph->terms = t->terms;
    ph->group = malloc(((size_t)ph->groups + 1) * sizeof *ph->group);
    if (with_weights) {
        ph->weight = malloc((rows * (size_t)ph->terms + 1)
                            * sizeof *ph->weight);
        ph->bias = malloc(channels * sizeof *ph->bias);
        if (t->edge != NULL)
            ph->edge = malloc(channels * (size_t)t->taps * sizeof *ph->edge);
    }
    if (ph->group == NULL
        || (with_weights && (ph->weight == NULL || ph->bias == NULL
                             || (ph->edge == NULL) != (t->edge == NULL))))
        return nn_fail(CKKS_EMEM, "%s: no memory for the weights of %s",
                       p->net->name, s->of->name);
    memcpy(ph->group, t->group, (size_t)ph->groups * sizeof *ph->group);
    if (ph->edge != NULL)
        memcpy(ph->edge, t->edge,
               channels * (size_t)t->taps * sizeof *ph->edge);
    for (int g = 0; g < ph->groups; g++)
        m->feed[ph->group[g].term.feed].last = number;
    if (!with_weights)
        return CKKS_OK;
    return s->period > 0 ? quantise_lanes(ph, t, p, s, m)
                         : quantise(ph, t, p, s, m);
}

static void list_feeds(nni_map *m, const nni_placed *p,
                       const nni_placed_stage *placed)
{
    const nni_stage *s = placed->of;
    nni_feed *f = m->feed;

    for (int i = 0, first = 0; i < s->num_sources; i++) {
        const nni_source *src = &s->source[i];
        const int phases = nn_layout_phases(&p->layout, src->gap);
        const int planes = nni_source_planes(p, placed, i);

        for (int j = 0; j < phases; j++)
            *f++ = (nni_feed){ i, j, first + j, phases, planes, -1 };
        first += planes * phases;
    }
}

static ckks_status tables_init(nni_table *t, nni_map *m,
                               const nni_placed_stage *placed,
                               bool with_weights)
{
    const nni_stage *s = placed->of;
    const size_t channels = (size_t)s->channels;
    const size_t rows = (size_t)m->channels
                        * (size_t)(placed->period > 0 ? placed->period : 1);

    t->group = malloc((size_t)t->limit * sizeof *t->group);
    m->phase = calloc((size_t)m->num_phases, sizeof *m->phase);
    m->feed = malloc((size_t)m->num_feeds * sizeof *m->feed);
    if (with_weights) {
        t->weight = malloc(t->row * rows * sizeof *t->weight);
        t->bias = malloc(channels * sizeof *t->bias);
        t->up = malloc((nni_up_room(s) + 1) * sizeof *t->up);
        t->taps = s->kernel_y * s->kernel_x;
        if (s->uneven)
            t->edge = malloc(channels * (size_t)t->taps * sizeof *t->edge);
    }
    return t->group == NULL || m->phase == NULL || m->feed == NULL
                   || (with_weights && (t->weight == NULL || t->bias == NULL
                                        || t->up == NULL
                                        || (t->edge == NULL) == s->uneven))
               ? CKKS_EMEM : CKKS_OK;
}

ckks_status nni_map_init(nni_map *out, const nni_placed *p, int k,
                         bool with_weights)
{
    const nni_placed_stage *placed = &p->stage[k];
    const nni_stage *s = placed->of;
    nni_map m = { .num_phases = nn_layout_phases(&p->layout, s->gap),
                  .channels = placed->period > 0 ? placed->planes
                                                 : s->channels };
    nni_table t = { 0 };
    ckks_status st;

    *out = (nni_map){ .channels = m.channels };
    if (placed->neurons > 0)    /* matrix.c's: nothing to combine            */
        return CKKS_OK;
    for (int i = 0; i < s->num_sources; i++) {
        const int phases = nn_layout_phases(&p->layout, s->source[i].gap);
        const int taps = nni_most_groups(p, placed, i);
        const int planes = nni_source_planes(p, placed, i);

        m.num_feeds += phases;
        m.num_inputs += planes * phases;
        t.limit += taps;
        t.row += (size_t)planes * (size_t)taps;
    }
    st = tables_init(&t, &m, placed, with_weights);
    if (st != CKKS_OK)
        st = nn_fail(st, "%s: no memory for the weights of %s", p->net->name,
                     s->name);
    else
        list_feeds(&m, p, placed);
    for (int i = 0; i < m.num_phases && st == CKKS_OK; i++)
        st = make_phase(&m.phase[i], &t, p, placed, &m, i, with_weights);
    free(t.group);
    free(t.weight);
    free(t.bias);
    free(t.edge);
    free(t.up);
    if (st != CKKS_OK)
        nni_map_clear(&m);
    else
        *out = m;
    return st;
}

void nni_map_clear(nni_map *m)
{
    for (int i = 0; m->phase != NULL && i < m->num_phases; i++) {
        free(m->phase[i].group);
        free(m->phase[i].weight);
        free(m->phase[i].bias);
        free(m->phase[i].edge);
    }
    free(m->phase);
    free(m->feed);
    memset(m, 0, sizeof *m);
}

/* ---- the bias of a slot -------------------------------------------------- */

/* Whether row or column `tap` of a kernel, so far apart and so many before
 * position v along an axis, lies in the map of `side` that is read. */
static bool tap_inside(const nni_stage *s, int v, int tap, int middle, int side)
{
    const int at = v / s->in_gap + tap - middle;

    return at >= 0 && at < side;
}

/* The size of what the kernel is moved over. */
static void kernel_sees(int *height, int *width, const nni_stage *s)
{
    const nni_source *x = s->source;

    while (x->direct)           /* others are read in their own place        */
        x++;
    *height = x->height << (x->up_channels > 0);
    *width = x->width << (x->up_channels > 0);
}

void nni_map_bias(double *value, const nni_map *m, const nni_placed *p, int k,
                  int phase, int channel)
{
    const nni_stage *s = p->stage[k].of;
    const nn_layout *l = &p->layout;
    const nni_phase *ph = &m->phase[phase];
    const nni_size map = nni_stage_size(s);
    const size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;
    const int taps = s->kernel_y * s->kernel_x;
    const int packed = nni_packed(l, s->gap);
    int a, b, height = 0, width = 0;

    for (size_t j = 0; j < l->slots && p->stage[k].period > 0; j++) {
        const int o = channel * packed + (int)(j % (size_t)packed);

        value[j] = o < s->channels ? ph->bias[o] : 0;
    }
    if (p->stage[k].period > 0)
        return;

    (void)nni_phase_at(&a, &b, l, &map, phase);
    if (ph->edge != NULL)
        kernel_sees(&height, &width, s);
    for (size_t j = 0; j < l->slots; j++) {
        const int y = (int)(j % grid) / l->grid_x * l->ring_y + a;
        const int x = (int)(j % grid) % l->grid_x * l->ring_x + b;

        value[j] = ph->bias[channel];
        for (int t = 0; ph->edge != NULL && t < taps; t++)
            if (!tap_inside(s, y, t / s->kernel_x * s->dilation_y,
                            s->middle_y, height)
                || !tap_inside(s, x, t % s->kernel_x * s->dilation_x,
                               s->middle_x, width))
                value[j] -= ph->edge[channel * taps + t];
    }
}
