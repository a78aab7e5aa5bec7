/* web_libc.c -- parts of libc again, for their size: wasi-libc's own are made
 * for speed, and a tenth of the module would be theirs.  Logarithms and powers
 * are within a few units in the last place; the owner's side takes them for
 * limits, estimates and scores alone.  Numbers as text are exact (web_text.h).
 * Memory is in web_memory.c, files are in web_files.c.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web_text.h"

/* ---- bytes: instructions of the machine ---------------------------------- */

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    return __builtin_memcpy(to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
    return __builtin_memmove(to, from, n);
}

void *memset(void *to, int value, size_t n)
{
    return __builtin_memset(to, value, n);
}

size_t strlen(const char *text)
{
    size_t n = 0;

    while (text[n] != '\0')
        n++;
    return n;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    return memcpy(to, from, strlen(from) + 1);
}

void *memchr(const void *bytes, int c, size_t n)
{
    const unsigned char *p = bytes;

    for (; n > 0; n--, p++)
        if (*p == (unsigned char)c)
            return (void *)(uintptr_t)p;
    return NULL;
}

char *strchr(const char *text, int c)
{
    return memchr(text, c, strlen(text) + 1);
}

char *strstr(const char *text, const char *part)
{
    const size_t n = strlen(part);

    for (; *text != '\0'; text++)
        if (strncmp(text, part, n) == 0)
            return (char *)(uintptr_t)text;
    return n == 0 ? (char *)(uintptr_t)text : NULL;
}

/* By heap: n log n whatever the order. */
static void sift_down(char *base, size_t from, size_t n, size_t size,
                      int (*compare)(const void *, const void *))
{
    for (size_t child; (child = 2 * from + 1) < n; from = child) {
        char *a, *b;

        if (child + 1 < n && compare(base + child * size,
                                     base + (child + 1) * size) < 0)
            child++;
        a = base + from * size;
        b = base + child * size;
        if (compare(a, b) >= 0)
            return;
        for (size_t i = 0; i < size; i++) {
            const char c = a[i];

            a[i] = b[i];
            b[i] = c;
        }
    }
}

void qsort(void *base, size_t n, size_t size,
           int (*compare)(const void *, const void *))
{
    char *first = base;

    for (size_t i = n / 2; i-- > 0;)
        sift_down(first, i, n, size, compare);
    for (size_t i = n; i-- > 1;) {
        for (size_t k = 0; k < size; k++) {
            const char c = first[k];

            first[k] = first[i * size + k];
            first[i * size + k] = c;
        }
        sift_down(first, 0, i, size, compare);
    }
}

/* ---- text ---------------------------------------------------------------- */

int vsnprintf(char *restrict out, size_t size, const char *restrict format,
              va_list args)
{
    return web_print(out, size, format, args);
}

int snprintf(char *restrict out, size_t size, const char *restrict format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = web_print(out, size, format, args);
    va_end(args);
    return n;
}

double strtod(const char *restrict text, char **restrict end)
{
    return web_strtod(text, end);
}

/* Of digits alone, in base 10. */
long strtol(const char *restrict text, char **restrict end, int base)
{
    long x = 0;

    (void)base;
    for (; *text >= '0' && *text <= '9'; text++)
        x = x > (LONG_MAX - 9) / 10 ? LONG_MAX - 9 : 10 * x + (*text - '0');
    *end = (char *)(uintptr_t)text;
    return x;
}

/* ---- logarithms and powers ----------------------------------------------- */

static const double ln2 = 0x1.62e42fefa39efp-1;

/* x = 2^e m with m in sqrt(1/2)..sqrt(2); log m = 2 atanh s, s = (m - 1) / (m +
 * 1), |s| < 0.172: s^23 / 23 is below 2^-62. */
static double log_parts(int *e, double x)
{
    double m = frexp(x, e), s, t, sum = 0;

    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        --*e;
    }
    s = (m - 1) / (m + 1);
    t = s * s;
    for (int k = 21; k >= 3; k -= 2)
        sum = sum * t + 1.0 / k;
    return 2 * s + 2 * s * t * sum;
}

double log(double x)
{
    int e;
    double m;

    if (!(x > 0) || isinf(x))
        return x == 0 ? -INFINITY : x > 0 ? x : NAN;
    m = log_parts(&e, x);
    return e * ln2 + m;
}

double log2(double x)
{
    int e;
    double m;

    if (!(x > 0) || isinf(x))
        return x == 0 ? -INFINITY : x > 0 ? x : NAN;
    m = log_parts(&e, x);
    return e + m / ln2;
}

/* 2^k e^r with |r| < 0.35, by Taylor: r^17 / 17! is below 2^-73. */
static double exp_of(double k, double r)
{
    double sum = 1;

    for (int i = 16; i > 0; i--)
        sum = 1 + sum * r / i;
    return scalbn(sum, (int)k);
}

double exp(double x)
{
    const double k = rint(x / ln2);

    if (!(fabs(x) < 746))
        return x > 0 ? INFINITY : x < 0 ? 0 : x;
    return exp_of(k, (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33);
}

double exp2(double x)
{
    const double k = rint(x);

    if (!(fabs(x) < 1076))
        return x > 0 ? INFINITY : x < 0 ? 0 : x;
    return exp_of(k, (x - k) * ln2);
}

/* ---- why a file cannot be read ------------------------------------------- */

/* Files in memory fail in these ways; the words are those of libc. */
char *strerror(int number)
{
    static const struct {
        int number;
        const char *words;
    } known[] = {
        { ENOENT, "No such file or directory" }, { EISDIR, "Is a directory" },
        { ENOTDIR, "Not a directory" }, { ENOMEM, "Out of memory" },
        { EEXIST, "File exists" }
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number)
            return (char *)(uintptr_t)known[i].words;
    return (char *)(uintptr_t)"I/O error";
}
