/* revolver_from.c -- a trained classifier as a network of the literal
 * operators.
 *
 * Read first: revolver.h; docs/model.md.
 *
 * The convolution is folded with the batch normalisations behind it.  Linear
 * layers, however many, are one matrix: column j of it is what comes out for
 * the unit vector j without any constant, and the bias is what comes out for
 * zeros with all of them.  They are pushed through layer by layer, each by its
 * definition.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "revolver/revolver.h"

/* Numbers of all matrices together, at most. */
static const double FROM_MAX = 0x1p28;

typedef struct from_work {
    const nn_model *m;
    int square[2];              /* the layers of this op                     */
    double *in, *out;           /* room for the largest map, each            */
} from_work;

static size_t from_count(const nn_layer *l)
{
    return (size_t)l->channels * (size_t)l->height * (size_t)l->width;
}

/* ---- what can be converted -------------------------------------------- */

static const char *from_op(nn_op op)
{
    static const char *const name[] = {
        "an image", "a conv", "a tconv", "a pool", "a square", "a quadratic",
        "a batchnorm", "a concat", "a dense layer", "an add", "an upsample"
    };

    return name[op];
}

static ckks_status from_check_layer(from_work *w, int number, int *squares)
{
    const nn_model *m = w->m;
    const nn_layer *l = &m->layer[number];

    if (l->num_in != 1 || l->in[0] != number - 1)
        return nn_fail(CKKS_EARG, "model %s: layer %s does not follow layer "
                       "%s alone; the literal network is a chain", m->name,
                       l->name, m->layer[number - 1].name);
    if (l->op == NN_TCONV || l->op == NN_QUADRATIC || l->op == NN_CONCAT
        || l->op == NN_ADD || l->op == NN_UPSAMPLE)
        return nn_fail(CKKS_EARG, "model %s: layer %s is %s; the literal "
                       "network has conv, pool, batchnorm, dense and square",
                       m->name, l->name, from_op(l->op));
    if ((l->op == NN_CONV && (l->kernel_y != l->kernel_x || l->groups > 1
                              || l->dilation_y > 1 || l->dilation_x > 1))
        || (l->op == NN_POOL && (l->kernel_y != 2 || l->kernel_x != 2)))
        return nn_fail(CKKS_EARG, "model %s: layer %s: the literal network has "
                       "square kernels without dilation or groups, and means "
                       "of 2 x 2", m->name, l->name);
    if (number == 1 ? l->op != NN_CONV
        : *squares == 0 && l->op != NN_BATCHNORM && l->op != NN_SQUARE)
        return nn_fail(CKKS_EARG, "model %s: layer %s is %s; the literal "
                       "network begins with a conv, batchnorms and a square",
                       m->name, l->name, from_op(l->op));
    if (l->op == NN_SQUARE) {
        if (*squares == 2)
            return nn_fail(CKKS_EARG, "model %s: layer %s is a third square; "
                           "the literal network has 2", m->name, l->name);
        w->square[(*squares)++] = number;
    }
    return CKKS_OK;
}

static ckks_status from_check(from_work *w)
{
    static const char *const border[] = { "wrap", "halo", "zero", "valid" };
    const nn_model *m = w->m;
    int squares = 0;
    ckks_status s = CKKS_OK;

    if (m->border != NN_VALID)
        return nn_fail(CKKS_EARG, "model %s: border %s; the literal "
                       "convolution is without padding (valid)", m->name,
                       border[m->border]);
    for (int i = 1; i < m->num_layers && s == CKKS_OK; i++)
        s = from_check_layer(w, i, &squares);
    if (s != CKKS_OK)
        return s;
    if (squares != 2)
        return nn_fail(CKKS_EARG, "model %s: layer %s ends it after %d "
                       "squares; the literal network has 2", m->name,
                       m->layer[m->num_layers - 1].name, squares);
    if (m->output != m->num_layers - 1 || m->num_classes == 0)
        return nn_fail(CKKS_EARG, "model %s: layer %s: %s", m->name,
                       m->layer[m->output].name, m->num_classes == 0
                       ? "it gives a mask; the literal network gives classes"
                       : "the output, but layers follow");
    return CKKS_OK;
}

/* ---- layers, one after the other -------------------------------------- */

