/* draw.c -- choices out of bytes, and JSON texts drawn value by value.
 *
 * Nothing here knows what the values mean: a field that a format gains is
 * drawn from the day it is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

unsigned fuzz_byte(fuzz_draw *d)
{
    if (d->left == 0)
        return 0;
    d->left--;
    return *d->at++;
}

unsigned fuzz_below(fuzz_draw *d, unsigned n)
{
    unsigned v = fuzz_byte(d);

    return (n > 256 ? v | fuzz_byte(d) << 8 : v) % n;
}

/* ---- values of a text ---------------------------------------------------- */

enum { VALUES = 4096 };

/* A scalar, or an object or list that stands in a list. */
typedef struct value {
    size_t from, to;
    bool listed;                /* in a list: may be repeated or lost        */
    bool scalar;
    bool inner;                 /* a list is around it, near or far          */
} value;

typedef struct text {
    char *s;
    value v[VALUES];
    unsigned count;
} text;

static size_t skip_string(const char *s, size_t i)
{
    for (i++; s[i] != '\0' && s[i] != '"'; i++)
        if (s[i] == '\\' && s[i + 1] != '\0')
            i++;
    return s[i] == '"' ? i + 1 : i;
}

static size_t skip_scalar(const char *s, size_t i)
{
    if (s[i] == '"')
        return skip_string(s, i);
    return i + strcspn(s + i, ",]}: \n\t\r");
}

/* All values of t->s; a key is not one. */
static void text_scan(text *t)
{
    const char *s = t->s;
    struct { char kind; unsigned value; } open[64];
    int depth = 0, lists = 0;
    size_t i = 0;

    t->count = 0;
    while (s[i] != '\0' && t->count < VALUES - 1) {
        bool list = depth > 0 && open[depth - 1].kind == '[';

        if (strchr(",: \n\t\r", s[i]) != NULL) {
            i++;
        } else if (s[i] == ']' || s[i] == '}') {
            i++;
            if (depth == 0)
                return;
            lists -= open[--depth].kind == '[';
            if (open[depth].value < VALUES)
                t->v[open[depth].value].to = i;
        } else if (s[i] == '[' || s[i] == '{') {
            if (depth == 64)
                return;
            lists += s[i] == '[';
            open[depth].kind = s[i];
            open[depth++].value = list ? t->count : VALUES;
            if (list)
                t->v[t->count++] = (value){ i, i + 1, true, false, true };
            i++;
        } else {
            size_t to = skip_scalar(s, i);

            if (to == i)
                return;
            if (s[to] != ':')
                t->v[t->count++] = (value){ i, to, list, true, lists > 0 };
            i = to;
        }
    }
}

/* `old` bytes at `from` become the text `with`. */
static void text_put(text *t, size_t from, size_t old, const char *with)
{
    const size_t n = strlen(t->s), k = strlen(with);
    char *s = fuzz_room(n - old + k + 1);

    memcpy(s, t->s, from);
    memcpy(s + from, with, k);
    memcpy(s + from + k, t->s + from + old, n - from - old + 1);
    fuzz_free(t->s);
    t->s = s;
}

/* ---- edges --------------------------------------------------------------- */

enum { SMALL = 8 };              /* of the numbers, taken more often          */

static const char *const numbers[] = {
    "0", "1", "-1", "2", "3", "4", "5", "6", "7", "8", "10", "12", "15", "16",
    "17", "18", "31", "32", "60", "61", "62", "63", "64", "65", "100", "127",
    "128", "129", "192", "255", "256", "257", "512", "1024", "4095", "4096",
    "4097", "10000", "16384", "16385", "65535", "65536", "65537", "131071",
    "131072", "131073", "1048576", "268435456", "2147483647", "2147483648",
    "-2147483648", "4294967295", "4294967296", "1152921504606846976",
    "2305843009213693951", "9223372036854775807", "9223372036854775808",
    "18446744073709551615", "18446744073709551616", "0.5", "-0.0", "1.5",
    "0.9999999999999999", "1e-300", "5e-324", "1e15", "1e18", "1e150", "1e300",
    "-1e300", "1.7976931348623157e308", "1e309", "NaN", "Infinity", "1e"
};
static const char *const texts[] = {
    "\"\"", "\"wrap\"", "\"halo\"", "\"zero\"", "\"valid\"", "\"relin\"",
    "\"rotate\"", "\"conj\"", "\"conv\"", "\"tconv\"", "\"pool\"",
    "\"square\"", "\"quadratic\"", "\"batchnorm\"", "\"concat\"", "\"dense\"",
    "\"F32\"", "\"image\"", "\"a\"", "\"\\u001b[31mred\"", "\"=cmd|x\"",
    "\"a,\\\"b\\\"\\r\\n\"", "\"\\u202e\"", "\"\\u0000\"", "\"\\ud800\"",
    "\"\xff\"", "\"/../\\u00e9\"",
    "\"0123456789012345678901234567890123456789012345678901234567890\"",
    "\"012345678901234567890123456789012345678901234567890123456789012\"",
    "\"0123456789012345678901234567890123456789012345678901234567890123\""
};
static const char *const words[] = { "true", "false", "null", "[]", "{}",
                                     "[0]", "[[[[]]]]", "" };

