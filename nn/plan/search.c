/* search.c -- of all ways to lay out a network the one that takes least time.
 *
 * Read first: plan.c, search.h, docs/12-volley.md.
 *
 * Candidates are ring degree, rings, ways to do the dense layers, sizes of
 * primes and of digits; each is laid out, priced and checked (candidate.c).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/search.h"
#include "plan/worth.h"

enum { MAX_RINGS = 128, MOST_RING = 64 };

/* Bits go to the weights before they go to the scale (docs/09-noise.md).  A
 * base prime of 47 bits does with one special prime where digits are single
 * primes, and lets small networks have a smaller N.  Where the error would be
 * too large -- a shallow network whose weights amplify it -- the scale comes
 * first, and logits keep a second prime. */
static const nni_bits CHOICES[] = {
    { 49, 47, 21, 0, 0 }, { 47, 47, 21, 0, 0 }, { 47, 47, 27, 0, 0 },
    { 47, 47, 27, 1, 0 }, { 47, 47, 31, 1, 0 }, { 47, 47, 35, 1, 0 },
    { 49, 44, 20, 0, 0 }, { 47, 44, 20, 0, 0 }, { 49, 40, 20, 0, 0 },
    { 47, 40, 20, 0, 0 }, { 49, 38, 18, 0, 0 }
};

/* The real ring's noise is larger by a bit and a half (docs/09-noise.md): a bit
 * more of scale, in primes a bit larger. */
static nni_bits bits_of(nni_bits b, bool real)
{
    b.layer += real;
    b.scale += real;
    return b;
}

/* Adds rings of ciphertexts, over both rings of polynomials if they are
 * allowed. */
static void add_ring(nni_way *out, int *count, int y, int x, nn_slots slots)
{
    for (int real = 0; real < 2 && *count < MAX_RINGS; real++)
        if (slots == NN_SLOTS_ANY || (slots == NN_SLOTS_REAL) == real)
            out[(*count)++] = (nni_way){ .ring_y = y, .ring_x = x,
                                         .real = real };
}

/* Rings to try: the one asked for, the model's, or powers of two from that on
 * which takes no gaps; of images of one size, from 1 on, divisors of the sides
 * too, and one pixel a ciphertext (under zero with its margin), if that is not
 * very many ciphertexts.  Real slots are twice as many: half the columns, too,
 * whose pixels then may lie in every other slot (terms.c). */
static int rings_to_try(nni_way out[MAX_RINGS], int count, const nn_model *m,
                        const nn_aim *aim, const net *n)
{
    const bool sized = m->border == NN_VALID || m->border == NN_ZERO;
    const int y = aim->ring_y > 0 ? aim->ring_y : m->ring_y;
    const int x = aim->ring_x > 0 ? aim->ring_x : m->ring_x;
    const int side = m->height < m->width ? m->height : m->width;
    const int most = m->border == NN_VALID || (sized && side < MOST_RING)
                         ? side : MOST_RING;
    /* The smaller ring first: what takes longer is then soon given up.  Where
     * memory counts beside time (more_memory) the order decides with it. */
    const bool first = aim->images <= 1;

    if (y > 0 && x > 0) {
        add_ring(out, &count, y, x, aim->slots);
        if (aim->ring_x == 0 && x % 2 == 0
            && aim->slots != NN_SLOTS_COMPLEX)
            add_ring(out, &count, y, x / 2, NN_SLOTS_REAL);
        return count;
    }
    for (int r = sized ? 1 : n->max_gap; r <= most; r++) {
        const bool divides = m->height % r == 0 && m->width % r == 0;
        bool halved;

        if (((r & (r - 1)) != 0 && !(sized && divides))
            || (!sized && r >= n->max_gap << 5))
            continue;
        halved = m->border != NN_VALID && r % 2 == 0
                 && aim->slots != NN_SLOTS_COMPLEX;
        if (halved && first)
            add_ring(out, &count, r, r / 2, NN_SLOTS_REAL);
        add_ring(out, &count, r, r, aim->slots);
        if (halved && !first)
            add_ring(out, &count, r, r / 2, NN_SLOTS_REAL);
    }
    if (m->border == NN_VALID && m->height != m->width)
        add_ring(out, &count, m->height, m->width, aim->slots);
    if (m->border == NN_ZERO && m->height + n->margin <= MOST_RING
        && m->width + n->margin <= MOST_RING)
        add_ring(out, &count, m->height + n->margin, m->width + n->margin,
                 aim->slots);
    return count;
}

