/* slices.c -- what the loaders make of a volume, for tests/scripts/volumes.py,
 * which compares it with nibabel and numpy:
 *
 *   slices IN PLANE SPACING_Y SPACING_X VALUES LOW HIGH PIXELS MASK [VOLUME]
 *
 * PLANE, VALUES: numbers of nn_plane and nn_values.  All slices go to PIXELS as
 * doubles (slices, channels, height, width); to MASK, if it is not "-", the
 * volume of pixels above 127, by way of the record that the owner keeps.  One
 * line says what there is, another what is to be told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/volume.h"

static int refused(void)
{
    fprintf(stderr, "%s\n", nn_last_error());
    return 1;
}

/* Geometry and slicing written as text and read again. */
static ckks_status through_record(uni_geometry *g, uni_slicing *s,
                                  const uni_volume *v, const uni_slicing *of)
{
    nni_json_writer w;
    nni_json doc = {0};
    ckks_status status;

    nni_json_writer_init(&w, NULL, 0);
    uni_geometry_put(&w, NULL, &v->geometry, of);
    status = nni_json_writer_finish(&w);
    if (status == CKKS_OK)
        status = nni_json_load(&doc, "record", (const uint8_t *)w.data,
                               w.size);
    if (status == CKKS_OK)
        status = uni_geometry_get(g, s, &doc, doc.node, "record");
    nni_json_clear(&doc);
    nni_json_writer_clear(&w);
    return status;
}

static ckks_status all_slices(const uni_volume *v, const uni_slicing *s,
                              const uni_values *values, uni_mask *mask,
                              FILE *out)
{
    const size_t n = (size_t)s->height * (size_t)s->width;
    uint8_t *label = malloc(n);
    ckks_status status = label != NULL ? CKKS_OK : CKKS_EMEM;

    for (int k = 0; k < s->slices && status == CKKS_OK; k++) {
        uni_image image = {0};

        status = uni_slice(&image, v, s, values, k);
        if (status != CKKS_OK)
            break;
        for (size_t i = 0; i < n; i++)
            label[i] = image.pixel[i] > 127;
        if (fwrite(image.pixel, sizeof *image.pixel,
                   n * (size_t)image.channels, out)
            != n * (size_t)image.channels)
            status = nn_fail(CKKS_EIO, "writing pixels");
        if (status == CKKS_OK && mask->voxel != NULL)
            status = uni_mask_put(mask, label, k);
        uni_image_clear(&image);
    }
    free(label);
    return status;
}

static ckks_status run(char **arg, int volume)
{
    const nn_images images = {
        .given = true, .plane = (nn_plane)atoi(arg[2]),
        .spacing_y = atof(arg[3]), .spacing_x = atof(arg[4]),
        .values = (nn_values)atoi(arg[5]), .low = atof(arg[6]),
        .high = atof(arg[7])
    };
    uni_volume v = {0};
    uni_geometry g;
    uni_slicing s, kept;
    uni_values r;
    uni_mask mask = {0};
    char line[400];
    FILE *out = fopen(arg[8], "wb");
    ckks_status status = out == NULL ? nn_fail(CKKS_EIO, "%s", arg[8])
                       : uni_volume_open(&v, arg[1], volume);

    if (status == CKKS_OK)
        status = uni_slicing_make(&s, arg[1], &v.geometry, &images);
    if (status == CKKS_OK)
        status = uni_values_make(&r, &v, &images);
    if (status == CKKS_OK)
        status = through_record(&g, &kept, &v, &s);
    if (status == CKKS_OK && strcmp(arg[9], "-") != 0)
        status = uni_mask_init(&mask, &g, &kept);
    if (status == CKKS_OK)
        status = all_slices(&v, &s, &r, &mask, out);
    if (status == CKKS_OK && mask.voxel != NULL)
        status = uni_mask_save(arg[9], &mask);
    if (status == CKKS_OK) {
        uni_values_say(line, sizeof line, &r);
        printf("%d %d %d %d %s %d %zu\n%s\n", s.slices,
               v.type == UNI_RGB ? 3 : 1, s.height, s.width,
               uni_plane_name(s.plane), uni_values_odd(&r), r.fill, line);
    }
    uni_mask_clear(&mask);
    uni_volume_clear(&v);
    if (out != NULL)
        fclose(out);
    return status;
}

int main(int args, char **arg)
{
    if (args < 10)
        return 2;
    return run(arg, args > 10 ? atoi(arg[10]) : -1) == CKKS_OK ? 0 : refused();
}
