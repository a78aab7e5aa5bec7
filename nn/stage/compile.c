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

/* A batch norm folded into a stage changes its output for every reader. */
static ckks_status check_same(const nni_value *v, const net *n, int from,
                              const nn_layer *by)
{
    if (v->fresh >= 0 && n->stage[v->fresh].post != from)
        return nn_fail(CKKS_EPARAM, "%s: at layer %s: %s is read "
                       "both before and behind layer %s", n->name, by->name,
                       n->model->layer[from].name,
                       n->model->layer[n->stage[v->fresh].post].name);
    return CKKS_OK;
}

static ckks_status do_conv(nni_value *out, net *n, nni_value *in,
                           const nn_layer *l, int layer)
{
    nni_stage *s;
    ckks_status st = nni_use(in, n, l);

    if (st == CKKS_OK)
        st = nni_new_stage(&s, n, in, l, layer);
    if (st != CKKS_OK)
        return st;
    s->dense = l->op == NN_DENSE;
    if (s->dense) {             /* a kernel as large as the map, at 0, 0     */
        const nn_layer *x = &n->model->layer[l->in[0]];

        s->kernel_y = x->height;
        s->kernel_x = x->width;
        s->gap = 0;
    } else {
        s->kernel_y = s->kernel_x = l->kernel;
        s->middle = n->model->border == NN_VALID ? 0 : l->kernel / 2;
        s->gap *= l->stride;
    }
    s->weight = l->weight;
    if (s->dense && in->num != 1)
        return nn_fail(CKKS_EPARAM, "%s: dense layer %s reads a "
                       "concatenation", n->name, l->name);
    return nni_finish_stage(out, n, s, l->channels, l->bias);
}

static ckks_status do_tconv(nni_value *out, net *n, nni_value *in,
                            const nn_layer *l)
{
    nni_source *s;
    ckks_status st = nni_use(in, n, l);

    if (st == CKKS_OK && (in->num != 1 || in->source[0].up_channels > 0))
        st = nni_identity(in, n, l, l->in[0]);
    if (st == CKKS_OK && (in->source[0].gap == 0 || in->source[0].gap % 2 != 0))
        st = nn_fail(CKKS_EPARAM, "%s: layer %s is larger than the "
                     "image, or its pixels lie between those of the image "
                     "(gap %d, want an even one)", n->name, l->name,
                     in->source[0].gap);
    if (st != CKKS_OK)
        return st;
    *out = *in;
    out->fresh = -1;
    s = &out->source[0];
    s->up_weight = l->weight;
    s->up_channels = l->channels;
    s->up_mul = nni_vector(n, l->channels, 1);
    s->up_add = nni_vector(n, l->channels, 0);
    if (s->up_mul == NULL || s->up_add == NULL)
        return nni_no_room(n);
    for (int m = 0; l->bias != NULL && m < l->channels; m++)
        s->up_add[m] = (double)l->bias[m];
    return CKKS_OK;
}

static ckks_status do_pool(nni_value *out, net *n, nni_value *in,
                           const nn_layer *l)
{
    ckks_status st = nni_use(in, n, l);

    if (st == CKKS_OK
        && (in->num != 1 || in->source[0].up_channels > 0
            || in->source[0].stage < 0))
        st = nni_identity(in, n, l, l->in[0]);
    *out = *in;
    out->fresh = -1;
    out->source[0].pool++;
    out->source[0].gap *= 2;
    out->source[0].height /= 2;
    out->source[0].width /= 2;
    return st;
}

static ckks_status do_concat(nni_value *out, net *n, nni_value *v,
                             const nn_layer *l)
{
    memset(out, 0, sizeof *out);
    out->fresh = -1;
    for (int i = 0; i < l->num_in; i++) {
        nni_value in = v[l->in[i]];
        ckks_status st = check_same(&in, n, l->in[i], l);

        if (st == CKKS_OK)
            st = nni_use(&in, n, l);
        if (st != CKKS_OK)
            return st;
        if (out->num + in.num > NET_MAX_SOURCES)
            return nn_fail(CKKS_EPARAM, "%s: layer %s joins more "
                           "than %d tensors", n->name, l->name,
                           NET_MAX_SOURCES);
        memcpy(out->source + out->num, in.source,
               (size_t)in.num * sizeof *out->source);
        out->num += in.num;
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
    in = v[l->in[0]];
    st = check_same(&in, n, l->in[0], l);
    if (st != CKKS_OK)
        return st;
    switch (l->op) {
    case NN_CONV:
    case NN_DENSE:
        st = do_conv(&v[i], n, &in, l, i);
        break;
    case NN_TCONV:
        st = do_tconv(&v[i], n, &in, l);
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
    return st;
}

/* Whether a stage's kernel reaches over the edge of its map. */
static bool over_edge(const net *n, const nni_stage *s)
{
    return n->model->border == NN_ZERO && s->middle > 0 && s->in_gap > 0;
}

/* Whether what a stage reads carries constants, of a batch norm or a quadratic
 * behind an activation, or a transposed convolution's bias. */
static bool has_constants(const nni_stage *stage)
{
    bool some = false;

    for (int i = 0; i < stage->num_sources; i++) {
        const nni_source *s = &stage->source[i];

        for (int c = 0; c < s->channels; c++)
            some |= s->add[c] != 0;
        for (int m = 0; m < s->up_channels; m++)
            some |= s->up_add[m] != 0;
    }
    return some;
}

/* How far stage s reads over the edge of a source: a kernel's half, through a
 * transposed convolution as far again as its pixels are apart, in whole pixels
 * of the map that is read.  Means of it lie within that, too. */
static int reach(const nni_stage *s, const nni_source *from)
{
    const int taps = s->middle > s->kernel_y - 1 - s->middle
                         ? s->middle : s->kernel_y - 1 - s->middle;

    return nni_round_up((taps + (from->up_channels > 0)) * s->in_gap,
                        from->gap);
}

/* A border of zeros: what is read over an edge is marked, and how far. */
static void mark_edges(net *n)
{
    for (int k = 0; k < n->num_stages; k++) {
        nni_stage *s = &n->stage[k];

        s->bordered = over_edge(n, s);
        s->uneven = s->bordered && has_constants(s);
        for (int i = 0; s->bordered && i < s->num_sources; i++) {
            const int far = reach(s, &s->source[i]);

            n->margin = far > n->margin ? far : n->margin;
            if (s->source[i].stage >= 0)
                n->stage[s->source[i].stage].ringed = true;
        }
    }
}

/* The logit must be the linear output of the last stage. */
static ckks_status end(net *n, nni_value *v)
{
    const nn_layer *l = &n->model->layer[n->model->output];
    nni_value *out = &v[n->model->output];
    ckks_status st = CKKS_OK;

    st = check_same(out, n, n->model->output, l);
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
    ckks_status st = CKKS_OK;

    n.stage = calloc(2 * layers + 1, sizeof *n.stage);
    if (v == NULL || n.stage == NULL)
        st = nni_no_room(&n);
    for (int i = 0; i < m->num_layers && st == CKKS_OK; i++)
        st = one_layer(v, &n, i);
    if (st == CKKS_OK)
        st = end(&n, v);
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
