/* plan.c -- everything decided before a key exists.
 *
 * Read first: docs/11-layers.md, docs/12-volley.md.
 *
 * Candidates are ring degree, rings and sizes of primes; each is laid out,
 * priced and checked; the cheapest that fits is the plan.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

/* ---- one candidate ------------------------------------------------------ */

/* The smallest dnum whose special primes fit under the security limit. */
static ckks_status choose_special(nn_plan *p, const net *n, net_bits bits)
{
    const int depth = net_depth(n);
    ckks_params *q = &p->params;
    double log_q = 0, least = 0;
    int limit = q->security == CKKS_INSECURE
                    ? 1 << 20 : ckks_max_log_qp(q->log_n, q->security);

    q->num_primes = depth + 1;
    for (int i = 0; i <= depth; i++) {
        q->primes[i] = (uint64_t)net_level_bits(n, bits, i);
        log_q += (double)q->primes[i];
    }
    for (q->dnum = 1; q->dnum <= depth + 1; q->dnum++) {
        int alpha = (depth + q->dnum) / q->dnum;
        double digit = 0;

        for (int i = 0; i <= depth; i += alpha) {
            double sum = 0;

            for (int j = i; j <= depth && j < i + alpha; j++)
                sum += (double)q->primes[j];
            digit = fmax(digit, sum);
        }
        q->num_special = (int)ceil((digit + 1) / CKKS_SIMD_BITS);
        least = log_q + q->num_special * (double)CKKS_SIMD_BITS;
        if (q->num_special <= CKKS_MAX_SPECIAL && least <= limit)
            break;
    }
    if (q->dnum > depth + 1)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: depth %d with primes of %d "
                       "bits needs log2(QP) %.0f; at N = 2^%d and %d bits of "
                       "security it may be %d", depth, bits.layer, least,
                       q->log_n, q->security, limit);
    for (int i = 0; i < q->num_special; i++)
        q->special[i] = CKKS_SIMD_BITS;
    return CKKS_OK;
}

static int round_up(int a, int b)
{
    return (a + b - 1) / b * b;
}

static ckks_status choose_layout(nn_plan *p, const net *n, const nn_aim *aim,
                                 int ring_y, int ring_x)
{
    nn_layout *l = &p->layout;
    int unit = 1 << n->max_pool;
    size_t fit;

    *l = (nn_layout){ .ring_y = ring_y, .ring_x = ring_x,
                      .slots = (size_t)1 << (p->params.log_n - 1) };
    l->height = round_up(p->core_height + 2 * p->halo, ring_y);
    l->width = round_up(p->core_width + 2 * p->halo, ring_x);
    l->grid_y = l->height / ring_y;
    l->grid_x = l->width / ring_x;
    if (ring_y % unit != 0 || ring_x % unit != 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: %d poolings need rings that "
                       "%d divides, not %d x %d", n->max_pool, unit, ring_y,
                       ring_x);
    fit = l->slots / ((size_t)l->grid_y * (size_t)l->grid_x);
    if (fit == 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: a grid of %d x %d does not "
                       "fit %zu slots; a larger ring or N would", l->grid_y,
                       l->grid_x, l->slots);
    if (p->border == NN_ZERO
        && (l->height != p->core_height || l->width != p->core_width))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: border zero needs rings "
                       "that divide the image: %d x %d and %d x %d", ring_y,
                       ring_x, p->core_height, p->core_width);
    if (p->border == NN_WRAP
        && (l->height != p->core_height || l->width != p->core_width
            || (size_t)l->grid_y * (size_t)l->grid_x != l->slots))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: border wrap needs a grid "
                       "that fills the slots: %d x %d is %d of %zu; use a "
                       "model with border halo, or N = 2^%.0f", l->grid_y,
                       l->grid_x, l->grid_y * l->grid_x, l->slots,
                       log2(2.0 * l->grid_y * l->grid_x));
    l->batch = (int)(fit < 4096 ? fit : 4096);
    if (p->border == NN_WRAP)
        l->batch = 1;
    if (aim->max_batch > 0 && l->batch > aim->max_batch)
        l->batch = aim->max_batch;
    return CKKS_OK;
}

static ckks_status resolve(nn_plan *p, net *n, net_bits bits)
{
    ckks_status st = ckks_params_resolve(&p->params, &p->params);

    if (st != CKKS_OK)
        return nn_fail(st, "nn_plan_make: %s", ckks_last_error());
    st = net_levels(n, bits, p->params.primes);
    p->in_level = n->image.level;
    p->in_scale = n->image.scale;
    p->out_scale = n->stage[n->num_stages - 1].value_scale;
    p->out_pool = n->stage[n->num_stages - 1].pool;
    return st;
}

