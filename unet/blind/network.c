/* network.c -- shapes, limits and checks of a network of integers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/network.h"

const char *const blind_op_name[BLIND_OPS] = {
    "input", "conv", "relu", "square", "sum", "max", "concat", "add", "labels"
};

/* Bounds of one number; that their products fit 64 bits is checked as they are
 * made. */
enum { NETWORK_MOST_KERNEL = 64, NETWORK_MOST_DEPTH = 4096,
       NETWORK_MOST_COUNT = 1 << 30, NETWORK_MOST_GROWTH = 1 << 12 };

static ckks_status network_refuse(const blind_step *s, const char *what,
                                  int64_t is, int64_t low, int64_t high)
{
    return nn_fail(CKKS_EFORMAT, "network: step %s: %s is %lld, not %lld..%lld",
                   s->name, what, (long long)is, (long long)low,
                   (long long)high);
}

static ckks_status network_within(const blind_step *s, const char *what,
                                  int64_t is, int64_t low, int64_t high)
{
    return is >= low && is <= high ? CKKS_OK
                                   : network_refuse(s, what, is, low, high);
}

size_t blind_step_count(const blind_step *s)
{
    return (size_t)s->channels * (size_t)s->size[0] * (size_t)s->size[1]
           * (size_t)s->size[2];
}

size_t blind_step_at(const blind_step *s, int c, int z, int y, int x)
{
    return (((size_t)c * (size_t)s->size[0] + (size_t)z) * (size_t)s->size[1]
            + (size_t)y) * (size_t)s->size[2] + (size_t)x;
}

/* A size and channels whose product is below 2^30, so that bytes of shares and
 * products of them with a window fit 64 bits. */
static ckks_status network_shape(const blind_step *s)
{
    int64_t all = s->channels;
    ckks_status st = network_within(s, "channels", s->channels, 1,
                                    NN_MAX_CHANNELS);

    for (int a = 0; a < 3 && st == CKKS_OK; a++) {
        st = network_within(s, "a side", s->size[a], 1,
                            a == 0 ? NETWORK_MOST_DEPTH : NN_MAX_SIDE);
        all *= s->size[a];
        if (st == CKKS_OK && all > NETWORK_MOST_COUNT)
            st = network_refuse(s, "the number of values", all, 1,
                                NETWORK_MOST_COUNT);
    }
    return st;
}

/* ---- steps, one kind after the other ------------------------------------- */

static const blind_step *network_in(const blind_network *n,
                                    const blind_step *s, int i)
{
    return &n->step[s->in[i]];
}

static void network_same(blind_step *s, const blind_step *x)
{
    s->channels = x->channels;
    memcpy(s->size, x->size, sizeof s->size);
    s->limit = x->limit;
}

/* Axis a: the kernel reads from `before` in front of the map to `after` behind
 * it, and some of it lies on the map in each place. */
static ckks_status network_conv_axis(const blind_step *s, int dims, int a)
{
    const blind_conv *c = &s->conv;
    const int most = a == 0 && dims == 2 ? 1 : NETWORK_MOST_KERNEL;
    int64_t after;
    ckks_status st = network_within(s, "kernel", c->kernel[a], 1, most);

    if (st == CKKS_OK)
        st = network_within(s, "pad", c->before[a], 0, c->kernel[a] - 1);
    if (st == CKKS_OK)
        st = network_within(s, "a side", c->out_size[a], 1, NN_MAX_SIDE);
    if (st != CKKS_OK)
        return st;
    after = (int64_t)(c->out_size[a] - 1)
                * (a == 0 && dims == 2 ? 1 : c->stride)
            + c->kernel[a] - c->before[a] - c->size[a];
    return after < c->kernel[a] ? CKKS_OK
           : network_refuse(s, "the pad behind the map", after, -NN_MAX_SIDE,
                            c->kernel[a] - 1);
}

static ckks_status network_conv(blind_step *s, const blind_network *n,
                                const blind_step *x)
{
    blind_conv *c = &s->conv;
    ckks_status st = network_within(s, "stride", c->stride, 1, 4);

    if (st == CKKS_OK && (c->stride == 3 || (c->transposed && c->stride != 2)))
        st = network_refuse(s, "stride", c->stride, 2, 2);
    if (st == CKKS_OK)
        st = network_within(s, "channels", c->out, 1, NN_MAX_CHANNELS);
    if (st == CKKS_OK)
        st = network_within(s, "shift", c->shift, 1, BLIND_MOST_SHIFT);
    if (st == CKKS_OK && !(c->log_sum >= 0 && c->log_sum <= 80))
        st = nn_fail(CKKS_EFORMAT, "network: step %s: sums of 2^%g, not of "
                     "2^0..2^80", s->name, c->log_sum);
    c->dims = n->dims;
    c->bits = n->bits;
    c->in = x->channels;
    memcpy(c->size, x->size, sizeof c->size);
    for (int a = 0; a < 3 && st == CKKS_OK; a++) {
        const bool flat = a == 0 && n->dims == 2;

        if (c->transposed) {
            c->kernel[a] = flat ? 1 : 2;
            c->before[a] = 0;
            c->out_size[a] = flat ? 1 : 2 * c->size[a];
        } else {
            st = network_conv_axis(s, n->dims, a);
        }
    }
    s->channels = c->out;
    memcpy(s->size, c->out_size, sizeof s->size);
    s->limit = ldexp(1, n->bits - 1);
    return st;
}

