/* plan_check.c -- every field of a plan against every other.
 *
 * A plan comes from the other side.  Whatever the client's arithmetic relies
 * on is checked here and nowhere else: after nn_plan_check an index computed
 * from the plan lies inside its array, a count fits its type, a value at its
 * scale fits the modulus.  docs/security.md lists the fields, what the client
 * does with each and what bounds it.  What the owner decides (security, memory)
 * is unet_accept's affair.
 */
#include <math.h>
#include <string.h>

#include "format/expects.h"
#include "format/words.h"
#include "layout/layout.h"

/* Most ciphertexts of a set, in or out. */
enum { MOST_CIPHERTEXTS = 1 << 20 };

static ckks_status check_name(const char name[NN_NAME], const char *what)
{
    if (memchr(name, '\0', NN_NAME) == NULL)
        return nn_fail(CKKS_EFORMAT, "plan: %s has no end", what);
    if (!nni_printable(name))
        return nn_fail(CKKS_EFORMAT, "plan: %s holds a control character, or "
                       "is no UTF-8", what);
    return CKKS_OK;
}

static ckks_status check_names(const nn_plan *p)
{
    ckks_status st = check_name(p->name, "name");

    if (st == CKKS_OK)
        st = check_name(p->foreground, "output.foreground");
    if (st == CKKS_OK && (p->num_classes < 0
                          || p->num_classes > NN_MAX_CLASSES))
        st = nn_fail(CKKS_EFORMAT, "plan: output.classes: %d, not 0..%d",
                     p->num_classes, NN_MAX_CLASSES);
    for (int i = 0; i < p->num_classes && st == CKKS_OK; i++)
        st = check_name(p->class_name[i], "a name of output.classes");
    if (st == CKKS_OK && (p->num_labels < 0 || p->num_labels == 1
                          || p->num_labels > NN_MAX_LABELS))
        st = nn_fail(CKKS_EFORMAT, "plan: output.labels: %d, not 2..%d",
                     p->num_labels, NN_MAX_LABELS);
    for (int i = 0; i < p->num_labels && st == CKKS_OK; i++)
        st = check_name(p->label_name[i], "a name of output.labels");
    for (int i = 0; i < p->num_steps && st == CKKS_OK; i++)
        st = check_name(p->step[i].name, "a name of steps");
    if (st == CKKS_OK)
        st = nni_expects_check(&p->images, "plan");
    return st;
}

/* An entry of up to 61 would be a size in bits to the context, and what the
 * sum of logarithms says would not be what it makes. */
static ckks_status check_primes(const uint64_t *prime, int count, int least,
                                int most, const char *what)
{
    if (count < least || count > most)
        return nn_fail(CKKS_EFORMAT, "plan: parameters.%s: %d, not %d..%d",
                       what, count, least, most);
    for (int i = 0; i < count; i++)
        if (prime[i] <= CKKS_MAX_BITS || prime[i] >> CKKS_MAX_BITS != 0)
            return nn_fail(CKKS_EFORMAT, "plan: parameters.%s: %llu is no "
                           "prime of this scheme, 62..2^%d", what,
                           (unsigned long long)prime[i], CKKS_MAX_BITS);
    return CKKS_OK;
}

static ckks_status check_parameters(const nn_plan *p)
{
    const ckks_params *q = &p->params;
    ckks_status st;

    if (q->log_n < CKKS_MIN_LOG_N || q->log_n > CKKS_MAX_LOG_N
        || (q->ring != CKKS_RING_COMPLEX && q->ring != CKKS_RING_REAL)
        || (q->security != CKKS_INSECURE && q->security != 128
            && q->security != 192 && q->security != 256)
        || p->scale_bits < 1 || p->scale_bits > 60
        || (q->fitted_special != 0 && q->fitted_special != 1))
        return nn_fail(CKKS_EFORMAT, "plan: parameters: log_n %d, ring %d, "
                       "security %d, scale_bits %d, fitted_special %d: one is "
                       "out of range", q->log_n, q->ring, q->security,
                       p->scale_bits, q->fitted_special);
    st = check_primes(q->primes, q->num_primes, 1, CKKS_MAX_PRIMES, "primes");
    if (st == CKKS_OK)
        st = check_primes(q->special, q->num_special, 0, CKKS_MAX_SPECIAL,
                          "special");
    if (st == CKKS_OK && (q->dnum < 1 || q->dnum > q->num_primes))
        st = nn_fail(CKKS_EFORMAT, "plan: parameters.dnum: %d of %d primes",
                     q->dnum, q->num_primes);
    return st;
}

