/* dvr.c -- where a pixel lives: pure index arithmetic.
 *
 * Read first: docs/12-volley.md.
 *
 * An image of 4 x 8 on a ring of 2 x 2: pixels of one letter lie in one
 * ciphertext, in the slots of a grid of 2 x 4; behind a pooling (gap 2) the map
 * is where the letter a is, and fills one ciphertext a channel:
 *
 *      a b a b a b a b        a: slots 0 1 2 3      a . a . a . a .
 *      c d c d c d c d                 4 5 6 7      . . . . . . . .
 *      a b a b a b a b        b, c, d: the same     a . a . a . a .
 *      c d c d c d c d                              . . . . . . . .
 *
 * Behind another (gap 4) it would be every other a of every other row: the ring
 * is used up, and the grid has gaps.
 */
#include "layout/layout.h"

/* Greatest common divisor; of 0 and b it is b. */
static int gcd(int a, int b)
{
    while (b != 0) {
        int r = a % b;

        a = b;
        b = r;
    }
    return a;
}

size_t nni_slots(const ckks_params *p)
{
    return (size_t)1 << (p->ring == CKKS_RING_REAL ? p->log_n : p->log_n - 1);
}

int nni_round_up(int a, int b)
{
    return (a + b - 1) / b * b;
}

int nni_power_above(int n)
{
    int p = 1;

    while (p < n)
        p *= 2;
    return p;
}

int nni_unit(int ring, int gap)
{
    return gcd(gap, ring);
}

int nni_phases(int ring, int gap)
{
    return ring / gcd(gap, ring);
}

bool nni_live(int ring, int gap, int side, int residue)
{
    const int phases = nni_phases(ring, gap);

    if (side == 0)
        return true;
    if (side >= phases)         /* every multiple of the unit is met         */
        return residue % nni_unit(ring, gap) == 0;
    for (int y = 0; y < side; y++)
        if ((int64_t)gap * y % ring == residue)
            return true;
    return false;
}

bool nni_phase_at(int *y, int *x, const nn_layout *l, const nni_size *map,
                  int index)
{
    const int columns = nni_phases(l->ring_x, map->gap);

    *y = index / columns * nni_unit(l->ring_y, map->gap);
    *x = index % columns * nni_unit(l->ring_x, map->gap);
    return nni_live(l->ring_y, map->gap, map->height, *y)
           && nni_live(l->ring_x, map->gap, map->width, *x);
}

int nni_cell(const nn_layout *l)
{
    return l->lanes > 0 ? l->lanes : 1;
}

int nni_packed(const nn_layout *l, int gap)
{
    return l->lanes > 0 ? gap * l->lanes : 1;
}

int nni_planes(const nn_layout *l, int gap, int channels)
{
    const int packed = nni_packed(l, gap);

    return (channels + packed - 1) / packed;
}

int nn_layout_phases(const nn_layout *l, int gap)
{
    return nni_phases(l->ring_y, gap) * nni_phases(l->ring_x, gap);
}

int nn_layout_phase(const nn_layout *l, int gap, int y, int x)
{
    int a = (int)((int64_t)gap * y % l->ring_y) / nni_unit(l->ring_y, gap);
    int b = (int)((int64_t)gap * x % l->ring_x) / nni_unit(l->ring_x, gap);

    return a * nni_phases(l->ring_x, gap) + b;
}

size_t nn_layout_slot(const nn_layout *l, int gap, int image, int y, int x)
{
    size_t a = (size_t)gap * (size_t)y / (size_t)l->ring_y;
    size_t b = (size_t)gap * (size_t)x / (size_t)l->ring_x;

    return (((size_t)image * (size_t)l->grid_y + a) * (size_t)l->grid_x + b)
           * (size_t)nni_cell(l);
}
