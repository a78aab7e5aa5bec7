/* layout.h -- where a map's pixels lie: index arithmetic of the Double Volley
 * Revolver (dvr.c) and of means (means.c).
 *
 * Read first: nn_layout in nn.h, docs/12-volley.md.
 */
#ifndef NN_LAYOUT_H
#define NN_LAYOUT_H

#include "nn.h"

/* Slots of a ciphertext. */
size_t nni_slots(const ckks_params *p);

/* The least multiple of b, and the least power of two, that is >= a. */
int nni_round_up(int a, int b);
int nni_power_above(int a);

/* With lanes: how many channels a ciphertext of a map of this gap has; without:
 * 1.  And how many ciphertexts a phase of so many channels is. */
int nni_packed(const nn_layout *l, int gap);
int nni_planes(const nn_layout *l, int gap, int channels);
/* Slots of a cell of the grid. */
int nni_cell(const nn_layout *l);

/* Along an axis: positions of neighbouring phases differ by nni_unit, there are
 * nni_phases of them, and one holds a pixel of a map with `side` pixels (0: no
 * end) if it is live.
 * Example: a ring of 4 and a gap of 2: unit 2, two phases, at positions 0 and
 * 2; a gap of 8: unit 4, one phase, and every other grid cell is empty. */
int  nni_unit(int ring, int gap);
int  nni_phases(int ring, int gap);
bool nni_live(int ring, int gap, int side, int residue);

/* A map: its gap (nn_layout) and its sides, 0: no end. */
typedef struct nni_size {
    int gap, height, width;
} nni_size;

/* Phase number `index` of a map: its position, and whether it is live. */
bool nni_phase_at(int *y, int *x, const nn_layout *l, const nni_size *map,
                  int index);

/* ---- means.c ------------------------------------------------------------ */

/* A map on its way through poolings.  Along an axis whose ring the last gap
 * divides, means add whole ciphertexts, before they are relinearised; then,
 * pooling after pooling, rotated ones along the other. */
typedef struct nni_means {
    int gap_y, gap_x;
    int height, width;          /* 0: no end                                 */
} nni_means;

/* The map `from` pooled `pool` times, after `turned` of the poolings by
 * rotation, of which there are nni_turns. */
nni_means nni_means_after(const nni_size *from, int pool, const nn_layout *l,
                          int turned);
int nni_turns(const nni_size *from, int pool, const nn_layout *l);
int nni_means_phases(const nni_means *m, const nn_layout *l);
/* Phase number `index`: its position, and whether it holds a pixel. */
bool nni_means_at(int *y, int *x, const nni_means *m, const nn_layout *l,
                  int index);

/* One pixel of a mean: the phase it lies in, and how far it is rotated. */
typedef struct nni_turn {
    int phase, step;
} nni_turn;

/* The places, two or four, that phase `to` of a map takes of the one before it,
 * a pooling by rotation away.  Gives how many. */
int nni_mean_turns(nni_turn turn[4], const nn_layout *l,
                   const nni_means *before, const nni_means *after, int to);

#endif
