/* output.c -- what a model's output is and how it is read: a mask of one class,
 * a mask of several labels, or classes.
 *
 * Read first: loader.h; docs/model.md.
 */
#include <math.h>
#include <string.h>

#include "format/loader.h"

static nni_sides output_sides(const nn_model *m, const nn_layer *y)
{
    return nni_sides_of(m, y->depth, y->height, y->width);
}

/* Whether a layer has the image's size. */
static bool output_whole(const nn_model *m, const nn_layer *y)
{
    return y->depth == m->layer[0].depth && y->height == m->height
           && y->width == m->width;
}

/* A mask: one channel, as large as the image, or a single number for the whole
 * image (then not with border halo, which has no image of a fixed size). */
static ckks_status output_mask(const nn_model *m)
{
    const nn_layer *y = &m->layer[m->output];

    if (y->channels != 1)
        return nn_fail(CKKS_EFORMAT, "model: layer %s is the output and has %d "
                       "channels, want 1", y->name, y->channels);
    if (!output_whole(m, y)
        && (m->border == NN_HALO || y->depth != 1 || y->height != 1
            || y->width != 1))
        return nn_fail(CKKS_EFORMAT, "model: layer %s is the output and has "
                       "%s, the image %s", y->name, output_sides(m, y).text,
                       output_sides(m, &m->layer[0]).text);
    return CKKS_OK;
}

/* Classes: as many as the output has channels, or two and a threshold for one
 * channel. */
static ckks_status output_classes(nni_loader *l, const nni_json_node *list)
{
    nn_model *m = &l->m;
    const nn_layer *y = &m->layer[m->output];
    int want = y->channels == 1 ? 2 : y->channels;

    if (y->depth != 1 || y->height != 1 || y->width != 1)
        return nn_fail(CKKS_EFORMAT, "model: layer %s gives classes and has "
                       "%s, want %s", y->name, output_sides(m, y).text,
                       nni_sides_of(m, 1, 1, 1).text);
    if (list->kind != NN_JSON_ARRAY || list->count > NN_MAX_CLASSES
        || (int)list->count != want)
        return nn_fail(CKKS_EFORMAT, "model: output: classes has %u entries, "
                       "layer %s of %d channels wants %d (at most %d)",
                       (unsigned)list->count, y->name, y->channels, want,
                       NN_MAX_CLASSES);
    for (const nni_json_node *n = nni_json_first(&l->net, list); n != NULL;
         n = nni_json_next(&l->net, n)) {
        ckks_status s = nni_load_name(m->class_name[m->num_classes], n,
                                     "output: a class");

        if (s != CKKS_OK)
            return s;
        m->num_classes++;
    }
    return CKKS_OK;
}

/* A logit that no image changes would be a ciphertext without a key: whoever
 * decrypts it takes it for a forged one. */
static ckks_status output_check_constant(const nn_model *m)
{
    const nn_layer *y = &m->layer[m->output];
    const size_t each = (size_t)(m->layer[y->in[0]].channels / y->groups)
                        * (size_t)y->kernel_z * (size_t)y->kernel_y
                        * (size_t)y->kernel_x;

    for (int k = 0; k < m->num_labels; k++) {
        bool zero = true;

        for (size_t i = 0; i < each; i++)
            zero = zero && !(fabsf(y->weight[(size_t)k * each + i]) > 0);
        if (zero)
            return nn_fail(CKKS_EFORMAT, "model: output: label %d (%s) has a "
                           "constant logit, all weights of channel %d of layer "
                           "%s are 0: add one channel's weights and bias to "
                           "all of them, the labels stay the same", k,
                           m->label_name[k], k, y->name);
    }
    return CKKS_OK;
}

/* Labels: a channel each, of the image's size, and a name that no other has. */
static ckks_status output_labels(nni_loader *l, const nni_json_node *list)
{
    nn_model *m = &l->m;
    const nn_layer *y = &m->layer[m->output];

    if (!output_whole(m, y))
        return nn_fail(CKKS_EFORMAT, "model: layer %s gives labels and has "
                       "%s, the image %s", y->name, output_sides(m, y).text,
                       output_sides(m, &m->layer[0]).text);
    if (list->kind != NN_JSON_ARRAY || list->count < 2
        || list->count > NN_MAX_LABELS || (int)list->count != y->channels)
        return nn_fail(CKKS_EFORMAT, "model: output: labels has %u entries, "
                       "layer %s has %d channels: want a label each, 2..%d",
                       (unsigned)list->count, y->name, y->channels,
                       NN_MAX_LABELS);
    for (const nni_json_node *n = nni_json_first(&l->net, list); n != NULL;
         n = nni_json_next(&l->net, n)) {
        char *name = m->label_name[m->num_labels];
        ckks_status s = nni_load_name(name, n, "output: a label");

        if (s != CKKS_OK)
            return s;
        for (int i = 0; i < m->num_labels; i++)
            if (strcmp(name, m->label_name[i]) == 0)
                return nn_fail(CKKS_EFORMAT, "model: output: labels %d and %d "
                               "are both named %s", i, m->num_labels, name);
        m->num_labels++;
    }
    return y->op == NN_CONV ? output_check_constant(m) : CKKS_OK;
}

