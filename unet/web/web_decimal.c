/* web_decimal.c -- doubles and decimal digits, exactly.  Contracts in
 * web_text.h.
 *
 * A number is a row of words of nine decimal digits around a fixed point.
 * Multiplied and divided by powers of two, it stays exact: a division by 2^b,
 * b <= 9, has at most nine more digits.
 */
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "web_text.h"

/* Words before the point: 10^315 is more than any double.  In all: 2^-1074 has
 * 120 behind it; a text has KEPT + 1, at most LOWEST words below the highest,
 * and takes 117 more on its way from 10^315 to below 2^53. */
enum { BASE = 1000000000, POINT = 35, LOWEST = 75, KEPT = 90, WORDS = 224 };

/* Words below first and from end on are 0; after a product the last is not. */
typedef struct decimal {
    int first, end;
    uint32_t word[WORDS];       /* word i times BASE^(POINT - 1 - i), < BASE */
} decimal;

/* Times 2^bits, bits <= 29: what a word hands on is below BASE. */
static void decimal_times(decimal *d, int bits)
{
    uint32_t carry = 0;

    for (int i = d->end; i-- > d->first;) {
        const uint64_t x = ((uint64_t)d->word[i] << bits) + carry;

        d->word[i] = (uint32_t)(x % BASE);
        carry = (uint32_t)(x / BASE);
    }
    if (carry > 0)
        d->word[--d->first] = carry;
    while (d->end > d->first && d->word[d->end - 1] == 0)
        d->end--;
}

/* By 2^bits, bits <= 9. */
static void decimal_divide(decimal *d, int bits)
{
    uint32_t carry = 0;

    for (int i = d->first; i < d->end; i++) {
        const uint32_t x = d->word[i];

        d->word[i] = (x >> bits) + carry;
        carry = (x & ((1U << bits) - 1)) * ((uint32_t)BASE >> bits);
    }
    if (carry > 0)
        d->word[d->end++] = carry;
    if (d->first < d->end && d->word[d->first] == 0)
        d->first++;
}

/* ---- a double's digits --------------------------------------------------- */

static void decimal_of(decimal *d, double x)
{
    int e;
    const uint64_t m = (uint64_t)(frexp(fabs(x), &e) * 0x1p53);

    memset(d, 0, sizeof *d);
    d->word[POINT - 2] = (uint32_t)(m / BASE);
    d->word[POINT - 1] = (uint32_t)(m % BASE);
    d->first = POINT - 2;
    d->end = POINT;
    for (e -= 53; e > 0; e -= e < 29 ? e : 29)
        decimal_times(d, e < 29 ? e : 29);
    for (; e < 0; e += e > -9 ? -e : 9)
        decimal_divide(d, e > -9 ? -e : 9);
}

int web_round(char out[WEB_DIGITS], int *exponent, int n, int keep)
{
    if (keep < n) {
        int k = keep > 0 ? keep : 0;
        bool up = keep >= 0 && (out[k] > '5' || (out[k] == '5'
                  && (n > k + 1 || (k > 0 && out[k - 1] % 2 != 0))));

        while (up && k > 0 && out[k - 1] == '9')
            k--;
        if (up && k > 0) {
            out[k - 1]++;
        } else if (up) {                /* 9..9, or nothing before it        */
            out[k++] = '1';
            ++*exponent;
        }
        n = k;
    }
    while (n > 0 && out[n - 1] == '0')
        n--;
    return n;
}

int web_digits(char out[WEB_DIGITS], int *exponent, double x)
{
    decimal d;
    int n = 0, power;

    *exponent = 0;
    decimal_of(&d, x);
    power = 9 * (POINT - d.first);
    for (int i = d.first; i < d.end; i++)
        for (uint32_t one = BASE / 10; one > 0; one /= 10) {
            out[n] = (char)('0' + d.word[i] / one % 10);
            power--;
            if (n == 0)
                *exponent = power;
            n += n > 0 || out[0] != '0';
        }
    return web_round(out, exponent, n, n);
}

