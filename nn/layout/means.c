/* means.c -- means of 2x2, pooling after pooling: which ciphertexts, rotated
 * by how much.
 *
 * Read first: layout.h, docs/12-volley.md.
 *
 * Pixels of a mean in different ciphertexts are added as they are.  Where the
 * ring is used up they lie in one ciphertext, or in some, at other slots: they
 * are rotated to the first of them and added.  The mean stays where that pixel
 * is; between the means the grid has gaps:
 *
 *      a b|e f       a.|e.      (ring 1 along x: a and b are neighbouring
 *      c d|g h  ->   ..|..       slots of one ciphertext)
 *
 * Dividing by four is left to the scale.
 */
#include "layout/layout.h"

/* Whether the means add whole ciphertexts along an axis. */
static bool whole(int ring, const nni_size *from, int pool)
{
    return pool == 0 || ring % (from->gap << pool) == 0;
}

nni_means nni_means_after(const nni_size *from, int pool, const nn_layout *l,
                          int turned)
{
    const int y = whole(l->ring_y, from, pool) ? pool : turned;
    const int x = whole(l->ring_x, from, pool) ? pool : turned;

    return (nni_means){ from->gap << y, from->gap << x, from->height >> y,
                        from->width >> x };
}

int nni_turns(const nni_size *from, int pool, const nn_layout *l)
{
    return whole(l->ring_y, from, pool) && whole(l->ring_x, from, pool)
               ? 0 : pool;
}

int nni_means_phases(const nni_means *m, const nn_layout *l)
{
    return nni_phases(l->ring_y, m->gap_y) * nni_phases(l->ring_x, m->gap_x);
}

bool nni_means_at(int *y, int *x, const nni_means *m, const nn_layout *l,
                  int index)
{
    const int columns = nni_phases(l->ring_x, m->gap_x);

    *y = index / columns * nni_unit(l->ring_y, m->gap_y);
    *x = index % columns * nni_unit(l->ring_x, m->gap_x);
    return nni_live(l->ring_y, m->gap_y, m->height, *y)
           && nni_live(l->ring_x, m->gap_x, m->width, *x);
}

int nni_mean_turns(nni_turn turn[4], const nn_layout *l,
                   const nni_means *before, const nni_means *after, int to)
{
    const int down = after->gap_y / before->gap_y;
    const int across = after->gap_x / before->gap_x;
    int a, b;

    (void)nni_means_at(&a, &b, after, l, to);
    for (int i = 0; i < down * across; i++) {
        const int y = a + i / across * before->gap_y;
        const int x = b + i % across * before->gap_x;
        const int64_t by = (int64_t)(y / l->ring_y) * l->grid_x
                           + x / l->ring_x;

        turn[i] = (nni_turn){
            y % l->ring_y / nni_unit(l->ring_y, before->gap_y)
                    * nni_phases(l->ring_x, before->gap_x)
                + x % l->ring_x / nni_unit(l->ring_x, before->gap_x),
            (int)(by * nni_cell(l) % (int64_t)l->slots)
        };
    }
    return down * across;
}
