/* twin.c -- the steps by their definitions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/twin.h"

/* splitmix64 */
static uint64_t twin_word(blind_rounding state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* v / 2^shift, rounded; |v| < 2^62, shift 0..40.  Half a unit added before
 * rounding down gives the nearest; r uniform in 0..2^shift - 1 added rounds up
 * with odds of the rest. */
static int64_t twin_divide(int64_t v, int shift, blind_rounding state)
{
    const int64_t most = ((int64_t)1 << shift) - 1;
    const int64_t low = state == NULL ? (most + 1) / 2
                        : (int64_t)(twin_word(state) & (uint64_t)most);

    v += low;
    return v >= 0 ? v >> shift : -((-v + most) >> shift);
}

static int64_t twin_most(const int64_t *x, size_t count)
{
    int64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        const int64_t a = x[i] < 0 ? -x[i] : x[i];

        most = a > most ? a : most;
    }
    return most;
}

/* ---- convolutions -------------------------------------------------------- */

/* Every sum stays below 2^62: the largest number times the row's norm, and what
 * is added. */
static ckks_status twin_check(const blind_step *s, const int64_t *x,
                              size_t count)
{
    const blind_conv *c = &s->conv;
    const size_t taps = (size_t)c->kernel[0] * (size_t)c->kernel[1]
                        * (size_t)c->kernel[2];
    const double most = (double)twin_most(x, count);
    const double map = s->map == NULL ? 0
                       : (double)twin_most(s->map, blind_step_count(s));

    for (int o = 0; o < c->out; o++) {
        double row = 0, sum;

        for (int i = 0; i < c->in; i++)
            for (size_t k = 0; k < taps; k++)
                row += fabs((double)s->weight[
                    (c->transposed ? (size_t)i * (size_t)c->out + (size_t)o
                                   : (size_t)o * (size_t)c->in + (size_t)i)
                    * taps + k]);
        sum = row * most + fabs((double)s->bias[o]) + map;
        if (!(sum < ldexp(1, 61)))
            return nn_fail(CKKS_EPARAM, "%s: sums of up to 2^%.1f, of numbers "
                           "of up to %g", s->name, log2(sum), most);
    }
    return CKKS_OK;
}

/* y = sum over channels and taps of one row of the output, from x0 on. */
static void twin_row(int64_t *y, const blind_conv *c, const int64_t *x,
                     const int32_t *weight, int o, int z, int row)
{
    const int depth = c->dims == 2 ? 1 : c->stride;

    for (int i = 0; i < c->in; i++)
        for (int p = 0; p < c->kernel[0]; p++)
            for (int q = 0; q < c->kernel[1]; q++) {
                const int u = z * depth + p - c->before[0];
                const int v = row * c->stride + q - c->before[1];
                const int32_t *w =
                    weight + (((size_t)(o * c->in + i) * (size_t)c->kernel[0]
                               + (size_t)p) * (size_t)c->kernel[1] + (size_t)q)
                                 * (size_t)c->kernel[2];
                const int64_t *in;

                if (u < 0 || u >= c->size[0] || v < 0 || v >= c->size[1])
                    continue;
                in = x + (((size_t)i * (size_t)c->size[0] + (size_t)u)
                          * (size_t)c->size[1] + (size_t)v)
                             * (size_t)c->size[2];
                for (int r = 0; r < c->kernel[2]; r++) {
                    const int shift = r - c->before[2];
                    int j = 0, end = c->out_size[2];

                    while (j * c->stride + shift < 0)
                        j++;
                    while (end > j
                           && (end - 1) * c->stride + shift >= c->size[2])
                        end--;
                    for (; j < end; j++)
                        y[j] += w[r] * in[j * c->stride + shift];
                }
            }
}

/* One row of a transposed convolution: y[2 j + r] of x[j] weight[.., r]. */
static void twin_row_up(int64_t *y, const blind_conv *c, const int64_t *x,
                        const int32_t *weight, int o, int z, int row)
{
    const int p = z % c->kernel[0], u = z / c->kernel[0];
    const int q = row % 2, v = row / 2;

    for (int i = 0; i < c->in; i++) {
        const int32_t *w = weight
                           + (((size_t)(i * c->out + o) * (size_t)c->kernel[0]
                               + (size_t)p) * 2 + (size_t)q) * 2;
        const int64_t *in = x + (((size_t)i * (size_t)c->size[0] + (size_t)u)
                                 * (size_t)c->size[1] + (size_t)v)
                                    * (size_t)c->size[2];

        for (int j = 0; j < c->out_size[2]; j++)
            y[j] += w[j % 2] * in[j / 2];
    }
}

static ckks_status twin_conv(int64_t *out, const blind_step *s,
                             const int64_t *x, blind_rounding state)
{
    const blind_conv *c = &s->conv;
    const int64_t *map = s->map;
    ckks_status st = twin_check(s, x, (size_t)c->in * (size_t)c->size[0]
                                      * (size_t)c->size[1]
                                      * (size_t)c->size[2]);

    for (int o = 0; o < c->out && st == CKKS_OK; o++)
        for (int z = 0; z < c->out_size[0]; z++)
            for (int y = 0; y < c->out_size[1]; y++) {
                for (int j = 0; j < c->out_size[2]; j++)
                    out[j] = s->bias[o] + (map != NULL ? *map++ : 0);
                if (c->transposed)
                    twin_row_up(out, c, x, s->weight, o, z, y);
                else
                    twin_row(out, c, x, s->weight, o, z, y);
                for (int j = 0; j < c->out_size[2]; j++)
                    out[j] = twin_divide(out[j], c->shift, state);
                out += c->out_size[2];
            }
    return st;
}

/* ---- the others ---------------------------------------------------------- */

