/* weights.c -- a model's weights as the integers of a plan.
 *
 * Read first: weights.h.
 */
#include <stdlib.h>

#include "stage/weights.h"

/* The map of stage k; its integers are made to see that they can be. */
static ckks_status fill_map(nn_weights *w, int k)
{
    nni_map whole = { 0 };
    ckks_status st = nni_map_init(&whole, &w->placed, k, true);

    nni_map_clear(&whole);
    return st == CKKS_OK ? nni_map_init(&w->map[k], &w->placed, k, false) : st;
}

static ckks_status weights_fill(nn_weights *w, const nn_model *m,
                                const nn_plan *p)
{
    ckks_status st = nni_init(&w->net, m, "nn_weights_init");

    if (st == CKKS_OK)
        st = nni_place_plan(&w->placed, &w->net, p);
    if (st != CKKS_OK)
        return st;
    w->map = calloc((size_t)w->net.num_stages, sizeof *w->map);
    w->encoded = calloc((size_t)w->net.num_stages, sizeof *w->encoded);
    if (w->map == NULL || w->encoded == NULL)
        st = nn_fail(CKKS_EMEM, "nn_weights_init: no memory");
    for (int k = 0; st == CKKS_OK && k < w->net.num_stages; k++)
        st = fill_map(w, k);
    return st == CKKS_OK ? nn_plan_fingerprint(w->fingerprint, p) : st;
}

ckks_status nn_weights_init(nn_weights **out, const nn_model *m,
                            const nn_plan *p)
{
    nn_weights *w;
    ckks_status st;

    if (out == NULL || m == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "nn_weights_init: null pointer");
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return nn_fail(CKKS_EMEM, "nn_weights_init: no memory");
    st = weights_fill(w, m, p);
    if (st != CKKS_OK) {
        nn_weights_clear(&w);
        return st;
    }
    nn_weights_clear(out);
    *out = w;
    return CKKS_OK;
}

void nn_weights_clear(nn_weights **w)
{
    if (w == NULL || *w == NULL)
        return;
    for (int k = 0; (*w)->map != NULL && k < (*w)->net.num_stages; k++)
        nni_map_clear(&(*w)->map[k]);
    for (int k = 0; (*w)->encoded != NULL && k < (*w)->net.num_stages; k++)
        nni_encoded_clear(&(*w)->encoded[k]);
    free((*w)->encoded);
    free((*w)->map);
    nni_placed_clear(&(*w)->placed);
    nni_clear(&(*w)->net);
    free(*w);
    *w = NULL;
}
