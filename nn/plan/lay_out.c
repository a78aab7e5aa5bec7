/* lay_out.c -- a plan's memory, piece by piece where it will lie.
 *
 * Read first: price.h, schedule/arena.h.
 */
#include <math.h>
#include <stdlib.h>

#include "plan/bounds.h"
#include "plan/price.h"

/* What a thread reads a ciphertext of the scratch file into. */
static double buffer_bytes(const nni_placed *p)
{
    double most = 0;

    for (int k = 0; k < p->num_stages; k++)
        for (int j = 0; j < p->stage[k].num_outs; j++)
            if (nni_filed_bytes(p, k, j) > 0)
                most = fmax(most, nni_form_bytes(p, &p->stage[k].out[j]));
    return most;
}

static double most_integers(const nni_placed *p, const nni_maps *maps)
{
    double most = 0;

    for (int k = 0; k < p->num_stages; k++)
        most = fmax(most, nni_integers_bytes(p, k, maps));
    return most;
}

/* What of the base does not stay: keys that come and go; what ckks_keys_open
 * reads limbs to stays for them. */
static double keys_gone(const nn_plan *p)
{
    return nni_keys_bytes(&p->params, p->key, p->num_keys)
           - ldexp(64, p->params.log_n);
}

/* Bytes of steps, which were counted with all keys. */
static void held_bytes(nn_plan *p, const nni_held *held)
{
    ckks_key_request key[NN_MAX_KEYS];

    for (int k = 0; k < p->num_steps; k++)
        p->step[k].bytes += nni_keys_bytes(&p->params, key,
                                           nni_held_at(key, held, k))
                            - keys_gone(p);
}

static ckks_status lay_out(nn_plan *p, const nni_placed *placed,
                           nni_maps *maps, nni_count *c, double most)
{
    const nni_held *held = p->keys_by_stage ? &maps->held : NULL;
    nni_arena arena = { 0 };
    ckks_status st;

    c->arena = &arena;
    st = nni_count_network(c, p, placed, maps->map, held, most);
    if (st == CKKS_OK) {
        p->peak_bytes = fmax((double)arena.top + c->beside, c->peak);
        p->scratch_bytes = c->file;
        p->scratch_moved = c->tally.moved;
    }
    if (st == CKKS_OK && held != NULL)
        held_bytes(p, held);
    nni_arena_clear(&arena);
    return st;
}

ckks_status nni_lay_out(nn_plan *p, const nni_placed *placed, nni_maps *maps,
                        const nn_machine *machine, int threads, double most,
                        const nni_hook *hook)
{
    nni_count c = nni_count_of(&p->params, machine,
                               threads > 0 ? threads : 1, 0);
    ckks_status st = nni_maps_make(maps, placed);
    double stays;

    if (st == CKKS_OK)
        st = nni_list_keys(p, placed, maps);
    if (st != CKKS_OK)
        return st;
    stays = nni_base_bytes(p, machine) + nni_encoded_bytes(p, placed)
            + nni_floats_bytes(placed) + most_integers(placed, maps)
            + c.threads * buffer_bytes(placed);
    c.hook = hook;
    p->keys_by_stage = nni_keys_by_stage(p);
    if (p->keys_by_stage)
        stays -= keys_gone(p);
    st = lay_out(p, placed, maps, &c, most - stays);
    if (st == CKKS_OK)
        p->peak_bytes += stays;
    return st;
}
