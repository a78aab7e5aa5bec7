/* dicom_build.c -- DICOM files out of choices: images of a few pixels, with
 * slices that lie as they should but for one thing; and pixels as long as the
 * file has bytes behind their tag.
 */
#include "dicom_build.h"

#include <stdio.h>
#include <string.h>

#include "dicom_support.h"

enum { VARIANT_FOLDER = 32, MOST_BYTES = 1 << 14, LONG_HEAD = 20000 };
/* What may be wrong: the numbers 1 to 16 of a file's place, scale and series,
 * then of all files. */
enum { ODD_FLOATS = 17, ODD_FRAGMENTS, ODD_EMPTY, ODD_NO_ROWS, ODD_NO_WORD,
       ODD_SLOPE, ODD_SYNTAX, ODD_COLOUR, ODD_UID, ODD_TEXT, ODD_BARE, ODD_BIG,
       ODD_DEEP, ODD_LONG, ODD_SHARED, ODD_LATE, ODD_GUESS, ODD_TYPE,
       ODD_WIDE, ODD_STORED, ODD_SAMPLES, ODD_NO_FRAME, ODD_LESS, ODD_ITEM,
       ODD_ITEM_LONG, ODD_LENGTH, ODD_COUNT, ODD_SHORT,
       ODD_BEHIND, ODDS };

/* What is drawn for all files of a folder. */
typedef struct build_plan {
    dicom_image image;
    unsigned odd;               /* what is wrong, of which file              */
    unsigned where;
    bool typed, frames;
} build_plan;

/* Where the image lies. */
static void build_place(dicom_made *b, const build_plan *p, unsigned k)
{
    const unsigned odd = k == p->where ? p->odd : 0;
    char text[64];

    snprintf(text, sizeof text, "%d\\2\\%g", odd == 1 ? 9 : 1,
             odd == 2 ? 1e30 : odd == 3 ? 0 : 2.5 * (double)(k + (odd == 4)));
    if (odd != 5)
        dicom_text(b, 0x00200032, "DS", text);
    if (odd != 6)
        dicom_text(b, 0x00200037, "DS", odd == 7 ? "0\\1\\0\\0\\0\\-1"
                   : odd == 8 ? "1\\0\\0\\1\\0\\0" : "1\\0\\0\\0\\1\\0");
}

static void build_scale(dicom_made *b, const build_plan *p, unsigned k)
{
    const unsigned odd = k == p->where ? p->odd : 0;

    if (odd != 9)
        dicom_text(b, 0x00280030, "DS", odd == 10 ? "0\\1" : odd == 11
                   ? "0.5\\0.6" : "0.5\\0.75");
    if (odd == 12)
        dicom_short(b, 0x00280120, 3);
    if (odd == 12 || odd == 13)
        dicom_short(b, 0x00280121, 5);
    if (odd == 14)
        dicom_text(b, 0x00281053, "DS", "2.5");
    if (odd == 15)
        dicom_head(b, 0x00283000, "SQ", 16);
    if (odd == 15) {
        dicom_mark(b, 0xfffee000, 8);
        dicom_mark(b, 0x00283006, 0);
    }
}

/* Groups of the frames, with items of known length or not. */
static void build_groups(dicom_made *b, const build_plan *p, unsigned frames)
{
    dicom_head(b, 0x52009230, "SQ", DICOM_UNDEFINED);
    for (unsigned k = 0; k < frames + (p->odd == 3); k++) {
        dicom_made inner = { .typed = b->typed };

        dicom_mark(b, 0xfffee000, DICOM_UNDEFINED);
        build_place(&inner, p, k);
        dicom_head(b, 0x00209113, "SQ", DICOM_UNDEFINED);
        dicom_mark(b, 0xfffee000, (uint32_t)inner.size);
        dicom_bytes(b, inner.data, inner.size);
        dicom_mark(b, 0xfffee0dd, 0);
        dicom_head(b, 0x00209116, "SQ", (uint32_t)inner.size + 8);
        dicom_mark(b, 0xfffee000, (uint32_t)inner.size);
        dicom_bytes(b, inner.data, inner.size);
        dicom_mark(b, 0xfffee00d, 0);
        dicom_free(&inner);
    }
    dicom_mark(b, 0xfffee0dd, 0);
}

