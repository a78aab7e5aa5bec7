/* maps.c -- the maps of all stages, without weights, for as long as rings and
 * grid stay.
 *
 * Read first: bounds.h, stage/map.h.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/bounds.h"

ckks_status nni_maps_make(nni_maps *m, const nni_placed *p)
{
    ckks_status st = CKKS_OK;

    if (m->map != NULL)
        return CKKS_OK;
    m->map = calloc((size_t)p->num_stages + 1, sizeof *m->map);
    if (m->map == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %d maps", p->net->name,
                       p->num_stages);
    m->count = p->num_stages;
    for (int k = 0; k < p->num_stages && st == CKKS_OK; k++)
        st = nni_map_init(&m->map[k], p, k, false);
    if (st != CKKS_OK)
        nni_maps_clear(m);
    return st;
}

void nni_maps_clear(nni_maps *m)
{
    for (int k = 0; k < m->count; k++)
        nni_map_clear(&m->map[k]);
    free(m->map);
    nni_held_clear(&m->held);
    memset(m, 0, sizeof *m);
}