static void from_conv(double *y, const double *x, const nn_layer *l,
                      const nn_layer *in, double one)
{
    const size_t k = (size_t)l->kernel_y, stride = (size_t)l->stride;
    const size_t channels = (size_t)in->channels;
    const size_t h = (size_t)in->height, w = (size_t)in->width;

    for (size_t o = 0; o < (size_t)l->channels; o++)
        for (size_t i = 0; i < (size_t)l->height; i++)
            for (size_t j = 0; j < (size_t)l->width; j++) {
                const float *tap = l->weight + o * channels * k * k;
                double sum = one * (double)l->bias[o];

                for (size_t c = 0; c < channels; c++)
                    for (size_t p = 0; p < k; p++)
                        for (size_t q = 0; q < k; q++)
                            sum += (double)*tap++
                                   * x[(c * h + stride * i + p) * w
                                       + stride * j + q];
                *y++ = sum;
            }
}

static void from_pool(double *y, const double *x, const nn_layer *l,
                      const nn_layer *in)
{
    const size_t w = (size_t)in->width;

    for (int c = 0; c < l->channels; c++, x += (size_t)in->height * w)
        for (size_t i = 0; i < (size_t)l->height; i++)
            for (size_t j = 0; j < (size_t)l->width; j++) {
                const double *at = x + 2 * i * w + 2 * j;

                *y++ = (at[0] + at[1] + at[w] + at[w + 1]) / 4;
            }
}

/* Channel c of a batch normalisation: factor x + constant. */
static double from_factor(const nn_layer *l, int c)
{
    return (double)l->weight[c] / sqrt((double)l->var[c] + l->eps);
}

static double from_constant(const nn_layer *l, int c)
{
    return (double)l->bias[c] - (double)l->mean[c] * from_factor(l, c);
}

static void from_batchnorm(double *y, const double *x, const nn_layer *l,
                           double one)
{
    const size_t area = (size_t)l->height * (size_t)l->width;

    for (int c = 0; c < l->channels; c++)
        for (size_t i = 0; i < area; i++)
            *y++ = from_factor(l, c) * *x++ + one * from_constant(l, c);
}

static void from_dense(double *y, const double *x, const nn_layer *l,
                       const nn_layer *in, double one)
{
    const size_t n = from_count(in);

    for (size_t o = 0; o < (size_t)l->channels; o++) {
        y[o] = one * (double)l->bias[o];
        for (size_t i = 0; i < n; i++)
            y[o] += (double)l->weight[o * n + i] * x[i];
    }
}

/* w->in = layers first + 1 to last of w->in; constants `one` times. */
static void from_push(from_work *w, int first, int last, double one)
{
    for (int i = first + 1; i <= last; i++) {
        const nn_layer *l = &w->m->layer[i], *in = &w->m->layer[i - 1];
        double *swap = w->in;

        if (l->op == NN_CONV)
            from_conv(w->out, w->in, l, in, one);
        else if (l->op == NN_POOL)
            from_pool(w->out, w->in, l, in);
        else if (l->op == NN_BATCHNORM)
            from_batchnorm(w->out, w->in, l, one);
        else
            from_dense(w->out, w->in, l, in, one);
        w->in = w->out;
        w->out = swap;
    }
}

/* ---- matrices --------------------------------------------------------- */

/* matrix (outputs, room), bias (outputs) of layers first + 1 to last; number j
 * of layer first is in column place[j], NULL: j. */
static void from_matrix(double *matrix, double *bias, from_work *w, int first,
                        int last, size_t room, const size_t *place)
{
    const size_t inputs = from_count(&w->m->layer[first]);
    const size_t outputs = from_count(&w->m->layer[last]);

    memset(w->in, 0, inputs * sizeof *w->in);
    from_push(w, first, last, 1);
    memcpy(bias, w->in, outputs * sizeof *bias);
    for (size_t j = 0; j < inputs; j++) {
        memset(w->in, 0, inputs * sizeof *w->in);
        w->in[j] = 1;
        from_push(w, first, last, 0);
        for (size_t o = 0; o < outputs; o++)
            matrix[o * room + (place != NULL ? place[j] : j)] = w->in[o];
    }
}

/* The first convolution and the batch normalisations behind it. */
static void from_first(double *conv, double *bias, const from_work *w)
{
    const nn_layer *l = &w->m->layer[1];
    const size_t taps = (size_t)w->m->channels * (size_t)l->kernel_y
                        * (size_t)l->kernel_y;

    for (int o = 0; o < l->channels; o++) {
        double factor = 1, constant = (double)l->bias[o];

        for (int i = 2; i < w->square[0]; i++) {
            const double f = from_factor(&w->m->layer[i], o);

            factor *= f;
            constant = f * constant + from_constant(&w->m->layer[i], o);
        }
        bias[o] = constant;
        for (size_t t = 0; t < taps; t++)
            conv[(size_t)o * taps + t] =
                factor * (double)l->weight[(size_t)o * taps + t];
    }
}

