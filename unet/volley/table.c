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

static double table_share(const volley_row *row)
{
    return (double)row->foreground / row->size.height / row->size.width;
}

/* Of the images of a volume: its size is theirs, one above the other. */
static double table_share_of(const volley_results *x, size_t v,
                             size_t *foreground, size_t *slices)
{
    const uni_record_volume *r = &x->record->volume[v];
    double share = 0;

    *foreground = *slices = 0;
    for (size_t i = r->first; i < r->first + r->count; i++) {
        share += table_share(&x->row[i]) / (double)r->count;
        *foreground += x->row[i].foreground;
        *slices += x->row[i].foreground > 0;
    }
    return share;
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
    printf("%-11s  %.2f %%", size, 100 * table_share(&x->row[i]));
    if (x->secret)
        printf("  %.4g to %.4g", x->row[i].low, x->row[i].high);
    printf("\n");
}

static void table_volume(const volley_results *x, size_t v)
{
    const uni_record_volume *r = &x->record->volume[v];
    size_t foreground, slices;
    const double share = table_share_of(x, v, &foreground, &slices);

    table_text(0, x->names->image[x->names->images + v]);
    printf("%zu slice%s, %s in %zu of them, %.2f %% of the volume: %s\n",
           r->count, r->count == 1 ? "" : "s", x->plan->foreground, slices,
           100 * share, x->file[r->first]);
}

void volley_table_print(const volley_results *x)
{
    int image = 5, mask = 4;

    for (size_t i = 0; i < x->job->images; i++) {
        image = table_width(image, x->names->known ? x->names->image[i] : "");
        mask = table_width(mask, x->file[i]);
    }
    printf("%5s  ", "no");
    table_text(image, "image");
    table_text(mask, "mask");
    printf("%-11s  %s%s\n", "size", x->plan->foreground,
           x->secret ? "  logits" : "");
    for (size_t i = 0; i < x->job->images; i++)
        if (table_has_line(x, i))
            table_line(x, i, image, mask);
    for (size_t v = 0; v < x->record->volumes; v++)
        if (x->volume[x->record->volume[v].first])
            table_volume(x, v);
}

static void table_put_image(nni_json_writer *w, const volley_results *x,
                            size_t i)
{
    const volley_row *row = &x->row[i];

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
    nni_json_put_double(w, "share", table_share(row));
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
        size_t foreground, slices;
        const double share = table_share_of(x, v, &foreground, &slices);

        if (!x->volume[r->first])
            continue;
        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "image", x->names->image[x->names->images + v]);
        nni_json_put_string(w, "file", x->file[r->first]);
        nni_json_put_word(w, "first", r->first);
        nni_json_put_word(w, "slices", r->count);
        nni_json_put_word(w, "foreground", foreground);
        nni_json_put_double(w, "share", share);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}
