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

#include "run/run.h"

int nni_pool_terms(nni_term term[4], const nn_layout *l,
                   const nni_means *before, const nni_means *after, int to)
{
    const int down = after->gap_y / before->gap_y;
    const int across = after->gap_x / before->gap_x;
    int a, b;

    (void)nni_means_at(&a, &b, after, l, to);
    for (int i = 0; i < down * across; i++) {
        const int y = a + i / across * before->gap_y;
        const int x = b + i % across * before->gap_x;
        const int64_t turn = (int64_t)(y / l->ring_y) * l->grid_x
                             + x / l->ring_x;

        term[i] = (nni_term){
            .input = y % l->ring_y / nni_unit(l->ring_y, before->gap_y)
                         * nni_phases(l->ring_x, before->gap_x)
                     + x % l->ring_x / nni_unit(l->ring_x, before->gap_x),
            .step = (int32_t)(turn % (int64_t)l->slots)
        };
    }
    return down * across;
}

/* One mean of map `from`. */
static ckks_status one_mean(ckks_ct *out, ckks_ct *from, const nn_layout *l,
                            const nni_means *before, const nni_means *after,
                            int to, const ckks_keys *keys)
{
    nni_term term[4];
    const ckks_ct *part[4];
    int step[4];
    const int count = nni_pool_terms(term, l, before, after, to);

    for (int i = 0; i < count; i++) {
        part[i] = &from[term[i].input];
        step[i] = term[i].step;
    }
    return ckks_rotate_sum(out, part, step, (size_t)count, keys);
}

static ckks_status half(nni_tensor *out, nni_tensor *from, nni_run *r, int k,
                        int j, int turned)
{
    const nni_stage *s = &r->w->net.stage[k];
    const nn_layout *l = &r->p->layout;
    const nni_means before = nni_means_after(s, &s->out[j], l, turned);
    const nni_means after = nni_means_after(s, &s->out[j], l, turned + 1);
    const int phases = nni_means_phases(&after, l);
    const int old = nni_means_phases(&before, l);
    nni_failure f = { CKKS_OK, "" };

    out->count = s->channels * phases;
    out->ct = calloc((size_t)out->count, sizeof *out->ct);
    if (out->ct == NULL) {
        out->count = 0;
        return nni_no_memory(s->name);
    }
    NET_PARALLEL
    for (int i = 0; i < out->count; i++) {
        int y, x;

        if (nni_means_at(&y, &x, &after, l, i % phases))
            nni_note(&f, one_mean(&out->ct[i], from->ct + i / phases * old, l,
                                  &before, &after, i % phases, r->keys));
    }
    return nni_failed(&f, s->name);
}

ckks_status nni_pool(nni_run *r, int k, int j)
{
    nni_tensor *t = &r->out[k][j];
    const nni_stage *s = &r->w->net.stage[k];
    const int turns = nni_turns(s, &s->out[j], &r->p->layout);
    ckks_status st = CKKS_OK;

    for (int turned = 0; turned < turns && st == CKKS_OK; turned++) {
        nni_tensor next = { NULL, 0 };

        st = half(&next, t, r, k, j, turned);
        nni_tensor_clear(t);
        *t = next;
    }
    return st;
}
