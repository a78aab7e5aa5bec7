/* run_pool.c -- means of 2x2 where the ring is used up.
 *
 * Read first: run.h, docs/12-volley.md.
 *
 * The pixels of a mean then lie in one ciphertext, or in some, at other slots:
 * they are rotated to the first of them and added.  The mean stays where that
 * pixel is; between the means the grid has gaps.  The quarter is in the scale,
 * as everywhere.  Where only one axis is used up, the other's pixels have been
 * added before (run.c).
 */
#include <stdlib.h>
#include <string.h>

#include "run.h"

int net_pool_terms(net_term term[4], const nn_layout *l,
                   const net_means *before, const net_means *after, int to)
{
    const int down = after->gap_y / before->gap_y;
    const int across = after->gap_x / before->gap_x;
    int a, b;

    (void)net_means_at(&a, &b, after, l, to);
    for (int i = 0; i < down * across; i++) {
        const int y = a + i / across * before->gap_y;
        const int x = b + i % across * before->gap_x;
        const int64_t turn = (int64_t)(y / l->ring_y) * l->grid_x
                             + x / l->ring_x;

        term[i] = (net_term){
            .input = y % l->ring_y / net_unit(l->ring_y, before->gap_y)
                         * net_phases(l->ring_x, before->gap_x)
                     + x % l->ring_x / net_unit(l->ring_x, before->gap_x),
            .step = (int32_t)(turn % (int64_t)l->slots)
        };
    }
    return down * across;
}

/* One mean of map `from`. */
static ckks_status one_mean(ckks_ct *out, ckks_ct *from, const nn_layout *l,
                            const net_means *before, const net_means *after,
                            int to, const ckks_keys *keys)
{
    net_term term[4];
    const ckks_ct *part[4];
    int step[4];
    const int count = net_pool_terms(term, l, before, after, to);

    for (int i = 0; i < count; i++) {
        part[i] = &from[term[i].input];
        step[i] = term[i].step;
    }
    return ckks_rotate_sum(out, part, step, (size_t)count, keys);
}

static ckks_status half(net_tensor *out, net_tensor *from, net_run *r, int k,
                        int j, int turned)
{
    const net_stage *s = &r->w->net.stage[k];
    const nn_layout *l = &r->p->layout;
    const net_means before = net_means_after(s, &s->out[j], l, turned);
    const net_means after = net_means_after(s, &s->out[j], l, turned + 1);
    const int phases = net_means_phases(&after, l);
    const int old = net_means_phases(&before, l);
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

        if (net_means_at(&y, &x, &after, l, i % phases))
            net_note(&f, one_mean(&out->ct[i], from->ct + i / phases * old, l,
                                  &before, &after, i % phases, r->keys));
    }
    return net_failed(&f, s->name);
}

ckks_status net_pool(net_run *r, int k, int j)
{
    net_tensor *t = &r->out[k][j];
    const net_stage *s = &r->w->net.stage[k];
    const int turns = net_turns(s, &s->out[j], &r->p->layout);
    ckks_status st = CKKS_OK;

    for (int turned = 0; turned < turns && st == CKKS_OK; turned++) {
        net_tensor next = { NULL, 0 };

        st = half(&next, t, r, k, j, turned);
        net_tensor_clear(t);
        *t = next;
    }
    return st;
}
