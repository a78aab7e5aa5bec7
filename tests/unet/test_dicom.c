/* test_dicom.c -- DICOM data sets: values by their definition, and bounds.  The
 * comparison with pydicom is tests/scripts/dicom.py. */
#include "dicom_support.h"
#include "image/dicom.h"
#include "test.h"

static const dicom_image plain = { 2, 3, 1, 16, 12, 11, 0, "MONOCHROME2",
                                   NULL };
static const uint8_t twelve[12] = { 1, 0, 2, 0xf0, 0xff, 0x0f, 0, 8, 5, 0, 6 };

static ckks_status parse(uni_dicom *d, const dicom_made *b)
{
    uni_dicom_part part;

    return uni_dicom_parse(d, &part, "file", b->data, b->size, b->size);
}

/* Refused with these words, behind the file's name. */
static void refused(const dicom_made *b, const char *words)
{
    uni_dicom d = {0};

    if (CHECK(parse(&d, b) == CKKS_EFORMAT, "accepted; want \"%s\"", words))
        CHECK(strncmp(nn_last_error(), "file: ", 6) == 0
              && strstr(nn_last_error(), words) != NULL,
              "\"%s\", want \"%s\"", nn_last_error(), words);
    uni_dicom_clear(&d);
}

static dicom_made image_of(const dicom_image *image, bool typed)
{
    dicom_made b = dicom_start(typed);

    dicom_image_tags(&b, image);
    return b;
}

/* ---- values -------------------------------------------------------------- */

static void holds(const dicom_image *image, const uint8_t *pixels, size_t n,
                  const int *want)
{
    for (int typed = 0; typed < 2; typed++) {
        dicom_made b = image_of(image, typed);
        uint8_t out[64];
        uni_dicom d = {0};

        dicom_pixels(&b, pixels, n);
        if (CHECK(parse(&d, &b) == CKKS_OK, "%s", nn_last_error())) {
            uni_dicom_values(out, &d, b.data, 0);
            for (unsigned i = 0; i < image->rows * image->columns
                                     * image->samples; i++) {
                uint16_t word = out[i];
                int v;

                if (image->allocated == 16)
                    memcpy(&word, out + 2 * i, 2);
                v = image->is_signed ? image->allocated == 16
                    ? (int16_t)word : (int8_t)(uint8_t)word : word;
                CHECK(v == want[i], "%s: value %u is %d, want %d",
                      image->colour, i, v, want[i]);
            }
        }
        uni_dicom_clear(&d);
        dicom_free(&b);
    }
}

TEST(dicom_values)
{
    static const int grey[] = { 1, 2, 4095, 2048, 5, 6 };
    static const int inverse[] = { 4094, 4093, 0, 2047, 4090, 4089 };
    static const int sign[] = { 1, 2, -1, -2048, 5, 6 };
    static const int turned[] = { -2, -3, 0, 2047, -6, -7 };
    static const int high[] = { 0, 3840, 255, 128, 0, 0 };
    static const uint8_t planes[] = { 1, 2, 3, 4, 5, 6 };
    static const int colours[] = { 1, 3, 5, 2, 4, 6 };
    dicom_image i = plain;

    holds(&i, twelve, 12, grey);
    i.colour = "MONOCHROME1";
    holds(&i, twelve, 12, inverse);
    i.is_signed = 1;
    holds(&i, twelve, 12, turned);
    i.colour = "MONOCHROME2";
    holds(&i, twelve, 12, sign);
    i.is_signed = 0;
    i.high = 15;
    holds(&i, twelve, 12, high);
    i = (dicom_image){ 1, 2, 3, 8, 8, 7, 0, "RGB", NULL };
    holds(&i, planes, 6, colours);
    i = (dicom_image){ 1, 3, 1, 8, 4, 3, 1, "MONOCHROME2", NULL };
    holds(&i, (const uint8_t[]){ 0xf7, 0x18, 0x0f }, 3,
          (const int[]){ 7, -8, -1 });
}

