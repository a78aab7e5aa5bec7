/* endings.c -- what a combination reads is given back, once no phase reads it.
 *
 * Read first: inputs.h.
 */
#include <stdlib.h>

#include "schedule/inputs.h"

static int compare_endings(const void *a, const void *b)
{
    const nni_ending *x = a, *y = b;

    if (x->last != y->last)
        return x->last < y->last ? -1 : 1;
    return x->feed != y->feed ? (x->feed < y->feed ? -1 : 1)
                              : x->made - y->made;
}

bool nni_list_endings(nni_inputs *w)
{
    w->ending = malloc((2 * (size_t)w->map->num_feeds + 1)
                       * sizeof *w->ending);
    if (w->ending == NULL)
        return false;
    for (int f = 0; f < w->map->num_feeds; f++) {
        const nni_feed_use *use = &w->use[f];

        if (use->versions > 0)
            w->ending[w->endings++] = (nni_ending){ use->last_made, f, true };
        if (use->last_plain >= 0 && (use->own || use->drops))
            w->ending[w->endings++] = (nni_ending){ use->last_plain, f, false };
    }
    qsort(w->ending, (size_t)w->endings, sizeof *w->ending, compare_endings);
    return true;
}

/* Channels from .. to of what an ending gives back. */
static void free_ending(nni_inputs *w, const nni_ending *e, int from, int to)
{
    const nni_feed_use *use = &w->use[e->feed];
    const nni_ref of = e->made ? nni_version_ref(w, e->feed, 0) : use->plain;

    if (to == from)
        return;
    nni_begin_body(w->m, from, to - from);
    nni_add_step(w->m, NNI_FREE, of, of, w->m->stage->level)->at =
        e->made ? use->versions : 1;
}

void nni_free_feed(nni_inputs *w, int f, int channel, int channels)
{
    for (int i = 0; i < w->endings; i++)
        if (w->ending[i].feed == f)
            free_ending(w, &w->ending[i], channel, channel + channels);
}

/* Frees what no phase from `phase` on reads, but for what windows do. */
void nni_free_before(nni_inputs *w, int phase)
{
    bool any = false;

    for (; w->ended < w->endings && w->ending[w->ended].last < phase;
         w->ended++) {
        const nni_ending *e = &w->ending[w->ended];

        if (w->use[e->feed].filed)
            continue;
        if (!any)
            nni_begin_round(w->m);
        any = true;
        free_ending(w, e, 0, w->map->feed[e->feed].channels);
    }
}

/* Frees all of a slice, which is done. */
void nni_free_slice(nni_inputs *w, int slice)
{
    nni_begin_round(w->m);
    for (int i = 0; i < w->endings; i++) {
        const nni_feed *f = &w->map->feed[w->ending[i].feed];

        free_ending(w, &w->ending[i], nni_slice_begin(w, f, slice),
                  nni_slice_begin(w, f, slice + 1));
    }
}