/* ---- a double of digits -------------------------------------------------- */

/* Adds a digit at 10^power; false: it is too high for any double.  Behind KEPT
 * words, 802 digits at least, it can only tip a number that is a half so far,
 * for no half has more than 768: one digit stands for all that follow. */
static bool decimal_put(decimal *d, int power, int digit)
{
    const int place = power + 9 * (WORDS - POINT);
    int i = WORDS - 1 - place / 9;
    uint32_t one = 1;

    if (digit == 0 || (d->end == 0 && i > LOWEST))
        return true;
    if (i < 0)
        return false;
    if (d->end == 0)
        d->first = i;
    for (int k = place % 9; k > 0; k--)
        one *= 10;
    if (i >= d->first + KEPT) {
        i = d->first + KEPT;
        d->word[i] = 0;
    }
    d->end = i + 1;
    d->word[i] += one * (uint32_t)digit;
    return true;
}

/* The whole part, below 10^18. */
static uint64_t decimal_whole(const decimal *d)
{
    return d->word[POINT - 2] * (uint64_t)BASE + d->word[POINT - 1];
}

/* Is what follows the point more than 1/2 (1), 1/2 (0), less (-1)? */
static int decimal_half(const decimal *d)
{
    const uint32_t half = BASE / 2, x = d->word[POINT];

    return x != half ? (x > half ? 1 : -1) : d->end > POINT + 1;
}

/* d > 0, multiplied or divided until the whole part has 53 bits, or 2^-1074 is
 * 1. */
static double decimal_double(decimal *d)
{
    int e = 0, half;
    uint64_t m;

    for (; d->first < POINT - 2; e += 9)
        decimal_divide(d, 9);
    for (; decimal_whole(d) >> 53 != 0; e++)
        decimal_divide(d, 1);
    for (; decimal_whole(d) == 0 && e > -1074 + 29; e -= 29)
        decimal_times(d, 29);
    for (; decimal_whole(d) >> 52 == 0 && e > -1074; e--)
        decimal_times(d, 1);
    m = decimal_whole(d);
    half = decimal_half(d);
    return scalbn((double)(m + (half > 0 || (half == 0 && m % 2 != 0))), e);
}

/* At `text`: e, a sign and digits; the number, 0 where they are none. */
static int exponent_read(const char *text, const char **end)
{
    const char *p = text + (*text == 'e' || *text == 'E');
    const bool minus = *p == '-';
    int e = 0;

    if (p > text && (*p == '-' || *p == '+'))
        p++;
    if (p == text || !isdigit((unsigned char)*p))
        return 0;
    for (; isdigit((unsigned char)*p); p++)
        e = e < 100000 ? 10 * e + (*p - '0') : e;
    *end = p;
    return minus ? -e : e;
}

/* Digits with a point among them, if any: where they end. */
static const char *digits_pass(const char *p, int *digits, int *before)
{
    bool point = false;

    for (*digits = *before = 0; isdigit((unsigned char)*p)
         || (*p == '.' && !point); p++)
        if (*p == '.') {
            point = true;
        } else {
            ++*digits;
            *before += !point;
        }
    return p;
}

double web_strtod(const char *text, char **end)
{
    const char *p = text, *from, *behind;
    bool minus, fits = true;
    int digits, before, power;
    double x = HUGE_VAL;
    decimal d = { 0 };

    while (isspace((unsigned char)*p))
        p++;
    minus = *p == '-';
    from = p + (*p == '-' || *p == '+');
    p = behind = digits_pass(from, &digits, &before);
    power = before + exponent_read(p, &behind);
    if (end != NULL)
        *end = (char *)(uintptr_t)(digits > 0 ? behind : text);
    if (digits == 0)
        return 0;
    for (; from < p; from++)
        if (*from != '.')
            fits = decimal_put(&d, --power, *from - '0') && fits;
    if (fits)
        x = d.end > 0 ? decimal_double(&d) : 0;
    return minus ? -x : x;
}
