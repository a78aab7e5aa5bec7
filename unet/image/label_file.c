/* label_file.c -- masks that somebody drew, as labels: the numbers that a file
 * holds, as they are stored.  Contracts in volume.h. */
#include <math.h>
#include <stdlib.h>

#include "image/codec.h"
#include "image/order.h"

/* -1: no label.  Of one class (labels 0) 1 and 255 are the foreground. */
static int label_of(double value, int labels)
{
    if (labels == 0 && (value == 1 || value == 255))
        return 1;
    if (value == 0)
        return 0;
    return value > 0 && value < labels && value == floor(value) ? (int)value
                                                                : -1;
}

/* Number i of rows of n[0], planes of n[1]. */
static ckks_status label_refuse(const char *name, double value, int labels,
                                size_t i, const int n[2])
{
    const size_t x = (size_t)n[0], y = (size_t)n[1];

    if (labels == 0)
        return nn_fail(CKKS_EFORMAT, "%s: a value of %g at %zu, %zu, %zu "
                       "(column, row, slice, from 0); a mask of one class has "
                       "0, and 1 or 255 for the foreground", name, value,
                       i % x, i / x % y, i / x / y);
    return nn_fail(CKKS_EFORMAT, "%s: a value of %g at %zu, %zu, %zu (column, "
                   "row, slice, from 0); the labels are the numbers 0..%d",
                   name, value, i % x, i / x % y, i / x / y, labels - 1);
}

ckks_status uni_labels_picture(uint8_t *label, const char *path, int height,
                               int width, int labels)
{
    const uni_image_want want = { 0, height, width, false, "the mask has",
                                  true };
    uni_image image = {0};
    ckks_status s;

    if (label == NULL || path == NULL || height < 1 || width < 1)
        return nn_fail(CKKS_EARG, "uni_labels_picture: null pointer, or no "
                       "pixel");
    s = uni_image_read(&image, path, -1, &want, NULL);
    if (s == CKKS_OK && image.channels == 3)
        s = uni_image_grey(&image, path, 0, &want);
    for (size_t i = 0; i < (size_t)height * (size_t)width && s == CKKS_OK;
         i++) {
        const int k = label_of(image.pixel[i], labels);

        if (k < 0)
            s = label_refuse(path, image.pixel[i], labels, i,
                             (const int[]){ width, height });
        else
            label[i] = (uint8_t)k;
    }
    uni_image_clear(&image);
    return s;
}

/* How far the corners of two grids of one size are apart, in mm. */
static double label_apart(const uni_geometry *a, const uni_geometry *b)
{
    double most = 0;

    for (int corner = 0; corner < 8; corner++) {
        double sum = 0;

        for (int i = 0; i < 3; i++) {
            double d = a->affine[i][3] * a->unit - b->affine[i][3] * b->unit;

            for (int j = 0; j < 3; j++)
                if (corner >> j & 1)
                    d += (a->n[j] - 1) * (a->affine[i][j] * a->unit
                                          - b->affine[i][j] * b->unit);
            sum += d * d;
        }
        most = fmax(most, sqrt(sum));
    }
    return most;
}

static ckks_status label_same_grid(const uni_volume *v, const uni_geometry *g)
{
    const uni_geometry *is = &v->geometry;
    double least = INFINITY, apart;

    for (int j = 0; j < 3; j++)
        least = fmin(least, uni_geometry_spacing(g, j));
    if (is->n[0] != g->n[0] || is->n[1] != g->n[1] || is->n[2] != g->n[2])
        return nn_fail(CKKS_EARG, "%s: %d x %d x %d voxels, the images' volume "
                       "has %d x %d x %d", v->name, is->n[0], is->n[1],
                       is->n[2], g->n[0], g->n[1], g->n[2]);
    apart = label_apart(is, g);
    if (!(apart <= least / 2))
        return nn_fail(CKKS_EARG, "%s: a corner lies %.3g mm from that of the "
                       "images' volume, more than half a voxel: it is the mask "
                       "of another volume, or was stored along other axes",
                       v->name, apart);
    return CKKS_OK;
}

ckks_status uni_labels_volume(uint8_t *label, const char *path,
                              const uni_geometry *g, int labels)
{
    uni_place place;
    uni_volume v = {0};
    size_t n;
    ckks_status s;

    if (label == NULL || path == NULL || g == NULL)
        return nn_fail(CKKS_EARG, "uni_labels_volume: null pointer");
    n = (size_t)g->n[0] * (size_t)g->n[1] * (size_t)g->n[2];
    s = uni_place_init(&place, path);
    if (s != CKKS_OK)
        return s;
    s = place.slice < 0 ? uni_volume_open(&v, place.file, place.volume)
      : nn_fail(CKKS_EARG, "%s: a slice; name the whole volume", path);
    if (s == CKKS_OK && v.type == UNI_RGB)
        s = nn_fail(CKKS_EFORMAT, "%s: colours, no labels", path);
    if (s == CKKS_OK)
        s = label_same_grid(&v, g);
    for (size_t i = 0; i < n && s == CKKS_OK; i++) {
        const double value = uni_order_value(&v, uni_order_key(&v, i));
        const int k = label_of(value, labels);

        if (k < 0)
            s = label_refuse(path, value, labels, i, g->n);
        else
            label[i] = (uint8_t)k;
    }
    uni_volume_clear(&v);
    uni_place_clear(&place);
    return s;
}