/* *stage: how far it came, 4 is all the way. */
static ckks_status candidate(nn_plan *p, int *stage, net *n, const nn_aim *aim,
                             net_bits bits, int ring_y, int ring_x)
{
    ckks_status st = choose_layout(p, n, aim, ring_y, ring_x);

    if (st == CKKS_OK) {
        *stage = 1;
        st = choose_special(p, n, bits);
    }
    if (st == CKKS_OK) {
        *stage = 2;
        st = resolve(p, n, bits);
    }
    if (st == CKKS_OK)
        st = net_price(p, n);
    if (st == CKKS_OK && aim->max_memory > 0
        && p->peak_bytes > (double)aim->max_memory) {
        *stage = 3;
        st = nn_fail(CKKS_EPARAM, "nn_plan_make: needs %.0f MiB, allowed are "
                     "%.0f", p->peak_bytes / 1048576,
                     (double)aim->max_memory / 1048576);
    }
    return st;
}

/* ---- the search --------------------------------------------------------- */

/* Bits go to the weights before they go to the scale (docs/09-noise.md). */
static const net_bits CHOICES[] = {
    { 49, 47, 21 }, { 49, 44, 20 }, { 49, 40, 20 }, { 49, 38, 18 }
};

static void describe(nn_plan *p, const net *n, const nn_model *m,
                     const nn_aim *aim)
{
    memset(p, 0, sizeof *p);
    memcpy(p->name, m->name, sizeof p->name);
    memcpy(p->foreground, m->foreground, sizeof p->foreground);
    p->border = m->border;
    p->channels = m->channels;
    p->mul = m->mul;
    p->add = m->add;
    p->threshold = m->threshold;
    p->logit_max = m->layer[m->output].range.max;
    p->core_height = m->height;
    p->core_width = m->width;
    if (m->border == NN_HALO) {
        /* whole poolings, so that they meet image and tiles in phase 0 */
        p->halo = round_up(nn_halo_radius(m), 1 << n->max_pool);
        if (aim->height > 0)
            p->core_height = round_up(aim->height, 1 << n->max_pool);
        if (aim->width > 0)
            p->core_width = round_up(aim->width, 1 << n->max_pool);
    }
    p->params.security = aim->security == 0 ? 128 : aim->security;
}

static void totals(nn_plan *p)
{
    double limb = ldexp(1, p->params.log_n) / 8, bits = 0, special = 0;

    p->log_qp = 0;
    for (int i = 0; i < p->params.num_primes; i++)
        p->log_qp += log2((double)p->params.primes[i]);
    for (int i = 0; i <= p->in_level; i++)
        bits += ceil(log2((double)p->params.primes[i]));
    for (int i = 0; i < p->params.num_special; i++)
        special += log2((double)p->params.special[i]);
    p->log_qp += special;
    p->security_bits = ckks_security_estimate(p->params.log_n, p->log_qp);
    p->upload_bytes = nn_plan_inputs(p) * bits * limb;
    p->download_bytes = nn_plan_outputs(p) * 2
                        * ceil(log2((double)p->params.primes[0])) * limb;
    p->key_bytes = 0;
    for (size_t i = 0; i < p->num_keys; i++) {
        double row = special;

        for (int j = 0; j <= p->key[i].level; j++)
            row += log2((double)p->params.primes[j]);
        p->key_bytes += net_digits(&p->params, p->key[i].level) * row * limb;
    }
}

/* Rings to try: the one asked for, the model's, or powers of two. */
static int ring_at(int *ring_y, int *ring_x, const nn_model *m,
                   const nn_aim *aim, const net *n, int i)
{
    *ring_y = aim->ring_y > 0 ? aim->ring_y : m->ring_y;
    *ring_x = aim->ring_x > 0 ? aim->ring_x : m->ring_x;
    if (*ring_y > 0 && *ring_x > 0)
        return i == 0;
    *ring_y = *ring_x = 1 << (n->max_pool + i);
    return i < 5 && *ring_y <= 64;
}

/* Of many candidates' refusals, the one that came farthest, and of those the
 * last, speaks. */
typedef struct refusal {
    ckks_status status;
    int stage;
    char message[400];
} refusal;

static void keep_refusal(refusal *r, ckks_status st, int stage)
{
    const char *text = nn_last_error();
    size_t n = strlen(text);

    if (stage < r->stage)
        return;
    r->status = st;
    r->stage = stage;
    if (n >= sizeof r->message)
        n = sizeof r->message - 1;
    memcpy(r->message, text, n);
    r->message[n] = '\0';
}

