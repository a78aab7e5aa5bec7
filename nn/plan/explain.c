/* explain.c -- a plan's schedule in words: what libckks is asked for, line by
 * line.
 *
 * Read first: count.h, schedule/schedule.h.
 */
#include <math.h>
#include <stdlib.h>

#include "plan/price.h"

static const char *const names[NNI_KINDS] = {
    [NNI_DROP] = "drop to a lower level",
    [NNI_HOIST] = "rotate an input by all steps",
    [NNI_ALTERNATE] = "alternate an input",
    [NNI_ENCODE] = "encode a mask",
    [NNI_MASK] = "mask an input",
    [NNI_SCALE] = "bring to the scale of masks",
    [NNI_COMBINE] = "combine a piece",
    [NNI_ADD] = "add the sums of a slice",
    [NNI_ROTATE_SUM] = "rotate sums and add",
    [NNI_BIAS] = "add a bias",
    [NNI_BIAS_EDGE] = "add a bias of many values",
    [NNI_CLEAR] = "clear the border",
    [NNI_RESCALE] = "rescale",
    [NNI_MOVE] = "deliver",
    [NNI_ACTIVATE] = "square",
    [NNI_ACCUMULATE] = "square and add to a mean",
    [NNI_RELIN_RESCALE] = "relinearise and rescale",
    [NNI_LIFT] = "bring to the scale of squares",
    [NNI_PRODUCTS] = "multiply with plaintexts",
    [NNI_BIAS_PLAIN] = "add a plaintext bias",
    [NNI_STORE] = "write to the scratch file",
    [NNI_LOAD] = "read from the scratch file",
    [NNI_FREE] = "give back"
};

const char *nn_line_name(int kind)
{
    return kind >= 0 && kind < NNI_KINDS ? names[kind] : "";
}

typedef struct lines {
    nn_line *line;
    size_t count, room;
    bool full;
} lines;

/* The line of a stage, kind and level; lines of one stage follow each other. */
static nn_line *line_of(lines *l, int stage, const nni_step *step)
{
    nn_line *grown;

    for (size_t i = l->count; i > 0 && l->line[i - 1].step == stage; i--)
        if (l->line[i - 1].kind == (int)step->what
            && l->line[i - 1].level == step->level)
            return &l->line[i - 1];
    if (l->count == l->room) {
        grown = realloc(l->line, (2 * l->room + 64) * sizeof *grown);
        if (grown == NULL) {
            l->full = true;
            return NULL;
        }
        l->line = grown;
        l->room = 2 * l->room + 64;
    }
    l->line[l->count] = (nn_line){ .step = stage, .kind = (int)step->what,
                                   .level = step->level, .from = HUGE_VAL };
    return &l->line[l->count++];
}

static void note(void *user, int stage, const nni_step *step,
                 const nni_took *took)
{
    nn_line *l = step->what == NNI_FREE ? NULL : line_of(user, stage, step);

    if (l == NULL)
        return;
    l->calls++;
    l->seconds += took->seconds;
    l->bytes = fmax(l->bytes, took->live);
    if (took->to > 0) {
        l->from = fmin(l->from, took->from);
        l->to = fmax(l->to, took->to);
    }
}

ckks_status nn_plan_explain(nn_line **out, size_t *count, const nn_plan *p,
                            const nn_model *m, const nn_machine *machine,
                            int threads)
{
    lines l = { 0 };
    const nni_hook hook = { note, &l };
    nn_plan *copy;
    ckks_status st;

    if (out == NULL || count == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_explain: null pointer");
    copy = malloc(sizeof *copy);
    if (copy == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_explain: no memory");
    *copy = *p;
    st = nni_predict(copy, m, machine, threads, &hook, "nn_plan_explain");
    if (st == CKKS_OK && l.full)
        st = nn_fail(CKKS_EMEM, "nn_plan_explain: no memory for %zu lines",
                     l.count);
    for (size_t i = 0; i < l.count; i++)
        if (l.line[i].to <= 0)
            l.line[i].from = 0;
    free(copy);
    if (st != CKKS_OK) {
        free(l.line);
        return st;
    }
    *out = l.line;
    *count = l.count;
    return CKKS_OK;
}
