/* image.c -- images: PNM, PNG, JPEG.  variant: low two bits, the slice asked for
 * plus one; 16: through a file; 32: of one channel; 64: of 2 x 2 pixels; 128:
 * of whole multiples of that.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/codec.h"
#include "image_use.h"
#include "image_mend.h"
#include "volley.h"

enum { MOST_SAVED = 1 << 14 };

static uni_image_want wanted(const fuzz_input *in)
{
    const int side = in->variant & 64 ? 2 : 0;

    return (uni_image_want){ .channels = in->variant & 32 ? 1 : 0,
                             .height = side, .width = side,
                             .fit = in->variant & 128 };
}

ckks_status fuzz_image_load(void *x, const fuzz_input *in)
{
    const uni_image_want want = wanted(in);
    const int slice = in->variant % 4 - 1;
    char path[96];

    if (!(in->variant & FUZZ_THROUGH_FILE))
        return uni_image_decode(x, "x", in->data, in->size, slice);
    strcpy(path, fuzz_file(in->data, in->size));
    if (slice >= 0)
        strcat(path, slice == 0 ? ":slice=0" : slice == 1 ? ":slice=1"
                                                           : ":slice=x");
    return uni_image_read(x, path, -1, &want, volley_jpeg);
}

/* The object, if it is whole: a decoder leaves what it began to its caller. */
static ckks_status give(void *x, uni_image *image, ckks_status s)
{
    if (s == CKKS_OK)
        memcpy(x, image, sizeof *image);
    else
        uni_image_clear(image);
    return s;
}

static ckks_status load_jpeg(void *x, const fuzz_input *in)
{
    const uni_image_want want = wanted(in);
    uni_image image = { 0 };

    if (in->variant & FUZZ_THROUGH_FILE)
        return fuzz_image_load(x, in);
    return give(x, &image, volley_jpeg(&image, "x", in->data, in->size,
                                       &want));
}

void fuzz_image_clear(void *x)
{
    uni_image_clear(x);
}

static ckks_status save_as(const char *path, const uni_image *m)
{
    return m->channels == 1 ? uni_image_save_grey(path, m)
                            : uni_image_save_colour(path, m);
}

/* Saved and loaded it is what it was, to the nearest byte; saved again, the
 * same file. */
static void save_again(const uni_image *m, const char *name)
{
    char path[128];
    uni_image again = { 0 };
    uint8_t *a = NULL, *b = NULL;
    size_t size_a = 0, size_b = 0;
    const size_t n = (size_t)m->channels * (size_t)m->height
                     * (size_t)m->width;

    strcpy(path, fuzz_place(name));
    fuzz_must(save_as(path, m) == CKKS_OK
                  && ckks_file_read(&a, &size_a, path, FUZZ_LARGEST) == CKKS_OK
                  && uni_image_load(&again, path, -1) == CKKS_OK
                  && again.height == m->height && again.width == m->width
                  && again.channels == m->channels, "%s: saved %dx%dx%d", name,
              m->channels, m->height, m->width);
    for (size_t i = 0; i < n; i++)
        fuzz_must(fabs(again.pixel[i] - m->pixel[i]) <= 0.5, "%s: value %zu "
                  "is %g, was %g", name, i, again.pixel[i], m->pixel[i]);
    fuzz_must(save_as(path, &again) == CKKS_OK
                  && ckks_file_read(&b, &size_b, path, FUZZ_LARGEST) == CKKS_OK
                  && size_a == size_b && memcmp(a, b, size_a) == 0,
              "%s: saved again, other bytes", name);
    ckks_file_free(a, size_a);
    ckks_file_free(b, size_b);
    uni_image_clear(&again);
    (void)unlink(path);
}

/* Every way to write, whatever comes of it. */
static void save_anyhow(const uni_image *m)
{
    static const char *const names[] = { "a.png", "a.pgm", "a.ppm", "a.txt",
                                         "a" };
    const size_t n = (size_t)m->height * (size_t)m->width;
    uint8_t *mask = fuzz_room(n);

    for (size_t i = 0; i < n; i++)
        mask[i] = m->pixel[i] > 100;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = fuzz_place(names[i]);

        (void)!uni_image_save_overlay(path, m, mask);
        (void)!uni_image_save_mask(path, mask, m->height, m->width);
        (void)!uni_image_save_labels(path, mask, m->height, m->width, 2);
        (void)!uni_image_save_label_overlay(path, m, mask);
        (void)!save_as(path, m);
        (void)unlink(path);
    }
    fuzz_free(mask);
}

