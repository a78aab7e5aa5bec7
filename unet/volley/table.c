/* table.c -- whose mask is whose: a line for every image of a result. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

static int table_width(int width, const char *text)
{
    const size_t n = strlen(text);

    return n > 60 ? 60 : (int)n > width ? (int)n : width;
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

size_t volley_foreground(const volley_row *row)
{
    size_t sum = 0;

    for (int k = 1; k < NN_MAX_LABELS; k++)
        sum += row->label[k];
    return sum;
}

static double table_share(const volley_row *row, size_t pixels)
{
    return 100 * (double)pixels / row->size.height / row->size.width;
}

/* What stands over the shares, as wide as they are: of label 0 there is none. */
static void table_heads(const nn_plan *p)
{
    for (int k = 1; k < volley_mask_labels(p); k++)
        printf("  %*s", k < volley_mask_labels(p) - 1 ? -7 : 0,
               volley_mask_name(p, k));
}

static void table_shares(const volley_row *row, const nn_plan *p)
{
    for (int k = 1; k < volley_mask_labels(p); k++) {
        const int name = (int)strlen(volley_mask_name(p, k));
        char text[32];

        snprintf(text, sizeof text, "%.2f %%", table_share(row, row->label[k]));
        printf("  %*s", k < volley_mask_labels(p) - 1 ? name > 7 ? -name : -7
                                                      : 0, text);
    }
}

/* Of several labels, each with its name. */
static void table_put_labels(nni_json_writer *w, const volley_row *row,
                             const nn_plan *p)
{
    if (p->num_labels == 0)
        return;
    nni_json_put_array(w, "labels");
    for (int k = 0; k < p->num_labels; k++) {
        nni_json_put_object(w, NULL);
        nni_json_put_int(w, "label", k);
        nni_json_put_string(w, "name", p->label_name[k]);
        nni_json_put_word(w, "pixels", row->label[k]);
        nni_json_put_double(w, "share", table_share(row, row->label[k]) / 100);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

void volley_table_print(const char *out, const volley_names *x,
                        const volley_row *row, const nn_plan *p, bool secret)
{
    int image = 5, mask = 4;

    for (size_t i = 0; i < x->images; i++) {
        char *name = volley_result_name(out, x, i, "", NULL);

        image = table_width(image, x->known ? x->image[i] : "");
        mask = table_width(mask, name != NULL ? name : "");
        free(name);
    }
    printf("%5s  ", "no");
    table_text(image, "image");
    table_text(mask, "mask");
    printf("%-11s", "size");
    table_heads(p);
    printf("%s\n", secret ? "  logits" : "");
    for (size_t i = 0; i < x->images; i++) {
        char *name = volley_result_name(out, x, i, "", NULL), size[32];

        snprintf(size, sizeof size, "%dx%d", row[i].size.height,
                 row[i].size.width);
        printf("%5zu  ", i);
        table_text(image, x->known ? x->image[i] : "?");
        table_text(mask, name != NULL ? name : "");
        printf("%-11s", size);
        table_shares(&row[i], p);
        if (secret)
            printf("  %.4g to %.4g", row[i].low, row[i].high);
        printf("\n");
        free(name);
    }
}

void volley_table_put(nni_json_writer *w, const char *out,
                      const volley_names *x, const volley_row *row,
                      const nn_plan *p, bool secret)
{
    nni_json_put_array(w, "masks");
    for (size_t i = 0; i < x->images; i++) {
        char *name = volley_result_name(out, x, i, "", NULL);

        nni_json_put_object(w, NULL);
        nni_json_put_word(w, "number", i);
        if (x->known)
            nni_json_put_string(w, "image", x->image[i]);
        else
            nni_json_put_null(w, "image");
        nni_json_put_string(w, "file", name != NULL ? name : "");
        nni_json_put_int(w, "height", row[i].size.height);
        nni_json_put_int(w, "width", row[i].size.width);
        nni_json_put_word(w, "foreground", volley_foreground(&row[i]));
        nni_json_put_double(w, "share",
                            table_share(&row[i], volley_foreground(&row[i]))
                                / 100);
        table_put_labels(w, &row[i], p);
        if (secret) {
            nni_json_put_double(w, "logit_min", row[i].low);
            nni_json_put_double(w, "logit_max", row[i].high);
        }
        nni_json_put_end(w);
        free(name);
    }
    nni_json_put_end(w);
}

volley_row *volley_table_init(const nn_plan *p, double *const *logit,
                              const unet_job *job)
{
    volley_row *row = calloc(job->images, sizeof *row);

    if (row == NULL)
        (void)volley_fail("no memory for %zu results", job->images);
    for (size_t i = 0; i < job->images && row != NULL; i++) {
        row[i].size = job->size[i];
        if (volley_count_labels(row[i].label, &row[i].low, &row[i].high, p,
                                logit[i], job->size[i]) != VOLLEY_DONE) {
            free(row);
            row = NULL;
        }
    }
    return row;
}