TEST(dicom_planes)
{
    dicom_made b = dicom_start(true);
    uni_dicom d = {0};
    uni_dicom_plane p;

    dicom_text(&b, 0x00200032, "DS", "-1.5\\ 2e1 \\+3");
    dicom_text(&b, 0x00200037, "DS", "1\\0\\0\\0\\1\\0");
    dicom_image_tags(&b, &plain);
    dicom_text(&b, 0x00280030, "DS", "0.5\\0.75");
    dicom_text(&b, 0x00281052, "DS", "-1024");
    dicom_text(&b, 0x00281053, "DS", "");
    dicom_pixels(&b, twelve, 12);
    CHECK(parse(&d, &b) == CKKS_OK, "%s", nn_last_error());
    p = uni_dicom_at(&d, 0);
    CHECK(p.position[0] == -1.5 && p.position[1] == 20 && p.position[2] == 3
          && p.spacing[0] == 0.5 && p.spacing[1] == 0.75 && p.slope == 1
          && p.inter == -1024 && p.axes[4] == 1 && !(p.has & UNI_DICOM_SLOPE),
          "%g %g %g, %g %g", p.position[0], p.position[1], p.position[2],
          p.slope, p.inter);
    uni_dicom_clear(&d);
    dicom_free(&b);
}

/* ---- bounds -------------------------------------------------------------- */

/* Of every beginning: refused; and where the file is said to be longer, more
 * bytes asked for, or what the whole file says. */
TEST(dicom_cut)
{
    for (int typed = 0; typed < 2; typed++) {
        dicom_made b = image_of(&plain, typed);

        dicom_head(&b, 0x00400275, "SQ", DICOM_UNDEFINED);
        dicom_mark(&b, 0xfffee000, DICOM_UNDEFINED);
        dicom_mark(&b, 0xfffee00d, 0);
        dicom_mark(&b, 0xfffee0dd, 0);
        dicom_pixels(&b, twelve, 12);
        for (size_t n = 0; n < b.size; n++) {
            uint8_t *part = malloc(n > 0 ? n : 1);
            uni_dicom_part what = UNI_DICOM_WHOLE;
            uni_dicom d = {0};

            memcpy(part, b.data, n);
            CHECK(uni_dicom_parse(&d, &what, "file", part, n, n)
                  == CKKS_EFORMAT, "%zu of %zu bytes", n, b.size);
            if (n >= 140) {
                CHECK_OK(uni_dicom_parse(&d, &what, "file", part, n, b.size));
                CHECK(what == (n < b.size - 12 ? UNI_DICOM_CUT
                                               : UNI_DICOM_WHOLE)
                      && d.rows == (what == UNI_DICOM_WHOLE ? 2 : 0),
                      "%zu of %zu bytes: %d", n, b.size, what);
            }
            uni_dicom_clear(&d);
            free(part);
        }
        dicom_free(&b);
    }
}

/* A length that is beyond the file, of an element, a sequence, an item, pixels;
 * at the largest that 32 bits hold and in the middle. */
TEST(dicom_enormous)
{
    static const uint32_t length[] = { 13, 0x7fffffff, 0x80000000, 0xfffffffe };

    for (int typed = 0; typed < 2; typed++)
        for (int i = 0; i < 4; i++)
            for (int what = 0; what < 4; what++) {
                dicom_made b = image_of(&plain, typed);

                if (what == 0)
                    dicom_head(&b, 0x00290010, "OB", length[i]);
                if (what == 1)
                    dicom_head(&b, 0x52009230, "SQ", length[i]);
                if (what == 2) {
                    dicom_head(&b, 0x52009230, "SQ", DICOM_UNDEFINED);
                    dicom_mark(&b, 0xfffee000, length[i]);
                }
                dicom_head(&b, UNI_DICOM_PIXELS, "OW", what == 3 ? length[i]
                                                                 : 12);
                if (what == 3 || i > 0)
                    dicom_bytes(&b, twelve, 12);
                refused(&b, what == 0 || what == 1 || i > 0 || what == 3
                        ? "bytes" : "");
                dicom_free(&b);
            }
}