static bool side(int v, int most)
{
    return v >= 1 && v <= most;
}

static ckks_status check_layout(const nn_plan *p)
{
    const nn_layout *l = &p->layout;

    if (!side(l->height, 2 * NN_MAX_SIDE) || !side(l->width, 2 * NN_MAX_SIDE)
        || !side(l->ring_y, NN_MAX_SIDE) || !side(l->ring_x, NN_MAX_SIDE)
        || !side(l->batch, 1 << 16) || l->lanes < 0 || l->lanes > 64
        || p->scratch < 0 || p->scratch > NN_MAX_SCRATCH
        || !side(p->core_height, NN_MAX_SIDE)
        || !side(p->core_width, NN_MAX_SIDE) || p->halo < 0
        || p->halo > NN_MAX_SIDE / 4)
        return nn_fail(CKKS_EFORMAT, "plan: layout: map %dx%d, ring %dx%d, "
                       "batch %d, core %dx%d, halo %d: one is out of range",
                       l->height, l->width, l->ring_y, l->ring_x, l->batch,
                       p->core_height, p->core_width, p->halo);
    if (l->height % l->ring_y != 0 || l->width % l->ring_x != 0
        || l->grid_y != l->height / l->ring_y
        || l->grid_x != l->width / l->ring_x
        || l->slots != nni_slots(&p->params)
        || (uint64_t)l->batch * (uint64_t)l->grid_y * (uint64_t)l->grid_x
               * (uint64_t)nni_cell(l) > l->slots)
        return nn_fail(CKKS_EFORMAT, "plan: layout: %d maps of %dx%d in rings "
                       "of %dx%d do not fit %zu slots", l->batch, l->height,
                       l->width, l->ring_y, l->ring_x, l->slots);
    if (l->lanes > 0
        && (l->ring_x != 1 || l->batch != 1 || p->out_gap < 1
            || l->grid_x % p->out_gap != 0 || p->out_gap > 64
            || (l->lanes & (l->lanes - 1)) != 0
            || p->params.ring != CKKS_RING_REAL))
        return nn_fail(CKKS_EFORMAT, "plan: layout: %d lanes in rings of "
                       "%dx%d, batch %d, on a grid of %d columns, for an output of "
                       "gap %d", l->lanes, l->ring_y, l->ring_x, l->batch,
                       l->grid_x, p->out_gap);
    if (p->core_height + 2 * p->halo > l->height
        || p->core_width + 2 * p->halo > l->width
        || (p->halo > 0 && p->border != NN_HALO))
        return nn_fail(CKKS_EFORMAT, "plan: layout: a core of %dx%d and a halo "
                       "of %d in a map of %dx%d, border %d", p->core_height,
                       p->core_width, p->halo, l->height, l->width,
                       (int)p->border);
    return CKKS_OK;
}

/* log2 of the product of the primes up to a level. */
static double log_modulus(const nn_plan *p, int level)
{
    double sum = 0;

    for (int i = 0; i <= level; i++)
        sum += log2((double)p->params.primes[i]);
    return sum;
}

/* A value at a scale needs a bit for the sign; both finite, the scale >= 1. */
static bool fits(double value, double scale, double log_q)
{
    return scale >= 1 && scale < 0x1p60 && value >= 0
           && value <= 0x1p60 && log2(fmax(value, 1)) + log2(scale) + 1 < log_q;
}

static ckks_status check_input(const nn_plan *p)
{
    const double largest = 255 * fabs(p->mul) + fabs(p->add);

    if (p->channels < 1 || p->channels > NN_MAX_CHANNELS || p->in_level < 0
        || p->in_level >= p->params.num_primes)
        return nn_fail(CKKS_EFORMAT, "plan: input: %d channels at level %d, "
                       "of %d primes", p->channels, p->in_level,
                       p->params.num_primes);
    if (!fits(largest, p->in_scale, log_modulus(p, p->in_level)))
        return nn_fail(CKKS_EFORMAT, "plan: input: values up to %.3g at scale "
                       "%.3g do not fit 2^%.1f", largest, p->in_scale,
                       log_modulus(p, p->in_level));
    if ((uint64_t)p->channels * (uint64_t)p->layout.ring_y
            * (uint64_t)p->layout.ring_x > MOST_CIPHERTEXTS)
        return nn_fail(CKKS_EFORMAT, "plan: input: %d channels in rings of "
                       "%dx%d are more than %d ciphertexts", p->channels,
                       p->layout.ring_y, p->layout.ring_x, MOST_CIPHERTEXTS);
    return CKKS_OK;
}

