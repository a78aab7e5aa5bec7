/* network_support.c -- models made in memory for the tests of `blind`. */
#include "network_support.h"

#include <math.h>

enum { NET_LAYERS = 128, NET_FLOATS = 1 << 22 };

/* ---- layers -------------------------------------------------------------- */

ckks_status net_start(net_maker *k, nn_model *m, int dims, int channels,
                      int side, nn_border border, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    k->m = m;
    k->seed = seed;
    m->layer = calloc(NET_LAYERS, sizeof *m->layer);
    m->data = calloc(NET_FLOATS, sizeof *m->data);
    if (m->layer == NULL || m->data == NULL)
        return CKKS_EMEM;
    snprintf(m->name, sizeof m->name, "net");
    m->border = border;
    m->channels = channels;
    m->blind = true;
    m->depth = dims == 3 ? side : 0;
    m->height = m->width = side;
    m->mul = 1 / 128.0;
    m->add = -1;
    m->layer[0] = (nn_layer){ .op = NN_IMAGE, .name = "image",
                              .channels = channels,
                              .depth = dims == 3 ? side : 1, .height = side,
                              .width = side };
    m->num_layers = 1;
    return CKKS_OK;
}

static float net_uniform(net_maker *k)          /* -1..1                     */
{
    return (float)(test_word(&k->seed) >> 40) / (float)(1 << 23) - 1;
}

static const float *net_floats(net_maker *k, size_t count, float middle,
                               float width)
{
    float *v = k->m->data + k->m->data_count;

    k->m->data_count += count;
    for (size_t i = 0; i < count && k->m->data_count <= NET_FLOATS; i++)
        v[i] = middle + width * net_uniform(k);
    return v;
}

int net_layer(net_maker *k, nn_op op, const char *name, const int *in,
              int num_in)
{
    const int number = k->m->num_layers++;
    nn_layer *l = &k->m->layer[number];

    *l = k->m->layer[in[0]];
    l->op = op;
    snprintf(l->name, sizeof l->name, "%s", name);
    l->num_in = num_in;
    memcpy(l->in, in, (size_t)num_in * sizeof *in);
    if (op == NN_CONCAT)
        for (int i = 1; i < num_in; i++)
            l->channels += k->m->layer[in[i]].channels;
    return number;
}

int net_one(net_maker *k, nn_op op, const char *name, int in)
{
    const int number = net_layer(k, op, name, &in, 1);
    nn_layer *l = &k->m->layer[number];
    const size_t c = (size_t)l->channels;

    if (op == NN_BATCHNORM) {
        l->eps = 1e-5;
        l->weight = net_floats(k, c, 1, 0.3f);
        l->bias = net_floats(k, c, 0, 0.2f);
        l->mean = net_floats(k, c, 0, 0.2f);
        l->var = net_floats(k, c, 1, 0.4f);
    } else if (op == NN_QUADRATIC) {
        l->a = net_floats(k, c, 0.4f, 0.2f);
        l->b = net_floats(k, c, 0.3f, 0.3f);
        l->c = net_floats(k, c, 0, 0.3f);
    }
    return number;
}

static int net_out(int side, int before, int kernel, int stride)
{
    return (side + 2 * before - kernel) / stride + 1;
}

int net_conv(net_maker *k, const char *name, int in, int c_out, int kernel,
             int stride)
{
    const bool solid = k->m->depth > 0;
    const int number = net_layer(k, NN_CONV, name, &in, 1);
    nn_layer *l = &k->m->layer[number];
    const int c_in = l->channels;
    const int pad = k->m->border == NN_VALID ? 0 : kernel / 2;
    const size_t taps = (size_t)(kernel * kernel * (solid ? kernel : 1));

    l->channels = c_out;
    l->kernel_y = l->kernel_x = kernel;
    l->kernel_z = solid ? kernel : 1;
    l->stride = stride;
    l->dilation_z = l->dilation_y = l->dilation_x = l->groups = 1;
    l->pad_top = l->pad_left = l->pad_bottom = l->pad_right = pad;
    l->pad_front = l->pad_back = solid ? pad : 0;
    l->height = net_out(l->height, pad, kernel, stride);
    l->width = net_out(l->width, pad, kernel, stride);
    if (solid)
        l->depth = net_out(l->depth, pad, kernel, stride);
    l->weight = net_floats(k, (size_t)(c_in * c_out) * taps, 0,
                           (float)sqrt(6.0 / (double)((size_t)c_in * taps)));
    l->bias = net_floats(k, (size_t)c_out, 0, 0.1f);
    return number;
}

