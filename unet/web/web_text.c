/* web_text.c -- printf.  Contract in web_text.h. */
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "web_text.h"

/* Where it goes: what is beyond size is counted only. */
typedef struct text_out {
    char *out;
    size_t size, at;
} text_out;

/* One conversion. */
typedef struct text_form {
    bool alternate, zero, plus, blank;
    int width, precision;       /* precision: -1 none given                  */
    int longs;                  /* 2: long long; size_t is as long as long   */
    char kind;
} text_form;

/* Room for a number's text: 309 digits, point, precision. */
enum { PRECISION = 99, NUMBER = 512 };

static void text_put(text_out *t, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++, t->at++)
        if (t->at < t->size)
            t->out[t->at] = from[i];
}

static void text_fill(text_out *t, char c, int n)
{
    for (; n > 0; n--)
        text_put(t, &c, 1);
}

/* A sign or 0x, zeros or blanks before them, then n digits or letters. */
static void text_field(text_out *t, const text_form *f, const char *prefix,
                       const char *body, size_t n)
{
    const size_t head = strlen(prefix);
    const int pad = f->width - (int)(head + n);

    text_fill(t, ' ', f->zero ? 0 : pad);
    text_put(t, prefix, head);
    text_fill(t, '0', f->zero ? pad : 0);
    text_put(t, body, n);
}

static const char *sign_of(const text_form *f, bool minus)
{
    return minus ? "-" : f->plus ? "+" : f->blank ? " " : "";
}

/* ---- integers ------------------------------------------------------------ */

static void put_word(text_out *t, const text_form *f, const char *prefix,
                     uint64_t x)
{
    const unsigned base = f->kind == 'x' ? 16 : f->kind == 'o' ? 8 : 10;
    char text[24];
    size_t at = sizeof text;

    if (f->alternate && x != 0 && base != 10)
        prefix = base == 16 ? "0x" : "0";
    do
        text[--at] = "0123456789abcdef"[x % base];
    while ((x /= base) != 0);
    text_field(t, f, prefix, text + at, sizeof text - at);
}

static void put_integer(text_out *t, const text_form *f, va_list *args)
{
    if (f->kind == 'd') {
        const int64_t x = f->longs > 1 ? va_arg(*args, long long)
                          : f->longs > 0 ? va_arg(*args, long)
                          : va_arg(*args, int);

        put_word(t, f, sign_of(f, x < 0),
                 x < 0 ? -(uint64_t)x : (uint64_t)x);
    } else {
        put_word(t, f, "", f->longs > 1 ? va_arg(*args, unsigned long long)
                           : f->longs > 0 ? va_arg(*args, unsigned long)
                           : va_arg(*args, unsigned));
    }
}

/* ---- doubles ------------------------------------------------------------- */

/* The digits of 10^from down to 10^to, the point before 10^-1. */
static size_t digits_between(char *text, const char *digit, int n, int exponent,
                             int from, int to)
{
    size_t at = 0;

    for (int power = from; power >= to; power--) {
        const int i = exponent - power;

        if (power == -1)
            text[at++] = '.';
        text[at++] = i >= 0 && i < n ? digit[i] : '0';
    }
    return at;
}

/* e+dd behind a number. */
static size_t exponent_text(char *text, int e)
{
    size_t at = 0;

    text[at++] = 'e';
    text[at++] = e < 0 ? '-' : '+';
    e = e < 0 ? -e : e;
    if (e >= 100)
        text[at++] = (char)('0' + e / 100);
    text[at++] = (char)('0' + e / 10 % 10);
    text[at++] = (char)('0' + e % 10);
    return at;
}

/* %g: as many places as there are digits; an exponent where they are far off
 * the point. */
static size_t general_text(char *text, const char *digit, int n, int exponent,
                           int precision)
{
    size_t at;

    if (exponent >= -4 && exponent < precision)
        return digits_between(text, digit, n, exponent,
                              exponent > 0 ? exponent : 0,
                              exponent - (n - 1) < 0 ? exponent - (n - 1) : 0);
    at = digits_between(text, digit, n, 0, 0, n > 0 ? 1 - n : 0);
    return at + exponent_text(text + at, exponent);
}

static void put_double(text_out *t, const text_form *f, double x)
{
    int precision = f->precision < 0 ? 6
                    : f->precision > PRECISION ? PRECISION : f->precision;
    char digit[WEB_DIGITS], text[NUMBER];
    const char *sign = sign_of(f, signbit(x) != 0);
    int exponent, n;
    size_t size;

    if (!isfinite(x)) {
        text_form plain = *f;

        plain.zero = false;
        text_field(t, &plain, sign, isnan(x) ? "nan" : "inf", 3);
        return;
    }
    n = web_digits(digit, &exponent, x);
    if (f->kind == 'g') {
        precision = precision > 0 ? precision : 1;
        n = web_round(digit, &exponent, n, precision);
        size = general_text(text, digit, n, n > 0 ? exponent : 0, precision);
    } else {
        n = web_round(digit, &exponent, n, exponent + 1 + precision);
        size = digits_between(text, digit, n, exponent,
                              exponent > 0 ? exponent : 0, -precision);
    }
    text_field(t, f, sign, text, size);
}

/* ---- formats ------------------------------------------------------------- */

static int form_number(const char **p, va_list *args)
{
    int n = 0;

    if (**p == '*') {
        ++*p;
        return va_arg(*args, int);
    }
    for (; **p >= '0' && **p <= '9'; ++*p)
        n = 10 * n + (**p - '0');
    return n;
}

/* What stands behind a %, up to its letter. */
static text_form form_read(const char **p, va_list *args)
{
    text_form f = { .precision = -1 };

    for (;; ++*p) {
        f.alternate |= **p == '#';
        f.zero |= **p == '0';
        f.plus |= **p == '+';
        f.blank |= **p == ' ';
        if (**p == '\0' || strchr("#0+ ", **p) == NULL)
            break;
    }
    f.width = form_number(p, args);
    if (**p == '.') {
        ++*p;
        f.precision = form_number(p, args);
    }
    for (; **p == 'l' || **p == 'z' || **p == 'h'; ++*p)
        f.longs += **p != 'h';
    f.kind = **p;
    *p += f.kind != '\0';
    return f;
}

static void put_text(text_out *t, text_form *f, const char *s)
{
    size_t n = 0;

    while ((f->precision < 0 || n < (size_t)f->precision) && s[n] != '\0')
        n++;
    f->zero = false;
    text_field(t, f, "", s, n);
}

static void put_form(text_out *t, text_form *f, va_list *args)
{
    char c = f->kind;

    if (f->kind == 's') {
        put_text(t, f, va_arg(*args, const char *));
    } else if (f->kind == 'f' || f->kind == 'g') {
        put_double(t, f, va_arg(*args, double));
    } else if (strchr("duxo", f->kind) != NULL) {
        put_integer(t, f, args);
    } else {
        if (c == 'c')
            c = (char)va_arg(*args, int);
        f->zero = false;
        text_field(t, f, "", &c, 1);
    }
}

int web_print(char *out, size_t size, const char *format, va_list args)
{
    text_out t = { out, size, 0 };
    va_list rest;

    va_copy(rest, args);        /* an array on some machines                 */
    for (const char *p = format; *p != '\0';) {
        text_form f;

        if (*p != '%') {
            text_put(&t, p++, 1);
            continue;
        }
        p++;
        f = form_read(&p, &rest);
        put_form(&t, &f, &rest);
    }
    va_end(rest);
    if (size > 0)
        out[t.at < size ? t.at : size - 1] = '\0';
    return t.at <= INT_MAX ? (int)t.at : -1;
}
