/* fold.c -- layers that work on each number alone: batch norms, squares,
 * quadratics.  They change factors and constants of what is there.
 *
 * Read first: docs/11-layers.md, compile.c.
 */
#include <math.h>
#include <string.h>

#include "stage/compile.h"

/* A source's value becomes f x + g; where sources are added, g once: `given`
 * says where it has been. */
static void affine(nni_source *s, const double *f, const double *g, bool *given)
{
    int up = s->up_channels > 0, count = up ? s->up_channels : s->channels;
    double *mul = up ? s->up_mul : s->mul, *add = up ? s->up_add : s->add;

    for (int i = 0, c = s->first; i < count; i++, c++) {
        mul[i] *= f[c];
        add[i] = add[i] * f[c] + (given[c] ? 0 : g[c]);
        given[c] = true;
    }
}

/* A stage's output becomes f x + g. */
static void affine_stage(nni_stage *s, const double *f, const double *g,
                         bool *given)
{
    for (int c = 0; c < s->channels; c++) {
        s->mul[c] *= f[c];
        s->add[c] = s->add[c] * f[c] + g[c];
        given[c] = true;
    }
    for (int i = 0; i < s->num_sources; i++)
        if (s->source[i].direct)
            affine(&s->source[i], f, g, given);
}

ckks_status nni_fold_norm(nni_value *out, net *n, nni_value *in,
                                const nn_layer *l, int layer)
{
    double *f = nni_vector(n, l->channels, 0);
    double *g = nni_vector(n, l->channels, 0);
    bool *given = nni_take(n, (size_t)l->channels * sizeof *given);
    ckks_status st;

    if (f == NULL || g == NULL || given == NULL)
        return nni_no_room(n);
    for (int c = 0; c < l->channels; c++) {
        f[c] = (double)l->weight[c] / sqrt((double)l->var[c] + l->eps);
        g[c] = (double)l->bias[c] - (double)l->mean[c] * f[c];
    }
    *out = *in;
    if (nni_foldable(n, in)) {
        nni_stage *s = &n->stage[in->fresh];

        st = nni_check_open(n, s, l);
        if (st != CKKS_OK)
            return st;
        affine_stage(s, f, g, given);
        s->pre = s->post = layer;
        return CKKS_OK;
    }
    st = nni_use(out, n, l);
    for (int i = 0; st == CKKS_OK && i < out->num; i++) {
        st = nni_own_vectors(&out->source[i], n);
        if (st == CKKS_OK)
            affine(&out->source[i], f, g, given);
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

    if (!nni_foldable(n, in))
        st = nni_use(in, n, l);
    if (st == CKKS_OK && in->fresh < 0)
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
