/* dicom_build.c -- DICOM files out of choices: images of a few pixels, with
 * slices that lie as they should but for one thing; and pixels as long as the
 * file has bytes behind their tag.
 */
#include "dicom_build.h"

#include <stdio.h>
#include <string.h>

#include "dicom_support.h"

enum { VARIANT_FOLDER = 32, MOST_BYTES = 1 << 14 };

/* What is drawn for all files of a folder. */
typedef struct build_plan {
    dicom_image image;
    unsigned odd;               /* what is wrong, of which file              */
    unsigned where;
    bool typed, frames;
} build_plan;

/* One of sixteen kinds; the others are right. */
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
        dicom_head(b, 0x00283000, "SQ", 8);
    if (odd == 15)
        dicom_mark(b, 0xfffee000, 0);
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

static dicom_made build_file(const build_plan *p, unsigned k)
{
    const dicom_image *i = &p->image;
    const unsigned frames = p->frames ? 3 : 1;
    dicom_made b = dicom_start(p->typed);
    uint8_t pixel[256];
    const size_t n = (size_t)i->rows * i->columns * i->samples
                     * (i->allocated / 8) * frames;

    for (unsigned j = 0; j < sizeof pixel; j++)
        pixel[j] = (uint8_t)(j * 7 + k * 31);
    dicom_text(&b, 0x0020000e, "UI", p->odd == 16 && k == p->where ? "1.3"
                                                                   : "1.2");
    dicom_text(&b, 0x00200011, "IS", "4");
    if (!p->frames)
        build_place(&b, p, k);
    dicom_image_tags(&b, i);
    build_scale(&b, p, k);
    dicom_head(&b, 0x00400275, "SQ", DICOM_UNDEFINED);
    dicom_mark(&b, 0xfffee0dd, 0);
    if (p->frames)
        build_groups(&b, p, frames);
    dicom_pixels(&b, pixel, n);
    return b;
}

/* Of choices: the first file, or those of a folder, each behind its length. */
static void build(fuzz_input *in)
{
    fuzz_draw d = { in->data, in->size };
    build_plan p = { .odd = fuzz_below(&d, 18), .where = fuzz_below(&d, 4),
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
