/* slicing.c -- how slices lie in a volume, and taking one.  Contracts in
 * volume.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/orient.h"
#include "image/order.h"
#include "image/resample.h"
#include "image/values.h"

static const double slicing_same = 0.01;        /* spacings as good as equal */

/* The patient's axes (0 R, 1 A, 2 S) that slices, rows and columns go along,
 * and whether against them. */
static const struct { const char *name; int along[3]; bool against[3]; }
slicing_planes[] = {
    { "any", { 0, 0, 0 }, { false, false, false } },
    { "axial", { 2, 1, 0 }, { false, true, false } },
    { "coronal", { 1, 2, 0 }, { false, true, false } },
    { "sagittal", { 0, 2, 1 }, { false, true, true } }
};

const char *uni_plane_name(nn_plane plane)
{
    return slicing_planes[plane].name;
}

/* The plane whose slices follow each other along a stored axis. */
static nn_plane slicing_plane_of(const uni_orient *o, int axis)
{
    return o->along[axis] == 2 ? NN_PLANE_AXIAL
         : o->along[axis] == 1 ? NN_PLANE_CORONAL : NN_PLANE_SAGITTAL;
}

ckks_status uni_slicing_plane(uni_slicing *out, const char *name,
                              const uni_geometry *g, nn_plane plane)
{
    uni_slicing s = {0};
    uni_orient o;

    if (!uni_orient_of(&o, g->affine))
        return nn_fail(CKKS_EFORMAT, "%s: the affine has no inverse", name);
    s.plane = plane != NN_PLANE_ANY ? plane : slicing_plane_of(&o, 2);
    for (int i = 0; i < 3; i++)
        for (int axis = 0; axis < 3; axis++)
            if (o.along[axis] == slicing_planes[s.plane].along[i]) {
                s.axis[i] = axis;
                s.flip[i] = o.against[axis]
                            != slicing_planes[s.plane].against[i];
                s.spacing[i] = uni_geometry_spacing(g, axis);
            }
    s.slices = g->n[s.axis[0]];
    s.rows = s.height = g->n[s.axis[1]];
    s.columns = s.width = g->n[s.axis[2]];
    s.step_y = s.step_x = 1;
    *out = s;
    return CKKS_OK;
}

/* A picture is a volume of one slice, in one plane. */
static ckks_status slicing_thick(const uni_slicing *s, const char *name,
                                 const uni_geometry *g)
{
    const bool thin = s->rows == 1 || s->columns == 1;
    const int axis = s->rows == 1 ? s->axis[1] : s->axis[2];
    char axes[4];
    uni_orient o;

    if (!thin || s->slices == 1 || !uni_orient_of(&o, g->affine))
        return CKKS_OK;
    uni_geometry_axes(axes, g);
    return nn_fail(CKKS_EARG, "%s: a single %s slice (%d x %d x %d voxels, "
                   "axes %s), and %s ones are wanted", name,
                   uni_plane_name(slicing_plane_of(&o, axis)), g->n[0],
                   g->n[1], g->n[2], axes, uni_plane_name(s->plane));
}

/* One direction: n stored pixels, spacing apart, as *size of them. */
static ckks_status slicing_resize(int *size, double *step, const char *name,
                                  int n, double spacing, double want)
{
    const double ratio = want / spacing;
    const double pixels = floor(n / ratio + 0.5);

    if (!(want > 0) || fabs(ratio - 1) <= slicing_same)
        return CKKS_OK;
    if (!(pixels <= UNET_IMAGE_SIDE))
        return nn_fail(CKKS_EARG, "%s: %d pixels %g mm apart would be %g of "
                       "the model's %g mm, at most %d are taken", name, n,
                       spacing, pixels, want, UNET_IMAGE_SIDE);
    *size = pixels < 1 ? 1 : (int)pixels;
    *step = ratio;
    return CKKS_OK;
}

/* The image, and its rows before they are resampled down the columns. */
static ckks_status slicing_check(const uni_slicing *s, const char *name)
{
    const int64_t most = UNET_IMAGE_PIXELS;

    if ((int64_t)s->height * s->width > most
        || (s->step_x != 1 && (int64_t)s->rows * s->width > 4 * most))
        return nn_fail(CKKS_EARG, "%s: slices of %d x %d pixels, %g x %g mm, "
                       "would be %d x %d ones, at most %d in all are taken",
                       name, s->rows, s->columns, s->spacing[1],
                       s->spacing[2], s->height, s->width, UNET_IMAGE_PIXELS);
    return CKKS_OK;
}

/* What a model says, as far as it can be asked of a volume. */
static nn_images slicing_wanted(const uni_geometry *g, const nn_images *images)
{
    nn_images wanted = {0};

    if (g == NULL || images == NULL || !images->given)
        return wanted;
    wanted = *images;
    if (g->unplaced)
        wanted.plane = NN_PLANE_ANY;
    if (g->unspaced)
        wanted.spacing_y = wanted.spacing_x = 0;
    return wanted;
}

