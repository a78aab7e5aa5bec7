/* solid.c -- a volume as one image of three dimensions.  Contracts in
 * solid.h. */
#include "image/solid.h"

#include <stdlib.h>
#include <string.h>

/* ---- sizes --------------------------------------------------------------- */

static size_t solid_places(const int n[3])
{
    return (size_t)n[0] * (size_t)n[1] * (size_t)n[2];
}

ckks_status uni_solid_place(uni_solid_fit *out, const char *name,
                            const int have[3], const int want[3], bool fit)
{
    static const int most[3] = { NN_MAX_DEPTH, NN_MAX_SIDE, NN_MAX_SIDE };
    uni_solid_fit f;
    uint64_t all = 1;

    for (int i = 0; i < 3; i++) {
        const bool sane = have[i] >= 1 && have[i] <= NN_MAX_SIDE
                          && want[i] >= 1 && want[i] <= most[i];

        all = sane && all <= UNET_VOLUME_VOXELS ? all * (uint64_t)want[i]
                                                : UINT64_MAX;
        f.have[i] = have[i];
        f.want[i] = want[i];
        f.from[i] = sane ? (have[i] - want[i]) / 2 : 0;
    }
    if (all > UNET_VOLUME_VOXELS)
        return nn_fail(CKKS_EARG, "%s: a volume of %d x %d x %d as one of %d x "
                       "%d x %d (depth x height x width), at most %d voxels "
                       "are taken", name, have[0], have[1], have[2], want[0],
                       want[1], want[2], UNET_VOLUME_VOXELS);
    if (!fit && memcmp(f.have, f.want, sizeof f.have) != 0)
        return nn_fail(CKKS_EARG, "%s: %d slices of %dx%d pixels, the network "
                       "takes %d of %dx%d; --fit puts the volume into the "
                       "middle of zeros, or takes its middle", name, have[0],
                       have[1], have[2], want[0], want[1], want[2]);
    *out = f;
    return CKKS_OK;
}

/* ---- slices -------------------------------------------------------------- */

/* What volume and solid have in common of an axis: places lo..hi-1 of the
 * volume. */
static void solid_common(int *lo, int *hi, const uni_solid_fit *f, int axis)
{
    const int end = f->from[axis] + f->want[axis];

    *lo = f->from[axis] > 0 ? f->from[axis] : 0;
    *hi = end < f->have[axis] ? end : f->have[axis];
}

/* Where place (k, y, x) of the volume is in channel c of the solid. */
static size_t solid_at(const uni_solid_fit *f, int c, int k, int y, int x)
{
    const size_t z = (size_t)c * (size_t)f->want[0]
                     + (size_t)(k - f->from[0]);

    return (z * (size_t)f->want[1] + (size_t)(y - f->from[1]))
           * (size_t)f->want[2] + (size_t)(x - f->from[2]);
}

/* Whether the solid has anything of slice k. */
static bool solid_has(const uni_solid_fit *f, int k)
{
    int lo, hi;

    solid_common(&lo, &hi, f, 0);
    return k >= lo && k < hi;
}

void uni_solid_put(double *solid, const uni_solid_fit *f, int channels,
                   const double *slice, int k)
{
    int top, bottom, left, right;

    solid_common(&top, &bottom, f, 1);
    solid_common(&left, &right, f, 2);
    for (int c = 0; c < channels && solid_has(f, k); c++)
        for (int y = top; y < bottom; y++)
            memcpy(solid + solid_at(f, c, k, y, left),
                   slice + ((size_t)c * (size_t)f->have[1] + (size_t)y)
                           * (size_t)f->have[2] + left,
                   (size_t)(right - left) * sizeof *solid);
}

void uni_solid_get(double *slice, const uni_solid_fit *f, int channels,
                   const double *solid, const double *outside, int k)
{
    int top, bottom, left, right;

    solid_common(&top, &bottom, f, 1);
    solid_common(&left, &right, f, 2);
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < f->have[1]; y++)
            for (int x = 0; x < f->have[2]; x++)
                *slice++ = solid_has(f, k) && y >= top && y < bottom
                           && x >= left && x < right
                         ? solid[solid_at(f, c, k, y, x)] : outside[c];
}

void uni_solid_label(uint8_t *slice, const uni_solid_fit *f,
                     const uint8_t *solid, int k)
{
    int top, bottom, left, right;

    solid_common(&top, &bottom, f, 1);
    solid_common(&left, &right, f, 2);
    for (int y = 0; y < f->have[1]; y++)
        for (int x = 0; x < f->have[2]; x++)
            *slice++ = solid_has(f, k) && y >= top && y < bottom && x >= left
                       && x < right ? solid[solid_at(f, 0, k, y, x)] : 0;
}

