/* levels.c -- where each stage stands in the chain of primes, and at which
 * scale.
 *
 * Read first: place.h, docs/06-levels.md, docs/11-layers.md.
 *
 * With layer primes of b bits and activations at scale D = 2^d, the sums of a
 * stage stand at 2^((b + d) / 2): their square, divided by one prime, is back
 * at D.  Integer weights are round(w times scale of the sums / scale of the
 * input), so inputs may have any scale, and no scale drifts.
 *
 * A masked stage multiplies its inputs by masks at scale 2^a and divides its
 * sums by a prime of a bits of its own: a second level.  So does one that is
 * cleared, whose sums are multiplied by a mask, and a matrix, with plaintexts
 * 2^a times as fine as integer weights are; but the last stage has room for
 * fine plaintexts as it is.
 */
#include <math.h>
#include <string.h>

#include "stage/place.h"

enum { MASK_BITS = 10,          /* beyond log2(slots): mask_bits             */
       MASK_PRIMES = 12,
       WEIGHT_BITS = 13,
       MAX_SCALE = 59,          /* plan files have scales below 2^60         */
       MATRIX_BITS = 20 };      /* a weight is at 2^33: the error sqrt(N/12)
                                   / 2^33                                    */

/* Adds (pool, level) to the outputs of stage k (or the image) and gives its
 * number. */
