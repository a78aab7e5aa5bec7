/* truth.c -- masks beside those that somebody drew: Dice of each label.
 *
 * A volume of drawn labels is compared voxel by voxel, on the grid it is stored
 * on, with the mask as it would be written; a picture with one image.
 */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

enum { TRUTH_NOTHING = 255 };       /* a voxel of no slice that was taken    */

static void truth_count(volley_overlap *o, const uint8_t *mask,
                        const uint8_t *truth, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (mask[i] == TRUTH_NOTHING)
            continue;
        o->mask[mask[i]]++;
        o->truth[truth[i]]++;
        o->both[mask[i]] += mask[i] == truth[i];
        o->all++;
    }
}

static void truth_add(volley_overlap *to, const volley_overlap *from)
{
    for (int k = 0; k < NN_MAX_LABELS; k++) {
        to->mask[k] += from->mask[k];
        to->truth[k] += from->truth[k];
        to->both[k] += from->both[k];
    }
    to->all += from->all;
}

/* Where neither has the label they agree. */
double volley_dice(const volley_overlap *o, int label)
{
    const size_t sum = o->mask[label] + o->truth[label];

    return sum > 0 ? 2 * (double)o->both[label] / (double)sum : 1;
}

/* ---- one drawn mask ------------------------------------------------------ */

static int truth_picture(volley_results *x, size_t i, const char *path)
{
    const unet_size size = x->job->size[i];
    const size_t n = (size_t)size.height * (size_t)size.width;
    uint8_t *truth = malloc(n);
    int code = truth == NULL ? volley_fail("no memory for a mask")
               : volley_check(uni_labels_picture(truth, path, size.height,
                                                 size.width,
                                                 x->plan->num_labels));

    if (code == VOLLEY_DONE)
        truth_count(&x->overlap[i], x->mask[i], truth, n);
    free(truth);
    return code;
}

/* Of the images of volume v; what they have in common with it is kept with the
 * first. */
static int truth_volume(volley_results *x, size_t v, const char *path)
{
    const uni_record_volume *r = &x->record->volume[v];
    const size_t n = (size_t)r->geometry.n[0] * (size_t)r->geometry.n[1]
                     * (size_t)r->geometry.n[2];
    uint8_t *truth = malloc(n);
    uni_mask m = {0};
    int code = truth == NULL ? volley_fail("no memory for a mask")
               : volley_check(uni_labels_volume(truth, path, &r->geometry,
                                                x->plan->num_labels));

    if (code == VOLLEY_DONE)
        code = volley_check(uni_mask_init(&m, &r->geometry, &r->slicing));
    if (code == VOLLEY_DONE)
        memset(m.voxel, TRUTH_NOTHING, n);
    for (size_t k = 0; k < r->count && code == VOLLEY_DONE; k++)
        code = volley_check(uni_mask_put(&m, x->mask[r->first + k],
                                         r->slice + (int)k));
    if (code == VOLLEY_DONE)
        truth_count(&x->overlap[r->first], m.voxel, truth, n);
    uni_mask_clear(&m);
    free(truth);
    return code;
}

/* The volume of which image i is the first; -1: none. */
static long truth_volume_at(const volley_results *x, size_t i)
{
    for (size_t v = 0; v < x->record->volumes; v++)
        if (x->record->volume[v].first == i)
            return (long)v;
    return -1;
}

/* ---- all of them --------------------------------------------------------- */

/* The next drawn mask is that of image *i, or of the volume that begins with
 * it; *i moves behind. */
static int truth_next(volley_results *x, size_t *i, const char *path)
{
    const long v = truth_volume_at(x, *i);
    uni_place place;
    bool volume = false;
    int code = volley_check(uni_place_init(&place, path));

    if (code == VOLLEY_DONE) {
        code = volley_reads(place.file);
        volume = uni_volume_is(place.file);
        uni_place_clear(&place);
    }
    if (code != VOLLEY_DONE)
        return code;
    if (!volume) {
        code = truth_picture(x, *i, path);
        x->compared[(*i)++] = true;
        return code;
    }
    if (v < 0)
        return volley_fail("--truth: %s is a volume, and image %zu is no slice "
                           "of one, or not its first", path, *i);
    code = truth_volume(x, (size_t)v, path);
    x->compared[*i] = true;
    *i += x->record->volume[v].count;
    return code;
}

int volley_truth(volley_results *x, const volley_list *list)
{
    const size_t images = x->job->images;
    uni_names names = {0};
    size_t i = 0, k = 0;
    int code;

    if (list->words == 0)
        return VOLLEY_DONE;
    x->overlap = calloc(images, sizeof *x->overlap);
    x->compared = calloc(images, sizeof *x->compared);
    if (x->overlap == NULL || x->compared == NULL)
        return volley_fail("no memory for %zu images", images);
    code = volley_check(uni_names_init(&names, list->word,
                                       (size_t)list->words));
    while (k < names.count && i < images && code == VOLLEY_DONE)
        code = truth_next(x, &i, names.name[k++]);
    if (code == VOLLEY_DONE && (k < names.count || i < images))
        code = volley_fail("--truth: %zu masks are too %s for %zu images",
                           names.count, i < images ? "few" : "many", images);
    uni_names_clear(&names);
    return code;
}

/* ---- what is told -------------------------------------------------------- */

void volley_truth_print(const volley_results *x)
{
    volley_overlap all = {0};
    size_t masks = 0;

    if (x->overlap == NULL)
        return;
    for (size_t i = 0; i < x->job->images; i++) {
        truth_add(&all, &x->overlap[i]);
        masks += x->compared[i];
    }
    printf("Dice");
    for (int k = 1; k < volley_mask_labels(x->plan); k++)
        printf("%s %s %.4f", k > 1 ? "," : "", volley_mask_name(x->plan, k),
               volley_dice(&all, k));
    printf(" (beside %zu mask%s)\n", masks, masks == 1 ? "" : "s");
}

static void truth_put(nni_json_writer *w, const nn_plan *p,
                      const volley_overlap *o)
{
    nni_json_put_array(w, "dice");
    for (int k = 0; k < volley_mask_labels(p); k++) {
        nni_json_put_object(w, NULL);
        nni_json_put_int(w, "label", k);
        nni_json_put_string(w, "name", volley_mask_name(p, k));
        nni_json_put_double(w, "dice", volley_dice(o, k));
        nni_json_put_word(w, "mask", o->mask[k]);
        nni_json_put_word(w, "truth", o->truth[k]);
        nni_json_put_word(w, "both", o->both[k]);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

void volley_truth_put(nni_json_writer *w, const volley_results *x)
{
    volley_overlap all = {0};

    if (x->overlap == NULL)
        return;
    for (size_t i = 0; i < x->job->images; i++)
        truth_add(&all, &x->overlap[i]);
    nni_json_put_object(w, "truth");
    truth_put(w, x->plan, &all);
    nni_json_put_array(w, "each");
    for (size_t i = 0; i < x->job->images; i++) {
        if (!x->compared[i])
            continue;
        nni_json_put_object(w, NULL);
        nni_json_put_word(w, "image", i);
        truth_put(w, x->plan, &x->overlap[i]);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
    nni_json_put_end(w);
}