/* What was asked for, where it was. */
static void check_wanted(const uni_image *m, const fuzz_input *in)
{
    const uni_image_want want = wanted(in);

    if (in->variant & FUZZ_THROUGH_FILE && want.height > 0)
        fuzz_must((want.channels == 0 || m->channels == want.channels)
                      && (want.fit ? m->height % 2 == 0 && m->width % 2 == 0
                                   : m->height == 2 && m->width == 2),
                  "an image of %dx%dx%d that was not asked for", m->channels,
                  m->height, m->width);
}

static void must_be_labels(const uint8_t *label, size_t n, int labels)
{
    for (size_t i = 0; i < n; i++)
        fuzz_must(label[i] < (labels > 0 ? labels : 2), "label %zu is %d of "
                  "%d", i, label[i], labels);
}

/* The same file as a drawn mask, a picture or a volume. */
static void read_labels(const uni_image *m, const fuzz_input *in)
{
    const int labels = in->variant % 4 == 0 ? 0 : 3;
    const size_t n = (size_t)m->height * (size_t)m->width;
    uint8_t *label = fuzz_room(MOST_SAVED);
    const char *path = fuzz_file(in->data, in->size);
    uni_volume v = { 0 };

    if (uni_labels_picture(label, path, m->height, m->width, labels)
        == CKKS_OK)
        must_be_labels(label, n, labels);
    if (uni_volume_is(path) && uni_volume_look(&v, path, -1) == CKKS_OK) {
        const int *side = v.geometry.n;
        const uint64_t all = (uint64_t)side[0] * (uint64_t)side[1]
                             * (uint64_t)side[2];

        if (all <= MOST_SAVED
            && uni_labels_volume(label, path, &v.geometry, labels) == CKKS_OK)
            must_be_labels(label, (size_t)all, labels);
    }
    uni_volume_clear(&v);
    fuzz_free(label);
}

void fuzz_image_use(void *x, const fuzz_input *in)
{
    uni_image *m = x, other = { 0 };
    const size_t n = (size_t)m->height * (size_t)m->width;

    fuzz_must(m->height > 0 && m->width > 0
                  && (m->channels == 1 || m->channels == 3),
              "an image of %dx%dx%d", m->channels, m->height, m->width);
    check_wanted(m, in);
    for (size_t i = 0; i < n * (size_t)m->channels; i++)
        fuzz_must(m->pixel[i] >= 0 && m->pixel[i] <= 255,
                  "value %zu is %g", i, m->pixel[i]);
    if (n > MOST_SAVED || !fuzz_patient(in))
        return;
    (void)!uni_image_convert(&other, m, 4 - m->channels);
    (void)!uni_image_convert(&other, m, 2);
    (void)!uni_image_shrink(&other, m, (m->height + 1) / 2, 1);
    if (in->variant & FUZZ_THROUGH_FILE)
        read_labels(m, in);
    if (in->fault > 0 || in->flags & FUZZ_MISUSE)
        save_anyhow(m);
    else if (in->variant & FUZZ_THROUGH_FILE) {
        save_again(m, m->channels == 1 ? "b.pgm" : "b.ppm");
        save_again(m, "b.png");
    }
    uni_image_clear(&other);
}

void fuzz_image_misuse(const fuzz_input *in)
{
    double pixel[3] = { 0 };
    uni_image m = { 0 }, odd = { 1, 1, 1, pixel, 0, 0 };
    uni_image tall = { 1, 0, 1, pixel, 0, 0 };
    const uint8_t mask[1] = { 0 };
    const char *path = fuzz_place("c.png");

    fuzz_must(uni_image_decode(NULL, "x", in->data, in->size, -1) == CKKS_EARG
                  && uni_image_decode(&m, NULL, in->data, in->size, -1)
                         == CKKS_EARG
                  && uni_image_decode(&m, "x", NULL, 1, -1) == CKKS_EARG
                  && uni_image_decode(&m, "x", in->data, 0, -1)
                         == CKKS_EFORMAT
                  && uni_image_load(NULL, "x", -1) == CKKS_EARG
                  && uni_image_load(&m, NULL, -1) == CKKS_EARG
                  && uni_image_load(&m, "/none", -1) == CKKS_EIO,
              "image: misuse was taken");
    fuzz_must(uni_image_convert(NULL, &odd, 1) == CKKS_EARG
                  && uni_image_convert(&m, NULL, 1) == CKKS_EARG
                  && uni_image_shrink(NULL, &odd, 1, 1) == CKKS_EARG
                  && uni_image_shrink(&m, &odd, 0, 1) == CKKS_EARG
                  && uni_image_save_grey(NULL, &odd) == CKKS_EARG
                  && uni_image_save_grey(path, NULL) == CKKS_EARG
                  && uni_image_save_colour(path, &odd) == CKKS_EARG
                  && uni_image_save_grey(path, &tall) == CKKS_EARG
                  && uni_image_save_mask(path, NULL, 1, 1) == CKKS_EARG
                  && uni_image_save_mask(path, mask, 1, 70000) == CKKS_EARG
                  && uni_image_save_overlay(path, NULL, mask) == CKKS_EARG
                  && uni_image_save_overlay(path, &odd, NULL) == CKKS_EARG,
              "image: misuse of saving was taken");
    uni_image_clear(NULL);
}

