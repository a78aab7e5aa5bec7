/* plan.c -- what a network costs its two parties. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/conv.h"
#include "blind/plan.h"
#include "blind/session.h"
#include "blind/walk.h"

const blind_line blind_lines[BLIND_LINES] = {
    { "loopback", 1.5e9, 20e-6 },
    { "1 Gbit/s", 117e6, 0.2e-3 },
    { "100 Mbit/s, 20 ms", 11.7e6, 20e-3 }
};

/* Seconds of one thread at the client and at the server, as measured with the
 * best kernels of one server processor on a busy machine, by `--json` of both
 * sides of the row "200 hybrid 20" of tests/scripts/blind_rows.sh, weights and
 * products of "200 squares 16" on a quiet one: of a limb of
 * 4096 coefficients of a convolution's ciphertext that goes up or down, of a
 * limb of a weight's polynomial, of a product of limbs (or with a scalar); of
 * an AND and of all else that a number in an activation takes; of the square of
 * a number; of a byte sent or received; of base transfers and keys. */
static const struct plan_rates {
    double up[2], down[2];
    double weight, product, scalar;
    double gate[2], element[2];
    double square[2];
    double byte;
    double setup;
} plan_rates = {
    .up = { 60e-6, 60e-6 }, .down = { 50e-6, 90e-6 },
    .weight = 1.2e-6, .product = 1.0e-6, .scalar = 1.2e-6,
    .gate = { 30e-9, 30e-9 }, .element = { 10e-9, 30e-9 },
    .square = { 180e-9, 236e-9 }, .byte = 0.12 / (1 << 30), .setup = 0.3
};

/* ---- steps -------------------------------------------------------------- */

static ckks_status plan_conv(blind_cost *out, const blind_conv *c)
{
    const struct plan_rates *r = &plan_rates;
    const double limbs = blind_conv_limbs(c->bits)
                         * ldexp(1, blind_conv_log_n(c->bits) - 12);
    blind_conv_plan k;
    ckks_status s = blind_conv_check(&out->headroom, c);

    if (s == CKKS_OK)
        s = blind_conv_plan_make(&k, c);
    if (s != CKKS_OK)
        return s;
    out->sent[0] = (double)k.t.count * k.t.cts_in;
    out->sent[1] = (double)k.t.count * k.t.cts_out;
    out->weights = k.t.scalar ? 0 : ceil((double)k.t.count / k.group)
                                        * k.t.cts_in * k.t.cts_out;
    out->products = out->sent[0] * k.t.cts_out;
    out->bytes = blind_conv_bytes(c);
    for (int side = 0; side < 2; side++) {
        const double seconds = limbs * (out->sent[0] * r->up[side]
                                        + out->sent[1] * r->down[side]);

        if (side == 0)
            out->client = seconds;
        else
            out->server = seconds + limbs * (out->weights * r->weight
                                             + out->products
                                               * (k.t.scalar ? r->scalar
                                                             : r->product));
    }
    return CKKS_OK;
}

/* ANDs of an element, and how many elements. */
static void plan_gates(blind_cost *out, double ands, double count)
{
    const struct plan_rates *r = &plan_rates;

    out->products = ands * count;
    out->client = count * (ands * r->gate[0] + r->element[0]);
    out->server = count * (ands * r->gate[1] + r->element[1]);
}

/* Whether a number left its range, at the end of each image. */
static void plan_over(blind_bytes *out, int k)
{
    const blind_bytes over = blind_overflowed_bytes(k);

    out->up += over.up;
    out->down += over.down;
    out->turns += over.turns;
}

static ckks_status plan_step(blind_cost *out, const blind_network *n, int step,
                             int k)
{
    const blind_step *s = &n->step[step];
    const size_t count = blind_step_count(s);
    const int classes = step > 0 ? n->step[s->in[0]].channels : 0;
    const int window = s->pool[0] * s->pool[1] * s->pool[2];

    switch (s->op) {
    case BLIND_CONV:
        return plan_conv(out, &s->conv);
    case BLIND_SQUARE:
        out->bytes = blind_square_bytes(count);
        out->client = (double)count * plan_rates.square[0];
        out->server = (double)count * plan_rates.square[1];
        break;
    case BLIND_RELU:
        out->bytes = blind_relu_bytes(count, n->bits, k);
        plan_gates(out, n->bits, (double)count);
        break;
    case BLIND_MAX:
        out->bytes = blind_max_bytes(count, window, n->bits, k);
        plan_gates(out, n->bits + 1, (double)count * (window - 1));
        break;
    case BLIND_LABELS:
        out->bytes = blind_labels_bytes(count, classes, n->bits, k);
        plan_over(&out->bytes, k);
        plan_gates(out, n->bits + 1, (double)count * classes);
        break;
    default:
        break;
    }
    return CKKS_OK;
}

/* Seconds from begin to end: of a convolution, which the server begins when the
 * client has sent, both; else both compute at once. */
