/* tile.c -- tiles chosen and walked through. */
#include "tile.h"

#include <string.h>

#include "nn.h"

enum { TILE_POINTS = 32 };      /* the least block: values.h                 */

/* ---- one shape of tile --------------------------------------------------- */

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* Numbers that `out` outputs along an axis need. */
static int tile_inputs(const blind_tiling *t, int axis, int out)
{
    return (out - 1) * t->stride + t->kernel[axis];
}

/* How far apart rows of an axis begin, in numbers of that axis. */
static int tile_pitch(const blind_tiling *t, int axis, int in, int tiles)
{
    int after = in - t->before[axis] - t->size[axis], shared = 0;

    if (tiles == 1 && after > 0)
        shared = after < t->before[axis] ? after : t->before[axis];
    return in - shared;
}

/* Fills in[], tiles[], pitch[] and extent for out[]. */
static void tile_fill(blind_tiling *t)
{
    size_t pitch = 1;

    t->count = 1;
    t->extent = 1;
    t->first = 0;
    for (int a = 2; a >= 0; a--) {
        t->in[a] = tile_inputs(t, a, t->out[a]);
        t->tiles[a] = ceil_div(t->out_size[a], t->out[a]);
        t->count *= t->tiles[a];
        t->pitch[a] = pitch;
        t->extent += (size_t)(t->in[a] - 1) * pitch;
        t->first += (size_t)(t->kernel[a] - 1) * pitch;
        pitch *= (size_t)tile_pitch(t, a, t->in[a], t->tiles[a]);
    }
}

/* The longest tile along z for the other two axes; false: not even one. */
static bool tile_fit(blind_tiling *t)
{
    int low = 1, high = t->out_size[0];

    t->out[0] = 1;
    tile_fill(t);
    if (t->extent > t->n)
        return false;
    while (low < high) {
        int middle = low + (high - low + 1) / 2;

        t->out[0] = middle;
        tile_fill(t);
        if (t->extent <= t->n)
            low = middle;
        else
            high = middle - 1;
    }
    /* as many tiles, but all of one size */
    t->out[0] = ceil_div(t->out_size[0], ceil_div(t->out_size[0], low));
    tile_fill(t);
    return true;
}

static bool tile_better(const blind_tiling *a, const blind_tiling *b)
{
    if (a->count != b->count)
        return a->count < b->count;
    return a->extent < b->extent;
}

/* The fewest outputs of a tile along a side for the next number of tiles that
 * makes them fewer than `out`; 0: there is none. */
static int tile_fewer(int side, int out)
{
    return out > 1 ? ceil_div(side, ceil_div(side, out - 1)) : 0;
}

static ckks_status tile_search(blind_tiling *t)
{
    blind_tiling best = { .count = 0 };

    /* every number of tiles along x and y, each with the fewest outputs */
    for (int x = t->out_size[2]; x > 0; x = tile_fewer(t->out_size[2], x)) {
        if ((size_t)tile_inputs(t, 2, x) > t->n)
            continue;
        for (int y = t->out_size[1]; y > 0; y = tile_fewer(t->out_size[1], y)) {
            t->out[2] = x;
            t->out[1] = y;
            if ((size_t)tile_inputs(t, 2, x) * (size_t)tile_inputs(t, 1, y)
                <= 2 * t->n && tile_fit(t)
                && (best.count == 0 || tile_better(t, &best)))
                best = *t;
        }
    }
    if (best.count == 0)
        return nn_fail(CKKS_EPARAM, "a kernel of %d x %d x %d does not fit "
                       "into a polynomial of %zu coefficients", t->kernel[0],
                       t->kernel[1], t->kernel[2], t->n);
    *t = best;
    return CKKS_OK;
}

/* Rows at multiples of TILE_POINTS, if the block has room for them. */
static void tile_widen(blind_tiling *t)
{
    blind_tiling wide = *t;
    const size_t pitch = (t->pitch[1] + TILE_POINTS - 1) / TILE_POINTS
                         * TILE_POINTS;

    wide.pitch[0] = t->pitch[0] / t->pitch[1] * pitch;
    wide.pitch[1] = pitch;
    wide.extent = 1;
    wide.first = 0;
    for (int a = 0; a < 3; a++) {
        wide.extent += (size_t)(t->in[a] - 1) * wide.pitch[a];
        wide.first += (size_t)(t->kernel[a] - 1) * wide.pitch[a];
    }
    if (t->kernel[0] * t->kernel[1] > 1 && wide.extent <= t->block)
        *t = wide;
}

/* ---- packing ------------------------------------------------------------- */

/* Up goes one packed polynomial a ciphertext, down about one and a half, and
 * a result costs a server three times the transforms. */