static ckks_status want(int *number, nni_placed *p, int k, int pool, int level,
                        int reader)
{
    nni_placed_stage *s = k >= 0 ? &p->stage[k] : NULL;

    if (s == NULL) {            /* the image is kept once, readers drop      */
        if (level > p->image.level)
            p->image.level = level;
        if (reader > p->image.last_reader)
            p->image.last_reader = reader;
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
        return nn_fail(CKKS_EPARAM, "%s: the output of %s is wanted in more "
                       "than %d forms", p->net->name, s->of->name,
                       NET_MAX_OUTS);
    s->out[s->num_outs] = (nni_out){ .pool = pool, .level = level,
                                     .last_reader = reader };
    *number = s->num_outs++;
    return CKKS_OK;
}

ckks_status nni_set_levels(nni_placed *p)
{
    const int last = p->num_stages - 1;
    ckks_status st = CKKS_OK;

    for (int k = last; k >= 0 && st == CKKS_OK; k--) {
        nni_placed_stage *s = &p->stage[k];

        s->level = k == last ? p->bits.out : 0;
        for (int i = 0; i < s->num_outs; i++)
            if (s->out[i].level + 1 > s->level)
                s->level = s->out[i].level + 1;
        s->level += s->extra;
        if (s->num_outs == 0 && k < last)
            return nn_fail(CKKS_EPARAM, "%s: nothing reads layer %s",
                           p->net->name, s->of->name);
        for (int i = 0; i < s->of->num_sources && st == CKKS_OK; i++)
            st = want(&s->from[i], p, s->of->source[i].stage,
                      s->of->source[i].pool, s->level, k);
    }
    return st;
}

const nni_out *nni_source_form(const nni_placed *p, const nni_placed_stage *s,
                               int i)
{
    const int from = s->of->source[i].stage;

    return from < 0 ? &p->image : &p->stage[from].out[s->from[i]];
}

double nni_lift(nni_bits bits, double scale, uint64_t prime)
{
    return fmax(1, round(ldexp((double)prime, bits.scale) / scale));
}

static void form_scales(nni_placed_stage *s, nni_bits bits,
                        const uint64_t *prime)
{
    for (int i = 0; i < s->num_outs; i++) {
        nni_out *o = &s->out[i];
        double q = (double)prime[o->level + 1];

        if (s->of->square)
            o->scale = s->value_scale * s->value_scale / q;
        else
            o->scale = s->value_scale
                       * nni_lift(bits, s->value_scale, prime[o->level + 1])
                       / q;
        o->scale = ldexp(o->scale, 2 * o->pool);
    }
}

int nni_bit_length(uint64_t x)
{
    int n = 0;

    for (; x > 0; x >>= 1)
        n++;
    return n;
}

/* Bits of the primes that masks take.  A mask's slots are off by
 * sqrt(slots / 6) / 2^bits (sd), with these bits 1e-5 or less of a value.  Of
 * primes that are 1 modulo 4 slots and have log2(slots) + 10 bits there are
 * about 2^8 times 2 / (bits log(2)), more than 14; with each more bit twice as
 * many. */
static int mask_bits(const nni_placed *p)
{
    int bits = nni_bit_length(p->layout.slots) - 1 + MASK_BITS;
    int masks = 0;

    for (int k = 0; k < p->num_stages; k++)
        masks += p->stage[k].masked || p->stage[k].cleared;
    for (int room = MASK_PRIMES; room < masks; room *= 2)
        bits++;
    return bits;
}

int nni_level_bits(const nni_placed *p, int level)
{
    int extra = 0;

    if (level == 0)
        return p->bits.base;
    for (int k = 0; k < p->num_stages; k++) {
        const nni_placed_stage *s = &p->stage[k];

        for (int i = 0; i < s->num_outs; i++)
            if (s->out[i].level + 1 == level)
                return p->bits.layer;
        if (level <= s->level && level > s->level - s->extra)
            extra = s->masked || s->cleared || extra > MATRIX_BITS
                        ? mask_bits(p) : MATRIX_BITS;
    }
    return extra > 0 ? extra : p->bits.layer;
}

static double log_q(const uint64_t *prime, int level)
{
    double sum = 0;

    for (int i = 0; i <= level; i++)
        sum += log2((double)prime[i]);
    return sum;
}

/* Two bits above the calibrated range must fit below Q/2. */
static ckks_status check_room(const nni_placed *p, const nni_placed_stage *s,
                              const uint64_t *prime)
{
    const char *name = p->net->name;
    double pre = fmax(p->net->model->layer[s->of->pre].range.max
                          + s->of->shift, 1e-3);
    double have = log_q(prime, s->level) - 1;
    double need = log2(s->scale * pre) + s->mask_bits + 2;
    double square = 2 * (log2(s->value_scale * pre) + 1);

    for (int i = 0; i < s->num_outs; i++) {
        double room = log_q(prime, s->out[i].level + 1) - 1
                      - 2 * s->out[i].pool;

        if (s->of->square && square > room)
            return nn_fail(CKKS_EPARAM, "%s: %s: squares of values up to %.3g "
                           "at scale 2^%.1f need %.1f bits, there are %.1f",
                           name, s->of->name, pre, 2 * log2(s->value_scale),
                           square, room);
    }
    if (s->scale < ldexp(1, p->bits.scale))
        return nn_fail(CKKS_EPARAM, "%s: %s: values up to %.3g allow a scale "
                       "of 2^%.1f, less than the 2^%d of its inputs", name,
                       s->of->name, pre, log2(s->scale), p->bits.scale);
    if (need > have)
        return nn_fail(CKKS_EPARAM, "%s: %s: values up to %.3g at scale 2^%.1f "
                       "need %.1f bits, there are %.1f", name, s->of->name,
                       pre, log2(s->scale) + s->mask_bits, need, have);
    return CKKS_OK;
}

/* Scale of the logits: as fine as the moduli let it be. */
static double last_scale(const nni_placed *p, const nni_placed_stage *s,
                         const uint64_t *prime)
{
    double top = fmax(p->net->model->layer[s->of->pre].range.max, 1);
    double fine = s->neurons > 0 ? 20 + 2 * s->of->source[0].pool : 14;
    double room = p->bits.base - 3;

    if (p->bits.out > 0)
        room += nni_bit_length(prime[1]);
    return exp2(fmin(fmin(p->bits.scale + fine, MAX_SCALE),
                     room - ceil(log2(top))));
}

ckks_status nni_set_scales(nni_placed *p, const uint64_t *prime)
{
    /* the first weights have bits enough, however fine activations are */
    const int fine = (p->bits.layer + p->bits.scale) / 2 - WEIGHT_BITS;
    const int image = p->bits.scale < fine ? p->bits.scale : fine;
    ckks_status st = CKKS_OK;

    p->image.scale = ldexp(1, p->bits.image > 0 ? p->bits.image : image);
    for (int k = 0; k < p->num_stages && st == CKKS_OK; k++) {
        nni_placed_stage *s = &p->stage[k];

        s->scale = k < p->num_stages - 1
                       ? exp2(0.5 * (p->bits.layer + p->bits.scale))
                       : last_scale(p, s, prime);
        s->mask_bits = s->extra > 0 ? nni_bit_length(prime[s->level]) : 0;
        s->value_scale = s->scale;
        for (int i = 0; i < s->extra; i++)
            s->value_scale = ldexp(s->value_scale, s->mask_bits)
                             / (double)prime[s->level - i];
        form_scales(s, p->bits, prime);
        st = check_room(p, s, prime);
    }
    return st;
}
