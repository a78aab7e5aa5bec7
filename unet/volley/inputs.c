/* inputs.c -- the images that IMAGE... names. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

/* job: with results of these images, whose sizes theirs must be; NULL: none. */
static int inputs_open(uni_album *out, const volley_args *a,
                       const volley_source *source, const char *const *word,
                       int words, const unet_job *job)
{
    const nn_plan *p = &source->plan;
    uni_album_aim aim = { p->channels, 0, 0, a->value[OPT_FIT] != NULL, 0,
                           SIZE_MAX, volley_jpeg, NULL, 0, &source->images,
                           false };
    const bool deep = source->has_model && source->model.depth > 0;
    int first = 0, count = 0;
    int code = volley_int(&first, a, OPT_FIRST, 0, 1 << 29, 0);

    if (code == VOLLEY_DONE)
        code = volley_int(&count, a, OPT_COUNT, 0, 1 << 29, 0);
    if (code != VOLLEY_DONE)
        return code;
    if (p->border != NN_HALO) {
        aim.height = p->core_height;
        aim.width = p->core_width;
    } else if (deep) {
        aim.fit = false;            /* is for whole volumes (clear_solid.c)  */
    } else if (aim.fit) {
        return volley_usage("--fit: %s takes images of any size", p->name);
    }
    if (job != NULL) {
        aim.size = job->size;
        aim.sizes = job->images;
    }
    aim.first = (size_t)first;
    if (a->value[OPT_COUNT] != NULL)
        aim.count = (size_t)count;
    code = volley_check(uni_album_open(out, word, (size_t)words, &aim));
    for (size_t i = 0; i < out->names.count && code == VOLLEY_DONE; i++)
        code = volley_reads(out->names.name[i]);
    if (code == VOLLEY_DONE)
        code = volley_check_outputs(a);
    if (code == VOLLEY_DONE && out->names.skipped > 0)
        volley_warn("%zu file%s skipped: %s%s", out->names.skipped,
                    out->names.skipped == 1 ? "" : "s", out->names.other,
                    out->names.skipped == 1 ? "" : " ...");
    return code;
}

int volley_album(uni_album *out, const volley_args *a, const volley_source *s,
                 const char *const *word, int words)
{
    return inputs_open(out, a, s, word, words, NULL);
}

/* A head that is refused here is refused with its reason when the results are
 * decrypted. */
int volley_album_of(uni_album *out, const volley_args *a,
                    const volley_source *s, const char *const *word,
                    int words, const char *results)
{
    unet_reader *r = NULL;
    const bool known = unet_reader_open(&r, results, NULL, UNET_OUTPUT)
                       == CKKS_OK;
    int code = inputs_open(out, a, s, word, words,
                           known ? unet_reader_job(r) : NULL);

    unet_reader_close(&r);
    return code;
}

volley_input volley_album_input(uni_album *album)
{
    return (volley_input){ album->images, album->size,
                           uni_album_pixels(album) };
}

/* Image i by its pixels. */
static int inputs_check_pixels(const uni_album *album, size_t i,
                               const uni_record_image *kept,
                               const char *option)
{
    uni_image image = {0};
    uint8_t is[UNET_ID];
    char *name = uni_album_name(album, i);
    ckks_status s = name != NULL ? uni_album_image(&image, album, i)
                                 : nn_fail(CKKS_EMEM, "no memory for a name");
    int code;

    if (s == CKKS_OK)
        s = uni_record_pixels(is, image.pixel, image.channels,
                              album->size[i]);
    code = volley_check(s);
    if (code == VOLLEY_DONE && memcmp(is, kept->pixels, UNET_ID) != 0)
        code = volley_fail("%s: image %zu, %s, is not what went in: that was "
                           "%s, and its pixels were others", option, i, name,
                           kept->name != NULL ? kept->name : "another");
    uni_image_clear(&image);
    free(name);
    return code;
}

int volley_check_album(const uni_album *album, const unet_job *job,
                       const uni_record *record, const char *option)
{
    int code = VOLLEY_DONE;

    if (album->images != job->images)
        return volley_fail("%s: %zu images for %zu results", option,
                           album->images, job->images);
    for (size_t i = 0; i < job->images; i++)
        if (album->size[i].height != job->size[i].height
            || album->size[i].width != job->size[i].width)
            return volley_fail("%s: image %zu is %dx%d pixels, its result "
                               "%dx%d", option, i + 1, album->size[i].height,
                               album->size[i].width, job->size[i].height,
                               job->size[i].width);
    for (size_t i = 0; i < record->images && code == VOLLEY_DONE; i++)
        code = inputs_check_pixels(album, i, &record->image[i], option);
    return code;
}

/* Volumes of an album, as they are kept. */
static ckks_status inputs_volumes(uni_record *out, const uni_album *album)
{
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < album->volumes && s == CKKS_OK; i++) {
        const uni_album_volume *v = &album->volume[i];
        uni_album_source from;
        char *name;
        size_t size;

        if (v->count == 0)
            continue;
        from = uni_album_source_of(album, v->first);
        size = strlen(from.file) + 32;
        name = malloc(size);
        if (name == NULL)
            return nn_fail(CKKS_EMEM, "no memory for a name");
        strcpy(name, from.file);
        if (v->volumes > 1)
            snprintf(name + strlen(name), 32, ":volume=%d", v->volume);
        s = uni_record_add(out, name, v->first, v->count, from.slice,
                           &v->geometry, &v->slicing);
        free(name);
    }
    return s;
}

int volley_record(uni_record *out, const uni_album *album)
{
    ckks_status s = uni_record_init(out, album->images);

    for (size_t i = 0; i < album->images && s == CKKS_OK; i++) {
        char *name = uni_album_name(album, i);

        s = name != NULL ? uni_record_name(out, i, name)
                         : nn_fail(CKKS_EMEM, "no memory for a name");
        free(name);
    }
    if (s == CKKS_OK)
        s = inputs_volumes(out, album);
    return volley_check(s);
}

