/* values_say.c -- what is to be said about the values of a volume. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "image/values.h"

static const double values_share = 1.0 / 8;

static bool say_narrow(const uni_values *r)
{
    return (r->high > r->low && r->share < values_share)
        || (r->format > 0
            && r->highest - r->lowest < values_share * r->format);
}

bool uni_values_odd(const uni_values *r)
{
    return say_narrow(r) || r->two || r->zero || r->fill > 0;
}

/* Adds to the text, as far as there is room. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static void say_more(char *out, size_t size, size_t *at, const char *format,
                     ...)
{
    va_list list;
    int n;

    va_start(list, format);
    n = vsnprintf(out + *at, size - *at, format, list);
    va_end(list);
    if (n > 0)
        *at = *at + (size_t)n < size ? *at + (size_t)n : size - 1;
}

/* "1234 of 5000 voxels (fill -32768) are no data and become 0" */
static void say_fill(char *out, size_t size, size_t *at, const uni_values *r)
{
    say_more(out, size, at, "; %zu of %zu are no data", r->fill, r->voxels);
    if (!isnan(r->fill_low))
        say_more(out, size, at, " (fill %g)", r->fill_low);
    if (!isnan(r->fill_high))
        say_more(out, size, at, " (fill %g)", r->fill_high);
    say_more(out, size, at, " and become 0");
}

void uni_values_say(char *out, size_t size, const uni_values *r)
{
    const char *all = r->zero ? "; all pixels are 0"
                    : r->two ? "; only two values occur" : "";
    size_t at = 0;

    if (out == NULL || size == 0)
        return;
    say_more(out, size, &at, "values %g..%g", r->lowest, r->highest);
    if (r->high > r->low)
        say_more(out, size, &at, " use %.3g %% of %g..%g, which becomes "
                 "0..255", 100 * r->share, r->low, r->high);
    if (r->format > 0 && r->high != r->format)
        say_more(out, size, &at, "; the format has 0..%g", r->format);
    say_more(out, size, &at, "%s", all);
    if (r->fill > 0)
        say_fill(out, size, &at, r);
    if (r->background > 0)
        say_more(out, size, &at, "; %.4g %% of all are one value, the window "
                 "is that of the others", 100 * (double)r->background
                 / (double)r->voxels);
}
