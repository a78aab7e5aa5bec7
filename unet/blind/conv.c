/* conv.c -- a convolution of shares: sizes, headroom, bytes, and shares as
 * polynomials. */
#include "conv.h"

#include <math.h>
#include <string.h>

#include "nn.h"

enum { CONV_MOST_SIDE = 4096, CONV_MOST_NUMBERS = 1 << 28,
       CONV_MOST_TILES = 1 << 17 };

/* ---- what is refused ----------------------------------------------------- */

static ckks_status conv_axis(const blind_conv *c, int a)
{
    const int64_t reach = (int64_t)(c->out_size[a] - 1) * c->stride;

    if (c->size[a] < 1 || c->size[a] > CONV_MOST_SIDE || c->out_size[a] < 1
        || c->out_size[a] > CONV_MOST_SIDE)
        return nn_fail(CKKS_EPARAM, "sides of %d to %d, want 1..%d",
                       c->size[a], c->out_size[a], CONV_MOST_SIDE);
    if (c->transposed) {
        const int by = a >= 3 - c->dims ? 2 : 1;

        if (c->out_size[a] != by * c->size[a] || c->kernel[a] != by
            || c->before[a] != 0)
            return nn_fail(CKKS_EPARAM, "a transposed convolution of %d to "
                           "%d, kernel %d, padding %d", c->size[a],
                           c->out_size[a], c->kernel[a], c->before[a]);
        return CKKS_OK;
    }
    if (c->kernel[a] < 1 || c->kernel[a] > NN_MAX_KERNEL || c->before[a] < 0
        || c->before[a] >= c->kernel[a] || reach - c->before[a] >= c->size[a])
        return nn_fail(CKKS_EPARAM, "a kernel of %d, padding %d, stride %d "
                       "from %d to %d", c->kernel[a], c->before[a], c->stride,
                       c->size[a], c->out_size[a]);
    return CKKS_OK;
}

static ckks_status conv_numbers(const blind_conv *c)
{
    double in = c->in, out = c->out;

    for (int a = 0; a < 3; a++) {
        in *= c->size[a];
        out *= c->out_size[a];
    }
    if (in <= CONV_MOST_NUMBERS && out <= CONV_MOST_NUMBERS)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%.0f numbers to %.0f, at most %d", in, out,
                   CONV_MOST_NUMBERS);
}

ckks_status blind_conv_check(double *headroom, const blind_conv *c)
{
    const int most = blind_conv_limbs(c->bits) * BLIND_CONV_BITS - 1;
    ckks_status s = CKKS_OK;
    blind_tiling t;

    if (c->dims < 2 || c->dims > 3 || c->in < 1 || c->in > NN_MAX_CHANNELS
        || c->out < 1 || c->out > NN_MAX_CHANNELS || c->bits < 8
        || c->bits > 32 || c->shift < 1 || c->shift > 40
        || (c->stride != 1 && c->stride != 2 && c->stride != 4)
        || (c->transposed && c->stride != 2)
        || (c->dims == 2 && c->size[0] != 1))
        return nn_fail(CKKS_EPARAM, "%d axes, %d to %d channels, %d bits, "
                       "shift %d, stride %d", c->dims, c->in, c->out, c->bits,
                       c->shift, c->stride);
    for (int a = 0; s == CKKS_OK && a < 3; a++)
        s = conv_axis(c, a);
    if (s == CKKS_OK)
        s = conv_numbers(c);
    if (s == CKKS_OK)
        s = blind_tiling_make(&t, c, (size_t)1 << blind_conv_log_n(c->bits));
    if (s == CKKS_OK && t.count > CONV_MOST_TILES)
        s = nn_fail(CKKS_EPARAM, "a kernel of %d x %d x %d needs %d tiles, at "
                    "most %d", c->kernel[0], c->kernel[1], c->kernel[2],
                    t.count, CONV_MOST_TILES);
    if (s != CKKS_OK)
        return s;
    *headroom = most - BLIND_SCALE - c->log_sum;
    if (!(*headroom >= BLIND_HEADROOM))
        return nn_fail(CKKS_EPARAM, "sums of up to 2^%.1f at a scale of 2^%d "
                       "leave %.1f bits of a modulus of 2^%d, want %d",
                       c->log_sum, BLIND_SCALE, *headroom, most,
                       BLIND_HEADROOM);
    return CKKS_OK;
}

