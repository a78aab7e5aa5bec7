/* log.c -- a line an event: for people on standard error, for programs on
 * standard output; and what is told of refusals. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "serve.h"

bool serve_refuse(serve_error *e, int status, const char *way,
                  const char *format, ...)
{
    va_list ap;

    e->status = status;
    e->way = way;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    return false;
}

bool serve_refuse_system(serve_error *e, const char *doing, int error)
{
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return serve_refuse(e, 507, "try again later, or tell who runs the "
                            "server", "the server's disk is full (%s)", doing);
    return serve_refuse(e, 500, "try again; if it stays, tell who runs the "
                        "server", "the server failed at %s: %s", doing,
                        strerror(error));
}

static void log_object(const serve_event *e)
{
    nni_json_writer w;

    nni_json_writer_init(&w, stdout, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_int(&w, "time", (int64_t)time(NULL));
    nni_json_put_string(&w, "event", e->what);
    if (e->job > 0)
        nni_json_put_word(&w, "job", e->job);
    if (e->model != NULL)
        nni_json_put_string(&w, "model", e->model);
    if (e->bytes >= 0)
        nni_json_put_double(&w, "bytes", e->bytes);
    if (e->seconds >= 0)
        nni_json_put_double(&w, "seconds", e->seconds);
    if (e->text != NULL)
        nni_json_put_string(&w, "text", e->text);
    nni_json_put_end(&w);
    if (nni_json_writer_finish(&w) == CKKS_OK)
        (void)fflush(stdout);
    nni_json_writer_clear(&w);
}

/* 2026-11-30T10:00:00Z job 3 done: gm, 3.1 MiB, 10 s */
static void log_line(const serve_event *e)
{
    const time_t now = time(NULL);
    char when[32] = "", job[32] = "", number[2][32];
    struct tm t;

    if (gmtime_r(&now, &t) != NULL)
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &t);
    if (e->job > 0)
        snprintf(job, sizeof job, "job %llu ", (unsigned long long)e->job);
    fprintf(stderr, "%s %s%s", when, job, e->what);
    if (e->model != NULL)
        fprintf(stderr, ", %s", e->model);
    if (e->bytes >= 0)
        fprintf(stderr, ", %s", volley_bytes(number[0], e->bytes));
    if (e->seconds >= 0)
        fprintf(stderr, ", %s", volley_time(number[1], e->seconds));
    if (e->text != NULL)
        fprintf(stderr, ": %s", e->text);
    fputc('\n', stderr);
}

void serve_log(const serve *s, const serve_event *e)
{
    if (s->json)
        log_object(e);
    else
        log_line(e);
}
