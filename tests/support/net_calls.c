/* net_calls.c -- what is counted is what is run: every call of libckks by kind
 * and level, one task of many alike against all. */
#include "net_support.h"
#include "plan/price.h"

#include <math.h>

/* ---- calls --------------------------------------------------------------- */

typedef struct calls {
    const nn_line *line;
    size_t lines;
    double *made;               /* shape (lines)                             */
    double others;              /* that are on no line                       */
} calls;

static void count_call(void *user, int step, int kind, int level,
                       double seconds)
{
    calls *c = user;

    if (kind == NNI_FREE)
        return;
    c->others += seconds < 0;
    for (size_t i = 0; i < c->lines; i++)
        if (c->line[i].step == step && c->line[i].kind == kind
            && c->line[i].level == level) {
            c->made[i]++;
            return;
        }
    c->others++;
}

/* Runs the rig's network and compares each line's calls. */
void rig_check_calls(const rig *r, const char *what)
{
    nn_line *line = NULL;
    size_t lines = 0;
    calls c = { 0 };
    nn_progress hooks = { .user = &c, .took = count_call };

    if (!NN_OK(nn_plan_explain(&line, &lines, &r->p, &r->m, NULL, 1)))
        return;
    c = (calls){ .line = line, .lines = lines,
                 .made = calloc(lines + 1, sizeof *c.made) };
    if (CHECK(c.made != NULL, "no memory") && rig_run(r, 1, &hooks)) {
        CHECK(c.others == 0, "%s: %g calls on no line", what, c.others);
        for (size_t i = 0; i < lines; i++)
            CHECK(c.made[i] == line[i].calls, "%s: %s, \"%s\" at level %d: %g "
                  "calls, counted %g", what, r->p.step[line[i].step].name,
                  nn_line_name(line[i].kind), line[i].level, c.made[i],
                  line[i].calls);
    }
    free(c.made);
    free(line);
}

/* ---- one task of many alike ---------------------------------------------- */

static void check_sampled(const nn_plan *p, const nni_placed *placed, int k,
                          const nni_map *map, bool by_inputs)
{
    const char *name = placed->stage[k].of->name;
    nni_count c[2];
    nni_schedule s;
    nn_machine machine;

    if (!NN_OK(nn_machine_default(&machine, "avx2"))
        || !NN_OK(nni_schedule_init(&s, placed, k,
                                    placed->stage[k].neurons > 0 ? NULL : map,
                                    by_inputs, "check_sampled")))
        return;
    for (int i = 0; i < 2; i++) {
        c[i] = nni_count_of(&p->params, &machine, 1, 1e6);
        c[i].sampled = i == 1 && nni_alike(&s);
        NN_OK(nni_count_stage(&c[i], &s));
    }
    for (int i = 0; i < NNI_KINDS; i++)
        CHECK(i == NNI_FREE || c[0].tally.calls[i] == c[1].tally.calls[i],
              "%s: \"%s\": %g calls, %g counted by one of many", name,
              nn_line_name(i), c[0].tally.calls[i], c[1].tally.calls[i]);
    CHECK(c[0].tally.rotations == c[1].tally.rotations
              && c[0].tally.relins == c[1].tally.relins
              && c[0].tally.products == c[1].tally.products,
          "%s: %g rotations, %g relinearisations, %g products; by one of many "
          "%g, %g, %g", name, c[0].tally.rotations, c[0].tally.relins,
          c[0].tally.products, c[1].tally.rotations, c[1].tally.relins,
          c[1].tally.products);
    CHECK(fabs(c[1].seconds / c[0].seconds - 1) < 1e-9,
          "%s: %.9g s, by one of many %.9g", name, c[0].seconds, c[1].seconds);
    CHECK(fabs(c[1].peak / c[0].peak - 1) < 1e-9,
          "%s: peak %.0f, by one of many %.0f", name, c[0].peak, c[1].peak);
    nni_schedule_clear(&s);
}

void net_check_sampled(const nn_model *m, const nn_plan *p)
{
    net n = { 0 };
    nni_placed placed = { 0 };

    if (NN_OK(nni_init(&n, m, "net_check_sampled"))
        && NN_OK(nni_place_plan(&placed, &n, p)))
        for (int k = 0; k < placed.num_stages; k++) {
            nni_map map = { 0 };

            if (NN_OK(nni_map_init(&map, &placed, k, false)))
                for (int way = 0; way < 2; way++)
                    check_sampled(p, &placed, k, &map, way == 1);
            nni_map_clear(&map);
        }
    nni_placed_clear(&placed);
    nni_clear(&n);
}
