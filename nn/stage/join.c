/* join.c -- sums of maps: residual connections.
 *
 * Read first: compile.h.
 *
 * A sum costs no level.  If one of its parts is a linear layer that nothing
 * else reads, the others are added to that stage's output, in the sums it makes
 * anyway.  If none is, whoever reads the sum reads all its parts with the same
 * weights.
 */
#include <string.h>

#include "stage/compile.h"

int nni_readers(const net *n, int layer)
{
    const nn_model *m = n->model;
    int count = m->output == layer;

    for (int i = 0; i < m->num_layers; i++)
        for (int k = 0; k < m->layer[i].num_in; k++)
            count += m->layer[i].in[k] == layer;
    return count;
}

/* Appends the sources of a value. */
static ckks_status append(nni_value *out, const net *n, const nni_value *in,
                          const nn_layer *l)
{
    if (out->num + in->num > NET_MAX_SOURCES)
        return nn_fail(CKKS_EPARAM, "%s: layer %s joins more than %d tensors",
                       n->name, l->name, NET_MAX_SOURCES);
    memcpy(out->source + out->num, in->source,
           (size_t)in->num * sizeof *out->source);
    out->num += in->num;
    return CKKS_OK;
}

/* Whether stage k can add this value to its output. */
static bool can_take(const net *n, int k, const nni_value *v)
{
    const nni_stage *s = &n->stage[k];
    bool can = v->mean_y == 0;

    for (int i = 0; i < v->num; i++)
        can &= v->source[i].stage < k
               && nni_source_gap(&v->source[i]) == s->gap;
    return can;
}

/* The number of the input whose stage takes the others; -1: there is none. */
static int find_host(const net *n, const nni_value *v, const nn_layer *l)
{
    for (int h = 0; h < l->num_in; h++) {
        const int k = v[l->in[h]].fresh;
        int sources = k >= 0 ? n->stage[k].num_sources : 0;
        bool can = nni_foldable(n, &v[l->in[h]]) && !n->stage[k].sealed
                   && !n->stage[k].square && nni_readers(n, l->in[h]) == 1;

        for (int i = 0; i < l->num_in && can; i++)
            if (i != h) {
                sources += v[l->in[i]].num;
                can = can_take(n, k, &v[l->in[i]]);
            }
        if (can && sources <= NET_MAX_SOURCES)
            return h;
    }
    return -1;
}

/* Stage k adds the value to its output. */
static ckks_status take_in(net *n, int k, const nni_value *v)
{
    nni_stage *s = &n->stage[k];
    ckks_status st = CKKS_OK;

    for (int i = 0; i < v->num && st == CKKS_OK; i++) {
        nni_source *x = &s->source[s->num_sources++];

        *x = v->source[i];
        x->direct = true;
        st = nni_own_vectors(x, n);
    }
    return st;
}

ckks_status nni_join_add(nni_value *out, net *n, nni_value *v,
                         const nn_layer *l, int layer)
{
    const int host = find_host(n, v, l);
    nni_value sum = { .fresh = -1 };
    ckks_status st = CKKS_OK;

    for (int i = 0; i < l->num_in && st == CKKS_OK; i++) {
        nni_value in = v[l->in[i]];

        if (i == host)
            continue;
        st = nni_check_same(&in, n, l->in[i], l);
        if (st == CKKS_OK)
            st = nni_use(&in, n, l);
        if (st == CKKS_OK && in.mean_y > 0)
            st = nni_identity(&in, n, l, l->in[i]);
        if (st == CKKS_OK)
            st = nni_use(&in, n, l);
        if (st == CKKS_OK)
            st = append(&sum, n, &in, l);
    }
    if (st == CKKS_OK && host >= 0) {
        const int k = v[l->in[host]].fresh;

        st = take_in(n, k, &sum);
        n->stage[k].pre = n->stage[k].post = layer;
        if (st == CKKS_OK)
            st = nni_stage_value(&sum, n, k);
    }
    *out = sum;
    return st;
}
