/* compile.c -- a model's layers folded into stages.
 *
 * Every layer's output is kept as a list of sources (net.h).  A layer that only
 * changes factors and constants changes the list; a convolution makes a stage
 * out of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/compile.h"

/* Zeroed memory that lives as long as the net. */
void *nni_take(net *n, size_t size)
{
    void **grown = realloc(n->block, (n->num_blocks + 1) * sizeof *grown);
    void *p = calloc(1, size);

    if (grown != NULL)
        n->block = grown;
    if (grown == NULL || p == NULL) {
        free(p);
        return NULL;
    }
    n->block[n->num_blocks++] = p;
    return p;
}

double *nni_vector(net *n, int count, double fill)
{
    double *v = nni_take(n, (size_t)count * sizeof *v);

    for (int i = 0; v != NULL && i < count; i++)
        v[i] = fill;
    return v;
}

ckks_status nni_no_room(void)
{
    return nn_fail(CKKS_EMEM, "nn_plan_make: no memory for the network");
}

static int value_channels(const nni_value *v)
{
    int sum = 0;

    for (int i = 0; i < v->num; i++)
        sum += v->source[i].up_channels > 0 ? v->source[i].up_channels
                                            : v->source[i].channels;
    return sum;
}

/* Gap of a source as it is read: a transposed convolution halves it. */
static int source_gap(const nni_source *s)
{
    return s->up_channels > 0 ? s->gap / 2 : s->gap;
}

static bool endless(const net *n)
{
    return n->model->border == NN_WRAP || n->model->border == NN_HALO;
}

/* The output of stage k as a value. */
ckks_status nni_stage_value(nni_value *out, net *n, int k)
{
    nni_source *s = &out->source[0];

    memset(out, 0, sizeof *out);
    out->num = 1;
    out->fresh = k;
    s->stage = k;
    s->gap = n->stage[k].gap;
    s->height = n->stage[k].height;
    s->width = n->stage[k].width;
    s->channels = n->stage[k].channels;
    s->mul = nni_vector(n, s->channels, 1);
    s->add = nni_vector(n, s->channels, 0);
    return s->mul == NULL || s->add == NULL ? nni_no_room() : CKKS_OK;
}

ckks_status nni_check_open(const nni_stage *s, const nn_layer *by)
{
    if (s->square || s->sealed)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: at layer %s: %s is read "
                       "both before and behind its activation", by->name,
                       s->name);
    return CKKS_OK;
}

/* A batch norm folded into a stage changes its output for every reader. */
static ckks_status check_same(const nni_value *v, const net *n, int from,
                              const nn_layer *by)
{
    if (v->fresh >= 0 && n->stage[v->fresh].post != from)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: at layer %s: %s is read "
                       "both before and behind layer %s", by->name,
                       n->model->layer[from].name,
                       n->model->layer[n->stage[v->fresh].post].name);
    return CKKS_OK;
}

/* Reading a fresh stage's output seals it: it has no activation. */
ckks_status nni_use(nni_value *v, net *n, const nn_layer *by)
{
    if (v->fresh >= 0) {
        nni_stage *s = &n->stage[v->fresh];

        if (s->square)
            return nni_check_open(s, by);
        s->sealed = true;
    }
    v->fresh = -1;
    return CKKS_OK;
}

static ckks_status new_stage(nni_stage **out, net *n, const nni_value *in,
                             const nn_layer *l, int layer)
{
    nni_stage *s = &n->stage[n->num_stages];

    memset(s, 0, sizeof *s);
    memcpy(s->name, l->name, sizeof s->name);
    s->pre = s->post = layer;
    s->kernel_y = s->kernel_x = 1;
    s->factor = 1;
    s->in_gap = s->gap = source_gap(&in->source[0]);
    s->height = endless(n) ? 0 : l->height;
    s->width = endless(n) ? 0 : l->width;
    s->num_sources = in->num;
    memcpy(s->source, in->source, sizeof s->source);
    for (int i = 1; i < in->num; i++)
        if (source_gap(&in->source[i]) != s->gap)
            return nn_fail(CKKS_EPARAM, "nn_plan_make: layer %s joins maps of "
                           "different sizes", l->name);
    *out = s;
    return CKKS_OK;
}

static ckks_status finish_stage(nni_value *out, net *n, nni_stage *s,
                                int channels, const float *bias)
{
    s->channels = s->planes = channels;
    s->bordered = n->model->border == NN_ZERO && s->middle > 0
                  && s->in_gap > 0;
    s->extra = s->masked = s->bordered;
    s->mul = nni_vector(n, channels, 1);
    s->add = nni_vector(n, channels, 0);
    if (s->mul == NULL || s->add == NULL)
        return nni_no_room();
    for (int o = 0; bias != NULL && o < channels; o++)
        s->add[o] = (double)bias[o];
    n->num_stages++;
    return nni_stage_value(out, n, n->num_stages - 1);
}

