/* bounds.h -- what a placed network holds and takes whatever is chosen later:
 * by it most ways to lay out a network are given up before a step is counted.
 *
 * Read first: schedule/schedule.h, cost.h.
 */
#ifndef NN_BOUNDS_H
#define NN_BOUNDS_H

#include "plan/cost.h"
#include "schedule/schedule.h"
#include "stage/keys.h"

/* The maps of all stages, without weights, and of forms what geometry decides.
 * Zero bytes: not made yet. */
enum { NNI_POOLS = 8 };
typedef struct nni_maps {
    nni_map *map;               /* shape (count)                             */
    int count;
    int live[NN_MAX_STEPS][NNI_POOLS];  /* 1 + ciphertexts of a channel that
                                   hold pixels; 0: not counted yet           */
    nni_held held;              /* the keys (nni_list_keys), with so many     */
    int out;                    /* levels below: the others' levels follow
                                   from it                                   */
} nni_maps;

/* Makes them, unless they are there: rings, grid and ring of polynomials decide
 * on them, not moduli or digits.
 *   errors  as nni_map_init */
CKKS_CHECKED ckks_status nni_maps_make(nni_maps *m, const nni_placed *p);
void nni_maps_clear(nni_maps *m);

/* Tables, which stay, and keys, all of them (bytes). */
double nni_base_bytes(const nn_plan *p, const nn_machine *machine);
/* Plaintexts of matrices, which are encoded once. */
double nni_encoded_bytes(const nn_plan *p, const nni_placed *placed);
/* The model's floats. */
double nni_floats_bytes(const nni_placed *p);
/* The integers of stage k's map, which are there while it runs, and the table
 * that they are made from. */
double nni_integers_bytes(const nni_placed *p, int k, const nni_maps *maps);
/* alive, shape (stages): bytes of the forms that are in memory when a stage
 * begins, the image among them. */
void nni_alive_bytes(double *alive, nni_maps *maps, const nni_placed *p,
                     const nn_plan *plan);
/* The scratch file's bytes, at least. */
double nni_file_bytes(const nni_placed *p);

/* Adds the work that stage k is, whatever is rotated: relinearisations, and
 * products if its map is there. */
void nni_least_work(nni_work *w, const nni_figures *f, const nni_placed *p,
                    int k, nni_maps *maps);
/* Whether its terms are rotated. */
bool nni_map_turns(const nni_map *map);
/* Adds what rotating its inputs is, or its sums, at a level. */
void nni_inputs_work(nni_work *w, const nni_figures *f, int level,
                     const nni_turning *t);
void nni_sums_work(nni_work *w, const nni_figures *f, int level,
                   const nni_map *map);

#endif
