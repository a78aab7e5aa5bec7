/* compile.c -- a model's layers folded into stages.
 *
 * Read first: compile.h, docs/11-layers.md.
 *
 * Every layer's output is kept as a list of sources (stage.h).  A layer that
 * only changes factors and constants changes the list; a convolution makes a
 * stage out of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/compile.h"

/* A convolution that takes the mean of what it reads with it: 1x1. */
static bool takes_mean(const nn_layer *l)
{
    return l->op == NN_DENSE || (l->kernel_y == 1 && l->kernel_x == 1);
}

static void set_kernel(nni_stage *s, const net *n, const nn_layer *l)
{
    if (l->op == NN_DENSE) {    /* a kernel as large as the map, at 0, 0     */
        const nn_layer *x = &n->model->layer[l->in[0]];

        s->dense = true;
        s->kernel_y *= x->height;
        s->kernel_x *= x->width;
        s->gap = 0;
        return;
    }
    s->kernel_y *= l->kernel_y;
    s->kernel_x *= l->kernel_x;
    s->dilation_y = l->dilation_y;
    s->dilation_x = l->dilation_x;
    s->middle_y = l->pad_top * s->mean_y;
    s->middle_x = l->pad_left * s->mean_x;
    s->groups = l->groups;
    nni_set_gap(s, l->stride);
}

static ckks_status do_conv(nni_value *out, net *n, nni_value *in,
                           const nn_layer *l, int layer)
{
    nni_stage *s;
    ckks_status st = nni_use(in, n, l);

    if (st == CKKS_OK && ((in->mean_y > 0 && !takes_mean(l))
                          || (l->op == NN_DENSE && in->num != 1)))
        st = nni_identity(in, n, l, l->in[0]);
    if (st == CKKS_OK)
        st = nni_use(in, n, l);
    if (st == CKKS_OK)
        st = nni_new_stage(&s, n, in, l, layer);
    if (st != CKKS_OK)
        return st;
    s->weight = l->weight;
    if (l->op == NN_CONV && (int64_t)s->gap * l->stride > NN_MAX_SIDE)
        return nn_fail(CKKS_EPARAM, "%s: layer %s: strides and means of "
                       "together %lld, at most %d", n->name, l->name,
                       (long long)s->gap * l->stride, NN_MAX_SIDE);
    set_kernel(s, n, l);
    return nni_finish_stage(out, n, s, l->channels, l->bias);
}

/* Under `zero`, what taps of 4x4 find of the map from beyond its edge must not
 * reach the layer that reads this. */
static bool stands_alone(const net *n, const nn_layer *l)
{
    return n->model->border == NN_ZERO
           && (l->bilinear || (l->op == NN_TCONV && l->kernel_y == 4));
}

static bool has_constant(const nni_source *s)
{
    bool any = false;

    for (int c = 0; c < s->channels; c++)
        any |= s->add[c] != 0;
    return any;
}

/* Transposed convolutions, and what can be written as one. */
static ckks_status do_up(nni_value *out, net *n, nni_value *in,
                         const nn_layer *l, int layer)
{
    nni_source *s;
    ckks_status st = nni_use(in, n, l);

    if (st == CKKS_OK
        && (in->num != 1 || in->source[0].up_channels > 0 || in->mean_y > 0
            || (stands_alone(n, l) && has_constant(&in->source[0]))))
        st = nni_identity(in, n, l, l->in[0]);
    if (st == CKKS_OK)
        st = nni_use(in, n, l);
    if (st == CKKS_OK && (in->source[0].gap == 0 || in->source[0].gap % 2 != 0))
        st = nn_fail(CKKS_EPARAM, "%s: layer %s is larger than the "
                     "image, or its pixels lie between those of the image "
                     "(gap %d, want an even one)", n->name, l->name,
                     in->source[0].gap);
    if (st == CKKS_OK && n->model->border == NN_VALID
        && (l->kernel_y == 4 || l->bilinear))
        st = nn_fail(CKKS_EPARAM, "%s: layer %s: %s sees what lies beyond the "
                     "map, which border valid does not have: use border zero, "
                     "or %s", n->name, l->name,
                     l->bilinear ? "bilinear" : "a tconv of 4x4",
                     l->bilinear ? "mode nearest" : "a kernel of 2");
    if (st != CKKS_OK)
        return st;
    *out = *in;
    out->fresh = -1;
    s = &out->source[0];
    s->up_kernel = l->op == NN_TCONV ? l->kernel_y : l->bilinear ? 4 : 2;
    s->up_weight = l->weight;
    s->up_channels = l->channels;
    s->up_mul = nni_vector(n, l->channels, 1);
    s->up_add = nni_vector(n, l->channels, 0);
    if (s->up_mul == NULL || s->up_add == NULL)
        return nni_no_room(n);
    for (int m = 0; l->bias != NULL && m < l->channels; m++)
        s->up_add[m] = (double)l->bias[m];
    if (!stands_alone(n, l))
        return CKKS_OK;
    st = nni_identity(out, n, l, layer);
    if (st == CKKS_OK)
        n->stage[out->fresh].clamped = l->bilinear;
    return st;
}

