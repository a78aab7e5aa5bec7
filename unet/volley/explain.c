/* explain.c -- --explain: a plan's schedule, line by line, with what each line
 * was predicted to take and, after a run, what it took. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

int volley_explain_init(volley_explain *e, const volley_source *s,
                        const nn_machine *machine, int threads)
{
    memset(e, 0, sizeof *e);
    if (nn_plan_explain(&e->line, &e->lines, &s->plan, &s->model, machine,
                        threads) != CKKS_OK)
        return volley_fail("%s", nn_last_error());
    e->took = calloc(e->lines + 1, sizeof *e->took);
    if (e->took != NULL)
        return VOLLEY_DONE;
    volley_explain_clear(e);
    return volley_fail("no memory for %zu lines", e->lines);
}

void volley_explain_clear(volley_explain *e)
{
    free(e->line);
    free(e->took);
    memset(e, 0, sizeof *e);
}

void volley_explain_took(volley_explain *e, int step, int kind, int level,
                         double seconds)
{
    for (size_t i = 0; i < e->lines; i++)
        if (e->line[i].step == step && e->line[i].kind == kind
            && e->line[i].level == level) {
            e->took[i] += seconds;
            e->ran = true;
            return;
        }
}

static void explain_print_line(const volley_explain *e, size_t i)
{
    const nn_line *l = &e->line[i];

    printf("  %-29s %5d %8.0f %8.3f", nn_line_name(l->kind), l->level,
           l->calls, l->seconds);
    if (e->ran)
        printf(" %8.3f", e->took[i]);
    printf(" %7.0f", l->bytes / 1048576);
    if (l->to > 0)
        printf("  %.0f..%.0f", l->from / 1048576, l->to / 1048576);
    printf("\n");
}

void volley_explain_print(const volley_explain *e, const nn_plan *p)
{
    double seconds = 0, took = 0;

    printf("%-31s %5s %8s %8s%s %7s  %s\n", "layer, and what it asks for",
           "level", "calls", "s", e->ran ? "  took, s" : "", "MiB",
           "from..to, MiB");
    for (size_t i = 0; i < e->lines; i++) {
        const nn_line *l = &e->line[i];

        if (i == 0 || e->line[i - 1].step != l->step)
            printf("%s\n", p->step[l->step].name);
        explain_print_line(e, i);
        seconds += l->seconds;
        took += e->took[i];
    }
    printf("%-46s %8.3f", "all, seconds of one thread", seconds);
    if (e->ran)
        printf(" %8.3f", took);
    printf("\nMiB: in use at most, without tables and keys that stay; "
           "from..to: where in the memory\nof the run lies what a line makes\n");
}

void volley_explain_put(nni_json_writer *w, const volley_explain *e,
                        const nn_plan *p)
{
    nni_json_put_array(w, "schedule");
    for (size_t i = 0; i < e->lines; i++) {
        const nn_line *l = &e->line[i];

        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "layer", p->step[l->step].name);
        nni_json_put_string(w, "what", nn_line_name(l->kind));
        nni_json_put_int(w, "level", l->level);
        nni_json_put_double(w, "calls", l->calls);
        nni_json_put_double(w, "seconds", l->seconds);
        if (e->ran)
            nni_json_put_double(w, "took", e->took[i]);
        nni_json_put_double(w, "bytes", l->bytes);
        nni_json_put_double(w, "from", l->from);
        nni_json_put_double(w, "to", l->to);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}