/* Other beginnings than a preamble and the right syntax. */
static dicom_made build_begin(const build_plan *p)
{
    dicom_made b = { .typed = true };

    if (p->odd == ODD_BIG)
        dicom_bytes(&b, "\0\10\0\5CS\0\12ISO_IR 100", 18);
    if (p->odd == ODD_BARE || p->odd == ODD_BIG) {
        b.typed = p->typed;
        dicom_text(&b, 0x00080005, "CS", "ISO_IR 100");
        return b;
    }
    b = dicom_start(p->typed);
    if (p->odd == ODD_SYNTAX)
        b.data[b.size - (p->typed ? 2 : 1)] = '9';
    if (p->odd == ODD_GUESS)
        b.data[132] = 1;
    return b;
}

/* What may stand before the image's tags. */
static void build_before(dicom_made *b, const build_plan *p)
{
    static const uint8_t zeros[LONG_HEAD];

    if (p->odd == ODD_UID)
        dicom_text(b, 0x0020000e, "UI", "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9"
                   ".0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0");
    if (p->odd == ODD_TEXT)
        dicom_text(b, 0x00200011, "IS", "x");
    if (p->odd == ODD_LONG) {
        dicom_head(b, 0x00210010, "OB", LONG_HEAD);
        dicom_bytes(b, zeros, LONG_HEAD);
    }
    for (int i = 0; i < 40 && p->odd == ODD_DEEP; i++) {
        dicom_head(b, 0x00210020, "SQ", DICOM_UNDEFINED);
        dicom_mark(b, 0xfffee000, DICOM_UNDEFINED);
    }
    if (p->odd == ODD_TYPE || p->odd == ODD_LENGTH)
        dicom_head(b, 0x00210020, p->odd == ODD_TYPE ? "1 " : "OB",
                   p->odd == ODD_TYPE ? 0 : DICOM_UNDEFINED);
    if (p->odd == ODD_ITEM || p->odd == ODD_ITEM_LONG) {
        dicom_head(b, 0x00210020, "SQ", DICOM_UNDEFINED);
        dicom_mark(b, p->odd == ODD_ITEM ? 0x00080008 : 0xfffee000, 1 << 20);
    }
}

/* What may stand behind them, before the pixels. */
static void build_behind(dicom_made *b, const build_plan *p)
{
    if (p->odd == ODD_NO_WORD) {
        dicom_head(b, 0x00280010, "US", 4);
        dicom_bytes(b, "\1\0\1\0", 4);
    }
    if (p->odd == ODD_SLOPE)
        dicom_text(b, 0x00281053, "DS", "0");
    if (p->odd == ODD_COUNT)
        dicom_text(b, 0x00281053, "DS", "1\\2");
    if (p->odd == ODD_SHARED || p->odd == ODD_LESS) {
        dicom_head(b, 0x52009229, "SQ", DICOM_UNDEFINED);
        dicom_mark(b, 0xfffee000, DICOM_UNDEFINED);
        dicom_head(b, p->odd == ODD_LESS ? 0x00289145 : 0x00289110, "SQ",
                   DICOM_UNDEFINED);
        dicom_mark(b, 0xfffee000, DICOM_UNDEFINED);
        dicom_text(b, p->odd == ODD_LESS ? 0x00281052 : 0x00180088, "DS", "4");
        for (int i = 0; i < 2; i++) {
            dicom_mark(b, 0xfffee00d, 0);
            dicom_mark(b, 0xfffee0dd, 0);
        }
    }
    if (p->odd == ODD_LATE)
        dicom_text(b, 0x52009231, "IS", "9");
    if (p->odd == ODD_LATE)
        dicom_text(b, 0x00280008, "IS", "9");
    if (p->odd == ODD_FLOATS)
        dicom_head(b, 0x7fe00008, "OF", 0);
}

static void build_image(dicom_made *b, const build_plan *p)
{
    dicom_image i = p->image;

    if (p->odd == ODD_WIDE)
        i.allocated = 32;
    if (p->odd == ODD_STORED)
        i.stored = 17;
    if (p->odd == ODD_SAMPLES)
        i.samples = 2;
    if (p->odd == ODD_NO_FRAME)
        i.frames = "0";
    if (p->odd == ODD_COLOUR)
        i.colour = "HSV";
    if (p->odd == ODD_NO_ROWS)
        dicom_text(b, 0x00280004, "CS", "RGB");
    else
        dicom_image_tags(b, &i);
}

