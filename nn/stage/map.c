/* map.c -- the linear map of a stage as integers times rotated ciphertexts.
 *
 * Read first: map.h, docs/12-volley.md.
 *
 * Positions are those of the image: a map of gap g has its pixel (y, x) at
 * (g y, g x).  The output phase at position (a, b) of a k x k convolution
 * reads, for each tap (dy, dx), the map at (a + g dy, b + g dx): ring position
 * modulo the ring, carries into the grid as a rotation by cy grid_x + cx.
 * Through a transposed convolution it reads the half-size map at the multiple
 * of 2 g before; taps that meet there add up.  If the ring is no multiple of
 * 2 g, pixels whose taps meet at different places share a ciphertext: each tap
 * is then read at both, through masks that let every other pixel pass.  A
 * dense layer is a convolution whose kernel is the map, at one position.
 *
 * Where pixels of the half-size map stand in slots of even number, in the real
 * ring, nothing need be masked but what stands in the odd slots between them.
 * With z = x sqrt(2) in even slots and -x sqrt(2) in odd ones
 * (ckks_mul_alternating), w x / 2 + w z / sqrt(8) is w x in even slots and 0 in
 * odd ones: two integers for one weight, and an even slot read by an even
 * rotation meets an even pixel, by an odd rotation an odd one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/map.h"

static int read_channels(const nni_source *s)
{
    return s->up_channels > 0 ? s->up_channels : s->channels;
}

/* ---- the terms of one phase ---------------------------------------------- */

/* A phase while it is made. */
typedef struct table {
    int groups, terms, limit;
    nni_group *group;           /* shape (limit)                             */
    double *weight;             /* shape (channels, all terms there may be), as
                                   values                                    */
    size_t row;                 /* of which a channel has so many            */
    double *bias;               /* shape (channels)                          */
    double *edge;               /* shape (channels, taps), or NULL           */
    int taps;
} table;

/* One source read by a stage. */
typedef struct reading {
    const nni_placed_stage *placed;
    const nni_stage *stage;
    const nni_source *source;
    const nn_layout *layout;
    int first_channel, weight_channels; /* in the stage's weight             */
    int first_feed;             /* number of the source's first feed         */
    int first_group;            /* in the table                              */
    bool with_weights;
} reading;

int nni_compare_terms(const void *a, const void *b)
{
    const nni_term *x = a, *y = b;

    if (x->feed != y->feed)
        return x->feed < y->feed ? -1 : 1;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    if (x->place_y != y->place_y)
        return x->place_y < y->place_y ? -1 : 1;
    if (x->place_x != y->place_x)
        return x->place_x < y->place_x ? -1 : 1;
    return (x->alternate > y->alternate) - (x->alternate < y->alternate);
}

/* The number of the first of the terms that read a feed at a place; they are
 * added if there are none. */
static int find_group(table *t, const reading *r, int phase, nni_term place)
{
    const int first = t->terms;

    place.feed = r->first_feed + phase;
    for (int g = r->first_group; g < t->groups; g++)
        if (nni_compare_terms(&t->group[g].term, &place) == 0)
            return t->group[g].first;
    t->group[t->groups++] = (nni_group){ place, first };
    t->terms += r->source->channels;
    return first;
}