/* Sequences in sequences: as many as are taken, one more, a million. */
TEST(dicom_nested)
{
    static const int depths[] = { 1, UNI_DICOM_DEPTH, UNI_DICOM_DEPTH + 1,
                                  100000 };

    for (int typed = 0; typed < 2; typed++)
        for (int i = 0; i < 4; i++) {
            dicom_made b = image_of(&plain, typed);
            uni_dicom d = {0};

            for (int k = 0; k < depths[i]; k++) {
                dicom_head(&b, 0x00400275, "SQ", DICOM_UNDEFINED);
                dicom_mark(&b, 0xfffee000, DICOM_UNDEFINED);
                dicom_short(&b, 0x00280010, 99);    /* not the image's rows  */
            }
            for (int k = 0; k < depths[i]; k++) {
                dicom_mark(&b, 0xfffee00d, 0);
                dicom_mark(&b, 0xfffee0dd, 0);
            }
            dicom_pixels(&b, twelve, 12);
            if (depths[i] > UNI_DICOM_DEPTH)
                refused(&b, "32 deep");
            else if (CHECK(parse(&d, &b) == CKKS_OK, "%s", nn_last_error()))
                CHECK(d.rows == 2, "%d rows", d.rows);
            uni_dicom_clear(&d);
            dicom_free(&b);
        }
}

/* An item that ends behind its sequence, a delimiter where none is due,
 * something else in place of an item, elements that reach over their item. */
TEST(dicom_items)
{
    for (int what = 0; what < 4; what++) {
        dicom_made b = image_of(&plain, true);

        dicom_head(&b, 0x52009230, "SQ", what == 3 ? DICOM_UNDEFINED : 20);
        dicom_mark(&b, what == 1 ? 0xfffee0dd : what == 2 ? 0x00280010
                                                          : 0xfffee000,
                   what == 0 ? 14 : 12);
        dicom_head(&b, 0x00080050, "SH", what == 3 ? 6 : 4);
        dicom_bytes(&b, "abcdefgh", 8);
        dicom_pixels(&b, twelve, 12);
        refused(&b, what == 0 ? "14 bytes" : what == 3 ? "6 bytes"
                                                       : "where an item is");
        dicom_free(&b);
    }
}

TEST(dicom_sizes)
{
    static const struct { unsigned rows, columns; const char *frames, *words; }
        sizes[] = {
        { 65535, 65535, "32767", "have 281457797169150" },
        { 65535, 65535, "2147483647", "2147483647 frames" },
        { 0, 3, NULL, "0 rows" }, { 2, 0, NULL, "0 columns" },
        { 2, 3, "0", "0 frames" }, { 2, 3, "-1", "-1 frames" },
        { 2, 3, "32768", "32768 frames" }, { 2, 3, "2", "have 24" },
        { 2, 3, "1.5", "no whole number" }, { 2, 3, "x", "no whole number" },
        { 2, 3, "1e400", "no whole number" }, { 2, 3, "nan", "no whole" },
        { 2, 4, NULL, "have 16" }, { 1, 3, NULL, "have 6" }
    };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        dicom_image image = plain;
        dicom_made b;

        image.rows = sizes[i].rows;
        image.columns = sizes[i].columns;
        image.frames = sizes[i].frames;
        b = image_of(&image, i % 2);
        dicom_pixels(&b, twelve, 12);
        refused(&b, sizes[i].words);
        dicom_free(&b);
    }
}