int net_tconv(net_maker *k, const char *name, int in, int c_out)
{
    const bool solid = k->m->depth > 0;
    const int number = net_layer(k, NN_TCONV, name, &in, 1);
    nn_layer *l = &k->m->layer[number];
    const int c_in = l->channels;

    l->channels = c_out;
    l->kernel_y = l->kernel_x = 2;
    l->kernel_z = solid ? 2 : 1;
    l->height *= 2;
    l->width *= 2;
    l->depth *= solid ? 2 : 1;
    l->weight = net_floats(k, (size_t)(c_in * c_out) * (solid ? 8 : 4), 0,
                           (float)sqrt(3.0 / (double)c_in));
    l->bias = net_floats(k, (size_t)c_out, 0, 0.1f);
    return number;
}

int net_pool(net_maker *k, nn_op op, const char *name, int in, int size)
{
    const int number = net_layer(k, op, name, &in, 1);
    nn_layer *l = &k->m->layer[number];

    l->kernel_y = l->kernel_x = size;
    l->kernel_z = k->m->depth > 0 ? size : 1;
    l->depth /= l->kernel_z;
    l->height /= size;
    l->width /= size;
    return number;
}

/* ---- images -------------------------------------------------------------- */

double *net_image(const nn_model *m, uint64_t seed)
{
    const int depth = m->depth > 0 ? m->depth : 1;
    double *out = malloc((size_t)m->channels * (size_t)depth
                         * (size_t)m->height * (size_t)m->width * sizeof *out);
    double *at = out;

    for (int c = 0; out != NULL && c < m->channels; c++)
        for (int z = 0; z < depth; z++)
            for (int y = 0; y < m->height; y++)
                for (int x = 0; x < m->width; x++) {
                    const double wave = sin(0.31 * y + 0.17 * (double)seed)
                                        * cos(0.23 * x + c)
                                        * cos(0.4 * z + (double)seed);
                    const double noise = (double)(test_word(&seed) % 64);

                    *at++ = floor(96 + 90 * wave + noise);
                }
    return out;
}

/* The size that the network has under halo. */
static void net_extended(blind_network *n, const nn_model *m)
{
    memset(n, 0, sizeof *n);
    blind_model_size(n, m);
    n->channels = m->channels;
    n->mul = 1;
    n->step[0].range = 256;
    n->step[0].fraction = 20;
}

void net_size(int size[3], const nn_model *m, int layer)
{
    const nn_layer *l = &m->layer[layer];
    blind_network *n = calloc(1, sizeof *n);
    const int side[3] = { l->depth, l->height, l->width };
    const int all[3] = { m->depth > 0 ? m->depth : 1, m->height, m->width };

    if (n != NULL)
        net_extended(n, m);
    for (int a = 0; a < 3 && n != NULL; a++)
        size[a] = m->border == NN_HALO ? side[a] * n->size[a] / all[a]
                                       : side[a];
    free(n);
}

double *net_float(const nn_model *m, int layer, const double *pixel)
{
    blind_network *n = calloc(1, sizeof *n);
    nn_model part = *m;
    int64_t *wide = NULL;
    double *in = NULL, *out = NULL;
    size_t count;
    int size[3];

    if (n != NULL)
        net_extended(n, m);
    net_size(size, m, layer);
    count = (size_t)m->channels * (size_t)n->size[0] * (size_t)n->size[1]
            * (size_t)n->size[2];
    wide = malloc(count * sizeof *wide);
    in = malloc(count * sizeof *in);
    out = malloc((size_t)m->layer[layer].channels * (size_t)size[0]
                 * (size_t)size[1] * (size_t)size[2] * sizeof *out);
    if (wide != NULL && in != NULL && out != NULL) {
        (void)blind_network_input(wide, n, pixel);
        for (size_t i = 0; i < count; i++)
            in[i] = ldexp((double)wide[i], -20);
        part.output = layer;
        part.num_classes = 0;
        part.depth = m->depth > 0 ? n->size[0] : 0;
        part.height = n->size[1];
        part.width = n->size[2];
        if (part.border == NN_HALO)
            part.border = NN_ZERO;
        if (!CHECK_OK(nn_model_float(out, &part, in, n->size[0],
                                     n->size[1], n->size[2]))) {
            free(out);
            out = NULL;
        }
    }
    free(wide);
    free(in);
    free(n);
    return out;
}

/* ---- whole networks ------------------------------------------------------ */

/* The largest |value| of a layer that is not linear, from its inputs'. */
static double net_bound(const nn_model *m, int layer)
{
    const nn_layer *l = &m->layer[layer];
    double most = 0, sum = 0, square = 0;

    for (int k = 0; k < l->num_in; k++) {
        const double x = m->layer[l->in[k]].range.max;

        most = fmax(most, x);
        sum += x;
    }
    for (int c = 0; c < l->channels && l->op == NN_QUADRATIC; c++)
        square = fmax(square, fabs((double)l->a[c]) * most * most
                              + fabs((double)l->b[c]) * most
                              + fabs((double)l->c[c]));
    return l->op == NN_SQUARE ? most * most
           : l->op == NN_QUADRATIC ? square : l->op == NN_ADD ? sum : most;
}

