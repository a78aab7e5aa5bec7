/* dicom_support.h -- DICOM files made in memory, for tests and fuzzing. */
#ifndef DICOM_SUPPORT_H
#define DICOM_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dicom_made {
    uint8_t *data;              /* malloc                                    */
    size_t size, room;
    bool typed;                 /* explicit: elements say their type         */
} dicom_made;

#define DICOM_UNDEFINED 0xffffffffu

/* Preamble, group 2, and everything behind it explicit or not. */
dicom_made dicom_start(bool typed);
void dicom_free(dicom_made *b);
void dicom_bytes(dicom_made *b, const void *bytes, size_t n);
/* Tag, type and length, nothing behind it. */
void dicom_head(dicom_made *b, uint32_t tag, const char *type, uint32_t length);
void dicom_text(dicom_made *b, uint32_t tag, const char *type,
                const char *text);
void dicom_short(dicom_made *b, uint32_t tag, unsigned value);
/* An item or a delimiter: no type. */
void dicom_mark(dicom_made *b, uint32_t tag, uint32_t length);

/* What an image's tags say. */
typedef struct dicom_image {
    unsigned rows, columns, samples, allocated, stored, high, is_signed;
    const char *colour, *frames;        /* frames NULL: not said             */
} dicom_image;

/* Group 28 but for slope and intercept; the pixels, n bytes. */
void dicom_image_tags(dicom_made *b, const dicom_image *image);
void dicom_pixels(dicom_made *b, const void *pixels, size_t n);

#endif
