/* expects.c -- the object `images` of model and plan files.
 *
 * Read first: expects.h.
 */
#include <math.h>
#include <string.h>

#include "format/expects.h"

static const char *const plane_words[] = { "", "axial", "coronal",
                                           "sagittal" };
static const char *const value_words[] = { "percentiles", "window", "full" };

static ckks_status refuse(const char *file, const char *key, const char *want)
{
    return nn_fail(CKKS_EFORMAT, "%s: images: %s is not %s", file, key, want);
}

/* *out: the number of a word in a list, in lo..count-1. */
static bool choose(int *out, const nni_json_node *n, const char *const *word,
                   int lo, int count)
{
    for (int i = lo; i < count; i++)
        if (n->kind == NN_JSON_STRING && strcmp(n->text, word[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool number(double *out, const nni_json_node *n)
{
    if (n == NULL || n->kind != NN_JSON_DOUBLE)
        return false;
    *out = n->number;
    return true;
}

static ckks_status load_words(nn_images *e, const nni_json *doc,
                              const nni_json_node *node, const char *file)
{
    const nni_json_node *modality = nni_json_get(doc, node, "modality");
    const nni_json_node *plane = nni_json_get(doc, node, "plane");
    const nni_json_node *values = nni_json_get(doc, node, "values");
    int choice;

    if (modality != NULL) {
        if (modality->kind != NN_JSON_STRING || modality->length >= NN_NAME)
            return refuse(file, "modality", "a text of at most 63 bytes");
        memcpy(e->modality, modality->text, modality->length);
    }
    if (plane != NULL) {
        if (!choose(&choice, plane, plane_words, 1, 4))
            return refuse(file, "plane", "axial, coronal or sagittal");
        e->plane = (nn_plane)choice;
    }
    if (values != NULL) {
        if (!choose(&choice, values, value_words, 0, 3))
            return refuse(file, "values", "percentiles, window or full");
        e->values = (nn_values)choice;
    }
    return CKKS_OK;
}

static ckks_status load_numbers(nn_images *e, const nni_json *doc,
                                const nni_json_node *node, const char *file)
{
    const nni_json_node *spacing = nni_json_get(doc, node, "spacing");
    const nni_json_node *low = nni_json_get(doc, node, "low");
    const nni_json_node *high = nni_json_get(doc, node, "high");

    if (spacing != NULL) {
        const nni_json_node *y = nni_json_first(doc, spacing);

        if (spacing->kind != NN_JSON_ARRAY || spacing->count != 2
            || !number(&e->spacing_y, y)
            || !number(&e->spacing_x, nni_json_next(doc, y)))
            return refuse(file, "spacing", "a list of two numbers");
        if (!(e->spacing_y > 0 && e->spacing_x > 0))
            return refuse(file, "spacing", "two numbers above 0");
    }
    if (e->values == NN_VALUES_PERCENTILES && low == NULL && high == NULL) {
        e->low = 1;
        e->high = 99.5;
    } else if (e->values != NN_VALUES_FULL
               && (!number(&e->low, low) || !number(&e->high, high))) {
        return refuse(file, "low or high", "a number");
    } else if (e->values == NN_VALUES_FULL && (low != NULL || high != NULL)) {
        return nn_fail(CKKS_EFORMAT, "%s: images: values is full, which has "
                       "no low and high", file);
    }
    return CKKS_OK;
}

ckks_status nni_expects_load(nn_images *out, const nni_json *doc,
                             const nni_json_node *node, const char *file)
{
    static const char *const known[] = { "modality", "plane", "spacing",
                                         "values", "low", "high", NULL };
    nn_images e = { .given = node != NULL };
    const nni_json_node *odd = nni_json_unknown(doc, node, known);
    ckks_status s = CKKS_OK;

    if (node != NULL && node->kind != NN_JSON_OBJECT)
        return nn_fail(CKKS_EFORMAT, "%s: images is not an object", file);
    if (odd != NULL)
        return nn_fail(CKKS_EFORMAT, "%s: images: unknown key \"%s\"", file,
                       odd->key);
    if (node != NULL)
        s = load_words(&e, doc, node, file);
    if (node != NULL && s == CKKS_OK)
        s = load_numbers(&e, doc, node, file);
    if (s == CKKS_OK)
        s = nni_expects_check(&e, file);
    if (s == CKKS_OK)
        *out = e;
    return s;
}

/* Beyond 1e6 mm nothing is an image, and whole numbers of pixels stay exact. */
static bool spacing_fits(double v)
{
    return v == 0 || (v >= 1e-6 && v <= 1e6);
}

ckks_status nni_expects_check(const nn_images *e, const char *file)
{
    const bool percent = e->values == NN_VALUES_PERCENTILES;

    if (memchr(e->modality, '\0', NN_NAME) == NULL
        || !nni_printable(e->modality))
        return nn_fail(CKKS_EFORMAT, "%s: images: modality holds a control "
                       "character, or is no UTF-8", file);
    if ((int)e->plane < 0 || e->plane > NN_PLANE_SAGITTAL
        || (int)e->values < 0 || e->values > NN_VALUES_FULL)
        return nn_fail(CKKS_EFORMAT, "%s: images: plane %d of 0..3, values %d "
                       "of 0..2", file, (int)e->plane, (int)e->values);
    if (!spacing_fits(e->spacing_y) || !spacing_fits(e->spacing_x)
        || (e->spacing_y == 0) != (e->spacing_x == 0))
        return nn_fail(CKKS_EFORMAT, "%s: images: a spacing of %g and %g mm, "
                       "want 1e-6..1e6", file, e->spacing_y, e->spacing_x);
    if (!e->given || e->values == NN_VALUES_FULL)
        return CKKS_OK;
    if (!isfinite(e->low) || !isfinite(e->high) || !(e->low < e->high)
        || !isfinite(e->high - e->low)
        || (percent && !(e->low >= 0 && e->high <= 100)))
        return nn_fail(CKKS_EFORMAT, "%s: images: low %g, high %g: want low "
                       "< high%s", file, e->low, e->high,
                       percent ? ", both in 0..100" : "");
    return CKKS_OK;
}

void nni_expects_put(nni_json_writer *w, const nn_images *e)
{
    if (!e->given)
        return;
    nni_json_put_object(w, "images");
    if (e->modality[0] != '\0')
        nni_json_put_string(w, "modality", e->modality);
    if (e->plane != NN_PLANE_ANY)
        nni_json_put_string(w, "plane", plane_words[e->plane]);
    if (e->spacing_y > 0) {
        nni_json_put_array(w, "spacing");
        nni_json_put_double(w, NULL, e->spacing_y);
        nni_json_put_double(w, NULL, e->spacing_x);
        nni_json_put_end(w);
    }
    nni_json_put_string(w, "values", value_words[e->values]);
    if (e->values != NN_VALUES_FULL) {
        nni_json_put_double(w, "low", e->low);
        nni_json_put_double(w, "high", e->high);
    }
    nni_json_put_end(w);
}