ckks_status nni_load_label_ranges(nni_loader *l, const nni_json_node *list,
                                  const char *where)
{
    static const char *const keys[] = { "max", "margin", NULL };
    nn_model *m = &l->m;
    const nni_json_node *n = nni_json_first(&l->net, list);
    char label[2 * NN_NAME];
    ckks_status s = CKKS_OK;

    if (list->kind != NN_JSON_ARRAY || (int)list->count != m->num_labels)
        return nn_fail(CKKS_EFORMAT, "model: %s: labels has %u entries, want "
                       "%d", where, (unsigned)list->count, m->num_labels);
    for (int i = 0; i < m->num_labels && s == CKKS_OK;
         i++, n = nni_json_next(&l->net, n)) {
        snprintf(label, sizeof label, "%s: label %d", where, i);
        s = nni_load_object(&l->net, n, label, keys);
        if (s == CKKS_OK)
            s = nni_load_double(&m->label_max[i],
                                nni_json_get(&l->net, n, "max"), label, "max",
                                0);
        if (s == CKKS_OK)
            s = nni_load_double(&m->label_margin[i],
                                nni_json_get(&l->net, n, "margin"), label,
                                "margin", 0);
        if (s == CKKS_OK && m->label_max[i] > m->layer[m->output].range.max)
            s = nn_fail(CKKS_EFORMAT, "model: %s: max is %g, of all labels "
                        "%g", label, m->label_max[i],
                        m->layer[m->output].range.max);
    }
    return s;
}

/* What the output is and how it is read. */
static ckks_status output_reading(nni_loader *l, const nni_json_node *output,
                                 const nni_json_node *classes,
                                 const nni_json_node *labels)
{
    static const char *const mask[] = { "tensor", "threshold", "foreground",
                                        NULL };
    static const char *const one[] = { "tensor", "classes", "threshold",
                                       NULL };
    static const char *const many[] = { "tensor", "classes", NULL };
    static const char *const several[] = { "tensor", "labels", NULL };
    nn_model *m = &l->m;
    bool single = m->layer[m->output].channels == 1;
    ckks_status s;

    if (labels != NULL) {
        s = nni_load_object(&l->net, output, "output", several);
        return s == CKKS_OK ? output_labels(l, labels) : s;
    }
    s = nni_load_object(&l->net, output, "output",
                       classes == NULL ? mask : single ? one : many);
    if (s == CKKS_OK && (classes == NULL || single))
        s = nni_load_double(&m->threshold,
                           nni_json_get(&l->net, output, "threshold"), "output",
                           "threshold", -HUGE_VAL);
    if (s == CKKS_OK && classes == NULL)
        s = nni_load_name(m->foreground,
                         nni_json_get(&l->net, output, "foreground"),
                         "output: foreground");
    if (s != CKKS_OK)
        return s;
    return classes == NULL ? output_mask(m) : output_classes(l, classes);
}

ckks_status nni_load_output(nni_loader *l, const nni_json_node *output)
{
    nn_model *m = &l->m;
    const nni_json_node *tensor;

    if (output->kind != NN_JSON_OBJECT)
        return nn_fail(CKKS_EFORMAT, "model: output is not an object");
    tensor = nni_json_get(&l->net, output, "tensor");
    if (tensor == NULL)
        return nn_fail(CKKS_EFORMAT, "model: output: key \"tensor\" is "
                       "missing");
    m->output = tensor->kind == NN_JSON_STRING
              ? nni_load_find(m, m->num_layers, tensor->text) : -1;
    if (m->output < 1)
        return nn_fail(CKKS_EFORMAT, "model: output: there is no layer %s",
                       tensor->text != NULL ? tensor->text : "(no text)");
    return output_reading(l, output, nni_json_get(&l->net, output, "classes"),
                          nni_json_get(&l->net, output, "labels"));
}