static ckks_status network_pool(blind_step *s, const blind_network *n,
                                const blind_step *x)
{
    int64_t window = 1;
    ckks_status st = CKKS_OK;

    network_same(s, x);
    for (int a = 0; a < 3 && st == CKKS_OK; a++) {
        st = network_within(s, "pool", s->pool[a], 1,
                            a == 0 && n->dims == 2 ? 1 : x->size[a]);
        window *= s->pool[a];
        if (st == CKKS_OK)
            st = network_within(s, "the window", window, 1,
                                s->op == BLIND_MAX ? BLIND_MOST_WINDOW
                                                   : NETWORK_MOST_GROWTH);
        if (st == CKKS_OK)
            s->size[a] = x->size[a] / s->pool[a];
    }
    if (st == CKKS_OK && s->op == BLIND_MAX)
        st = network_within(s, "the window", window, 2, BLIND_MOST_WINDOW);
    if (s->op == BLIND_SUM)
        s->limit = x->limit * (double)window;
    if (st == CKKS_OK && s->limit > ldexp(NETWORK_MOST_GROWTH, n->bits - 1))
        st = nn_fail(CKKS_EFORMAT, "network: step %s: sums of up to %g",
                     s->name, s->limit);
    return st;
}

static ckks_status network_join(blind_step *s, const blind_network *n)
{
    int64_t channels = 0;
    ckks_status st = CKKS_OK;

    network_same(s, network_in(n, s, 0));
    for (int i = 0; i < s->num_in && st == CKKS_OK; i++) {
        const blind_step *x = network_in(n, s, i);

        channels += x->channels;
        s->limit = fmax(s->limit, x->limit);
        for (int a = 0; a < 3 && st == CKKS_OK; a++)
            st = network_within(s, "a side of an input", x->size[a],
                                s->size[a], s->size[a]);
        if (st == CKKS_OK && s->op == BLIND_ADD)
            st = network_within(s, "channels of an input", x->channels,
                                s->channels, s->channels);
        if (st == CKKS_OK && s->op == BLIND_ADD)
            st = network_within(s, "shift of an input", s->align[i], 0,
                                BLIND_MOST_SHIFT);
    }
    if (s->op == BLIND_ADD) {
        s->limit = ldexp(1, n->bits - 1);
        return st;
    }
    if (st == CKKS_OK)
        st = network_within(s, "channels", channels, 1, NN_MAX_CHANNELS);
    s->channels = (int)channels;
    return st;
}

/* Labels are of the middle of their map. */
static ckks_status network_labels(blind_step *s, const blind_network *n,
                                  const blind_step *x)
{
    const int want = n->num_labels == 0 ? 1 : n->num_labels;
    ckks_status st = network_within(s, "channels of the scores", x->channels,
                                    want, want);

    for (int a = 0; a < 3 && st == CKKS_OK; a++)
        st = network_within(s, "a side of the scores", x->size[a], n->size[a],
                            n->size[a]);
    s->channels = 1;
    blind_network_core(s->size, n);
    s->limit = NN_MAX_LABELS;
    return st;
}

/* Activations read numbers of the activations' own bits only. */
static ckks_status network_narrow(const blind_step *s, const blind_network *n,
                                  const blind_step *x)
{
    if (x->limit <= ldexp(1, n->bits - 1))
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "network: step %s: numbers of up to %g, %d "
                   "bits take less than %g", s->name, x->limit, n->bits,
                   ldexp(1, n->bits - 1));
}

static ckks_status network_inputs(const blind_step *s, int k)
{
    const int many = s->op == BLIND_CONCAT || s->op == BLIND_ADD;
    ckks_status st = network_within(s, "the number of inputs", s->num_in,
                                    k > 0, k == 0 ? 0 : many ? NN_MAX_INPUTS
                                                             : 1);

    for (int i = 0; i < s->num_in && st == CKKS_OK; i++)
        st = network_within(s, "an input", s->in[i], 0, k - 1);
    return st;
}