/* One more than the last slot in which nn_unpack finds a number of a vector:
 * number j of the last image lies in row j / column, place j % column. */
static uint64_t vector_end(const nn_plan *p)
{
    const uint64_t cells = (uint64_t)p->layout.grid_y
                           * (uint64_t)p->layout.grid_x;
    const uint64_t batch = (uint64_t)p->layout.batch;
    const uint64_t column = batch > 1 ? cells : (uint64_t)p->out_column;
    const uint64_t rows = ((uint64_t)p->out_neurons + column - 1) / column;

    return (batch - 1 + rows) * cells;
}

/* What the channels are.  A classifier has a number each, a mask pixels: one
 * channel of them, or one for each label. */
static ckks_status check_output_meaning(const nn_plan *p)
{
    const int maps = p->num_labels > 0 ? p->num_labels : 1;

    if (p->num_classes > 0
        && (p->out_gap != 0
            || p->num_classes != (p->out_channels == 1 ? 2
                                                       : p->out_channels)))
        return nn_fail(CKKS_EFORMAT, "plan: output: %d classes, %d channels, "
                       "gap %d: a class has one number, of gap 0",
                       p->num_classes, p->out_channels, p->out_gap);
    if (p->num_classes == 0 && p->out_channels != maps)
        return nn_fail(CKKS_EFORMAT, "plan: output: %d channels of a mask of "
                       "%d labels, want %d", p->out_channels, p->num_labels,
                       maps);
    if (p->num_labels > 0
        && (p->num_classes > 0 || p->out_gap < 1 || p->foreground[0] != '\0'
            || !(p->threshold == 0)))
        return nn_fail(CKKS_EFORMAT, "plan: output: %d labels, %d classes, gap "
                       "%d, threshold %.3g, foreground \"%s\": with labels "
                       "the map is of pixels, and the largest logit decides",
                       p->num_labels, p->num_classes, p->out_gap,
                       p->threshold, p->foreground);
    return CKKS_OK;
}

/* Where the output lies. */
static ckks_status check_output_shape(const nn_plan *p)
{
    const nn_layout *l = &p->layout;
    const int most = l->height > l->width ? l->height : l->width;
    const int cells = l->grid_y * l->grid_x;

    if (p->out_channels < 1 || p->out_channels > NN_MAX_CHANNELS
        || p->out_gap < 0 || p->out_gap > most || p->out_neurons < 0
        || p->out_neurons > NN_MAX_CHANNELS || p->out_level < 0
        || p->out_level > 1 || p->out_level > p->in_level)
        return nn_fail(CKKS_EFORMAT, "plan: output: %d channels, gap %d of a "
                       "map of %dx%d, %d neurons, level %d (input %d): one is "
                       "out of range", p->out_channels, p->out_gap, l->height,
                       l->width, p->out_neurons, p->out_level, p->in_level);
    if (p->out_neurons > 1
        && (p->out_gap != 0 || p->out_column < 1 || p->out_column > cells
            || vector_end(p) > l->slots))
        return nn_fail(CKKS_EFORMAT, "plan: output: %d neurons in columns of "
                       "%d, gap %d, do not fit %d images of %d cells in %zu "
                       "slots", p->out_neurons, p->out_column, p->out_gap,
                       l->batch, cells, l->slots);
    if ((uint64_t)p->out_channels * (uint64_t)nn_layout_phases(l, p->out_gap)
            > MOST_CIPHERTEXTS)
        return nn_fail(CKKS_EFORMAT, "plan: output: %d channels are more than "
                       "%d ciphertexts", p->out_channels, MOST_CIPHERTEXTS);
    return CKKS_OK;
}

/* What a result is judged by.  Logits fit the modulus, so that whatever leaves
 * it is seen; the error is a quarter of the logits at most; the threshold lies
 * where logits may lie. */
