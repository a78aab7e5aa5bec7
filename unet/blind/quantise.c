/* quantise.c -- the layers of a model, one after the other, as steps on
 * integers.
 *
 * Read first: quantise.h, fold.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/fold.h"

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
        return blind_fold_relu(b, layer);
    case NN_POOL:
        return blind_fold_mean(b, layer);
    case NN_SQUARE:
    case NN_QUADRATIC:
        return blind_fold_square(b, layer);
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
