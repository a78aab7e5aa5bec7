/* keys.c -- the keys of a plan: which, and what they take while it runs.
 *
 * Read first: price.h, stage/keys.h.
 */
#include <string.h>

#include "plan/price.h"
#include "plan/worth.h"

ckks_status nni_list_keys(nn_plan *p, const nni_placed *placed,
                          nni_maps *maps)
{
    const nni_keys *all = &maps->held.all;

    p->num_keys = 0;
    if (maps->held.level == NULL || maps->out != placed->bits.out) {
        ckks_status st;

        nni_held_clear(&maps->held);
        st = nni_held_init(&maps->held, placed, maps->map);
        if (st != CKKS_OK)
            return st;
        maps->out = placed->bits.out;
    }
    p->num_keys = all->count;
    memcpy(p->key, all->key, all->count * sizeof *p->key);
    return CKKS_OK;
}

/* ---- bytes --------------------------------------------------------------- */

/* A key's limbs in memory at a level. */
static double limb_bytes(const nni_figures *f, int level)
{
    const int primes = f->params->num_primes;
    double rows = 0;

    for (int i = 0; i < primes + f->params->num_special; i++)
        rows += i <= level || i >= primes ? nni_key_row(f, i) : 0;
    return 2.0 * nni_digits(f, level) * rows;
}

/* Its permutation and the inverse of that, half a limb each. */
static double turn_bytes(const nni_figures *f, const ckks_key_request *key)
{
    return key->kind == CKKS_KEY_RELIN ? 0 : f->limb;
}

double nni_keys_bytes(const ckks_params *q, const ckks_key_request *key,
                      size_t n)
{
    const nni_figures f = nni_figures_of(q);
    double bytes = 0;

    for (size_t i = 0; i < n; i++)
        bytes += limb_bytes(&f, key[i].level) + turn_bytes(&f, &key[i]);
    return bytes;
}

bool nni_keys_by_stage(const nn_plan *p)
{
    double switchings = 0;

    for (int k = 0; k < p->num_steps; k++)
        switchings += (double)(p->step[k].rotations + p->step[k].relins);
    return (double)p->num_keys <= NNI_WORTH_KEYS * switchings;
}

/* ---- as they come and go ------------------------------------------------- */

static void leave(nni_count *c, nni_key_places *at, size_t i,
                  const ckks_key_request *key)
{
    nni_count_give(c, at->limb[i], limb_bytes(&c->figures, at->level[i]));
    nni_count_give(c, at->turn[i], turn_bytes(&c->figures, key));
    at->level[i] = -1;
}

static void shrink(nni_count *c, nni_key_places *at, size_t i, int level)
{
    const size_t old = at->limb[i];

    nni_count_take(c, &at->limb[i], limb_bytes(&c->figures, level));
    nni_count_give(c, old, limb_bytes(&c->figures, at->level[i]));
    at->level[i] = level;
}

static void come(nni_count *c, nni_key_places *at, size_t i,
                 const ckks_key_request *key, int level)
{
    nni_count_take(c, &at->limb[i], limb_bytes(&c->figures, level));
    nni_count_take(c, &at->turn[i], turn_bytes(&c->figures, key));
    at->level[i] = level;
}

void nni_count_hold(nni_count *c, nni_key_places *at, const nni_held *held,
                    int k)
{
    const nni_keys *all = &held->all;
    const int8_t *level = held->level + (size_t)k * all->count;

    for (size_t i = 0; i < all->count; i++)
        if (at->level[i] >= 0 && (level[i] < 0 || level[i] > at->level[i]))
            leave(c, at, i, &all->key[i]);
    for (size_t i = 0; i < all->count; i++)
        if (level[i] < at->level[i])
            shrink(c, at, i, level[i]);
    for (size_t i = 0; i < all->count; i++)
        if (level[i] > at->level[i])
            come(c, at, i, &all->key[i], level[i]);
}
