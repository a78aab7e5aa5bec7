/* stage.c -- the pieces that a network's stages are put together from.
 *
 * Read first: compile.h.
 */
#include <stdlib.h>
#include <string.h>

#include "stage/compile.h"

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

ckks_status nni_no_room(const net *n)
{
    return nn_fail(CKKS_EMEM, "%s: no memory for the network", n->name);
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

bool nni_endless(const net *n)
{
    return n->model->border == NN_WRAP || n->model->border == NN_HALO;
}

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
    return s->mul == NULL || s->add == NULL ? nni_no_room(n) : CKKS_OK;
}

ckks_status nni_check_open(const net *n, const nni_stage *s, const nn_layer *by)
{
    if (s->square || s->sealed)
        return nn_fail(CKKS_EPARAM, "%s: at layer %s: %s is read "
                       "both before and behind its activation", n->name,
                       by->name, s->name);
    return CKKS_OK;
}

ckks_status nni_use(nni_value *v, net *n, const nn_layer *by)
{
    if (v->fresh >= 0) {
        nni_stage *s = &n->stage[v->fresh];

        if (s->square)
            return nni_check_open(n, s, by);
        s->sealed = true;
    }
    v->fresh = -1;
    return CKKS_OK;
}

ckks_status nni_new_stage(nni_stage **out, net *n, const nni_value *in,
                             const nn_layer *l, int layer)
{
    nni_stage *s = &n->stage[n->num_stages];

    memset(s, 0, sizeof *s);
    memcpy(s->name, l->name, sizeof s->name);
    s->pre = s->post = layer;
    s->kernel_y = s->kernel_x = 1;
    s->factor = 1;
    s->in_gap = s->gap = source_gap(&in->source[0]);
    s->height = nni_endless(n) ? 0 : l->height;
    s->width = nni_endless(n) ? 0 : l->width;
    s->num_sources = in->num;
    memcpy(s->source, in->source, sizeof s->source);
    for (int i = 1; i < in->num; i++)
        if (source_gap(&in->source[i]) != s->gap)
            return nn_fail(CKKS_EPARAM, "%s: layer %s joins maps of "
                           "different sizes", n->name, l->name);
    *out = s;
    return CKKS_OK;
}

ckks_status nni_finish_stage(nni_value *out, net *n, nni_stage *s,
                                int channels, const float *bias)
{
    s->channels = channels;
    s->mul = nni_vector(n, channels, 1);
    s->add = nni_vector(n, channels, 0);
    if (s->mul == NULL || s->add == NULL)
        return nni_no_room(n);
    for (int o = 0; bias != NULL && o < channels; o++)
        s->add[o] = (double)bias[o];
    n->num_stages++;
    return nni_stage_value(out, n, n->num_stages - 1);
}

ckks_status nni_identity(nni_value *v, net *n, const nn_layer *l, int layer)
{
    nni_stage *s;
    int channels = value_channels(v);
    ckks_status st = nni_new_stage(&s, n, v, l, layer);

    if (st != CKKS_OK)
        return st;
    s->identity = true;
    s->height = v->source[0].height << (v->source[0].up_channels > 0);
    s->width = v->source[0].width << (v->source[0].up_channels > 0);
    return nni_finish_stage(v, n, s, channels, NULL);
}

void nni_clear(net *n)
{
    for (size_t i = 0; i < n->num_blocks; i++)
        free(n->block[i]);
    free(n->block);
    free(n->stage);
    memset(n, 0, sizeof *n);
}
