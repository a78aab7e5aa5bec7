/* json_read.c -- reading JSON.  Its contract is in json.h.
 *
 * One pass, an explicit stack.  Keys and texts go to a pool of size + 1 bytes:
 * a string loses two quotes and gains a NUL, an escape is never shorter than
 * what it stands for, and a number is followed by a separator or the end, so
 * the pool cannot overflow.
 */
#include "format/json.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "nn.h"

typedef struct json_parser {
    const char *what;
    const uint8_t *text;
    size_t size, at;
    nni_json doc;
    size_t capacity, used;              /* nodes; bytes of the pool          */
    int depth;
    uint32_t open[NN_JSON_DEPTH];       /* the lists around the next value   */
    uint32_t last[NN_JSON_DEPTH];       /* their last member, 0: none yet    */
    ckks_status status;
} json_parser;

static bool json_fail(json_parser *p, size_t at, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

static bool json_fail(json_parser *p, size_t at, const char *format, ...)
{
    char reason[200];
    va_list ap;

    va_start(ap, format);
    vsnprintf(reason, sizeof reason, format, ap);
    va_end(ap);
    p->status = nn_fail(CKKS_EFORMAT, "%s: byte %zu: %s", p->what, at, reason);
    return false;
}

/* The byte at the reading place; -1 at the end. */
static int json_peek(const json_parser *p)
{
    return p->at < p->size ? p->text[p->at] : -1;
}

static bool json_wrong_byte(json_parser *p, const char *wanted)
{
    static const char *const none[] = { "NaN", "nan", "Infinity", "inf" };
    int c = json_peek(p);

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (p->size - p->at >= strlen(none[i])
            && memcmp(p->text + p->at, none[i], strlen(none[i])) == 0)
            return json_fail(p, p->at, "%s is no number: what was measured or "
                             "trained here has run away (docs/own.md)",
                             none[i]);
    if (c < 0)
        return json_fail(p, p->at, "the text ends, want %s", wanted);
    if (c > 0x20 && c < 0x7f)
        return json_fail(p, p->at, "'%c', want %s", c, wanted);
    return json_fail(p, p->at, "byte 0x%02x, want %s", (unsigned)c, wanted);
}

static void json_skip_space(json_parser *p)
{
    for (int c = json_peek(p); c == ' ' || c == '\t' || c == '\n' || c == '\r';
         c = json_peek(p))
        p->at++;
}

static void json_pool_code(json_parser *p, uint32_t code)
{
    uint8_t *to = (uint8_t *)p->doc.pool + p->used;

    if (code < 0x80) {
        to[0] = (uint8_t)code;
        p->used += 1;
    } else if (code < 0x800) {
        to[0] = (uint8_t)(0xc0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 0x3f));
        p->used += 2;
    } else if (code < 0x10000) {
        to[0] = (uint8_t)(0xe0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        to[2] = (uint8_t)(0x80 | (code & 0x3f));
        p->used += 3;
    } else {
        to[0] = (uint8_t)(0xf0 | code >> 18);
        to[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        to[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        to[3] = (uint8_t)(0x80 | (code & 0x3f));
        p->used += 4;
    }
}

static bool json_hex4(json_parser *p, uint32_t *out)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++, p->at++) {
        int c = json_peek(p);

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v << 4 | (uint32_t)(c - 'A' + 10);
        else
            return json_wrong_byte(p, "four hexadecimal digits after \\u");
    }
    *out = v;
    return true;
}

/* After the backslash and the u. */
static bool json_unicode(json_parser *p)
{
    size_t start = p->at - 2;
    uint32_t high, low;

    if (!json_hex4(p, &high))
        return false;
    if (high == 0)
        return json_fail(p, start, "U+0000 in a string");
    if (high >= 0xd800 && high < 0xdc00) {
        if (p->size - p->at < 2 || p->text[p->at] != '\\'
            || p->text[p->at + 1] != 'u')
            return json_fail(p, start, "half of a surrogate pair");
        p->at += 2;
        if (!json_hex4(p, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return json_fail(p, start, "half of a surrogate pair");
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    } else if (high >= 0xdc00 && high < 0xe000) {
        return json_fail(p, start, "half of a surrogate pair");
    }
    json_pool_code(p, high);
    return true;
}

static bool json_escape(json_parser *p)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c;
    const char *place;

    p->at++;
    c = json_peek(p);
    place = c > 0 ? strchr(from, c) : NULL;
    if (c == 'u') {
        p->at++;
        return json_unicode(p);
    }
    if (place == NULL)
        return json_wrong_byte(p, "one of \"\\/bfnrtu after a backslash");
    p->at++;
    json_pool_code(p, (uint32_t)to[place - from]);
    return true;
}

/* At the opening quote; *text is the decoded string in the pool. */
static bool json_string(json_parser *p, const char **text, uint32_t *length)
{
    size_t start = p->used;

    p->at++;
    for (;;) {
        int c = json_peek(p), n;

        if (c == '"')
            break;
        if (c < 0x20)                   /* or the end                        */
            return json_wrong_byte(p, "a character of a string");
        if (c == '\\') {
            if (!json_escape(p))
                return false;
            continue;
        }
        n = nni_utf8_length(p->text + p->at, p->size - p->at);
        if (n == 0)
            return json_fail(p, p->at, "0x%02x: not UTF-8", (unsigned)c);
        memcpy(p->doc.pool + p->used, p->text + p->at, (size_t)n);
        p->used += (size_t)n;
        p->at += (size_t)n;
    }
    p->at++;
    *text = p->doc.pool + start;
    *length = (uint32_t)(p->used - start);
    p->doc.pool[p->used++] = '\0';
    return true;
}

static bool json_digits(json_parser *p)
{
    size_t start = p->at;

    while (json_peek(p) >= '0' && json_peek(p) <= '9')
        p->at++;
    return p->at > start || json_wrong_byte(p, "a digit");
}

/* strtod with the decimal point of the locale the program runs in. */
static double json_to_double(const char *text)
{
    const char *point = localeconv()->decimal_point;
    const char *dot = strchr(text, '.');
    char local[NN_JSON_NUMBER + 16];

    if (dot == NULL || strcmp(point, ".") == 0 || strlen(point) > 8)
        return strtod(text, NULL);
    snprintf(local, sizeof local, "%.*s%s%s", (int)(dot - text), text, point,
             dot + 1);
    return strtod(local, NULL);
}

static bool json_number(json_parser *p, nni_json_node *node)
{
    size_t start = p->at, length;
    char *text = p->doc.pool + p->used;

    if (json_peek(p) == '-')
        p->at++;
    if (json_peek(p) == '0')
        p->at++;
    else if (!json_digits(p))
        return false;
    if (json_peek(p) == '.') {
        p->at++;
        if (!json_digits(p))
            return false;
    }
    if (json_peek(p) == 'e' || json_peek(p) == 'E') {
        p->at++;
        if (json_peek(p) == '+' || json_peek(p) == '-')
            p->at++;
        if (!json_digits(p))
            return false;
    }
    length = p->at - start;
    if (length > NN_JSON_NUMBER)
        return json_fail(p, start, "a number of %zu characters, at most %d",
                         length, NN_JSON_NUMBER);
    memcpy(text, p->text + start, length);
    text[length] = '\0';
    p->used += length + 1;
    node->kind = NN_JSON_DOUBLE;
    node->text = text;
    node->length = (uint32_t)length;
    node->number = json_to_double(text);
    if (!isfinite(node->number))
        return json_fail(p, start, "%s is too large for a double", text);
    return true;
}

static bool json_word(json_parser *p, nni_json_node *node)
{
    static const char *const word[] = { "null", "false", "true" };
    static const nni_json_kind kind[] = { NN_JSON_NULL, NN_JSON_FALSE,
                                         NN_JSON_TRUE };

    for (int i = 0; i < 3; i++) {
        size_t n = strlen(word[i]);

        if (p->size - p->at >= n && memcmp(p->text + p->at, word[i], n) == 0) {
            p->at += n;
            node->kind = kind[i];
            return true;
        }
    }
    return json_wrong_byte(p, "a value");
}

/* Appends a node to the innermost open list. */
static bool json_append(json_parser *p, const nni_json_node *node)
{
    nni_json *d = &p->doc;
    uint32_t place = (uint32_t)d->count;

    if (d->count == p->capacity) {
        size_t more = p->capacity == 0 ? 64 : 2 * p->capacity;
        nni_json_node *grown = realloc(d->node, more * sizeof *grown);

        if (grown == NULL) {
            p->status = nn_fail(CKKS_EMEM, "%s: no memory for %zu values",
                                p->what, more);
            return false;
        }
        d->node = grown;
        p->capacity = more;
    }
    d->node[d->count++] = *node;
    if (p->depth > 0) {
        uint32_t *last = &p->last[p->depth - 1];
        nni_json_node *list = &d->node[p->open[p->depth - 1]];

        if (*last == 0)
            list->first = place;
        else
            d->node[*last].next = place;
        *last = place;
        list->count++;
    }
    return true;
}

static int json_compare_keys(const void *a, const void *b)
{
    const nni_json_node *x = *(const nni_json_node *const *)a;
    const nni_json_node *y = *(const nni_json_node *const *)b;
    int c = strcmp(x->key, y->key);

    return c != 0 ? c : (x->offset > y->offset) - (x->offset < y->offset);
}

/* By sorting: a list of n keys costs n log n comparisons whatever they are. */
static bool json_check_keys(json_parser *p, const nni_json_node *object)
{
    const nni_json_node **sorted, *twice = NULL;
    size_t n = 0;

    if (object->count < 2)
        return true;
    sorted = malloc(object->count * sizeof *sorted);
    if (sorted == NULL) {
        p->status = nn_fail(CKKS_EMEM, "%s: no memory for %u keys", p->what,
                            (unsigned)object->count);
        return false;
    }
    for (uint32_t i = object->first; i != 0; i = p->doc.node[i].next)
        sorted[n++] = &p->doc.node[i];
    qsort(sorted, n, sizeof *sorted, json_compare_keys);
    for (size_t i = 1; i < n && twice == NULL; i++)
        if (strcmp(sorted[i]->key, sorted[i - 1]->key) == 0)
            twice = sorted[i];
    free(sorted);
    return twice == NULL || json_fail(p, twice->offset,
                                      "key \"%.60s\" for the second time",
                                      twice->key);
}

/* At a place where a value must stand: reads it, or opens the list it is. */
static bool json_value(json_parser *p, const char *key)
{
    nni_json_node node = { .offset = (uint32_t)p->at, .key = key };
    int c = json_peek(p);
    bool ok = true;

    if (c == '{' || c == '[') {
        if (p->depth == NN_JSON_DEPTH)
            return json_fail(p, p->at, "nested deeper than %d", NN_JSON_DEPTH);
        p->at++;
        node.kind = c == '{' ? NN_JSON_OBJECT : NN_JSON_ARRAY;
        if (!json_append(p, &node))
            return false;
        p->open[p->depth] = (uint32_t)(p->doc.count - 1);
        p->last[p->depth++] = 0;
        return true;
    }
    if (c == '"') {
        node.kind = NN_JSON_STRING;
        ok = json_string(p, &node.text, &node.length);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        ok = json_number(p, &node);
    } else {
        ok = json_word(p, &node);
    }
    return ok && json_append(p, &node);
}

static bool json_key(json_parser *p, const char **key)
{
    uint32_t length;

    if (json_peek(p) != '"')
        return json_wrong_byte(p, "a key in quotes");
    if (!json_string(p, key, &length))
        return false;
    json_skip_space(p);
    if (json_peek(p) != ':')
        return json_wrong_byte(p, "':'");
    p->at++;
    json_skip_space(p);
    return true;
}

/* Inside a list, before its next member or its end: one step. */
static bool json_member(json_parser *p)
{
    const nni_json_node *list = &p->doc.node[p->open[p->depth - 1]];
    bool object = list->kind == NN_JSON_OBJECT;
    const char *key = NULL;

    if (json_peek(p) == (object ? '}' : ']')) {
        p->at++;
        p->depth--;
        return !object || json_check_keys(p, list);
    }
    if (list->count > 0) {
        if (json_peek(p) != ',')
            return json_wrong_byte(p, object ? "',' or '}'" : "',' or ']'");
        p->at++;
        json_skip_space(p);
    }
    if (object && !json_key(p, &key))
        return false;
    return json_value(p, key);
}

ckks_status nni_json_load(nni_json *out, const char *what, const uint8_t *in,
                         size_t size)
{
    json_parser p = { .what = what, .text = in, .size = size };
    bool ok;

    if (out == NULL || what == NULL || (in == NULL && size > 0))
        return nn_fail(CKKS_EARG, "nni_json_load: null pointer");
    if (size > NN_JSON_SIZE)
        return nn_fail(CKKS_EFORMAT, "%s: %zu bytes of JSON, at most %d", what,
                       size, NN_JSON_SIZE);
    p.doc.pool = malloc(size + 1);
    if (p.doc.pool == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", what, size);
    json_skip_space(&p);
    ok = json_value(&p, NULL);
    for (json_skip_space(&p); ok && p.depth > 0; json_skip_space(&p))
        ok = json_member(&p);
    if (ok && p.at < p.size)
        ok = json_wrong_byte(&p, "the end");
    if (!ok) {
        nni_json_clear(&p.doc);
        return p.status;
    }
    nni_json_clear(out);
    *out = p.doc;
    return CKKS_OK;
}
