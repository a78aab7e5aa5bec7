/* map.h -- the linear map of a stage as integers times rotated ciphertexts.
 *
 * Read first: place.h, docs/12-volley.md.
 */
#ifndef NN_MAP_H
#define NN_MAP_H

#include "stage/place.h"

/* How an input ciphertext is read: rotated by step.
 * place_y, if not 0, lets slots alone in whose row ring_y times the row is
 * place_y - 1 modulo twice the stage's gap: every other pixel.  alternate: 1
 * for the product of the input, before it is rotated, with
 * ckks_mul_alternating's factors. */
typedef struct nni_term {
    int32_t feed;               /* of which the input is one (nni_feed)      */
    int32_t step;
    int32_t place_y, place_x;
    int32_t alternate;
} nni_term;

/* The ciphertexts of one phase of a source, one a channel: numbers first +
 * channel stride among the stage's inputs, which stand in the order sources,
 * channels, phases. */
typedef struct nni_feed {
    int source, phase;
    int first, stride, channels;
    int last;                   /* last phase of the output that reads it;
                                   -1: none does                             */
} nni_feed;

/* The terms of all channels of a feed, read alike: numbers first .. of the
 * phase's terms.
 * Example: a 3x3 convolution of 8 channels whose map is one ciphertext a
 * channel has one feed, 9 groups a phase and 72 terms. */
typedef struct nni_group {
    nni_term term;
    int32_t first;
} nni_group;

/* The map for one output phase: terms shared by all channels. */
typedef struct nni_phase {
    bool live;                  /* holds a pixel; else it is never made      */
    int32_t groups, terms;
    nni_group *group;           /* shape (groups)                            */
    int32_t *weight;            /* shape (channels, terms), with lanes
                                   (channels, terms, period): coefficients
                                   (nni_lane_round); NULL if only counted    */
    double *bias;               /* shape (channels of the stage), as values;
                                   or NULL                                   */
    double *edge;               /* shape (channels, taps): what of the bias a
                                   tap brings, which beyond the edge brings
                                   nothing; NULL: all slots have one bias    */
} nni_phase;

typedef struct nni_map {
    int num_phases, channels, num_inputs, num_feeds;
                                /* with lanes channels, here and of feeds, are
                                   ciphertexts that hold some                */
    nni_phase *phase;
    nni_feed *feed;             /* sources in order, their phases in order   */
} nni_map;

/* The map of stage k, which is no matrix (of one: empty); without weights only
 * its terms, which geometry alone decides.
 *   errors  CKKS_EPARAM  integers too large for an exact product */
CKKS_CHECKED ckks_status nni_map_init(nni_map *out, const nni_placed *p, int k,
                                      bool with_weights);
void nni_map_clear(nni_map *m);

/* value (slots) = the bias of a channel of a phase of stage k, slot by slot. */
void nni_map_bias(double *value, const nni_map *m, const nni_placed *p, int k,
                  int phase, int channel);

/* Orders terms by feed, step, places, alternation. */
int nni_compare_terms(const void *a, const void *b);
/* Whether a term is read through a mask, and whether the mask lets a slot
 * read: one in a row and column of the term's places.  gap: the stage's. */
bool nni_cut(const nni_term *t);
bool nni_mask_place(const nn_layout *l, int gap, const nni_term *t,
                    size_t slot);
/* What a slot of the phase at position (a, b) of a stage that is cleared is
 * multiplied by: 0 if it is no pixel of its map, in an image that is there
 * whole; whether it is the same in two phases. */
double nni_mask_map(const nn_layout *l, const nni_stage *s, int a, int b,
                    size_t slot);
bool nni_same_map(const nn_layout *l, const nni_stage *s, const int p[2],
                  const int q[2]);

#endif
