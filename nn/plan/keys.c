/* keys.c -- which keys a plan needs, each at the highest level at which it is
 * used.
 *
 * Read first: price.h.
 */
#include <string.h>

#include "plan/price.h"
#include "stage/lanes.h"

static ckks_status want_key(nn_plan *p, const char *name, ckks_key_kind kind,
                            int step, int level)
{
    for (size_t i = 0; i < p->num_keys; i++)
        if (p->key[i].kind == kind && p->key[i].step == step) {
            if (level > p->key[i].level)
                p->key[i].level = level;
            return CKKS_OK;
        }
    if (p->num_keys == NN_MAX_KEYS)
        return nn_fail(CKKS_EPARAM, "%s: more than %d keys", name,
                       NN_MAX_KEYS);
    p->key[p->num_keys++] = (ckks_key_request){ kind, step, level };
    return CKKS_OK;
}

/* Of means that are sums of rotated ciphertexts. */
static ckks_status means_keys(nn_plan *p, const char *name, const nni_stage *s,
                              const nni_out *o)
{
    const nn_layout *l = &p->layout;
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
                    st = want_key(p, name, CKKS_KEY_ROTATE, turn[i].step,
                                  o->level);
    }
    return st;
}

static ckks_status matrix_keys(nn_plan *p, const nni_placed *placed, int k)
{
    const char *name = placed->net->name;
    const int level = placed->stage[k].level;
    const nni_matrix x = nni_matrix_of(placed, k);
    ckks_status st = CKKS_OK;

    for (int b = 1; b < x.babies && st == CKKS_OK; b++)
        st = want_key(p, name, CKKS_KEY_ROTATE, b, level);
    for (int g = 0; g < x.giants && st == CKKS_OK; g++)
        if (nni_matrix_giant(&x, &p->layout, g) != 0)
            st = want_key(p, name, CKKS_KEY_ROTATE,
                          nni_matrix_giant(&x, &p->layout, g), level);
    for (int i = 0; i < x.num_folds && st == CKKS_OK; i++)
        st = want_key(p, name, CKKS_KEY_ROTATE, nni_matrix_fold(&x, i), level);
    return st;
}

static ckks_status stage_keys(nn_plan *p, const nni_placed *placed, int k,
                              const nni_map *m)
{
    const char *name = placed->net->name;
    const nni_placed_stage *s = &placed->stage[k];
    /* without lanes a step is whole, of inputs or of sums */
    const int babies = s->period > 0 ? nni_babies(s, m) : 1;
    ckks_status st = s->neurons > 0 ? matrix_keys(p, placed, k) : CKKS_OK;

    for (int i = 0; i < m->num_phases; i++)
        for (int g = 0; g < m->phase[i].groups && st == CKKS_OK; g++) {
            const int step = m->phase[i].group[g].term.step;

            if (step % babies != 0)
                st = want_key(p, name, CKKS_KEY_ROTATE, step % babies,
                              s->level);
            if (st == CKKS_OK && step >= babies)
                st = want_key(p, name, CKKS_KEY_ROTATE, step - step % babies,
                              s->level);
        }
    for (int i = 0; i < s->num_outs && s->of->square && st == CKKS_OK; i++)
        st = want_key(p, name, CKKS_KEY_RELIN, 0, s->out[i].level + 1);
    for (int i = 0; i < s->num_outs && st == CKKS_OK; i++)
        st = means_keys(p, name, s->of, &s->out[i]);
    return st;
}

ckks_status nni_list_keys(nn_plan *p, const nni_placed *placed,
                          nni_maps *maps)
{
    ckks_status st = CKKS_OK;

    p->num_keys = maps->num_keys;
    memcpy(p->key, maps->key, maps->num_keys * sizeof *p->key);
    if (maps->num_keys > 0 && maps->out == placed->bits.out)
        return CKKS_OK;
    p->num_keys = 0;
    for (int k = 0; k < placed->num_stages && st == CKKS_OK; k++)
        st = stage_keys(p, placed, k, &maps->map[k]);
    if (st != CKKS_OK)
        return st;
    maps->num_keys = p->num_keys;
    maps->out = placed->bits.out;
    memcpy(maps->key, p->key, p->num_keys * sizeof *p->key);
    return CKKS_OK;
}
