/* test_image_labels.c -- the palette; label pictures written and read; the
 * numbers that are no labels.  tests/scripts/labels.py has the bytes of PNG.
 *
 * Caught when planted: numbers scaled to the format's largest; a palette's
 * colours for its numbers.
 */
#include <math.h>
#include <unistd.h>

#include "image/volume.h"
#include "net_support.h"
#include "test.h"
#include "unet_support.h"

/* ---- colours -------------------------------------------------------------- */

static double linear(uint8_t v)
{
    const double c = v / 255.0;

    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double lab_root(double t)
{
    return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116;
}

/* CIE L*a*b* (D65) of linear red, green, blue. */
static void lab_of(double out[3], const double rgb[3])
{
    static const double to[3][3] = { { 0.4124564, 0.3575761, 0.1804375 },
                                     { 0.2126729, 0.7151522, 0.0721750 },
                                     { 0.0193339, 0.1191920, 0.9503041 } };
    static const double white[3] = { 0.95047, 1, 1.08883 };
    double f[3];

    for (int i = 0; i < 3; i++) {
        double sum = 0;

        for (int j = 0; j < 3; j++)
            sum += to[i][j] * fmin(fmax(rgb[j], 0), 1);
        f[i] = lab_root(sum / white[i]);
    }
    out[0] = 116 * f[1] - 16;
    out[1] = 500 * (f[0] - f[1]);
    out[2] = 200 * (f[1] - f[2]);
}

/* As everybody sees it, or without red, or without green receptors (Vienot,
 * Brettel, Mollon 1999, on linear values). */
static void seen(double out[3], const uint8_t colour[3], int how)
{
    static const double lack[2][3][3] = {
        { { 0.11238, 0.88762, 0 }, { 0.11238, 0.88762, 0 },
          { 0.00401, -0.00401, 1 } },
        { { 0.29275, 0.70725, 0 }, { 0.29275, 0.70725, 0 },
          { -0.02234, 0.02234, 1 } }
    };
    double rgb[3], less[3];

    for (int i = 0; i < 3; i++)
        rgb[i] = linear(colour[i]);
    for (int i = 0; i < 3; i++) {
        less[i] = rgb[i];
        if (how > 0)
            less[i] = lack[how - 1][i][0] * rgb[0] + lack[how - 1][i][1]
                    * rgb[1] + lack[how - 1][i][2] * rgb[2];
    }
    lab_of(out, less);
}

/* Any two colours are apart by 15 or more, whoever looks; 2 to 3 are seen. */
TEST(labels_palette)
{
    double least = HUGE_VAL;

    CHECK(uni_palette[0][0] == 0 && uni_palette[0][1] == 0
          && uni_palette[0][2] == 0, "label 0 is not black");
    for (int how = 0; how < 3; how++)
        for (int i = 0; i < NN_MAX_LABELS; i++)
            for (int j = 0; j < i; j++) {
                double a[3], b[3], apart;

                seen(a, uni_palette[i], how);
                seen(b, uni_palette[j], how);
                apart = sqrt(pow(a[0] - b[0], 2) + pow(a[1] - b[1], 2)
                             + pow(a[2] - b[2], 2));
                least = fmin(least, apart);
                CHECK(apart >= 15, "colours %d and %d, sight %d: %.1f", i, j,
                      how, apart);
            }
    test_note("two colours are %.1f apart at least", least);
}

/* ---- files ---------------------------------------------------------------- */

static const uint8_t drawn[6] = { 0, 1, 2, 2, 0, 15 };

static void there_and_back(test_folder *f, const char *ending)
{
    uint8_t got[6];
    uni_image image = {0};

    snprintf(f->path, sizeof f->path, "%s/m%s", f->name, ending);
    if (!NN_OK(uni_image_save_labels(f->path, drawn, 2, 3, 16))
        || !NN_OK(uni_labels_picture(got, f->path, 2, 3, 16)))
        return;
    for (int i = 0; i < 6; i++)
        CHECK(got[i] == drawn[i], "%s: %d, want %d", ending, got[i],
              drawn[i]);
    NN_STATUS(uni_labels_picture(got, f->path, 2, 3, 15), CKKS_EFORMAT);
    CHECK(strstr(nn_last_error(), "15 at 2, 1, 0") != NULL, "%s",
          nn_last_error());
    NN_STATUS(uni_labels_picture(got, f->path, 3, 2, 16), CKKS_EARG);
    NN_STATUS(uni_labels_picture(got, f->path, 2, 3, 0), CKKS_EFORMAT);
    /* to everybody else a palette is colours, a number is grey */
    if (NN_OK(uni_image_load(&image, f->path, -1)))
        CHECK(image.channels == (ending[2] == 'n' ? 3 : 1)
              && image.pixel[1] == (ending[2] == 'n' ? 230 : 1), "%s: %d "
              "channels, %g", ending, image.channels, image.pixel[1]);
    uni_image_clear(&image);
    (void)unlink(f->path);
}

TEST(labels_of_pictures)
{
    test_folder f;
    uint8_t got[2] = { 7, 7 };

    if (!folder_open(&f))
        return;
    there_and_back(&f, ".pgm");
    there_and_back(&f, ".png");
    NN_STATUS(uni_image_save_labels(f.path, drawn, 2, 3, 15), CKKS_EARG);
    NN_STATUS(uni_image_save_labels(f.path, drawn, 2, 3, 17), CKKS_EARG);
    NN_STATUS(uni_image_save_labels(f.path, NULL, 2, 3, 16), CKKS_EARG);
    snprintf(f.path, sizeof f.path, "%s/m.ppm", f.name);
    NN_STATUS(uni_image_save_labels(f.path, drawn, 2, 3, 16), CKKS_EARG);
    snprintf(f.path, sizeof f.path, "%s/m.pgm", f.name);
    /* one class: 1 of any largest value, and 255 */
    if (bytes_write(f.path, (const uint8_t *)"P2 2 1 1 0 1", 12)
        && NN_OK(uni_labels_picture(got, f.path, 1, 2, 0)))
        CHECK(got[0] == 0 && got[1] == 1, "%d %d", got[0], got[1]);
    if (bytes_write(f.path, (const uint8_t *)"P2 2 1 999 255 1", 16)
        && NN_OK(uni_labels_picture(got, f.path, 1, 2, 0)))
        CHECK(got[0] == 1 && got[1] == 1, "%d %d", got[0], got[1]);
    if (bytes_write(f.path, (const uint8_t *)"P2 2 1 999 254 1", 16))
        NN_STATUS(uni_labels_picture(got, f.path, 1, 2, 0), CKKS_EFORMAT);
    NN_STATUS(uni_labels_picture(NULL, f.path, 1, 2, 0), CKKS_EARG);
    NN_STATUS(uni_labels_picture(got, NULL, 1, 2, 0), CKKS_EARG);
    NN_STATUS(uni_labels_volume(got, f.path, NULL, 0), CKKS_EARG);
    folder_close(&f);
}
