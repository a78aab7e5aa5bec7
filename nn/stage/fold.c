/* fold.c -- layers that work on each number alone: batch norms, squares,
 * quadratics.  They change factors and constants of what is there.
 *
 * Read first: docs/11-layers.md, compile.c.
 */
#include <math.h>
#include <string.h>

#include "stage/compile.h"

/* Channels [c, c + count) of a source's value become f x + g. */
static void affine(nni_source *s, int c, const double *f, const double *g)
{
    int up = s->up_channels > 0, count = up ? s->up_channels : s->channels;
    double *mul = up ? s->up_mul : s->mul, *add = up ? s->up_add : s->add;

    for (int i = 0; i < count; i++) {
        mul[i] *= f[c + i];
        add[i] = add[i] * f[c + i] + g[c + i];
    }
}

/* A value's vectors may be read by several layers: copy before changing. */
static ckks_status own_vectors(nni_value *v, net *n)
{
    for (int i = 0; i < v->num; i++) {
        nni_source *s = &v->source[i];
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
    }
    return CKKS_OK;
}

ckks_status nni_fold_norm(nni_value *out, net *n, nni_value *in,
                                const nn_layer *l, int layer)
{
    double *f = nni_vector(n, l->channels, 0);
    double *g = nni_vector(n, l->channels, 0);
    ckks_status st;

    if (f == NULL || g == NULL)
        return nni_no_room(n);
    for (int c = 0; c < l->channels; c++) {
        f[c] = (double)l->weight[c] / sqrt((double)l->var[c] + l->eps);
        g[c] = (double)l->bias[c] - (double)l->mean[c] * f[c];
    }
    *out = *in;
    if (in->fresh >= 0) {
        nni_stage *s = &n->stage[in->fresh];

        st = nni_check_open(n, s, l);
        if (st != CKKS_OK)
            return st;
        for (int c = 0; c < l->channels; c++) {
            s->mul[c] *= f[c];
            s->add[c] = s->add[c] * f[c] + g[c];
        }
        s->pre = s->post = layer;
        return CKKS_OK;
    }
    st = nni_use(out, n, l);
    if (st == CKKS_OK)
        st = own_vectors(out, n);
    for (int i = 0, c = 0; st == CKKS_OK && i < out->num; i++) {
        affine(&out->source[i], c, f, g);
        c += out->source[i].up_channels > 0 ? out->source[i].up_channels
                                            : out->source[i].channels;
    }
    return st;
}

/* a x^2 + b x + c = a (x + b/2a)^2 + c - b^2/4a; a channel with a = 0 stays
 * linear. */
ckks_status nni_fold_square(nni_value *out, net *n, nni_value *in,
                            const nn_layer *l, int layer)
{
    nni_stage *s;
    ckks_status st = CKKS_OK;

    if (in->fresh < 0)
        st = nni_identity(in, n, l, l->in[0]);
    if (st == CKKS_OK)
        st = nni_check_open(n, &n->stage[in->fresh], l);
    if (st != CKKS_OK)
        return st;
    s = &n->stage[in->fresh];
    s->square = true;
    s->post = layer;
    st = nni_stage_value(out, n, in->fresh);
    out->fresh = -1;
    if (st != CKKS_OK || l->op == NN_SQUARE)
        return st;
    s->linear = nni_take(n, (size_t)s->channels * sizeof *s->linear);
    if (s->linear == NULL)
        return nni_no_room(n);
    s->factor = 0;
    for (int c = 0; c < s->channels; c++) {
        double a = (double)l->a[c], b = (double)l->b[c], k = (double)l->c[c];

        s->linear[c] = a == 0;
        out->source[0].mul[c] = a == 0 ? b : a;
        out->source[0].add[c] = a == 0 ? k : k - b * b / (4 * a);
        if (a != 0) {
            s->add[c] += b / (2 * a);
            s->shift = fmax(s->shift, fabs(b / (2 * a)));
        }
        s->factor += pow(out->source[0].mul[c], 2) / s->channels;
    }
    s->factor = sqrt(s->factor);
    return CKKS_OK;
}
