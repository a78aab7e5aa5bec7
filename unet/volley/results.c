/* results.c -- from logits to masks: pictures, volumes, a table of whose is
 * which. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

/* ---- what is written where ----------------------------------------------- */

/* Whether the masks of volume v make a volume: where -o names one; in a folder
 * unless it is one slice of several. */
static bool results_whole(const volley_results *x, size_t v)
{
    return volley_is_volume(x->out)
           || (volley_is_folder(x->out)
               && (x->record->volume[v].count > 1
                   || x->record->volume[v].slicing.slices == 1));
}

/* The files that masks go to, image by image. */
static int results_files(volley_results *x)
{
    const uni_record *r = x->record;

    for (size_t v = 0; v < r->volumes; v++)
        for (size_t k = 0; k < r->volume[v].count && results_whole(x, v); k++) {
            x->file[r->volume[v].first + k] =
                volley_volume_name(x->out, x->names, v);
            x->volume[r->volume[v].first + k] = true;
        }
    for (size_t i = 0; i < x->job->images; i++) {
        if (!x->volume[i])
            x->file[i] = volley_result_name(x->out, x->names, i, "", NULL);
        if (x->file[i] == NULL)
            return VOLLEY_FAILED;
    }
    return VOLLEY_DONE;
}

static int results_check_out(const volley_results *x)
{
    const uni_record *r = x->record;

    if (!volley_is_volume(x->out))
        return VOLLEY_DONE;
    if (r->volumes == 0)
        return volley_fail("%s: where these images lie in a volume is not "
                           "known: name a .png or .pgm file, or a folder",
                           x->out);
    if (r->volumes > 1 || r->volume[0].count != x->job->images)
        return volley_fail("%s: %zu images of %zu volumes, and others, do not "
                           "fit one file: name a folder", x->out,
                           x->job->images, r->volumes);
    return VOLLEY_DONE;
}

/* Each once, and none that is read. */
static int results_check_places(const volley_results *x)
{
    char tag[32];
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < x->job->images && code == VOLLEY_DONE; i++)
        if (i == 0 || strcmp(x->file[i], x->file[i - 1]) != 0)
            code = volley_check_place(x->file[i]);
    if (code == VOLLEY_DONE && x->overlay)
        code = volley_check_results(x->out, x->names, "overlay",
                                    ".png");
    for (int k = 0; k < x->plan->out_channels && x->secret
                    && code == VOLLEY_DONE; k++)
        code = volley_check_results(x->out, x->names,
                                    volley_probability_tag(tag, x->plan, k),
                                    volley_is_volume(x->out) ? ".png"
                                                             : NULL);
    return code;
}

/* ---- masks --------------------------------------------------------------- */

