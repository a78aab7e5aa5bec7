/* nifti_words.c -- numbers in a NIfTI header. */
#include <string.h>

#include "image/nifti.h"

uint64_t uni_nifti_word(const uint8_t *in, int bytes, bool big)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | in[big ? i : bytes - 1 - i];
    return v;
}

int64_t uni_nifti_integer(const uint8_t *in, int bytes, bool big)
{
    const uint64_t word = uni_nifti_word(in, bytes, big);
    const uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

    return (int64_t)((word ^ sign) - sign);
}

double uni_nifti_float(const uint8_t *in, int bytes, bool big)
{
    const uint64_t word = uni_nifti_word(in, bytes, big);
    const uint32_t half = (uint32_t)word;
    double d;
    float f;

    memcpy(&d, &word, 8);
    memcpy(&f, &half, 4);
    return bytes == 8 ? d : (double)f;
}