/* Along one axis: whether a mean over `size` begins with one over 2. */
static bool halves(const net *n, int size, int side)
{
    return size % 2 == 0 && (nni_endless(n) || side % 2 == 0);
}

enum { MOST_MEAN = 1024 };

/* Powers of two are sums of whole ciphertexts, or of rotated ones, and cost no
 * level; what is left is a kernel of its own, or of a layer 1x1 behind it. */
static ckks_status do_pool(nni_value *out, net *n, nni_value *in,
                           const nn_layer *l)
{
    int y = l->kernel_y, x = l->kernel_x;
    nni_source *s = &in->source[0];
    bool two = halves(n, y, s->height) && halves(n, x, s->width);
    ckks_status st = nni_use(in, n, l);

    if (st == CKKS_OK
        && (in->mean_y > 0
            || (two && (in->num != 1 || s->up_channels > 0 || s->stage < 0)))) {
        st = nni_identity(in, n, l, l->in[0]);
        two = halves(n, y, s->height) && halves(n, x, s->width);
    }
    if (st == CKKS_OK)
        st = nni_use(in, n, l);
    for (; st == CKKS_OK && two;
         two = halves(n, y, s->height) && halves(n, x, s->width)) {
        s->pool++;
        s->gap *= 2;
        s->height /= 2;
        s->width /= 2;
        y /= 2;
        x /= 2;
    }
    if (st == CKKS_OK && (int64_t)y * x > MOST_MEAN)
        st = nn_fail(CKKS_EPARAM, "%s: layer %s: a mean of %d x %d, less "
                     "powers of two, is one of %d numbers, at most %d: means "
                     "of 2 before it would help", n->name, l->name,
                     l->kernel_y, l->kernel_x, y * x, MOST_MEAN);
    *out = *in;
    if (y > 1 || x > 1) {
        out->mean_y = y;
        out->mean_x = x;
    }
    return st;
}

static ckks_status do_concat(nni_value *out, net *n, nni_value *v,
                             const nn_layer *l)
{
    int first = 0;

    memset(out, 0, sizeof *out);
    out->fresh = -1;
    for (int i = 0; i < l->num_in; i++) {
        nni_value in = v[l->in[i]];
        ckks_status st = nni_check_same(&in, n, l->in[i], l);

        if (st == CKKS_OK)
            st = nni_use(&in, n, l);
        if (st == CKKS_OK && in.mean_y > 0)
            st = nni_identity(&in, n, l, l->in[i]);
        if (st == CKKS_OK)
            st = nni_use(&in, n, l);
        if (st != CKKS_OK)
            return st;
        if (out->num + in.num > NET_MAX_SOURCES)
            return nn_fail(CKKS_EPARAM, "%s: layer %s joins more "
                           "than %d tensors", n->name, l->name,
                           NET_MAX_SOURCES);
        for (int k = 0; k < in.num; k++) {
            out->source[out->num] = in.source[k];
            out->source[out->num++].first += first;
        }
        first += n->model->layer[l->in[i]].channels;
    }
    return CKKS_OK;
}

static ckks_status image_value(nni_value *out, net *n)
{
    nni_source *s = &out->source[0];

    memset(out, 0, sizeof *out);
    out->num = 1;
    out->fresh = -1;
    s->stage = -1;
    s->gap = 1;
    s->height = nni_endless(n) ? 0 : n->model->height;
    s->width = nni_endless(n) ? 0 : n->model->width;
    s->channels = n->model->channels;
    s->mul = nni_vector(n, s->channels, 1);
    s->add = nni_vector(n, s->channels, 0);
    return s->mul == NULL || s->add == NULL ? nni_no_room(n) : CKKS_OK;
}

static ckks_status one_layer(nni_value *v, net *n, int i)
{
    const nn_layer *l = &n->model->layer[i];
    nni_value in;
    ckks_status st;

    if (l->op == NN_IMAGE)
        return image_value(&v[i], n);
    if (l->op == NN_CONCAT)
        return do_concat(&v[i], n, v, l);
    if (l->op == NN_ADD)
        return nni_join_add(&v[i], n, v, l, i);
    in = v[l->in[0]];
    st = nni_check_same(&in, n, l->in[0], l);
    if (st != CKKS_OK)
        return st;
    switch (l->op) {
    case NN_CONV:
    case NN_DENSE:
        st = do_conv(&v[i], n, &in, l, i);
        break;
    case NN_TCONV:
    case NN_UPSAMPLE:
        st = do_up(&v[i], n, &in, l, i);
        break;
    case NN_POOL:
        st = do_pool(&v[i], n, &in, l);
        break;
    case NN_BATCHNORM:
        st = nni_fold_norm(&v[i], n, &in, l, i);
        break;
    case NN_SQUARE:
    case NN_QUADRATIC:
        st = nni_fold_square(&v[i], n, &in, l, i);
        break;
    default:
        st = nn_fail(CKKS_EPARAM, "%s: layer %s of unknown kind %d", n->name,
                     l->name, (int)l->op);
    }
    if (st == CKKS_OK && v[i].mean_y > 0 && nni_readers(n, i) != 1)
        st = nni_identity(&v[i], n, l, i);      /* once for all of them      */
    return st;
}

