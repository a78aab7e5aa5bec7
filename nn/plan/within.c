/* within.c -- a candidate's price, and whether it fits the memory that there
 * is: by what is rotated, by what goes to the scratch file.
 *
 * Read first: search.h, price.h.
 *
 * What is cheap comes first: bounds, then a price, and memory is laid out only
 * for plans that would be taken if they fit.
 */
#include <math.h>
#include <stdlib.h>

#include "plan/search.h"
#include "plan/worth.h"

enum { SMALLEST_PART = 64 };    /* of the memory, a form that is filed       */

static bool fits(const nn_plan *p, const nn_aim *aim)
{
    return aim->max_memory == 0
           || (p->peak_bytes <= (double)aim->max_memory
               && p->scratch_bytes <= (double)aim->max_scratch);
}

static ckks_status check_memory(const nn_plan *p, nni_search_state *with)
{
    const double most = (double)with->aim->max_memory;
    const double keys = nni_base_bytes(p, &with->widest);
    const double enough = with->seeking ? with->least_bytes : most;

    if (fits(p, with->aim))
        return CKKS_OK;
    if (p->peak_bytes <= most)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: needs a scratch file of "
                       "%.0f MiB, allowed are %.0f",
                       ceil(p->scratch_bytes / 1048576),
                       (double)with->aim->max_scratch / 1048576);
    /* other primes and digits make other keys, and hardly anything else */
    with->hopeless = p->peak_bytes - keys > most
                     && p->peak_bytes - 0.75 * keys >= enough;
    with->too_large = true;
    return nn_fail(CKKS_EPARAM, "nn_plan_make: needs %.0f MiB, allowed are "
                   "%.0f", ceil(p->peak_bytes / 1048576), most / 1048576);
}

/* Beyond what a plan is of no interest: more seconds than what is best has, by
 * its error at least; bytes that there are not. */
static nni_bound bound_of(const nn_plan *p, const nni_search_state *with)
{
    const double limit = with->aim->max_memory == 0
                             ? HUGE_VAL : (double)with->aim->max_memory;

    if (with->seeking)
        return (nni_bound){ HUGE_VAL, with->least_bytes, 0 };
    return (nni_bound){ fmin(with->enough,
                             nni_seconds_left(p, with->worth, with->aim,
                                              with->model)), limit, limit };
}

static bool too_slow(const nn_plan *p, const nni_bound *bound)
{
    return p->seconds - p->fresh_seconds > bound->seconds;
}

/* Whether a priced plan is not taken, even if it fits. */
static bool loses(const nn_plan *p, const nni_bound *bound,
                  const nni_search_state *with)
{
    return too_slow(p, bound)
           || (!with->seeking
               && !(p->seconds < with->enough
                    && nni_worth(p, with->aim) * nni_excess(p, with->model)
                        * nni_coarse(p, with->model) < with->worth));
}

/* Threads take no less than their share of one's seconds. */
static ckks_status price(nn_plan *p, const nni_placed *placed,
                         const nni_bound *bound, nni_search_state *with)
{
    const nn_aim *aim = with->aim;
    const bool more = aim->max_memory > 0 && aim->threads > 1;
    nni_bound one = *bound;
    ckks_status st;

    one.seconds *= more ? aim->threads : 1;
    st = nni_price(p, placed, &with->maps, true, with->machine, 1, &one);
    if (st == CKKS_OK && more && !too_slow(p, &one)
        && p->peak_bytes <= bound->bytes)
        st = nni_price(p, placed, &with->maps, false, with->machine,
                       aim->threads, bound);
    return st;
}

/* Price, and where memory counts the bytes as they are laid out. */
static ckks_status price_anew(nn_plan *p, const nni_placed *placed,
                              const nni_bound *bound, nni_search_state *with)
{
    const bool limited = with->aim->max_memory > 0;
    ckks_status st = price(p, placed, bound, with);
    bool beyond, lay;

    if (st != CKKS_OK)
        return st;
    beyond = too_slow(p, bound) || p->peak_bytes > bound->bytes;
    lay = limited && !beyond && !loses(p, bound, with);
    if (lay)
        st = nni_lay_out(p, placed, &with->maps, &with->widest,
                         with->aim->threads, bound->bytes, NULL);
    with->laid = lay;
    if (st == CKKS_OK && (beyond || lay || !limited))
        nni_remember(p, bound, beyond, with);
    return st;
}