static double plan_wall(const blind_cost *c)
{
    return c->headroom > 0 ? c->client + c->server
                           : fmax(c->client, c->server);
}

/* Adds a part to the whole.  Over a line its first answer is waited for; the
 * others are on their way while it computes and sends. */
static void plan_add(blind_plan *p, const blind_cost *c)
{
    const double bytes = (c->bytes.up + c->bytes.down) * plan_rates.byte;
    const double work = plan_wall(c) + bytes;
    const double way = fmax(c->bytes.up, c->bytes.down);
    blind_cost *sum = &p->all;

    sum->bytes.up += c->bytes.up;
    sum->bytes.down += c->bytes.down;
    sum->bytes.turns += c->bytes.turns;
    sum->products += c->products;
    sum->client += c->client + bytes;
    sum->server += c->server + bytes;
    for (int i = 0; i < BLIND_LINES; i++) {
        const blind_line *l = &blind_lines[i];

        p->seconds[i] += fmin(c->bytes.turns, 1) * l->delay
                         + fmax(work + way / l->rate,
                                (c->bytes.turns - 1) * l->delay);
    }
}

/* ---- memory ------------------------------------------------------------- */

/* Shares that step k has beside those that stay: its output, and what it
 * gathers. */
static double plan_scratch(const blind_network *n, int k)
{
    const blind_step *s = &n->step[k];
    const double count = (double)blind_step_count(s);

    switch (s->op) {
    case BLIND_SUM:
    case BLIND_MAX:
        return count * s->pool[0] * s->pool[1] * s->pool[2];
    case BLIND_LABELS:
        return count * n->step[s->in[0]].channels;
    case BLIND_ADD:
        return count;
    default:
        return 0;
    }
}

static double plan_conv_memory(const blind_conv *c, bool server)
{
    const double limb = ldexp(8, blind_conv_log_n(c->bits));
    const double limbs = blind_conv_limbs(c->bits);
    blind_conv_plan k;

    if (blind_conv_plan_make(&k, c) != CKKS_OK)
        return 0;
    return limb * limbs * (server ? 2.1 * k.group * (k.t.cts_in + k.t.cts_out)
                                        + k.t.cts_in
                                  : 16.0 + k.t.cts_in);
}

/* Weights of the convolution. */
static double plan_weights(const blind_conv *c)
{
    return (double)c->in * c->out * c->kernel[0] * c->kernel[1]
           * c->kernel[2];
}

/* The most at once: shares of 16 bytes and polynomials of the largest
 * convolution, for which there is room until the session ends, or, while
 * the server reads its model, the file, its floats, and doubles of a layer;
 * beside the server's weights and what is always there: code, keys, chunks of
 * activations, queues of the line. */
static double plan_memory(const blind_network *n, bool server)
{
    double live[BLIND_MAX_STEPS] = { 0 }, most = 0, room = 0;
    double fixed = server ? 144 << 20 : 112 << 20, read = 0, layer = 0;
    int last[BLIND_MAX_STEPS];

    blind_network_last(last, n);
    for (int k = 0; k < n->num_steps; k++) {
        const blind_step *s = &n->step[k];
        double sum = 16 * plan_scratch(n, k);

        live[k] = 16 * (double)blind_step_count(s);
        for (int j = 0; j <= k; j++)
            sum += j == k || last[j] >= k ? live[j] : 0;
        if (s->op == BLIND_CONV)
            room = fmax(room, plan_conv_memory(&s->conv, server));
        if (s->op == BLIND_CONV && server) {
            fixed += 4 * plan_weights(&s->conv);
            read += 8 * plan_weights(&s->conv);
            layer = fmax(layer, 8 * plan_weights(&s->conv));
        }
        if (s->map != NULL)
            fixed += 8 * (double)blind_step_count(s);
        most = fmax(most, sum);
    }
    return fmax(most + room, read + layer) + fixed;
}

/* ---- the whole ---------------------------------------------------------- */

/* The session's own. */
static ckks_status plan_setup(blind_cost *out, const blind_network *n, int k)
{
    char *text = NULL;
    size_t size = 0;
    const ckks_status s = blind_network_save(&text, &size, n);

    free(text);
    out->client = out->server = plan_rates.setup;
    out->bytes = blind_session_bytes(size, k, n->bits,
                                     blind_network_squares(n));
    out->bytes.up += BLIND_HEADER + BLIND_IMAGES_BYTES;
    return s;
}

ckks_status blind_plan_make(blind_plan *out, const blind_network *n, int k)
{
    ckks_status s;

    memset(out, 0, sizeof *out);
    s = plan_setup(&out->setup, n, k);
    plan_add(out, &out->setup);
    for (int i = 1; i < n->num_steps && s == CKKS_OK; i++) {
        s = plan_step(&out->step[i], n, i, k);
        if (s == CKKS_OK)
            plan_add(out, &out->step[i]);
    }
    out->memory[0] = plan_memory(n, false);
    out->memory[1] = plan_memory(n, true);
    return s;
}