/* Every tag that is needed, left out in turn; those that are not. */
TEST(dicom_missing)
{
    static const struct { uint32_t tag; const char *words; } needed[] = {
        { 0x00280010, "Rows" }, { 0x00280011, "Columns" },
        { 0x00280100, "BitsAllocated" },
        { 0x00280004, "PhotometricInterpretation" }, { 0x00280002, NULL },
        { 0x00280102, NULL }, { 0x00280103, NULL }
    };

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        dicom_made b = image_of(&plain, true), c = { .typed = true };
        uni_dicom d = {0};

        dicom_pixels(&b, twelve, 12);
        for (size_t at = 0; at + 8 <= b.size; at++) {
            const uint32_t tag = (uint32_t)b.data[at + 1] << 24
                | (uint32_t)b.data[at] << 16 | (uint32_t)b.data[at + 3] << 8
                | b.data[at + 2];

            if (tag != needed[i].tag)
                continue;
            dicom_bytes(&c, b.data, at);
            at += 8u + b.data[at + 6];
            dicom_bytes(&c, b.data + at, b.size - at);
            break;
        }
        if (needed[i].words != NULL)
            refused(&c, needed[i].words);
        else
            CHECK(parse(&d, &c) == CKKS_OK && d.samples == 1 && d.high == 11,
                  "%s", nn_last_error());
        uni_dicom_clear(&d);
        dicom_free(&b);
        dicom_free(&c);
    }
}

TEST(dicom_odd)
{
    dicom_made b = image_of(&plain, true);

    dicom_head(&b, 0x00280010, "US", 3);        /* a word of three bytes     */
    dicom_bytes(&b, "\2\0\0", 3);
    dicom_pixels(&b, twelve, 12);
    refused(&b, "Rows (0028,0010) is not 2 bytes");
    dicom_free(&b);
    b = image_of(&plain, true);
    dicom_head(&b, 0x00280030, "DS", 5);        /* a text of five is read    */
    dicom_bytes(&b, "1\\2.5", 5);
    dicom_pixels(&b, twelve, 12);
    CHECK(parse(&(uni_dicom){0}, &b) == CKKS_OK, "%s", nn_last_error());
    dicom_free(&b);
    b = image_of(&plain, true);
    dicom_bytes(&b, "\xe0\x7f\x10\0O", 5);
    refused(&b, "cut short");
    dicom_free(&b);
    b = image_of(&plain, true);
    dicom_head(&b, UNI_DICOM_PIXELS, "OW", DICOM_UNDEFINED);
    dicom_mark(&b, 0xfffee000, 0);
    refused(&b, "gdcmconv --raw IN OUT");
    dicom_free(&b);
}

/* ---- many frames --------------------------------------------------------- */

/* items of positions, of a file of so many frames. */
static dicom_made framed(const char *frames, int items, bool late)
{
    dicom_image image = plain;
    dicom_made b;

    image.frames = frames;
    b = image_of(&image, true);
    dicom_head(&b, 0x52009230, "SQ", DICOM_UNDEFINED);
    for (int i = 0; i < items; i++) {
        const char digit[3] = { (char)('0' + i), ' ', '\0' };

        dicom_mark(&b, 0xfffee000, DICOM_UNDEFINED);
        dicom_head(&b, 0x00209113, "SQ", DICOM_UNDEFINED);
        dicom_mark(&b, 0xfffee000, 16);
        dicom_head(&b, 0x00200032, "DS", 8);
        dicom_bytes(&b, "1 \\2 \\", 6);
        dicom_bytes(&b, digit, 2);
        dicom_mark(&b, 0xfffee0dd, 0);
        dicom_mark(&b, 0xfffee00d, 0);
    }
    dicom_mark(&b, 0xfffee0dd, 0);
    if (late)
        dicom_text(&b, 0x00280008, "IS", "9");
    dicom_head(&b, UNI_DICOM_PIXELS, "OW", 24);
    dicom_bytes(&b, twelve, 12);
    dicom_bytes(&b, twelve, 12);
    return b;
}

TEST(dicom_frames)
{
    dicom_made b = framed("2", 2, false);
    uni_dicom d = {0};

    CHECK(parse(&d, &b) == CKKS_OK, "%s", nn_last_error());
    CHECK(d.frames == 2 && uni_dicom_at(&d, 1).position[2] == 1
          && uni_dicom_at(&d, 0).position[2] == 0, "%d frames", d.frames);
    uni_dicom_clear(&d);
    dicom_free(&b);
    b = framed("2", 3, false);
    refused(&b, "2 frames that describes more");
    dicom_free(&b);
    b = framed("0", 2, false);
    refused(&b, "0");
    dicom_free(&b);
    b = framed("2", 2, true);           /* as if there were more of them     */
    refused(&b, "NumberOfFrames (0028,0008) stands behind");
    dicom_free(&b);
    b = framed("2", 1, false);          /* the second says nothing           */
    CHECK(parse(&d, &b) == CKKS_OK && uni_dicom_at(&d, 1).has == 0, "%s",
          nn_last_error());
    uni_dicom_clear(&d);
    dicom_free(&b);
}

