/* layer.c -- one layer of a model file: its keys, tensors and sizes checked.
 *
 * Read first: loader.h.
 */
#include <string.h>

#include "format/loader.h"

enum { KEYS = 6 };

/* The keys of a layer beside op, name and in: those that must be there, and
 * those that may. */
static const struct model_op {
    const char *name;
    nn_op op;
    int min_in, max_in;
    const char *key[KEYS], *may[KEYS];
} model_ops[] = {
    { "conv", NN_CONV, 1, 1, { "weight", "bias", "kernel" },
      { "stride", "pad", "dilation", "groups" } },
    { "tconv", NN_TCONV, 1, 1, { "weight", "bias" }, { "kernel" } },
    { "pool", NN_POOL, 1, 1, { NULL }, { "size" } },
    { "square", NN_SQUARE, 1, 1, { NULL }, { NULL } },
    { "quadratic", NN_QUADRATIC, 1, 1, { "a", "b", "c" }, { NULL } },
    { "batchnorm", NN_BATCHNORM, 1, 1,
      { "weight", "bias", "mean", "var", "eps" }, { NULL } },
    { "concat", NN_CONCAT, 2, NN_MAX_INPUTS, { NULL }, { NULL } },
    { "add", NN_ADD, 2, NN_MAX_INPUTS, { NULL }, { NULL } },
    { "upsample", NN_UPSAMPLE, 1, 1, { "mode" }, { NULL } },
    { "dense", NN_DENSE, 1, 1, { "weight", "bias" }, { NULL } },
    { "relu", NN_RELU, 1, 1, { NULL }, { NULL } },
    { "maxpool", NN_MAXPOOL, 1, 1, { NULL }, { "size" } },
};

/* ---- one function for each kind of layer -------------------------------- *
 * y starts with the channels and size of its first input x. */

static ckks_status layer_conv(nni_loader *l, nn_layer *y,
                              const nni_json_node *node)
{
    int64_t shape[5] = { -1, y->channels };
    char where[NN_NAME + 8];
    int rank = 2;
    ckks_status s;

    snprintf(where, sizeof where, "layer %s", y->name);
    s = nni_load_conv(l, y, node, where);
    if (s != CKKS_OK)
        return s;
    shape[1] /= y->groups;
    if (l->m.depth > 0)
        shape[rank++] = y->kernel_z;
    shape[rank++] = y->kernel_y;
    shape[rank++] = y->kernel_x;
    s = nni_load_tensor(&y->weight, l, y, node, "weight", shape, rank);
    if (s == CKKS_OK && shape[0] % y->groups != 0)
        s = nn_fail(CKKS_EFORMAT, "model: layer %s: %d groups of %d output "
                    "channels", y->name, y->groups, (int)shape[0]);
    if (s != CKKS_OK)
        return s;
    y->channels = (int)shape[0];
    return nni_load_vector(&y->bias, l, y, node, "bias");
}

/* To twice the size. */
static ckks_status layer_double(const nn_model *m, nn_layer *y, const char *op)
{
    if (y->height > NN_MAX_SIDE / 2 || y->width > NN_MAX_SIDE / 2
        || y->depth > NN_MAX_DEPTH / 2)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: %s of %s, at most %d a "
                       "side come out (of a depth %d)", y->name, op,
                       nni_sides_of(m, y->depth, y->height, y->width).text,
                       NN_MAX_SIDE, NN_MAX_DEPTH);
    if (m->depth > 0)
        y->depth *= 2;
    y->height *= 2;
    y->width *= 2;
    return CKKS_OK;
}

static ckks_status layer_tconv(nni_loader *l, nn_layer *y,
                               const nni_json_node *node)
{
    const nni_json_node *kernel = nni_json_get(&l->net, node, "kernel");
    const bool deep = l->m.depth > 0;
    int64_t shape[5] = { y->channels, -1 };
    char where[NN_NAME + 8];
    ckks_status s = CKKS_OK;

    snprintf(where, sizeof where, "layer %s", y->name);
    y->kernel_y = 2;
    if (kernel != NULL)
        s = nni_load_int(&y->kernel_y, kernel, where, "kernel", 2, 4);
    if (s == CKKS_OK && y->kernel_y == 3)
        s = nn_fail(CKKS_EFORMAT, "model: %s: kernel is 3, a tconv's is 2, or "
                    "4 with a padding of 1", where);
    if (s == CKKS_OK && deep && y->kernel_y != 2)
        s = nn_fail(CKKS_EFORMAT, "model: %s: kernel is %d, in three "
                    "dimensions a tconv's is 2", where, y->kernel_y);
    y->kernel_x = y->kernel_y;
    y->kernel_z = deep ? y->kernel_y : 1;
    shape[2] = shape[3] = shape[4] = y->kernel_y;
    if (s == CKKS_OK)
        s = layer_double(&l->m, y, "tconv");
    if (s == CKKS_OK)
        s = nni_load_tensor(&y->weight, l, y, node, "weight", shape,
                            deep ? 5 : 4);
    if (s != CKKS_OK)
        return s;
    y->channels = (int)shape[1];
    return nni_load_vector(&y->bias, l, y, node, "bias");
}

