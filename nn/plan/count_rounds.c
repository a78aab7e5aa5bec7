/* count_rounds.c -- rounds and tasks, counted: seconds by threads, bytes by tasks
 * at once.
 *
 * Read first: count.h.
 *
 * On several threads a round may have as many tasks at once as there are
 * threads: to the bytes of one task at work come, for each other thread, those
 * that a task holds for a while.
 */
#include <math.h>

#include "plan/count.h"
#include "plan/worth.h"

static void count_round(void *user, const nni_schedule *s, int round,
                        bool begins)
{
    nni_count *c = user;

    if (begins) {
        c->tally.work = (nni_work){ { 0 } };
        c->moved = c->tally.moved;
        c->tasks = s->round[round].tasks;
        c->alone = s->round[round].tasks == 1;
    } else if (c->tasks > 0) {
        /* the last turn of the threads may have fewer tasks than threads */
        c->seconds += nni_work_seconds(&c->tally.work, &c->figures, c->machine)
                      * ceil(c->tasks / c->threads) / c->tasks
                      + (c->tally.moved - c->moved) * NNI_SCRATCH_SECONDS;
    }
}

/* now = before + times (now - before) */
static void repeat(double *now, const double *before, size_t count,
                   double times)
{
    for (size_t i = 0; i < count; i++)
        now[i] = before[i] + times * (now[i] - before[i]);
}

static void count_task(void *user, int alike, bool begins)
{
    nni_count *c = user;
    const double others = c->alone ? 0 : fmin(c->threads, c->tasks) - 1;
    double left;

    if (begins) {
        c->alike = alike;
        c->before = c->tally;
        c->began = c->high = c->live;
        return;
    }
    if (alike > 1)
        repeat((double *)&c->tally, (const double *)&c->before,
               sizeof c->tally / sizeof(double), alike);
    left = (alike - 1) * (c->live - c->began);  /* by the tasks not walked   */
    c->live += left;
    c->beside = fmax(c->beside, others * (c->high - c->began));
    c->peak = fmax(c->peak, c->high + fmax(0, left)
                                + others * (c->high - c->began));
    c->alike = 1;
}

nni_backend nni_count_backend(nni_count *c)
{
    return (nni_backend){ .apply = nni_count_step, .round = count_round,
                          .task = count_task, .sampled = c->sampled,
                          .user = c };
}
