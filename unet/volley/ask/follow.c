/* follow.c -- a job at the server: how it runs, and its result. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "volley/ask/ask.h"
#include "volley/ask/events.h"

typedef struct follow_hand {
    ask_line *line;
    ask_job *job;
    bool ended, refused, heard;
} follow_hand;

/* ---- how it runs -------------------------------------------------------- */

static void follow_show(const follow_hand *h)
{
    const ask_job *j = h->job;
    char left[32] = "";

    if (j->left >= 0)
        volley_time(left, j->left);
    if (j->state == ASK_QUEUED)
        ask_show(h->line, "queued at the server, place %d", j->place);
    else if (j->state == ASK_RUNNING && j->layer[0] == '\0')
        ask_show(h->line, "the server begins");
    else if (j->state == ASK_RUNNING)
        ask_show(h->line, "the server, set %d of %d, %3.0f %%: %s, level %d"
                 "%s%s%s", j->set, j->sets, 100 * j->done, j->layer,
                 j->level, left[0] != '\0' ? ", " : "", left,
                 left[0] != '\0' ? " left" : "");
}

static bool follow_event(void *user, const char *name, const char *data)
{
    follow_hand *h = user;
    const bool end = strcmp(name, "end") == 0;
    const bool progress = strcmp(name, "progress") == 0;

    if (!end && !progress && strcmp(name, "state") != 0)
        return true;
    h->refused = ask_read_job(h->job, h->line, data, strlen(data), !progress)
                 != VOLLEY_DONE;
    if (h->refused)
        return false;
    if (progress)
        h->job->state = ASK_RUNNING;
    h->heard = true;
    h->ended = end || h->job->state == ASK_DONE
               || h->job->state == ASK_FAILED;
    follow_show(h);
    return !h->ended;
}

static bool follow_take(void *user, const uint8_t *in, size_t size)
{
    return events_take(user, in, size);
}

/* Until the stream ends, the first time or later. */
static void follow_stream(follow_hand *h, http_answer *a,
                          const http_request *request)
{
    events e = { .got = follow_event, .user = h };
    const http_taker taker = { follow_take, &e };
    http_request r = *request;

    r.taker = &taker;
    h->heard = false;
    http_call(a, h->line->http, &r);
    if (a->way == HTTP_CAME && a->status == 200)
        a->way = HTTP_CUT;              /* it ended before the job           */
    if (a->why[0] == '\0')
        snprintf(a->why, sizeof a->why, "the job's events were cut");
}

static int follow_wait(follow_hand *h, const char id[ASK_ID])
{
    char path[80];
    const http_request r = { .method = "GET", .path = path };
    ask_tries tries = {0};

    snprintf(path, sizeof path, "/v1/jobs/%s/events", id);
    for (;;) {
        http_answer a;
        bool again;
        int code = VOLLEY_DONE;

        follow_stream(h, &a, &r);
        if (h->heard)
            tries.count = 0;
        again = !h->ended && !h->refused
                && ask_again(h->line, &tries, &a);
        if (!h->ended && !h->refused && !again)
            code = a.way == HTTP_LEFT
                       ? volley_fail("%s: the job's events make no sense",
                                     h->line->url)
                       : ask_told(h->line, &r, &a);
        http_clear(&a);
        if (!again)
            return h->refused ? VOLLEY_FAILED : code;
    }
}

int ask_follow(ask_job *out, ask_line *line, const char id[ASK_ID])
{
    follow_hand h = { .line = line, .job = out };
    int code = follow_wait(&h, id);

    ask_show_end(line);
    if (code == VOLLEY_DONE && out->state != ASK_DONE)
        code = volley_fail("%s: the job failed: %s", line->url,
                           out->error[0] != '\0' ? out->error
                                                 : "no reason is given");
    return code;
}

/* ---- its result --------------------------------------------------------- */

typedef struct follow_file {
    FILE *file;
    uint64_t at, bytes;
    ask_line *line;
    http_answer *answer;        /* of the request under way                  */
    uint64_t from;              /* asked for                                 */
    bool begun, failed, other;
} follow_file;

/* An answer that begins elsewhere than was asked for. */
static bool follow_begins(follow_file *f)
{
    f->begun = true;
    if (f->answer->from != f->from && f->answer->from != 0)
        return false;
    if (f->answer->from == f->from)
        return true;
    f->at = 0;                  /* no range was given: all of it             */
    return fseeko(f->file, 0, SEEK_SET) == 0;
}

static bool follow_write(void *user, const uint8_t *in, size_t size)
{
    follow_file *f = user;

    if ((!f->begun && !follow_begins(f)) || size > f->bytes - f->at) {
        f->other = true;
        return false;
    }
    f->failed = fwrite(in, 1, size, f->file) != size;
    if (f->failed)
        return false;
    f->at += size;
    ask_show(f->line, "fetching the result, %3.0f %%",
             100 * (double)f->at / (double)f->bytes);
    return true;
}

static int follow_fetch(follow_file *f, const http_request *request)
{
    const http_taker taker = { follow_write, f };
    ask_tries tries = {0};
    int code = VOLLEY_DONE;

    while (f->at < f->bytes) {
        http_answer a;
        http_request r = *request;
        const uint64_t before = f->at;
        bool again;

        r.taker = &taker;
        r.from = f->from = f->at;
        f->answer = &a;
        f->begun = false;
        http_call(&a, f->line->http, &r);
        if (f->at > before)
            tries.count = 0;
        if (a.way == HTTP_CAME && a.status < 300 && f->at < f->bytes)
            a.way = HTTP_CUT;
        if (a.why[0] == '\0')
            snprintf(a.why, sizeof a.why, "the result was cut");
        again = f->at == f->bytes
                || (!f->failed && !f->other
                    && ask_again(f->line, &tries, &a));
        if (!again)
            code = f->failed ? volley_fail("writing the result: %s",
                                           strerror(errno))
                   : f->other ? volley_fail("%s: the result is not of the "
                                            "%llu bytes that were said",
                                            f->line->url,
                                            (unsigned long long)f->bytes)
                              : ask_told(f->line, &r, &a);
        http_clear(&a);
        if (!again)
            break;
    }
    return code;
}

int ask_fetch(const char *path, ask_line *line, const char id[ASK_ID],
              const ask_job *job, uint64_t most)
{
    char target[80];
    const http_request r = { .method = "GET", .path = target };
    follow_file f = { .bytes = job->bytes, .line = line };
    int code;

    if (job->bytes == 0 || job->bytes > most)
        return volley_fail("%s: a result of %llu bytes, where at most %llu can "
                           "be", line->url, (unsigned long long)job->bytes,
                           (unsigned long long)most);
    snprintf(target, sizeof target, "/v1/jobs/%s/result", id);
    f.file = fopen(path, "wb");
    if (f.file == NULL)
        return volley_fail("writing %s: %s", path, strerror(errno));
    code = follow_fetch(&f, &r);
    ask_show_end(line);
    if (fclose(f.file) != 0 && code == VOLLEY_DONE)
        code = volley_fail("writing %s: %s", path, strerror(errno));
    return code;
}

void ask_drop(ask_line *line, const char *kind, const char id[ASK_ID])
{
    char path[80];
    const http_request r = { .method = "DELETE", .path = path };
    http_answer a;

    snprintf(path, sizeof path, "/v1/%s/%s", kind, id);
    http_call(&a, line->http, &r);
    http_clear(&a);
}
