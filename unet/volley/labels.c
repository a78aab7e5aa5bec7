/* labels.c -- the truth for a classifier, from IDX or CSV.
 *
 * IDX: label i is that of image i of all that went in, so that --first and
 * --count choose among them too.  CSV: a line an image, "image,label" and what
 * else may follow; image is the name, its last part, this without its ending,
 * or the number of the image; label a class's name or number.  A first line
 * whose label is none is a heading.
 */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

enum { LABELS_MAX_FILE = 1 << 26 };

typedef struct labels_row {
    const char *key;
    int label;
} labels_row;

typedef struct labels_table {
    char *text;                 /* fields end in zeros                       */
    labels_row *row;
    size_t rows;
} labels_table;

/* ---- IDX ---------------------------------------------------------------- */

static int labels_from_idx(int *label, const volley_answers *x,
                           const volley_args *a, const uni_idx *idx)
{
    const char *path = a->value[OPT_LABELS];
    bool part = a->value[OPT_FIRST] != NULL || a->value[OPT_COUNT] != NULL;
    int first = 0;
    int code = volley_int(&first, a, OPT_FIRST, 0, 1 << 29, 0);

    if (code != VOLLEY_DONE)
        return code;
    if (idx->rank != 1)
        return volley_fail("%s: images of %dx%d, no labels", path,
                           idx->height, idx->width);
    if (part ? idx->count < (size_t)first + x->images
             : idx->count != x->images)
        return volley_fail("%s: %zu labels for %zu images%s", path, idx->count,
                           x->images, part ? " and those before"
                           : "; --first N says which");
    for (size_t i = 0; i < x->images; i++) {
        label[i] = idx->data[(size_t)first + i];
        if (label[i] >= x->plan->num_classes)
            return volley_fail("%s: label %zu is %d, %s has %d classes", path,
                               (size_t)first + i, label[i], x->plan->name,
                               x->plan->num_classes);
    }
    return VOLLEY_DONE;
}

/* ---- CSV ---------------------------------------------------------------- */

/* A class by name or number, -1 if it is none. */
static int labels_class(const nn_plan *p, const char *text)
{
    char number[16];

    for (int c = 0; c < p->num_classes; c++)
        if (strcmp(text, p->class_name[c]) == 0)
            return c;
    for (int c = 0; c < p->num_classes; c++) {
        snprintf(number, sizeof number, "%d", c);
        if (strcmp(text, number) == 0)
            return c;
    }
    return -1;
}

/* The next field, ended by a zero in place; *end: the character behind it (',',
 * '\n', or 0 at the end of the text). */
static char *labels_field(char **at, char *end)
{
    char *from = *at, *in = *at, *to = *at;

    if (*in == '"') {
        for (in++; *in != '\0' && (*in != '"' || *++in == '"'); in++)
            *to++ = *in;
    }
    while (*in != ',' && *in != '\n' && *in != '\0')
        *to++ = *in++;
    *end = *in;
    *at = *in != '\0' ? in + 1 : in;
    if (*end != ',' && to > from && to[-1] == '\r')
        to--;
    *to = '\0';
    return from;
}

static int labels_compare(const void *a, const void *b)
{
    return strcmp(((const labels_row *)a)->key, ((const labels_row *)b)->key);
}

static int labels_line(labels_table *t, const char *path, const nn_plan *p,
                       size_t number, char **at)
{
    char end = 0;
    const char *key = labels_field(at, &end);
    const char *label = end == ',' ? labels_field(at, &end) : NULL;
    int class = label != NULL ? labels_class(p, label) : -1;

    while (end == ',')
        (void)labels_field(at, &end);
    if (label == NULL && key[0] == '\0')
        return VOLLEY_DONE;
    if (class >= 0)
        t->row[t->rows++] = (labels_row){ key, class };
    else if (number > 1)
        return volley_fail("%s: line %zu: label '%s' is neither a class of %s "
                           "nor a number of 0..%d", path, number,
                           label != NULL ? label : "", p->name,
                           p->num_classes - 1);
    return VOLLEY_DONE;
}

