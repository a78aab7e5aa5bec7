/* mask.c -- masks: of inputs, where a term reads every other pixel of a map
 * that a transposed convolution makes (terms.c); of sums, which a border of
 * zeros wants to be 0 outside their map.
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

/* What position v along an axis is multiplied by: 0 if it is no pixel of the
 * map. */
static double pixel_factor(int v, int gap, int side, bool clamped)
{
    if (gap == 0 ? v != 0 : v % gap != 0 || v / gap >= side)
        return 0;
    return clamped && (v == 0 || v / gap == side - 1) ? 4.0 / 3 : 1;
}

double nni_mask_map(const nn_layout *l, const nni_stage *s, int a, int b,
                    size_t slot)
{
    const size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;
    int y, x;

    if (slot >= l->slots / grid * grid)     /* an image that is cut off      */
        return 0;
    cell_of(&y, &x, l, slot);
    return pixel_factor(y * l->ring_y + a, s->gap, s->height, s->clamped)
           * pixel_factor(x * l->ring_x + b, s->gap, s->width, s->clamped);
}

/* Along an axis: whether two places in the ring have the same factors. */
static bool same_factors(int p, int q, int ring, int grid, int gap, int side,
                         bool clamped)
{
    for (int i = 0; i < grid; i++)
        if (pixel_factor(i * ring + p, gap, side, clamped)
            != pixel_factor(i * ring + q, gap, side, clamped))
            return false;
    return true;
}

bool nni_same_map(const nn_layout *l, const nni_stage *s, const int p[2],
                  const int q[2])
{
    return same_factors(p[0], q[0], l->ring_y, l->grid_y, s->gap, s->height,
                        s->clamped)
           && same_factors(p[1], q[1], l->ring_x, l->grid_x, s->gap, s->width,
                           s->clamped);
}

/* ---- stages -------------------------------------------------------------- */

/* Whether a source's transposed convolution puts pixels of both kinds into one
 * ciphertext. */
static bool mixed(const nni_source *s, const nn_layout *l)
{
    return s->up_channels > 0 && l->lanes == 0
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
        st->cleared = st->of->ringed || st->of->clamped;
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
    if (p->net->model->border == NN_WRAP && l->lanes == 0
        && (real ? !every_other(gap, l)
                 : l->ring_y % gap != 0 || l->ring_x % gap != 0))
        return nn_fail(CKKS_EPARAM, "%s: border wrap: rings must be multiples "
                       "of %d%s, not %d x %d", p->net->name, gap,
                       real ? " high and of half of that wide" : "",
                       l->ring_y, l->ring_x);
    return CKKS_OK;
}