static double net_most(const nn_model *m, int layer, const double *pixel)
{
    double *v = net_float(m, layer, pixel), most = 1e-3;
    size_t count = (size_t)m->layer[layer].channels;
    int size[3];

    net_size(size, m, layer);
    for (int a = 0; a < 3; a++)
        count *= (size_t)size[a];
    for (size_t j = 0; j < count && v != NULL; j++)
        most = fmax(most, fabs(v[j]));
    free(v);
    return most;
}

/* Weights so that the largest sum of the layer is 1. */
static void net_scale(nn_layer *l, const nn_layer *x, double by)
{
    float *weight = (float *)(uintptr_t)l->weight;
    float *bias = (float *)(uintptr_t)l->bias;
    const size_t count = (size_t)l->channels * (size_t)x->channels
                         * (size_t)(l->kernel_z * l->kernel_y * l->kernel_x);

    for (size_t i = 0; i < count; i++)
        weight[i] *= (float)by;
    for (int c = 0; c < l->channels; c++)
        bias[c] *= (float)by;
}

/* Linear layers by the float network on one image, and a fifth more; the
 * squares' are scaled, since what they get would be squared again and again. */
static ckks_status net_calibrate(nn_model *m, bool scale)
{
    double *pixel = net_image(m, 1);

    if (pixel == NULL)
        return CKKS_EMEM;
    m->layer[0].range = (nn_range){ 1, 1, 1 };
    for (int i = 1; i < m->num_layers; i++) {
        nn_layer *l = &m->layer[i];
        const bool sums = l->op == NN_CONV || l->op == NN_TCONV;
        double most = sums || l->op == NN_BATCHNORM ? net_most(m, i, pixel)
                                                    : net_bound(m, i);

        if (sums && scale) {
            net_scale(l, &m->layer[l->in[0]], 1 / most);
            most = 1;
        }
        if (sums || l->op == NN_BATCHNORM)
            most *= 1.2;
        l->range = (nn_range){ most, 1, 1 };
    }
    free(pixel);
    return CKKS_OK;
}

ckks_status net_finish(net_maker *k, int output, int labels)
{
    nn_model *m = k->m;

    m->output = output;
    m->threshold = labels == 0 ? 0.125 : 0;
    m->num_labels = labels;
    snprintf(m->foreground, sizeof m->foreground, "%s",
             labels == 0 ? "cell" : "");
    for (int i = 0; i < labels; i++)
        snprintf(m->label_name[i], NN_NAME, "part %d", i);
    return net_calibrate(m, k->scale);
}

static int net_stage(net_maker *k, const net_spec *spec, const char *stage,
                     int in, int channels, bool end)
{
    const nn_op op = spec->square || (spec->hybrid && end) ? NN_SQUARE
                                                           : NN_RELU;
    char name[NN_NAME];

    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%c", stage, 'a' + i);
        in = net_conv(k, name, in, channels, 3, 1);
        snprintf(name, sizeof name, "%s%c.bn", stage, 'a' + i);
        if (spec->norm && i == 0)
            in = net_one(k, NN_BATCHNORM, name, in);
        snprintf(name, sizeof name, "%s%c.act", stage, 'a' + i);
        in = net_one(k, op, name, in);
        snprintf(name, sizeof name, "%s%c.bn", stage, 'a' + i);
        if (spec->norm && i == 1)
            in = net_one(k, NN_BATCHNORM, name, in);
    }
    return in;
}

ckks_status net_unet(nn_model *m, const net_spec *spec)
{
    int skip[8], in = 0;
    char name[NN_NAME];
    net_maker k = {0};
    ckks_status s = net_start(&k, m, spec->dims, 1, spec->side, spec->border,
                              spec->seed);

    for (int d = 0; d <= spec->depth && s == CKKS_OK; d++) {
        snprintf(name, sizeof name, "enc%d", d);
        in = net_stage(&k, spec, name, in, spec->base << d, d == 0);
        skip[d] = in;
        snprintf(name, sizeof name, "pool%d", d);
        if (d < spec->depth)
            in = net_pool(&k, spec->max ? NN_MAXPOOL : NN_POOL, name, in, 2);
    }
    for (int d = spec->depth - 1; d >= 0 && s == CKKS_OK; d--) {
        int two[2];

        snprintf(name, sizeof name, "up%d", d);
        two[0] = net_tconv(&k, name, in, spec->base << d);
        two[1] = skip[d];
        snprintf(name, sizeof name, "cat%d", d);
        in = net_layer(&k, NN_CONCAT, name, two, 2);
        snprintf(name, sizeof name, "dec%d", d);
        in = net_stage(&k, spec, name, in, spec->base << d, d == 0);
    }
    k.scale = spec->square || spec->hybrid;
    if (s == CKKS_OK)
        in = net_conv(&k, "logit", in, spec->labels > 0 ? spec->labels : 1, 1,
                      1);
    return s == CKKS_OK ? net_finish(&k, in, spec->labels) : s;
}
