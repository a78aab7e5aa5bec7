/* picture.c -- images in, masks out. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

static int images_load_one(uni_image *out, const char *path, int channels,
                           const unet_size *size)
{
    const uni_image_want want = { 0, size != NULL ? size->height : 0,
                                  size != NULL ? size->width : 0, false,
                                  "its image has", false };
    uni_image raw = {0};
    ckks_status s = uni_image_read(&raw, path, -1, &want, NULL);

    if (s == CKKS_OK)
        s = uni_image_convert(out, &raw, channels);
    uni_image_clear(&raw);
    return volley_check(s);
}

int volley_images_load(volley_images *out, const char *const *path, int count,
                       int channels, const unet_size *size)
{
    const size_t n = (size_t)count;
    int code = VOLLEY_DONE;

    memset(out, 0, sizeof *out);
    out->image = calloc(n, sizeof *out->image);
    out->size = calloc(n, sizeof *out->size);
    out->pixel = calloc(n, sizeof *out->pixel);
    if (out->image == NULL || out->size == NULL || out->pixel == NULL)
        code = volley_fail("no memory for %d images", count);
    for (size_t i = 0; i < n && code == VOLLEY_DONE; i++) {
        code = images_load_one(&out->image[i], path[i], channels,
                               size != NULL ? &size[i] : NULL);
        if (code != VOLLEY_DONE)
            break;
        out->size[i].height = out->image[i].height;
        out->size[i].width = out->image[i].width;
        out->pixel[i] = out->image[i].pixel;
        out->count = i + 1;
    }
    if (code != VOLLEY_DONE)
        volley_images_clear(out);
    return code;
}

void volley_images_clear(volley_images *p)
{
    for (size_t i = 0; i < p->count; i++)
        uni_image_clear(&p->image[i]);
    free(p->image);
    free(p->size);
    free(p->pixel);
    memset(p, 0, sizeof *p);
}

volley_input volley_images_input(const volley_images *p)
{
    return (volley_input){ p->count, p->size, unet_pixels_array(p->pixel) };
}

bool volley_ends(const char *path, const char *ending)
{
    size_t a = strlen(path), b = strlen(ending);

    return a > b && strcmp(path + a - b, ending) == 0;
}

static int picture_check(const char *path)
{
    if (volley_is_folder(path))
        return VOLLEY_DONE;
    if (!volley_ends(path, ".png") && !volley_ends(path, ".pgm")
        && !volley_ends(path, ".csv") && !volley_is_volume(path))
        return volley_usage("%s: the ending of a mask is .pgm or .png, of a "
                            "volume .nii or .nii.gz, of classes .csv", path);
    return volley_check_place(path);
}

int volley_check_names(const char *out)
{
    size_t n = strlen(out);
    int code = picture_check(out);

    if (code == VOLLEY_DONE && out[n - 1] == '/')
        code = volley_folder(out);
    return code;
}

int volley_check_kind(const volley_args *a, const char *verb, const nn_plan *p)
{
    const bool classes = p->num_classes > 0;
    const char *out = a->value[OPT_OUT];
    static const struct { int option; bool classes; const char *name; } of[] = {
        { OPT_OVERLAY, false, "overlay IMAGE..." },
        { OPT_DRAW, false, "overlay" },
        { OPT_PRIVATE, false, "private" },
        { OPT_TRUTH, false, "truth MASK..." },
        { OPT_LABELS, true, "labels FILE" }
    };

    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        if (a->value[of[i].option] != NULL && of[i].classes != classes)
            return volley_usage("%s: --%s: %s is for %s", verb, of[i].name,
                                p->name, classes ? "classes" : "masks");
    if (out == NULL)
        return classes ? VOLLEY_DONE
               : volley_usage("%s: --out MASK is missing", verb);
    if (volley_ends(out, ".csv") != classes)
        return volley_usage("%s: %s: the result of %s is %s", verb, out,
                            p->name, classes ? "classes: name a .csv file"
                            : "masks: name a .pgm, .png, .nii or .nii.gz "
                              "file, or a folder");
    return VOLLEY_DONE;
}
