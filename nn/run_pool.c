/* run_pool.c -- means of 2x2 where the ring is used up.
 *
 * Read first: run.h, docs/12-volley.md.
 *
 * The four pixels of a mean then lie in one ciphertext, or in some, at other
 * slots: they are rotated to the first of them and added.  The mean stays
 * where that pixel is; between the means the grid has gaps.  The quarter is in
 * the scale, as everywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "run.h"

void net_pool_terms(net_term term[4], const nn_layout *l, int gap, int to)
{
    int a, b;

    (void)net_phase_at(&a, &b, l, 2 * gap, 0, 0, to);
    for (int i = 0; i < 4; i++) {
        const int y = a + i / 2 * gap, x = b + i % 2 * gap;
        const int64_t turn = (int64_t)(y / l->ring_y) * l->grid_x
                             + x / l->ring_x;

        term[i] = (net_term){
            .input = y % l->ring_y / net_unit(l->ring_y, gap)
                         * net_phases(l->ring_x, gap)
                     + x % l->ring_x / net_unit(l->ring_x, gap),
            .step = (int32_t)(turn % (int64_t)l->slots)
        };
    }
}

/* One mean of map `from`, whose phases are of this gap. */
static ckks_status one_mean(ckks_ct *out, ckks_ct *from, const nn_layout *l,
                            int gap, int to, const ckks_keys *keys)
{
    net_term term[4];
    const ckks_ct *part[4];
    int step[4];

    net_pool_terms(term, l, gap, to);
    for (int i = 0; i < 4; i++) {
        part[i] = &from[term[i].input];
        step[i] = term[i].step;
    }
    return ckks_rotate_sum(out, part, step, 4, keys);
}

static ckks_status half(net_tensor *out, net_tensor *from, net_run *r, int k,
                        int pool)
{
    const net_stage *s = &r->w->net.stage[k];
    const nn_layout *l = &r->p->layout;
    const int gap = s->gap << pool, phases = nn_layout_phases(l, 2 * gap);
    const int old = nn_layout_phases(l, gap);
    net_failure f = { CKKS_OK, "" };

    out->count = s->channels * phases;
    out->ct = calloc((size_t)out->count, sizeof *out->ct);
    if (out->ct == NULL) {
        out->count = 0;
        return net_no_memory(s->name);
    }
    NET_PARALLEL
    for (int i = 0; i < out->count; i++) {
        int y, x;

        if (net_phase_at(&y, &x, l, 2 * gap, s->height >> (pool + 1),
                         s->width >> (pool + 1), i % phases))
            net_note(&f, one_mean(&out->ct[i], from->ct + i / phases * old, l,
                                  gap, i % phases, r->keys));
    }
    return net_failed(&f, s->name);
}

ckks_status net_pool(net_run *r, int k, int j)
{
    net_tensor *t = &r->out[k][j];
    const net_out *o = &r->w->net.stage[k].out[j];
    ckks_status st = CKKS_OK;

    for (int pool = 0; pool < o->pool && st == CKKS_OK; pool++) {
        net_tensor next = { NULL, 0 };

        st = half(&next, t, r, k, pool);
        net_tensor_clear(t);
        *t = next;
    }
    return st;
}
