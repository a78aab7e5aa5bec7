/* terms.c -- which ciphertexts an output phase reads, and with which weights.
 *
 * Read first: terms.h, docs/12-volley.md.
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

#include "stage/lanes.h"
#include "stage/terms.h"

/* One source read by a stage. */
typedef struct reading {
    const nni_placed_stage *placed;
    const nni_stage *stage;
    const nni_source *source;
    const nn_layout *layout;
    int first_feed;             /* number of the source's first feed         */
    int first_group;            /* in the table                              */
    nni_lanes lanes;            /* if the stage has a period                 */
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
static int find_group(nni_table *t, const reading *r, int phase, nni_term place)
{
    const int first = t->terms;

    place.feed = r->first_feed + phase;
    for (int g = r->first_group; g < t->groups; g++)
        if (nni_compare_terms(&t->group[g].term, &place) == 0)
            return t->group[g].first;
    t->group[t->groups++] = (nni_group){ place, first };
    t->terms += r->placed->period > 0 ? r->lanes.planes : r->source->channels;
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
    int64_t turn = ((int64_t)cy * l->grid_x + cx) * nni_cell(l);

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
    c += r->source->first;
    return r->source->direct ? o == c : nni_stage_weight(r->stage, o, c, tap);
}

/* What the stage multiplies its output o with. */
static double factor(const reading *r, int o)
{
    return r->source->direct ? 1 : r->stage->mul[o];
}

/* What a tap brings to the bias of output o; a source that is read in its own
 * place is never beyond an edge. */
static void add_bias(nni_table *t, const reading *r, int o, int tap,
                     double value)
{
    t->bias[o] += value;
    if (t->edge != NULL && !r->source->direct)
        t->edge[o * t->taps + tap] += value;
}

/* weight (o, k) += w value; the constant part of the value goes to the bias. */
static void add_weight(nni_table *t, const reading *r, int o, int c, int k,
                       double w, int tap)
{
    w *= factor(r, o);
    t->weight[(size_t)o * t->row + (size_t)k] += w * r->source->mul[c];
    add_bias(t, r, o, tap, w * r->source->add[c]);
}

/* A tap: of the kernel, and of a transposed convolution's. */
typedef struct tap_of {
    int tap, y, x;
} tap_of;

static double up_weight(const reading *r, int o, int c, int tap, int y, int x);

/* The weights of a tap, of inputs turned by `shift` lanes; number of the first
 * term: k.  The pattern begins at lane `at` and stands there once, or is
 * repeated. */
static void add_lanes(nni_table *t, const reading *r, int k, int shift, int at,
                      tap_of tap)
{
    const nni_lanes *n = &r->lanes;
    const bool up = r->source->up_channels > 0;
    const int period = r->placed->period;

    for (int o = 0; o < r->stage->channels; o++) {
        const int c = o % n->out, from = nni_lane_read(n, c, shift);
        double *to = t->weight + ((size_t)(o / n->out) * t->row + (size_t)k)
                                     * (size_t)period;

        for (int i = 0; i < n->planes && from >= 0; i++) {
            const int in = i * n->packed + from;
            double w;

            if (in >= r->source->channels)
                break;
            w = factor(r, o) * (up ? up_weight(r, o, in, tap.tap, tap.y, tap.x)
                                   : conv_weight(r, o, in, tap.tap));
            add_bias(t, r, o, tap.tap, up ? 0 : w * r->source->add[in]);
            w *= r->source->mul[in];
            for (int j = at + c; j < (up ? at + c + 1 : period); j += n->out)
                to[i * period + j] += w;
        }
    }
}

/* A tap that is read at `place`, by the lanes from `at` on: turned by every
 * shift that brings a channel of the input to one of the output. */
static void read_lanes(nni_table *t, const reading *r, int phase,
                       nni_term place, int at, tap_of tap)
{
    const nni_lanes *n = &r->lanes;
    const int slots = (int)r->layout->slots, turn = place.step;

    for (int shift = 1 - n->out; shift < n->packed; shift++) {
        bool any = false;
        int first;

        for (int c = 0; c < n->out && !any; c++)
            any = nni_lane_read(n, c, shift) >= 0;
        if (!any)
            continue;
        place.step = (turn + shift + slots) % slots;
        first = find_group(t, r, phase, place);
        if (r->with_weights)
            add_lanes(t, r, first, shift, at, tap);
    }
}

static void read_at(nni_table *t, const reading *r, int y, int x, int tap)
{
    int phase, first;
    nni_term place;

    if (!locate(&phase, &place, y, x, r))
        return;
    if (r->placed->period > 0) {
        read_lanes(t, r, phase, place, 0, (tap_of){ tap, 0, 0 });
        return;
    }
    first = find_group(t, r, phase, place);
    for (int c = 0; r->with_weights && c < r->source->channels; c++)
        for (int o = 0; o < r->stage->channels; o++)
            add_weight(t, r, o, c, first + c, conv_weight(r, o, c, tap), tap);
}

/* (conv . tconv) from stored channel c to output o, at one tap of each. */
static double up_weight(const reading *r, int o, int c, int tap, int y, int x)
{
    const nni_source *s = r->source;
    const bool alone = s->up_weight == NULL;    /* channel c gives c only    */
    double sum = 0;

    for (int m = alone ? c : 0; m < (alone ? c + 1 : s->up_channels); m++)
        sum += conv_weight(r, o, m, tap) * s->up_mul[m]
               * nni_up_weight(s, c, m, y, x);
    return sum;
}

/* Four sums side by side: a single one waits for each of its additions. */
static double dot(const double *a, const double *b, int count)
{
    double sum[4] = { 0 }, rest = 0;
    int i = 0;

    for (; i + 4 <= count; i += 4)
        for (int j = 0; j < 4; j++)
            sum[j] += a[i + j] * b[i + j];
    for (; i < count; i++)
        rest += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]) + rest;
}

