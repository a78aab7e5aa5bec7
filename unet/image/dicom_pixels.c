/* dicom_pixels.c -- words of a DICOM file to stored values. */
#include <string.h>

#include "image/dicom.h"

/* The bits of a value out of its word; bit stored - 1 is the sign. */
static int32_t dicom_value(const uni_dicom *d, uint32_t word)
{
    const uint32_t top = UINT32_C(1) << (d->stored - 1);
    const uint32_t v = word >> (d->high + 1 - d->stored) & (2 * top - 1);

    return d->is_signed && v >= top ? (int32_t)v - (int32_t)(2 * top)
                                    : (int32_t)v;
}

/* As it is, or, of MONOCHROME1, the least value + the most - it. */
static int32_t dicom_turned(const uni_dicom *d, int32_t v)
{
    const int32_t ends = d->is_signed
                       ? -1 : (int32_t)((UINT32_C(1) << d->stored) - 1);

    return d->colour == UNI_DICOM_INVERSE ? ends - v : v;
}

int uni_dicom_voxel_bytes(const uni_dicom *d)
{
    return d->samples * d->allocated / 8;
}

static uint8_t dicom_byte(double v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5);
}

/* Brightness and two differences of colour to red, green, blue: the inverse of
 * Rec. 601's weights [DICOM25]. */
static void dicom_rgb(uint8_t v[3])
{
    const double y = v[0], b = v[1] - 128.0, r = v[2] - 128.0;

    v[0] = dicom_byte(y + 1.402 * r);
    v[1] = dicom_byte(y - 0.114 * 1.772 / 0.587 * b
                      - 0.299 * 1.402 / 0.587 * r);
    v[2] = dicom_byte(y + 1.772 * b);
}

/* Three bytes a pixel, or plane after plane. */
static void dicom_colours(uint8_t *out, const uni_dicom *d, const uint8_t *in,
                          size_t n)
{
    for (size_t i = 0; i < n; i++, out += 3) {
        for (size_t c = 0; c < 3; c++)
            out[c] = d->planar == 1 ? in[c * n + i] : in[3 * i + c];
        if (d->colour == UNI_DICOM_YBR)
            dicom_rgb(out);
    }
}

void uni_dicom_values(uint8_t *out, const uni_dicom *d, const uint8_t *in,
                      int frame)
{
    const size_t n = (size_t)d->rows * (size_t)d->columns;
    const size_t wide = (size_t)uni_dicom_voxel_bytes(d);

    in += d->pixels + (size_t)frame * n * wide;
    if (d->samples == 3) {
        dicom_colours(out, d, in, n);
        return;
    }
    for (size_t i = 0; i < n; i++, in += wide, out += wide) {
        const uint32_t word = wide == 1 ? in[0] : (uint32_t)(in[0]
                                                             | in[1] << 8);
        const int32_t v = dicom_turned(d, dicom_value(d, word));
        const uint16_t two = (uint16_t)v;

        if (wide == 1)
            *out = (uint8_t)v;
        else
            memcpy(out, &two, 2);
    }
}

bool uni_dicom_padding(int out[2], const uni_dicom *d)
{
    const int a = dicom_turned(d, d->padding[0]);
    const int b = dicom_turned(d, d->padding[1]);

    out[0] = a < b ? a : b;
    out[1] = a < b ? b : a;
    return d->samples == 1 && d->padding[0] <= d->padding[1];
}
