/* fold.c -- a convolution with what is folded into it, as integers.
 *
 * Of output o, input channel c and tap k, with the factors and summands of the
 * inputs' view and those of batch norms behind it:
 *   sum over c, k of  w[o][c][k] (factor[c] x + summand[c]),
 * the summand only where the tap lies on the map.  As integers, of scale 2^g:
 *   weight[o][c][k] = round(2^g w factor[c]),
 *   map[o][p] = round(2^g sum over taps on the map of w summand[c]).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/fold.h"

/* A convolution in doubles. */
typedef struct fold_conv {
    blind_step *s;
    const blind_view *in;
    size_t taps;
    double *w;                  /* as blind_convolve has them                */
    double *bias;               /* shape (out)                               */
    double *spread;             /* shape (out, taps): of the summands        */
} fold_conv;

static size_t fold_at(const fold_conv *f, int o, int c, size_t k)
{
    const blind_conv *v = &f->s->conv;

    return ((v->transposed ? (size_t)c * (size_t)v->out + (size_t)o
                           : (size_t)o * (size_t)v->in + (size_t)c))
           * f->taps + k;
}

/* ---- reading ------------------------------------------------------------- */

/* One kernel, spread by the dilation. */
static void fold_kernel(const fold_conv *f, const float **from,
                        const nn_layer *l, int o, int c)
{
    const int *size = f->s->conv.kernel;
    int taps[3], apart[3];

    blind_layer_taps(taps, apart, l);
    for (int z = 0; z < taps[0]; z++)
        for (int y = 0; y < taps[1]; y++)
            for (int x = 0; x < taps[2]; x++) {
                const size_t k = ((size_t)(z * apart[0]) * (size_t)size[1]
                                  + (size_t)(y * apart[1])) * (size_t)size[2]
                                 + (size_t)(x * apart[2]);

                f->w[fold_at(f, o, c, k)] = (double)*(*from)++;
            }
}

/* The layer's weights; channels of other groups have zeros. */
static void fold_read(const fold_conv *f, const nn_layer *l)
{
    const blind_conv *v = &f->s->conv;
    const int groups = v->transposed ? 1 : l->groups;
    const float *from = l->weight;

    if (v->transposed) {
        for (int c = 0; c < v->in; c++)
            for (int o = 0; o < v->out; o++)
                fold_kernel(f, &from, l, o, c);
    } else {
        for (int o = 0; o < v->out; o++) {
            const int first = o / (v->out / groups) * (v->in / groups);

            for (int c = first; c < first + v->in / groups; c++)
                fold_kernel(f, &from, l, o, c);
        }
    }
    for (int o = 0; o < v->out; o++)
        f->bias[o] = (double)l->bias[o];
}

/* ---- what stands behind -------------------------------------------------- */

/* gamma (x - mean) / sqrt(var + eps) + beta = factor x + summand. */
static void fold_norm(double *factor, double *summand, const nn_layer *l, int c)
{
    *factor = (double)l->weight[c] / sqrt((double)l->var[c] + l->eps);
    *summand = (double)l->bias[c] - *factor * (double)l->mean[c];
}

static void fold_scale(const fold_conv *f, const nn_layer *norm)
{
    const blind_conv *v = &f->s->conv;

    for (int o = 0; o < v->out; o++) {
        double factor, summand;

        fold_norm(&factor, &summand, norm, o);
        f->bias[o] = f->bias[o] * factor + summand;
        for (int c = 0; c < v->in; c++)
            for (size_t k = 0; k < f->taps; k++)
                f->w[fold_at(f, o, c, k)] *= factor;
    }
}

/* The only layer that reads this one, of this op; else -1. */
static int fold_next(const blind_fold *b, int layer, nn_op op)
{
    const int user = b->user[layer];

    return b->uses[layer] == 1 && layer != b->m->output
           && b->m->layer[user].op == op ? user : -1;
}

/* Batch norms behind, and what a quadratic or the threshold wants added;
 * extra: shape (out), which the integers hold beside the value.  *last: the
 * layer that the result is. */
static void fold_behind(int *last, double *extra, const fold_conv *f,
                        blind_fold *b, int layer)
{
    const nn_model *m = b->m;
    int next = fold_next(b, layer, NN_BATCHNORM);

    *last = layer;
    while (next >= 0) {
        fold_scale(f, &m->layer[next]);
        b->folded[next] = true;
        *last = next;
        next = fold_next(b, next, NN_BATCHNORM);
    }
    next = fold_next(b, *last, NN_QUADRATIC);
    for (int o = 0; o < f->s->conv.out; o++) {
        extra[o] = 0;
        if (next >= 0 && m->layer[next].a[o] != 0)
            extra[o] = (double)m->layer[next].b[o]
                       / (2 * (double)m->layer[next].a[o]);
        if (*last == m->output && b->uses[*last] == 1 && m->num_labels == 0)
            extra[o] = -m->threshold;
        f->bias[o] += extra[o];
    }
}

/* ---- what stands before -------------------------------------------------- */

