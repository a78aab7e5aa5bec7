/* map.c -- the linear map of a stage as integers times rotated ciphertexts.
 *
 * Read first: map.h, terms.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/terms.h"

/* Integer weights: the values times the scale of the sums, over that of what
 * is read. */
static ckks_status quantise(nni_phase *ph, const nni_table *t, const nni_placed *p,
                            const nni_placed_stage *s, const nni_map *m)
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

static ckks_status make_phase(nni_phase *ph, nni_table *t, const nni_placed *p,
                              const nni_placed_stage *s, nni_map *m, int number,
                              bool with_weights)
{
    const nni_size map = nni_stage_size(s->of);
    const size_t channels = (size_t)s->of->channels;
    int y, x;

    ph->live = nni_phase_at(&y, &x, &p->layout, &map, number);
    if (!ph->live)
        return CKKS_OK;
    if (with_weights) {
        memset(t->weight, 0, channels * t->row * sizeof *t->weight);
        memset(t->bias, 0, channels * sizeof *t->bias);
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
        ph->weight = malloc((channels * (size_t)ph->terms + 1)
                            * sizeof *ph->weight);
        ph->bias = malloc(channels * sizeof *ph->bias);
    }
    if (ph->group == NULL
        || (with_weights && (ph->weight == NULL || ph->bias == NULL)))
        return nn_fail(CKKS_EMEM, "%s: no memory for the weights of %s",
                       p->net->name, s->of->name);
    memcpy(ph->group, t->group, (size_t)ph->groups * sizeof *ph->group);
    for (int g = 0; g < ph->groups; g++)
        m->feed[ph->group[g].term.feed].last = number;
    return with_weights ? quantise(ph, t, p, s, m) : CKKS_OK;
}

static void list_feeds(nni_map *m, const nni_placed *p, const nni_stage *s)
{
    nni_feed *f = m->feed;

    for (int i = 0, first = 0; i < s->num_sources; i++) {
        const nni_source *src = &s->source[i];
        const int phases = nn_layout_phases(&p->layout, src->gap);

        for (int j = 0; j < phases; j++)
            *f++ = (nni_feed){ i, j, first + j, phases, src->channels, -1 };
        first += src->channels * phases;
    }
}

static ckks_status tables_init(nni_table *t, nni_map *m, const nni_stage *s,
                               bool with_weights)
{
    const size_t channels = (size_t)s->channels;

    t->group = malloc((size_t)t->limit * sizeof *t->group);
    m->phase = calloc((size_t)m->num_phases, sizeof *m->phase);
    m->feed = malloc((size_t)m->num_feeds * sizeof *m->feed);
    if (with_weights) {
        t->weight = malloc(t->row * channels * sizeof *t->weight);
        t->bias = malloc(channels * sizeof *t->bias);
    }
    return t->group == NULL || m->phase == NULL || m->feed == NULL
                   || (with_weights && (t->weight == NULL || t->bias == NULL))
               ? CKKS_EMEM : CKKS_OK;
}

ckks_status nni_map_init(nni_map *out, const nni_placed *p, int k,
                         bool with_weights)
{
    const nni_placed_stage *placed = &p->stage[k];
    const nni_stage *s = placed->of;
    nni_map m = { .num_phases = nn_layout_phases(&p->layout, s->gap),
                  .channels = s->channels };
    nni_table t = { 0 };
    ckks_status st;

    *out = (nni_map){ .channels = s->channels };
    if (placed->neurons > 0)    /* matrix.c's: nothing to combine            */
        return CKKS_OK;
    for (int i = 0; i < s->num_sources; i++) {
        const int phases = nn_layout_phases(&p->layout, s->source[i].gap);
        const int taps = nni_most_groups(s, &s->source[i]);

        m.num_feeds += phases;
        m.num_inputs += s->source[i].channels * phases;
        t.limit += taps;
        t.row += (size_t)s->source[i].channels * (size_t)taps;
    }
    st = tables_init(&t, &m, s, with_weights);
    if (st != CKKS_OK)
        st = nn_fail(st, "%s: no memory for the weights of %s", p->net->name,
                     s->name);
    else
        list_feeds(&m, p, s);
    for (int i = 0; i < m.num_phases && st == CKKS_OK; i++)
        st = make_phase(&m.phase[i], &t, p, placed, &m, i, with_weights);
    free(t.group);
    free(t.weight);
    free(t.bias);
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
    }
    free(m->phase);
    free(m->feed);
    memset(m, 0, sizeof *m);
}
