/* linear_support.c -- linear_support.h. */
#include "linear_support.h"

#include <string.h>

#include "test.h"

blind_share linear_random(uint64_t *seed)
{
    const uint64_t high = test_word(seed);

    return (blind_share)high << 64 | test_word(seed);
}

static void linear_shape(blind_conv *c, const int size[3], int k)
{
    for (int a = 0; a < 3; a++) {
        const bool on = a >= 3 - c->dims;

        c->size[a] = size[a];
        c->kernel[a] = !on ? 1 : c->transposed ? 2 : k;
        c->before[a] = c->transposed ? 0 : (c->kernel[a] - 1) / 2;
        c->out_size[a] = c->transposed ? size[a] * c->kernel[a]
            : (size[a] + 2 * c->before[a] - c->kernel[a]) / c->stride + 1;
    }
}

/* Number of the tap of output o of channel i at (z, y, x) that meets input
 * number `at`, or -1. */
static void linear_sum(linear_case *t, int o, int z, int y, int x,
                       blind_signed *sum)
{
    const blind_conv *c = &t->c;
    const int *k = c->kernel;
    const int taps = k[0] * k[1] * k[2];

    for (int p = 0; p < taps; p++) {
        const int kz = p / k[2] / k[1], ky = p / k[2] % k[1], kx = p % k[2];
        int at[3] = { z * c->stride + kz - c->before[0],
                      y * c->stride + ky - c->before[1],
                      x * c->stride + kx - c->before[2] };

        if (c->transposed) {            /* one tap for each output           */
            if (z % k[0] != kz || y % k[1] != ky || x % k[2] != kx)
                continue;
            at[0] = z / k[0];
            at[1] = y / k[1];
            at[2] = x / k[2];
        }
        if (at[0] < 0 || at[0] >= c->size[0] || at[1] < 0
            || at[1] >= c->size[1] || at[2] < 0 || at[2] >= c->size[2])
            continue;
        for (int i = 0; i < c->in; i++) {
            const int w = c->transposed ? (i * c->out + o) * taps + p
                          : (o * c->in + i) * taps + p;

            *sum += (blind_signed)t->weight[w]
                    * t->x[((size_t)(i * c->size[0] + at[0])
                            * (size_t)c->size[1] + (size_t)at[1])
                           * (size_t)c->size[2] + (size_t)at[2]];
        }
    }
}

static void linear_define(linear_case *t)
{
    const blind_conv *c = &t->c;
    size_t i = 0;

    for (int o = 0; o < c->out; o++)
        for (int z = 0; z < c->out_size[0]; z++)
            for (int y = 0; y < c->out_size[1]; y++)
                for (int x = 0; x < c->out_size[2]; x++, i++) {
                    t->sum[i] = t->bias[o] + (t->map ? t->map[i] : 0);
                    linear_sum(t, o, z, y, x, &t->sum[i]);
                }
}

static void linear_fill(linear_case *t, size_t weights, uint64_t *seed)
{
    const int64_t half = (int64_t)1 << (t->c.bits - 2);

    for (size_t i = 0; i < t->in; i++) {
        t->x[i] = i % 7 == 0 ? half : i % 7 == 1 ? -half
                  : (int64_t)(test_word(seed) % (uint64_t)(2 * half)) - half;
        t->x_share[0][i] = linear_random(seed);
        if (i % 3 == 0)                 /* as behind a convolution           */
            t->x_share[0][i] >>= 57;
        t->x_share[1][i] = (blind_share)(blind_signed)t->x[i]
                           - t->x_share[0][i];
    }
    for (size_t i = 0; i < weights; i++)
        t->weight[i] = (int32_t)(test_word(seed) % 4095) - 2047;
    for (int i = 0; i < t->c.out; i++)
        t->bias[i] = (int64_t)(test_word(seed) % 2000001) - 1000000;
    for (size_t i = 0; t->map != NULL && i < t->out; i++)
        t->map[i] = (int64_t)(test_word(seed) % 4000001) - 2000000;
}

bool linear_open(linear_case *t, int dims, int in, int out, const int size[3],
                 int k, int stride, bool transposed, int bits, bool map,
                 uint64_t *seed)
{
    size_t weights = (size_t)in * (size_t)out;

    memset(t, 0, sizeof *t);
    t->c = (blind_conv){ .transposed = transposed, .dims = dims, .in = in,
                         .out = out, .stride = stride, .shift = 11,
                         .bits = bits, .log_sum = bits <= 20 ? 39 : 52 };
    linear_shape(&t->c, size, k);
    t->in = (size_t)in;
    t->out = (size_t)out;
    for (int a = 0; a < 3; a++) {
        t->in *= (size_t)t->c.size[a];
        t->out *= (size_t)t->c.out_size[a];
        weights *= (size_t)t->c.kernel[a];
    }
    t->x = malloc(t->in * sizeof *t->x);
    t->weight = malloc(weights * sizeof *t->weight);
    t->bias = malloc((size_t)out * sizeof *t->bias);
    t->map = map ? malloc(t->out * sizeof *t->map) : NULL;
    t->sum = malloc(t->out * sizeof *t->sum);
    for (int i = 0; i < 2; i++) {
        t->x_share[i] = malloc(t->in * sizeof *t->x_share[i]);
        t->y_share[i] = malloc(t->out * sizeof *t->y_share[i]);
    }
    if (!CHECK(t->x && t->weight && t->bias && t->sum && t->x_share[0]
               && t->x_share[1] && t->y_share[0] && t->y_share[1]
               && (t->map || !map), "no memory"))
        return false;
    linear_fill(t, weights, seed);
    linear_define(t);
    return true;
}

void linear_close(linear_case *t)
{
    free(t->x);
    free(t->weight);
    free(t->bias);
    free(t->map);
    free(t->sum);
    for (int i = 0; i < 2; i++) {
        free(t->x_share[i]);
        free(t->y_share[i]);
    }
}

ckks_status linear_party(blind_party *p, ckks_rng *rng, side *s, int bits,
                         bool squares)
{
    ckks_status status = ckks_rng_init(rng, NULL);

    memset(p, 0, sizeof *p);
    p->server = s->server;
    p->wire = s->wire;
    p->rng = rng;
    return status == CKKS_OK ? blind_he_open(p, bits, squares) : status;
}

void linear_party_close(blind_party *p, ckks_rng *rng)
{
    blind_he_close(p);
    ckks_rng_clear(rng);
}

static ckks_status linear_side(side *s)
{
    linear_case *t = s->with;
    const int me = s->server;
    blind_traffic before;
    blind_party p;
    ckks_rng rng;
    ckks_status status = linear_party(&p, &rng, s, t->c.bits, false);

    before = blind_wire_traffic(s->wire);
    if (status == CKKS_OK)
        status = blind_convolve(t->y_share[me], t->x_share[me], &t->c,
                                me ? t->weight : NULL, me ? t->bias : NULL,
                                me ? t->map : NULL, &p);
    if (status == CKKS_OK)
        status = blind_wire_flush(s->wire);
    if (!me) {
        t->traffic = blind_wire_traffic(s->wire);
        t->traffic.sent -= before.sent;
        t->traffic.received -= before.received;
    }
    linear_party_close(&p, &rng);
    return status;
}

bool linear_run(linear_case *t)
{
    return two_sides(linear_side, t, linear_side, t);
}
