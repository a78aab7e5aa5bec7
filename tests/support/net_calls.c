/* net_calls.c -- what is counted is what is run: every call of libckks by kind
 * and level, one task of many alike against all. */
#include "net_support.h"
#include "plan/bounds.h"
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

/* What is said to be the least that a stage takes is no more than it takes. */
static void check_least(const nn_plan *p, const nni_placed *placed, int k,
                        nni_maps *maps, bool by_inputs, const nni_count *c)
{
    const nni_placed_stage *s = &placed->stage[k];
    const nni_figures f = nni_figures_of(&p->params);
    nni_work w = { { 0 } };
    nni_turning t;
    double least;

    if (s->neurons > 0 || s->masked || s->alternating || s->period > 0
        || !NN_OK(nni_turning_of(&t, placed, k, &maps->map[k])))
        return;
    nni_least_work(&w, &f, placed, k, maps);
    if (by_inputs)
        nni_inputs_work(&w, &f, s->level, &t);
    else
        nni_sums_work(&w, &f, s->level, &maps->map[k]);
    least = nni_work_seconds(&w, &f, c->machine);
    CHECK(least <= c->seconds * (1 + 1e-9), "%s: %.9g s at least, %.9g counted,"
          " %s rotated", s->of->name, least, c->seconds,
          by_inputs ? "inputs" : "sums");
}

static void check_sampled(const nn_plan *p, const nni_placed *placed, int k,
                          nni_maps *maps, bool by_inputs)
{
    const char *name = placed->stage[k].of->name;
    nni_count c[2];
    nni_schedule s;
    nn_machine machine;

    if (!NN_OK(nn_machine_default(&machine, "avx2"))
        || !NN_OK(nni_schedule_init(&s, placed, k,
                                    placed->stage[k].neurons > 0
                                        ? NULL : &maps->map[k],
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
    check_least(p, placed, k, maps, by_inputs, &c[0]);
    nni_schedule_clear(&s);
}

void net_check_sampled(const nn_model *m, const nn_plan *p)
{
    net n = { 0 };
    nni_placed placed = { 0 };
    nni_maps maps = { 0 };

    if (NN_OK(nni_init(&n, m, "net_check_sampled"))
        && NN_OK(nni_place_plan(&placed, &n, p))
        && NN_OK(nni_maps_make(&maps, &placed)))
        for (int k = 0; k < placed.num_stages; k++)
            for (int way = 0; way < 2; way++)
                check_sampled(p, &placed, k, &maps, way == 1);
    nni_maps_clear(&maps);
    nni_placed_clear(&placed);
    nni_clear(&n);
}
