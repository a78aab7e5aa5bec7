/* png_check.c -- what follows the image of a PNG file.  The decoder stops at
 * the last row and at IEND; here the chunks are walked and the compressed rows
 * counted.
 */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

#ifdef UNET_HAVE_PNG

/* Surplus rows are counted so far. */
enum { PNG_MOST_SURPLUS = 1 << 24 };

static uint64_t png_word(const uint8_t *in)
{
    return (uint64_t)in[0] << 24 | (uint64_t)in[1] << 16
           | (uint64_t)in[2] << 8 | in[3];
}

/* One pass, each row with a byte for its filter; none of no pixel. */
static uint64_t png_pass(uint64_t height, uint64_t width, uint64_t bits)
{
    return width == 0 ? 0 : height * (1 + (width * bits + 7) / 8);
}

/* Every pixel of an interlaced image is in one of seven passes: those of
 * column x0 + dx i and row y0 + dy j [PNG 8.2]. */
static uint64_t png_bytes(const uint8_t *in)
{
    static const uint8_t pass[7][4] = {     /* x0, y0, dx, dy                */
        { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 },
        { 0, 2, 2, 4 }, { 1, 0, 2, 2 }, { 0, 1, 1, 2 }
    };
    static const uint8_t samples[8] = { 1, 0, 3, 1, 2, 0, 4, 0 };
    const uint64_t width = png_word(in + 16), height = png_word(in + 20);
    const uint64_t bits = (uint64_t)in[24] * samples[in[25] % 8];
    uint64_t sum = 0;

    if (in[28] != 1)
        return png_pass(height, width, bits);
    for (int i = 0; i < 7; i++) {
        const uint8_t *p = pass[i];

        sum += png_pass((height + p[3] - 1 - p[1]) / p[3],
                        (width + p[2] - 1 - p[0]) / p[2], bits);
    }
    return sum;
}

/* All IDAT one behind the other into rows, which has room for the file.  *at:
 * behind IEND, or size where there is none. */
static size_t png_collect_rows(uint8_t *rows, size_t *at, const uint8_t *in,
                               size_t size)
{
    size_t n = 0;

    for (*at = 8; size - *at >= 12;) {
        const uint8_t *chunk = in + *at;
        const uint64_t length = png_word(chunk);

        if (length > size - *at - 12)
            break;
        *at += (size_t)length + 12;
        if (memcmp(chunk + 4, "IEND", 4) == 0)
            return n;
        if (memcmp(chunk + 4, "IDAT", 4) == 0) {
            memcpy(rows + n, chunk + 8, (size_t)length);
            n += (size_t)length;
        }
    }
    *at = size;
    return n;
}

ckks_status uni_png_check(const char *name, const uint8_t *in, size_t size)
{
    const uint64_t need = png_bytes(in);
    size_t at = 0, got = 0, left = 0, n;
    uint8_t *rows = malloc(size);
    bool counted;

    if (rows == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    n = png_collect_rows(rows, &at, in, size);
    counted = uni_zlib_count(&got, &left, rows, n,
                             (size_t)need + PNG_MOST_SURPLUS);
    free(rows);
    if (!counted)
        return nn_fail(CKKS_EMEM, "%s: no memory", name);
    if (at < size)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %zu surplus bytes behind IEND",
                       name, size - at);
    if (got > need)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %s%zu surplus bytes behind the "
                       "last row", name,
                       got - need > PNG_MOST_SURPLUS ? "more than " : "",
                       (size_t)(got - need > PNG_MOST_SURPLUS
                                ? PNG_MOST_SURPLUS : got - need));
    if (left > 0)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %zu surplus bytes of IDAT "
                       "behind the compressed rows", name, left);
    return CKKS_OK;
}

#endif
