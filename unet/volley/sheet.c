/* sheet.c -- a contact sheet: the first images and what they were taken for.
 */
#include <stdlib.h>
#include <string.h>

#include "sheet.h"

enum {
    SHEET_MOST = 100, SHEET_ACROSS = 10,
    SHEET_SIDE = 96,            /* small pictures grow to about this,        */
    SHEET_LARGE = 128,          /* large ones shrink to no more              */
    SHEET_DOT = 3,              /* pixels a dot of the font                  */
    SHEET_TEXT = 5 * SHEET_DOT + 4
};

static const double sheet_paper = 32, sheet_ink = 255;

/* Letters of 3 x 5 dots: an octal digit a row, from the top. */
static const uint16_t sheet_digit[10] = {
    075557, 026227, 071747, 071717, 055711, 074717, 074757, 071122, 075757,
    075717
};
static const uint16_t sheet_letter[26] = {
    025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227,
    011152, 055655, 044447, 057755, 065555, 025552, 065644, 025563, 065655,
    034216, 072222, 055557, 055552, 055775, 055255, 055222, 071247
};

int volley_check_sheet(const char *path)
{
    if (!volley_ends(path, ".png") && !volley_ends(path, ".ppm"))
        return volley_usage("%s: the ending of a sheet is .png or .ppm", path);
    return volley_check_place(path);
}

static uint16_t sheet_glyph(char c)
{
    if (c >= '0' && c <= '9')
        return sheet_digit[c - '0'];
    if (c >= 'a' && c <= 'z')
        return sheet_letter[c - 'a'];
    return c >= 'A' && c <= 'Z' ? sheet_letter[c - 'A'] : 0;
}

void volley_sheet_dot(uni_image *to, int y, int x, double r, double g,
                      double b)
{
    const size_t n = (size_t)to->height * (size_t)to->width;
    double *at = to->pixel + (size_t)y * (size_t)to->width + x;

    at[0] = r;
    at[n] = g;
    at[2 * n] = b;
}

void volley_sheet_write(uni_image *to, int top, int left, int width,
                        const char *text)
{
    for (int k = 0; text[k] != '\0' && (4 * k + 3) * SHEET_DOT <= width; k++) {
        const uint16_t glyph = sheet_glyph(text[k]);

        for (int y = 0; y < 5 * SHEET_DOT; y++)
            for (int x = 0; x < 3 * SHEET_DOT; x++)
                if (glyph >> (14 - y / SHEET_DOT * 3 - x / SHEET_DOT) & 1)
                    volley_sheet_dot(to, top + y, left + 4 * k * SHEET_DOT + x,
                              sheet_ink, sheet_ink, sheet_ink);
    }
}

volley_cell volley_sheet_cell(unet_size size)
{
    int side = size.height > size.width ? size.height : size.width;
    volley_cell c;

    c.grow = side < SHEET_SIDE ? SHEET_SIDE / side : 1;
    c.shrink = (side + SHEET_LARGE - 1) / SHEET_LARGE;
    c.height = size.height * c.grow / c.shrink;
    c.width = size.width * c.grow / c.shrink;
    c.height = c.height > 0 ? c.height : 1;
    c.width = c.width > 0 ? c.width : 1;
    c.across = (c.width > SHEET_SIDE ? c.width : SHEET_SIDE)
               + 2 * VOLLEY_SHEET_FRAME + VOLLEY_SHEET_GAP;
    c.down = c.height + 2 * VOLLEY_SHEET_FRAME + SHEET_TEXT + VOLLEY_SHEET_GAP;
    return c;
}

/* The value of a dot of channel k. */
static double sheet_mean(const uni_image *image, const volley_cell *c, int k,
                         int y, int x)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < c->shrink; i++)
        for (int j = 0; j < c->shrink; j++) {
            int row = y * c->shrink / c->grow + i;
            int column = x * c->shrink / c->grow + j;

            if (row >= image->height || column >= image->width)
                continue;
            sum += image->pixel[((size_t)k * (size_t)image->height
                                 + (size_t)row) * (size_t)image->width
                                + (size_t)column];
            n++;
        }
    return n > 0 ? sum / n : 0;
}

void volley_sheet_picture(uni_image *to, const volley_cell *c, int top,
                          int left, const uni_image *image, bool wrong)
{
    for (int y = -VOLLEY_SHEET_FRAME; y < c->height + VOLLEY_SHEET_FRAME; y++)
        for (int x = -VOLLEY_SHEET_FRAME; x < c->width + VOLLEY_SHEET_FRAME;
             x++) {
            bool inside = y >= 0 && y < c->height && x >= 0 && x < c->width;
            double v[3];

            for (int k = 0; k < 3 && inside; k++)
                v[k] = sheet_mean(image, c, image->channels == 3 ? k : 0, y,
                                  x);
            if (inside)
                volley_sheet_dot(to, top + y, left + x, v[0], v[1], v[2]);
            else if (wrong)
                volley_sheet_dot(to, top + y, left + x, 255, 0, 0);
        }
}

static int sheet_draw(uni_image *to, const volley_answers *x,
                      const uni_album *album, const volley_cell *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int class = uni_class(x->plan, x->logit[i]);
        const int top = VOLLEY_SHEET_GAP + (int)(i / SHEET_ACROSS) * c->down
                        + VOLLEY_SHEET_FRAME;
        const int left = VOLLEY_SHEET_GAP + (int)(i % SHEET_ACROSS) * c->across
                         + VOLLEY_SHEET_FRAME;
        uni_image image = {0};

        if (uni_album_image(&image, album, i) != CKKS_OK)
            return volley_fail("%s", nn_last_error());
        volley_sheet_picture(to, c, top, left, &image,
                      x->label != NULL && x->label[i] != class);
        volley_sheet_write(to, top + c->height + VOLLEY_SHEET_FRAME + 2, left,
                    c->across - VOLLEY_SHEET_FRAME - VOLLEY_SHEET_GAP,
                    x->plan->class_name[class]);
        uni_image_clear(&image);
    }
    return VOLLEY_DONE;
}

int volley_sheet_init(uni_image *out, const char *path, const volley_cell *c,
                      size_t across, size_t down)
{
    const uint64_t gap = VOLLEY_SHEET_GAP;
    int code = volley_check_place(path);
    size_t dots;

    if (code == VOLLEY_DONE)
        code = volley_check(uni_image_init(out, path, 3,
                                           gap + down * (uint64_t)c->down,
                                           gap + across * (uint64_t)c->across));
    if (code != VOLLEY_DONE)
        return code;
    dots = 3 * (size_t)out->height * (size_t)out->width;
    for (size_t i = 0; i < dots; i++)
        out->pixel[i] = sheet_paper;
    return VOLLEY_DONE;
}

int volley_sheet(const char *path, const volley_answers *x,
                 const uni_album *album)
{
    const size_t n = x->images < SHEET_MOST ? x->images : SHEET_MOST;
    const size_t across = n < SHEET_ACROSS ? n : SHEET_ACROSS;
    const size_t down = (n + SHEET_ACROSS - 1) / SHEET_ACROSS;
    const volley_cell c = volley_sheet_cell(album->size[0]);
    uni_image sheet = {0};
    int code = volley_sheet_init(&sheet, path, &c, across, down);

    if (code == VOLLEY_DONE)
        code = sheet_draw(&sheet, x, album, &c, n);
    if (code == VOLLEY_DONE)
        code = volley_check(uni_image_save_colour(path, &sheet));
    uni_image_clear(&sheet);
    return code;
}