/* Shape and limit by the step's own op. */
static ckks_status network_step(blind_step *s, const blind_network *n)
{
    const blind_step *x = s->num_in > 0 ? network_in(n, s, 0) : NULL;
    ckks_status st = CKKS_OK;

    switch (s->op) {
    case BLIND_INPUT:
        s->channels = n->channels;
        memcpy(s->size, n->size, sizeof s->size);
        s->limit = ldexp(1, n->bits - 1);
        if (!(ldexp(s->range, s->fraction) < s->limit))
            st = nn_fail(CKKS_EFORMAT, "network: step %s: %g with a fraction "
                         "of %d bits is not below %g", s->name, s->range,
                         s->fraction, s->limit);
        break;
    case BLIND_CONV:
        st = network_conv(s, n, x);
        break;
    case BLIND_SQUARE:
        st = n->bits > 20
                 ? network_refuse(s, "bits of a square", n->bits, 8, 20)
                 : network_within(s, "shift", s->shift, 1, BLIND_MOST_SHIFT);
        /* fall through */
    case BLIND_RELU:
        network_same(s, x);
        if (st == CKKS_OK)
            st = network_narrow(s, n, x);
        break;
    case BLIND_MAX:
        st = network_narrow(s, n, x);
        /* fall through */
    case BLIND_SUM:
        if (st == CKKS_OK)
            st = network_pool(s, n, x);
        break;
    case BLIND_CONCAT:
    case BLIND_ADD:
        st = network_join(s, n);
        break;
    case BLIND_LABELS:
        st = network_narrow(s, n, x);
        if (st == CKKS_OK)
            st = network_labels(s, n, x);
        break;
    case BLIND_OPS:
        st = network_refuse(s, "op", s->op, 0, BLIND_OPS - 1);
        break;
    }
    return st;
}

ckks_status blind_step_derive(blind_network *n, int k)
{
    blind_step *s = &n->step[k];
    ckks_status st = network_inputs(s, k);

    if (st == CKKS_OK)
        st = network_within(s, "the fraction", s->fraction, -64, 64);
    if (st == CKKS_OK && (s->op == BLIND_INPUT) != (k == 0))
        st = nn_fail(CKKS_EFORMAT, "network: step %s: number %d is \"%s\"",
                     s->name, k, blind_op_name[s->op]);
    if (st == CKKS_OK && !(s->range >= 0 && s->range < 1e30))
        st = nn_fail(CKKS_EFORMAT, "network: step %s: a range of %g", s->name,
                     s->range);
    if (st == CKKS_OK)
        st = network_step(s, n);
    return st == CKKS_OK ? network_shape(s) : st;
}

/* ---- the whole ----------------------------------------------------------- */

static ckks_status network_head(const blind_network *n)
{
    blind_step head = { .name = "input", .channels = n->channels };
    ckks_status s = network_within(&head, "dims", n->dims, 2, 3);

    if (s == CKKS_OK)
        s = network_within(&head, "bits", n->bits, 8, 32);
    if (s == CKKS_OK)
        s = network_within(&head, "labels", n->num_labels, 0, NN_MAX_LABELS);
    if (s == CKKS_OK && n->num_labels == 1)
        s = network_refuse(&head, "labels", 1, 2, NN_MAX_LABELS);
    if (s == CKKS_OK)
        s = network_within(&head, "steps", n->num_steps, 2, BLIND_MAX_STEPS);
    if (s == CKKS_OK && n->dims == 2)
        s = network_within(&head, "depth", n->size[0], 1, 1);
    memcpy(head.size, n->size, sizeof head.size);
    if (s == CKKS_OK)
        s = network_shape(&head);
    for (int a = 0; a < 3 && s == CKKS_OK; a++)
        s = network_within(&head, "halo", n->halo[a], 0,
                           (n->size[a] - 1) / 2);
    if (s == CKKS_OK && !(fabs(n->mul) < 1e30 && fabs(n->add) < 1e30))
        s = nn_fail(CKKS_EFORMAT, "network: pixels times %g plus %g", n->mul,
                    n->add);
    return s;
}

ckks_status blind_network_check(blind_network *n)
{
    ckks_status s = network_head(n);

    for (int k = 0; k < n->num_steps && s == CKKS_OK; k++) {
        s = blind_step_derive(n, k);
        if (s == CKKS_OK
            && (n->step[k].op == BLIND_LABELS) != (k == n->num_steps - 1))
            s = nn_fail(CKKS_EFORMAT, "network: step %s: \"%s\" as number %d "
                        "of %d", n->step[k].name, blind_op_name[n->step[k].op],
                        k, n->num_steps);
    }
    return s;
}

void blind_network_core(int core[3], const blind_network *n)
{
    for (int a = 0; a < 3; a++)
        core[a] = n->size[a] - 2 * n->halo[a];
}

void blind_network_last(int *last, const blind_network *n)
{
    for (int k = 0; k < n->num_steps; k++)
        last[k] = n->num_steps;
    for (int k = 0; k < n->num_steps; k++)
        for (int i = 0; i < n->step[k].num_in; i++)
            last[n->step[k].in[i]] = k;
}

void blind_network_clear(blind_network **n)
{
    if (*n == NULL)
        return;
    for (int k = 0; k < (*n)->num_steps; k++) {
        free((*n)->step[k].weight);
        free((*n)->step[k].bias);
        free((*n)->step[k].map);
    }
    free(*n);
    *n = NULL;
}