static ckks_status price_known(nn_plan *p, const nni_placed *placed,
                               const nni_bound *bound, nni_search_state *with)
{
    ckks_status st = CKKS_OK;

    if (!nni_recall(p, placed, bound, with))
        st = price_anew(p, placed, bound, with);
    with->slow = st == CKKS_OK && loses(p, bound, with);
    return st == CKKS_OK ? nni_check_error(p, with->model) : st;
}

/* Remembers what a plan needs that was laid out. */
static void note_bytes(const nn_plan *p, nni_search_state *with)
{
    if (with->laid && p->scratch_bytes <= (double)with->aim->max_scratch)
        with->least_bytes = fmin(with->least_bytes, p->peak_bytes);
}

/* Skips go to the scratch file, and the largest forms, until the rest fits. */
static ckks_status use_scratch(nn_plan *p, nni_placed *placed,
                               nni_search_state *with)
{
    const int memory = (int)(with->aim->max_memory >> 20);
    ckks_status st = CKKS_OK;

    for (int part = 2; part <= SMALLEST_PART && st == CKKS_OK
                       && !fits(p, with->aim); part += (part + 1) / 2) {
        const nni_bound bound = bound_of(p, with);

        p->scratch = memory / part > 0 ? memory / part : 1;
        if (!nni_set_filed(placed, p->scratch))
            continue;
        if (nni_file_bytes(placed) > (double)with->aim->max_scratch)
            return st;
        st = price_known(p, placed, &bound, with);
        if (st == CKKS_OK)
            note_bytes(p, with);
    }
    return st;
}

ckks_status nni_price_within(nn_plan *p, nni_placed *placed,
                             nni_search_state *with)
{
    nni_bound bound;
    ckks_status st;

    (void)nni_set_filed(placed, p->scratch);
    p->error_sd = nni_logit_error(placed, p);   /* nothing is rotated yet    */
    bound = bound_of(p, with);
    st = price_known(p, placed, &bound, with);
    if (st == CKKS_OK)
        note_bytes(p, with);
    /* what does not fit as it lies, though it seemed to while it was priced, is
     * tried once more with less memory everywhere */
    if (st == CKKS_OK && !fits(p, with->aim) && with->laid
        && bound.limit > 0) {
        bound.limit = 0;
        st = price_known(p, placed, &bound, with);
        if (st == CKKS_OK)
            note_bytes(p, with);
    }
    if (st == CKKS_OK && !fits(p, with->aim) && with->aim->max_scratch > 0)
        st = use_scratch(p, placed, with);
    return st == CKKS_OK && !with->slow ? check_memory(p, with) : st;
}

/* The plan at work with so many MiB of each form in memory. */
static ckks_status try_part(nn_plan *p, int part, nni_placed *placed,
                            nni_search_state *with)
{
    const double most = (double)with->aim->max_memory;
    const nni_bound bound = { p->seconds - p->fresh_seconds, most, most };
    ckks_status st;

    p->scratch = part;
    (void)nni_set_filed(placed, part);
    p->error_sd = nni_logit_error(placed, p);
    st = price(p, placed, &bound, with);
    if (st == CKKS_OK)
        st = nni_lay_out(p, placed, &with->maps, &with->widest,
                         with->aim->threads, most, NULL);
    return st;
}

ckks_status nni_finer_file(nn_plan *best, nni_search_state *with)
{
    enum { TIMES = 4 };
    int low = best->scratch, high = 2 * low;
    nn_plan *p = malloc(sizeof *p);
    nni_placed placed;
    ckks_status st;

    if (p == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_make: no memory");
    nni_maps_clear(&with->maps);
    st = nni_place_plan(&placed, with->net, best);
    if (st != CKKS_OK) {
        free(p);
        return st;
    }
    for (int i = 0; i < TIMES && high - low > 1 && st == CKKS_OK; i++) {
        const int part = low + (high - low) / 2;

        *p = *best;
        st = try_part(p, part, &placed, with);
        if (st == CKKS_OK && fits(p, with->aim)) {
            low = part;
            /* what was given up as too slow has not all its seconds yet, but
             * more than these */
            if (p->seconds - p->fresh_seconds
                    < best->seconds - best->fresh_seconds)
                *best = *p;
        } else {
            high = part;
        }
    }
    nni_placed_clear(&placed);
    free(p);
    return st;
}
