/* schedule.c -- the schedule of a stage, of whichever kind.
 *
 * Read first: schedule.h.
 */
#include <stdlib.h>
#include <string.h>

#include "schedule/schedule.h"

/* Sizes of the means' tensors. */
static void count_means(nni_maker *m)
{
    const nn_layout *l = &m->p->layout;
    const nni_size size = nni_stage_size(m->stage->of);

    for (int j = 0; j < m->stage->num_outs; j++) {
        const int pool = m->stage->out[j].pool;

        for (int i = 0; i < nni_turns(&size, pool, l) && i < 2; i++) {
            const nni_means at = nni_means_after(&size, pool, l, i);

            m->s->count[-(NNI_MEAN - 2 * j - i) - 1] =
                m->stage->planes * nni_means_phases(&at, l);
        }
    }
}

ckks_status nni_schedule_init(nni_schedule *out, const nni_placed *placed,
                              int k, const nni_map *map, bool by_inputs,
                              const char *name)
{
    nni_schedule s = { .placed = placed, .stage = k };
    nni_maker m = { .s = &s, .p = placed, .stage = &placed->stage[k], .k = k,
                    .by_inputs = by_inputs };

    *out = (nni_schedule){ 0 };
    count_means(&m);
    s.map = m.stage->neurons > 0 ? NULL : map;
    nni_maker_init(&m);
    if (m.stage->neurons > 0) {
        s.matrix = nni_matrix_of(placed, k);
        nni_make_matrix(&m);
    } else {
        nni_make_combination(&m);
    }
    nni_add_end(&m);
    nni_maker_clear(&m);
    if (m.full) {
        nni_schedule_clear(&s);
        return nn_fail(CKKS_EMEM, "%s: no memory for the schedule of %s",
                       name, m.stage->of->name);
    }
    *out = s;
    return CKKS_OK;
}

void nni_schedule_clear(nni_schedule *s)
{
    free(s->step);
    free(s->body);
    free(s->round);
    free(s->part);
    free(s->combine);
    free(s->block);
    free(s->read);
    free(s->input);
    free(s->mask);
    memset(s, 0, sizeof *s);
}
