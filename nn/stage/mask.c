/* mask.c -- masks: of inputs, where a term reads every other pixel of a map
 * that a transposed convolution makes (terms.c); of sums, which a border of zeros
 * wants to be 0 outside their map.
 *
 * Read first: docs/12-volley.md.
 */
#include <stdlib.h>

#include "stage/map.h"

bool nni_cut(const nni_term *t)
{
    return t->place_y != 0 || t->place_x != 0;
}

/* Column and row of a slot's cell in its image's grid. */
static void cell_of(int *y, int *x, const nn_layout *l, size_t slot)
{
    const size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;

    *y = (int)(slot % grid / (size_t)l->grid_x);
    *x = (int)(slot % grid % (size_t)l->grid_x);
}

bool nni_mask_place(const nn_layout *l, int gap, const nni_term *t,
                    size_t slot)
{
    int y, x;

    cell_of(&y, &x, l, slot);
    return (t->place_y == 0 || y * l->ring_y % (2 * gap) == t->place_y - 1)
           && (t->place_x == 0 || x * l->ring_x % (2 * gap) == t->place_x - 1);
}

/* Whether position v along an axis is a pixel of a map. */
static bool is_pixel(int v, int gap, int side)
{
    return gap == 0 ? v == 0 : v % gap == 0 && v / gap < side;
}

bool nni_mask_map(const nn_layout *l, const nni_size *map, int a, int b,
                  size_t slot)
{
    const size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;
    int y, x;

    if (slot >= l->slots / grid * grid)     /* an image that is cut off      */
        return false;
    cell_of(&y, &x, l, slot);
    return is_pixel(y * l->ring_y + a, map->gap, map->height)
           && is_pixel(x * l->ring_x + b, map->gap, map->width);
}

bool nni_same_map(const nn_layout *l, const nni_size *map, const int p[2],
                  const int q[2])
{
    for (int y = 0; y < l->grid_y; y++)
        if (is_pixel(y * l->ring_y + p[0], map->gap, map->height)
            != is_pixel(y * l->ring_y + q[0], map->gap, map->height))
            return false;
    for (int x = 0; x < l->grid_x; x++)
        if (is_pixel(x * l->ring_x + p[1], map->gap, map->width)
            != is_pixel(x * l->ring_x + q[1], map->gap, map->width))
            return false;
    return true;
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

        st->masked = st->alternating = false;
        st->cleared = st->of->ringed;
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
