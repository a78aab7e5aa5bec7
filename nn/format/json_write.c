/* json_write.c -- writing JSON.  Its contract is in json.h. */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "nn.h"

void nni_json_writer_init(nni_json_writer *w, FILE *file, int indent)
{
    memset(w, 0, sizeof *w);
    w->file = file;
    w->indent = indent;
    w->empty = true;
}

void nni_json_writer_clear(nni_json_writer *w)
{
    if (w == NULL)
        return;
    free(w->data);
    memset(w, 0, sizeof *w);
}

static void json_out(nni_json_writer *w, const char *text, size_t n)
{
    if (w->status != CKKS_OK)
        return;
    if (w->file != NULL) {
        if (fwrite(text, 1, n, w->file) != n)
            w->status = nn_fail(CKKS_EIO, "json: the file takes no more");
        return;
    }
    if (w->capacity - w->size <= n) {               /* room for a NUL        */
        size_t more = 2 * (w->capacity + n) + 256;
        char *grown = realloc(w->data, more);

        if (grown == NULL) {
            w->status = nn_fail(CKKS_EMEM, "json: no memory for %zu bytes",
                                more);
            return;
        }
        w->data = grown;
        w->capacity = more;
    }
    memcpy(w->data + w->size, text, n);
    w->size += n;
    w->data[w->size] = '\0';
}

static void json_out_text(nni_json_writer *w, const char *text)
{
    json_out(w, text, strlen(text));
}

static void json_out_line(nni_json_writer *w)
{
    static const char blank[] = "                ";
    int n = w->indent * w->depth;

    if (w->indent <= 0)
        return;
    json_out(w, "\n", 1);
    for (; n > 0; n -= 16)
        json_out(w, blank, n < 16 ? (size_t)n : 16);
}

static void json_out_string(nni_json_writer *w, const char *s)
{
    size_t size = strlen(s);
    char code[8];

    json_out(w, "\"", 1);
    for (size_t i = 0; i < size; ) {
        unsigned char c = (unsigned char)s[i];
        int n = nni_utf8_length((const uint8_t *)s + i, size - i);

        if (n == 0) {
            json_out_text(w, "\xef\xbf\xbd");
        } else if (c == '"' || c == '\\') {
            json_out(w, "\\", 1);
            json_out(w, s + i, 1);
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(code, sizeof code, "\\u%04x", c);
            json_out_text(w, code);
        } else {
            json_out(w, s + i, (size_t)n);
        }
        i += n > 0 ? (size_t)n : 1;
    }
    json_out(w, "\"", 1);
}

/* Comma, line and key before a value. */
static void json_before(nni_json_writer *w, const char *key)
{
    if (w->depth > 0) {
        if (!w->empty)
            json_out_text(w, w->indent > 0 ? "," : ", ");
        json_out_line(w);
    } else if (!w->empty && w->status == CKKS_OK) {
        w->status = nn_fail(CKKS_EARG, "json: a second value");
    }
    w->empty = false;
    if (key != NULL) {
        json_out_string(w, key);
        json_out_text(w, ": ");
    }
}

static void json_open(nni_json_writer *w, const char *key, char closing)
{
    if (w->status == CKKS_OK && w->depth == NN_JSON_DEPTH)
        w->status = nn_fail(CKKS_EARG, "json: nested deeper than %d",
                            NN_JSON_DEPTH);
    if (w->status != CKKS_OK)
        return;
    json_before(w, key);
    json_out(w, closing == '}' ? "{" : "[", 1);
    w->closing[w->depth++] = closing;
    w->empty = true;
}

void nni_json_put_object(nni_json_writer *w, const char *key)
{
    json_open(w, key, '}');
}

void nni_json_put_array(nni_json_writer *w, const char *key)
{
    json_open(w, key, ']');
}

void nni_json_put_end(nni_json_writer *w)
{
    if (w->status == CKKS_OK && w->depth == 0)
        w->status = nn_fail(CKKS_EARG, "json: an end and no list is open");
    if (w->status != CKKS_OK)
        return;
    w->depth--;
    if (!w->empty)
        json_out_line(w);
    json_out(w, &w->closing[w->depth], 1);
    w->empty = false;
}

void nni_json_put_string(nni_json_writer *w, const char *key, const char *value)
{
    json_before(w, key);
    json_out_string(w, value);
}

/* 17 digits name a double; fewer are written where they do, too. */
void nni_json_put_double(nni_json_writer *w, const char *key, double value)
{
    char text[64];
    const char *point = localeconv()->decimal_point;
    char *place;

    if (!isfinite(value)) {
        if (w->status == CKKS_OK)
            w->status = nn_fail(CKKS_EARG, "json: %s is not finite",
                                key != NULL ? key : "a number");
        return;
    }
    snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)    /* both in the program's locale      */
        snprintf(text, sizeof text, "%.17g", value);
    place = strcmp(point, ".") != 0 ? strstr(text, point) : NULL;
    if (place != NULL) {
        size_t n = strlen(point);

        *place = '.';
        memmove(place + 1, place + n, strlen(place + n) + 1);
    }
    json_before(w, key);
    json_out_text(w, text);
}

void nni_json_put_int(nni_json_writer *w, const char *key, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)value);
    json_before(w, key);
    json_out_text(w, text);
}

void nni_json_put_word(nni_json_writer *w, const char *key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_before(w, key);
    json_out_text(w, text);
}

void nni_json_put_bool(nni_json_writer *w, const char *key, bool value)
{
    json_before(w, key);
    json_out_text(w, value ? "true" : "false");
}

void nni_json_put_null(nni_json_writer *w, const char *key)
{
    json_before(w, key);
    json_out_text(w, "null");
}

ckks_status nni_json_writer_finish(nni_json_writer *w)
{
    if (w->status == CKKS_OK && w->depth > 0)
        w->status = nn_fail(CKKS_EARG, "json: %d lists left open", w->depth);
    json_out(w, "\n", 1);
    if (w->status == CKKS_OK && w->file != NULL && fflush(w->file) != 0)
        w->status = nn_fail(CKKS_EIO, "json: the file takes no more");
    return w->status;
}