static ckks_status results_mask(uint8_t **mask, volley_row *row,
                                const nn_plan *p, const double *logit,
                                unet_size size)
{
    const size_t n = (size_t)size.height * (size_t)size.width;
    ckks_status s;

    *mask = malloc(n);
    if (*mask == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a mask of %zu pixels", n);
    s = unet_mask(*mask, p, logit, size);
    if (s == CKKS_OK)
        volley_mask_count(row, p, *mask, logit, size);
    return s;
}

ckks_status volley_take(volley_taken *t, const unet_job *job, size_t image,
                        const double *logit)
{
    if (t->mask == NULL) {
        t->images = job->images;
        t->mask = calloc(job->images, sizeof *t->mask);
        t->row = calloc(job->images, sizeof *t->row);
    }
    if (t->mask == NULL || t->row == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu results", job->images);
    return results_mask(&t->mask[image], &t->row[image], t->plan, logit,
                        job->size[image]);
}

void volley_taken_clear(volley_taken *t)
{
    for (size_t i = 0; i < t->images && t->mask != NULL; i++)
        free(t->mask[i]);
    free(t->mask);
    free(t->row);
    memset(t, 0, sizeof *t);
}

static int results_masks(volley_results *x)
{
    const size_t n = x->job->images;
    ckks_status s = CKKS_OK;

    x->mask = calloc(n, sizeof *x->mask);
    x->row = calloc(n, sizeof *x->row);
    if (x->mask == NULL || x->row == NULL)
        return volley_fail("no memory for %zu results", n);
    for (size_t i = 0; i < n && s == CKKS_OK; i++)
        s = results_mask(&x->mask[i], &x->row[i], x->plan, x->logit[i],
                         x->job->size[i]);
    return volley_check(s);
}

int volley_results_init(volley_results *x, volley_taken *taken)
{
    const size_t n = x->job->images;
    int code;

    if (taken != NULL && taken->mask != NULL) {
        x->mask = taken->mask;
        x->row = taken->row;
        memset(taken, 0, sizeof *taken);
    }
    x->file = calloc(n, sizeof *x->file);
    x->volume = calloc(n, sizeof *x->volume);
    if (x->file == NULL || x->volume == NULL)
        return volley_fail("no memory for %zu results", n);
    code = results_check_out(x);
    if (code == VOLLEY_DONE)
        code = results_files(x);
    if (code == VOLLEY_DONE)
        code = results_check_places(x);
    return code != VOLLEY_DONE || x->mask != NULL ? code : results_masks(x);
}

void volley_results_clear(volley_results *x)
{
    for (size_t i = 0; x->job != NULL && i < x->job->images; i++) {
        if (x->file != NULL)
            free(x->file[i]);
        if (x->mask != NULL)
            free(x->mask[i]);
    }
    free(x->file);
    free(x->volume);
    free(x->mask);
    free(x->row);
    free(x->overlap);
    free(x->compared);
    memset(x, 0, sizeof *x);
}

/* ---- writing ------------------------------------------------------------- */

/* Masks of a volume's slices as a volume. */
static int results_save_volume(const volley_results *x, size_t v)
{
    const uni_record_volume *r = &x->record->volume[v];
    uni_mask m = {0};
    ckks_status s = uni_mask_init(&m, &r->geometry, &r->slicing);

    for (size_t k = 0; k < r->count && s == CKKS_OK; k++) {
        const unet_size is = x->job->size[r->first + k];

        if (is.height != r->slicing.height || is.width != r->slicing.width)
            s = nn_fail(CKKS_EFORMAT, "%s: the mask of slice %zu is %dx%d, the "
                        "slice %dx%d", r->name, k, is.height, is.width,
                        r->slicing.height, r->slicing.width);
        else
            s = uni_mask_put(&m, x->mask[r->first + k],
                             r->slice + (int)k);
    }
    if (s == CKKS_OK)
        s = uni_mask_save(x->file[r->first], &m);
    uni_mask_clear(&m);
    return volley_check(s);
}

static int results_save_overlay(const volley_results *x, size_t i)
{
    char *name = volley_result_name(x->out, x->names, i, "overlay",
                                    ".png");
    uni_image image = {0};
    int code = name != NULL ? VOLLEY_DONE : VOLLEY_FAILED;

    if (code == VOLLEY_DONE)
        code = volley_check(uni_album_image(&image, x->album, i));
    if (code == VOLLEY_DONE)
        code = volley_save_overlay(name, x->plan, &image, x->mask[i]);
    uni_image_clear(&image);
    free(name);
    return code;
}

static int results_save_private(const volley_results *x, size_t i)
{
    int code = VOLLEY_DONE;
    char tag[32];

    for (int k = 0; k < x->plan->out_channels && code == VOLLEY_DONE; k++) {
        char *name = volley_result_name(x->out, x->names, i,
                                        volley_probability_tag(tag, x->plan,
                                                               k),
                                        volley_is_volume(x->out) ? ".png"
                                                                 : NULL);

        code = name == NULL ? VOLLEY_FAILED
               : volley_save_probability(name, x->plan, x->logit[i],
                                         x->job->size[i], k);
        free(name);
    }
    return code;
}

int volley_results_save(const volley_results *x)
{
    int code = VOLLEY_DONE;

    for (size_t v = 0; v < x->record->volumes && code == VOLLEY_DONE; v++)
        if (results_whole(x, v))
            code = results_save_volume(x, v);
    for (size_t i = 0; i < x->job->images && code == VOLLEY_DONE; i++)
        if (!x->volume[i])
            code = volley_save_mask(x->file[i], x->plan, x->mask[i],
                                    x->job->size[i]);
    for (size_t i = 0; i < x->job->images && x->overlay && code == VOLLEY_DONE;
         i++)
        code = results_save_overlay(x, i);
    if (x->secret)
        volley_warn("probabilities carry the noise of the ciphertext: whoever "
                    "gets them together with it can compute the secret key");
    for (size_t i = 0; i < x->job->images && x->secret && code == VOLLEY_DONE;
         i++)
        code = results_save_private(x, i);
    if (code == VOLLEY_DONE && x->sheet != NULL)
        code = volley_mask_sheet(x);
    return code;
}
