/* sheet_masks.c -- a contact sheet of masks: images in a grid, red where the
 * outline of the mask runs. */
#include <stdlib.h>
#include <string.h>

#include "sheet.h"
#include "volley.h"

enum { MASKS_MOST = 400, MASKS_ACROSS = 16 };

/* A dot of the sheet is inside if any pixel of its box is. */
static bool masks_inside(const uint8_t *mask, unet_size size,
                         const volley_cell *c, int y, int x)
{
    if (y < 0 || y >= c->height || x < 0 || x >= c->width)
        return false;
    for (int i = 0; i < c->shrink; i++)
        for (int j = 0; j < c->shrink; j++) {
            const int row = y * c->shrink / c->grow + i;
            const int column = x * c->shrink / c->grow + j;

            if (row < size.height && column < size.width
                && mask[(size_t)row * (size_t)size.width + (size_t)column]
                       != 0)
                return true;
        }
    return false;
}

static void masks_outline(uni_image *to, const volley_cell *c, int top,
                          int left, const uint8_t *mask, unet_size size)
{
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++)
            if (masks_inside(mask, size, c, y, x)
                && !(masks_inside(mask, size, c, y - 1, x)
                     && masks_inside(mask, size, c, y + 1, x)
                     && masks_inside(mask, size, c, y, x - 1)
                     && masks_inside(mask, size, c, y, x + 1)))
                volley_sheet_dot(to, top + y, left + x, 255, 0, 0);
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

static int masks_draw(uni_image *to, const volley_results *x, size_t place,
                      size_t i, const volley_cell *c)
{
    const int top = VOLLEY_SHEET_GAP + (int)(place / MASKS_ACROSS) * c->down
                    + VOLLEY_SHEET_FRAME;
    const int left = VOLLEY_SHEET_GAP + (int)(place % MASKS_ACROSS) * c->across
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
    masks_outline(to, &shown, top, left, x->mask[i], x->job->size[i]);
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
    const size_t across = n < MASKS_ACROSS ? n : MASKS_ACROSS;
    const size_t down = (n + MASKS_ACROSS - 1) / MASKS_ACROSS;
    const volley_cell c = masks_cell(x->job);
    uni_image sheet = {0};
    int code = volley_sheet_init(&sheet, x->sheet, &c, across, down);

    if (n < all)
        volley_warn("%s: %zu of %zu images, evenly spaced", x->sheet, n, all);
    for (size_t k = 0; k < n && code == VOLLEY_DONE; k++)
        code = masks_draw(&sheet, x, k, k * all / n, &c);
    if (code == VOLLEY_DONE)
        code = volley_check(uni_image_save_colour(x->sheet, &sheet));
    uni_image_clear(&sheet);
    return code;
}
