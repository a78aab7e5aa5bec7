/* search.c -- of all ways to lay out a network the one that takes least time.
 *
 * Read first: plan.c, docs/12-volley.md.
 *
 * Candidates are ring degree, rings, ways to do the dense layers, sizes of
 * primes and of digits; each is laid out, priced and checked.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

/* ---- one candidate ------------------------------------------------------ */

/* How a network is laid out.  Dense layers are matrices until one gives single
 * neurons or the last has been done; the others are integer combinations. */
typedef struct shape {
    int ring_y, ring_x;
    int matrices;               /* dense layers that are matrices            */
    bool singles;               /* the last of them gives single neurons     */
} shape;

/* The primes of a depth, as sizes. */
static void choose_primes(ckks_params *q, const net *n, net_bits bits)
{
    const int depth = net_depth(n);

    q->num_primes = depth + 1;
    for (int i = 0; i <= depth; i++)
        q->primes[i] = (uint64_t)net_level_bits(n, bits, i);
}

/* The special primes that digits of alpha primes need; false: they do not fit
 * under the security limit.  *least: log2(QP) then. */
static bool choose_special(ckks_params *q, double *least, int alpha)
{
    const int limit = q->security == CKKS_INSECURE
                          ? 1 << 20 : ckks_max_log_qp(q->log_n, q->security);
    double log_q = 0, digit = 0;

    q->dnum = (q->num_primes + alpha - 1) / alpha;
    for (int i = 0; i < q->num_primes; i += alpha) {
        double sum = 0;

        for (int j = i; j < q->num_primes && j < i + alpha; j++)
            sum += (double)q->primes[j];
        digit = fmax(digit, sum);
        log_q += sum;
    }
    q->num_special = (int)ceil((digit + 1) / CKKS_SIMD_BITS);
    *least = log_q + q->num_special * (double)CKKS_SIMD_BITS;
    if (q->num_special > CKKS_MAX_SPECIAL || *least > limit)
        return false;
    for (int i = 0; i < q->num_special; i++)
        q->special[i] = CKKS_SIMD_BITS;
    return true;
}

static int round_up(int a, int b)
{
    return (a + b - 1) / b * b;
}

static int power_above(int n)
{
    int p = 1;

    while (p < n)
        p *= 2;
    return p;
}

static ckks_status choose_layout(nn_plan *p, net *n, const nn_aim *aim,
                                 const shape *as)
{
    const int ring_y = as->ring_y, ring_x = as->ring_x;
    nn_layout *l = &p->layout;
    size_t fit;

    *l = (nn_layout){ .ring_y = ring_y, .ring_x = ring_x,
                      .slots = (size_t)1 << (p->params.log_n - 1) };
    l->height = round_up(p->core_height + 2 * p->halo, ring_y);
    l->width = round_up(p->core_width + 2 * p->halo, ring_x);
    if (as->matrices > 0 && p->border == NN_VALID) {
        l->height = ring_y * power_above(l->height / ring_y);
        l->width = ring_x * power_above(l->width / ring_x);
    }
    l->grid_y = l->height / ring_y;
    l->grid_x = l->width / ring_x;
    fit = l->slots / ((size_t)l->grid_y * (size_t)l->grid_x);
    if (fit == 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: a grid of %d x %d does not "
                       "fit %zu slots; a larger ring or N would", l->grid_y,
                       l->grid_x, l->slots);
    if (p->border == NN_VALID
        && (ring_y > p->core_height || ring_x > p->core_width))
        return nn_fail(CKKS_EPARAM, "nn_plan_make: rings of %d x %d are larger "
                       "than the image, %d x %d", ring_y, ring_x,
                       p->core_height, p->core_width);
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
    l->batch = (int)fit;
    if (p->border == NN_WRAP)
        l->batch = 1;
    if (aim->max_batch > 0 && l->batch > aim->max_batch)
        l->batch = aim->max_batch;
    if (aim->images > 0 && l->batch > aim->images)
        l->batch = aim->images;
    return net_set_masks(n, l);
}

