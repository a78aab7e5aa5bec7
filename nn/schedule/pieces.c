/* pieces.c -- what is combined at once: how large a piece is, and which comes
 * next.
 *
 * Read first: inputs.h.
 */
#include "schedule/inputs.h"

/* Limbs of the sums of a piece at least, unless those of one phase and as many
 * channels as kernels work on together are more.  Every piece packs anew what it
 * reads: where a stage's inputs are large, its pieces are that share of them, up
 * to PIECE_MOST: memory that hardly shows, and fewer passes. */
enum { PIECE_LIMBS = 704, PIECE_SHARE = 8, PIECE_MOST = 4096, TOGETHER = 8 };

int nni_piece_limbs(const nni_inputs *w)
{
    const long share = (long)w->map->num_inputs * nni_inputs_limbs(w)
                       / PIECE_SHARE;

    if (share < PIECE_LIMBS)
        return PIECE_LIMBS;
    return share < PIECE_MOST ? (int)share : PIECE_MOST;
}

/* Phases of a row. */
static int columns(const nni_inputs *w)
{
    return nni_phases(w->m->p->layout.ring_x, w->m->stage->of->gap);
}

/* Channels of a piece, the same for all phases of the stage: those that share
 * a place of a form then fall into the same pieces. */
static int piece_channels(const nni_inputs *w, int most)
{
    int blocks = 1, some;

    for (int i = 0; i < w->map->num_phases; i++)
        blocks = w->blocks[i] > blocks ? w->blocks[i] : blocks;
    some = most / blocks / TOGETHER * TOGETHER;
    if (some < TOGETHER)
        some = TOGETHER;
    return blocks * w->map->channels <= most || some > w->map->channels
               ? w->map->channels : some;
}

/* As many phases of the row as their sums allow. */
static void piece_begin(const nni_inputs *w, nni_piece *p, int most)
{
    int blocks = w->blocks[p->first];

    p->phases = 1;
    for (int i = p->first + 1; i % columns(w) != 0; i++, p->phases++) {
        blocks += w->blocks[i];
        if (blocks * p->channels > most)
            return;
    }
}

bool nni_piece_next(const nni_inputs *w, nni_piece *p, int most)
{
    const int rest = w->map->channels - p->channel - p->channels;

    if (p->phases > 0 && rest > 0) {
        p->channel += p->channels;
        if (p->channels > rest)
            p->channels = rest;
        return true;
    }
    p->first += p->phases;
    p->channel = 0;
    if (p->first >= w->map->num_phases)
        return false;
    p->channels = piece_channels(w, most);
    piece_begin(w, p, most);
    return true;
}
