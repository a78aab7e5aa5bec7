/* price.h -- what running a stage takes: its shape, its operations, its
 * memory (shape.c, price.c, memory.c).  They follow what run.c, run_inputs.c,
 * run_row.c and libckks do, and change with them. */
#ifndef NN_PRICE_H
#define NN_PRICE_H

#include "stage/matrix.h"

/* ---- shape.c: how a map falls into rows of phases ----------------------- */

/* What is combined at once: some channels at some phases of one row.  Sums are
 * the largest part of what a stage holds; so they have at most NET_LIMBS limbs,
 * or are those of one phase and as many channels as kernels work on
 * together. */
enum { NET_LIMBS = 704, NET_TOGETHER = 8 };

typedef struct nni_piece {
    int first, phases;
    int channel, channels;
} nni_piece;

/* The piece that follows p, the first one if all of p is zero; false behind the
 * last. */
bool nni_piece_next(nni_piece *p, const nni_map *m, int level, int columns,
                    bool by_inputs);

/* One piece, as nni_row_init builds it. */
typedef struct nni_row_shape {
    nni_piece piece;
    int inputs, blocks;         /* inputs: that the piece reads              */
    int moved;                  /* blocks that are swapped out, not rotated  */
    int rotations;              /* blocks with a step, times one channel     */
    int sums;                   /* phases whose blocks are added             */
    double terms;               /* over all blocks, times one channel        */
} nni_row_shape;

typedef struct nni_shape {
    bool by_inputs;             /* inputs are rotated, not sums              */
    int versions, copies;       /* inputs made for that; of them by 0        */
    int turned;                 /* inputs that at least one is made of       */
    int num_rows;               /* pieces                                    */
    nni_row_shape *row;
} nni_shape;

/* The shape of a stage's map, whichever is rotated. */
CKKS_CHECKED ckks_status nni_shape_init(nni_shape *out, const nni_map *m,
                                        const nni_stage *s,
                                        const nn_layout *l, bool by_inputs);
void nni_shape_clear(nni_shape *s);

/* Phases of one row of a stage. */
int nni_columns(const nni_stage *s, const nn_layout *l);

/* ---- price.c: seconds --------------------------------------------------- */

/* Seconds of stage k but for fresh memory. */
double nni_stage_seconds(const net *n, int k, const nni_shape *shape,
                         const nni_map *m, const nn_plan *p,
                         const nn_machine *machine, int threads);

/* Rotations of its means. */
double nni_mean_rotations(const nni_stage *s, const nn_layout *l);

/* Seconds of a stage that is a matrix. */
double nni_matrix_seconds(const net *n, int k, const nni_matrix *x,
                          const nn_plan *p, const nn_machine *machine,
                          int threads);

/* ---- memory.c: bytes ---------------------------------------------------- */

/* Keys and tables, which stay. */
double nni_base_bytes(const nn_plan *p, const nn_machine *machine);
/* Tensors that are there when stage k begins. */
double nni_alive_bytes(const net *n, int k, const nn_plan *p);
/* The most that stage k has at once, but for the base. */
double nni_stage_bytes(const net *n, int k, const nni_shape *shape,
                       const nni_map *m, const nn_plan *p,
                       const nn_machine *machine, int threads);
double nni_matrix_bytes(const net *n, int k, const nni_matrix *x,
                        const nn_plan *p, int threads);

#endif
