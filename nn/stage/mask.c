/* mask.c -- terms that are read through a mask: borders of zeros, and every
 * other pixel of a map that a transposed convolution makes (terms.c).
 *
 * Read first: docs/12-volley.md.
 */
#include <stdlib.h>

#include "stage/map.h"

bool nni_cut(const nni_term *t)
{
    return t->carry_y != 0 || t->carry_x != 0 || t->place_y != 0
           || t->place_x != 0;
}

bool nni_same_cut(const nni_term *a, const nni_term *b)
{
    return a->carry_y == b->carry_y && a->carry_x == b->carry_x
           && a->place_y == b->place_y && a->place_x == b->place_x;
}

bool nni_mask(const nn_layout *l, int gap, const nni_term *t, size_t slot)
{
    size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;
    int y = (int)(slot % grid / (size_t)l->grid_x);
    int x = (int)(slot % grid % (size_t)l->grid_x);

    if ((t->place_y > 0 && y * l->ring_y % (2 * gap) != t->place_y - 1)
        || (t->place_x > 0 && x * l->ring_x % (2 * gap) != t->place_x - 1))
        return false;
    if (t->carry_y == 0 && t->carry_x == 0)
        return true;
    y += t->carry_y;
    x += t->carry_x;

    if (slot >= l->slots / grid * grid)     /* an image that is cut off      */
        return false;
    return y >= 0 && y < l->grid_y && x >= 0 && x < l->grid_x;
}

/* ---- stages -------------------------------------------------------------- */

/* Whether a source's transposed convolution puts pixels of both kinds into one
 * ciphertext. */
static bool mixed(const nni_source *s, const nn_layout *l)
{
    return s->up_channels > 0
           && (l->ring_y % s->gap != 0 || l->ring_x % s->gap != 0);
}

/* Whether pixels of a map of this gap stand in all slots, or in all of even
 * number. */
static bool every_other(int gap, const nn_layout *l)
{
    return l->ring_y % gap == 0
           && (l->ring_x % gap == 0
               || (gap == 2 * l->ring_x && l->grid_x % 2 == 0));
}

ckks_status nni_set_masks(nni_placed *p, bool real)
{
    const nn_layout *l = &p->layout;
    const int gap = p->net->max_gap;

    for (int k = 0; k < p->num_stages; k++) {
        nni_placed_stage *st = &p->stage[k];

        st->masked = st->of->bordered;
        st->alternating = false;
        for (int i = 0; i < st->of->num_sources; i++) {
            const nni_source *s = &st->of->source[i];

            if (mixed(s, l) && real && every_other(s->gap, l))
                st->alternating = true;
            else
                st->masked |= mixed(s, l);
            for (int c = 0; c < s->channels && mixed(s, l); c++)
                if (s->add[c] != 0)
                    return nn_fail(CKKS_EPARAM, "%s: %s: a constant before its "
                                   "transposed convolution would need rings "
                                   "that are multiples of %d, not %d x %d",
                                   p->net->name, st->of->name, s->gap,
                                   l->ring_y, l->ring_x);
        }
        st->alternating &= !st->masked;         /* one or the other          */
    }
    if (p->net->model->border == NN_WRAP
        && (real ? !every_other(gap, l)
                 : l->ring_y % gap != 0 || l->ring_x % gap != 0))
        return nn_fail(CKKS_EPARAM, "%s: border wrap: rings must be multiples "
                       "of %d%s, not %d x %d", p->net->name, gap,
                       real ? " high and of half of that wide" : "",
                       l->ring_y, l->ring_x);
    return CKKS_OK;
}
