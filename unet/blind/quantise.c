/* quantise.c -- the layers of a model, one after the other, as steps on
 * integers.
 *
 * Read first: quantise.h, fold.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/fold.h"

/* ---- helpers ------------------------------------------------------------- */

int blind_fraction(double range, int bits)
{
    int f;

    if (!(range > 0))
        return 0;
    /* The largest f with range 2^f < 2^(bits - 3): range = r 2^e with
     * 1/2 <= r < 1 is below 2^e. */
    (void)frexp(range, &f);
    f = bits - 3 - f;
    return f > 60 ? 60 : f < -60 ? -60 : f;
}

blind_step *blind_fold_step(blind_fold *b, blind_op op, int layer)
{
    blind_network *n = b->n;
    blind_step *s;

    if (n->num_steps >= BLIND_MAX_STEPS) {
        (void)nn_fail(CKKS_EPARAM, "%s: layer %s: more than %d steps",
                      b->m->name, b->m->layer[layer].name, BLIND_MAX_STEPS);
        return NULL;
    }
    s = &n->step[n->num_steps++];
    s->op = op;
    memcpy(s->name, b->m->layer[layer].name, sizeof s->name);
    return s;
}

ckks_status blind_fold_done(blind_fold *b)
{
    return blind_step_derive(b->n, b->n->num_steps - 1) == CKKS_OK
               ? CKKS_OK : CKKS_EPARAM;
}

/* A view of the last step, all of whose integers are value 2^fraction. */
ckks_status blind_fold_view(blind_fold *b, int layer)
{
    const int channels = b->m->layer[layer].channels;
    blind_view *v = &b->view[layer];
    const blind_step *s = &b->n->step[b->n->num_steps - 1];

    v->step = b->n->num_steps - 1;
    v->factor = malloc((size_t)channels * sizeof *v->factor);
    v->summand = calloc((size_t)channels, sizeof *v->summand);
    if (v->factor == NULL || v->summand == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %d channels", channels);
    for (int c = 0; c < channels; c++)
        v->factor[c] = ldexp(1, -s->fraction);
    return CKKS_OK;
}

ckks_status blind_fold_refuse(const blind_fold *b, int layer, const char *why)
{
    const nn_layer *l = &b->m->layer[layer];
    char own[400];                  /* why may be the last message           */

    snprintf(own, sizeof own, "%s", why);
    return nn_fail(CKKS_EPARAM, "%s: layer %s: %s%s%s", b->m->name, l->name,
                   own, l->num_in > 0 ? ", behind " : "",
                   l->num_in > 0 ? b->m->layer[l->in[0]].name : "");
}

/* ---- activations --------------------------------------------------------- */

/* One tensor whose numbers fit its bits again: divided by a power of two. */
static ckks_status quantise_narrow(blind_fold *b, int layer)
{
    const int from = b->m->layer[layer].in[0];
    blind_view *v = &b->view[from];
    const blind_step *x = &b->n->step[v->step];
    blind_step *s;
    int shift = 0;

    while (ldexp(x->limit, -shift) > ldexp(1, b->n->bits - 1))
        shift++;
    if (shift == 0)
        return CKKS_OK;
    s = blind_fold_step(b, BLIND_ADD, from);
    if (s == NULL)
        return CKKS_EPARAM;
    s->num_in = 1;
    s->in[0] = v->step;
    s->align[0] = shift;
    s->fraction = b->n->step[v->step].fraction - shift;
    s->range = b->n->step[v->step].range;
    v->step = b->n->num_steps - 1;
    for (int c = 0; c < b->m->layer[from].channels; c++)
        v->factor[c] = ldexp(v->factor[c], shift);
    return blind_fold_done(b);
}

/* Channels whose factor is not above 0, or whose summand is not 0. */
static bool quantise_plain(const blind_view *v, int channels, bool summands)
{
    bool plain = true;

    for (int c = 0; c < channels; c++)
        plain &= v->factor[c] > 0 && (summands || v->summand[c] == 0);
    return plain;
}

/* A step that reads one tensor and passes its view on. */
static ckks_status quantise_through(blind_fold *b, int layer, blind_op op)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *from = &b->view[l->in[0]];
    blind_step *s = blind_fold_step(b, op, layer);
    ckks_status st;

    if (s == NULL)
        return CKKS_EPARAM;
    s->num_in = 1;
    s->in[0] = from->step;
    s->fraction = b->n->step[from->step].fraction;
    s->range = l->range.max;
    blind_layer_pool(s->pool, l);
    st = blind_fold_view(b, layer);
    for (int c = 0; c < l->channels && st == CKKS_OK; c++) {
        b->view[layer].factor[c] = from->factor[c];
        b->view[layer].summand[c] = from->summand[c];
    }
    return st == CKKS_OK ? blind_fold_done(b) : st;
}