/* ---- files --------------------------------------------------------------- */

/* Size and kind, by the header alone. */
static ckks_status solid_look(uni_solid *s, const uni_volume *v,
                              const int size[3], const nn_images *images,
                              bool fit)
{
    const int channels = v->type == UNI_RGB ? 3 : 1;
    ckks_status st;

    if (channels != s->channels)
        return nn_fail(CKKS_EARG, "%s: a volume of %s, the network takes %d "
                       "channel%s", v->name, channels == 3 ? "colours"
                                             : "one number a voxel",
                       s->channels, s->channels == 1 ? "" : "s");
    s->geometry = v->geometry;
    st = uni_slicing_make(&s->slicing, v->name, &v->geometry, images);
    if (st != CKKS_OK)
        return st;
    return uni_solid_place(&s->fit, v->name,
                           (int[3]){ s->slicing.slices, s->slicing.height,
                                     s->slicing.width }, size, fit);
}

static ckks_status solid_read(uni_solid *s, const uni_volume *v,
                              const nn_images *images)
{
    const size_t n = (size_t)s->channels * solid_places(s->fit.want);
    uni_image slice = {0};
    ckks_status st;

    s->pixel = calloc(n, sizeof *s->pixel);
    if (s->pixel == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu pixels", v->name, n);
    st = uni_values_make(&s->values, v, images);
    for (int k = 0; k < s->slicing.slices && st == CKKS_OK; k++) {
        st = uni_slice(&slice, v, &s->slicing, &s->values, k);
        if (st == CKKS_OK)
            uni_solid_put(s->pixel, &s->fit, s->channels, slice.pixel, k);
    }
    uni_image_clear(&slice);
    return st;
}

static ckks_status solid_load(uni_solid *s, const uni_place *place,
                              const int size[3], const nn_images *images,
                              bool fit)
{
    uni_volume v = {0};
    ckks_status st;

    if (place->slice >= 0 || !uni_volume_is(place->file))
        return nn_fail(CKKS_EARG, "%s: %s, the network takes a whole volume "
                       "(NIfTI, or a series of DICOM)", place->file,
                       place->slice >= 0 ? "one slice" : "no volume");
    st = uni_volume_look(&v, place->file, place->volume);
    if (st == CKKS_OK)
        st = solid_look(s, &v, size, images, fit);
    if (st == CKKS_OK)
        st = uni_volume_open(&v, place->file, place->volume);
    if (st == CKKS_OK)          /* once more: it may have changed            */
        st = solid_look(s, &v, size, images, fit);
    if (st == CKKS_OK)
        st = solid_read(s, &v, images);
    uni_volume_clear(&v);
    return st;
}

ckks_status uni_solid_open(uni_solid *out, const char *path, int channels,
                           const int size[3], const nn_images *images,
                           bool fit)
{
    uni_solid s = { .channels = channels };
    uni_place place;
    ckks_status st;

    if (out == NULL || path == NULL || size == NULL)
        return nn_fail(CKKS_EARG, "uni_solid_open: null pointer");
    st = uni_place_init(&place, path);
    if (st != CKKS_OK)
        return st;
    st = solid_load(&s, &place, size, images, fit);
    uni_place_clear(&place);
    if (st != CKKS_OK) {
        uni_solid_clear(&s);
        return st;
    }
    uni_solid_clear(out);
    *out = s;
    return CKKS_OK;
}

ckks_status uni_solid_save(const char *path, const uni_solid *s,
                           const uint8_t *label)
{
    uint8_t *slice;
    uni_mask m = {0};
    ckks_status st;

    if (path == NULL || s == NULL || s->pixel == NULL || label == NULL)
        return nn_fail(CKKS_EARG, "uni_solid_save: null pointer");
    slice = malloc((size_t)s->fit.have[1] * (size_t)s->fit.have[2]);
    if (slice == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for a slice", path);
    st = uni_mask_init(&m, &s->geometry, &s->slicing);
    for (int k = 0; k < s->fit.have[0] && st == CKKS_OK; k++) {
        uni_solid_label(slice, &s->fit, label, k);
        st = uni_mask_put(&m, slice, k);
    }
    if (st == CKKS_OK)
        st = uni_mask_save(path, &m);
    uni_mask_clear(&m);
    free(slice);
    return st;
}

void uni_solid_clear(uni_solid *s)
{
    if (s == NULL)
        return;
    free(s->pixel);
    memset(s, 0, sizeof *s);
}
