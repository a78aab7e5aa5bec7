/* png_rows.c -- the rows of a PNG image: inflated, their filters undone, put
 * where their pass has them.  Contracts in png.h.
 */
#include <stdlib.h>
#include <string.h>

#include "image/png.h"

/* ---- passes -------------------------------------------------------------- */

/* Pixels of columns x0 + dx i and rows y0 + dy j [PNG 8.2]. */
typedef struct png_pass {
    uint8_t x0, y0, dx, dy;
} png_pass;

static const png_pass png_whole = { 0, 0, 1, 1 };
static const png_pass png_adam7[7] = {
    { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 },
    { 0, 2, 2, 4 }, { 1, 0, 2, 2 }, { 0, 1, 1, 2 }
};

static uint32_t pass_width(const uni_png *png, const png_pass *p)
{
    return (png->width + p->dx - 1u - p->x0) / p->dx;
}

/* 0 where no pixel is in a row, too. */
static uint32_t pass_height(const uni_png *png, const png_pass *p)
{
    return pass_width(png, p) == 0 ? 0
         : (png->height + p->dy - 1u - p->y0) / p->dy;
}

static size_t row_bytes(const uni_png *png, uint32_t width)
{
    return ((size_t)width * (size_t)(png->bits * png->samples) + 7) / 8;
}

/* All rows, each with a byte for its filter. */
static uint64_t all_bytes(const uni_png *png)
{
    const int passes = png->interlaced ? 7 : 1;
    uint64_t sum = 0;

    for (int i = 0; i < passes; i++) {
        const png_pass *p = png->interlaced ? &png_adam7[i] : &png_whole;

        sum += (uint64_t)pass_height(png, p)
             * (1 + row_bytes(png, pass_width(png, p)));
    }
    return sum;
}

/* deflate gives at most 1032 bytes for one */
ckks_status uni_png_room(const char *name, const uni_png *png)
{
    const uint64_t need = all_bytes(png);

    if (need / 1032 > png->packed)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %zu compressed bytes cannot "
                       "hold the %llu of its rows", name, png->packed,
                       (unsigned long long)need);
    return CKKS_OK;
}

/* ---- filters [PNG 9.2] --------------------------------------------------- */

static uint8_t paeth(int a, int b, int c)
{
    const int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);

    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/* row: n bytes as they were filtered, with `back` zeros before them; up: the
 * row above, the same. */
static bool unfilter(uint8_t *row, const uint8_t *up, size_t n, size_t back,
                     int filter)
{
    const uint8_t *left = row - back, *corner = up - back;

    if (filter == 1)
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + left[i]);
    else if (filter == 2)
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + up[i]);
    else if (filter == 3)
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + (left[i] + up[i]) / 2);
    else if (filter == 4)
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + paeth(left[i], up[i], corner[i]));
    return filter <= 4;
}

/* ---- rows ---------------------------------------------------------------- */

enum { PNG_BACK = 8 };          /* bytes of a pixel, at most                 */

typedef struct png_reader {
    const char *name;
    const uni_png *png;
    uni_inflate *z;
    uint64_t got, need;         /* bytes that came out; that must            */
    uint8_t *memory;            /* two rows with zeros before them           */
    uint8_t *row, *up;
    bool raw;
} png_reader;

static ckks_status stream_fail(const png_reader *r, uni_inflate_end end)
{
    const unsigned long long got = r->got, need = r->need;

    if (end == UNI_INFLATE_DAMAGED)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: the compressed rows are "
                       "damaged%s: %llu bytes came out, want %llu", r->name,
                       got == need ? " (a wrong checksum)" : "", got, need);
    return nn_fail(CKKS_EFORMAT, "%s: PNG: the compressed rows are cut short: "
                   "%llu bytes came out, want %llu", r->name, got, need);
}

/* The next row of n bytes, its filter undone. */
static ckks_status read_row(png_reader *r, size_t n)
{
    const size_t bits = (size_t)(r->png->bits * r->png->samples);
    uint8_t *above = r->row, filter;
    uni_inflate_end end;
    size_t got;

    r->row = r->up;
    r->up = above;
    end = uni_inflate_read(r->z, &got, &filter, 1);
    r->got += got;
    if (end == UNI_INFLATE_MORE) {
        end = uni_inflate_read(r->z, &got, r->row, n);
        r->got += got;
    }
    if (end != UNI_INFLATE_MORE)
        return stream_fail(r, end);
    if (!unfilter(r->row, r->up, n, bits < 8 ? 1 : bits / 8, filter))
        return nn_fail(CKKS_EFORMAT, "%s: PNG: filter %d, byte %llu of the "
                       "rows", r->name, filter,
                       (unsigned long long)(r->got - n));
    return CKKS_OK;
}