static int floor_div(int a, int b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/* Where position (y, x), not far from the ring, lies: its phase, and its
 * rotation in *place.  False if no pixel is there from wherever in the grid one
 * looks. */
static bool locate(int *phase, nni_term *place, int y, int x,
                   const reading *r)
{
    const nn_layout *l = r->layout;
    const nni_source *s = r->source;
    int cy = floor_div(y, l->ring_y), cx = floor_div(x, l->ring_x);
    int64_t slots = (int64_t)l->slots;
    int64_t turn = (int64_t)cy * l->grid_x + cx;

    y -= cy * l->ring_y;
    x -= cx * l->ring_x;
    *phase = y / nni_unit(l->ring_y, s->gap) * nni_phases(l->ring_x, s->gap)
             + x / nni_unit(l->ring_x, s->gap);
    if (!nni_live(l->ring_y, s->gap, s->height, y)
        || !nni_live(l->ring_x, s->gap, s->width, x))
        return false;
    *place = (nni_term){ .step = (int32_t)((turn % slots + slots) % slots) };
    return true;
}

static double conv_weight(const reading *r, int o, int c, int tap)
{
    const nni_stage *s = r->stage;
    size_t taps = (size_t)s->kernel_y * (size_t)s->kernel_x;

    if (s->identity)
        return o == r->first_channel + c ? 1 : 0;
    return (double)s->weight[((size_t)o * (size_t)r->weight_channels
                              + (size_t)(r->first_channel + c)) * taps
                             + (size_t)tap];
}

/* What a tap brings to the bias of channel o. */
static void add_bias(table *t, int o, int tap, double value)
{
    t->bias[o] += value;
    if (t->edge != NULL)
        t->edge[o * t->taps + tap] += value;
}

/* weight (o, k) += w value; the constant part of the value goes to the bias. */
static void add_weight(table *t, const reading *r, int o, int c, int k,
                       double w, int tap)
{
    w *= r->stage->mul[o];
    t->weight[(size_t)o * t->row + (size_t)k] += w * r->source->mul[c];
    add_bias(t, o, tap, w * r->source->add[c]);
}

static void read_direct(table *t, const reading *r, int y, int x, int tap)
{
    int phase, first;
    nni_term place;

    if (!locate(&phase, &place, y, x, r))
        return;
    first = find_group(t, r, phase, place);
    for (int c = 0; r->with_weights && c < r->source->channels; c++)
        for (int o = 0; o < r->stage->channels; o++)
            add_weight(t, r, o, c, first + c, conv_weight(r, o, c, tap), tap);
}

/* (conv . tconv) from stored channel c to output o, at one tap and corner. */
static double up_weight(const reading *r, int o, int c, int tap, int corner)
{
    const nni_source *s = r->source;
    double sum = 0;

    for (int m = 0; m < s->up_channels; m++)
        sum += conv_weight(r, o, m, tap) * s->up_mul[m]
               * (double)s->up_weight[((size_t)c * (size_t)s->up_channels
                                       + (size_t)m) * 4 + (size_t)corner];
    return sum;
}

/* Where a tap through a transposed convolution reads along one axis. */
typedef struct up_place {
    int low;                    /* position in the map of half the size      */
    int corner;
    int place;                  /* as nni_term's                             */
} up_place;

/* The one or two of them, for the phase at position `at` and the tap at `to`.
 * Pixels of the phase are at `at` plus multiples of the ring; those of even
 * number are at multiples of 2 g. */
static int up_places(up_place out[2], int at, int to, int ring, int gap)
{
    const int tap = (to - at) / (gap / 2);

    if (ring % gap == 0) {
        out[0].low = floor_div(to, gap) * gap;
        out[0].corner = (to - out[0].low) / (gap / 2);
        out[0].place = 0;
        return 1;
    }
    for (int odd = 0; odd < 2; odd++) {
        out[odd].corner = (tap + odd) & 1;
        out[odd].low = to - out[odd].corner * (gap / 2);
        out[odd].place = 1 + ((odd * (gap / 2) - at) % gap + gap) % gap;
    }
    return 2;
}

static void read_up_at(table *t, const reading *r, int tap, const up_place *y,
                       const up_place *x)
{
    const bool both = r->placed->alternating && x->place != 0;
    int phase, first;
    nni_term place;

    if (!locate(&phase, &place, y->low, x->low, r))
        return;
    place.place_y = both ? 0 : y->place;
    place.place_x = both ? 0 : x->place;
    for (int k = 0; k <= both; k++) {
        const double share = !both ? 1 : k == 0 ? 0.5 : sqrt(0.125);

        place.alternate = k;
        first = find_group(t, r, phase, place);
        for (int c = 0; r->with_weights && c < r->source->channels; c++)
            for (int o = 0; o < r->stage->channels; o++)
                add_weight(t, r, o, c, first + c, share
                           * up_weight(r, o, c, tap,
                                       y->corner * 2 + x->corner), tap);
    }
}

/* The phase at (a, b), the tap at (y, x). */
static void read_up(table *t, const reading *r, int a, int b, int y, int x,
                    int tap)
{
    const nni_source *s = r->source;
    up_place py[2], px[2];
    const int ny = up_places(py, a, y, r->layout->ring_y, s->gap);
    const int nx = up_places(px, b, x, r->layout->ring_x, s->gap);

    for (int i = 0; i < ny * nx; i++)
        read_up_at(t, r, tap, &py[i / nx], &px[i % nx]);
    for (int o = 0; r->with_weights && o < r->stage->channels; o++)
        for (int m = 0; m < s->up_channels; m++)
            add_bias(t, o, tap, r->stage->mul[o] * conv_weight(r, o, m, tap)
                                    * s->up_add[m]);
}

static void read_source(table *t, const reading *r, int a, int b)
{
    const nni_stage *s = r->stage;

    for (int tap = 0; tap < s->kernel_y * s->kernel_x; tap++) {
        int dy = tap / s->kernel_x - s->middle;
        int dx = tap % s->kernel_x - s->middle;
        int y = a + s->in_gap * dy, x = b + s->in_gap * dx;

        if (s->in_gap == 0 && (dy != 0 || dx != 0))
            continue;           /* beside a single pixel there is nothing    */
        if (r->source->up_channels > 0)
            read_up(t, r, a, b, y, x, tap);
        else
            read_direct(t, r, y, x, tap);
    }
}

static void read_phase(table *t, const nni_placed *p,
                       const nni_placed_stage *placed, int a, int b,
                       bool with_weights)
{
    const nni_stage *s = placed->of;
    reading r = { .placed = placed, .stage = s, .layout = &p->layout,
                  .with_weights = with_weights };

    t->terms = t->groups = 0;
    for (int i = 0; i < s->num_sources; i++)
        r.weight_channels += read_channels(&s->source[i]);
    for (int i = 0; i < s->num_sources; i++) {
        r.source = &s->source[i];
        r.first_group = t->groups;
        read_source(t, &r, a, b);
        r.first_feed += nn_layout_phases(&p->layout, r.source->gap);
        r.first_channel += read_channels(r.source);
    }
}

/* ---- integers ------------------------------------------------------------ */

/* Integer weights: the values times the scale of the sums, over that of what
 * is read. */
static ckks_status quantise(nni_phase *ph, const table *t, const nni_placed *p,
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

static ckks_status make_phase(nni_phase *ph, table *t, const nni_placed *p,
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
        if (t->edge != NULL)
            memset(t->edge, 0, channels * (size_t)t->taps * sizeof *t->edge);
    }
    read_phase(t, p, s, y, x, with_weights);
    ph->groups = t->groups;
    ph->terms = t->terms;
    ph->group = malloc(((size_t)ph->groups + 1) * sizeof *ph->group);
    if (with_weights) {
        ph->weight = malloc((channels * (size_t)ph->terms + 1)
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

static ckks_status tables_init(table *t, nni_map *m, const nni_stage *s,
                               bool with_weights)
{
    const size_t channels = (size_t)s->channels;

    t->group = malloc((size_t)t->limit * sizeof *t->group);
    m->phase = calloc((size_t)m->num_phases, sizeof *m->phase);
    m->feed = malloc((size_t)m->num_feeds * sizeof *m->feed);
    if (with_weights) {
        t->weight = malloc(t->row * channels * sizeof *t->weight);
        t->bias = malloc(channels * sizeof *t->bias);
        t->taps = s->kernel_y * s->kernel_x;
        if (s->uneven)
            t->edge = malloc(channels * (size_t)t->taps * sizeof *t->edge);
    }
    return t->group == NULL || m->phase == NULL || m->feed == NULL
                   || (with_weights && (t->weight == NULL || t->bias == NULL
                                        || (t->edge == NULL) == s->uneven))
               ? CKKS_EMEM : CKKS_OK;
}

ckks_status nni_map_init(nni_map *out, const nni_placed *p, int k,
                         bool with_weights)
{
    const nni_placed_stage *placed = &p->stage[k];
    const nni_stage *s = placed->of;
    nni_map m = { .num_phases = nn_layout_phases(&p->layout, s->gap),
                  .channels = s->channels };
    table t = { 0 };
    ckks_status st;

    *out = (nni_map){ .channels = s->channels };
    if (placed->neurons > 0)    /* matrix.c's: nothing to combine            */
        return CKKS_OK;
    for (int i = 0; i < s->num_sources; i++) {
        const int phases = nn_layout_phases(&p->layout, s->source[i].gap);
        const int taps = s->kernel_y * s->kernel_x
                         * (s->source[i].up_channels > 0 ? 8 : 1);

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
    free(t.edge);
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

/* Whether tap t of a kernel lies in the map of `side` that is read, seen from
 * position v along an axis. */
static bool tap_inside(const nni_stage *s, int v, int tap, int side)
{
    const int at = v / s->in_gap + tap - s->middle;

    return at >= 0 && at < side;
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
    const int twice = s->source[0].up_channels > 0;
    int a, b;

    (void)nni_phase_at(&a, &b, l, &map, phase);
    for (size_t j = 0; j < l->slots; j++) {
        const int y = (int)(j % grid) / l->grid_x * l->ring_y + a;
        const int x = (int)(j % grid) % l->grid_x * l->ring_x + b;

        value[j] = ph->bias[channel];
        for (int t = 0; ph->edge != NULL && t < taps; t++)
            if (!tap_inside(s, y, t / s->kernel_x,
                            s->source[0].height << twice)
                || !tap_inside(s, x, t % s->kernel_x,
                               s->source[0].width << twice))
                value[j] -= ph->edge[channel * taps + t];
    }
}