/* up_weight for all outputs and stored channels, `share` of it. */
static void add_up(nni_table *t, const reading *r, int first, double share,
                   tap_of tap)
{
    const nni_source *s = r->source;
    const size_t count = (size_t)s->up_channels;
    const double *outputs = t->up;
    double *stored = t->up + (size_t)r->stage->channels * count;

    if (s->up_weight != NULL)
        nni_up_stored(stored, s, tap.y, tap.x);
    for (int c = 0; c < s->channels; c++)
        for (int o = 0; o < r->stage->channels; o++)
            add_weight(t, r, o, c, first + c, share
                       * (s->up_weight == NULL
                              ? up_weight(r, o, c, tap.tap, tap.y, tap.x)
                              : dot(outputs + (size_t)o * count,
                                    stored + (size_t)c * count,
                                    s->up_channels)), tap.tap);
}

/* Where a tap through a transposed convolution reads along one axis. */
typedef struct up_place {
    int low;                    /* position in the map of half the size      */
    int tap;                    /* of the transposed convolution             */
    int place;                  /* as nni_term's                             */
} up_place;

enum { UP_PLACES = 4 };

/* All of them, for the phase at position `at` and the tap at `to`, by a kernel
 * of 2, or one of 4 that begins a pixel before.  Pixels of the phase are at
 * `at` plus multiples of the ring; those of even number are at multiples of
 * 2 g.  Tap p of 2 gives the pixel at `to` what is at to - p g, of 4 what is at
 * to - (p - 1) g, if there is a pixel. */
static int up_places(up_place out[UP_PLACES], int at, int to, int ring, int gap,
                     int kernel)
{
    const int half = gap / 2, pad = kernel == 4;
    const bool mixed = ring % gap != 0;
    int count = 0;

    for (int odd = 0; odd < (mixed ? 2 : 1); odd++)
        for (int p = 0; p < kernel; p++) {
            /* number of the pixel, but for multiples of two */
            const int pixel = mixed ? (to - at) / half + odd : to / half;

            if (((pixel + pad - p) & 1) != 0)
                continue;
            out[count++] = (up_place){
                to - (p - pad) * half, p,
                mixed ? 1 + ((odd * half - at) % gap + gap) % gap : 0
            };
        }
    return count;
}