static int labels_read(labels_table *t, const char *path, const nn_plan *p,
                       const uint8_t *data, size_t size)
{
    size_t lines = 1;
    char *at;
    int code = VOLLEY_DONE;

    if (size == 0 || memchr(data, 0, size) != NULL)
        return volley_fail("%s: neither IDX nor CSV", path);
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    t->text = malloc(size + 1);
    t->row = malloc(lines * sizeof *t->row);
    if (t->text == NULL || t->row == NULL)
        return volley_fail("no memory for %zu lines", lines);
    memcpy(t->text, data, size);
    t->text[size] = '\0';
    at = t->text;
    if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    for (size_t n = 1; *at != '\0' && code == VOLLEY_DONE; n++)
        code = labels_line(t, path, p, n, &at);
    qsort(t->row, t->rows, sizeof *t->row, labels_compare);
    for (size_t i = 1; i < t->rows && code == VOLLEY_DONE; i++)
        if (strcmp(t->row[i].key, t->row[i - 1].key) == 0)
            code = volley_fail("%s: '%s' stands twice", path, t->row[i].key);
    return code;
}

/* Its label, -1 if it has none. */
static int labels_find(const labels_table *t, const char *key)
{
    const labels_row wanted = { key, 0 };
    const labels_row *row = t->rows == 0 ? NULL
                          : bsearch(&wanted, t->row, t->rows, sizeof *t->row,
                                    labels_compare);

    return row != NULL ? row->label : -1;
}

static int labels_of(const labels_table *t, const char *name, size_t number)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    char *stem = volley_sibling(base, "", "");
    char text[24];
    int label = labels_find(t, name);

    snprintf(text, sizeof text, "%zu", number);
    if (label < 0)
        label = labels_find(t, base);
    if (label < 0 && stem != NULL && strchr(base, '#') == NULL)
        label = labels_find(t, stem);
    if (label < 0)
        label = labels_find(t, text);
    free(stem);
    return label;
}

static int labels_from_csv(int *label, const volley_answers *x,
                           const volley_args *a, const uint8_t *data,
                           size_t size)
{
    const char *path = a->value[OPT_LABELS];
    labels_table t = {0};
    int first = 0;
    int code = volley_int(&first, a, OPT_FIRST, 0, 1 << 29, 0);

    if (code == VOLLEY_DONE)
        code = labels_read(&t, path, x->plan, data, size);
    for (size_t i = 0; i < x->images && code == VOLLEY_DONE; i++) {
        label[i] = labels_of(&t, x->name[i], (size_t)first + i);
        if (label[i] < 0)
            code = volley_fail("%s: %zu labels, none for %s%s", path, t.rows,
                               x->name[i], strspn(x->name[i], "0123456789")
                                           == strlen(x->name[i])
                               ? "; --images names the images" : "");
    }
    free(t.row);
    free(t.text);
    return code;
}

int volley_labels(int *label, const volley_answers *x, const volley_args *a)
{
    const char *path = a->value[OPT_LABELS];
    uint8_t *data = NULL;
    size_t size = 0;
    uni_idx idx = {0};
    int code = volley_read(&data, &size, path, LABELS_MAX_FILE);

    if (code != VOLLEY_DONE)
        return code;
    if (size >= 2 && ((data[0] == 0 && data[1] == 0)
                      || (data[0] == 0x1f && data[1] == 0x8b))) {
        code = volley_check(uni_idx_decode(&idx, path, data, size));
        if (code == VOLLEY_DONE)
            code = labels_from_idx(label, x, a, &idx);
        uni_idx_clear(&idx);
    } else {
        code = labels_from_csv(label, x, a, data, size);
    }
    ckks_file_free(data, size);
    return code;
}
