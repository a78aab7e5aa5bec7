/* png_pair.c -- PNG as we read it and as libpng does: where both take a file,
 * the values are the same; where one does not, it is for a reason that is
 * known.
 */
#include <string.h>

#include "image_use.h"
#include "png_oracle.h"

/* What follows the pixels, which libpng does not look at; a checksum of the
 * rows that is wrong or not there, which it only warns of. */
static bool stricter(const char *why)
{
    static const char *const words[] = {
        "surplus", "(a wrong checksum)", "rows are cut short", "damaged",
        "pixels, want 1..", "cannot hold"
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(why, words[i]) != NULL)
            return true;
    return false;
}

static void compare(const uni_image *a, const uni_image *b)
{
    const size_t n = (size_t)a->channels * (size_t)a->height
                     * (size_t)a->width;

    fuzz_must(a->channels == b->channels && a->height == b->height
                  && a->width == b->width && a->bits == b->bits,
              "png: %dx%dx%d, %d bits; of libpng %dx%dx%d, %d bits",
              a->channels, a->height, a->width, a->bits, b->channels,
              b->height, b->width, b->bits);
    for (size_t i = 0; i < n; i++)
        fuzz_must(a->pixel[i] == b->pixel[i], "png: value %zu is %g, of libpng "
                  "%g", i, a->pixel[i], b->pixel[i]);
}

/* libpng takes a match from before its window where that lies in the same row;
 * we take what 2^15 bytes hold. */
static bool looser(const char *why)
{
    return strstr(why, "too far back") != NULL;
}

ckks_status fuzz_png_load(void *x, const fuzz_input *in)
{
    const ckks_status s = fuzz_image_load(x, in);
    const unsigned held = fuzz_hold();
    char why[240];
    uni_image image = { 0 };
    ckks_status other;

    if (!uni_is_png(in->data, in->size) || in->variant != 0) {
        fuzz_go_on(held);
        return s;
    }
    memcpy(why, nn_last_error(), sizeof why - 1);
    why[sizeof why - 1] = '\0';
    other = oracle_png(&image, "x", in->data, in->size, false);
    if (s == CKKS_OK && other == CKKS_OK)
        compare(x, &image);
    else if (s == CKKS_OK)
        fuzz_must(looser(nn_last_error()), "png: taken; libpng: %s",
                  nn_last_error());
    else if (other == CKKS_OK && s == CKKS_EFORMAT)
        fuzz_must(stricter(why), "png: libpng takes it; %s", why);
    uni_image_clear(&image);
    fuzz_go_on(held);
    return s;
}
