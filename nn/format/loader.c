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

int nni_load_find(const nn_model *m, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(m->layer[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- the network --------------------------------------------------------- */
