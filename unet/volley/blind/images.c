/* images.c -- images that go in, masks that come out, of both kinds of
 * networks. */
#include <stdlib.h>
#include <string.h>

#include "volley/blind/verbs.h"

/* ---- two axes: pictures, slices ----------------------------------------- */

static int images_album(blind_images *x, const char *const *word, int words)
{
    int code = volley_values(&x->face, x->a);

    if (code == VOLLEY_DONE)
        code = volley_album(&x->album, x->a, &x->face, word, words);
    if (code == VOLLEY_DONE)
        code = volley_record(&x->record, &x->album);
    if (code == VOLLEY_DONE)
        code = volley_names_init(&x->names, &x->record, x->album.images);
    if (code == VOLLEY_DONE)
        code = volley_check(unet_job_init(&x->job, &x->face.plan,
                                          x->album.size, x->album.images));
    if (code == VOLLEY_DONE)
        volley_state_images(&x->face, x->a, &x->album);
    x->count = x->album.images;
    return code;
}

/* Masks that are still empty, and the files they will go to. */
static int images_results(blind_images *x)
{
    volley_taken taken = { &x->face.plan, x->count, NULL, NULL };
    int code = VOLLEY_DONE;

    x->results = (volley_results){
        .out = x->a->value[OPT_OUT], .plan = &x->face.plan, .job = &x->job,
        .names = &x->names, .record = &x->record, .album = &x->album,
        .overlay = x->a->value[OPT_DRAW] != NULL
    };
    taken.mask = calloc(x->count, sizeof *taken.mask);
    taken.row = calloc(x->count, sizeof *taken.row);
    for (size_t i = 0; i < x->count && taken.mask != NULL; i++) {
        taken.mask[i] = calloc(x->pixels, 1);
        if (taken.mask[i] == NULL)
            code = volley_fail("no memory for a mask");
    }
    if (taken.mask == NULL || taken.row == NULL)
        code = volley_fail("no memory for %zu masks", x->count);
    if (code == VOLLEY_DONE)
        code = volley_results_init(&x->results, &taken);
    volley_taken_clear(&taken);
    x->mask = x->results.mask;
    return code;
}

static void images_row(blind_images *x, size_t i)
{
    volley_row *row = &x->results.row[i];

    memset(row, 0, sizeof *row);
    row->size = x->job.size[i];
    for (size_t j = 0; j < x->pixels; j++)
        row->label[x->mask[i][j]]++;
    row->foreground = x->pixels - row->label[0];
}

/* ---- three axes: volumes ------------------------------------------------ */

/* -o names a file for one volume, a folder for any number. */
static int images_volumes(blind_images *x, const char *const *word, int words)
{
    const char *out = x->a->value[OPT_OUT];
    int code = volley_values(&x->face, x->a);

    x->count = (size_t)words;
    x->word = word;
    x->file = calloc(x->count, sizeof *x->file);
    x->mask = calloc(x->count, sizeof *x->mask);
    if (x->file == NULL || x->mask == NULL)
        code = volley_fail("no memory for %d names", words);
    if (code == VOLLEY_DONE
        && (words > 1 ? !volley_is_folder(out)
                      : !volley_is_folder(out) && !volley_is_volume(out)))
        code = volley_fail("%s: labels of volumes go to a .nii or .nii.gz file,"
                           " those of several to a folder", out);
    if (code == VOLLEY_DONE)
        code = volley_check(uni_record_init(&x->record, x->count));
    for (size_t i = 0; i < x->count && code == VOLLEY_DONE; i++)
        code = volley_check(uni_record_name(&x->record, i, word[i]));
    if (code == VOLLEY_DONE)
        code = volley_names_init(&x->names, &x->record, x->count);
    for (size_t i = 0; i < x->count && code == VOLLEY_DONE; i++) {
        x->file[i] = volley_result_name(out, &x->names, i, "",
                                        volley_is_folder(out)
                                            ? ".nii.gz" : NULL);
        code = x->file[i] == NULL ? VOLLEY_FAILED
                                  : volley_check_place(x->file[i]);
    }
    return code;
}

static int images_solid(blind_images *x, size_t i)
{
    int core[3];

    blind_network_core(core, x->n);
    uni_solid_clear(&x->solid);
    return volley_check(uni_solid_open(&x->solid, x->word[i], x->n->channels,
                                       core, &x->face.images,
                                       x->a->value[OPT_FIT] != NULL));
}

/* ---- both --------------------------------------------------------------- */