static ckks_status choose_matrices(net *n, const nn_layout *l,
                                   const shape *as)
{
    int neurons[NN_MAX_STEPS], seen = 0;

    for (int k = 0; k < n->num_stages; k++) {
        neurons[k] = 0;
        if (n->stage[k].dense && seen++ < as->matrices)
            neurons[k] = as->singles && seen == as->matrices
                             ? 1 : n->stage[k].channels;
    }
    return net_matrix_set(n, l, neurons);
}

/* What is compared: the seconds of one set, of all sets, or of one image of
 * many. */
static double worth_of(const nn_plan *p, const nn_aim *aim)
{
    const double again = p->seconds - p->fresh_seconds;
    const int batch = p->layout.batch;

    if (aim->images == 0)
        return p->seconds;
    if (aim->images == NN_MANY)
        return again / batch;
    return p->fresh_seconds
           + again * ((aim->images + batch - 1) / batch);
}

static ckks_status resolve(nn_plan *p, net *n, net_bits bits)
{
    ckks_status st = ckks_params_resolve(&p->params, &p->params);

    if (st != CKKS_OK)
        return nn_fail(st, "nn_plan_make: %s", ckks_last_error());
    st = net_levels(n, bits, p->params.primes);
    p->in_level = n->image.level;
    p->in_scale = n->image.scale;
    p->scale_bits = bits.scale;
    p->out_level = bits.out;
    p->out_scale = n->stage[n->num_stages - 1].value_scale;
    p->out_gap = n->stage[n->num_stages - 1].gap;
    p->out_channels = n->stage[n->num_stages - 1].channels;
    p->out_neurons = n->stage[n->num_stages - 1].neurons;
    p->out_column = n->stage[n->num_stages - 1].column;
    return st;
}

typedef struct search {
    const nn_model *model;
    const nn_aim *aim;
    const nn_machine *machine;  /* by whose costs it is decided              */
    const nn_plan *blank;       /* what all have in common                   */
    net *n;
    double worth;               /* of the best plan so far                   */
} search;

/* Digits chosen: primes, levels, price, memory.  What is chosen is what is best
 * on one thread, so that it does not depend on their number.  *stage: as in
 * candidate. */
static ckks_status finish(nn_plan *p, int *stage, const search *with,
                          net_bits bits)
{
    const size_t most = with->aim->max_memory;
    ckks_status st = resolve(p, with->n, bits);

    if (st == CKKS_OK)
        st = net_price(p, with->n, true, with->machine, 1);
    if (st == CKKS_OK && most > 0 && with->aim->threads > 1)
        st = net_price(p, with->n, false, with->machine, with->aim->threads);
    if (st == CKKS_OK && most > 0 && p->peak_bytes > (double)most) {
        *stage = 3;
        st = nn_fail(CKKS_EPARAM, "nn_plan_make: needs %.0f MiB, allowed are "
                     "%.0f", p->peak_bytes / 1048576,
                     (double)most / 1048576);
    }
    return st;
}

/* More digits make larger keys: they must save more time than the predictions
 * are sure of. */
static const double WORTH = 0.95;

/* Lays out p and tries every size of digits; *best is the fastest of them.
 * *stage: how far it came, 4 is all the way. */
