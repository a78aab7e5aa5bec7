/* store.c -- the folder of a server, and the table of what is in it. */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* flock                                     */
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"

/* ---- the folder ---------------------------------------------------------- */

/* One server a store: the lock goes with the process, however it ends. */
static int store_lock(serve *s, const char *path)
{
    s->lock = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return volley_fail("%s/lock: %s", path, strerror(errno));
    if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? volley_fail("%s is the store of another server that runs: "
                                 "end that one, or name another --store", path)
                   : volley_fail("%s/lock: %s", path, strerror(errno));
    return VOLLEY_DONE;
}

/* Folders that were about to be removed. */
static void store_empty_trash(void)
{
    DIR *d = opendir("trash");
    char path[SERVE_ROOM];

    if (d == NULL)
        return;
    for (const struct dirent *x; (x = readdir(d)) != NULL;)
        if (x->d_name[0] != '.') {
            snprintf(path, sizeof path, "trash/%.64s", x->d_name);
            serve_remove(path);
        }
    (void)closedir(d);
}

int serve_store_open(serve *s, const char *path)
{
    static const char *const folder[] = { "plans", "uploads", "keys", "jobs",
                                          "trash" };
    int code = volley_folder(path);

    if (code == VOLLEY_DONE && chdir(path) != 0)
        code = volley_fail("%s: %s", path, strerror(errno));
    if (code == VOLLEY_DONE)
        code = store_lock(s, path);
    for (size_t i = 0; i < 5 && code == VOLLEY_DONE; i++)
        if (mkdir(folder[i], 0700) != 0 && errno != EEXIST)
            code = volley_fail("making the folder %s/%s: %s", path, folder[i],
                               strerror(errno));
    if (code == VOLLEY_DONE && serve_sync(".") != 0)
        code = volley_fail("%s: it cannot be synced", path);
    if (code == VOLLEY_DONE)
        store_empty_trash();
    return code;
}

void serve_store_close(serve *s)
{
    while (s->items > 0) {
        serve_item *x = s->item[--s->items];

        free(x->have);
        free(x);
    }
    free(s->item);
    if (s->lock >= 0)
        (void)close(s->lock);
}

/* ---- the table ----------------------------------------------------------- */

serve_item *serve_find(const serve *s, serve_kind kind, const char *id)
{
    for (size_t i = 0; i < s->items; i++)
        if (s->item[i]->kind == kind && strcmp(s->item[i]->id, id) == 0)
            return s->item[i];
    return NULL;
}

serve_item *serve_enter(serve *s, serve_kind kind)
{
    serve_item *x;

    if (s->items == s->room) {
        const size_t room = 2 * s->room + 64;
        serve_item **grown = realloc(s->item, room * sizeof *grown);

        if (grown == NULL)
            return NULL;
        s->item = grown;
        s->room = room;
    }
    x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->kind = kind;
    s->item[s->items++] = x;
    return x;
}

void serve_release(serve_item *x)
{
    if (x == NULL || --x->users > 0 || !x->gone)
        return;
    free(x->have);
    free(x);
}

/* Out of the table; in memory as long as somebody looks at it. */
static void store_leave(serve *s, serve_item *x)
{
    size_t i = 0;

    while (i < s->items && s->item[i] != x)
        i++;
    if (i == s->items)
        return;
    memmove(s->item + i, s->item + i + 1,
            (s->items - i - 1) * sizeof *s->item);
    s->items--;
    x->gone = true;
    x->users++;
    serve_release(x);
}

/* Renamed first: it is there, or it is not. */
int serve_drop(serve *s, serve_item *x)
{
    char from[SERVE_ROOM], to[SERVE_ROOM];
    int e;

    serve_path(from, x->kind, x->id, NULL);
    snprintf(to, sizeof to, "trash/%s", x->id);
    if (rename(from, to) != 0 && errno != ENOENT)
        return errno;
    e = serve_sync(serve_folder[x->kind]);
    serve_remove(to);
    store_leave(s, x);
    return e;
}

size_t serve_count(const serve *s, serve_kind kind, const uint8_t *owner)
{
    size_t n = 0;

    for (size_t i = 0; i < s->items; i++)
        n += s->item[i]->kind == kind
             && (owner == NULL
                 || memcmp(s->item[i]->owner, owner, UNET_ID) == 0);
    return n;
}

bool serve_room(const serve *s, const uint8_t owner[UNET_ID], uint64_t bytes,
                serve_error *e)
{
    uint64_t all = 0, own = 0;
    char text[3][32];

    for (size_t i = 0; i < s->items; i++) {
        all += s->item[i]->held;
        if (memcmp(s->item[i]->owner, owner, UNET_ID) == 0)
            own += s->item[i]->held;
    }
    if (bytes > s->each || bytes > s->quota)
        return serve_refuse(e, 413, "send fewer images at a time, or ask "
                            "who runs the server for a larger --quota",
                            "%s, and at most %s are kept",
                            volley_bytes(text[0], (double)bytes),
                            volley_bytes(text[1], (double)s->each));
    if (own + bytes > s->each && s->tokens > 0) {
        e->retry = 60;
        return serve_refuse(e, 429, "delete results and keys that are no "
                            "longer needed", "%s more than the %s that are "
                            "here make more than the %s of a token",
                            volley_bytes(text[0], (double)bytes),
                            volley_bytes(text[1], (double)own),
                            volley_bytes(text[2], (double)s->each));
    }
    if (all + bytes > s->quota)
        return serve_refuse(e, 507, "delete what is no longer needed, or try "
                            "later", "the store is full: %s more than the %s "
                            "that are here, of %s",
                            volley_bytes(text[0], (double)bytes),
                            volley_bytes(text[1], (double)all),
                            volley_bytes(text[2], (double)s->quota));
    return true;
}

/* ---- age ----------------------------------------------------------------- */

static bool store_in_use(const serve *s, const serve_item *x)
{
    return x->users > 0 || (x->kind == SERVE_KEY && serve_needed(s, x) > 0)
           || (x->kind == SERVE_JOB && x->state < SERVE_DONE);
}

void serve_age(serve *s)
{
    static const char *const what[] = { "an unfinished upload expired",
                                        "keys expired", "a result expired" };
    const int64_t now = (int64_t)time(NULL);

    for (size_t i = s->items; i-- > 0;) {
        serve_item *x = s->item[i];
        const serve_event e = { .what = what[x->kind], .model = x->model,
                                .bytes = (double)x->held, .seconds = -1 };

        if (x->expires == 0 || x->expires > now || store_in_use(s, x))
            continue;
        serve_log(s, &e);               /* the model's name goes with it     */
        (void)serve_drop(s, x);
        if (i > s->items)
            i = s->items;
    }
}
