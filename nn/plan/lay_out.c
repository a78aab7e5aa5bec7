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

ckks_status nni_lay_out(nn_plan *p, const nni_placed *placed, nni_maps *maps,
                        const nn_machine *machine, int threads, double most,
                        const nni_hook *hook)
{
    nni_arena arena = { 0 };
    nni_count c = nni_count_of(&p->params, machine,
                               threads > 0 ? threads : 1, 0);
    const double stays = nni_base_bytes(p, machine)
                         + nni_encoded_bytes(p, placed)
                         + c.threads * buffer_bytes(placed);
    ckks_status st = nni_maps_make(maps, placed);

    c.arena = &arena;
    c.hook = hook;
    if (st == CKKS_OK)
        st = nni_count_network(&c, p, placed, maps->map, most - stays);
    if (st == CKKS_OK) {
        p->peak_bytes = stays + fmax((double)arena.top + c.beside, c.peak);
        p->scratch_bytes = c.file;
        p->scratch_moved = c.tally.moved;
    }
    nni_arena_clear(&arena);
    return st;
}
