/* loader.c -- pieces of a model file's network text.
 *
 * Read first: loader.h.
 */
#include <math.h>
#include <string.h>

#include "format/loader.h"

ckks_status nni_load_object(const nni_json *doc, const nni_json_node *node,
                           const char *where, const char *const *keys)
{
    const nni_json_node *odd;

    if (node == NULL || node->kind != NN_JSON_OBJECT)
        return nn_fail(CKKS_EFORMAT, "model: %s is absent or not an object",
                       where);
    odd = nni_json_unknown(doc, node, keys);
    if (odd != NULL)
        return nn_fail(CKKS_EFORMAT, "model: %s: unknown key \"%s\"", where,
                       odd->key);
    for (size_t i = 0; keys[i] != NULL; i++)
        if (nni_json_get(doc, node, keys[i]) == NULL)
            return nn_fail(CKKS_EFORMAT, "model: %s: key \"%s\" is missing",
                           where, keys[i]);
    return CKKS_OK;
}

ckks_status nni_load_name(char out[NN_NAME], const nni_json_node *node,
                         const char *where)
{
    if (node == NULL || node->kind != NN_JSON_STRING || node->length == 0
        || node->length >= NN_NAME)
        return nn_fail(CKKS_EFORMAT, "model: %s is not a text of 1..%d bytes",
                       where, NN_NAME - 1);
    if (!nni_printable(node->text))
        return nn_fail(CKKS_EFORMAT, "model: %s holds a control character",
                       where);
    memcpy(out, node->text, (size_t)node->length + 1);
    return CKKS_OK;
}

ckks_status nni_load_int(int *out, const nni_json_node *node, const char *where,
                        const char *key, int lo, int hi)
{
    int64_t v;

    if (!nni_json_int(&v, node, lo, hi))
        return nn_fail(CKKS_EFORMAT, "model: %s: %s is %s, want a whole number "
                       "in %d..%d", where, key,
                       node != NULL && node->text != NULL ? node->text
                                                          : "no number",
                       lo, hi);
    *out = (int)v;
    return CKKS_OK;
}

ckks_status nni_load_double(double *out, const nni_json_node *node,
                           const char *where, const char *key, double lo)
{
    if (node == NULL || node->kind != NN_JSON_DOUBLE || node->number < lo)
        return nn_fail(CKKS_EFORMAT, "model: %s: %s is %s, want a number%s",
                       where, key,
                       node != NULL && node->text != NULL ? node->text
                                                          : "no number",
                       lo == 0 ? " >= 0" : "");
    *out = node->number;
    return CKKS_OK;
}

nni_sides nni_sides_of(const nn_model *m, int z, int y, int x)
{
    nni_sides out;

    if (m->depth > 0)
        snprintf(out.text, sizeof out.text, "%d x %d x %d", z, y, x);
    else
        snprintf(out.text, sizeof out.text, "%d x %d", y, x);
    return out;
}

/* Each factor is capped: their product is below 2^60. */
ckks_status nni_load_check_map(const nn_model *m, const nn_layer *y)
{
    const int64_t numbers = (int64_t)y->channels * y->depth * y->height
                            * y->width;

    if (!m->blind || numbers <= NN_MAX_MAP)
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "model: layer %s: %d channels of %s are %lld "
                   "numbers, at most %lld", y->name, y->channels,
                   nni_sides_of(m, y->depth, y->height, y->width).text,
                   (long long)numbers, (long long)NN_MAX_MAP);
}

int nni_load_find(const nn_model *m, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(m->layer[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- the network --------------------------------------------------------- */