static ckks_status layer_upsample(const nni_loader *l, nn_layer *y,
                                  const nni_json_node *node)
{
    const nni_json_node *mode = nni_json_get(&l->net, node, "mode");
    const char *word = mode->kind == NN_JSON_STRING ? mode->text : "";

    y->bilinear = strcmp(word, "bilinear") == 0;
    if (!y->bilinear && strcmp(word, "nearest") != 0)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: mode is \"%s\", want "
                       "nearest or bilinear", y->name, word);
    if (y->bilinear && l->m.depth > 0)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: mode is bilinear, in "
                       "three dimensions it is nearest", y->name);
    return layer_double(&l->m, y, "upsample");
}

static ckks_status layer_pool(nni_loader *l, nn_layer *y,
                              const nni_json_node *node)
{
    char where[NN_NAME + 8];

    snprintf(where, sizeof where, "layer %s", y->name);
    return nni_load_pool(l, y, node, where);
}

static ckks_status layer_quadratic(nni_loader *l, nn_layer *y,
                                   const nni_json_node *node)
{
    ckks_status s = nni_load_vector(&y->a, l, y, node, "a");

    if (s == CKKS_OK)
        s = nni_load_vector(&y->b, l, y, node, "b");
    if (s == CKKS_OK)
        s = nni_load_vector(&y->c, l, y, node, "c");
    return s;
}

static ckks_status layer_batchnorm(nni_loader *l, nn_layer *y,
                                   const nni_json_node *node)
{
    char where[NN_NAME + 8];
    ckks_status s = nni_load_vector(&y->weight, l, y, node, "weight");

    if (s == CKKS_OK)
        s = nni_load_vector(&y->bias, l, y, node, "bias");
    if (s == CKKS_OK)
        s = nni_load_vector(&y->mean, l, y, node, "mean");
    if (s == CKKS_OK)
        s = nni_load_vector(&y->var, l, y, node, "var");
    snprintf(where, sizeof where, "layer %s", y->name);
    if (s == CKKS_OK)
        s = nni_load_double(&y->eps, nni_json_get(&l->net, node, "eps"), where,
                         "eps", 0);
    for (int i = 0; s == CKKS_OK && i < y->channels; i++)
        if (y->var[i] < 0 || (double)y->var[i] + y->eps < 1e-30)
            s = nn_fail(CKKS_EFORMAT, "model: layer %s: var[%d] = %g with eps "
                        "%g", y->name, i, (double)y->var[i], y->eps);
    return s;
}

/* Whether input number i has the size of the first. */
static ckks_status layer_same_size(const nni_loader *l, const nn_layer *y,
                                   int i, const char *op)
{
    const nn_layer *x = &l->m.layer[y->in[i]];

    if (x->depth == y->depth && x->height == y->height
        && x->width == y->width)
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "model: layer %s: %s of %s, %s, and %s, %s",
                   y->name, op, l->m.layer[y->in[0]].name,
                   nni_sides_of(&l->m, y->depth, y->height, y->width).text,
                   x->name,
                   nni_sides_of(&l->m, x->depth, x->height, x->width).text);
}

static ckks_status layer_concat(const nni_loader *l, nn_layer *y)
{
    int channels = 0;

    for (int i = 0; i < y->num_in; i++) {
        ckks_status s = layer_same_size(l, y, i, "concat");

        if (s != CKKS_OK)
            return s;
        channels += l->m.layer[y->in[i]].channels;
    }
    if (channels > NN_MAX_CHANNELS)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: concat gives %d "
                       "channels, at most %d", y->name, channels,
                       NN_MAX_CHANNELS);
    y->channels = channels;
    return CKKS_OK;
}

static ckks_status layer_add(const nni_loader *l, const nn_layer *y)
{
    for (int i = 0; i < y->num_in; i++) {
        const nn_layer *x = &l->m.layer[y->in[i]];
        ckks_status s = layer_same_size(l, y, i, "add");

        if (s == CKKS_OK && x->channels != y->channels)
            s = nn_fail(CKKS_EFORMAT, "model: layer %s: add of %s, %d channels,"
                        " and %s, %d", y->name, l->m.layer[y->in[0]].name,
                        y->channels, x->name, x->channels);
        if (s != CKKS_OK)
            return s;
    }
    return CKKS_OK;
}

static ckks_status layer_dense(nni_loader *l, nn_layer *y,
                               const nni_json_node *node)
{
    int64_t shape[2] = { -1, (int64_t)y->channels * y->depth * y->height
                             * y->width };
    ckks_status s;

    if (l->m.border == NN_WRAP || l->m.border == NN_HALO)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: dense needs border zero "
                       "or valid", y->name);
    s = nni_load_tensor(&y->weight, l, y, node, "weight", shape, 2);
    if (s != CKKS_OK)
        return s;
    y->channels = (int)shape[0];
    y->depth = y->height = y->width = 1;
    return nni_load_vector(&y->bias, l, y, node, "bias");
}

