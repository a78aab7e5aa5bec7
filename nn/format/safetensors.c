/* safetensors.c -- the container of a model file.  docs/model.md. */
#include "format/safetensors.h"

#include <stdlib.h>
#include <string.h>

void nni_shape_describe(char *out, size_t size, const int64_t *shape, int rank)
{
    size_t at = 0;
    int n = snprintf(out, size, "[");

    for (int i = 0; i < rank && n >= 0 && at + (size_t)n < size; i++) {
        const char *comma = i > 0 ? ", " : "";

        at += (size_t)n;
        if (shape[i] < 0)
            n = snprintf(out + at, size - at, "%sany", comma);
        else
            n = snprintf(out + at, size - at, "%s%lld", comma,
                         (long long)shape[i]);
    }
    if (n >= 0 && at + (size_t)n < size)
        snprintf(out + at + n, size - at - (size_t)n, "]");
}

/* shape: 0..4 lengths.  *bytes = 4 times their product, at most limit. */
static ckks_status tensor_shape(nni_tensor *t, size_t *bytes,
                                const nni_json *doc, const nni_json_node *shape,
                                size_t limit)
{
    size_t product = 1;

    if (shape == NULL || shape->kind != NN_JSON_ARRAY
        || shape->count > NN_TENSOR_RANK)
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: shape is not a list of "
                       "at most %d lengths", t->name, NN_TENSOR_RANK);
    for (const nni_json_node *n = nni_json_first(doc, shape); n != NULL;
         n = nni_json_next(doc, n)) {
        int64_t *length = &t->shape[t->rank++];

        if (!nni_json_int(length, n, 0, INT32_MAX))
            return nn_fail(CKKS_EFORMAT, "model: tensor %s: length %d of the "
                           "shape is not a whole number in 0..2^31-1",
                           t->name, t->rank - 1);
        if (*length > 0 && product > limit / 4 / (size_t)*length)
            return nn_fail(CKKS_EFORMAT, "model: tensor %s: its shape needs "
                           "more than the file's %zu bytes", t->name, limit);
        product *= (size_t)*length;
    }
    *bytes = 4 * product;
    return CKKS_OK;
}

/* data_offsets: [begin, end] in the data of `limit` bytes. */
static ckks_status tensor_offsets(nni_tensor *t, const nni_json *doc,
                                  const nni_json_node *pair, size_t limit)
{
    const nni_json_node *first = nni_json_first(doc, pair);
    uint64_t begin = 0, end = 0;

    if (pair == NULL || pair->kind != NN_JSON_ARRAY || pair->count != 2
        || !nni_json_word(&begin, first)
        || !nni_json_word(&end, nni_json_next(doc, first)))
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: data_offsets is not a "
                       "pair of whole numbers", t->name);
    if (begin > end || end > limit)
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: data_offsets %llu..%llu"
                       " in %zu bytes of data", t->name,
                       (unsigned long long)begin, (unsigned long long)end,
                       limit);
    t->begin = (size_t)begin;
    t->end = (size_t)end;
    return CKKS_OK;
}

static ckks_status tensor_load(nni_tensor *t, const nni_json *doc,
                               const nni_json_node *entry, size_t limit)
{
    static const char *const keys[] = { "dtype", "shape", "data_offsets",
                                        NULL };
    const nni_json_node *odd = nni_json_unknown(doc, entry, keys);
    const nni_json_node *dtype = nni_json_get(doc, entry, "dtype");
    ckks_status s;
    size_t bytes = 0;
    char text[80];

    t->name = entry->key;
    if (entry->kind != NN_JSON_OBJECT)
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: not an object",
                       t->name);
    if (odd != NULL)
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: unknown key \"%s\"",
                       t->name, odd->key);
    if (dtype == NULL || dtype->kind != NN_JSON_STRING
        || strcmp(dtype->text, "F32") != 0)
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: dtype %s, only F32 is "
                       "taken", t->name,
                       dtype != NULL && dtype->text != NULL ? dtype->text
                                                            : "absent");
    s = tensor_shape(t, &bytes, doc, nni_json_get(doc, entry, "shape"), limit);
    if (s == CKKS_OK)
        s = tensor_offsets(t, doc, nni_json_get(doc, entry, "data_offsets"),
                           limit);
    if (s != CKKS_OK || t->end - t->begin == bytes)
        return s;
    nni_shape_describe(text, sizeof text, t->shape, t->rank);
    return nn_fail(CKKS_EFORMAT, "model: tensor %s: shape %s needs %zu bytes, "
                   "data_offsets %zu..%zu hold %zu", t->name, text, bytes,
                   t->begin, t->end, t->end - t->begin);
}