static ckks_status candidate(nn_plan *best, nn_plan *p, int *stage,
                             const search *with, net_bits bits,
                             const shape *as)
{
    ckks_status st = choose_layout(p, with->n, with->aim, as);
    ckks_status why = CKKS_EPARAM;
    const nn_plan laid = *p;
    bool found = false;
    double least = 0;
    int primes;

    if (st == CKKS_OK)
        st = choose_matrices(with->n, &p->layout, as);
    if (st == CKKS_OK)
        st = net_levels(with->n, bits, NULL);
    if (st != CKKS_OK)
        return st;
    primes = net_depth(with->n) + 1;
    *stage = 1;
    if (primes > CKKS_MAX_PRIMES)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: depth %d, more than %d",
                       primes - 1, CKKS_MAX_PRIMES - 1);
    for (int dnum = 1, alpha = 0; dnum <= primes; dnum++) {
        const int before = alpha;

        alpha = (primes + dnum - 1) / dnum;
        if (alpha == before)
            continue;
        *p = laid;
        choose_primes(&p->params, with->n, bits);
        if (!choose_special(&p->params, &least, alpha))
            continue;
        *stage = *stage < 2 ? 2 : *stage;
        st = finish(p, stage, with, bits);
        if (st == CKKS_OK
            && (worth_of(p, with->aim) > 1.5 * with->worth
                || (found && p->seconds > best->seconds))) {
            if (!found)
                *best = *p;
            return CKKS_OK;     /* smaller digits will not make up for it    */
        }
        if (st == CKKS_OK && (!found || p->seconds < WORTH * best->seconds))
            *best = *p;
        found |= st == CKKS_OK;
        why = st;
    }
    if (*stage == 1)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: depth %d with primes of %d "
                       "bits needs log2(QP) %.0f; at N = 2^%d and %d bits of "
                       "security it may be %d", primes - 1, bits.layer, least,
                       laid.params.log_n, laid.params.security,
                       ckks_max_log_qp(laid.params.log_n,
                                       laid.params.security));
    return found ? CKKS_OK : why;
}

/* ---- the search --------------------------------------------------------- */

enum { MAX_RINGS = 64 };
static const double NONE = 1e300;       /* worth of no plan                  */

/* Bits go to the weights before they go to the scale (docs/09-noise.md).  A
 * base prime of 47 bits does with one special prime where digits are single
 * primes, and lets small networks have a smaller N.  Where the error would be
 * too large -- a shallow network whose weights amplify it -- the scale comes
 * first, and logits keep a second prime. */
static const net_bits CHOICES[] = {
    { 49, 47, 21, 0, 0 }, { 47, 47, 21, 0, 0 }, { 47, 47, 27, 0, 0 },
    { 47, 47, 27, 1, 0 }, { 47, 47, 31, 1, 0 }, { 47, 47, 35, 1, 0 },
    { 49, 44, 20, 0, 0 }, { 47, 44, 20, 0, 0 }, { 49, 40, 20, 0, 0 },
    { 47, 40, 20, 0, 0 }, { 49, 38, 18, 0, 0 }
};

/* What the error of the logits may be of their size: of a mask, whose pixels
 * may differ here and there; of classes, whose largest two seldom lie close;
 * of one logit, which may lie anywhere beside its threshold. */
static const double PRECISION_MASK = 0.02, PRECISION_CLASSES = 0.002,
                    PRECISION_LOGIT = 0.0005;

/* Rings to try: the one asked for, the model's, or powers of two from that on
 * which takes no gaps; of images of one size, from 1 on, divisors of the sides
 * too, and one pixel a ciphertext. */
static int rings_to_try(shape out[MAX_RINGS], const nn_model *m,
                        const nn_aim *aim, const net *n)
{
    const bool sized = m->border == NN_VALID || m->border == NN_ZERO;
    const int y = aim->ring_y > 0 ? aim->ring_y : m->ring_y;
    const int x = aim->ring_x > 0 ? aim->ring_x : m->ring_x;
    const int side = m->height < m->width ? m->height : m->width;
    int count = 0;

    if (y > 0 && x > 0) {
        out[0] = (shape){ y, x, 0, false };
        return 1;
    }
    for (int r = sized ? 1 : n->max_gap; r <= (sized ? side : 64); r++) {
        const bool divides = m->height % r == 0 && m->width % r == 0;

        if (((r & (r - 1)) == 0 || (sized && divides))
            && (sized || r < n->max_gap << 5) && count < MAX_RINGS - 1)
            out[count++] = (shape){ r, r, 0, false };
    }
    if (m->border == NN_VALID && m->height != m->width)
        out[count++] = (shape){ m->height, m->width, 0, false };
    return count;
}

/* Ways to do the dense layers: number `way` of a net with so many.  0: terms;
 * to `dense`: the last of so many gives single neurons; then: matrices all. */
