/* values.c -- how the values of a volume become 0..255: what of them is data,
 * and which become the two ends.  docs/conventions.md, "Volumes", is the rule.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/order.h"
#include "image/values.h"

enum { VALUES_DIFFERENT = 16 };

static const double values_no_number = 1e30;
static const double values_default[2] = { 1, 99.5 };

/* Ranks first..last-1 of the order are data; others stand before and behind. */
typedef struct values_data {
    uni_order order;
    size_t first, last;
} values_data;

static double values_of(const values_data *d, uint64_t key)
{
    return uni_order_value(d->order.volume, key);
}

/* Integers of 64 bits that a double does not hold are refused, not rounded. */
static ckks_status values_exact(const uni_volume *v, size_t n,
                                const char *name)
{
    size_t bad = 0;

    if (v->type != UNI_I64 && v->type != UNI_U64)
        return CKKS_OK;
    for (size_t i = 0; i < n; i++) {
        uint64_t word = uni_order_key(v, i);

        if (v->type == UNI_I64)
            word = word >> 63 ? word ^ UINT64_C(1) << 63
                              : (UINT64_C(1) << 63) - word;
        bad += !((double)word < 0x1p64 && (uint64_t)(double)word == word);
    }
    if (bad > 0)
        return nn_fail(CKKS_EFORMAT, "%s: %zu of %zu voxels are integers "
                       "beyond 2^53 that a double does not hold; write the "
                       "volume with smaller ones or as float64", name, bad, n);
    return CKKS_OK;
}

/* What the file says is padding is no data, where it stands at an end. */
static void values_padding(values_data *d)
{
    const uni_volume *v = d->order.volume;
    const int64_t zero = v->type == UNI_I8 ? 128 : v->type == UNI_I16 ? 32768
                       : 0;
    const int64_t top = uni_voxel_bytes(v->type) == 1 ? 1 << 8 : 1 << 16;
    const int64_t low = v->pad[0] + zero, high = v->pad[1] + zero;

    if (!v->padded || uni_voxel_bytes(v->type) > 2 || high < 0 || low >= top)
        return;
    if ((int64_t)uni_order_select(&d->order, 0) >= low)
        d->first = high + 1 < top ? uni_order_below(&d->order,
                                                    (uint64_t)high + 1)
                                  : d->order.n;
    if ((int64_t)uni_order_select(&d->order, d->order.n - 1) <= high)
        d->last = low > 0 ? uni_order_below(&d->order, (uint64_t)low) : 0;
}

/* What is no number, or of size 1e30 and more, stands at the ends. */
static ckks_status values_numbers(values_data *d, const char *name)
{
    const uni_volume *v = d->order.volume;
    const int bits = d->order.bits;
    const uint64_t middle = UINT64_C(1) << (bits - 1);
    size_t low = 0, high = 0;

    if (v->type == UNI_F32 || v->type == UNI_F64        /* |stored| < 2^64   */
        || fabs(v->slope) > 1e9 || fabs(v->inter) > 1e29)
        for (size_t i = 0; i < d->order.n; i++) {
            const uint64_t key = uni_order_key(v, i);

            if (fabs(values_of(d, key)) < values_no_number)
                continue;
            low += key < middle;
            high += key >= middle;
        }
    d->first = low;
    d->last = d->order.n - high;
    values_padding(d);
    if (d->first >= d->last)
        return nn_fail(CKKS_EFORMAT, "%s: none of %zu voxels is a number below "
                       "%g", name, d->order.n, values_no_number);
    return CKKS_OK;
}

/* Whether the data but for the lowest and the highest value are of so many
 * different values; few are looked at where there are. */
static bool values_many(const values_data *d, uint64_t lowest,
                        uint64_t highest)
{
    uint64_t seen[VALUES_DIFFERENT];
    int n = 0;

    for (size_t i = 0; i < d->order.n && n < VALUES_DIFFERENT; i++) {
        const uint64_t key = uni_order_key(d->order.volume, i);
        int k = 0;

        if (key <= lowest || key >= highest)
            continue;
        while (k < n && seen[k] != key)
            k++;
        if (k == n)
            seen[n++] = key;
    }
    return n == VALUES_DIFFERENT;
}

/* The lowest value, or the highest, is no data if it is further from the others
 * than these are from each other. */
static void values_fill(values_data *d, uni_values *out)
{
    const uint64_t lowest = uni_order_select(&d->order, d->first);
    const uint64_t highest = uni_order_select(&d->order, d->last - 1);
    const size_t low = uni_order_equal(&d->order, lowest);
    const size_t high = uni_order_equal(&d->order, highest);
    double inner[2], span, outer[2];

    if (lowest == highest || d->first + low >= d->last - high)
        return;
    inner[0] = values_of(d, uni_order_select(&d->order, d->first + low));
    inner[1] = values_of(d, uni_order_select(&d->order, d->last - high - 1));
    outer[0] = values_of(d, lowest);
    outer[1] = values_of(d, highest);
    span = fabs(inner[1] - inner[0]);
    if ((fabs(inner[0] - outer[0]) <= span && fabs(outer[1] - inner[1]) <= span)
        || !values_many(d, lowest, highest))
        return;
    if (fabs(inner[0] - outer[0]) > span) {
        d->first += low;
        out->fill_low = outer[0];
    }
    if (fabs(outer[1] - inner[1]) > span) {
        d->last -= high;
        out->fill_high = outer[1];
    }
}

/* The p-th percentile of the data but for `without` of them that follow the
 * first `at`; linear between neighbours, as numpy.percentile. */
