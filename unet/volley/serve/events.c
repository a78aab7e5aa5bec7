/* events.c -- server-sent events of a job.  A stream is a response whose text
 * is made as it is asked for; while there is none its connection is suspended,
 * and takes no time and no thread. */
#include <stdlib.h>
#include <string.h>

#include "http.h"

enum { STREAM_COMMENT = 15 };           /* seconds between signs of life     */

struct serve_stream {
    serve *s;
    serve_item *job;
    struct MHD_Connection *connection;
    char text[1536];
    size_t size, at;
    bool begun;
    unsigned changed, moved;            /* versions that were told           */
    bool asleep, over;
    double said;
    serve_stream *next;
};

/* ---- what is said -------------------------------------------------------- */

static void stream_event(serve_stream *x, const char *name, bool progress)
{
    nni_json_writer w;

    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_object(&w, NULL);
    if (progress)
        serve_put_progress(&w, x->job);
    else
        serve_put_job(&w, x->s, x->job);
    nni_json_put_end(&w);
    if (nni_json_writer_finish(&w) == CKKS_OK)  /* ends with a newline       */
        x->size = (size_t)snprintf(x->text, sizeof x->text,
                                   "event: %s\ndata: %.*s\n", name,
                                   (int)w.size, w.data);
    nni_json_writer_clear(&w);
    x->at = 0;
    if (x->size >= sizeof x->text)
        x->size = 0;
}

/* The next text, if there is any. */
static void stream_next(serve_stream *x)
{
    const serve_item *job = x->job;
    const bool ended = job->gone || job->state >= SERVE_DONE;

    x->size = x->at = 0;
    if (!x->begun || x->changed != job->changed || (ended && !x->over)) {
        x->begun = true;
        x->changed = job->changed;
        x->over = ended;
        stream_event(x, ended ? "end" : "state", false);
    } else if (!ended && x->moved != job->moved) {
        x->moved = job->moved;
        stream_event(x, "progress", true);
    } else if (!x->over && volley_clock() - x->said >= STREAM_COMMENT) {
        x->size = (size_t)snprintf(x->text, sizeof x->text, ":\n\n");
    }
    if (x->size > 0)
        x->said = volley_clock();
}

static ssize_t stream_read(void *cls, uint64_t at, char *out, size_t most)
{
    serve_stream *x = cls;
    size_t n;

    (void)at;
    if (x->at == x->size && x->over)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (x->at == x->size)
        stream_next(x);
    n = x->size - x->at < most ? x->size - x->at : most;
    if (n == 0) {
        x->asleep = true;
        MHD_suspend_connection(x->connection);
        return 0;
    }
    memcpy(out, x->text + x->at, n);
    x->at += n;
    return (ssize_t)n;
}

/* ---- streams ------------------------------------------------------------- */

static void stream_free(void *cls)
{
    serve_stream *x = cls, **at = &x->s->web->streams;

    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    x->s->web->count--;
    serve_release(x->job);
    free(x);
}

static void stream_wake(serve_stream *x)
{
    if (!x->asleep)
        return;
    x->asleep = false;
    MHD_resume_connection(x->connection);
}

void serve_tell(serve *s, const serve_item *x)
{
    if (s->web == NULL)
        return;
    for (serve_stream *y = s->web->streams; y != NULL; y = y->next)
        if (y->job == x)
            stream_wake(y);
}

void serve_streams_turn(serve *s, bool all)
{
    for (serve_stream *x = s->web->streams; x != NULL; x = x->next) {
        x->over = x->over || all;
        if (all || volley_clock() - x->said >= STREAM_COMMENT)
            stream_wake(x);
    }
}

static serve_stream *stream_new(serve_request *r, serve_item *job)
{
    serve_stream *x = calloc(1, sizeof *x);

    if (x == NULL)
        return NULL;
    x->s = r->s;
    x->job = job;
    x->connection = r->connection;
    x->said = volley_clock();
    x->next = r->s->web->streams;
    r->s->web->streams = x;
    r->s->web->count++;
    job->users++;
    return x;
}

enum MHD_Result serve_events(serve_request *r)
{
    serve_item *job = serve_request_item(r, SERVE_JOB);
    struct MHD_Response *y;
    serve_stream *x;

    if (job == NULL)
        return serve_answer_error(r);
    if (r->s->web->count >= SERVE_STREAMS) {
        r->error.retry = 10;
        serve_refuse(&r->error, 429, "ask GET /v1/jobs/ID from time to time",
                     "%d streams are open", SERVE_STREAMS);
        return serve_answer_error(r);
    }
    x = stream_new(r, job);
    if (x == NULL)
        return MHD_NO;
    y = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream_read,
                                          x, stream_free);
    if (y == NULL) {
        stream_free(x);
        return MHD_NO;
    }
    (void)MHD_add_response_header(y, "Content-Type", "text/event-stream");
    (void)MHD_add_response_header(y, "X-Accel-Buffering", "no");
    if (r->line != NULL)
        r->line->deadline = 0;
    return serve_answer(r, 200, y, 0);
}
