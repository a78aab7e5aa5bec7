/* restart.c -- what lies in the store becomes items again.  What was
 * acknowledged is whole, since it was synced before; the rest is removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"

static int64_t restart_touched(const serve_item *x, const char *file)
{
    char path[SERVE_ROOM];
    struct stat st;

    return stat(serve_path(path, x->kind, x->id, file), &st) == 0
               ? (int64_t)st.st_mtime : (int64_t)time(NULL);
}

/* Size of a file of an item, 0 if it is not there. */
static uint64_t restart_size(const serve_item *x, const char *file)
{
    char path[SERVE_ROOM];
    struct stat st;

    return stat(serve_path(path, x->kind, x->id, file), &st) == 0
           && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

/* Pieces that were on their way when the server ended. */
static void restart_tidy(const serve_item *x)
{
    char path[SERVE_ROOM];
    DIR *d = opendir(serve_path(path, x->kind, x->id, NULL));

    if (d == NULL)
        return;
    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        if (volley_ends(f->d_name, ".new") || strstr(f->d_name, ".tmp-"))
            (void)unlinkat(dirfd(d), f->d_name, 0);
    (void)closedir(d);
}

/* Pieces that are there: in their places, or beside them. */
static bool restart_upload(serve_item *x)
{
    char path[SERVE_ROOM], name[32];
    uint8_t *data = NULL;
    size_t size = 0;

    if (restart_size(x, x->of_job ? "in.vct" : "eval.keys") != x->bytes
        || ckks_file_read(&data, &size, serve_path(path, x->kind, x->id,
                                                   "have"), SERVE_PIECES)
           != CKKS_OK)
        return false;
    x->have = size == x->pieces ? calloc(size, 1) : NULL;
    for (uint32_t k = 0; x->have != NULL && k < x->pieces; k++) {
        snprintf(name, sizeof name, "%u.again", k);
        x->have[k] = (uint8_t)(data[k] & SERVE_HAVE);
        if (restart_size(x, name) == serve_piece_size(x, k))
            x->have[k] = SERVE_HAVE | SERVE_AGAIN;
    }
    ckks_file_free(data, size);
    x->held = x->bytes;
    x->expires = restart_touched(x, "have") + SERVE_UPLOAD_AGE;
    return x->have != NULL;
}

static bool restart_keys(const serve *s, serve_item *x)
{
    x->held = restart_size(x, "eval.keys");
    x->expires = restart_touched(x, "item.json") + s->keep;
    return x->held == x->bytes;
}

/* One that was told to have ended has; one whose result is there has, too: it
 * gets its name when it is whole.  Others run once more. */
static bool restart_job(serve *s, serve_item *x)
{
    char path[SERVE_ROOM];
    const bool ended = serve_load_end(x);

    if (!serve_load_job(x)
        || (!ended && restart_size(x, "in.vct") != x->bytes))
        return false;
    x->result = restart_size(x, "out.vct");
    x->held = serve_held(serve_path(path, SERVE_JOB, x->id, NULL));
    if (x->number > s->number)
        s->number = x->number;
    if (ended)
        x->expires += s->keep;
    else
        x->state = SERVE_QUEUED;
    if (!ended && x->result > 0)
        serve_job_end(s, x, NULL);
    return true;
}

static int restart_one(serve *s, serve_kind kind, const char *id)
{
    serve_item *x = serve_enter(s, kind);
    bool whole;

    if (x == NULL)
        return volley_fail("no memory for %zu items", s->items);
    memcpy(x->id, id, SERVE_ID);
    restart_tidy(x);
    whole = serve_load_item(x)
            && (kind == SERVE_UPLOAD ? restart_upload(x)
                : kind == SERVE_KEY  ? restart_keys(s, x)
                                     : restart_job(s, x));
    if (!whole)
        (void)serve_drop(s, x);
    return VOLLEY_DONE;
}

static int restart_folder(serve *s, serve_kind kind)
{
    DIR *d = opendir(serve_folder[kind]);
    int code = VOLLEY_DONE;

    if (d == NULL)
        return volley_fail("%s: %s", serve_folder[kind], strerror(errno));
    for (const struct dirent *x; code == VOLLEY_DONE
                                 && (x = readdir(d)) != NULL;)
        if (serve_is_id(x->d_name))
            code = restart_one(s, kind, x->d_name);
    (void)closedir(d);
    return code;
}

static int restart_order(const void *a, const void *b)
{
    const serve_item *x = *(serve_item *const *)a;
    const serve_item *y = *(serve_item *const *)b;

    return (x->number > y->number) - (x->number < y->number);
}

int serve_store_read(serve *s)
{
    serve_event e = { .what = "jobs wait again", .bytes = -1, .seconds = -1 };
    char text[64];
    int code = VOLLEY_DONE;

    for (int k = 0; k < SERVE_KINDS && code == VOLLEY_DONE; k++)
        code = restart_folder(s, (serve_kind)k);
    if (s->items > 0)
        qsort(s->item, s->items, sizeof *s->item, restart_order);
    snprintf(text, sizeof text, "%zu", serve_waiting(s, NULL));
    e.text = text;
    if (code == VOLLEY_DONE && serve_waiting(s, NULL) > 0)
        serve_log(s, &e);
    return code;
}
