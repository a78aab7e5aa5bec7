/* keys.c -- which keys stages need, and which of them are in memory while each
 * stage runs.
 *
 * Read first: keys.h, map.h, matrix.h.
 */
#include "stage/keys.h"

#include <stdlib.h>
#include <string.h>

#include "stage/lanes.h"
#include "stage/matrix.h"

/* ---- what a stage needs -------------------------------------------------- */

static ckks_status want_key(nni_keys *out, const char *name, ckks_key_kind kind,
                            int step, int level)
{
    for (size_t i = 0; i < out->count; i++)
        if (out->key[i].kind == kind && out->key[i].step == step) {
            if (level > out->key[i].level)
                out->key[i].level = level;
            return CKKS_OK;
        }
    if (out->count == NN_MAX_KEYS)
        return nn_fail(CKKS_EPARAM, "%s: more than %d keys", name,
                       NN_MAX_KEYS);
    out->key[out->count++] = (ckks_key_request){ kind, step, level };
    return CKKS_OK;
}

/* Of means that are sums of rotated ciphertexts. */
static ckks_status means_keys(nni_keys *out, const char *name,
                              const nn_layout *l, const nni_stage *s,
                              const nni_out *o)
{
    const nni_size size = nni_stage_size(s);
    ckks_status st = CKKS_OK;
    nni_turn turn[4];

    for (int turned = 0; turned < nni_turns(&size, o->pool, l); turned++) {
        const nni_means before = nni_means_after(&size, o->pool, l, turned);
        const nni_means after = nni_means_after(&size, o->pool, l,
                                                turned + 1);

        for (int to = 0; to < nni_means_phases(&after, l); to++)
            for (int i = nni_mean_turns(turn, l, &before, &after, to) - 1;
                 i >= 0 && st == CKKS_OK; i--)
                if (turn[i].step != 0)
                    st = want_key(out, name, CKKS_KEY_ROTATE, turn[i].step,
                                  o->level);
    }
    return st;
}

static ckks_status matrix_keys(nni_keys *out, const nni_placed *placed, int k)
{
    const char *name = placed->net->name;
    const int level = placed->stage[k].level;
    const nni_matrix x = nni_matrix_of(placed, k);
    ckks_status st = CKKS_OK;

    for (int b = 1; b < x.babies && st == CKKS_OK; b++)
        st = want_key(out, name, CKKS_KEY_ROTATE, b, level);
    for (int g = 0; g < x.giants && st == CKKS_OK; g++)
        if (nni_matrix_giant(&x, &placed->layout, g) != 0)
            st = want_key(out, name, CKKS_KEY_ROTATE,
                          nni_matrix_giant(&x, &placed->layout, g), level);
    for (int i = 0; i < x.num_folds && st == CKKS_OK; i++)
        st = want_key(out, name, CKKS_KEY_ROTATE, nni_matrix_fold(&x, i), level);
    return st;
}

ckks_status nni_stage_keys(nni_keys *out, const nni_placed *placed, int k,
                           const nni_map *m)
{
    const char *name = placed->net->name;
    const nni_placed_stage *s = &placed->stage[k];
    /* without lanes a step is whole, of inputs or of sums */
    const int babies = s->period > 0 ? nni_babies(s, m) : 1;
    ckks_status st = s->neurons > 0 ? matrix_keys(out, placed, k) : CKKS_OK;

    for (int i = 0; i < m->num_phases; i++)
        for (int g = 0; g < m->phase[i].groups && st == CKKS_OK; g++) {
            const int step = m->phase[i].group[g].term.step;

            if (step % babies != 0)
                st = want_key(out, name, CKKS_KEY_ROTATE, step % babies,
                              s->level);
            if (st == CKKS_OK && step >= babies)
                st = want_key(out, name, CKKS_KEY_ROTATE, step - step % babies,
                              s->level);
        }
    for (int i = 0; i < s->num_outs && s->of->square && st == CKKS_OK; i++)
        st = want_key(out, name, CKKS_KEY_RELIN, 0, s->out[i].level + 1);
    for (int i = 0; i < s->num_outs && st == CKKS_OK; i++)
        st = means_keys(out, name, &placed->layout, s->of,
                        &s->out[i]);
    return st;
}

/* ---- what is held -------------------------------------------------------- */

static int key_number(const nni_keys *all, const ckks_key_request *key)
{
    size_t i = 0;

    while (i < all->count && (all->key[i].kind != key->kind
                              || all->key[i].step != key->step))
        i++;
    return (int)i;
}

/* Level at which each stage uses each key; -1: it does not. */
static ckks_status fill_uses(nni_held *h, const nni_placed *p,
                             const nni_map *map)
{
    nni_keys *one = malloc(sizeof *one);
    ckks_status st = CKKS_OK;

    if (one == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %d keys", p->net->name,
                       NN_MAX_KEYS);
    for (int k = 0; k < p->num_stages && st == CKKS_OK; k++) {
        one->count = 0;
        st = nni_stage_keys(one, p, k, &map[k]);
        for (size_t i = 0; i < one->count && st == CKKS_OK; i++)
            h->level[(size_t)k * h->all.count
                     + (size_t)key_number(&h->all, &one->key[i])]
                = (int8_t)one->key[i].level;
    }
    free(one);
    return st;
}

/* Uses become what is held: from the first stage that uses the key to the last,
 * at the highest level of those to come. */
static void hold(nni_held *h, size_t i)
{
    int first = h->stages, to_come = -1;

    for (int k = h->stages - 1; k >= 0; k--) {
        int8_t *level = &h->level[(size_t)k * h->all.count + i];

        if (*level >= 0)
            first = k;
        if (*level > to_come)
            to_come = *level;
        *level = (int8_t)to_come;
    }
    for (int k = 0; k < first; k++)
        h->level[(size_t)k * h->all.count + i] = -1;
}

ckks_status nni_held_init(nni_held *out, const nni_placed *p,
                          const nni_map *map)
{
    ckks_status st = CKKS_OK;

    memset(out, 0, sizeof *out);
    for (int k = 0; k < p->num_stages && st == CKKS_OK; k++)
        st = nni_stage_keys(&out->all, p, k, &map[k]);
    if (st != CKKS_OK)
        return st;
    out->stages = p->num_stages;
    out->level = malloc((size_t)out->stages * out->all.count + 1);
    if (out->level == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu keys", p->net->name,
                       out->all.count);
    memset(out->level, -1, (size_t)out->stages * out->all.count);
    st = fill_uses(out, p, map);
    for (size_t i = 0; i < out->all.count && st == CKKS_OK; i++)
        hold(out, i);
    if (st != CKKS_OK)
        nni_held_clear(out);
    return st;
}

void nni_held_clear(nni_held *h)
{
    free(h->level);
    h->level = NULL;
}

size_t nni_held_at(ckks_key_request *out, const nni_held *h, int k)
{
    const int8_t *level = h->level + (size_t)k * h->all.count;
    size_t n = 0;

    for (size_t i = 0; i < h->all.count; i++)
        if (level[i] >= 0)
            out[n++] = (ckks_key_request){ h->all.key[i].kind,
                                           h->all.key[i].step, level[i] };
    return n;
}
