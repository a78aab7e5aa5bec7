/* lanes.c -- channels in the gaps of a map: what a stage on such a layout is.
 *
 * Read first: lanes.h, docs/12-volley.md, "Channels in the gaps".
 *
 * A weight is a pattern of slots that repeats after `period`: in lane c stands
 * what the input, turned by some shift, gives to channel c, and 0 where what
 * comes there belongs to no channel.  Behind a transposed convolution even and
 * odd pixels have weights of their own, so that the pattern is two pixels long.
 */
#include <math.h>

#include "stage/lanes.h"

enum { MOST_PERIOD = 64, MOST_STEPS = 1024, CIRCLE = 4 * MOST_PERIOD };

/* ---- which stages -------------------------------------------------------- */

static ckks_status refuse(const nni_placed *p, const nni_stage *s,
                          const char *why)
{
    return nn_fail(CKKS_EPARAM, "%s: %s: %s cannot have its channels in gaps",
                   p->net->name, s->name, why);
}

static ckks_status set_stage(nni_placed *p, nni_placed_stage *placed)
{
    const nni_stage *s = placed->of;
    int period;

    if (s->dense || s->identity || s->linear != NULL || s->groups != 1
        || s->mean_y * s->mean_x != 1 || s->gap < 1)
        return refuse(p, s, "a layer that is no plain convolution");
    period = nni_packed(&p->layout, s->gap);
    for (int i = 0; i < s->num_sources; i++) {
        const nni_source *x = &s->source[i];

        if (x->direct || (x->stage < 0 && x->pool > 0))
            return refuse(p, s, "a sum, or a mean of the image");
        for (int c = 0; c < x->channels && x->up_channels > 0; c++)
            if (x->add[c] != 0)
                return refuse(p, s, "a constant before a transposed "
                                    "convolution");
        if (x->up_channels > 0 && nni_packed(&p->layout, x->gap) > period)
            period = nni_packed(&p->layout, x->gap);
    }
    if (period > MOST_PERIOD)
        return nn_fail(CKKS_EPARAM, "%s: %s: patterns of %d slots, more than "
                       "%d", p->net->name, s->name, period, MOST_PERIOD);
    placed->period = period;
    placed->planes = nni_planes(&p->layout, s->gap, s->channels);
    return CKKS_OK;
}

ckks_status nni_set_lanes(nni_placed *p, bool real)
{
    const nn_layout *l = &p->layout;
    const int gap = p->net->max_gap;
    const nn_border border = p->net->model->border;
    ckks_status st = CKKS_OK;

    if (!real || l->ring_x != 1 || l->batch != 1 || gap < 1
        || l->ring_y % gap != 0 || l->grid_x % gap != 0
        || (l->lanes & (l->lanes - 1)) != 0 || (gap & (gap - 1)) != 0
        || (border != NN_WRAP && border != NN_HALO))
        return nn_fail(CKKS_EPARAM, "%s: rings of %d x %d on a grid of %d x %d "
                       "with %d lanes, for gaps up to %d, a power of two, and "
                       "border wrap or halo", p->net->name, l->ring_y,
                       l->ring_x, l->grid_y, l->grid_x, l->lanes, gap);
    for (int k = 0; k < p->num_stages && st == CKKS_OK; k++)
        st = set_stage(p, &p->stage[k]);
    return st;
}

/* ---- what is read -------------------------------------------------------- */

nni_lanes nni_lanes_of(const nni_placed *p, const nni_placed_stage *s, int i)
{
    const nni_source *x = &s->of->source[i];
    nni_lanes n = { .out = nni_packed(&p->layout, s->of->gap), .packed = 1,
                    .image = p->layout.lanes, .planes = x->channels };

    if (x->stage >= 0) {
        n.image = 0;
        n.packed = nni_packed(&p->layout, p->stage[x->stage].of->gap);
        n.planes = p->stage[x->stage].planes;
    }
    return n;
}

int nni_lane_read(const nni_lanes *n, int c, int shift)
{
    if (n->image > 0)
        return shift == -(c / n->image * n->image) ? 0 : -1;
    return c + shift >= 0 && c + shift < n->packed ? c + shift : -1;
}

int nni_source_planes(const nni_placed *p, const nni_placed_stage *s, int i)
{
    return s->period > 0 ? nni_lanes_of(p, s, i).planes
                         : s->of->source[i].channels;
}

/* ---- patterns of slots --------------------------------------------------- */

/* cos(2 pi k / CIRCLE), to 2^-50.  The C library's cos has other last bits
 * elsewhere, and so would weights; sums, products, quotients and roots are the
 * same everywhere.  By halves of a turn: k's bits say which. */