static int tensor_compare(const void *a, const void *b)
{
    const nni_tensor *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* In the order of their data the tensors touch each other and both ends. */
static ckks_status tensors_check_cover(const nni_safetensors *f, size_t limit)
{
    size_t at = 0;

    for (size_t i = 0; i < f->count; i++) {
        const nni_tensor *t = &f->tensor[i];

        if (t->begin != at)
            return nn_fail(CKKS_EFORMAT, "model: tensor %s begins at byte %zu "
                           "of the data, the one before it ends at %zu (%s)",
                           t->name, t->begin, at,
                           t->begin < at ? "overlap" : "hole");
        at = t->end;
    }
    if (at != limit)
        return nn_fail(CKKS_EFORMAT, "model: the tensors end at byte %zu of "
                       "the data, the file at %zu", at, limit);
    return CKKS_OK;
}

static ckks_status tensors_load(nni_safetensors *f, size_t limit)
{
    const nni_json_node *root = f->header.node;
    ckks_status s = CKKS_OK;

    if (root->count > NN_MAX_TENSORS)
        return nn_fail(CKKS_EFORMAT, "model: %u entries in the header, at most "
                       "%d", (unsigned)root->count, NN_MAX_TENSORS);
    f->tensor = calloc((size_t)root->count + 1, sizeof *f->tensor);
    if (f->tensor == NULL)
        return nn_fail(CKKS_EMEM, "model: no memory for %u tensors",
                       (unsigned)root->count);
    for (const nni_json_node *n = nni_json_first(&f->header, root);
         n != NULL && s == CKKS_OK; n = nni_json_next(&f->header, n)) {
        if (strcmp(n->key, "__metadata__") == 0)
            f->metadata = n;
        else
            s = tensor_load(&f->tensor[f->count++], &f->header, n, limit);
    }
    if (s != CKKS_OK)
        return s;
    qsort(f->tensor, f->count, sizeof *f->tensor, tensor_compare);
    return tensors_check_cover(f, limit);
}

static ckks_status tensors_load_data(nni_safetensors *f, const uint8_t *in,
                                     size_t size)
{
    f->data_count = size / 4;
    f->data = malloc(size + 1);
    if (f->data == NULL)
        return nn_fail(CKKS_EMEM, "model: no memory for %zu bytes of data",
                       size);
    for (size_t i = 0; i < f->data_count; i++) {
        uint32_t word = (uint32_t)in[4 * i] | (uint32_t)in[4 * i + 1] << 8
                      | (uint32_t)in[4 * i + 2] << 16
                      | (uint32_t)in[4 * i + 3] << 24;

        memcpy(&f->data[i], &word, 4);
    }
    return CKKS_OK;
}

_Static_assert(sizeof(float) == 4, "tensors are read as IEEE single floats");

ckks_status nni_safetensors_load(nni_safetensors *out, const uint8_t *in,
                                size_t size)
{
    nni_safetensors f = {0};
    uint64_t length = 0;
    ckks_status s;

    if (size < 8)
        return nn_fail(CKKS_EFORMAT, "model: %zu bytes, too short for the "
                       "header's length", size);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | in[i];
    if (length > NN_MAX_HEADER || length > size - 8)
        return nn_fail(CKKS_EFORMAT, "model: a header of %llu bytes in a file "
                       "of %zu; at most %d", (unsigned long long)length, size,
                       NN_MAX_HEADER);
    s = nni_json_load(&f.header, "model: header", in + 8, (size_t)length);
    if (s != CKKS_OK)
        return s;
    in += 8 + length;
    size -= 8 + (size_t)length;
    if (f.header.node->kind != NN_JSON_OBJECT)
        s = nn_fail(CKKS_EFORMAT, "model: the header is not a JSON object");
    if (s == CKKS_OK)
        s = tensors_load(&f, size);
    if (s == CKKS_OK)
        s = tensors_load_data(&f, in, size);
    if (s != CKKS_OK) {
        nni_safetensors_clear(&f);
        return s;
    }
    *out = f;
    return CKKS_OK;
}

void nni_safetensors_clear(nni_safetensors *t)
{
    nni_json_clear(&t->header);
    free(t->tensor);
    free(t->data);
    memset(t, 0, sizeof *t);
}

nni_tensor *nni_safetensors_get(const nni_safetensors *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->tensor[i].name, name) == 0)
            return &t->tensor[i];
    return NULL;
}