static bool way_at(shape *as, int dense, int way)
{
    as->matrices = way <= dense ? way : dense;
    as->singles = way <= dense && way > 0;
    return way == 0 || (dense > 0 && way <= dense + 1);
}

static bool wanted(nn_dense_form form, const shape *as)
{
    switch (form) {
    case NN_DENSE_TERMS:
        return as->matrices == 0;
    case NN_DENSE_MATRIX:
        return as->matrices > 0 && !as->singles;
    case NN_DENSE_SINGLE:
        return as->matrices == 1 && as->singles;
    default:
        return true;
    }
}

static int count_dense(const net *n)
{
    int count = 0;

    for (int k = 0; k < n->num_stages; k++)
        count += n->stage[k].dense;
    return count;
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

/* With many images a ciphertext the same work can be done in few large sets or
 * many small ones: memory must be worth something. */
static const double WORTH_MEMORY = 0.75;

static bool more_memory(const nn_plan *p, const nn_plan *best,
                        const nn_aim *aim)
{
    return aim->images > 1 && p->peak_bytes > 2 * best->peak_bytes;
}

/* Times that the error is larger than it may be; 1 if it is not. */
static double excess(const nn_plan *p, const nn_model *m)
{
    const nn_layer *out = &m->layer[m->output];
    const double share = m->num_classes == 0 ? PRECISION_MASK
                         : out->channels > 1 ? PRECISION_CLASSES
                                             : PRECISION_LOGIT;
    const double may = share * out->range.rms;

    return may > 0 && p->error_sd > may ? p->error_sd / may : 1;
}

/* The first bits that fit this shape and are precise enough, if it is better
 * than the best; those that are not count as slower by as much. */
static void try_shape(nn_plan plan[3], refusal *why, search *with, int log_n,
                      const shape *as)
{
    for (size_t c = 0; c < sizeof CHOICES / sizeof *CHOICES; c++) {
        const int bits = with->aim->layer_bits;
        double worth;
        ckks_status st;
        int stage = 0;

        if (bits > 0 && bits != CHOICES[c].layer)
            continue;
        plan[2] = *with->blank;
        plan[2].params.log_n = log_n;
        st = candidate(&plan[1], &plan[2], &stage, with, CHOICES[c], as);
        if (st != CKKS_OK) {
            keep_refusal(why, st, stage);
            continue;
        }
        worth = worth_of(&plan[1], with->aim) * excess(&plan[1], with->model);
        if (worth
            < (more_memory(&plan[1], plan, with->aim) ? WORTH_MEMORY : 1)
                  * with->worth) {
            plan[0] = plan[1];
            with->worth = worth;
        }
        if (excess(&plan[1], with->model) <= 1)
            return;
    }
}

/* Three plans: the best, the best of one candidate, the one at work. */
static ckks_status find_best(nn_plan plan[3], search *with)
{
    const nn_aim *aim = with->aim;
    int first = aim->log_n > 0 ? aim->log_n : 12;
    int last = aim->log_n > 0 ? aim->log_n : 16;
    shape ring[MAX_RINGS];
    const int rings = rings_to_try(ring, with->model, aim, with->n);
    const int dense = count_dense(with->n);
    refusal why = { CKKS_EPARAM, -1, "no ring to try" };

    for (int log_n = first; log_n <= last; log_n++)
        for (int i = 0; i < rings; i++)
            for (int way = 0; way_at(&ring[i], dense, way); way++)
                if (wanted(aim->dense, &ring[i]))
                    try_shape(plan, &why, with, log_n, &ring[i]);
    return with->worth < NONE ? CKKS_OK
                              : nn_fail(why.status, "%s", why.message);
}

ckks_status net_search(nn_plan *out, net *n, const nn_plan *blank,
                       const nn_model *m, const nn_aim *aim,
                       const nn_machine *machine)
{
    nn_plan *plan = calloc(3, sizeof *plan);
    search with = { m, aim, machine, blank, n, NONE };
    ckks_status st;

    if (plan == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_make: no memory");
    st = find_best(plan, &with);
    if (st == CKKS_OK)
        *out = *plan;
    free(plan);
    return st;
}
