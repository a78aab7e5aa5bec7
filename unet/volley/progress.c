/* progress.c -- one line on a terminal, rewritten before every step; or a JSON
 * object a line before every step, for programs.
 *
 * The plan's seconds may be those of another machine, so only their proportions
 * are used once some of the work is done.
 */
#include <string.h>
#include <unistd.h>

#include "volley.h"

/* Clears the line behind what is written. */
static const char progress_erase[] = "\x1b[K";

/* Where the work is: for people, or for programs. */
typedef struct progress_place {
    const char *layer;
    int level;
    double done, left;          /* of 1; seconds                             */
} progress_place;

static void progress_line(const volley_progress *p, const progress_place *at)
{
    char text[32];

    fprintf(stderr, "\r%s set %zu of %zu, %3.0f %%: %s, level %d, %s left%s",
            p->doing, p->set + 1, p->sets, 100 * at->done, at->layer,
            at->level, volley_time(text, at->left), progress_erase);
    fflush(stderr);
}

/* One write a line: what else goes to standard error stands between lines. */
static void progress_object(const volley_progress *p,
                            const progress_place *at)
{
    nni_json_writer w;

    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_word(&w, "set", p->set + 1);
    nni_json_put_word(&w, "sets", p->sets);
    nni_json_put_string(&w, "layer", at->layer);
    nni_json_put_int(&w, "level", at->level);
    nni_json_put_double(&w, "done", at->done);
    nni_json_put_double(&w, "left", at->left);
    nni_json_put_end(&w);
    if (nni_json_writer_finish(&w) == CKKS_OK)
        (void)fwrite(w.data, 1, w.size, stderr);
    nni_json_writer_clear(&w);
    fflush(stderr);
}

/* Adds the time of the step that ran, if one did, to its sum; begins another
 * (-1: none). */
static void progress_turn(volley_progress *p, int step)
{
    double now = volley_clock();

    if (p->step >= 0)
        p->layer[p->step] += now - p->since;
    p->step = step;
    p->since = now;
}

static void progress_set(void *user, size_t set, size_t sets)
{
    volley_progress *p = user;

    p->set = p->before + set;
    p->sets = p->of > 0 ? p->of : sets;
    progress_turn(p, -1);
    if (!p->shown)
        return;
    fprintf(stderr, "\r%s set %zu of %zu%s", p->doing, p->set + 1, p->sets,
            progress_erase);
    fflush(stderr);
}

static void progress_step(void *user, const nn_plan *plan, int step,
                          double done, double total)
{
    volley_progress *p = user;
    const nn_step *s;
    double elapsed, before, all, left;
    progress_place at;

    if (step < 0 || step >= plan->num_steps)
        return;
    progress_turn(p, step);
    if (!p->shown && !p->json)
        return;
    s = &plan->step[step];
    elapsed = volley_clock() - p->start;
    before = (double)p->set * total + done;
    all = (double)p->sets * total;
    left = all - before;
    done = before - (double)p->found * total;       /* in this run           */
    if (done > 0.02 * total)
        left *= elapsed / done;
    at = (progress_place){ s->name, s->level, all > 0 ? before / all : 0,
                           left };
    if (p->json)
        progress_object(p, &at);
    else
        progress_line(p, &at);
}

static void progress_took(void *user, int step, int kind, int level,
                          double seconds)
{
    volley_progress *p = user;

    volley_explain_took(p->explain, step, kind, level, seconds);
}

static ckks_status progress_image(void *user, const unet_job *job,
                                  size_t image, const double *logit)
{
    volley_progress *p = user;

    return volley_take(p->taken, job, image, logit);
}

static ckks_status progress_request(void *user, const uint8_t id[UNET_ID])
{
    const volley_progress *p = user;

    return uni_record_save(p->requests, id, p->record);
}

void volley_progress_keep(volley_progress *p, const uni_record *record,
                          const char *requests)
{
    p->record = record;
    p->requests = requests;
    p->hooks.request = record == NULL ? NULL : progress_request;
}

void volley_progress_take(volley_progress *p, volley_taken *taken)
{
    p->taken = taken;
    p->hooks.image = taken == NULL ? NULL : progress_image;
}

void volley_progress_explain(volley_progress *p, volley_explain *explain)
{
    p->explain = explain;
    p->hooks.step.took = explain == NULL ? NULL : progress_took;
}

void volley_progress_show(volley_progress *p, volley_shown how)
{
    p->shown = how == VOLLEY_SHOWN_LINE && isatty(STDERR_FILENO) != 0;
    p->json = how == VOLLEY_SHOWN_JSON;
}

void volley_progress_init(volley_progress *p, const char *doing)
{
    p->hooks.set = progress_set;
    p->hooks.step.report = progress_step;
    p->hooks.step.user = p;
    volley_progress_explain(p, NULL);
    volley_progress_take(p, NULL);
    volley_progress_keep(p, NULL, NULL);
    volley_progress_show(p, VOLLEY_SHOWN_LINE);
    p->doing = doing;
    p->set = p->before = p->of = 0;
    p->sets = 1;
    p->start = volley_clock();
    p->step = -1;
    p->path = NULL;
    p->all = p->found = 0;
    memset(p->layer, 0, sizeof p->layer);
}

void volley_progress_end(volley_progress *p)
{
    progress_turn(p, -1);
    if (p->shown)
        fprintf(stderr, "\r%s", progress_erase);
    p->shown = false;
}