#define PICK(d, list) list[fuzz_below(d, sizeof list / sizeof *list)]

static const char *edge(fuzz_draw *d, char first)
{
    unsigned kind = fuzz_below(d, 16);

    if (kind == 15)
        return PICK(d, words);
    if (kind == 14)
        return first == '"' ? PICK(d, numbers) : PICK(d, texts);
    if (first == '"')
        return PICK(d, texts);
    if (first == 't' || first == 'f')
        return words[kind % 2];
    return kind < 9 ? numbers[fuzz_below(d, SMALL)] : PICK(d, numbers);
}

/* A number near or of the size of the one that stands there. */
static void near_number(char out[64], fuzz_draw *d, const char *old)
{
    double x = strtod(old, NULL);
    long long k = x > -9e18 && x < 9e18 ? (long long)x : 0;

    switch (fuzz_below(d, 7)) {
    case 0: snprintf(out, 64, "%lld", k + 1); break;
    case 1: snprintf(out, 64, "%lld", k - 1); break;
    case 2: snprintf(out, 64, "%.17g", 2 * x); break;
    case 3: snprintf(out, 64, "%lld", k / 2); break;
    case 4: snprintf(out, 64, "%.17g", x / 2); break;
    case 5: snprintf(out, 64, "%.17g", x * (1 + 0x1p-30)); break;
    default: snprintf(out, 64, "%.17g", -x); break;
    }
}

/* ---- changes ------------------------------------------------------------- */

/* One more, or very many more, of an element of a list; or one less. */
static void change_list(text *t, fuzz_draw *d, const value *v)
{
    const size_t n = v->to - v->from;
    const unsigned how = fuzz_below(d, 6);
    const size_t times = how == 5 ? 1 + fuzz_byte(d) : 1;
    char *more;

    if (how == 0) {             /* with the comma behind it, or before       */
        size_t from = v->from, to = v->to;

        if (t->s[to] == ',')
            to++;
        else if (from > 0 && t->s[from - 1] == ',')
            from--;
        text_put(t, from, to - from, "");
        return;
    }
    if (n * times > 1 << 16)
        return;
    more = fuzz_room((n + 1) * times + 1);
    for (size_t i = 0; i < times; i++) {
        memcpy(more + i * (n + 1), t->s + v->from, n);
        more[i * (n + 1) + n] = ',';
    }
    text_put(t, v->from, 0, more);
    fuzz_free(more);
}

/* Three times of four a value that stands alone: lists are long, and would
 * hide it. */
static unsigned choose(const text *t, fuzz_draw *d)
{
    unsigned k = fuzz_below(d, VALUES) % t->count;

    if (fuzz_below(d, 4) < 3)
        for (unsigned i = 0; i < t->count && t->v[k].inner; i++)
            k = (k + 29) % t->count;
    return k;
}

/* A value becomes an edge, or a number near it; it and its neighbour become the
 * same; it becomes what another one is. */
static void change(text *t, fuzz_draw *d)
{
    char number[64], *copy;
    unsigned i, how;
    const value *v, *w;

    text_scan(t);
    if (t->count == 0)
        return;
    i = choose(t, d);
    how = fuzz_below(d, 16);
    v = &t->v[i];
    if (!v->scalar || (v->listed && how < 4)) {
        change_list(t, d, v);
    } else if (how < 8) {
        text_put(t, v->from, v->to - v->from, edge(d, t->s[v->from]));
    } else if (how < 12 && t->s[v->from] != '"') {
        near_number(number, d, t->s + v->from);
        text_put(t, v->from, v->to - v->from, number);
    } else if (how < 14 && i + 1 < t->count && t->v[i + 1].scalar) {
        const char *with = t->s[v->from] == '"' ? PICK(d, texts)
                                                : PICK(d, numbers);

        w = v + 1;
        text_put(t, w->from, w->to - w->from, with);
        text_put(t, v->from, v->to - v->from, with);
    } else {                    /* what another has, mostly a neighbour      */
        unsigned k = fuzz_below(d, 32);

        k = k < 24 ? i + k + t->count - 12 : fuzz_below(d, VALUES);
        w = &t->v[k % t->count];
        copy = fuzz_room(w->to - w->from + 1);
        memcpy(copy, t->s + w->from, w->to - w->from);
        text_put(t, v->from, v->to - v->from, copy);
        fuzz_free(copy);
    }
}

char *fuzz_draw_json(fuzz_draw *d, const char *from)
{
    static const unsigned several[] = { 0, 1, 1, 1, 1, 2, 2, 3 };
    static text t;
    unsigned changes = PICK(d, several);

    t.s = fuzz_room(strlen(from) + 1);
    strcpy(t.s, from);
    for (unsigned i = 0; i < changes && strlen(t.s) < FUZZ_LARGEST / 4; i++)
        change(&t, d);
    return t.s;
}
