/* table.c -- whose mask is whose: a line for every image of a result. */
#include <string.h>

#include "volley.h"

enum { TABLE_WIDEST = 60 };

static int table_width(int width, const char *text)
{
    const size_t n = strlen(text);

    return n > TABLE_WIDEST ? TABLE_WIDEST : (int)n > width ? (int)n : width;
}

/* One line whatever names bring with them. */
static void table_text(int width, const char *text)
{
    int n = 0;

    for (; text[n] != '\0'; n++)
        putchar((unsigned char)text[n] < 0x20 || text[n] == 0x7f ? '?'
                                                                 : text[n]);
    printf("%*s", n < width ? width - n + 2 : 2, "");
}

/* Pixels, and slices that have any, of labels from..to. */
typedef struct table_sum {
    double pixels, all;
    size_t slices;
} table_sum;

static table_sum table_count(const volley_results *x, size_t first,
                             size_t count, int from, int to)
{
    table_sum sum = { 0, 0, 0 };

    for (size_t i = first; i < first + count; i++) {
        size_t pixels = 0;

        for (int k = from; k <= to; k++)
            pixels += x->row[i].label[k];
        sum.pixels += (double)pixels;
        sum.all += (double)x->row[i].size.height * x->row[i].size.width;
        sum.slices += pixels > 0;
    }
    return sum;
}

static double table_share(const table_sum *sum)
{
    return sum->pixels / sum->all;
}

static table_sum table_foreground(const volley_results *x, size_t first,
                                  size_t count)
{
    return table_count(x, first, count, 1, NN_MAX_LABELS - 1);
}

/* ---- text ---------------------------------------------------------------- */

/* A column for each label but 0, as wide as its name; the last is as wide as
 * what stands in it. */
static int table_column(const nn_plan *p, int label)
{
    const int n = (int)strlen(volley_mask_name(p, label));

    return label == volley_mask_labels(p) - 1 ? 0 : n > 7 ? n : 7;
}

static void table_heads(const nn_plan *p)
{
    for (int k = 1; k < volley_mask_labels(p); k++)
        printf("  %-*s", table_column(p, k), volley_mask_name(p, k));
}

static void table_shares(const volley_results *x, size_t i)
{
    for (int k = 1; k < volley_mask_labels(x->plan); k++) {
        const table_sum sum = table_count(x, i, 1, k, k);
        char text[32];

        snprintf(text, sizeof text, "%.2f %%", 100 * table_share(&sum));
        printf("  %-*s", table_column(x->plan, k), text);
    }
}

/* In a volume a slice without foreground has no line. */
static bool table_has_line(const volley_results *x, size_t i)
{
    return !x->volume[i] || x->row[i].foreground > 0 || x->secret;
}

static void table_line(const volley_results *x, size_t i, int image, int mask)
{
    char size[32];

    snprintf(size, sizeof size, "%dx%d", x->row[i].size.height,
             x->row[i].size.width);
    printf("%5zu  ", i);
    table_text(image, x->names->known ? x->names->image[i] : "?");
    table_text(mask, x->file[i]);
    printf("%-11s", size);
    table_shares(x, i);
    if (x->secret)
        printf("  %.4g to %.4g", x->row[i].low, x->row[i].high);
    printf("\n");
}

static void table_volume(const volley_results *x, size_t v)
{
    const uni_record_volume *r = &x->record->volume[v];

    table_text(0, x->names->image[x->names->images + v]);
    printf("%zu slice%s", r->count, r->count == 1 ? "" : "s");
    for (int k = 1; k < volley_mask_labels(x->plan); k++) {
        const table_sum sum = table_count(x, r->first, r->count, k, k);

        printf(", %s in %zu of them, %.2f %% of the volume",
               volley_mask_name(x->plan, k), sum.slices,
               100 * table_share(&sum));
    }
    printf(": %s\n", x->file[r->first]);
}

void volley_table_print(const volley_results *x)
{
    int image = 5, mask = 4;
    size_t lines = 0;

    for (size_t i = 0; i < x->job->images; i++) {
        lines += table_has_line(x, i);
        image = table_width(image, x->names->known ? x->names->image[i] : "");
        mask = table_width(mask, x->file[i]);
    }
    if (lines > 0) {
        printf("%5s  ", "no");
        table_text(image, "image");
        table_text(mask, "mask");
        printf("%-11s", "size");
        table_heads(x->plan);
        printf("%s\n", x->secret ? "  logits" : "");
    }
    for (size_t i = 0; i < x->job->images; i++)
        if (table_has_line(x, i))
            table_line(x, i, image, mask);
    for (size_t v = 0; v < x->record->volumes; v++)
        if (x->volume[x->record->volume[v].first])
            table_volume(x, v);
    volley_truth_print(x);
}

/* ---- JSON ---------------------------------------------------------------- */

/* Of several labels, each with its name, over some images. */
static void table_put_labels(nni_json_writer *w, const volley_results *x,
                             size_t first, size_t count)
{
    if (x->plan->num_labels == 0)
        return;
    nni_json_put_array(w, "labels");
    for (int k = 0; k < x->plan->num_labels; k++) {
        const table_sum sum = table_count(x, first, count, k, k);

        nni_json_put_object(w, NULL);
        nni_json_put_int(w, "label", k);
        nni_json_put_string(w, "name", x->plan->label_name[k]);
        nni_json_put_word(w, "pixels", (uint64_t)sum.pixels);
        nni_json_put_double(w, "share", table_share(&sum));
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

static void table_put_image(nni_json_writer *w, const volley_results *x,
                            size_t i)
{
    const volley_row *row = &x->row[i];
    const table_sum sum = table_foreground(x, i, 1);

    nni_json_put_object(w, NULL);
    nni_json_put_word(w, "number", i);
    if (x->names->known)
        nni_json_put_string(w, "image", x->names->image[i]);
    else
        nni_json_put_null(w, "image");
    nni_json_put_string(w, "file", x->file[i]);
    nni_json_put_int(w, "height", row->size.height);
    nni_json_put_int(w, "width", row->size.width);
    nni_json_put_word(w, "foreground", row->foreground);
    nni_json_put_double(w, "share", table_share(&sum));
    table_put_labels(w, x, i, 1);
    if (x->secret) {
        nni_json_put_double(w, "logit_min", row->low);
        nni_json_put_double(w, "logit_max", row->high);
    }
    nni_json_put_end(w);
}

void volley_table_put(nni_json_writer *w, const volley_results *x)
{
    nni_json_put_array(w, "masks");
    for (size_t i = 0; i < x->job->images; i++)
        table_put_image(w, x, i);
    nni_json_put_end(w);
    nni_json_put_array(w, "volumes");
    for (size_t v = 0; v < x->record->volumes; v++) {
        const uni_record_volume *r = &x->record->volume[v];
        const table_sum sum = table_foreground(x, r->first, r->count);

        if (!x->volume[r->first])
            continue;
        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "image", x->names->image[x->names->images + v]);
        nni_json_put_string(w, "file", x->file[r->first]);
        nni_json_put_word(w, "first", r->first);
        nni_json_put_word(w, "slices", r->count);
        nni_json_put_word(w, "foreground", (uint64_t)sum.pixels);
        nni_json_put_double(w, "share", table_share(&sum));
        table_put_labels(w, x, r->first, r->count);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
    volley_truth_put(w, x);
}