/* Where numbers of the first map lie among those of stride 1. */
static void from_places(size_t *place, const from_work *w)
{
    const nn_layer *l = &w->m->layer[1];
    const size_t rows = (size_t)(w->m->height - l->kernel_y + 1);
    const size_t columns = (size_t)(w->m->width - l->kernel_y + 1);
    const size_t stride = (size_t)l->stride;

    for (size_t c = 0; c < (size_t)l->channels; c++)
        for (size_t y = 0; y < (size_t)l->height; y++)
            for (size_t x = 0; x < (size_t)l->width; x++)
                *place++ = (c * rows + stride * y) * columns + stride * x;
}

/* ---- the whole -------------------------------------------------------- */

/* Numbers of the six arrays in the order of uni_vr_net. */
static ckks_status from_sizes(size_t size[6], const from_work *w)
{
    const nn_model *m = w->m;
    const nn_layer *first = &m->layer[1], *second = &m->layer[w->square[1]];
    const nn_layer *end = &m->layer[m->output];
    const double maps = first->channels, k = first->kernel_y;
    const double area = (double)(m->height - first->kernel_y + 1)
                        * (m->width - first->kernel_y + 1);
    const double hidden = (double)second->channels * second->height
                          * second->width;
    const double all[6] = { maps * m->channels * k * k, maps,
                            hidden * maps * area, hidden,
                            end->channels * hidden, end->channels };
    double sum = 0;

    for (int i = 0; i < 6; i++)
        sum += all[i];
    if (sum > FROM_MAX || from_count(second) > NN_MAX_SIDE)
        return nn_fail(CKKS_EARG, "model %s: layer %s: %g hidden, %g maps of "
                       "%g numbers; more than %g weights or %d hidden",
                       m->name, second->name, hidden, maps, area, FROM_MAX,
                       (int)NN_MAX_SIDE);
    for (int i = 0; i < 6; i++)
        size[i] = (size_t)all[i];
    return CKKS_OK;
}

/* Room for the largest map, and w->in, w->out in it. */
static double *from_room(from_work *w)
{
    size_t most = 0;
    double *room;

    for (int i = 0; i < w->m->num_layers; i++)
        if (from_count(&w->m->layer[i]) > most)
            most = from_count(&w->m->layer[i]);
    room = malloc(2 * most * sizeof *room);
    w->in = room;
    w->out = room != NULL ? room + most : NULL;
    return room;
}

ckks_status uni_vr_from_init(uni_vr_from *out, const nn_model *m)
{
    from_work w = { m, { 0, 0 }, NULL, NULL };
    double *part[6] = { NULL }, *data, *room;
    size_t size[6], sum = 0, *place;
    ckks_status s;

    if (out == NULL || m == NULL || m->layer == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_from_init: null pointer");
    s = from_check(&w);
    if (s == CKKS_OK)
        s = from_sizes(size, &w);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i < 6; i++)
        sum += size[i];
    data = calloc(sum, sizeof *data);
    place = malloc(from_count(&m->layer[1]) * sizeof *place);
    room = from_room(&w);
    if (data == NULL || place == NULL || room == NULL) {
        free(data);
        data = NULL;
        s = nn_fail(CKKS_EMEM, "uni_vr_from_init: no memory for %zu numbers",
                    sum);
    } else {
        part[0] = data;
        for (int i = 1; i < 6; i++)
            part[i] = part[i - 1] + size[i - 1];
        from_first(part[0], part[1], &w);
        from_places(place, &w);
        from_matrix(part[2], part[3], &w, w.square[0], w.square[1] - 1,
                    size[2] / size[3], place);
        from_matrix(part[4], part[5], &w, w.square[1], m->output, size[3],
                    NULL);
        uni_vr_from_clear(out);
        out->data = data;
        out->net = (uni_vr_net){
            m->channels, { m->height, m->width, m->layer[1].kernel_y },
            (int)size[1], (int)size[3], (int)size[5], part[0], part[1],
            part[2], part[3], part[4], part[5] };
    }
    free(place);
    free(room);
    return s;
}

void uni_vr_from_clear(uni_vr_from *from)
{
    if (from == NULL)
        return;
    free(from->data);
    *from = (uni_vr_from){ .data = NULL };
}
