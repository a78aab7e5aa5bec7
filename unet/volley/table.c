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

static double table_share(const volley_row *row)
{
    return 100 * (double)row->foreground / row->size.height / row->size.width;
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
    printf("%-11s  %s%s\n", "size", p->foreground,
           secret ? "  logits" : "");
    for (size_t i = 0; i < x->images; i++) {
        char *name = volley_result_name(out, x, i, "", NULL), size[32];

        snprintf(size, sizeof size, "%dx%d", row[i].size.height,
                 row[i].size.width);
        printf("%5zu  ", i);
        table_text(image, x->known ? x->image[i] : "?");
        table_text(mask, name != NULL ? name : "");
        printf("%-11s  %.2f %%", size, table_share(&row[i]));
        if (secret)
            printf("  %.4g to %.4g", row[i].low, row[i].high);
        printf("\n");
        free(name);
    }
}

void volley_table_put(nni_json_writer *w, const char *out,
                      const volley_names *x, const volley_row *row,
                      bool secret)
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
        nni_json_put_word(w, "foreground", row[i].foreground);
        nni_json_put_double(w, "share", table_share(&row[i]) / 100);
        if (secret) {
            nni_json_put_double(w, "logit_min", row[i].low);
            nni_json_put_double(w, "logit_max", row[i].high);
        }
        nni_json_put_end(w);
        free(name);
    }
    nni_json_put_end(w);
}

volley_row *volley_table_init(double *const *logit, const unet_job *job,
                              double threshold)
{
    volley_row *row = calloc(job->images, sizeof *row);

    if (row == NULL)
        (void)volley_fail("no memory for %zu results", job->images);
    for (size_t i = 0; i < job->images && row != NULL; i++) {
        const unet_size size = job->size[i];
        const size_t n = (size_t)size.height * (size_t)size.width;

        row[i].size = size;
        row[i].low = row[i].high = logit[i][0];
        for (size_t j = 0; j < n; j++) {
            row[i].foreground += logit[i][j] > threshold;
            row[i].low = logit[i][j] < row[i].low ? logit[i][j] : row[i].low;
            row[i].high = logit[i][j] > row[i].high ? logit[i][j]
                                                    : row[i].high;
        }
    }
    return row;
}
