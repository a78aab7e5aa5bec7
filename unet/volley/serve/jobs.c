/* jobs.c -- the queue: jobs run in the order in which they came. */
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"

size_t serve_place(const serve *s, const serve_item *x)
{
    size_t before = 0;

    if (x->kind != SERVE_JOB || x->state != SERVE_QUEUED || x->gone)
        return 0;
    for (size_t i = 0; i < s->items; i++)
        before += s->item[i]->kind == SERVE_JOB
                  && s->item[i]->state == SERVE_QUEUED
                  && s->item[i]->number < x->number;
    return before + 1;
}

size_t serve_waiting(const serve *s, const uint8_t *owner)
{
    size_t n = 0;

    for (size_t i = 0; i < s->items; i++)
        n += s->item[i]->kind == SERVE_JOB
             && s->item[i]->state == SERVE_QUEUED
             && (owner == NULL
                 || memcmp(s->item[i]->owner, owner, UNET_ID) == 0);
    return n;
}

/* By the plans' seconds: until the first of the jobs that run has ended. */
int serve_retry(const serve *s)
{
    double least = 60;

    for (size_t i = 0; i < s->items; i++) {
        const serve_item *x = s->item[i];
        const serve_model *m = serve_model_find(s, x->model);

        if (x->kind == SERVE_JOB && x->state == SERVE_RUNNING && m != NULL)
            least = fmin(least, m->plan->seconds * (double)x->sets
                                    - (volley_clock() - x->since));
    }
    return least < 1 ? 1 : (int)ceil(least);
}

size_t serve_needed(const serve *s, const serve_item *keys)
{
    size_t n = 0;

    for (size_t i = 0; i < s->items; i++)
        n += s->item[i]->kind == SERVE_JOB && s->item[i]->state < SERVE_DONE
             && strcmp(s->item[i]->keys, keys->id) == 0;
    return n;
}

static serve_item *job_first(const serve *s)
{
    serve_item *first = NULL;

    for (size_t i = 0; i < s->items; i++)
        if (s->item[i]->kind == SERVE_JOB
            && s->item[i]->state == SERVE_QUEUED
            && (first == NULL || s->item[i]->number < first->number))
            first = s->item[i];
    return first;
}

static void job_log(const serve *s, const serve_item *x, const char *what)
{
    const serve_event e = {
        .what = what, .job = x->number, .model = x->model,
        .bytes = x->state == SERVE_DONE ? (double)x->result : -1,
        .seconds = x->state >= SERVE_DONE && x->since > 0
                       ? volley_clock() - x->since : -1,
        .text = x->error[0] != '\0' ? x->error : NULL
    };

    serve_log(s, &e);
}

void serve_job_end(serve *s, serve_item *x, const char *error)
{
    char path[SERVE_ROOM];
    int e;

    x->state = error == NULL ? SERVE_DONE : SERVE_FAILED;
    snprintf(x->error, sizeof x->error, "%s", error != NULL ? error : "");
    /* the result's name is on disk before the note that it is there */
    e = serve_sync(serve_path(path, SERVE_JOB, x->id, NULL));
    if (e == 0)
        e = serve_note_end(x);
    if (e == 0)
        (void)unlink(serve_path(path, SERVE_JOB, x->id, "in.vct"));
    x->held = serve_held(serve_path(path, SERVE_JOB, x->id, NULL));
    x->expires = (int64_t)time(NULL) + s->keep;
    x->changed++;
    job_log(s, x, error == NULL ? "done" : "failed");
    serve_tell(s, x);
}

/* Their places have changed. */
static void jobs_moved_up(serve *s)
{
    for (size_t i = 0; i < s->items; i++)
        if (s->item[i]->kind == SERVE_JOB
            && s->item[i]->state == SERVE_QUEUED) {
            s->item[i]->changed++;
            serve_tell(s, s->item[i]);
        }
}

void serve_schedule(serve *s)
{
    bool moved = false;

    for (int slot = 0; slot < s->jobs; slot++) {
        serve_item *x = s->child[slot] == NULL ? job_first(s) : NULL;

        if (x == NULL)
            continue;
        moved = true;
        if (serve_child_start(s, x) != 0)
            continue;
        x->state = SERVE_RUNNING;
        x->since = volley_clock();
        x->changed++;
        job_log(s, x, "runs");
        serve_tell(s, x);
    }
    if (moved)
        jobs_moved_up(s);
}