static ckks_status check_output_values(const nn_plan *p)
{
    const double log_q = log_modulus(p, p->out_level);
    const double most = fmax(p->logit_max, 1);

    if (!(p->logit_max >= 0) || !fits(most, p->out_scale, log_q))
        return nn_fail(CKKS_EFORMAT, "plan: output: logits up to %.3g at scale "
                       "%.3g do not fit 2^%.1f", p->logit_max, p->out_scale,
                       log_q);
    if (!(p->error_sd >= 0 && p->error_sd <= most / 4))
        return nn_fail(CKKS_EFORMAT, "plan: output.error_sd: %.3g of logits up "
                       "to %.3g", p->error_sd, p->logit_max);
    if (!(fabs(p->threshold) <= 64 * most))
        return nn_fail(CKKS_EFORMAT, "plan: output.threshold: %.3g of logits "
                       "up to %.3g", p->threshold, p->logit_max);
    for (int i = 0; i < p->num_labels; i++)
        if (!(p->label_max[i] >= 0 && p->label_max[i] <= p->logit_max))
            return nn_fail(CKKS_EFORMAT, "plan: output.labels: logits of label "
                           "%d up to %.3g, of all up to %.3g", i,
                           p->label_max[i], p->logit_max);
    return CKKS_OK;
}

static bool same_key(const ckks_key_request *a, const ckks_key_request *b)
{
    return a->kind == b->kind && a->step == b->step;
}

static ckks_status check_keys(const nn_plan *p)
{
    if (p->num_keys > NN_MAX_KEYS)
        return nn_fail(CKKS_EFORMAT, "plan: keys: %zu, more than %d",
                       p->num_keys, NN_MAX_KEYS);
    for (size_t i = 0; i < p->num_keys; i++) {
        const ckks_key_request *k = &p->key[i];
        const bool turn = k->kind == CKKS_KEY_ROTATE;
        const bool known = k->kind == CKKS_KEY_RELIN || turn
                           || (k->kind == CKKS_KEY_CONJ
                               && p->params.ring == CKKS_RING_COMPLEX);

        if (!known || k->level < 0 || k->level > p->in_level
            || (turn ? k->step < 1 || (size_t)k->step >= p->layout.slots
                     : k->step != 0))
            return nn_fail(CKKS_EFORMAT, "plan: keys: number %zu, kind %d, "
                           "step %d of %zu slots, level %d of %d", i,
                           (int)k->kind, k->step, p->layout.slots, k->level,
                           p->in_level);
        for (size_t j = 0; j < i; j++)
            if (same_key(k, &p->key[j]))
                return nn_fail(CKKS_EFORMAT, "plan: keys: numbers %zu and %zu "
                               "are one, kind %d, step %d", j, i,
                               (int)k->kind, k->step);
    }
    if (p->num_keys > 0 && p->params.num_special == 0)
        return nn_fail(CKKS_EFORMAT, "plan: keys: %zu, and no special primes",
                       p->num_keys);
    return CKKS_OK;
}

static ckks_status check_steps(const nn_plan *p)
{
    if (p->num_steps < 0 || p->num_steps > NN_MAX_STEPS)
        return nn_fail(CKKS_EFORMAT, "plan: steps: %d, not 0..%d",
                       p->num_steps, NN_MAX_STEPS);
    for (int i = 0; i < p->num_steps; i++) {
        const nn_step *s = &p->step[i];

        if (s->level < 0 || s->level > p->in_level || s->neurons < 0
            || s->neurons > NN_MAX_CHANNELS || !isfinite(s->log_scale)
            || !side(s->channels, NN_MAX_CHANNELS)
            || !side(s->height, 2 * NN_MAX_SIDE)
            || !side(s->width, 2 * NN_MAX_SIDE))
            return nn_fail(CKKS_EFORMAT, "plan: steps: number %d, level %d of "
                           "%d, %d neurons, %d x %d x %d: one is out of range",
                           i, s->level, p->in_level, s->neurons, s->channels,
                           s->height, s->width);
    }
    return CKKS_OK;
}

ckks_status nn_plan_check(const nn_plan *p)
{
    static ckks_status (*const part[])(const nn_plan *) = {
        check_steps, check_names, check_parameters, check_layout, check_input,
        check_output_shape, check_output_meaning, check_output_values,
        check_keys
    };
    ckks_status st = CKKS_OK;

    if (p == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_check: null pointer");
    if ((int)p->border < NN_WRAP || p->border > NN_VALID)
        return nn_fail(CKKS_EFORMAT, "plan: border %d", (int)p->border);
    for (size_t i = 0; i < sizeof part / sizeof part[0] && st == CKKS_OK; i++)
        st = part[i](p);
    return st;
}