/* ---- slices -------------------------------------------------------------- */

/* Slices of a volume that is turned by the rotation of a (3, 4, 5) triangle
 * round z, in the order 2, 0, 1: the affine by hand. */
TEST(dicom_stack)
{
    static const double want[3][4] = { { -.6 * 2, .8 * 3, 0, 7 },
                                       { -.8 * 2, -.6 * 3, 0, -8 },
                                       { 0, 0, 1.5, 9 } };
    static const char *const name[] = { "a", "b", "c" };
    size_t order[3];
    uni_dicom_plane plane[3];
    uni_dicom_stack s = { .count = 3, .plane = plane, .name = name,
                          .order = order };

    for (int i = 0; i < 3; i++)
        plane[i] = (uni_dicom_plane){
            .has = UNI_DICOM_POSITION | UNI_DICOM_AXES | UNI_DICOM_SPACING,
            .position = { -7, 8, 9 + 1.5 * ((i + 1) % 3) },
            .axes = { .6, .8, 0, -.8, .6, 0 }, .spacing = { 3, 2 }
        };
    CHECK(uni_dicom_stack_up(&s) == CKKS_OK && s.placed, "%s",
          nn_last_error());
    CHECK(order[0] == 2 && order[1] == 0 && order[2] == 1, "%zu %zu %zu",
          order[0], order[1], order[2]);
    for (int i = 0; i < 12; i++)
        CHECK(s.affine[i / 4][i % 4] - want[i / 4][i % 4] < 1e-12
              && want[i / 4][i % 4] - s.affine[i / 4][i % 4] < 1e-12,
              "%d %d: %g", i / 4, i % 4, s.affine[i / 4][i % 4]);
    plane[1].position[2] = 11;          /* 1.5, 0.5                          */
    CHECK(uni_dicom_stack_up(&s) == CKKS_EFORMAT
          && strstr(nn_last_error(), "mm apart") != NULL, "%s",
          nn_last_error());
    plane[1].has = 0;
    CHECK(uni_dicom_stack_up(&s) == CKKS_EFORMAT
          && strstr(nn_last_error(), "b: no position") != NULL, "%s",
          nn_last_error());
}

/* ---- names --------------------------------------------------------------- */

/* Whatever is broken, no message holds a text of the file. */
TEST(dicom_says_no_name)
{
    uint64_t seed = 3;
    dicom_made b = dicom_start(true);

    dicom_text(&b, 0x00080018, "UI", "1.2.SECRET");
    dicom_text(&b, 0x00100010, "PN", "SECRET^SECRET");
    dicom_text(&b, 0x00100020, "LO", "SECRET");
    dicom_text(&b, 0x0020000e, "UI", "SECRET");
    dicom_text(&b, 0x00200032, "DS", "1\\2\\SECRET");
    dicom_image_tags(&b, &plain);
    dicom_pixels(&b, "SECRETSECRET", 12);
    for (int i = 0; i < 4000; i++) {
        uint8_t *copy = malloc(b.size);
        size_t n = b.size - (i % 4 == 0 ? test_word(&seed) % b.size : 0);
        uni_dicom_part part;
        uni_dicom d = {0};

        memcpy(copy, b.data, b.size);
        for (int k = 0; k < i % 5; k++)
            copy[test_word(&seed) % b.size] = (uint8_t)test_word(&seed);
        if (uni_dicom_parse(&d, &part, "file", copy, n, n) != CKKS_OK)
            CHECK(strstr(nn_last_error(), "SECRET") == NULL, "%s",
                  nn_last_error());
        uni_dicom_clear(&d);
        free(copy);
    }
    dicom_free(&b);
}