/* A map with an end lies on the image. */
static ckks_status check_sizes(const net *n)
{
    const nn_model *m = n->model;

    for (int k = 0; k < n->num_stages && !nni_endless(n); k++) {
        const nni_stage *s = &n->stage[k];

        if ((int64_t)s->gap * (s->height - 1) >= m->height
            || (int64_t)s->gap * (s->width - 1) >= m->width)
            return nn_fail(CKKS_EPARAM, "%s: layer %s gives %d x %d, a pixel "
                           "for %d of the image's, which is larger than the "
                           "image, %d x %d: smaller pads would do", n->name,
                           s->name, s->height, s->width, s->gap, m->height,
                           m->width);
    }
    return CKKS_OK;
}

/* Whether what a stage reads around a pixel carries constants: of a batch norm
 * or a quadratic behind an activation, or a transposed convolution's bias. */
static bool reads_constants(const nni_stage *stage)
{
    bool some = false;

    for (int i = 0; i < stage->num_sources; i++) {
        const nni_source *s = &stage->source[i];

        some |= !s->direct && has_constant(s);
        for (int m = 0; !s->direct && m < s->up_channels; m++)
            some |= s->up_add[m] != 0;
    }
    return some;
}

/* A border of zeros: what is read beyond an edge is marked, and how far. */
static void mark_edges(net *n)
{
    for (int k = 0; k < n->num_stages; k++) {
        nni_stage *s = &n->stage[k];

        s->uneven = s->bordered && reads_constants(s);
        for (int i = 0; s->bordered && i < s->num_sources; i++) {
            const nni_source *x = &s->source[i];
            const int far = nni_reach(s, x);

            if (x->direct && x->up_kernel != 4)
                continue;       /* read in its own place                     */
            n->margin = far > n->margin ? far : n->margin;
            if (x->stage >= 0)
                n->stage[x->stage].ringed = true;
        }
    }
}

/* The logit must be the linear output of the last stage. */
static ckks_status end(net *n, nni_value *v)
{
    const nn_layer *l = &n->model->layer[n->model->output];
    nni_value *out = &v[n->model->output];
    ckks_status st = CKKS_OK;

    st = nni_check_same(out, n, n->model->output, l);
    if (st == CKKS_OK && (out->fresh < 0 || n->stage[out->fresh].sealed)) {
        st = nni_use(out, n, l);
        if (st == CKKS_OK)
            st = nni_identity(out, n, l, n->model->output);
    }
    if (st == CKKS_OK && n->stage[out->fresh].height == 1
        && n->stage[out->fresh].width == 1)
        n->stage[out->fresh].gap = 0;
    if (st == CKKS_OK && out->fresh != n->num_stages - 1)
        st = nn_fail(CKKS_EPARAM, "%s: layers behind the output %s", n->name,
                     l->name);
    return st;
}

ckks_status nni_init(net *out, const nn_model *m, const char *name)
{
    net n = { .model = m, .name = name };
    size_t layers = (size_t)m->num_layers;
    nni_value *v = calloc(layers, sizeof *v);
    ckks_status st = nni_check_blind(m);

    n.stage = calloc(2 * layers + 1, sizeof *n.stage);
    if (st == CKKS_OK && (v == NULL || n.stage == NULL))
        st = nni_no_room(&n);
    for (int i = 0; i < m->num_layers && st == CKKS_OK; i++)
        st = one_layer(v, &n, i);
    if (st == CKKS_OK)
        st = end(&n, v);
    if (st == CKKS_OK)
        st = check_sizes(&n);
    if (st == CKKS_OK)
        mark_edges(&n);
    n.max_gap = 1;
    for (int k = 0; k < n.num_stages; k++) {
        if (n.stage[k].gap > n.max_gap)
            n.max_gap = n.stage[k].gap;
        for (int i = 0; i < n.stage[k].num_sources; i++)
            if (n.stage[k].source[i].gap > n.max_gap)
                n.max_gap = n.stage[k].source[i].gap;
    }
    free(v);
    if (st != CKKS_OK) {
        nni_clear(&n);
        return st;
    }
    *out = n;
    return CKKS_OK;
}
