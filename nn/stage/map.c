/* map.c -- the linear map of a stage as integers times rotated ciphertexts.
 *
 * Read first: docs/12-volley.md.
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

#include "stage/net.h"

static int read_channels(const nni_source *s)
{
    return s->up_channels > 0 ? s->up_channels : s->channels;
}

/* ---- the terms of one phase --------------------------------------------- */

/* A phase while it is made. */
typedef struct table {
    int terms, limit;
    nni_term *term;             /* shape (limit)                             */
    double *weight;             /* shape (channels, limit), as values        */
    double *bias;               /* shape (channels)                          */
} table;

/* One source read by a stage. */
typedef struct reading {
    const nni_stage *stage;
    const nni_source *source;
    const nn_layout *layout;
    int first_channel, weight_channels; /* in the stage's weight             */
    int first_input;            /* number of the source's first ciphertext   */
    int first_term;             /* in the table                              */
    int phases;                 /* of the stored map                         */
    bool with_weights;
} reading;

int nni_compare_terms(const void *a, const void *b)
{
    const nni_term *x = a, *y = b;

    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    if (x->carry_y != y->carry_y)
        return x->carry_y < y->carry_y ? -1 : 1;
    if (x->carry_x != y->carry_x)
        return x->carry_x < y->carry_x ? -1 : 1;
    if (x->place_y != y->place_y)
        return x->place_y < y->place_y ? -1 : 1;
    if (x->place_x != y->place_x)
        return x->place_x < y->place_x ? -1 : 1;
    return (x->alternate > y->alternate) - (x->alternate < y->alternate);
}

/* The source's terms stand in groups, one term a channel: the first of the
 * group that reads this phase at this place. */
static int find_group(table *t, const reading *r, int phase, nni_term place)
{
    int channels = r->source->channels, phases = r->phases;
    int first = t->terms;

    place.input = r->first_input + phase;
    for (int k = r->first_term; k < t->terms; k += channels)
        if (nni_compare_terms(&t->term[k], &place) == 0)
            return k;
    for (int c = 0; c < channels; c++, place.input += phases)
        t->term[t->terms++] = place;
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
    if (!r->stage->bordered)
        return true;
    place->carry_y = (int16_t)cy;
    place->carry_x = (int16_t)cx;
    return abs(cy) < r->layout->grid_y && abs(cx) < r->layout->grid_x;
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

/* weight (o, k) += w value; the constant part of the value goes to the bias. */
static void add_weight(table *t, const reading *r, int o, int c, int k,
                       double w)
{
    w *= r->stage->mul[o];
    t->weight[(size_t)o * (size_t)t->limit + (size_t)k] +=
        w * r->source->mul[c];
    t->bias[o] += w * r->source->add[c];
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
            add_weight(t, r, o, c, first + c, conv_weight(r, o, c, tap));
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
    const bool both = r->stage->alternating && x->place != 0;
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
                                       y->corner * 2 + x->corner));
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
            t->bias[o] += r->stage->mul[o] * conv_weight(r, o, m, tap)
                          * s->up_add[m];
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

static void read_phase(table *t, const nni_stage *s, int a, int b,
                       const nn_layout *l, bool with_weights)
{
    reading r = { .stage = s, .layout = l, .with_weights = with_weights };

    for (int i = 0; i < s->num_sources; i++)
        r.weight_channels += read_channels(&s->source[i]);
    for (int i = 0; i < s->num_sources; i++) {
        const nni_source *src = &s->source[i];

        r.source = src;
        r.first_term = t->terms;
        r.phases = nn_layout_phases(l, src->gap);
        read_source(t, &r, a, b);
        r.first_input += src->channels * r.phases;
        r.first_channel += read_channels(src);
    }
}

/* ---- integers ----------------------------------------------------------- */

/* Scale of the ciphertext behind an input number. */
static double input_scale(const net *n, const nni_stage *s,
                          const nn_layout *l, int input)
{
    for (int i = 0; i < s->num_sources; i++) {
        int count = s->source[i].channels
                    * nn_layout_phases(l, s->source[i].gap);

        if (input < count)
            return nni_source_scale(n, &s->source[i]);
        input -= count;
    }
    return 1;
}

static ckks_status quantise(nni_phase *p, const table *t, const net *n,
                            const nni_stage *s, const nn_layout *l)
{
    for (int o = 0; o < s->channels; o++) {
        double sum = 0;

        for (int k = 0; k < t->terms; k++) {
            double w = round(t->weight[(size_t)o * (size_t)t->limit
                                       + (size_t)k]
                             * s->scale / input_scale(n, s, l,
                                                      p->term[k].input));

            sum += fabs(w);
            if (!(sum < 0x1p28))
                return nn_fail(CKKS_EPARAM, "nn_weights_init: %s: integer "
                               "weights of channel %d add up to more than "
                               "2^28", s->name, o);
            p->weight[(size_t)o * (size_t)t->terms + (size_t)k] = (int32_t)w;
        }
        p->bias[o] = t->bias[o] + s->add[o];
    }
    return CKKS_OK;
}

