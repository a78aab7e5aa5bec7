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

static size_t tensor_number(const nni_tensor *t)
{
    return t->half ? 2 : 4;
}

/* shape: 0..5 lengths.  t->count is their product, of at most limit bytes. */
static ckks_status tensor_shape(nni_tensor *t, const nni_json *doc,
                                const nni_json_node *shape, size_t limit)
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
        if (*length > 0
            && product > limit / tensor_number(t) / (size_t)*length)
            return nn_fail(CKKS_EFORMAT, "model: tensor %s: its shape needs "
                           "more than the file's %zu bytes", t->name, limit);
        product *= (size_t)*length;
    }
    t->count = product;
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
    size_t bytes;
    char text[80];

    t->name = entry->key;
    if (entry->kind != NN_JSON_OBJECT)
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: not an object",
                       t->name);
    if (odd != NULL)
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: unknown key \"%s\"",
                       t->name, odd->key);
    if (dtype == NULL || dtype->kind != NN_JSON_STRING
        || (strcmp(dtype->text, "F32") != 0
            && strcmp(dtype->text, "F16") != 0))
        return nn_fail(CKKS_EFORMAT, "model: tensor %s: dtype %s, only F32 and "
                       "F16 are taken", t->name,
                       dtype != NULL && dtype->text != NULL ? dtype->text
                                                            : "absent");
    t->half = strcmp(dtype->text, "F16") == 0;
    s = tensor_shape(t, doc, nni_json_get(doc, entry, "shape"), limit);
    if (s == CKKS_OK)
        s = tensor_offsets(t, doc, nni_json_get(doc, entry, "data_offsets"),
                           limit);
    bytes = tensor_number(t) * t->count;
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

/* In the order of their data the tensors touch each other and both ends; their
 * numbers are numbered in that order. */
static ckks_status tensors_check_cover(nni_safetensors *f, size_t limit)
{
    size_t at = 0;

    for (size_t i = 0; i < f->count; i++) {
        nni_tensor *t = &f->tensor[i];

        t->first = f->data_count;
        f->data_count += t->count;
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

/* The 32 bits of the single float that a half float's 16 bits stand for: 1 bit
 * of sign, 5 of exponent e, 10 of fraction f, (-1)^sign times
 *
 *     2^(e - 15) (1 + f / 2^10)    0 < e < 31
 *     2^-24 f                      e = 0
 *     infinity if f = 0, else NaN  e = 31
 *
 * Every one is a single float: those have 8 bits of exponent, biased by 127,
 * and 23 of fraction.  For e = 0 and f > 0 with k leading zeros among its 10
 * bits, 2^-24 f = 2^(-15 - k) times a number in [1, 2). */
static uint32_t half_word(uint32_t half)
{
    const uint32_t sign = (half & 0x8000) << 16;
    uint32_t e = half >> 10 & 31, f = half & 1023;

    if (e == 31)
        return sign | 255u << 23 | f << 13;
    if (e > 0)
        return sign | (e + 127 - 15) << 23 | f << 13;
    if (f == 0)
        return sign;
    for (e = 127 - 14; f < 1024; e--)
        f <<= 1;
    return sign | e << 23 | (f & 1023) << 13;
}

static void tensor_read(float *out, const nni_tensor *t, const uint8_t *in)
{
    for (size_t i = 0; i < t->count; i++, in += tensor_number(t)) {
        uint32_t word = (uint32_t)in[0] | (uint32_t)in[1] << 8;

        if (t->half)
            word = half_word(word);
        else
            word |= (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
        memcpy(&out[i], &word, 4);
    }
}

/* Halves take twice their bytes: data_count is at most size / 2. */
static ckks_status tensors_load_data(nni_safetensors *f, const uint8_t *in)
{
    if (f->data_count > SIZE_MAX / 4 - 1)
        return nn_fail(CKKS_EMEM, "model: no memory for %zu numbers",
                       f->data_count);
    f->data = malloc(4 * f->data_count + 1);
    if (f->data == NULL)
        return nn_fail(CKKS_EMEM, "model: no memory for %zu bytes of data",
                       4 * f->data_count);
    for (size_t i = 0; i < f->count; i++)
        tensor_read(f->data + f->tensor[i].first, &f->tensor[i],
                    in + f->tensor[i].begin);
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
        s = tensors_load_data(&f, in);
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
