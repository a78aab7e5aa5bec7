/* terms.h -- the terms of one output phase of a stage: which ciphertexts are
 * read, rotated by how much, with which weights.
 *
 * Read first: map.h, docs/12-volley.md.
 */
#ifndef NN_TERMS_H
#define NN_TERMS_H

#include "stage/map.h"

/* A phase while it is made. */
typedef struct nni_table {
    int groups, terms, limit;
    nni_group *group;           /* shape (limit)                             */
    double *weight;             /* shape (channels, all terms there may be), as
                                   values; with lanes (planes, all terms,
                                   period)                                   */
    size_t row;                 /* of which a channel has so many            */
    double *bias;               /* shape (channels)                          */
    double *edge;               /* shape (channels, taps), or NULL: nni_phase */
    int taps;
    double *up;                 /* room for the two tables that a tap through a
                                   transposed convolution multiplies:
                                   nni_up_room numbers                       */
} nni_table;

/* Numbers that the tables of transposed convolutions need room for: the most of
 * all sources. */
size_t nni_up_room(const nni_stage *s);

/* Of a source behind a transposed convolution with weights: what each output
 * takes of its channels at a tap, shape (channels, up_channels) ... */
void nni_up_outputs(double *row, const nni_stage *s, const nni_source *x,
                    int tap);

/* ... and what each stored channel gives to them at a tap of the transposed
 * convolution, shape (x->channels, up_channels). */
void nni_up_stored(double *row, const nni_source *x, int ty, int tx);

/* Room that source i of a stage needs: groups. */
int nni_most_groups(const nni_placed *p, const nni_placed_stage *s, int i);

/* The terms of the phase at position (a, b); without weights only their groups.
 * What is in the table is overwritten, its weights and bias added to. */
void nni_read_phase(nni_table *t, const nni_placed *p,
                    const nni_placed_stage *placed, int a, int b,
                    bool with_weights);

#endif
