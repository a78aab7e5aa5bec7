/* test_web_text.c -- the module's printf and strtod against those of this
 * machine's libc, text for text and bit for bit.  %.900Le wants a long double
 * with more bits than a double; where there is none halves are no halves.
 *
 * Caught when planted: half rounded up instead of to even, in digits and in
 * doubles; a subnormal rounded twice; a 1 behind 802 digits taken for nothing.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "web/web_text.h"

enum { LENGTH = 2000 };

static uint64_t text_state = 88172645463325252;

static uint64_t text_draw(void)
{
    text_state ^= text_state << 13;
    text_state ^= text_state >> 7;
    text_state ^= text_state << 17;
    return text_state;
}

/* Both, often with too little room. */
static void text_same(const char *format, ...)
{
    const size_t size = text_draw() % 8 > 0 ? LENGTH : text_draw() % 40;
    char want[LENGTH], got[LENGTH];
    va_list a, b;
    int n, m;

    memset(want, 7, sizeof want);
    memset(got, 7, sizeof got);
    va_start(a, format);
    va_copy(b, a);
    n = vsnprintf(want, size, format, a);
    m = web_print(got, size, format, b);
    va_end(a);
    va_end(b);
    CHECK(n == m && memcmp(want, got, sizeof want) == 0,
          "%s, %zu bytes: %.*s (%d), want %.*s (%d)", format, size,
          (int)(size > 0 ? size - 1 : 0), got, m,
          (int)(size > 0 ? size - 1 : 0), want, n);
}

static void text_number(const char *text)
{
    char *end, *want_end;
    const double want = strtod(text, &want_end), got = web_strtod(text, &end);

    CHECK(memcmp(&got, &want, sizeof got) == 0 && end == want_end,
          "%.60s...: %a, %zu bytes; want %a, %zu", text, got,
          (size_t)(end - text), want, (size_t)(want_end - text));
}

/* Any bits, numbers of few digits, ends of the range. */
static double text_double(void)
{
    static const double tenth[] = { 1, 10, 1000, 8, 1024, 1e5 };
    static const double odd[] = { 0, -0.0, INFINITY, -INFINITY, 0x1p-1074,
        0x1.fffffffffffffp1023, 0.5, 1.5, 2.5, 9.5, 99.5, 0.05, 0x1p-1022 };
    const uint64_t bits = text_draw(), kind = text_draw() % 16;
    double x;

    if (kind == 0)
        return odd[bits % (sizeof odd / sizeof *odd)];
    if (kind < 6)
        return (double)(bits % 100000) / tenth[text_draw() % 6];
    if (kind < 11)
        return ldexp((double)(int64_t)bits, -(int)(text_draw() % 80));
    memcpy(&x, &bits, sizeof x);
    return isnan(x) ? 1 : x;
}

TEST(web_text_doubles)
{
    static const char *const format[] = { "%g", "%.17g", "%.15g", "%.3g", "%f",
        "%.0f", "%.1f", "%.2f", "%.9f", "%+.3g", "% g", "%.1g", "%.0g",
        "%12.3f", "%012.4f", "%.40g", "%+12g", "%.99f" };
    char text[LENGTH];

    for (int i = 0; i < 20000; i++) {
        const double x = text_double();

        text_same(format[text_draw() % (sizeof format / sizeof *format)], x);
        snprintf(text, sizeof text, "%.*e", (int)(text_draw() % 20), x);
        if (isfinite(x))
            text_number(text);
    }
}

/* Halves between neighbours, in full, and what lies just above them. */
TEST(web_text_halves)
{
    char text[LENGTH + 1];

    for (int i = 0; i < 500; i++) {
        const double x = ldexp((double)(text_draw() >> 11 | UINT64_C(1) << 52),
                               i < 250 ? -(int)(text_draw() % 1060)
                                       : (int)(text_draw() % 900));
        int exponent;
        const long double half = ((long double)x
                                  + (long double)nextafter(x, INFINITY)) / 2;

        snprintf(text, sizeof text, "%.900Le", half);
        exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
        text_number(text);
        snprintf(strchr(text, 'e') - 1, 12, "1e%d", exponent);
        text_number(text);
    }
}

/* Zeros, nines and one digit, far apart. */
TEST(web_text_long)
{
    char text[3001] = "";

    memset(text, '0', 3000);
    memcpy(text + 2000, "17.5", 5);
    text_number(text);
    memset(text, '0', 3000);
    text[1] = '.';
    memcpy(text + 2000, "1e2000", 7);
    text_number(text);
    memset(text, '9', 3000);
    memcpy(text + 1200, "e-1200", 7);
    text_number(text);
    memset(text, '0', 3000);
    memcpy(text, "9007199254740993.", 17);
    text_number(text);
    text[2999] = '1';
    text_number(text);
    memcpy(text + 2990, "e-300", 6);
    text_number(text);
}

TEST(web_text_numbers)
{
    static const char *const text[] = { "", "-", "+.", ".", "1", "1.", "-.5",
        ".5e", "1e+", "1e5x", "0", "-0", "0e99999999", "1e400", "-1e400",
        "1e-400", "4.9406564584124654e-324", "2.4703282292062327e-324",
        "2.4703282292062328e-324", "1.7976931348623157e308",
        "1.7976931348623158e308", "1.7976931348623159e308",
        "179769313486231580793e289", "2.2250738585072011e-308",
        "2.2250738585072014e-308", "9007199254740993",
        "9007199254740992.99999999999999", "123456789012345678901234567890",
        "  12", " \t\n-3.5e-2 ", "1.5.5", "00000000001.25", "1e", "1e-", "e5",
        "12e3.4", "0.000000000000000000000000001e27", "1e000000000000000005" };

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        text_number(text[i]);
}

TEST(web_text_integers)
{
    for (int i = 0; i < 2000; i++) {
        const uint64_t x = text_draw() >> text_draw() % 64;

        text_same("%d %u %x %#x %#o|%5d|%05d|%+d|% d", (int)x, (unsigned)x,
                  (unsigned)x, (unsigned)x % 3, (unsigned)x, (int)x % 10000,
                  (int)x % 10000, (int)x, (int)x);
        text_same("%ld %lu %lld %llu %zu %02x %04x %016llx", (long)x,
                  (unsigned long)x, (long long)x, (unsigned long long)x,
                  (size_t)x, (unsigned)x % 256, (unsigned)x % 70000,
                  (unsigned long long)x);
        text_same("%s|%.*s|%.4s|%8s|%3c|%c|%%", "hello", (int)(x % 9),
                  "abcdefgh", "xy", "right", 'q', 'r');
    }
}