/* More than is looked at first, so that the end of it shows in the end. */
static void build_end(dicom_made *b, const build_plan *p)
{
    static const uint8_t zeros[LONG_HEAD];

    if (p->odd != ODD_BEHIND)
        return;
    dicom_bytes(b, zeros, LONG_HEAD);
    dicom_bytes(b, "surplus", 7);
}

static dicom_made build_file(const build_plan *p, unsigned k)
{
    const dicom_image *i = &p->image;
    const unsigned frames = p->frames ? 3 : 1;
    dicom_made b = build_begin(p);
    uint8_t pixel[256];
    const size_t n = (size_t)i->rows * i->columns * i->samples
                     * (i->allocated / 8) * frames;

    for (unsigned j = 0; j < sizeof pixel; j++)
        pixel[j] = (uint8_t)(j * 7 + k * 31);
    build_before(&b, p);
    dicom_text(&b, 0x0020000e, "UI", p->odd == 16 && k == p->where ? "1.3"
                                                                   : "1.2");
    if (!p->frames)
        build_place(&b, p, k);
    build_image(&b, p);
    build_scale(&b, p, k);
    dicom_head(&b, 0x00400275, "SQ", DICOM_UNDEFINED);
    dicom_mark(&b, 0xfffee0dd, 0);
    if (p->frames)
        build_groups(&b, p, frames);
    build_behind(&b, p);
    if (p->odd == ODD_FRAGMENTS)
        dicom_head(&b, 0x7fe00010, "OB", DICOM_UNDEFINED);
    else if (p->odd != ODD_EMPTY)
        dicom_pixels(&b, pixel, n - (p->odd == ODD_SHORT));
    build_end(&b, p);
    return b;
}

/* Of choices: the first file, or those of a folder, each behind its length. */
static void build(fuzz_input *in)
{
    fuzz_draw d = { in->data, in->size };
    build_plan p = { .odd = fuzz_below(&d, ODDS), .where = fuzz_below(&d, 4),
                     .typed = fuzz_below(&d, 2) == 0,
                     .frames = fuzz_below(&d, 3) == 1 };
    static const char *const colour[] = { "MONOCHROME2", "MONOCHROME1", "RGB",
                                          "YBR_FULL", "PALETTE COLOR" };
    const unsigned kind = fuzz_below(&d, 5), files = 1 + fuzz_below(&d, 5);
    const bool many = in->variant & VARIANT_FOLDER;
    dicom_made all = { 0 };

    p.image = (dicom_image){ 1 + fuzz_below(&d, 3), 1 + fuzz_below(&d, 4),
                             kind == 2 || kind == 3 ? 3 : 1, 8, 8, 7, 0,
                             colour[kind], p.frames ? "3" : NULL };
    if (fuzz_below(&d, 2) == 1 && p.image.samples == 1) {
        p.image.allocated = 16;
        p.image.stored = 12;
        p.image.high = 11 + fuzz_below(&d, 2);
        p.image.is_signed = fuzz_below(&d, 2);
    }
    for (unsigned k = 0; k < (many ? files : 1); k++) {
        dicom_made b = build_file(&p, k);
        const uint8_t n[2] = { (uint8_t)b.size, (uint8_t)(b.size >> 8) };

        dicom_bytes(&all, n, many ? 2 : 0);
        dicom_bytes(&all, b.data, b.size);
        dicom_free(&b);
    }
    fuzz_replace(in, all.data, all.size);
    dicom_free(&all);
}

/* The pixels are as long as what follows their tag. */
static void mend_length(fuzz_input *in)
{
    for (size_t at = 0; at + 12 <= in->size; at++) {
        uint8_t *tag = in->data + at;
        size_t to = at + 8, n;

        if (memcmp(tag, "\xe0\x7f\x10\0", 4) != 0)
            continue;
        to += tag[4] == 'O' ? 4u : 0u;
        n = in->size - to;
        for (int i = 0; i < 4; i++)
            in->data[to - 4 + (size_t)i] = (uint8_t)(n >> (8 * i));
        return;
    }
}

void fuzz_mend_dicom(fuzz_input *in)
{
    const unsigned held = fuzz_hold();

    if (in->flags & FUZZ_DRAW)
        build(in);
    else if (in->flags & FUZZ_MEND && in->size < MOST_BYTES)
        mend_length(in);
    fuzz_go_on(held);
}