ckks_status uni_slicing_make(uni_slicing *out, const char *name,
                             const uni_geometry *g, const nn_images *images)
{
    const nn_images wanted = slicing_wanted(g, images);
    uni_slicing s;
    ckks_status status;

    if (out == NULL || name == NULL || g == NULL)
        return nn_fail(CKKS_EARG, "uni_slicing_make: null pointer");
    images = &wanted;
    status = uni_slicing_plane(&s, name, g, images->plane);
    if (status == CKKS_OK)
        status = slicing_thick(&s, name, g);
    if (status == CKKS_OK)
        status = slicing_resize(&s.height, &s.step_y, name, s.rows,
                                s.spacing[1], images->spacing_y);
    if (status == CKKS_OK)
        status = slicing_resize(&s.width, &s.step_x, name, s.columns,
                                s.spacing[2], images->spacing_x);
    if (status == CKKS_OK)
        status = slicing_check(&s, name);
    if (status != CKKS_OK)
        return status;
    if (g->unspaced)
        s.spacing[1] = s.spacing[2] = 0;
    *out = s;
    return CKKS_OK;
}

ckks_status uni_slicing_fit(uni_slicing *s, const char *name, int height,
                            int width)
{
    if (height == s->height && width == s->width)
        return CKKS_OK;
    if (height < 1 || width < 1 || s->height % height != 0
        || s->width % width != 0)
        return nn_fail(CKKS_EARG, "%s: %dx%d pixels (height x width) are no "
                       "whole multiple of %dx%d", name, s->height, s->width,
                       height, width);
    s->step_y *= s->height / height;
    s->step_x *= s->width / width;
    s->height = height;
    s->width = width;
    return CKKS_OK;
}

double uni_slicing_off(const uni_slicing *s, const nn_images *images)
{
    double off = 0;

    if (images == NULL || !images->given || s->spacing[1] == 0)
        return 0;
    if (images->spacing_y > 0)
        off = fabs(s->spacing[1] / images->spacing_y - 1);
    if (images->spacing_x > 0)
        off = fmax(off, fabs(s->spacing[2] / images->spacing_x - 1));
    return off;
}

/* ---- a slice ------------------------------------------------------------- */

/* Where stored pixel (0, 0) of slice k is, and how far to the next row and the
 * next column, in voxels. */
typedef struct slicing_walk {
    size_t from;
    ptrdiff_t down, across;
} slicing_walk;

static slicing_walk slicing_start(const uni_slicing *s, const int n[3], int k)
{
    const ptrdiff_t stride[3] = { 1, n[0], (ptrdiff_t)n[0] * n[1] };
    slicing_walk w = { 0, stride[s->axis[1]], stride[s->axis[2]] };
    const int at[3] = { s->flip[0] ? s->slices - 1 - k : k,
                        s->flip[1] ? s->rows - 1 : 0,
                        s->flip[2] ? s->columns - 1 : 0 };

    for (int i = 0; i < 3; i++)
        w.from += (size_t)at[i] * (size_t)stride[s->axis[i]];
    w.down *= s->flip[1] ? -1 : 1;
    w.across *= s->flip[2] ? -1 : 1;
    return w;
}

size_t uni_slicing_voxel(const uni_slicing *s, const int n[3], int k, int y,
                         int x)
{
    const slicing_walk w = slicing_start(s, n, k);

    return (size_t)((ptrdiff_t)w.from + y * w.down + x * w.across);
}

/* The stored pixels of slice k, as pixels: (channels, rows, columns). */
static void slicing_take(double *out, const uni_volume *v,
                         const uni_slicing *s, const uni_values *values, int k)
{
    const slicing_walk w = slicing_start(s, v->geometry.n, k);
    const size_t plane = (size_t)s->rows * (size_t)s->columns;

    for (int y = 0; y < s->rows; y++)
        for (int x = 0; x < s->columns; x++, out++) {
            const size_t i = (size_t)((ptrdiff_t)w.from + y * w.down
                                      + x * w.across);

            if (v->type == UNI_RGB)
                for (size_t c = 0; c < 3; c++)
                    out[c * plane] = v->voxel[3 * i + c];
            else
                *out = uni_values_pixel(values, uni_order_value(
                                            v, uni_order_key(v, i)));
        }
}

ckks_status uni_slice(uni_image *out, const uni_volume *v,
                      const uni_slicing *s, const uni_values *values, int k)
{
    const int channels = v != NULL && v->type == UNI_RGB ? 3 : 1;
    uni_image stored = {0};
    ckks_status status;

    if (out == NULL || v == NULL || v->voxel == NULL || s == NULL
        || values == NULL)
        return nn_fail(CKKS_EARG, "uni_slice: null pointer");
    if (k < 0 || k >= s->slices)
        return nn_fail(CKKS_EARG, "%s: slice %d of a volume of %d %s slices",
                       v->name != NULL ? v->name : "a volume", k, s->slices,
                       uni_plane_name(s->plane));
    status = uni_image_init(&stored, v->name != NULL ? v->name : "a volume",
                            channels, (uint64_t)s->rows,
                            (uint64_t)s->columns);
    if (status != CKKS_OK)
        return status;
    slicing_take(stored.pixel, v, s, values, k);
    if (s->step_y == 1 && s->step_x == 1) {
        uni_image_clear(out);
        *out = stored;
        return CKKS_OK;
    }
    status = uni_resample(out, &stored, s);
    uni_image_clear(&stored);
    return status;
}
