/* dicom_numbers.c -- numbers that a DICOM file holds as text, and those that
 * hold of a frame. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/dicom.h"

enum { NUMBER_LONGEST = 64 };

static bool number_blank(uint8_t c)
{
    return c == ' ' || c == '\0';
}

/* A number of n characters, in whatever locale the program runs. */
static bool number_read(double *out, const uint8_t *in, size_t n)
{
    const char *point = localeconv()->decimal_point;
    char text[2 * NUMBER_LONGEST] = "", *end;
    size_t k = 0;

    while (n > 0 && number_blank(in[n - 1]))
        n--;
    for (; n > 0 && number_blank(*in); n--)
        in++;
    if (n == 0 || n > NUMBER_LONGEST || strlen(point) > 8)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (in[i] == '\0' || strchr("0123456789+-.eE", in[i]) == NULL)
            return false;
        if (in[i] == '.' && k > NUMBER_LONGEST)
            return false;
        if (in[i] == '.')
            k += (size_t)snprintf(text + k, 9, "%s", point);
        else
            text[k++] = (char)in[i];
    }
    text[k] = '\0';
    *out = strtod(text, &end);
    return end == text + k && isfinite(*out);
}

bool uni_dicom_numbers(double *out, size_t count, const uint8_t *in, size_t n)
{
    double v[6];

    for (size_t i = 0; i < count; i++) {
        const uint8_t *bar = memchr(in, '\\', n);
        const size_t k = bar != NULL ? (size_t)(bar - in) : n;

        if ((bar == NULL) != (i + 1 == count) || !number_read(&v[i], in, k))
            return false;
        in += bar != NULL ? k + 1 : k;
        n -= bar != NULL ? k + 1 : k;
    }
    memcpy(out, v, count * sizeof *out);
    return true;
}

uni_dicom_plane uni_dicom_at(const uni_dicom *d, int frame)
{
    uni_dicom_plane p = d->all;
    const uni_dicom_plane *own = d->plane != NULL ? &d->plane[frame] : &p;

    if (own->has & UNI_DICOM_POSITION)
        memcpy(p.position, own->position, sizeof p.position);
    if (own->has & UNI_DICOM_AXES)
        memcpy(p.axes, own->axes, sizeof p.axes);
    if (own->has & UNI_DICOM_SPACING)
        memcpy(p.spacing, own->spacing, sizeof p.spacing);
    if (own->has & UNI_DICOM_BETWEEN)
        p.between = own->between;
    if (own->has & UNI_DICOM_THICKNESS)
        p.thickness = own->thickness;
    if (own->has & UNI_DICOM_SLOPE)
        p.slope = own->slope;
    if (own->has & UNI_DICOM_INTER)
        p.inter = own->inter;
    p.has |= own->has;
    return p;
}
