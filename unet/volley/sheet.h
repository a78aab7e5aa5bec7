/* sheet.h -- private to the command: pictures in a grid, with a word below
 * each (sheet.c). */
#ifndef VOLLEY_SHEET_H
#define VOLLEY_SHEET_H

#include "volley.h"

enum { VOLLEY_SHEET_FRAME = 3, VOLLEY_SHEET_GAP = 4 };

/* A picture of these sides on the sheet, from one of others: every dot is the
 * mean of a box, or one pixel where it grows. */
typedef struct volley_cell {
    int grow, shrink;
    int height, width;          /* of the picture                            */
    int down, across;           /* from one cell to the next                 */
} volley_cell;
volley_cell volley_sheet_cell(unet_size size);

/* An empty sheet of so many cells; path: checked as a place for it. */
int volley_sheet_init(uni_image *out, const char *path, const volley_cell *c,
                      size_t across, size_t down);
void volley_sheet_dot(uni_image *to, int y, int x, double r, double g,
                      double b);
/* As much of the text as fits into width; what the font lacks is blank. */
void volley_sheet_write(uni_image *to, int top, int left, int width,
                        const char *text);
/* wrong: with a red frame. */
void volley_sheet_picture(uni_image *to, const volley_cell *c, int top,
                          int left, const uni_image *image, bool wrong);

#endif