/* A stage that copies: where an activation or a transposed convolution finds
 * no linear layer before it. */
ckks_status nni_identity(nni_value *v, net *n, const nn_layer *l, int layer)
{
    nni_stage *s;
    int channels = value_channels(v);
    ckks_status st = new_stage(&s, n, v, l, layer);

    if (st != CKKS_OK)
        return st;
    s->identity = true;
    s->height = v->source[0].height << (v->source[0].up_channels > 0);
    s->width = v->source[0].width << (v->source[0].up_channels > 0);
    return finish_stage(v, n, s, channels, NULL);
}

static ckks_status do_conv(nni_value *out, net *n, nni_value *in,
                           const nn_layer *l, int layer)
{
    nni_stage *s;
    ckks_status st = nni_use(in, n, l);

    if (st == CKKS_OK)
        st = new_stage(&s, n, in, l, layer);
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
        return nn_fail(CKKS_EPARAM, "nn_plan_make: dense layer %s reads a "
                       "concatenation", l->name);
    return finish_stage(out, n, s, l->channels, l->bias);
}

/* A biased transposed convolution under `zero` is a stage of its own: its
 * bias would leak over the border if folded. */
static ckks_status do_tconv(nni_value *out, net *n, nni_value *in,
                            const nn_layer *l, int layer)
{
    nni_source *s;
    ckks_status st = nni_use(in, n, l);

    if (st == CKKS_OK && (in->num != 1 || in->source[0].up_channels > 0))
        st = nni_identity(in, n, l, l->in[0]);
    if (st == CKKS_OK && (in->source[0].gap == 0 || in->source[0].gap % 2 != 0))
        st = nn_fail(CKKS_EPARAM, "nn_plan_make: layer %s is larger than the "
                     "image, or its pixels lie between those of the image "
                     "(gap %d, want an even one)", l->name,
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
        return nni_no_room();
    for (int m = 0; l->bias != NULL && m < l->channels; m++)
        s->up_add[m] = (double)l->bias[m];
    if (n->model->border == NN_ZERO && l->bias != NULL)
        return nni_identity(out, n, l, layer);
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
            return nn_fail(CKKS_EPARAM, "nn_plan_make: layer %s joins more "
                           "than %d tensors", l->name, NET_MAX_SOURCES);
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
    s->height = endless(n) ? 0 : n->model->height;
    s->width = endless(n) ? 0 : n->model->width;
    s->channels = n->model->channels;
    s->mul = nni_vector(n, s->channels, 1);
    s->add = nni_vector(n, s->channels, 0);
    return s->mul == NULL || s->add == NULL ? nni_no_room() : CKKS_OK;
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
        st = do_tconv(&v[i], n, &in, l, i);
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
        st = nn_fail(CKKS_EPARAM, "nn_plan_make: layer %s of unknown kind %d",
                     l->name, (int)l->op);
    }
    return st;
}

/* Constants behind an activation cannot be folded past a border of zeros. */
static ckks_status check_zero(const net *n)
{
    for (int k = 0; k < n->num_stages; k++)
        for (int i = 0; n->stage[k].bordered && i < n->stage[k].num_sources;
             i++) {
            const nni_source *s = &n->stage[k].source[i];
            bool constant = false;

            for (int c = 0; c < s->channels; c++)
                constant |= s->add[c] != 0;
            for (int m = 0; m < s->up_channels; m++)
                constant |= s->up_add[m] != 0;
            if (constant)
                return nn_fail(CKKS_EPARAM, "nn_plan_make: border zero: input "
                               "%d of %s carries a constant (a batch norm or "
                               "quadratic behind an activation) that would "
                               "leak over the border; use wrap or halo, or "
                               "put the batch norm before", i,
                               n->stage[k].name);
        }
    return CKKS_OK;
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
        st = nn_fail(CKKS_EPARAM, "nn_plan_make: layers behind the output %s",
                     l->name);
    return st;
}

ckks_status nni_init(net *out, const nn_model *m)
{
    net n = { .model = m };
    size_t layers = (size_t)m->num_layers;
    nni_value *v = calloc(layers, sizeof *v);
    ckks_status st = CKKS_OK;

    n.stage = calloc(2 * layers + 1, sizeof *n.stage);
    if (v == NULL || n.stage == NULL)
        st = nni_no_room();
    for (int i = 0; i < m->num_layers && st == CKKS_OK; i++)
        st = one_layer(v, &n, i);
    if (st == CKKS_OK)
        st = end(&n, v);
    if (st == CKKS_OK)
        st = check_zero(&n);
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

void nni_clear(net *n)
{
    for (size_t i = 0; i < n->num_blocks; i++)
        free(n->block[i]);
    free(n->block);
    free(n->stage);
    memset(n, 0, sizeof *n);
}
