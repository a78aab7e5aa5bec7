/* web_text.h -- numbers as text and back, a tenth of libc's code in size: what
 * printf and strtod are in the module.  Plain C, held against a machine's libc
 * by tests/unet/test_web_text.c.
 */
#ifndef UNET_WEB_TEXT_H
#define UNET_WEB_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* Most digits of a double, all of them counted, and room for one more. */
#define WEB_DIGITS 1152

/* All decimal digits of |x|, x finite, the last no 0: out holds '0'..'9', the
 * first of them the digit of 10^*exponent.  The number of digits; of 0 none.
 * Exact. */
int web_digits(char out[WEB_DIGITS], int *exponent, double x);

/* Rounds n such digits to the first `keep` (any number, below 1 too), half to
 * even; how many are left, without zeros at the end. */
int web_round(char out[WEB_DIGITS], int *exponent, int n, int keep);

/* strtod of decimal numbers: the nearest double, half to even, of any length;
 * no hexadecimal ones, no names, errno is left alone. */
double web_strtod(const char *text, char **end);

/* vsnprintf of d u o x c s f g %, with h l ll z; flags # 0 + and the blank, a
 * width, a precision (of s, f and g; of numbers at most 99), also by `*`. */
int web_print(char *out, size_t size, const char *format, va_list args);

#endif
