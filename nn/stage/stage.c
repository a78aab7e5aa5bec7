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

/* Channels of a source as it is read. */
static int read_channels(const nni_source *s)
{
    return s->up_channels > 0 ? s->up_channels : s->channels;
}

int nni_value_channels(const nni_value *v)
{
    int most = 0;

    for (int i = 0; i < v->num; i++) {
        const int end = v->source[i].first + read_channels(&v->source[i]);

        most = end > most ? end : most;
    }
    return most;
}

/* A transposed convolution halves it. */
int nni_source_gap(const nni_source *s)
{
    return s->up_channels > 0 ? s->gap / 2 : s->gap;
}

ckks_status nni_own_vectors(nni_source *s, net *n)
{
    double **vec[4] = { &s->mul, &s->add, &s->up_mul, &s->up_add };

    for (int k = 0; k < 4; k++) {
        size_t count = (size_t)(k < 2 ? s->channels : s->up_channels);
        double *copy;

        if (*vec[k] == NULL)
            continue;
        copy = nni_take(n, count * sizeof *copy);
        if (copy == NULL)
            return nni_no_room(n);
        memcpy(copy, *vec[k], count * sizeof *copy);
        *vec[k] = copy;
    }
    return CKKS_OK;
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

ckks_status nni_check_same(const nni_value *v, const net *n, int from,
                              const nn_layer *by)
{
    if (v->fresh >= 0 && n->stage[v->fresh].post != from)
        return nn_fail(CKKS_EPARAM, "%s: at layer %s: %s is read "
                       "both before and behind layer %s", n->name, by->name,
                       n->model->layer[from].name,
                       n->model->layer[n->stage[v->fresh].post].name);
    return CKKS_OK;
}

bool nni_foldable(const net *n, const nni_value *v)
{
    return v->fresh >= 0 && !n->stage[v->fresh].clamped;
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

/* Of a mean that leaves one pixel, 0. */
void nni_set_gap(nni_stage *s, int stride)
{
    const bool one = s->height == 1 && s->width == 1;

    s->gap = s->in_gap;
    if (s->mean_y > 1 || s->mean_x > 1)
        s->gap = one ? 0 : s->in_gap * s->mean_y;
    s->gap *= stride;
}

ckks_status nni_new_stage(nni_stage **out, net *n, const nni_value *in,
                             const nn_layer *l, int layer)
{
    nni_stage *s = &n->stage[n->num_stages];

    memset(s, 0, sizeof *s);
    memcpy(s->name, l->name, sizeof s->name);
    s->pre = s->post = layer;
    s->mean_y = in->mean_y > 0 ? in->mean_y : 1;
    s->mean_x = in->mean_y > 0 ? in->mean_x : 1;
    s->kernel_y = s->mean_y;
    s->kernel_x = s->mean_x;
    s->dilation_y = s->dilation_x = s->groups = 1;
    s->inputs = nni_value_channels(in);
    s->factor = 1;
    s->in_gap = s->gap = nni_source_gap(&in->source[0]);
    s->height = nni_endless(n) ? 0 : l->height;
    s->width = nni_endless(n) ? 0 : l->width;
    s->num_sources = in->num;
    memcpy(s->source, in->source, sizeof s->source);
    for (int i = 1; i < in->num; i++)
        if (nni_source_gap(&in->source[i]) != s->in_gap)
            return nn_fail(CKKS_EPARAM, "%s: layer %s joins maps whose pixels "
                           "lie %d and %d pixels of the image apart", n->name,
                           l->name, s->in_gap,
                           nni_source_gap(&in->source[i]));
    nni_set_gap(s, 1);
    *out = s;
    return CKKS_OK;
}

/* Along an axis: how many pixels beyond a map of so many taps stand. */
static int beyond(int side, int out, int stride, int taps, int dilation,
                  int middle)
{
    const int last = (out - 1) * stride + (taps - 1) * dilation - middle
                     - (side - 1);

    return last > middle ? last : middle;
}

/* The further of both axes. */
static int taps_beyond(const nni_stage *s, const nni_source *x)
{
    const int up = x->up_channels > 0;
    const int stride = s->gap > 0 ? s->gap / s->in_gap : 1;
    const int y = beyond(x->height << up, s->height, stride, s->kernel_y,
                         s->dilation_y, s->middle_y);
    const int z = beyond(x->width << up, s->width, stride, s->kernel_x,
                         s->dilation_x, s->middle_x);

    return x->direct ? 0 : y > z ? y : z;
}

/* Through a transposed convolution taps reach a pixel further, of 4x4 two; in
 * whole pixels of the map that is read, within which means of it lie, too. */
int nni_reach(const nni_stage *s, const nni_source *x)
{
    return nni_round_up((taps_beyond(s, x) + x->up_kernel / 2) * s->in_gap,
                        x->gap);
}

/* Whether the stage, of a net whose maps have an end, reads beyond it. */
static bool reaches_over(const nni_stage *s)
{
    bool any = false;

    for (int i = 0; i < s->num_sources && s->in_gap > 0; i++)
        any |= s->source[i].up_kernel == 4
               || taps_beyond(s, &s->source[i]) > 0;
    return any;
}

ckks_status nni_finish_stage(nni_value *out, net *n, nni_stage *s,
                                int channels, const float *bias)
{
    s->channels = channels;
    s->bordered = n->model->border == NN_ZERO && reaches_over(s);
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
    int channels = nni_value_channels(v);
    ckks_status st = nni_new_stage(&s, n, v, l, layer);

    if (st != CKKS_OK)
        return st;
    s->identity = true;
    s->groups = channels;
    s->height = (v->source[0].height << (v->source[0].up_channels > 0))
                / s->mean_y;
    s->width = (v->source[0].width << (v->source[0].up_channels > 0))
               / s->mean_x;
    nni_set_gap(s, 1);
    return nni_finish_stage(v, n, s, channels, NULL);
}

/* ---- weights ------------------------------------------------------------- */

double nni_stage_weight(const nni_stage *s, int o, int c, int tap)
{
    const int of_group = s->inputs / s->groups;
    const int columns = s->kernel_x / s->mean_x;
    const int taps = s->kernel_y / s->mean_y * columns;
    const double share = s->mean_y * s->mean_x;

    if (c / of_group != o / (s->channels / s->groups))
        return 0;
    if (s->identity)
        return 1 / share;
    tap = tap / s->kernel_x / s->mean_y * columns
          + tap % s->kernel_x / s->mean_x;
    return (double)s->weight[((size_t)o * (size_t)of_group
                              + (size_t)(c % of_group)) * (size_t)taps
                             + (size_t)tap] / share;
}

double nni_up_weight(const nni_source *s, int c, int m, int y, int x)
{
    static const double side[4] = { 0.25, 0.75, 0.75, 0.25 };
    const size_t k = (size_t)s->up_kernel;

    if (s->up_weight == NULL)
        return c != m ? 0 : k == 2 ? 1 : side[y] * side[x];
    return (double)s->up_weight[(((size_t)c * (size_t)s->up_channels
                                  + (size_t)m) * k + (size_t)y) * k
                                + (size_t)x];
}

void nni_read_channels(int *first, int *channels, const nni_stage *s, int i,
                       int o, int count)
{
    const nni_source *x = &s->source[i];
    const int of_group = s->inputs / s->groups;
    const int outs = s->channels / s->groups;
    int low = o / outs * of_group;
    int high = ((o + count - 1) / outs + 1) * of_group;

    *first = 0;
    *channels = x->channels;
    if (s->groups == 1 || (x->up_channels > 0 && x->up_weight != NULL))
        return;
    if (x->direct) {            /* each channel to itself                    */
        low = o;
        high = o + count;
    }
    low = low > x->first ? low - x->first : 0;
    high = high - x->first < x->channels ? high - x->first : x->channels;
    *first = low;
    *channels = high > low ? high - low : 0;
}

void nni_clear(net *n)
{
    for (size_t i = 0; i < n->num_blocks; i++)
        free(n->block[i]);
    free(n->block);
    free(n->stage);
    memset(n, 0, sizeof *n);
}