static ckks_status make_phase(nni_phase *p, table *t, const net *n,
                              const nni_stage *s, int number,
                              const nn_layout *l, bool with_weights)
{
    size_t channels = (size_t)s->channels, terms;
    int y, x;

    p->live = nni_phase_at(&y, &x, l, s->gap, s->height, s->width, number);
    if (!p->live)
        return CKKS_OK;
    t->terms = 0;
    if (with_weights)
        memset(t->weight, 0, channels * (size_t)t->limit * sizeof *t->weight);
    memset(t->bias, 0, channels * sizeof *t->bias);
    read_phase(t, s, y, x, l, with_weights);
    terms = (size_t)t->terms;
    p->terms = t->terms;
    p->term = malloc((terms + 1) * sizeof *p->term);
    p->weight = with_weights ? malloc((channels * terms + 1)
                                      * sizeof *p->weight)
                             : NULL;
    p->bias = malloc(channels * sizeof *p->bias);
    if (p->term == NULL || p->bias == NULL
        || (with_weights && p->weight == NULL))
        return nn_fail(CKKS_EMEM, "nn_weights_init: no memory for the weights "
                       "of %s", s->name);
    memcpy(p->term, t->term, terms * sizeof *p->term);
    return with_weights ? quantise(p, t, n, s, l) : CKKS_OK;
}

/* Where inputs are read for the last time. */
static void find_ends(nni_map *m, const nni_stage *s, const nn_layout *l)
{
    int at = 0;

    for (int i = 0; i < m->num_inputs; i++)
        m->last[i] = -1;
    for (int i = 0; i < m->num_phases; i++)
        for (int k = 0; k < m->phase[i].terms; k++)
            m->last[m->phase[i].term[k].input] = i;
    for (int j = 0; j < m->num_sources; j++) {
        const nni_source *src = &s->source[j];
        const int end = at + src->channels * nn_layout_phases(l, src->gap);

        for (; at < end; at++)
            if (m->last[at] + 1 < m->num_phases)
                m->ended[(m->last[at] + 1) * m->num_sources + j]++;
    }
    for (int i = m->num_sources; i < m->num_phases * m->num_sources; i++)
        m->ended[i] += m->ended[i - m->num_sources];
}

ckks_status nni_map_init(nni_map *out, const net *n, int stage,
                         const nn_layout *l, bool with_weights)
{
    const nni_stage *s = &n->stage[stage];
    int inputs = 0;
    nni_map m = { .num_phases = nn_layout_phases(l, s->gap),
                  .channels = s->channels, .num_sources = s->num_sources };
    table t = { 0 };
    ckks_status st = CKKS_OK;

    for (int i = 0; i < s->num_sources; i++) {
        int phases = nn_layout_phases(l, s->source[i].gap);
        int taps = s->kernel_y * s->kernel_x
                   * (s->source[i].up_channels > 0 ? 8 : 1);

        inputs += s->source[i].channels * phases;
        t.limit += s->source[i].channels * taps;
    }
    m.num_inputs = inputs;
    if (s->neurons > 0) {       /* matrix.c's: nothing to combine            */
        *out = (nni_map){ .channels = s->channels };
        return CKKS_OK;
    }
    t.term = malloc((size_t)t.limit * sizeof *t.term);
    t.weight = malloc((with_weights ? (size_t)t.limit * (size_t)s->channels
                                    : 1) * sizeof *t.weight);
    t.bias = malloc((size_t)s->channels * sizeof *t.bias);
    m.phase = calloc((size_t)m.num_phases, sizeof *m.phase);
    m.last = malloc((size_t)inputs * sizeof *m.last);
    m.ended = calloc((size_t)m.num_phases * (size_t)s->num_sources,
                     sizeof *m.ended);
    if (t.term == NULL || t.weight == NULL || t.bias == NULL
        || m.phase == NULL || m.last == NULL || m.ended == NULL)
        st = nn_fail(CKKS_EMEM, "nn_weights_init: no memory for the weights "
                     "of %s", s->name);
    for (int i = 0; i < m.num_phases && st == CKKS_OK; i++)
        st = make_phase(&m.phase[i], &t, n, s, i, l, with_weights);
    if (st == CKKS_OK)
        find_ends(&m, s, l);
    free(t.term);
    free(t.weight);
    free(t.bias);
    if (st != CKKS_OK) {
        nni_map_clear(&m);
        return st;
    }
    *out = m;
    return CKKS_OK;
}

void nni_map_clear(nni_map *m)
{
    for (int i = 0; m->phase != NULL && i < m->num_phases; i++) {
        free(m->phase[i].term);
        free(m->phase[i].weight);
        free(m->phase[i].bias);
    }
    free(m->phase);
    free(m->last);
    free(m->ended);
    memset(m, 0, sizeof *m);
}

bool nni_drops(const net *n, int k, int i, bool by_inputs)
{
    const nni_stage *s = &n->stage[k];
    const nni_source *of = &s->source[i];

    for (int j = 0; j < s->num_sources; j++)
        if (j != i && s->source[j].stage == of->stage
            && s->source[j].out == of->out)
            return false;
    return !by_inputs && !s->masked
           && k == (of->stage < 0 ? n->image.last_reader
                                  : n->stage[of->stage].out[of->out]
                                        .last_reader);
}
