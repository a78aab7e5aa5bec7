/* levels.c -- where each stage stands in the chain of primes, and at which
 * scale.
 *
 * Read first: docs/06-levels.md, docs/11-layers.md.
 *
 * With layer primes of b bits and activations at scale D = 2^d, the sums of a
 * stage stand at 2^((b + d) / 2): their square, divided by one prime, is back
 * at D.  Integer weights are round(w times scale of the sums / scale of the
 * input), so inputs may have any scale, and no scale drifts.
 */
#include <math.h>
#include <string.h>

#include "net.h"

/* Adds (pool, level) to the outputs of stage k (or the image) and returns its
 * number. */
static ckks_status want(int *number, net *n, int k, int pool, int level,
                        int reader)
{
    net_stage *s = k >= 0 ? &n->stage[k] : NULL;

    if (s == NULL) {            /* the image is kept once, readers drop      */
        if (level > n->image.level)
            n->image.level = level;
        if (reader > n->image.last_reader)
            n->image.last_reader = reader;
        *number = 0;
        return CKKS_OK;
    }
    for (int i = 0; i < s->num_outs; i++)
        if (s->out[i].pool == pool && s->out[i].level == level) {
            if (reader > s->out[i].last_reader)
                s->out[i].last_reader = reader;
            *number = i;
            return CKKS_OK;
        }
    if (s->num_outs == NET_MAX_OUTS)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: the output of %s is wanted "
                       "in more than %d forms", s->name, NET_MAX_OUTS);
    s->out[s->num_outs] = (net_out){ .pool = pool, .level = level,
                                     .last_reader = reader };
    *number = s->num_outs++;
    return CKKS_OK;
}

static ckks_status find_levels(net *n)
{
    ckks_status st = CKKS_OK;

    n->image = (net_out){ 0 };
    for (int k = 0; k < n->num_stages; k++)
        n->stage[k].num_outs = 0;
    for (int k = n->num_stages - 1; k >= 0 && st == CKKS_OK; k--) {
        net_stage *s = &n->stage[k];

        s->level = 0;
        for (int i = 0; i < s->num_outs; i++)
            if (s->out[i].level + 1 > s->level)
                s->level = s->out[i].level + 1;
        if (s->num_outs == 0 && k < n->num_stages - 1)
            return nn_fail(CKKS_EPARAM, "nn_plan_make: nothing reads layer %s",
                           s->name);
        for (int i = 0; i < s->num_sources && st == CKKS_OK; i++)
            st = want(&s->source[i].out, n, s->source[i].stage,
                      s->source[i].pool, s->level, k);
    }
    return st;
}

int net_depth(const net *n)
{
    return n->image.level;
}

double net_source_scale(const net *n, const net_source *s)
{
    return s->stage < 0 ? n->image.scale
                        : n->stage[s->stage].out[s->out].scale;
}

double net_lift(net_bits bits, double scale, uint64_t prime)
{
    return fmax(1, round(ldexp((double)prime, bits.scale) / scale));
}

static void stage_scales(net_stage *s, net_bits bits, const uint64_t *prime)
{
    for (int i = 0; i < s->num_outs; i++) {
        net_out *o = &s->out[i];
        double q = (double)prime[o->level + 1];

        if (s->square)
            o->scale = s->scale * s->scale / q;
        else
            o->scale = s->scale * net_lift(bits, s->scale, prime[o->level + 1])
                       / q;
        o->scale = ldexp(o->scale, 2 * o->pool);
    }
}

/* Two bits above the calibrated range must fit below Q/2. */
static ckks_status check_room(const net *n, const net_stage *s, net_bits bits)
{
    const nn_model *m = n->model;
    double pre = fmax(m->layer[s->pre].range.max, 1e-3);
    double have = bits.base + (double)s->level * bits.layer - 1;
    double need = log2(s->scale * pre) + 2;

    for (int i = 0; i < s->num_outs; i++) {
        double room = bits.base + (double)(s->out[i].level + 1) * bits.layer
                      - 1 - 2 * s->out[i].pool;

        if (s->square && 2 * need - 2 > room)
            return nn_fail(CKKS_EPARAM, "nn_plan_make: %s: squares of values "
                           "up to %.3g at scale 2^%.1f need %.1f bits, there "
                           "are %.1f", s->name, pre, 2 * log2(s->scale),
                           2 * need - 2, room);
    }
    if (need > have)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: %s: values up to %.3g at "
                       "scale 2^%.1f need %.1f bits, there are %.1f", s->name,
                       pre, log2(s->scale), need, have);
    return CKKS_OK;
}

ckks_status net_levels(net *n, net_bits bits, const uint64_t *prime)
{
    ckks_status st = find_levels(n);

    if (st != CKKS_OK || prime == NULL)
        return st;
    n->image.scale = ldexp(1, bits.scale);
    for (int k = 0; k < n->num_stages && st == CKKS_OK; k++) {
        net_stage *s = &n->stage[k];

        if (k < n->num_stages - 1) {
            s->scale = exp2(0.5 * (bits.layer + bits.scale));
        } else {                /* the logit: as fine as the base prime lets */
            double top = fmax(n->model->layer[s->pre].range.max, 1);

            s->scale = exp2(fmin(bits.scale + 14,
                                 bits.base - 3 - ceil(log2(top))));
        }
        stage_scales(s, bits, prime);
        st = check_room(n, s, bits);
    }
    return st;
}