int volley_blind_open(blind_images *x, const volley_args *a,
                      const blind_network *n, const char *const *word,
                      int words)
{
    int core[3], code = volley_check_names(a->value[OPT_OUT]);

    blind_network_core(core, n);
    x->a = a;
    x->n = n;
    x->pixels = (size_t)core[0] * (size_t)core[1] * (size_t)core[2];
    volley_blind_face(&x->face, n, a->word[0]);
    if (code != VOLLEY_DONE)
        return code;
    if (n->dims == 3) {
        if (a->value[OPT_DRAW] != NULL || a->value[OPT_TRUTH] != NULL)
            return volley_usage("--overlay and --truth: %s is a network of "
                                "volumes", n->name);
        return images_volumes(x, word, words);
    }
    code = images_album(x, word, words);
    return code == VOLLEY_DONE ? images_results(x) : code;
}

int volley_blind_input(int64_t *out, blind_images *x, size_t i)
{
    const unet_pixels pixels = uni_album_pixels(&x->album);
    const double *pixel = NULL;
    int code;

    if (x->n->dims == 3) {
        code = images_solid(x, i);
        pixel = x->solid.pixel;
    } else {
        code = volley_check(pixels.get(&pixel, pixels.user, i));
    }
    if (code == VOLLEY_DONE)
        x->clipped += blind_network_input(out, x->n, pixel);
    if (code == VOLLEY_DONE && x->n->dims == 3) {
        x->mask[i] = calloc(x->pixels, 1);
        if (x->mask[i] == NULL)
            code = volley_fail("no memory for a mask");
    }
    return code;
}

int volley_blind_labels(blind_images *x, size_t i)
{
    if (x->n->dims == 2) {
        images_row(x, i);
        return VOLLEY_DONE;
    }
    return volley_check(uni_solid_save(x->file[i], &x->solid, x->mask[i]));
}

int volley_blind_all_labels(blind_images *x)
{
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < x->count && code == VOLLEY_DONE; i++) {
        if (x->n->dims == 3 && x->count > 1)
            code = images_solid(x, i);
        if (code == VOLLEY_DONE)
            code = volley_blind_labels(x, i);
    }
    return code;
}

static void images_tell(const blind_images *x, size_t i)
{
    const int labels = x->n->num_labels > 0 ? x->n->num_labels : 2;

    printf("%s: %s", x->names.image[i], x->file[i]);
    for (int k = 1; k < labels; k++) {
        size_t count = 0;

        for (size_t j = 0; j < x->pixels; j++)
            count += x->mask[i][j] == k;
        printf("%s %s %.2f %%", k > 1 ? "," : ";",
               volley_mask_name(&x->face.plan, k),
               100 * (double)count / (double)x->pixels);
    }
    printf("\n");
}

int volley_blind_save(blind_images *x)
{
    const bool json = x->a->value[OPT_JSON] != NULL;
    int code = VOLLEY_DONE;

    if (x->n->dims == 3) {
        for (size_t i = 0; i < x->count && !json; i++)
            images_tell(x, i);
        return code;
    }
    code = volley_truth(&x->results, &x->a->truth);
    if (code == VOLLEY_DONE)
        code = volley_results_save(&x->results);
    if (code == VOLLEY_DONE && !json)
        volley_table_print(&x->results);
    return code;
}

void volley_blind_put(nni_json_writer *w, const blind_images *x)
{
    if (x->n->dims == 2) {
        volley_table_put(w, &x->results);
        return;
    }
    nni_json_put_array(w, "volumes");
    for (size_t i = 0; i < x->count; i++) {
        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "image", x->names.image[i]);
        nni_json_put_string(w, "mask", x->file[i]);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

void volley_blind_warn(const blind_images *x)
{
    if (x->clipped > 0)
        volley_warn("%zu of %zu pixels were beyond what the network was "
                    "calibrated for, and were clipped", x->clipped,
                    x->count * x->pixels * (size_t)x->n->channels);
}

void volley_blind_clear(blind_images *x)
{
    for (size_t i = 0; i < x->count && x->n->dims == 3; i++) {
        if (x->file != NULL)
            free(x->file[i]);
        if (x->mask != NULL)
            free(x->mask[i]);
    }
    if (x->n != NULL && x->n->dims == 3)
        free(x->mask);
    free(x->file);
    uni_solid_clear(&x->solid);
    volley_results_clear(&x->results);
    volley_names_clear(&x->names);
    uni_record_clear(&x->record);
    uni_album_clear(&x->album);
    unet_job_clear(&x->job);
    memset(x, 0, sizeof *x);
}
