/* volume_image.c -- one slice of a volume as an image, where no model says how
 * it should lie. */
#include "image/codec.h"

static const char *volume_kind(const uni_slicing *s)
{
    return uni_plane_name(s->plane);
}

ckks_status uni_volume_suit(const uni_volume *v, const uni_slicing *s,
                            const char *name, int *slice, bool many,
                            const uni_image_want *want)
{
    const uni_shape shape = { v->type == UNI_RGB ? 3 : 1, (uint64_t)s->height,
                              (uint64_t)s->width };
    uni_image_want loose = want != NULL ? *want : (uni_image_want){0};
    ckks_status status;

    if (v->type == UNI_RGB && loose.channels == 1)
        loose.channels = 0;             /* its colours may be greys          */
    status = uni_image_check(name, &shape, &loose);
    if (status != CKKS_OK)
        return status;
    if (*slice < 0 && s->slices == 1 && !many)
        *slice = 0;
    if (*slice < 0 && !many)
        return nn_fail(CKKS_EARG, "%s: a volume of %d %s slices; name one, "
                       "0..%d (%s:slice=%d)", name, s->slices, volume_kind(s),
                       s->slices - 1, name, s->slices / 2);
    if (*slice >= s->slices)
        return nn_fail(CKKS_EARG, "%s: slice %d of a volume of %d %s slices",
                       name, *slice, s->slices, volume_kind(s));
    return CKKS_OK;
}

ckks_status uni_volume_image(uni_image *out, const uni_volume *v,
                             const char *name, int slice,
                             const uni_image_want *want)
{
    uni_slicing s;
    uni_values values;
    ckks_status status = uni_slicing_make(&s, name, &v->geometry, NULL);

    if (status == CKKS_OK)
        status = uni_volume_suit(v, &s, name, &slice, false, want);
    if (status == CKKS_OK)
        status = uni_values_make(&values, v, NULL);
    if (status == CKKS_OK)
        status = uni_slice(out, v, &s, &values, slice);
    if (status == CKKS_OK && want != NULL && want->channels == 1
        && out->channels == 3)
        status = uni_image_grey(out, name, 0, want);
    return status;
}

ckks_status uni_volume_load(uni_image *out, const uni_place *place,
                            const uni_image_want *want)
{
    const char *name = place->file;
    int slice = place->slice;
    uni_image image = {0};
    uni_volume v = {0};
    uni_slicing s;
    ckks_status status = uni_volume_look(&v, name, place->volume);

    if (status == CKKS_OK)
        status = uni_slicing_make(&s, name, &v.geometry, NULL);
    if (status == CKKS_OK)
        status = uni_volume_suit(&v, &s, name, &slice, false, want);
    if (status == CKKS_OK)
        status = uni_volume_open(&v, name, place->volume);
    if (status == CKKS_OK)
        status = uni_volume_image(&image, &v, name, slice, want);
    uni_volume_clear(&v);
    if (status != CKKS_OK) {
        uni_image_clear(&image);
        return status;
    }
    uni_image_clear(out);
    *out = image;
    return CKKS_OK;
}
