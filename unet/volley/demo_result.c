/* demo_result.c -- the demo's comparison with the truth and with the cleartext
 * twin, its pictures and its report. */
#include <stdlib.h>
#include <string.h>

#include "demo.h"

/* ---- comparison --------------------------------------------------------- */

/* Counts of pixels, over which Dice = 2 both / (a + b). */
typedef struct demo_count {
    double a, b, both, differ, all;
} demo_count;

static void demo_add(demo_count *c, const uint8_t *a, const uint8_t *b,
                     unet_size size)
{
    size_t n = (size_t)size.height * (size_t)size.width;

    for (size_t j = 0; j < n; j++) {
        c->a += a[j] != 0;
        c->b += b[j] != 0;
        c->both += a[j] != 0 && b[j] != 0;
        c->differ += (a[j] != 0) != (b[j] != 0);
    }
    c->all += (double)n;
}

/* Two empty masks agree. */
static double demo_dice(const demo_count *c)
{
    return c->a + c->b > 0 ? 2 * c->both / (c->a + c->b) : 1;
}

static void demo_row(const char *name, const demo_count *encrypted,
                     const demo_count *clear, const demo_count *between)
{
    printf("%-20s %10.4f %10.4f %8.0f of %.0f\n", name, demo_dice(encrypted),
           demo_dice(clear), between->differ, between->all);
}

void demo_compare_all(demo *d)
{
    demo_count encrypted = {0}, clear = {0}, between = {0};

    if (!d->quiet)
        printf("\n%-20s %10s %10s   %s\n", "", "encrypted", "clear",
               "pixels that differ");
    for (int i = 0; i < d->count; i++) {
        demo_count e = {0}, c = {0}, b = {0};
        const char *slash = strrchr(d->name[i], '/');

        demo_add(&e, d->mask[i], d->label[i], d->job.size[i]);
        demo_add(&c, d->twin[i], d->label[i], d->job.size[i]);
        demo_add(&b, d->mask[i], d->twin[i], d->job.size[i]);
        demo_add(&encrypted, d->mask[i], d->label[i], d->job.size[i]);
        demo_add(&clear, d->twin[i], d->label[i], d->job.size[i]);
        demo_add(&between, d->mask[i], d->twin[i], d->job.size[i]);
        if (!d->quiet)
            demo_row(slash != NULL ? slash + 1 : d->name[i], &e, &c, &b);
    }
    if (!d->quiet)
        demo_row("Dice, all slices", &encrypted, &clear, &between);
    d->report.dice_encrypted = demo_dice(&encrypted);
    d->report.dice_clear = demo_dice(&clear);
    d->report.pixels_differ = between.differ / between.all;
}

/* ---- pictures ----------------------------------------------------------- */

/* Height and width of all slices side by side. */
static unet_size demo_sheet_size(const demo *d)
{
    unet_size s = { 0, (d->count - 1) * DEMO_GAP };

    for (int i = 0; i < d->count; i++) {
        s.width += d->job.size[i].width;
        if (d->job.size[i].height > s.height)
            s.height = d->job.size[i].height;
    }
    return s;
}

/* Channel 0 of the images, or bytes, side by side with grey between. */
static int demo_sheet(uni_image *out, const demo *d,
                      const volley_images *images, uint8_t *const *bytes)
{
    unet_size s = demo_sheet_size(d);
    size_t left = 0;

    out->channels = 1;
    out->height = s.height;
    out->width = s.width;
    out->pixel = malloc((size_t)s.height * (size_t)s.width
                        * sizeof *out->pixel);
    if (out->pixel == NULL)
        return volley_fail("no memory for a picture");
    for (size_t j = 0; j < (size_t)s.height * (size_t)s.width; j++)
        out->pixel[j] = 128;
    for (int i = 0; i < d->count; i++) {
        size_t height = (size_t)d->job.size[i].height;
        size_t width = (size_t)d->job.size[i].width;

        for (size_t j = 0; j < height * width; j++)
            out->pixel[j / width * (size_t)s.width + left + j % width] =
                images != NULL ? images->pixel[i][j] : bytes[i][j];
        left += width + DEMO_GAP;
    }
    return VOLLEY_DONE;
}

/* DIR/name.png.  mask: NULL, or a sheet that is drawn over the picture. */
static int demo_save(const demo *d, const char *name, const uni_image *sheet,
                     const uint8_t *mask)
{
    char file[64], *path;
    ckks_status s;

    snprintf(file, sizeof file, "%s.png", name);
    path = demo_in(d->out, file);
    if (path == NULL)
        return VOLLEY_FAILED;
    s = mask != NULL ? uni_image_save_overlay(path, sheet, mask)
                     : uni_image_save_grey(path, sheet);
    free(path);
    return volley_check(s);
}

static int demo_save_overlay(const demo *d, const uni_image *input,
                             const uni_image *masks)
{
    size_t n = (size_t)masks->height * (size_t)masks->width;
    uint8_t *over = malloc(n);
    int code;

    if (over == NULL)
        return volley_fail("no memory for a picture");
    for (size_t j = 0; j < n; j++)
        over[j] = masks->pixel[j] == 255 ? 255 : 0;
    code = demo_save(d, "overlay", input, over);
    free(over);
    return code;
}

int demo_pictures(const demo *d)
{
    uni_image input = {0}, truth = {0}, masks = {0};
    int code = demo_sheet(&input, d, &d->image, NULL);

    if (code == VOLLEY_DONE)
        code = demo_sheet(&truth, d, NULL, d->label);
    if (code == VOLLEY_DONE)
        code = demo_sheet(&masks, d, NULL, d->mask);
    if (code == VOLLEY_DONE)
        code = demo_save(d, "input", &input, NULL);
    if (code == VOLLEY_DONE)
        code = demo_save(d, "truth", &truth, NULL);
    if (code == VOLLEY_DONE)
        code = demo_save(d, "mask", &masks, NULL);
    if (code == VOLLEY_DONE)
        code = demo_save_overlay(d, &input, &masks);
    uni_image_clear(&input);
    uni_image_clear(&truth);
    uni_image_clear(&masks);
    return code;
}

/* ---- report ------------------------------------------------------------- */

int demo_report(const demo *d)
{
    char *path = demo_in(d->out, "report.json");
    nni_json_writer w;
    int code = path != NULL ? VOLLEY_DONE : VOLLEY_FAILED;

    nni_json_writer_init(&w, NULL, 2);
    volley_report_put(&w, &d->report);
    if (code == VOLLEY_DONE)
        code = volley_check(nni_json_writer_finish(&w));
    if (code == VOLLEY_DONE)
        code = volley_write(path, w.data, w.size, 0644);
    if (code == VOLLEY_DONE && d->quiet)
        fwrite(w.data, 1, w.size, stdout);
    nni_json_writer_clear(&w);
    free(path);
    return code;
}
