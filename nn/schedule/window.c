/* window.c -- inputs that lie in the scratch file, made for the pieces that read
 * them: rows of a map, and those around them.
 *
 * Read first: inputs.h.
 */
#include "schedule/inputs.h"

static void mark_wanted(nni_inputs *w, const nni_piece *piece)
{
    for (int f = 0; f < w->map->num_feeds; f++)
        w->use[f].wanted = false;
    for (int i = 0; piece != NULL && i < piece->phases; i++) {
        const nni_phase *p = &w->map->phase[piece->first + i];

        for (int g = 0; g < p->groups; g++)
            w->use[p->group[g].term.feed].wanted = true;
    }
}

/* Those that come into the window, or leave it, in one round. */
static void move(nni_inputs *w, bool come)
{
    bool any = false;

    for (int f = 0; f < w->map->num_feeds; f++) {
        nni_feed_use *use = &w->use[f];
        const int channels = w->map->feed[f].channels;

        if (!use->filed || use->wanted != come || use->there == come)
            continue;
        if (!any)
            nni_begin_round(w->m);
        any = true;
        use->there = come;
        if (come)
            nni_make_feed(w, f, 0, channels);
        else
            nni_free_feed(w, f, 0, channels);
    }
}

void nni_move_window(nni_inputs *w, const nni_piece *piece)
{
    mark_wanted(w, piece);
    move(w, false);
    move(w, true);
}