/* Where one image is planned for, rings of one column that take all gaps of
 * the rows, whose columns then hold channels. */
static int lanes_to_try(nni_way *out, const nn_model *m, const nn_aim *aim,
                        const net *n)
{
    const int y = aim->ring_y > 0 ? aim->ring_y : m->ring_y;
    int count = 0;

    if (aim->lanes == NN_LANES_NEVER
        || (aim->lanes == NN_LANES_ANY
            && (aim->images < 1 || aim->images == NN_MANY))
        || n->max_gap < 2 || (m->border != NN_HALO && m->border != NN_WRAP)
        || aim->slots == NN_SLOTS_COMPLEX || aim->ring_x > 1)
        return count;
    for (int r = n->max_gap; r <= 4 * n->max_gap && r <= MOST_RING; r *= 2)
        if (y == 0 || r == y)
            out[count++] = (nni_way){ .ring_y = r, .ring_x = 1, .real = true,
                                      .lanes = true };
    return count;
}

/* Ways to do the dense layers: number `way` of a net with so many.  0: terms;
 * to `dense`: the last of so many gives single neurons; then: matrices all. */
static bool way_at(nni_way *as, int dense, int way)
{
    as->matrices = way <= dense ? way : dense;
    as->singles = way <= dense && way > 0;
    return way == 0 || (dense > 0 && way <= dense + 1);
}

static bool wanted(nn_dense_form form, const nni_way *as)
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

/* Whether a plan takes about twice the memory, where that must be worth
 * something: with many images the same work can be done in few large sets or
 * many small ones. */
static bool more_memory(const nn_plan *p, const nn_plan *best,
                        const nn_aim *aim)
{
    return aim->images > 1 && p->peak_bytes > 1.9 * best->peak_bytes;
}

/* The first bits that fit this way and are precise enough, if it is better
 * than the best; those that are not count as slower by as much.
 *   errors  CKKS_EMEM: no plan may depend on what was left out for want of
 *           memory */
static ckks_status try_way(nn_plan plan[3], refusal *why,
                           nni_search_state *with, int log_n,
                           const nni_way *as)
{
    with->num_priced = 0;
    nni_maps_clear(&with->maps);
    for (size_t c = 0; c < sizeof CHOICES / sizeof *CHOICES; c++) {
        const int bits = with->aim->layer_bits;
        double worth;
        ckks_status st;
        int stage = 0;

        if (bits > 0 && bits != CHOICES[c].layer)
            continue;
        plan[2] = *with->blank;
        plan[2].params.log_n = log_n;
        st = nni_candidate(&plan[1], &plan[2], &stage, with,
                           bits_of(CHOICES[c], as->real), as);
        if (st == CKKS_EMEM)
            return st;
        if (st != CKKS_OK) {
            keep_refusal(why, st, stage);
            if (with->hopeless)
                return CKKS_OK;
            continue;
        }
        worth = nni_worth(&plan[1], with->aim)
                * nni_excess(&plan[1], with->model)
                * nni_coarse(&plan[1], with->model);
        if (worth
            < (more_memory(&plan[1], plan, with->aim) ? NNI_WORTH_MEMORY : 1)
                  * with->worth) {
            plan[0] = plan[1];
            with->worth = worth;
        }
        if (nni_excess(&plan[1], with->model) <= 1
            && plan[1].params.dnum <= NNI_WORTH_DIGITS_FEW)
            return CKKS_OK;
    }
    return CKKS_OK;
}

/* Nothing fits.  With a scratch file not every way to fill it is tried. */
static ckks_status refuse_memory(const nni_search_state *with)
{
    const double most = (double)with->aim->max_memory / 1048576;
    const double least = ceil(with->least_bytes / 1048576);

    if (with->aim->max_scratch > 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: no plan was found within "
                       "%.0f MiB of memory and a scratch file of %.0f; the "
                       "smallest that was tried needs %.0f MiB of memory",
                       most, (double)with->aim->max_scratch / 1048576, least);
    return nn_fail(CKKS_EPARAM, "nn_plan_make: the least memory that a plan of "
                   "this network needs is %.0f MiB, allowed are %.0f", least,
                   most);
}

/* All ways.  Three plans: the best, the best of one candidate, the one at
 * work. */
