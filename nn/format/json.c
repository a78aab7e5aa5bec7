/* json.c -- looking into a JSON text that was read.  Contract: json.h. */
#include "format/json.h"

#include <stdlib.h>
#include <string.h>

int nni_utf8_length(const uint8_t *s, size_t size)
{
    int length;
    uint32_t code;

    if (size == 0 || s[0] < 0x80)
        return size == 0 ? 0 : 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)     /* a tail, an overlong, too large    */
        return 0;
    length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (size < (size_t)length)
        return 0;
    code = s[0] & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3fu);
    }
    if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000)
        || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return length;
}

void nni_json_clear(nni_json *doc)
{
    if (doc == NULL)
        return;
    free(doc->node);
    free(doc->pool);
    memset(doc, 0, sizeof *doc);
}

const nni_json_node *nni_json_first(const nni_json *doc,
                                    const nni_json_node *list)
{
    return list == NULL || list->first == 0 ? NULL : &doc->node[list->first];
}

const nni_json_node *nni_json_next(const nni_json *doc,
                                   const nni_json_node *node)
{
    return node == NULL || node->next == 0 ? NULL : &doc->node[node->next];
}

const nni_json_node *nni_json_get(const nni_json *doc,
                                  const nni_json_node *object, const char *key)
{
    if (object == NULL || object->kind != NN_JSON_OBJECT)
        return NULL;
    for (const nni_json_node *n = nni_json_first(doc, object); n != NULL;
         n = nni_json_next(doc, n))
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

const nni_json_node *nni_json_unknown(const nni_json *doc,
                                    const nni_json_node *object,
                                    const char *const *keys)
{
    if (object == NULL || object->kind != NN_JSON_OBJECT)
        return NULL;
    for (const nni_json_node *n = nni_json_first(doc, object); n != NULL;
         n = nni_json_next(doc, n)) {
        size_t i = 0;

        while (keys[i] != NULL && strcmp(keys[i], n->key) != 0)
            i++;
        if (keys[i] == NULL)
            return n;
    }
    return NULL;
}

bool nni_json_word(uint64_t *out, const nni_json_node *node)
{
    uint64_t v = 0;

    if (node == NULL || node->kind != NN_JSON_DOUBLE)
        return false;
    for (const char *s = node->text; *s != '\0'; s++) {
        uint64_t digit = (uint64_t)(*s - '0');

        if (*s < '0' || *s > '9' || v > (UINT64_MAX - digit) / 10)
            return false;
        v = 10 * v + digit;
    }
    *out = v;
    return true;
}

bool nni_json_int(int64_t *out, const nni_json_node *node, int64_t lo,
                 int64_t hi)
{
    nni_json_node positive;
    uint64_t word;
    int64_t v;
    bool negative;

    if (node == NULL || node->kind != NN_JSON_DOUBLE)
        return false;
    positive = *node;
    negative = node->text[0] == '-';
    positive.text += negative;
    if (!nni_json_word(&word, &positive) || word > INT64_MAX)
        return false;
    v = negative ? -(int64_t)word : (int64_t)word;
    if (v < lo || v > hi)
        return false;
    *out = v;
    return true;
}