/* ---- plan ---------------------------------------------------------------- */

ckks_status blind_conv_plan_make(blind_conv_plan *k, const blind_conv *c)
{
    const size_t n = (size_t)1 << blind_conv_log_n(c->bits);
    const int limbs = blind_conv_limbs(c->bits);
    double room, tile;
    ckks_status s = blind_conv_check(&room, c);

    memset(k, 0, sizeof *k);
    if (s == CKKS_OK)
        s = blind_tiling_make(&k->t, c, n);
    if (s != CKKS_OK)
        return s;
    k->c = c;
    k->pixels = k->outputs = 1;
    for (int a = 0; a < 3; a++) {
        k->pixels *= (size_t)c->size[a];
        k->outputs *= (size_t)c->out_size[a];
    }
    tile = 2.0 * limbs * (k->t.cts_in + k->t.cts_out)
           * (double)blind_limb_stride(n) * sizeof(uint64_t);
    k->group = (int)(BLIND_GROUP_BYTES / tile);
    if (k->group < 1)
        k->group = 1;
    if (k->group > k->t.count)
        k->group = k->t.count;
    k->up = (size_t)limbs * ((n * BLIND_CONV_BITS + 7) / 8);
    return CKKS_OK;
}

blind_bytes blind_conv_bytes(const blind_conv *c)
{
    enum { HEADER = 24 };
    const int limbs = blind_conv_limbs(c->bits);
    blind_bytes b = { 0 };
    blind_conv_plan k;

    if (blind_conv_plan_make(&k, c) != CKKS_OK)
        return b;
    b.up = (double)(k.up + HEADER) * k.t.count * k.t.cts_in;
    for (int tile = 0; tile < k.t.count; tile++) {
        const size_t valid = blind_tile_outputs(&k.t, tile);

        for (int o = 0; o < k.t.cts_out; o++) {
            size_t count = valid * (size_t)blind_outputs_of(&k.t, o);

            b.down += (double)(k.up + HEADER)
                      + limbs * (double)((count * BLIND_CONV_BITS + 7) / 8);
        }
    }
    b.turns = (k.t.count + 2 * k.group - 1) / (2 * k.group);
    return b;
}

/* ---- polynomials --------------------------------------------------------- */

void blind_conv_encode(uint64_t *m, const blind_share *x, int c, int tile,
                       const blind_conv_plan *k, const blind_ring *r)
{
    const blind_tiling *t = &k->t;
    const int first = c * t->pack_in;

    memset(m, 0, (size_t)r->limbs * r->n * sizeof *m);
    for (int l = 0; l < r->limbs; l++) {
        const cki_mod *mod = &r->rns.mod[l];
        const uint64_t two128 = blind_two128(mod);
        uint64_t *limb = m + (size_t)l * r->n;

        for (int j = first; j < first + t->pack_in && j < t->channels; j++) {
            const blind_share *from = x + (size_t)j * k->pixels;
            blind_rows row;

            blind_rows_begin(&row, t, tile, false);
            while (blind_rows_next(&row)) {
                uint64_t *to = limb + blind_block_in(t, j) + row.at;

                for (size_t i = 0; i < row.count; i++)
                    to[i] = blind_share_mod(from[row.pixel + i], two128, mod);
            }
        }
        r->rns.kernel->scale_add(limb, limb, (uint64_t)1 << BLIND_SCALE, NULL,
                                 r->n, mod);
    }
}

size_t blind_conv_place(const blind_conv_plan *k, int output, size_t pixel)
{
    const blind_conv *c = k->c;
    const size_t h = (size_t)c->size[1], w = (size_t)c->size[2];
    size_t z, y, x, phase, channel;

    if (!c->transposed)
        return (size_t)output * k->outputs + pixel;
    channel = (size_t)output >> c->dims;
    phase = (size_t)output & (((size_t)1 << c->dims) - 1);
    x = 2 * (pixel % w) + (phase & 1);
    y = 2 * (pixel / w % h) + (phase >> 1 & 1);
    z = pixel / w / h;
    if (c->dims == 3)
        z = 2 * z + (phase >> 2);
    return channel * k->outputs + (z * 2 * h + y) * 2 * w + x;
}