static void fold_before(const fold_conv *f)
{
    const blind_conv *v = &f->s->conv;

    for (int o = 0; o < v->out; o++)
        for (int c = 0; c < v->in; c++)
            for (size_t k = 0; k < f->taps; k++) {
                double *w = &f->w[fold_at(f, o, c, k)];

                f->spread[(size_t)o * f->taps + k] += *w * f->in->summand[c];
                *w *= f->in->factor[c];
            }
}

/* The summand at one place: the taps that lie on the map. */
static double fold_place(const fold_conv *f, int o, const int at[3])
{
    const blind_conv *v = &f->s->conv;
    const double *spread = f->spread + (size_t)o * f->taps;
    double sum = 0;

    for (int z = 0; z < v->kernel[0]; z++)
        for (int y = 0; y < v->kernel[1]; y++)
            for (int x = 0; x < v->kernel[2]; x++, spread++) {
                const int tap[3] = { z, y, x };
                bool on = true;

                for (int a = 0; a < 3; a++) {
                    const int s = a == 0 && v->dims == 2 ? 1 : v->stride;
                    const int i = v->transposed ? at[a] % v->kernel[a] - tap[a]
                                  : at[a] * s + tap[a] - v->before[a];

                    on &= v->transposed ? i == 0 : i >= 0 && i < v->size[a];
                }
                sum += on ? *spread : 0;
            }
    return sum;
}

