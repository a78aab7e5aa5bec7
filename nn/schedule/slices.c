/* slices.c -- made inputs, some channels of them at a time: how many, and what
 * a stage then asks for at least.
 *
 * Read first: inputs.h.
 */
#include "schedule/inputs.h"

enum { SLICE_LIMBS = 448 };     /* of the made inputs of one slice           */

/* 1, or as many as make them small, if what all then hold at once is a tenth
 * less. */
int nni_choose_slices(const nni_inputs *w)
{
    const int limbs = nni_inputs_limbs(w);
    int most;
    const long made = nni_inputs_made(&most, w);
    long sums = 0, piece, slices;

    if (!w->m->by_inputs)
        return 1;
    for (int i = 0; i < w->map->num_phases; i++)
        sums += w->map->phase[i].live ? (long)w->map->channels * limbs : 0;
    piece = sums < nni_piece_limbs(w) ? sums : nni_piece_limbs(w);
    slices = (made + SLICE_LIMBS - 1) / SLICE_LIMBS;
    slices = slices < most ? slices : most;
    if (slices < 2
        || 10 * (made / slices + sums + NNI_ADDED_LIMBS) > 9 * (made + piece))
        return 1;
    return (int)slices;
}

/* Slices that have channels of a phase's inputs: the first has some of each. */
static int slices_of(const nni_inputs *w, const nni_phase *p, int slices)
{
    int most = 1;

    for (int g = 0; g < p->groups; g++) {
        const int some = w->map->feed[p->group[g].term.feed].channels;

        most = some > most ? some : most;
    }
    return most < slices ? most : slices;
}

static void add_up(nni_turning *t, const nni_inputs *w)
{
    const int slices = nni_choose_slices(w);

    for (int f = 0; f < w->map->num_feeds; f++) {
        const nni_feed_use *use = &w->use[f];

        t->inputs += use->versions > 0 ? w->map->feed[f].channels : 0;
        t->turns += (double)use->versions * w->map->feed[f].channels;
    }
    for (int i = 0; i < w->map->num_phases; i++)
        if (w->map->phase[i].live)
            t->sums += (double)w->map->channels
                       * (slices_of(w, &w->map->phase[i], slices) - 1);
}

ckks_status nni_turning_of(nni_turning *out, const nni_placed *placed, int k,
                           const nni_map *map)
{
    nni_schedule s = { .placed = placed, .stage = k, .map = map };
    nni_maker m = { .s = &s, .p = placed, .stage = &placed->stage[k], .k = k,
                    .by_inputs = true, .babies = (int)placed->layout.slots };
    nni_inputs w;

    *out = (nni_turning){ 0 };
    nni_inputs_init(&w, &m);
    if (!m.full)
        add_up(out, &w);
    nni_inputs_clear(&w);
    return m.full ? nn_fail(CKKS_EMEM, "%s: no memory for what %s reads",
                            placed->net->name, placed->stage[k].of->name)
                  : CKKS_OK;
}
