/* keys.h -- which keys stages need, and which of them are in memory while each
 * stage runs.
 *
 * Read first: place.h, map.h.
 */
#ifndef NN_KEYS_H
#define NN_KEYS_H

#include "stage/map.h"

/* Keys, each once, at the highest level at which it is used. */
typedef struct nni_keys {
    size_t count;
    ckks_key_request key[NN_MAX_KEYS];
} nni_keys;

/* Adds those of stage k, in the order in which it needs them.
 *   errors  CKKS_EPARAM  more than NN_MAX_KEYS */
CKKS_CHECKED ckks_status nni_stage_keys(nni_keys *out, const nni_placed *placed,
                                        int k, const nni_map *m);

/* Where keys are read as stages need them: a key is there from the first stage
 * that uses it to the last, with the limbs that the levels still to come take. */
typedef struct nni_held {
    nni_keys all;               /* of all stages                             */
    int stages;
    int8_t *level;              /* shape (stages, all.count); -1: not there  */
} nni_held;

/* maps: of all stages. */
CKKS_CHECKED ckks_status nni_held_init(nni_held *out, const nni_placed *p,
                                       const nni_map *map);
void nni_held_clear(nni_held *h);
/* What is held while stage k runs, for ckks_keys_hold: at most NN_MAX_KEYS. */
size_t nni_held_at(ckks_key_request *out, const nni_held *h, int k);

#endif