/* Sample i of a row, scaled or raw. */
static double sample_at(const png_reader *r, const uint8_t *row, size_t i)
{
    const int bits = r->png->bits;
    unsigned v;

    if (bits == 16) {
        v = (unsigned)row[2 * i] << 8 | row[2 * i + 1];
        return r->raw ? v : v / 257.0;
    }
    if (bits == 8)
        return row[i];
    v = row[i * (size_t)bits / 8];
    v >>= 8 - bits - (int)(i * (size_t)bits % 8);
    v &= (1u << bits) - 1;
    return r->raw || r->png->indexed ? v : v * (255u / ((1u << bits) - 1));
}

/* Row j of a pass, of which transparency is left out. */
static void put_row(uni_image *out, const png_reader *r, const png_pass *p,
                    uint32_t j, uint32_t width)
{
    const size_t n = (size_t)out->height * (size_t)out->width;
    const size_t samples = (size_t)r->png->samples;
    const size_t kept = samples - (r->png->alpha ? 1 : 0);
    double *to = out->pixel
               + (p->y0 + (size_t)p->dy * j) * (size_t)out->width + p->x0;

    for (uint32_t i = 0; i < width; i++, to += p->dx)
        for (size_t c = 0; c < kept; c++)
            to[c * n] = sample_at(r, r->row, i * samples + c);
}

static ckks_status read_pass(uni_image *out, png_reader *r, const png_pass *p)
{
    const uint32_t width = pass_width(r->png, p);
    const uint32_t height = pass_height(r->png, p);
    const size_t bytes = row_bytes(r->png, width);
    ckks_status s = CKKS_OK;

    memset(r->row, 0, bytes);           /* above the first row               */
    for (uint32_t j = 0; j < height && s == CKKS_OK; j++) {
        s = read_row(r, bytes);
        if (s == CKKS_OK)
            put_row(out, r, p, j, width);
    }
    return s;
}

/* Surplus rows are counted so far. */
enum { PNG_MOST_SURPLUS = 1 << 24 };

/* Behind the last row nothing comes, and the stream is sound. */
static ckks_status read_end(png_reader *r)
{
    uint8_t aside[1 << 12];
    uni_inflate_end end;
    size_t more = 0, got;

    do {
        end = uni_inflate_read(r->z, &got, aside, sizeof aside);
        more += got;
    } while (end == UNI_INFLATE_MORE && more <= PNG_MOST_SURPLUS);
    if (more > 0)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %s%zu surplus bytes behind the "
                       "last row", r->name,
                       more > PNG_MOST_SURPLUS ? "more than " : "",
                       more > PNG_MOST_SURPLUS ? (size_t)PNG_MOST_SURPLUS
                                               : more);
    if (end != UNI_INFLATE_SOUND)
        return stream_fail(r, end);
    if (uni_inflate_left(r->z) > 0)
        return nn_fail(CKKS_EFORMAT, "%s: PNG: %zu surplus bytes of IDAT "
                       "behind the compressed rows", r->name,
                       uni_inflate_left(r->z));
    return CKKS_OK;
}

static ckks_status read_all(uni_image *out, png_reader *r)
{
    const int passes = r->png->interlaced ? 7 : 1;
    ckks_status s = CKKS_OK;

    for (int i = 0; i < passes && s == CKKS_OK; i++)
        s = read_pass(out, r, passes == 7 ? &png_adam7[i] : &png_whole);
    return s == CKKS_OK ? read_end(r) : s;
}

ckks_status uni_png_rows(uni_image *out, const char *name, const uni_png *png,
                         bool raw)
{
    const size_t row = PNG_BACK + row_bytes(png, png->width);
    png_reader r = { .name = name, .png = png, .raw = raw,
                     .need = all_bytes(png) };
    ckks_status s;

    r.z = malloc(sizeof *r.z);
    r.memory = calloc(2, row);
    if (r.z == NULL || r.memory == NULL) {
        s = nn_fail(CKKS_EMEM, "%s: no memory for rows of %zu bytes", name,
                    row);
    } else {
        r.row = r.memory + PNG_BACK;
        r.up = r.row + row;
        uni_inflate_begin(r.z, UNI_ZLIB, png->rows, png->packed);
        s = read_all(out, &r);
    }
    free(r.z);
    free(r.memory);
    return s;
}