static void tile_pack(blind_tiling *t)
{
    double least = 0;
    int room;

    t->block = TILE_POINTS;
    while (t->block < t->extent)
        t->block *= 2;
    tile_widen(t);
    room = (int)(t->n / t->block);

    for (int in = 1; in <= room && in <= t->channels; in++) {
        int out = room / in < t->outputs ? room / in : t->outputs;
        double products = (double)ceil_div(t->channels, in)
                          * ceil_div(t->outputs, out);
        double cost = products + 4.0 * ceil_div(t->channels, in)
                      + 12.0 * ceil_div(t->outputs, out);

        if (in == 1 || cost < least) {
            least = cost;
            t->pack_in = in;
            t->pack_out = out;
        }
    }
    t->cts_in = ceil_div(t->channels, t->pack_in);
    t->cts_out = ceil_div(t->outputs, t->pack_out);
}

/* Whether each output number is made of one number of each channel. */
static bool tile_points(const blind_conv *c)
{
    if (c->transposed)
        return true;
    return c->stride == 1 && c->kernel[0] == 1 && c->kernel[1] == 1
           && c->kernel[2] == 1 && c->before[0] == 0 && c->before[1] == 0
           && c->before[2] == 0 && c->out_size[0] == c->size[0]
           && c->out_size[1] == c->size[1] && c->out_size[2] == c->size[2];
}

/* Numbers one behind the other, as even parts as can be. */
static void tile_flat(blind_tiling *t, const blind_conv *c)
{
    const int pixels = c->size[0] * c->size[1] * c->size[2];
    const int parts = (int)(((size_t)pixels + t->n - 1) / t->n);

    for (int a = 0; a < 2; a++)
        t->size[a] = t->out_size[a] = t->out[a] = t->kernel[a] = 1;
    t->size[2] = t->out_size[2] = pixels;
    t->kernel[2] = 1;
    memset(t->before, 0, sizeof t->before);
    t->stride = 1;
    t->out[2] = ceil_div(pixels, parts);
    tile_fill(t);
    t->scalar = 2 * t->extent > t->n;
}

ckks_status blind_tiling_make(blind_tiling *t, const blind_conv *c, size_t n)
{
    ckks_status s = CKKS_OK;

    memset(t, 0, sizeof *t);
    t->n = n;
    t->channels = c->in;
    t->outputs = c->transposed ? c->out << c->dims : c->out;
    memcpy(t->size, c->size, sizeof t->size);
    memcpy(t->out_size, c->out_size, sizeof t->out_size);
    memcpy(t->kernel, c->kernel, sizeof t->kernel);
    memcpy(t->before, c->before, sizeof t->before);
    t->stride = c->stride;
    if (tile_points(c))
        tile_flat(t, c);
    else
        s = tile_search(t);
    if (s == CKKS_OK)
        tile_pack(t);
    return s;
}

/* ---- rows ---------------------------------------------------------------- */

/* Outputs or inputs of a tile along an axis that lie inside the map: the first,
 * and how many. */
static int rows_span(const blind_rows *r, int axis, int *first)
{
    const blind_tiling *t = r->t;
    int from = r->tile[axis] * t->out[axis], count = t->out[axis];

    if (r->out) {
        if (count > t->out_size[axis] - from)
            count = t->out_size[axis] - from;
        *first = from;
        return count;
    }
    from = from * t->stride - t->before[axis];
    count = t->in[axis];
    *first = from < 0 ? 0 : from;
    if (from + count > t->size[axis])
        count = t->size[axis] - from;
    return from + count - *first;
}

/* The coefficient of number `at` of the map along an axis. */
static size_t rows_place(const blind_rows *r, int axis, int at)
{
    const blind_tiling *t = r->t;
    const int from = r->tile[axis] * t->out[axis];

    if (r->out)
        return (size_t)((at - from) * t->stride + t->kernel[axis] - 1)
               * t->pitch[axis];
    return (size_t)(at - (from * t->stride - t->before[axis]))
           * t->pitch[axis];
}

void blind_rows_begin(blind_rows *r, const blind_tiling *t, int tile, bool out)
{
    memset(r, 0, sizeof *r);
    r->t = t;
    r->out = out;
    for (int a = 2; a >= 0; a--) {
        r->tile[a] = tile % t->tiles[a];
        tile /= t->tiles[a];
    }
    r->step = out ? (size_t)t->stride : 1;
}

bool blind_rows_next(blind_rows *r)
{
    const int *size = r->out ? r->t->out_size : r->t->size;
    int first[3], count[3];

    for (int a = 0; a < 3; a++)
        count[a] = rows_span(r, a, &first[a]);
    if (count[1] <= 0 || count[2] <= 0 || r->z >= count[0])
        return false;
    r->at = rows_place(r, 0, first[0] + r->z)
            + rows_place(r, 1, first[1] + r->y) + rows_place(r, 2, first[2]);
    r->pixel = ((size_t)(first[0] + r->z) * (size_t)size[1]
                + (size_t)(first[1] + r->y)) * (size_t)size[2]
               + (size_t)first[2];
    r->count = (size_t)count[2];
    if (++r->y == count[1]) {
        r->y = 0;
        r->z++;
    }
    return true;
}

size_t blind_tile_outputs(const blind_tiling *t, int tile)
{
    blind_rows r;
    size_t sum = 0;

    blind_rows_begin(&r, t, tile, true);
    while (blind_rows_next(&r))
        sum += r.count;
    return sum;
}