static ckks_status search(nn_plan *best, net *n, const nn_model *m,
                          const nn_aim *aim)
{
    int first = aim->log_n > 0 ? aim->log_n : 12;
    int last = aim->log_n > 0 ? aim->log_n : 16, ry, rx;
    bool found = false;
    refusal why = { CKKS_EPARAM, -1, "no ring to try" };
    nn_plan *p = malloc(sizeof *p);

    if (p == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_make: no memory");
    for (int log_n = first; log_n <= last; log_n++)
        for (int i = 0; ring_at(&ry, &rx, m, aim, n, i); i++)
            for (size_t c = 0; c < sizeof CHOICES / sizeof *CHOICES; c++) {
                ckks_status st;
                int stage = 0;

                describe(p, n, m, aim);
                p->params.log_n = log_n;
                st = candidate(p, &stage, n, aim, CHOICES[c], ry, rx);
                if (st != CKKS_OK) {
                    keep_refusal(&why, st, stage);
                    continue;
                }
                if (!found || p->seconds < best->seconds)
                    *best = *p;
                found = true;
                break;          /* coarser choices only if this did not fit  */
            }
    free(p);
    return found ? CKKS_OK : nn_fail(why.status, "%s", why.message);
}

static bool in_range(int v, int low, int high)
{
    return v == 0 || (v >= low && v <= high);
}

static ckks_status check_aim(const nn_model *m, const nn_aim *aim)
{
    if (!in_range(aim->log_n, CKKS_MIN_LOG_N, CKKS_MAX_LOG_N))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: N = 2^%d, not 2^%d..2^%d",
                       aim->log_n, CKKS_MIN_LOG_N, CKKS_MAX_LOG_N);
    if (!in_range(aim->ring_y, 1, NN_MAX_SIDE)
        || !in_range(aim->ring_x, 1, NN_MAX_SIDE)
        || !in_range(aim->height, 1, NN_MAX_SIDE)
        || !in_range(aim->width, 1, NN_MAX_SIDE) || aim->max_batch < 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: ring %d x %d, tile %d x %d, "
                       "batch %d: sides are 1..%d", aim->ring_y, aim->ring_x,
                       aim->height, aim->width, aim->max_batch, NN_MAX_SIDE);
    if (m->border == NN_WRAP
        && ((aim->ring_y > 0 && aim->ring_y != m->ring_y)
            || (aim->ring_x > 0 && aim->ring_x != m->ring_x)))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: border wrap: the ring %d x "
                       "%d is part of the model, it cannot be %d x %d",
                       m->ring_y, m->ring_x, aim->ring_y, aim->ring_x);
    if (m->border != NN_HALO
        && ((aim->height > 0 && aim->height != m->height)
            || (aim->width > 0 && aim->width != m->width)))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: only border halo has tiles; "
                       "the model takes %d x %d, not %d x %d", m->height,
                       m->width, aim->height, aim->width);
    return CKKS_OK;
}

ckks_status nn_plan_make(nn_plan *out, const nn_model *m, const nn_aim *aim)
{
    static const nn_aim none;
    nn_plan *best;
    net n;
    ckks_status st;

    if (out == NULL || m == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_make: null pointer");
    if (aim == NULL)
        aim = &none;
    st = check_aim(m, aim);
    if (st == CKKS_OK)
        st = net_init(&n, m);
    if (st != CKKS_OK)
        return st;
    best = calloc(1, sizeof *best);
    st = best == NULL ? nn_fail(CKKS_EMEM, "nn_plan_make: no memory")
                      : net_levels(&n, CHOICES[0], NULL);
    if (st == CKKS_OK && net_depth(&n) + 1 > CKKS_MAX_PRIMES)
        st = nn_fail(CKKS_EPARAM, "nn_plan_make: depth %d, more than %d",
                     net_depth(&n), CKKS_MAX_PRIMES - 1);
    if (st == CKKS_OK)
        st = search(best, &n, m, aim);
    if (st == CKKS_OK) {
        totals(best);
        *out = *best;
    }
    free(best);
    net_clear(&n);
    return st;
}

ckks_status nn_plan_context(ckks_ctx **out, const nn_plan *p,
                            const ckks_memory *memory)
{
    ckks_params params = p->params;
    ckks_status st;

    params.kernel = NULL;
    params.memory = memory == NULL ? (ckks_memory){ 0 } : *memory;
    st = ckks_ctx_init(out, &params);
    return st == CKKS_OK ? st : nn_fail(st, "%s", ckks_last_error());
}
