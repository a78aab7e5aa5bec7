/* dicom_support.c -- its contracts are in dicom_support.h. */
#include "dicom_support.h"

#include <stdlib.h>
#include <string.h>

void dicom_bytes(dicom_made *b, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    if (n > b->room - b->size) {
        b->room = 2 * (b->room + n);
        b->data = realloc(b->data, b->room);
    }
    if (b->data == NULL)
        abort();
    memcpy(b->data + b->size, bytes, n);
    b->size += n;
}

void dicom_free(dicom_made *b)
{
    free(b->data);
    memset(b, 0, sizeof *b);
}

static void dicom_word(dicom_made *b, uint32_t v, size_t n)
{
    const uint8_t bytes[4] = { (uint8_t)v, (uint8_t)(v >> 8),
                               (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

    dicom_bytes(b, bytes, n);
}

void dicom_mark(dicom_made *b, uint32_t tag, uint32_t length)
{
    dicom_word(b, tag >> 16, 2);
    dicom_word(b, tag & 0xffff, 2);
    dicom_word(b, length, 4);
}

void dicom_head(dicom_made *b, uint32_t tag, const char *type, uint32_t length)
{
    static const char wide[] = "OBODOFOLOVOWSQSVUCUNURUTUV";
    bool is_wide = false;

    if (!b->typed) {
        dicom_mark(b, tag, length);
        return;
    }
    for (size_t i = 0; i + 1 < sizeof wide; i += 2)
        is_wide = is_wide || memcmp(wide + i, type, 2) == 0;
    dicom_word(b, tag >> 16, 2);
    dicom_word(b, tag & 0xffff, 2);
    dicom_bytes(b, type, 2);
    if (is_wide)
        dicom_word(b, 0, 2);
    dicom_word(b, length, is_wide ? 4 : 2);
}

void dicom_text(dicom_made *b, uint32_t tag, const char *type,
                const char *text)
{
    const size_t n = strlen(text);

    dicom_head(b, tag, type, (uint32_t)(n + n % 2));
    dicom_bytes(b, text, n);
    dicom_bytes(b, memcmp(type, "UI", 2) == 0 ? "\0" : " ", n % 2);
}

void dicom_short(dicom_made *b, uint32_t tag, unsigned value)
{
    dicom_head(b, tag, "US", 2);
    dicom_word(b, value, 2);
}

dicom_made dicom_start(bool typed)
{
    static const uint8_t preamble[128] = {0};
    dicom_made b = { .typed = true };

    dicom_bytes(&b, preamble, sizeof preamble);
    dicom_bytes(&b, "DICM", 4);
    dicom_text(&b, 0x00020010, "UI", typed ? "1.2.840.10008.1.2.1"
                                           : "1.2.840.10008.1.2");
    b.typed = typed;
    return b;
}

void dicom_image_tags(dicom_made *b, const dicom_image *image)
{
    dicom_short(b, 0x00280002, image->samples);
    dicom_text(b, 0x00280004, "CS", image->colour);
    if (image->samples > 1)
        dicom_short(b, 0x00280006, 1);
    if (image->frames != NULL)
        dicom_text(b, 0x00280008, "IS", image->frames);
    dicom_short(b, 0x00280010, image->rows);
    dicom_short(b, 0x00280011, image->columns);
    dicom_short(b, 0x00280100, image->allocated);
    dicom_short(b, 0x00280101, image->stored);
    dicom_short(b, 0x00280102, image->high);
    dicom_short(b, 0x00280103, image->is_signed);
}

void dicom_pixels(dicom_made *b, const void *pixels, size_t n)
{
    dicom_head(b, 0x7fe00010, "OW", (uint32_t)(n + n % 2));
    dicom_bytes(b, pixels, n);
    dicom_bytes(b, "\0", n % 2);
}