static double values_percentile(const values_data *d, double p, size_t at,
                                size_t without)
{
    const size_t n = d->last - d->first - without;
    const bool down = d->order.volume->slope < 0;
    const double place = p / 100 * (double)(n - 1);
    const size_t k = (size_t)place;
    double end[2];

    for (size_t i = 0; i < 2; i++) {
        size_t rank = k + i < n ? k + i : n - 1;

        rank = down ? n - 1 - rank : rank;
        rank += rank < at ? 0 : without;
        end[i] = values_of(d, uni_order_select(&d->order, d->first + rank));
        if (place <= (double)k)
            return end[0];
    }
    return end[0] + (place - (double)k) * (end[1] - end[0]);
}

/* Where both percentiles are one value, nearly all of the volume has it: the
 * ends are then that value and the percentiles of the others. */
static void values_percentiles(uni_values *out, const values_data *d,
                               double low, double high)
{
    const size_t n = d->last - d->first;
    size_t at = 0, count;
    uint64_t key;

    out->low = values_percentile(d, low, 0, 0);
    out->high = values_percentile(d, high, 0, 0);
    if (out->low < out->high)
        return;
    at = (size_t)(low / 100 * (double)(n - 1));
    at = d->order.volume->slope < 0 ? n - 1 - at : at;
    key = uni_order_select(&d->order, d->first + at);
    count = uni_order_equal(&d->order, key);
    if (count >= n)
        return;
    out->background = count;
    at = uni_order_below(&d->order, key) - d->first;
    out->low = fmin(out->low, values_percentile(d, low, at, count));
    out->high = fmax(out->high, values_percentile(d, high, at, count));
}

/* The range of the stored type, of which only some bits may be in use; of
 * floats that of the data. */
static void values_full(uni_values *out, const uni_volume *v)
{
    const int bits = v->bits > 0 ? v->bits : 8 * uni_voxel_bytes(v->type);
    double low = 0, high = ldexp(1, bits) - 1;

    if (v->type == UNI_F32 || v->type == UNI_F64) {
        out->low = v->full > 0 ? 0 : out->lowest;
        out->high = v->full > 0 ? v->full : out->highest;
        return;
    }
    if (v->type == UNI_I8 || v->type == UNI_I16 || v->type == UNI_I32
        || v->type == UNI_I64) {
        low = -ldexp(1, bits - 1);
        high = -low - 1;
    }
    low = low * v->slope + v->inter;
    high = high * v->slope + v->inter;
    out->low = fmin(low, high);
    out->high = fmax(low, high);
}

/* Which values occur among the pixels: at most two, all 0. */
static void values_pixels(uni_values *out, const values_data *d)
{
    double seen[2] = { 0, 0 };
    int n = 0;

    for (size_t i = 0; i < d->order.n && n < 3; i++) {
        const uint64_t key = uni_order_key(d->order.volume, i);
        const double pixel = uni_values_pixel(out, values_of(d, key));

        if ((n > 0 && pixel == seen[0]) || (n > 1 && pixel == seen[1]))
            continue;
        if (n < 2)
            seen[n] = pixel;
        n++;
    }
    out->zero = n == 1 && seen[0] == 0;
    out->two = n <= 2 && !out->zero;
}

static void values_window(uni_values *out, const values_data *d,
                          const nn_images *images)
{
    const bool said = images->low < images->high;

    if (out->rule == NN_VALUES_FULL) {
        values_full(out, d->order.volume);
    } else if (out->rule == NN_VALUES_WINDOW) {
        out->low = images->low;
        out->high = images->high;
    } else {
        values_percentiles(out, d, said ? images->low : values_default[0],
                           said ? images->high : values_default[1]);
    }
    if (out->high > out->low)
        out->share = fmax(0, (fmin(out->highest, out->high)
                              - fmax(out->lowest, out->low))
                             / (out->high - out->low));
}

static ckks_status values_make(uni_values *out, values_data *d,
                               const nn_images *images, const char *name)
{
    ckks_status s = values_exact(d->order.volume, d->order.n, name);
    double a, b;

    if (s == CKKS_OK)
        s = values_numbers(d, name);
    if (s != CKKS_OK)
        return s;
    if (out->rule != NN_VALUES_FULL)
        values_fill(d, out);
    a = values_of(d, uni_order_select(&d->order, d->first));
    b = values_of(d, uni_order_select(&d->order, d->last - 1));
    out->lowest = out->least = fmin(a, b);
    out->highest = out->most = fmax(a, b);
    out->fill = d->order.n - (d->last - d->first);
    values_window(out, d, images);
    values_pixels(out, d);
    return CKKS_OK;
}

/* Colours of a byte are pixels. */
static uni_values values_colour(size_t voxels)
{
    return (uni_values){ .high = 255, .most = 255, .rule = NN_VALUES_FULL,
                         .highest = 255, .share = 1, .voxels = voxels,
                         .fill_low = NAN, .fill_high = NAN };
}

ckks_status uni_values_make(uni_values *out, const uni_volume *v,
                            const nn_images *images)
{
    static const nn_images any;
    values_data d = {0};
    uni_values r = values_colour(0);
    ckks_status s;

    if (out == NULL || v == NULL || v->voxel == NULL)
        return nn_fail(CKKS_EARG, "uni_values_make: null pointer");
    r.voxels = uni_volume_bytes(v) / (size_t)uni_voxel_bytes(v->type);
    if (v->type == UNI_RGB) {
        *out = r;
        return CKKS_OK;
    }
    images = images != NULL && images->given ? images : &any;
    r.rule = images->values;
    r.low = r.high = r.share = 0;
    s = uni_order_init(&d.order, v);
    if (s == CKKS_OK)
        s = values_make(&r, &d, images, v->name != NULL ? v->name : "a volume");
    uni_order_clear(&d.order);
    if (s == CKKS_OK)
        *out = r;
    return s;
}