/* ---- layers -------------------------------------------------------------- */

static ckks_status layer_inputs(nni_loader *l, int number,
                                const nni_json_node *list,
                                const struct model_op *op)
{
    nn_layer *y = &l->m.layer[number];

    if (list->kind != NN_JSON_ARRAY || (int64_t)list->count < op->min_in
        || (int64_t)list->count > op->max_in)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: in has %u entries, %s "
                       "takes %d..%d", y->name, (unsigned)list->count,
                       op->name, op->min_in, op->max_in);
    for (const nni_json_node *n = nni_json_first(&l->net, list); n != NULL;
         n = nni_json_next(&l->net, n)) {
        const char *name = n->kind == NN_JSON_STRING ? n->text : "(no text)";
        int from = nni_load_find(&l->m, number, name);

        if (from < 0)
            return nn_fail(CKKS_EFORMAT, "model: layer %s: no layer above it "
                           "is named %s", y->name, name);
        y->in[y->num_in++] = from;
        l->read[from] = true;
    }
    return CKKS_OK;
}

/* Name and op; *op is the row of the table. */
static ckks_status layer_head(const struct model_op **op, nni_loader *l,
                              int number, const nni_json_node *node)
{
    const nni_json_node *word = nni_json_get(&l->net, node, "op");
    nn_layer *y = &l->m.layer[number];
    const char *keys[3 + 2 * KEYS + 1] = { "op", "name", "in" };
    size_t num_keys = 3;
    char where[NN_NAME + 8];
    ckks_status s;

    snprintf(where, sizeof where, "the name of layer %d", number);
    s = nni_load_name(y->name, nni_json_get(&l->net, node, "name"), where);
    if (s != CKKS_OK)
        return s;
    if (nni_load_find(&l->m, number, y->name) >= 0)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: a second one of this "
                       "name, number %d", y->name, number);
    *op = NULL;
    for (size_t i = 0; i < sizeof model_ops / sizeof *model_ops; i++)
        if (word != NULL && word->kind == NN_JSON_STRING
            && strcmp(word->text, model_ops[i].name) == 0)
            *op = &model_ops[i];
    if (*op == NULL)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: unknown op \"%s\"",
                       y->name,
                       word != NULL && word->text != NULL ? word->text : "");
    for (size_t i = 0; i < KEYS && (*op)->key[i] != NULL; i++)
        keys[num_keys++] = (*op)->key[i];
    for (size_t i = 0; i < KEYS && (*op)->may[i] != NULL; i++)
        if (nni_json_get(&l->net, node, (*op)->may[i]) != NULL)
            keys[num_keys++] = (*op)->may[i];
    snprintf(where, sizeof where, "layer %s", y->name);
    return nni_load_object(&l->net, node, where, keys);
}

/* What no polynomial is. */
static ckks_status layer_check_protocol(const nn_model *m, const nn_layer *y,
                                        const char *op)
{
    if (m->blind || (y->op != NN_RELU && y->op != NN_MAXPOOL))
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "model: layer %s: op %s needs \"protocol\": "
                   "\"blind\" in the file: encrypted networks have polynomials "
                   "only, volley blind takes this too", y->name, op);
}

static ckks_status layer_kind(nni_loader *l, nn_layer *y,
                              const nni_json_node *node)
{
    switch (y->op) {
    case NN_CONV:
        return layer_conv(l, y, node);
    case NN_TCONV:
        return layer_tconv(l, y, node);
    case NN_POOL:
    case NN_MAXPOOL:
        return layer_pool(l, y, node);
    case NN_QUADRATIC:
        return layer_quadratic(l, y, node);
    case NN_BATCHNORM:
        return layer_batchnorm(l, y, node);
    case NN_CONCAT:
        return layer_concat(l, y);
    case NN_ADD:
        return layer_add(l, y);
    case NN_UPSAMPLE:
        return layer_upsample(l, y, node);
    case NN_DENSE:
        return layer_dense(l, y, node);
    case NN_SQUARE:
    case NN_RELU:
    case NN_IMAGE:
        break;
    }
    return CKKS_OK;
}

ckks_status nni_load_layer(nni_loader *l, int number, const nni_json_node *node)
{
    nn_layer *y = &l->m.layer[number];
    const struct model_op *op = NULL;
    const nn_layer *x;
    ckks_status s = layer_head(&op, l, number, node);

    if (s == CKKS_OK)
        s = layer_inputs(l, number, nni_json_get(&l->net, node, "in"), op);
    if (s != CKKS_OK)
        return s;
    x = &l->m.layer[y->in[0]];
    y->op = op->op;
    y->channels = x->channels;
    y->depth = x->depth;
    y->height = x->height;
    y->width = x->width;
    s = layer_check_protocol(&l->m, y, op->name);
    if (s == CKKS_OK)
        s = layer_kind(l, y, node);
    return s == CKKS_OK ? nni_load_check_map(&l->m, y) : s;
}
