/* layer_tensor.c -- the tensors that a layer of a model file names.
 *
 * Read first: loader.h.
 */
#include <math.h>
#include <string.h>

#include "format/loader.h"

ckks_status nni_load_tensor(const float **out, nni_loader *l,
                            const nn_layer *y, const nni_json_node *node,
                            const char *key, int64_t *shape, int rank)
{
    const nni_json_node *name = nni_json_get(&l->net, node, key);
    nni_tensor *t;
    bool fits;
    char got[80], want[80];

    if (name == NULL || name->kind != NN_JSON_STRING)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: %s is not a tensor's "
                       "name", y->name, key);
    t = nni_safetensors_get(&l->file, name->text);
    if (t == NULL)
        return nn_fail(CKKS_EFORMAT, "model: layer %s: %s: there is no tensor "
                       "%s", y->name, key, name->text);
    fits = t->rank == rank;
    for (int i = 0; i < rank && fits; i++)
        fits = shape[i] < 0 ? t->shape[i] >= 1 && t->shape[i] <= NN_MAX_CHANNELS
                            : t->shape[i] == shape[i];
    if (!fits) {
        nni_shape_describe(got, sizeof got, t->shape, t->rank);
        nni_shape_describe(want, sizeof want, shape, rank);
        return nn_fail(CKKS_EFORMAT, "model: layer %s: %s: tensor %s has shape "
                       "%s, want %s (any: 1..%d)", y->name, key, t->name, got,
                       want, NN_MAX_CHANNELS);
    }
    memcpy(shape, t->shape, (size_t)rank * sizeof *shape);
    *out = l->file.data + t->first;
    for (size_t i = 0; i < t->count; i++)
        if (!isfinite((*out)[i]))
            return nn_fail(CKKS_EFORMAT, "model: layer %s: %s: entry %zu of "
                           "tensor %s is %g", y->name, key, i, t->name,
                           (double)(*out)[i]);
    t->used = true;
    return CKKS_OK;
}

ckks_status nni_load_vector(const float **out, nni_loader *l,
                            const nn_layer *y, const nni_json_node *node,
                            const char *key)
{
    int64_t shape[1] = { y->channels };

    return nni_load_tensor(out, l, y, node, key, shape, 1);
}
