/* sheet_masks.c -- a contact sheet of masks: images in a grid, red, or in the
 * colours of labels, where the outline of the mask runs. */
#include <math.h>

#include "sheet.h"
#include "volley.h"

enum { MASKS_MOST = 400 };

/* The largest label of the pixels in a dot's box; 0 outside. */
static int masks_label(const uint8_t *mask, unet_size size,
                       const volley_cell *c, int y, int x)
{
    int label = 0;

    if (y < 0 || y >= c->height || x < 0 || x >= c->width)
        return 0;
    for (int i = 0; i < c->shrink; i++)
        for (int j = 0; j < c->shrink; j++) {
            const int row = y * c->shrink / c->grow + i;
            const int column = x * c->shrink / c->grow + j;
            const int here = row < size.height && column < size.width
                ? mask[(size_t)row * (size_t)size.width + (size_t)column] : 0;

            label = here > label ? here : label;
        }
    return label;
}

static void masks_outline(uni_image *to, const volley_cell *c, int top,
                          int left, const nn_plan *p, const uint8_t *mask,
                          unet_size size)
{
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++) {
            const int k = masks_label(mask, size, c, y, x);
            const uint8_t *colour = volley_mask_colour(p, k);

            if (k > 0 && (masks_label(mask, size, c, y - 1, x) != k
                          || masks_label(mask, size, c, y + 1, x) != k
                          || masks_label(mask, size, c, y, x - 1) != k
                          || masks_label(mask, size, c, y, x + 1) != k))
                volley_sheet_dot(to, top + y, left + x, colour[0], colour[1],
                                 colour[2]);
        }
}

/* What stands below image i: its slice, or its number. */
static void masks_text(char out[24], const uni_album *album, size_t i)
{
    const int slice = uni_album_source_of(album, i).slice;

    if (slice >= 0)
        snprintf(out, 24, "%d", slice);
    else
        snprintf(out, 24, "%zu", i);
}

/* Image i, in this row and column of the sheet. */
static int masks_draw(uni_image *to, const volley_results *x, size_t row,
                      size_t column, size_t i, const volley_cell *c)
{
    const int top = VOLLEY_SHEET_GAP + (int)row * c->down + VOLLEY_SHEET_FRAME;
    const int left = VOLLEY_SHEET_GAP + (int)column * c->across
                     + VOLLEY_SHEET_FRAME;
    const volley_cell own = volley_sheet_cell(x->job->size[i]);
    volley_cell shown = own;
    uni_image image = {0};
    char text[24];
    int code = volley_check(uni_album_image(&image, x->album, i));

    if (code != VOLLEY_DONE)
        return code;
    shown.height = own.height < c->height ? own.height : c->height;
    shown.width = own.width < c->width ? own.width : c->width;
    volley_sheet_picture(to, &shown, top, left, &image, false);
    masks_outline(to, &shown, top, left, x->plan, x->mask[i], x->job->size[i]);
    masks_text(text, x->album, i);
    volley_sheet_write(to, top + c->height + VOLLEY_SHEET_FRAME + 2, left,
                       c->across - VOLLEY_SHEET_FRAME - VOLLEY_SHEET_GAP,
                       text);
    uni_image_clear(&image);
    return VOLLEY_DONE;
}

/* A cell that every image fits. */
static volley_cell masks_cell(const unet_job *job)
{
    volley_cell c = volley_sheet_cell(job->size[0]);

    for (size_t i = 1; i < job->images; i++) {
        const volley_cell one = volley_sheet_cell(job->size[i]);

        c.height = one.height > c.height ? one.height : c.height;
        c.width = one.width > c.width ? one.width : c.width;
        c.across = one.across > c.across ? one.across : c.across;
        c.down = one.down > c.down ? one.down : c.down;
    }
    return c;
}

int volley_mask_sheet(const volley_results *x)
{
    const size_t all = x->job->images;
    const size_t n = all < MASKS_MOST ? all : MASKS_MOST;
    const size_t across = (size_t)ceil(sqrt((double)n));
    const size_t down = (n + across - 1) / across;
    const volley_cell c = masks_cell(x->job);
    uni_image sheet = {0};
    int code = volley_sheet_init(&sheet, x->sheet, &c, across, down);

    if (n < all)
        volley_warn("%s: %zu of %zu images, evenly spaced", x->sheet, n, all);
    for (size_t k = 0; k < n && code == VOLLEY_DONE; k++)
        code = masks_draw(&sheet, x, k / across, k % across, k * all / n, &c);
    if (code == VOLLEY_DONE)
        code = volley_check(uni_image_save_colour(x->sheet, &sheet));
    uni_image_clear(&sheet);
    return code;
}
