/* walk_support.h -- what two parties computed of a network, against the twin of
 * integers. */
#ifndef WALK_SUPPORT_H
#define WALK_SUPPORT_H

#include "blind/twin.h"
#include "blind/walk.h"

/* value[k]: step k's numbers by both sides' shares, malloc; but the last
 * step's, which has none. */
void walk_join(int64_t **value, const blind_network *n,
               blind_share *const *client, blind_share *const *server);
/* Step k against the twin's from the numbers that the parties had: within one
 * unit where something is divided, else equal. */
void walk_check_step(const blind_network *n, int k, int64_t *const *value,
                     const uint8_t *label);
/* Labels against the twin's from the image on: they differ only where the
 * scores are as near as roundings by chance reach. */
void walk_check_mask(const blind_network *n, const int64_t *input,
                     const uint8_t *label);

#endif