static ckks_status try_ways(nn_plan plan[3], refusal *why,
                            nni_search_state *with)
{
    const nn_aim *aim = with->aim;
    int first = aim->log_n > 0 ? aim->log_n : 12;
    int last = aim->log_n > 0 ? aim->log_n : 16;
    nni_way ring[MAX_RINGS];
    /* those that are likely the best first: they rule out others */
    const int lanes = lanes_to_try(ring, with->model, aim, with->net);
    const int rings = aim->lanes == NN_LANES_ALWAYS
                          ? lanes : rings_to_try(ring, lanes, with->model, aim,
                                                 with->net);
    const int dense = count_dense(with->net);

    for (int log_n = first; log_n <= last; log_n++)
        for (int i = 0; i < rings; i++)
            for (int way = 0; way_at(&ring[i], dense, way); way++)
                if (wanted(aim->dense, &ring[i])) {
                    ckks_status st = try_way(plan, why, with, log_n,
                                             &ring[i]);

                    if (st != CKKS_OK)
                        return st;
                }
    return CKKS_OK;
}

/* Where nothing fits, the least memory that would do is looked for. */
static ckks_status find_best(nn_plan plan[3], nni_search_state *with)
{
    refusal why = { CKKS_EPARAM, -1, "no ring to try" };
    ckks_status st;

    with->worth = with->least_bytes = HUGE_VAL;
    with->too_large = false;
    st = try_ways(plan, &why, with);
    if (st == CKKS_OK && with->worth == HUGE_VAL && with->too_large) {
        with->seeking = true;
        with->least_bytes = HUGE_VAL;
        st = try_ways(plan, &why, with);
    }
    if (st != CKKS_OK || with->worth < HUGE_VAL)
        return st;
    if (with->least_bytes < HUGE_VAL)
        return refuse_memory(with);
    return nn_fail(why.status, "%s", why.message);
}

/* Whether a plan that was made without a limit fits it. */
static ckks_status fits_anyway(bool *out, const nn_plan *p,
                               nni_search_state *with)
{
    const double most = (double)with->aim->max_memory;
    nn_plan *copy = malloc(sizeof *copy);
    nni_placed placed;
    ckks_status st;

    if (copy == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_make: no memory");
    *copy = *p;
    nni_maps_clear(&with->maps);
    st = nni_place_plan(&placed, with->net, p);
    if (st == CKKS_OK) {
        st = nni_lay_out(copy, &placed, &with->maps, &with->widest,
                         with->aim->threads, most, NULL);
        nni_placed_clear(&placed);
    }
    *out = copy->peak_bytes <= most;
    free(copy);
    return st;
}

/* Where memory is limited the plan without a limit comes first: if it fits, it
 * is the one, and else its error is what the other one's is compared with. */
static ckks_status search(nn_plan plan[3], nni_search_state *with)
{
    const nn_aim *aim = with->aim;
    nn_aim free_aim = *aim;
    bool fits = true;
    double error;
    ckks_status st;

    free_aim.max_memory = 0;
    with->aim = &free_aim;
    st = find_best(plan, with);
    with->aim = aim;
    if (st != CKKS_OK || aim->max_memory == 0)
        return st;
    error = plan->error_sd;
    st = fits_anyway(&fits, plan, with);
    if (st == CKKS_OK && !fits)
        st = find_best(plan, with);
    if (st == CKKS_OK && plan->scratch > 0)
        st = nni_finer_file(plan, with);
    plan->free_error_sd = error;
    return st;
}

ckks_status nni_search(nn_plan *out, const net *n, const nn_plan *blank,
                       const nn_model *m, const nn_aim *aim,
                       const nn_machine *machine)
{
    nn_plan *plan = calloc(3, sizeof *plan);
    nni_search_state with = { .model = m, .aim = aim, .machine = machine,
                              .blank = blank, .net = n };
    ckks_status st;

    with.priced = calloc(NNI_PRICED, sizeof *with.priced);
    with.found = calloc(NNI_FOUND, sizeof *with.found);
    with.lost = calloc(NNI_FOUND, sizeof *with.lost);
    if (plan == NULL || with.priced == NULL || with.found == NULL
        || with.lost == NULL)
        st = nn_fail(CKKS_EMEM, "nn_plan_make: no memory");
    else
        st = nn_machine_default(&with.widest, "avx512ifma");
    if (st == CKKS_OK)
        st = search(plan, &with);
    if (st == CKKS_OK)
        *out = *plan;
    nni_maps_clear(&with.maps);
    free(with.found);
    free(with.lost);
    free(with.priced);
    free(plan);
    return st;
}
