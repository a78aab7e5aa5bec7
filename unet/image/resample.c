/* resample.c -- images of another spacing than the slices have, and the way
 * back for masks.  Contracts in resample.h.
 */
#include "image/resample.h"

#include <math.h>
#include <stdlib.h>

static const double resample_mean = 1.5;
static const double resample_tie = 1e-6;        /* a float's rounding        */

/* Where the middle of pixel i is among n stored ones, whose middles are at
 * 0 .. n - 1: the middles of both rows fall together. */
static double resample_place(int i, int size, int n, double step)
{
    return (i + 0.5 - size / 2.0) * step + n / 2.0 - 0.5;
}

int uni_nearest(int i, int n, int size, double step)
{
    const double at = floor(resample_place(i, n, size, 1 / step) + 0.5
                            + resample_tie);

    return at < 0 ? 0 : at > size - 1 ? size - 1 : (int)at;
}

/* How much of the stored pixel j lies in from..to. */
static double resample_part(int j, double from, double to)
{
    const double part = fmin(to, j + 0.5) - fmax(from, j - 0.5);

    return part > 0 ? part : 0;
}

/* Value `at` of n that stand `apart` from each other: a mean or a line. */
static double resample_value(const double *in, int n, size_t apart, double at,
                             double step)
{
    const double from = fmax(at - step / 2, -0.5);
    const double to = fmin(at + step / 2, n - 0.5);
    double sum = 0, all = 0;

    if (step <= resample_mean) {
        const double inside = at < 0 ? 0 : at > n - 1 ? n - 1 : at;
        const int j = (int)inside < n - 1 ? (int)inside : n > 1 ? n - 2 : 0;
        const double part = inside - j;

        return part > 0 ? in[(size_t)j * apart] * (1 - part)
                          + in[((size_t)j + 1) * apart] * part
                        : in[(size_t)j * apart];
    }
    for (int j = (int)floor(from + 0.5); j < n && j - 0.5 < to; j++) {
        const double part = resample_part(j, from, to);

        sum += part * in[(size_t)j * apart];
        all += part;
    }
    return sum / all;
}

/* Rows first, then columns. */
static void resample_plane(double *out, double *rows, const double *in,
                           const uni_slicing *s)
{
    for (int y = 0; y < s->rows; y++)
        for (int x = 0; x < s->width; x++)
            rows[(size_t)y * (size_t)s->width + (size_t)x] = resample_value(
                in + (size_t)y * (size_t)s->columns, s->columns, 1,
                resample_place(x, s->width, s->columns, s->step_x), s->step_x);
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++)
            *out++ = resample_value(
                rows + x, s->rows, (size_t)s->width,
                resample_place(y, s->height, s->rows, s->step_y), s->step_y);
}

ckks_status uni_resample(uni_image *out, const uni_image *stored,
                         const uni_slicing *s)
{
    const size_t from = (size_t)s->rows * (size_t)s->columns;
    const size_t to = (size_t)s->height * (size_t)s->width;
    uni_image image = {0};
    double *rows;
    ckks_status status = uni_image_init(&image, "a slice that is resampled",
                                        stored->channels,
                                        (uint64_t)s->height,
                                        (uint64_t)s->width);

    if (status != CKKS_OK)
        return status;
    rows = malloc((size_t)s->rows * (size_t)s->width * sizeof *rows);
    if (rows == NULL) {
        uni_image_clear(&image);
        return nn_fail(CKKS_EMEM, "no memory for %d x %d pixels", s->rows,
                       s->width);
    }
    for (size_t c = 0; c < (size_t)stored->channels; c++)
        resample_plane(image.pixel + c * to, rows, stored->pixel + c * from,
                       s);
    free(rows);
    uni_image_clear(out);
    *out = image;
    return CKKS_OK;
}
