/* lanes.h -- channels in the gaps of a map.
 *
 * Read first: map.h, docs/12-volley.md, "Channels in the gaps".
 */
#ifndef NN_LANES_H
#define NN_LANES_H

#include "stage/map.h"

/* A stage's source as its lanes are read: channel c' of a plane lies c' slots
 * behind its pixel, `packed` of them a plane; of the image every one of the
 * layout's lanes has the plane's channel. */
typedef struct nni_lanes {
    int out;                    /* channels a ciphertext of the output       */
    int packed;
    int image;                  /* 0, or the image's lanes                   */
    int planes;                 /* of the source                             */
} nni_lanes;

nni_lanes nni_lanes_of(const nni_placed *p, const nni_placed_stage *s, int i);
/* The channel, of `packed`, that lane c of the output reads when turned by
 * `shift` slots; -1: none. */
int nni_lane_read(const nni_lanes *n, int c, int shift);

/* The ciphertexts of a phase of source i of a stage. */
int nni_source_planes(const nni_placed *p, const nni_placed_stage *s, int i);

/* Coefficients of the weight whose slots are value (period) times scale, and
 * what these are in the slots.
 *   errors  false: too large for 2^31 */
bool nni_lane_round(int32_t *coefficient, const double *value, int period,
                    double scale);
void nni_lane_values(double *value, const int32_t *coefficient, int period);

/* The pattern that a rotation by `steps` makes into `from`: slot j + steps of
 * to is slot j of from.  to is not from. */
void nni_lane_turn(int32_t *to, const int32_t *from, int period, int steps);

/* Rotations of a stage with lanes are split: by step mod babies of the inputs,
 * by the rest of the sums. */
int nni_babies(const nni_placed_stage *s, const nni_map *m);

#endif