/* The map at scale 1, (out, out_size) doubles, or NULL for none. */
static ckks_status fold_map(double **out, const fold_conv *f)
{
    const blind_conv *v = &f->s->conv;
    bool any = false;
    size_t count = blind_step_count(f->s), i = 0;

    *out = NULL;
    for (size_t k = 0; k < (size_t)v->out * f->taps; k++)
        any |= f->spread[k] != 0;
    if (!any)
        return CKKS_OK;
    *out = malloc(count * sizeof **out);
    if (*out == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu summands", count);
    for (int o = 0; o < v->out; o++)
        for (int z = 0; z < v->out_size[0]; z++)
            for (int y = 0; y < v->out_size[1]; y++)
                for (int x = 0; x < v->out_size[2]; x++)
                    (*out)[i++] = fold_place(f, o, (int[3]){ z, y, x });
    return CKKS_OK;
}

/* ---- integers ------------------------------------------------------------ */

/* The largest sum of |weight| of an output at scale 2^g, and the largest
 * |weight|. */
static void fold_norms(double *most, double *row, const fold_conv *f, int g)
{
    const blind_conv *v = &f->s->conv;

    *most = *row = 0;
    for (int o = 0; o < v->out; o++) {
        double sum = 0;

        for (int c = 0; c < v->in; c++)
            for (size_t k = 0; k < f->taps; k++) {
                const double w = fabs(rint(ldexp(f->w[fold_at(f, o, c, k)],
                                                 g)));

                sum += w;
                *most = fmax(*most, w);
            }
        *row = fmax(*row, sum);
    }
}

/* log2 of the largest |sum| at scale 2^g: the row's norm times the inputs'
 * limit, and what is added. */
static double fold_log_sum(const fold_conv *f, const double *map, double row,
                           double limit, int g)
{
    double added = 0;

    for (int o = 0; o < f->s->conv.out; o++)
        added = fmax(added, fabs(f->bias[o]));
    if (map != NULL) {
        double most = 0;

        for (size_t i = 0; i < blind_step_count(f->s); i++)
            most = fmax(most, fabs(map[i]));
        added += most;
    }
    return log2(fmax(1, row * limit + ldexp(added, g)));
}

/* g, the scale of the sums: see quantise.h. */
static ckks_status fold_choose(int *g, const fold_conv *f, const blind_fold *b,
                               const double *map, int layer)
{
    const double limit = b->n->step[f->in->step].limit;
    const double largest = ldexp(1, b->n->bits > 20 ? 18 : 11);
    blind_conv *v = &f->s->conv;
    double most, row, room;
    int e, least;

    fold_norms(&most, &row, f, 60);         /* of weights above 2^-60        */
    (void)frexp(most, &e);
    *g = most > 0 ? 60 - e + (b->n->bits > 20 ? 19 : 12) : f->s->fraction + 1;
    if (*g > f->s->fraction + BLIND_MOST_SHIFT)
        *g = f->s->fraction + BLIND_MOST_SHIFT;
    for (least = *g - 40; *g > least; --*g) {
        fold_norms(&most, &row, f, *g);
        v->log_sum = fold_log_sum(f, map, row, limit, *g);
        v->shift = *g - f->s->fraction;
        if (most >= largest || row >= ldexp(1, 28) || v->log_sum > 61)
            continue;
        if (v->shift < 1) {                 /* fewer bits of the result      */
            f->s->fraction -= 1 - v->shift;
            v->shift = 1;
        }
        if (blind_conv_check(&room, v) == CKKS_OK)
            return CKKS_OK;
        if (most < 16)
            break;
    }
    return blind_fold_refuse(b, layer, nn_last_error());
}

static ckks_status fold_integers(const fold_conv *f, const double *map, int g)
{
    const blind_conv *v = &f->s->conv;
    const size_t count = (size_t)v->out * (size_t)v->in * f->taps;
    blind_step *s = f->s;

    s->weight = malloc(count * sizeof *s->weight);
    s->bias = malloc((size_t)v->out * sizeof *s->bias);
    if (map != NULL)
        s->map = malloc(blind_step_count(s) * sizeof *s->map);
    if (s->weight == NULL || s->bias == NULL || (map != NULL && s->map == NULL))
        return nn_fail(CKKS_EMEM, "no memory for %zu weights", count);
    for (size_t i = 0; i < count; i++)
        s->weight[i] = (int32_t)rint(ldexp(f->w[i], g));
    for (int o = 0; o < v->out; o++)
        s->bias[o] = (int64_t)rint(ldexp(f->bias[o], g));
    for (size_t i = 0; map != NULL && i < blind_step_count(s); i++)
        s->map[i] = (int64_t)rint(ldexp(map[i], g));
    return CKKS_OK;
}

/* ---- the layers ---------------------------------------------------------- */

static ckks_status fold_open(fold_conv *f, blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_step *x;
    blind_conv *v;

    if (l->op == NN_TCONV && l->kernel_y != 2)
        return blind_fold_refuse(b, layer, "a tconv of 4 is not for the two "
                                 "parties, one of 2 is");
    f->in = &b->view[l->in[0]];
    f->s = blind_fold_step(b, BLIND_CONV, layer);
    if (f->s == NULL)
        return CKKS_EPARAM;
    x = &b->n->step[f->in->step];
    v = &f->s->conv;
    f->s->num_in = 1;
    f->s->in[0] = f->in->step;
    memcpy(v->size, x->size, sizeof v->size);
    blind_layer_window(v, l, b->n->dims);
    v->shift = 1;
    if (blind_fold_done(b) != CKKS_OK)
        return blind_fold_refuse(b, layer, nn_last_error());
    f->taps = (size_t)v->kernel[0] * (size_t)v->kernel[1]
              * (size_t)v->kernel[2];
    f->w = calloc((size_t)v->in * (size_t)v->out * f->taps, sizeof *f->w);
    f->bias = calloc((size_t)v->out, sizeof *f->bias);
    f->spread = calloc((size_t)v->out * f->taps, sizeof *f->spread);
    return f->w != NULL && f->bias != NULL && f->spread != NULL
               ? CKKS_OK : nn_fail(CKKS_EMEM, "no memory for the weights of "
                                   "%s", l->name);
}

/* Everything folded: range and fraction of the result, then integers. */
static ckks_status fold_make(const fold_conv *f, blind_fold *b, int layer,
                             double *extra)
{
    double *map = NULL, most = 0;
    ckks_status s;
    int last, g = 0;

    fold_read(f, &b->m->layer[layer]);
    fold_behind(&last, extra, f, b, layer);
    fold_before(f);
    for (int o = 0; o < f->s->conv.out; o++)
        most = fmax(most, fabs(extra[o]));
    f->s->range = b->m->layer[last].range.max + most;
    f->s->fraction = blind_fraction(f->s->range, b->n->bits);
    s = fold_map(&map, f);
    if (s == CKKS_OK)
        s = fold_choose(&g, f, b, map, layer);
    if (s == CKKS_OK)
        s = fold_integers(f, map, g);
    if (s == CKKS_OK)
        s = blind_fold_view(b, last);
    for (int o = 0; o < f->s->conv.out && s == CKKS_OK; o++)
        b->view[last].summand[o] = -extra[o];
    free(map);
    return s == CKKS_OK ? blind_fold_done(b) : s;
}

ckks_status blind_fold_conv(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    fold_conv f = {0};
    double *extra = calloc((size_t)l->channels, sizeof *extra);
    ckks_status s = extra != NULL ? fold_open(&f, b, layer)
                                  : nn_fail(CKKS_EMEM, "no memory");

    if (s == CKKS_OK)
        s = fold_make(&f, b, layer, extra);
    free(f.w);
    free(f.bias);
    free(f.spread);
    free(extra);
    return s;
}

ckks_status blind_fold_batchnorm(blind_fold *b, int layer)
{
    const nn_layer *l = &b->m->layer[layer];
    const blind_view *from = &b->view[l->in[0]];
    blind_view *v = &b->view[layer];

    v->step = from->step;
    v->factor = malloc((size_t)l->channels * sizeof *v->factor);
    v->summand = malloc((size_t)l->channels * sizeof *v->summand);
    if (v->factor == NULL || v->summand == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %d channels", l->channels);
    for (int c = 0; c < l->channels; c++) {
        double factor, summand;

        fold_norm(&factor, &summand, l, c);
        v->factor[c] = from->factor[c] * factor;
        v->summand[c] = from->summand[c] * factor + summand;
    }
    return CKKS_OK;
}