/* ---- seeds --------------------------------------------------------------- */

void fuzz_image_seed(const fuzz_target *t, uint8_t variant, const void *bytes,
                 size_t size)
{
    fuzz_seed(t, variant, FUZZ_SWEEP | FUZZ_MISUSE, 0, bytes, size);
    for (unsigned want = 0; want < 256; want += 32)
        if (want % 128 != 32)
            fuzz_seed(t, (uint8_t)(variant | FUZZ_THROUGH_FILE | want), FUZZ_MEND,
                      0, bytes, size);
    fuzz_seed(t, variant, FUZZ_MEND, 5, bytes, size);
}

static void seeds_pnm(const fuzz_target *t)
{
    static const char *const text[] = {
        "P2 3 2 9\n0 1 2\n# c\n3 4 9\n", "P3\n1 1\n255 7 8 9",
        "P5\n2 2\n255\nabcd", "P6 1 1 255\nabc", "P5 1 2 65535\nabcd",
        "P5 0 1 1 ", "P6 99999 99999 255\n", "P4 1 1 ", "P5,1 1 1 a",
        "P5 1 1 255\na\n", "P6 1 1 255\naaa", "P2 1 1 0 1",
        "<!DOCTYPE html>", "  <html>", "\xef\xbb\xbf<?xml", "NRRD0004",
        "P2 1 1 1234567890", "P2 1 1 5 6", "P2 1 1 5 1 1"
    };

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        fuzz_image_seed(t, i == 2, text[i], strlen(text[i]));
}

static void seeds_png(const fuzz_target *t)
{
    /* width, height, depth, colour, interlaced, what else: png_build.c */
    static const uint8_t build[][6] = {
        { 3, 2, 3, 0, 0, 0 }, { 2, 3, 3, 1, 1, 0 }, { 4, 4, 4, 1, 0, 1 },
        { 4, 4, 1, 2, 0, 2 }, { 3, 3, 0, 0, 1, 3 }, { 2, 2, 3, 4, 0, 0 },
        { 2, 2, 4, 3, 0, 4 }, { 5, 1, 3, 2, 1, 7 }
    };
    double pixel[3] = { 1, 2, 3 };
    uni_image m = { 3, 1, 1, pixel, 0, 0 };
    uint8_t *bytes = NULL;
    size_t size = 0;

    for (size_t i = 0; i < sizeof build / sizeof *build; i++) {
        fuzz_seed(t, 0, FUZZ_DRAW | FUZZ_SWEEP, 0, build[i], 6);
        fuzz_seed(t, FUZZ_THROUGH_FILE, FUZZ_DRAW, 0, build[i], 6);
        fuzz_seed(t, FUZZ_THROUGH_FILE + 64, FUZZ_DRAW, 0, build[i], 6);
    }
    fuzz_must(uni_image_save_colour(fuzz_place("d.png"), &m) == CKKS_OK
                  && ckks_file_read(&bytes, &size, fuzz_place("d.png"),
                                    FUZZ_LARGEST) == CKKS_OK, "png");
    fuzz_image_seed(t, 0, bytes, size);
    ckks_file_free(bytes, size);
}

static void seeds_jpeg(const fuzz_target *t)
{
    for (int i = 0; i <= 4; i++) {
        size_t size = 0;
        uint8_t *bytes = fuzz_jpeg_build(&size, i > 0 ? i : 1, i == 0);

        fuzz_image_seed(t, 0, bytes, size);
        fuzz_free(bytes);
    }
}

#define TARGET(T, load)                                                     \
    const fuzz_target fuzz_##T = {                                          \
        #T, sizeof(uni_image), fuzz_mend_##T, load, NULL, NULL, fuzz_image_use,  \
        fuzz_image_clear, fuzz_image_misuse, seeds_##T                                \
    };
TARGET(pnm, fuzz_image_load)
TARGET(png, fuzz_png_load)
TARGET(jpeg, load_jpeg)
