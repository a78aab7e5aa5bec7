/* twin.h -- a network of integers in the clear: what the two parties compute
 * together, but for the rounding of divisions: theirs go up or down by chance,
 * with a mean that is exact, these to the nearest integer. */
#ifndef BLIND_TWIN_H
#define BLIND_TWIN_H

#include "blind/network.h"

/* How divisions round: to the nearest, halves up (NULL), or as those of the
 * parties up with odds of what is cut off, else down, by the random numbers
 * that follow *state. */
typedef uint64_t *blind_rounding;

/* Step k from its inputs: out (channels, size), in[i] the output of step
 * s->in[i].  Not the input itself.  *over is set if a number is outside the
 * bits of an activation that reads it.
 *   errors  CKKS_EPARAM     numbers so large that sums might not be exact
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status blind_twin_step(int64_t *out, bool *over,
                                         const blind_network *n, int k,
                                         const int64_t *const *in,
                                         blind_rounding state);

/* All steps.  value: shape (num_steps), gets each step's output by malloc,
 * which blind_twin_clear frees; the last is the labels.
 *   cost    a multiplication of 64 bits a product */
CKKS_CHECKED ckks_status blind_twin_run(int64_t **value, bool *over,
                                        const blind_network *n,
                                        const int64_t *input,
                                        blind_rounding state);
void blind_twin_clear(int64_t **value, const blind_network *n);

#endif