static ckks_status quantise_relu(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    ckks_status s;

    if (!quantise_plain(&b->view[l->in[0]], l->channels, l->op != NN_RELU))
        return blind_fold_refuse(b, layer, l->op == NN_RELU
            ? "a batch norm before it cannot be folded into a convolution"
            : "a batch norm with a negative factor before it cannot be "
              "folded");
    s = quantise_narrow(b, layer);
    return s == CKKS_OK
               ? quantise_through(b, layer, l->op == NN_RELU ? BLIND_RELU
                                                             : BLIND_MAX)
               : s;
}

/* The mean: a sum, whose factor is that of the terms divided by their number.
 */
static ckks_status quantise_mean(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const ckks_status st = quantise_through(b, layer, BLIND_SUM);
    blind_step *s;
    int window;

    if (st != CKKS_OK)
        return st;
    s = &b->n->step[b->n->num_steps - 1];
    window = s->pool[0] * s->pool[1] * s->pool[2];
    s->fraction += (int)lrint(log2(window));
    for (int c = 0; c < l->channels; c++)
        b->view[layer].factor[c] /= window;
    return CKKS_OK;
}

/* t = x / factor is an integer, so x^2 = factor^2 t^2.  The quadratic
 *   a x^2 + b x + c = a (x + b / 2a)^2 + (c - b^2 / 4a)
 * of x whose summand is -b / 2a: the convolution before it had b / 2a added. */
typedef struct quantise_complete {
    double a, half, rest;           /* half = b / 2a, rest = c - b^2 / 4a    */
} quantise_complete;

static quantise_complete quantise_completed(const nn_layer *l, int c)
{
    quantise_complete q = { 1, 0, 0 };

    if (l->op == NN_QUADRATIC) {
        q.a = (double)l->a[c];
        q.half = (double)l->b[c] / (2 * q.a);
        q.rest = (double)l->c[c] - q.a * q.half * q.half;
    }
    return q;
}

static ckks_status quantise_square_check(const blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *v = &b->view[l->in[0]];

    for (int c = 0; c < l->channels; c++) {
        const quantise_complete q = quantise_completed(l, c);

        if (q.a == 0)
            return blind_fold_refuse(b, layer, "a is 0 for some channel");
        if (!(fabs(v->summand[c] + q.half) <= 1e-9 * (1 + fabs(q.half))))
            return blind_fold_refuse(b, layer, l->op == NN_QUADRATIC
                ? "b cannot be folded into a convolution"
                : "a batch norm before it cannot be folded into a "
                  "convolution");
    }
    return CKKS_OK;
}

/* The largest square, as integer before the shift: the smaller of two bounds,
 * by what goes in and by what comes out. */
static double quantise_square_most(const blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *v = &b->view[l->in[0]];
    double most = 0;

    for (int c = 0; c < l->channels; c++) {
        const quantise_complete q = quantise_completed(l, c);
        const double t = b->m->layer[l->in[0]].range.max + fabs(q.half);
        const double out = (l->range.max + fabs(q.rest)) / fabs(q.a);

        most = fmax(most, fmin(t * t, out) / (v->factor[c] * v->factor[c]));
    }
    return most;
}

static ckks_status quantise_square(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *v = &b->view[l->in[0]];
    blind_view *to = &b->view[layer];
    ckks_status s = quantise_square_check(b, layer);
    blind_step *step;
    int shift = 1;

    if (s == CKKS_OK)
        s = quantise_narrow(b, layer);
    if (s != CKKS_OK)
        return s;
    while (ldexp(quantise_square_most(b, layer), -shift)
           >= ldexp(1, b->n->bits - 3))
        shift++;
    step = blind_fold_step(b, BLIND_SQUARE, layer);
    if (step == NULL)
        return CKKS_EPARAM;
    step->num_in = 1;
    step->in[0] = v->step;
    step->range = l->range.max;
    step->shift = shift;
    step->fraction = 2 * b->n->step[v->step].fraction - shift;
    s = blind_fold_view(b, layer);
    for (int c = 0; c < l->channels && s == CKKS_OK; c++) {
        const quantise_complete q = quantise_completed(l, c);

        to->factor[c] = q.a * ldexp(v->factor[c] * v->factor[c], shift);
        to->summand[c] = q.rest;
    }
    return s == CKKS_OK ? blind_fold_done(b) : s;
}