static ckks_status twin_square(int64_t *out, const blind_step *s,
                               const int64_t *x, blind_rounding state)
{
    const size_t count = blind_step_count(s);

    if (twin_most(x, count) >= (int64_t)1 << 30)
        return nn_fail(CKKS_EPARAM, "%s: squares of numbers of up to %lld",
                       s->name, (long long)twin_most(x, count));
    for (size_t i = 0; i < count; i++)
        out[i] = twin_divide(x[i] * x[i], s->shift, state);
    return CKKS_OK;
}

/* Sum or largest number of each window. */
static void twin_pool(int64_t *out, const blind_step *s, const blind_step *from,
                      const int64_t *x)
{
    const bool sum = s->op == BLIND_SUM;

    for (int c = 0; c < s->channels; c++)
        for (int z = 0; z < s->size[0]; z++)
            for (int y = 0; y < s->size[1]; y++)
                for (int j = 0; j < s->size[2]; j++) {
                    int64_t all = 0, most = INT64_MIN;

                    for (int p = 0; p < s->pool[0]; p++)
                        for (int q = 0; q < s->pool[1]; q++)
                            for (int r = 0; r < s->pool[2]; r++) {
                                const int64_t v =
                                    x[blind_step_at(from, c,
                                                    z * s->pool[0] + p,
                                                    y * s->pool[1] + q,
                                                    j * s->pool[2] + r)];

                                all += v;
                                most = v > most ? v : most;
                            }
                    *out++ = sum ? all : most;
                }
}

static void twin_join(int64_t *out, const blind_network *n, const blind_step *s,
                      const int64_t *const *in, blind_rounding state)
{
    if (s->op == BLIND_ADD)
        memset(out, 0, blind_step_count(s) * sizeof *out);
    for (int i = 0; i < s->num_in; i++) {
        const size_t count = blind_step_count(&n->step[s->in[i]]);

        if (s->op == BLIND_ADD) {
            for (size_t j = 0; j < count; j++)
                out[j] += twin_divide(in[i][j], s->align[i], state);
        } else {
            memcpy(out, in[i], count * sizeof *out);
            out += count;
        }
    }
}

static void twin_labels(int64_t *out, const blind_network *n,
                        const blind_step *from, const int64_t *x)
{
    int core[3];

    blind_network_core(core, n);
    for (int z = 0; z < core[0]; z++)
        for (int y = 0; y < core[1]; y++)
            for (int j = 0; j < core[2]; j++) {
                const int64_t *at = x + blind_step_at(from, 0, z + n->halo[0],
                                                      y + n->halo[1],
                                                      j + n->halo[2]);
                const size_t plane = blind_step_count(from)
                                     / (size_t)from->channels;
                int best = from->channels == 1 ? at[0] > 0 : 0;

                for (int k = 1; k < from->channels; k++)
                    if (at[(size_t)k * plane] > at[(size_t)best * plane])
                        best = k;
                *out++ = best;
            }
}

/* ---- the network --------------------------------------------------------- */

static bool twin_over(const blind_network *n, const blind_step *x,
                      const int64_t *in)
{
    const int64_t most = (int64_t)1 << (n->bits - 1);
    bool over = false;

    for (size_t i = 0; i < blind_step_count(x); i++)
        over |= in[i] >= most || in[i] < -most;
    return over;
}

ckks_status blind_twin_step(int64_t *out, bool *over, const blind_network *n,
                            int k, const int64_t *const *in,
                            blind_rounding state)
{
    const blind_step *s = &n->step[k], *x = &n->step[s->in[0]];

    switch (s->op) {
    case BLIND_CONV:
        return twin_conv(out, s, in[0], state);
    case BLIND_SQUARE:
        return twin_square(out, s, in[0], state);
    case BLIND_RELU:
        *over |= twin_over(n, x, in[0]);
        for (size_t i = 0; i < blind_step_count(s); i++)
            out[i] = in[0][i] > 0 ? in[0][i] : 0;
        break;
    case BLIND_MAX:
        *over |= twin_over(n, x, in[0]);
        /* fall through */
    case BLIND_SUM:
        twin_pool(out, s, x, in[0]);
        break;
    case BLIND_CONCAT:
    case BLIND_ADD:
        twin_join(out, n, s, in, state);
        break;
    case BLIND_LABELS:
        *over |= twin_over(n, x, in[0]);
        twin_labels(out, n, x, in[0]);
        break;
    case BLIND_INPUT:
    case BLIND_OPS:
        break;
    }
    return CKKS_OK;
}

ckks_status blind_twin_run(int64_t **value, bool *over, const blind_network *n,
                           const int64_t *input, blind_rounding state)
{
    ckks_status st = CKKS_OK;

    *over = false;
    memset(value, 0, (size_t)n->num_steps * sizeof *value);
    for (int k = 0; k < n->num_steps && st == CKKS_OK; k++) {
        const blind_step *s = &n->step[k];
        const int64_t *in[NN_MAX_INPUTS] = { NULL };
        const size_t size = blind_step_count(s) * sizeof **value;

        for (int i = 0; i < s->num_in; i++)
            in[i] = value[s->in[i]];
        value[k] = malloc(size);
        if (value[k] == NULL)
            st = nn_fail(CKKS_EMEM, "no memory for %zu bytes", size);
        else if (k == 0)
            memcpy(value[0], input, size);
        else
            st = blind_twin_step(value[k], over, n, k, in, state);
    }
    if (st != CKKS_OK)
        blind_twin_clear(value, n);
    return st;
}

void blind_twin_clear(int64_t **value, const blind_network *n)
{
    for (int k = 0; k < n->num_steps; k++) {
        free(value[k]);
        value[k] = NULL;
    }
}