static double cosine(int k)
{
    double c = -1, s = 0, re = 1, im = 0;

    for (int bit = CIRCLE / 2; bit > 0; bit /= 2) {
        if ((k & bit) != 0) {
            const double turned = re * c - im * s;

            im = re * s + im * c;
            re = turned;
        }
        c = sqrt((1 + c) / 2);                  /* of half the angle         */
        s = c > 0 ? s / (2 * c) : 1;
    }
    return re;
}

/* cos(pi i 5^j / 2T), for all i, j < T. */
static void cosines(double *to, int period)
{
    const int unit = CIRCLE / (4 * period);
    int g = 1;

    for (int j = 0; j < period; j++, g = g * 5 % (4 * period))
        for (int i = 0; i < period; i++)
            to[i * period + j] = cosine(i * g % (4 * period) * unit);
}

bool nni_lane_round(int32_t *coefficient, const double *value, int period,
                    double scale)
{
    static _Thread_local double table[MOST_PERIOD * MOST_PERIOD];
    static _Thread_local int of;

    if (of != period)
        cosines(table, of = period);
    for (int i = 0; i < period; i++) {
        double sum = 0;

        for (int j = 0; j < period; j++)
            sum += value[j] * table[i * period + j];
        sum = round(sum * scale / period);
        if (!(fabs(sum) < 0x1p31))
            return false;
        coefficient[i] = (int32_t)sum;
    }
    return true;
}

void nni_lane_values(double *value, const int32_t *coefficient, int period)
{
    static _Thread_local double table[MOST_PERIOD * MOST_PERIOD];
    static _Thread_local int of;

    if (of != period)
        cosines(table, of = period);
    for (int j = 0; j < period; j++) {
        value[j] = coefficient[0];
        for (int i = 1; i < period; i++)
            value[j] += 2 * coefficient[i] * table[i * period + j];
    }
}

/* Slot j of coefficient i is cos(pi i 5^j / 2T), so steps slots before it
 * stands what i 5^-steps has in j: some i' below 4T, where 4T - i' has the same
 * cosine and 2T - i' its negative, 5^j being odd. */
void nni_lane_turn(int32_t *to, const int32_t *from, int period, int steps)
{
    const int circle = 4 * period;
    int g = 1;

    for (int j = steps % period; j % period != 0; j++)
        g = g * 5 % circle;             /* 5 to the T is 1                   */
    for (int i = 0; i < period; i++) {
        int at = i * g % circle;

        at = at > circle / 2 ? circle - at : at;
        if (at > period)
            to[circle / 2 - at] = -from[i];
        else
            to[at] = from[i];
    }
}

/* ---- rotations ----------------------------------------------------------- */

typedef struct steps {
    int32_t seen[MOST_STEPS];
    int count;
} steps;

static void add_step(steps *s, int32_t step)
{
    for (int j = 0; j < s->count; j++)
        if (s->seen[j] == step)
            return;
    if (step != 0 && s->count < MOST_STEPS)
        s->seen[s->count++] = step;
}

/* Rotations of one ciphertext of a feed. */
static int input_turns(const nni_map *m, int feed, int babies)
{
    steps s = { .count = 0 };

    for (int i = 0; i < m->num_phases; i++)
        for (int g = 0; g < m->phase[i].groups; g++)
            if (m->phase[i].group[g].term.feed == feed)
                add_step(&s, m->phase[i].group[g].term.step % babies);
    return s.count;
}

/* Rotations of the sums of one ciphertext of a phase. */
static int sum_turns(const nni_phase *p, int babies)
{
    steps s = { .count = 0 };

    for (int g = 0; g < p->groups; g++) {
        const int32_t step = p->group[g].term.step;

        add_step(&s, step - step % babies);
    }
    return s.count;
}

/* What a rotation of an input takes, one of a sum 1: digits are cut once. */
static const double HOISTED = 0.45;

int nni_babies(const nni_placed_stage *s, const nni_map *m)
{
    double least = HUGE_VAL;
    int best = 1;

    for (int b = 1; b <= 2 * s->period; b *= 2) {
        double cost = 0;

        for (int f = 0; f < m->num_feeds; f++)
            cost += HOISTED * m->feed[f].channels * input_turns(m, f, b);
        for (int i = 0; i < m->num_phases; i++)
            cost += (double)s->planes * sum_turns(&m->phase[i], b);
        if (cost < least) {
            least = cost;
            best = b;
        }
    }
    return best;
}