/* ---- several inputs ------------------------------------------------------ */

static ckks_status quantise_concat(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    blind_step *s = blind_fold_step(b, BLIND_CONCAT, layer);
    ckks_status st;
    int to = 0;

    if (s == NULL)
        return CKKS_EPARAM;
    s->num_in = l->num_in;
    s->range = l->range.max;
    s->fraction = -64;
    for (int i = 0; i < l->num_in; i++) {
        s->in[i] = b->view[l->in[i]].step;
        if (b->n->step[s->in[i]].fraction > s->fraction)
            s->fraction = b->n->step[s->in[i]].fraction;
    }
    st = blind_fold_view(b, layer);
    for (int i = 0; i < l->num_in && st == CKKS_OK; i++)
        for (int c = 0; c < b->m->layer[l->in[i]].channels; c++, to++) {
            b->view[layer].factor[to] = b->view[l->in[i]].factor[c];
            b->view[layer].summand[to] = b->view[l->in[i]].summand[c];
        }
    return st == CKKS_OK ? blind_fold_done(b) : st;
}

/* The fraction that all channels of a tensor have; false if their factors are
 * not one power of two. */
static bool quantise_fraction(int *f, const blind_view *v, int channels)
{
    bool one = true;
    int e;

    one &= v->factor[0] > 0 && frexp(v->factor[0], &e) == 0.5;
    for (int c = 1; c < channels; c++)
        one &= v->factor[c] == v->factor[0];
    *f = one ? 1 - e : 0;
    return one;
}

static ckks_status quantise_add(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    int f[NN_MAX_INPUTS], least = blind_fraction(l->range.max, b->n->bits);
    blind_step *s;
    ckks_status st;

    for (int i = 0; i < l->num_in; i++) {
        if (!quantise_fraction(&f[i], &b->view[l->in[i]], l->channels))
            return blind_fold_refuse(b, layer, "a batch norm or a mean before "
                                     "it cannot be folded");
        least = f[i] < least ? f[i] : least;
    }
    s = blind_fold_step(b, BLIND_ADD, layer);
    if (s == NULL)
        return CKKS_EPARAM;
    s->num_in = l->num_in;
    s->range = l->range.max;
    s->fraction = least;
    for (int i = 0; i < l->num_in; i++) {
        s->in[i] = b->view[l->in[i]].step;
        s->align[i] = f[i] - least;
    }
    st = blind_fold_view(b, layer);
    for (int i = 0; i < l->num_in && st == CKKS_OK; i++)
        for (int c = 0; c < l->channels; c++)
            b->view[layer].summand[c] += b->view[l->in[i]].summand[c];
    return st == CKKS_OK ? blind_fold_done(b) : st;
}

/* ---- both ends ----------------------------------------------------------- */

static ckks_status quantise_input(blind_fold *b)
{
    const nn_layer *l = &b->m->layer[0];
    blind_step *s = blind_fold_step(b, BLIND_INPUT, 0);
    ckks_status st;

    if (s == NULL)
        return CKKS_EPARAM;
    s->range = l->range.max;
    s->fraction = blind_fraction(l->range.max, b->n->bits);
    st = blind_fold_done(b);
    return st == CKKS_OK ? blind_fold_view(b, 0) : st;
}

/* The largest channel, or the only one against 0: factors must be one, and
 * summands, which for one channel is the threshold. */
static ckks_status quantise_labels(blind_fold *b)
{
    const int layer = b->m->output;
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *v = &b->view[layer];
    const double want = l->channels == 1 ? b->m->threshold : v->summand[0];
    blind_step *s;

    for (int c = 0; c < l->channels; c++)
        if (!(v->factor[c] > 0) || v->factor[c] != v->factor[0]
            || !(fabs(v->summand[c] - want) <= 1e-12 * (1 + fabs(want))))
            return blind_fold_refuse(b, layer, "as output it must be a "
                                     "convolution, or have no batch norm "
                                     "behind one");
    if (b->n->step[v->step].limit > ldexp(1, b->n->bits - 1))
        return blind_fold_refuse(b, layer, "a mean as output");
    s = blind_fold_step(b, BLIND_LABELS, layer);
    if (s == NULL)
        return CKKS_EPARAM;
    s->num_in = 1;
    s->in[0] = v->step;
    memcpy(s->name, "labels", sizeof "labels");
    return blind_fold_done(b);
}