static void read_up_at(nni_table *t, const reading *r, int tap,
                       const up_place *y, const up_place *x)
{
    const bool both = r->placed->alternating && x->place != 0;
    int phase, first;
    nni_term place;

    if (!locate(&phase, &place, y->low, x->low, r))
        return;
    if (r->placed->period > 0) {
        read_lanes(t, r, phase, place,
                   x->place > 0 ? (x->place - 1) * nni_cell(r->layout) : 0,
                   (tap_of){ tap, y->tap, x->tap });
        return;
    }
    place.place_y = both ? 0 : y->place;
    place.place_x = both ? 0 : x->place;
    for (int k = 0; k <= both; k++) {
        const double share = !both ? 1 : k == 0 ? 0.5 : sqrt(0.125);

        place.alternate = k;
        first = find_group(t, r, phase, place);
        if (r->with_weights)
            add_up(t, r, first, share, (tap_of){ tap, y->tap, x->tap });
    }
}

static void read_up(nni_table *t, const reading *r, int a, int b, int y, int x,
                    int tap)
{
    const nni_source *s = r->source;
    up_place py[UP_PLACES], px[UP_PLACES];
    const int ny = up_places(py, a, y, r->layout->ring_y, s->gap,
                             s->up_kernel);
    const int nx = up_places(px, b, x, r->layout->ring_x, s->gap,
                             s->up_kernel);

    if (r->with_weights && s->up_weight != NULL && r->placed->period == 0)
        nni_up_outputs(t->up, r->stage, s, tap);
    for (int i = 0; i < ny * nx; i++)
        read_up_at(t, r, tap, &py[i / nx], &px[i % nx]);
    for (int o = 0; r->with_weights && o < r->stage->channels; o++)
        for (int m = 0; m < s->up_channels; m++)
            add_bias(t, r, o, tap, factor(r, o) * conv_weight(r, o, m, tap)
                                       * s->up_add[m]);
}

/* The phase at (a, b), the tap at (y, x). */
static void read_tap(nni_table *t, const reading *r, int a, int b, int y, int x,
                     int tap)
{
    if (r->source->up_channels > 0)
        read_up(t, r, a, b, y, x, tap);
    else
        read_at(t, r, y, x, tap);
}

static void read_source(nni_table *t, const reading *r, int a, int b)
{
    const nni_stage *s = r->stage;

    if (r->source->direct) {
        read_tap(t, r, a, b, a, b, 0);
        return;
    }
    for (int tap = 0; tap < s->kernel_y * s->kernel_x; tap++) {
        int dy = tap / s->kernel_x * s->dilation_y - s->middle_y;
        int dx = tap % s->kernel_x * s->dilation_x - s->middle_x;

        if (s->in_gap == 0 && (dy != 0 || dx != 0))
            continue;           /* beside a single pixel there is nothing    */
        read_tap(t, r, a, b, a + s->in_gap * dy, b + s->in_gap * dx, tap);
    }
}

void nni_read_phase(nni_table *t, const nni_placed *p,
                       const nni_placed_stage *placed, int a, int b,
                       bool with_weights)
{
    const nni_stage *s = placed->of;
    reading r = { .placed = placed, .stage = s, .layout = &p->layout,
                  .with_weights = with_weights };

    t->terms = t->groups = 0;
    for (int i = 0; i < s->num_sources; i++) {
        r.source = &s->source[i];
        if (placed->period > 0)
            r.lanes = nni_lanes_of(p, placed, i);
        r.first_group = t->groups;
        read_source(t, &r, a, b);
        r.first_feed += nn_layout_phases(&p->layout, r.source->gap);
    }
}

int nni_most_groups(const nni_placed *p, const nni_placed_stage *s, int i)
{
    const nni_source *source = &s->of->source[i];
    const int up = source->up_kernel;
    const int taps = source->direct ? 1 : s->of->kernel_y * s->of->kernel_x;
    int lanes = 1;

    if (s->period > 0) {
        const nni_lanes n = nni_lanes_of(p, s, i);

        lanes = n.out + n.packed - 1;
    }
    return lanes * (up > 0 ? taps * 2 * up * up : taps);
}