/* ---- the whole ----------------------------------------------------------- */

static ckks_status quantise_layer(blind_fold *b, int layer)
{
    switch (b->m->layer[layer].op) {
    case NN_CONV:
    case NN_TCONV:
        return blind_fold_conv(b, layer);
    case NN_BATCHNORM:
        return blind_fold_batchnorm(b, layer);
    case NN_RELU:
    case NN_MAXPOOL:
        return quantise_relu(b, layer);
    case NN_POOL:
        return quantise_mean(b, layer);
    case NN_SQUARE:
    case NN_QUADRATIC:
        return quantise_square(b, layer);
    case NN_CONCAT:
        return quantise_concat(b, layer);
    case NN_ADD:
        return quantise_add(b, layer);
    case NN_DENSE:
        return blind_fold_refuse(b, layer, "dense layers are not for the two "
                                 "parties");
    case NN_UPSAMPLE:
        return blind_fold_refuse(b, layer, "upsample is not for the two "
                                 "parties; tconv of 2 is");
    case NN_IMAGE:
        break;
    }
    return CKKS_OK;
}

static ckks_status quantise_head(blind_fold *b, int bits)
{
    const nn_model *m = b->m;
    blind_network *n = b->n;

    if (bits != 16 && bits != 20 && bits != 32)
        return nn_fail(CKKS_EPARAM, "%d bits: 16, 20 or 32", bits);
    if (m->border == NN_WRAP)
        return nn_fail(CKKS_EPARAM, "%s: border wrap is not for the two "
                       "parties: zero, valid or halo", m->name);
    if (m->border == NN_HALO && m->depth > 0)
        return nn_fail(CKKS_EPARAM, "%s: border halo of a volume is not for "
                       "the two parties: zero or valid", m->name);
    if (m->num_classes > 0)
        return nn_fail(CKKS_EPARAM, "%s: classes of images are not for the two "
                       "parties: masks are", m->name);
    memcpy(n->name, m->name, sizeof n->name);
    n->bits = bits;
    n->channels = m->channels;
    n->mul = m->mul;
    n->add = m->add;
    n->images = m->images;
    n->threshold = m->threshold;
    memcpy(n->foreground, m->foreground, sizeof n->foreground);
    n->num_labels = m->num_labels;
    memcpy(n->label_name, m->label_name, sizeof n->label_name);
    blind_model_size(n, m);
    return quantise_input(b);
}

static ckks_status quantise_all(blind_fold *b, int bits)
{
    const nn_model *m = b->m;
    ckks_status s;

    for (int i = 0; i < m->num_layers; i++) {
        b->view[i].step = -1;
        for (int k = 0; k < m->layer[i].num_in; k++) {
            b->uses[m->layer[i].in[k]]++;
            b->user[m->layer[i].in[k]] = i;
        }
    }
    b->uses[m->output]++;
    s = quantise_head(b, bits);
    for (int i = 1; i < m->num_layers && s == CKKS_OK; i++)
        if (!b->folded[i] && b->uses[i] > 0)
            s = quantise_layer(b, i);
    if (s == CKKS_OK)
        s = quantise_labels(b);
    if (s == CKKS_OK && blind_network_check(b->n) != CKKS_OK)
        s = CKKS_EPARAM;
    return s;
}

void blind_views_clear(blind_view *view, int count)
{
    for (int i = 0; i < count; i++) {
        free(view[i].factor);
        free(view[i].summand);
        view[i] = (blind_view){ -1, NULL, NULL };
    }
}

ckks_status blind_quantise(blind_network **out, blind_view *view,
                           const nn_model *m, int bits)
{
    blind_fold *b = calloc(1, sizeof *b);
    blind_view *own = calloc((size_t)m->num_layers, sizeof *own);
    blind_network *n = calloc(1, sizeof *n);
    ckks_status s = b != NULL && own != NULL && n != NULL
                        ? CKKS_OK : nn_fail(CKKS_EMEM, "no memory");

    if (s == CKKS_OK) {
        b->m = m;
        b->n = n;
        b->view = own;
        s = quantise_all(b, bits);
    }
    if (s == CKKS_OK && view != NULL)
        memcpy(view, own, (size_t)m->num_layers * sizeof *view);
    else if (own != NULL)
        blind_views_clear(own, m->num_layers);
    if (s == CKKS_OK)
        *out = n;
    else
        blind_network_clear(&n);
    free(own);
    free(b);
    return s;
}
