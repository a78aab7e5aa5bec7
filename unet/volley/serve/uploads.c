/* uploads.c -- an upload from its first word to keys or a job. */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* ftruncate, utimensat                      */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"

/* What a file of ciphertexts or keys has at least. */
enum { UPLOAD_LEAST = 64 };

/* ---- whether it is taken ------------------------------------------------- */

static bool upload_keys(serve *s, serve_item *x, const serve_wish *wish,
                        serve_error *e)
{
    const serve_model *m = serve_model_find(s, wish->name);

    if (m == NULL)
        return serve_refuse(e, 404, "GET /v1/models lists them",
                            "no model '%s' is served here", wish->name);
    if (wish->bytes != m->keys)
        return serve_refuse(e, wish->bytes > m->keys ? 413 : 422,
                            "make the keys for the plan of this model: "
                            "GET /v1/models/NAME/plan", "keys of %llu bytes: "
                            "those of %s have %llu",
                            (unsigned long long)wish->bytes, m->name,
                            (unsigned long long)m->keys);
    if (serve_count(s, SERVE_KEY, NULL) >= SERVE_KEYS) {
        e->retry = 3600;
        return serve_refuse(e, 429, "delete keys that are no longer needed, or "
                            "try later", "%d keys are kept here, no more",
                            SERVE_KEYS);
    }
    snprintf(x->model, sizeof x->model, "%s", m->name);
    memcpy(x->plan, m->name_of_plan, UNET_ID);
    return true;
}

/* The keys that are named, of this owner and of a plan that is served. */
static bool upload_keys_of(const serve *s, const serve_item *x,
                           const char *id, serve_error *e)
{
    const serve_item *keys = serve_find(s, SERVE_KEY, id);
    const serve_model *m;

    if (keys == NULL || memcmp(keys->owner, x->owner, UNET_ID) != 0)
        return serve_refuse(e, 404, "send the keys first: POST /v1/uploads of "
                            "kind keys", "no such keys are here; they may have "
                            "expired");
    m = serve_model_find(s, keys->model);
    if (m == NULL || memcmp(m->name_of_plan, keys->plan, UNET_ID) != 0)
        return serve_refuse(e, 409, "take the plan anew, make keys for it and "
                            "send them", "these keys are of another plan of "
                            "%s than the one that is served now",
                            keys->model);
    return true;
}

static bool upload_queue(const serve *s, const uint8_t *owner, serve_error *e)
{
    const size_t all = serve_waiting(s, NULL), own = serve_waiting(s, owner);

    /* of several tokens none takes the whole queue */
    if (all >= (size_t)s->queue
        || (s->tokens > 1 && 2 * own >= (size_t)s->queue + 1)) {
        e->retry = serve_retry(s);
        return serve_refuse(e, 429, "try again after the time of Retry-After",
                            "%zu jobs wait already, %zu of this token", all,
                            own);
    }
    if (serve_count(s, SERVE_JOB, NULL) >= SERVE_KEPT) {
        e->retry = 3600;
        return serve_refuse(e, 429, "delete results that are no longer needed, "
                            "or try later", "%d jobs are kept here, no more",
                            SERVE_KEPT);
    }
    return true;
}

static bool upload_job(serve *s, serve_item *x, const serve_wish *wish,
                       serve_error *e)
{
    const serve_item *keys = serve_find(s, SERVE_KEY, wish->keys);

    if (!upload_keys_of(s, x, wish->keys, e)
        || !upload_queue(s, x->owner, e))
        return false;
    snprintf(x->model, sizeof x->model, "%s", keys->model);
    memcpy(x->plan, keys->plan, UNET_ID);
    memcpy(x->keys, wish->keys, sizeof x->keys);
    return true;
}

static bool upload_count(const serve *s, const serve_item *x, serve_error *e)
{
    const size_t all = serve_count(s, SERVE_UPLOAD, NULL);
    const size_t own = serve_count(s, SERVE_UPLOAD, x->owner);

    if (all < SERVE_UPLOADS && (s->tokens < 2 || own < SERVE_UPLOADS / 2))
        return true;
    e->retry = 60;
    return serve_refuse(e, 429, "finish or delete uploads, or try later",
                        "%zu uploads are under way, %zu of this token",
                        all, own);
}

/* ---- its folder ---------------------------------------------------------- */

/* A file of so many bytes, for which there is room; 0, or an errno. */
static int upload_file(const char *path, uint64_t bytes)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int e = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)bytes);

    if (fd < 0)
        return e;
    if ((e == EOPNOTSUPP || e == EINVAL)
        && (e = ftruncate(fd, (off_t)bytes) == 0 ? 0 : errno) != 0)
        e = errno;
    if (e == 0 && fsync(fd) != 0)
        e = errno;
    if (close(fd) != 0 && e == 0)
        e = errno;
    return e;
}

static int upload_folder(const serve_item *x)
{
    char path[SERVE_ROOM];
    int e = mkdir(serve_path(path, SERVE_UPLOAD, x->id, NULL), 0700) == 0
                ? 0 : errno;

    if (e == 0)
        e = upload_file(serve_path(path, SERVE_UPLOAD, x->id,
                                   x->of_job ? "in.vct" : "eval.keys"),
                        x->bytes);
    if (e == 0)
        e = upload_file(serve_path(path, SERVE_UPLOAD, x->id, "have"),
                        x->pieces);
    if (e == 0)
        e = serve_note_item(x);
    return e == 0 ? serve_sync("uploads") : e;
}

static bool upload_taken(serve *s, serve_item *x, const serve_wish *wish,
                         const uint8_t owner[UNET_ID], serve_error *e)
{
    const uint64_t pieces = (wish->bytes + s->piece - 1) / s->piece;
    int failed;

    memcpy(x->owner, owner, UNET_ID);
    x->of_job = wish->of_job;
    x->bytes = wish->bytes;
    x->piece = s->piece;
    x->expires = (int64_t)time(NULL) + SERVE_UPLOAD_AGE;
    if (wish->bytes < UPLOAD_LEAST)
        return serve_refuse(e, 422, "send the file that volley made",
                            "%llu bytes are too few",
                            (unsigned long long)wish->bytes);
    if (pieces > SERVE_PIECES)
        return serve_refuse(e, 413, "send fewer images at a time",
                            "%llu bytes are too many",
                            (unsigned long long)wish->bytes);
    if (!(wish->of_job ? upload_job : upload_keys)(s, x, wish, e)
        || !upload_count(s, x, e)
        || !serve_room(s, owner, wish->bytes, e))
        return false;
    x->pieces = (uint32_t)pieces;
    x->have = calloc(x->pieces, 1);
    if (x->have == NULL || !serve_draw(x->id))
        return serve_refuse_system(e, "an upload", ENOMEM);
    failed = upload_folder(x);
    return failed == 0 || serve_refuse_system(e, "an upload", failed);
}

serve_item *serve_upload_begin(serve *s, const serve_wish *wish,
                               const uint8_t owner[UNET_ID], serve_error *e)
{
    serve_item try = { .kind = SERVE_UPLOAD }, *x = NULL;
    char path[SERVE_ROOM];

    if (upload_taken(s, &try, wish, owner, e)) {
        x = serve_enter(s, SERVE_UPLOAD);
        if (x == NULL)
            serve_refuse_system(e, "an upload", ENOMEM);
    }
    if (x == NULL) {
        if (try.id[0] != '\0')
            serve_remove(serve_path(path, SERVE_UPLOAD, try.id, NULL));
        free(try.have);
        return NULL;
    }
    *x = try;
    x->held = x->bytes;
    return x;
}

/* ---- its end ------------------------------------------------------------- */

/* From one folder of the store to another, on disk; 0, or an errno. */
static int upload_move(serve_item *x, serve_kind to)
{
    char from[SERVE_ROOM], path[SERVE_ROOM];
    int e;

    serve_path(path, to, x->id, NULL);
    if (rename(serve_path(from, SERVE_UPLOAD, x->id, NULL), path) != 0)
        return errno;
    e = serve_sync(serve_folder[to]);
    if (e == 0)
        e = serve_sync("uploads");
    x->kind = to;
    (void)unlink(serve_path(path, to, x->id, "have"));
    free(x->have);
    x->have = NULL;
    return e;
}

static void upload_log(const serve *s, const serve_item *x, const char *what)
{
    const serve_event e = { .what = what, .model = x->model,
                            .bytes = (double)x->bytes, .seconds = -1,
                            .job = x->number };

    serve_log(s, &e);
}

static bool upload_to_keys(serve *s, serve_item *x, serve_error *e)
{
    const serve_model *m = serve_model_find(s, x->model);
    int failed;

    if (m == NULL || memcmp(m->name_of_plan, x->plan, UNET_ID) != 0)
        return serve_refuse(e, 409, "take the plan anew and make keys for it",
                            "%s is served by another plan now", x->model);
    failed = upload_move(x, SERVE_KEY);
    if (failed != 0)
        return serve_refuse_system(e, "keeping keys", failed);
    x->expires = (int64_t)time(NULL) + s->keep;
    upload_log(s, x, "keys came");
    return true;
}

/* Keys that are used are kept longer. */
static void upload_uses(serve *s, const char *id)
{
    serve_item *keys = serve_find(s, SERVE_KEY, id);
    char path[SERVE_ROOM];

    if (keys == NULL)
        return;
    (void)utimensat(AT_FDCWD, serve_path(path, SERVE_KEY, id, "item.json"),
                    NULL, 0);
    keys->expires = (int64_t)time(NULL) + s->keep;
}

/* The file of inputs against its plan: all but the ciphertexts. */
static bool upload_inputs(serve_item *x, const serve_model *m, serve_error *e)
{
    char path[SERVE_ROOM];
    unet_reader *reader = NULL;
    unet_info info;

    serve_path(path, SERVE_UPLOAD, x->id, "in.vct");
    if (unet_reader_open(&reader, path, m->plan, UNET_INPUT) != CKKS_OK) {
        const char *why = strstr(nn_last_error(), "in.vct");

        return serve_refuse(e, 422, "encrypt the images for the plan of this "
                            "model and send them anew", "%s",
                            why != NULL ? why : nn_last_error());
    }
    unet_reader_info(&info, reader);
    unet_reader_close(&reader);
    x->sets = info.part.count;
    return true;
}

static bool upload_to_job(serve *s, serve_item *x, serve_error *e)
{
    const serve_model *m = serve_model_find(s, x->model);
    uint64_t result;
    int failed;

    if (!upload_keys_of(s, x, x->keys, e) || !upload_queue(s, x->owner, e)
        || !upload_inputs(x, m, e))
        return false;
    result = m->cost.download * x->sets + 65536;
    if (!serve_room(s, x->owner, result, e))
        return false;
    x->number = ++s->number;
    failed = serve_note_job(x, SERVE_UPLOAD);
    if (failed == 0)
        failed = upload_move(x, SERVE_JOB);
    if (failed != 0)
        return serve_refuse_system(e, "keeping a job", failed);
    x->state = SERVE_QUEUED;
    x->held += result;
    x->expires = 0;
    upload_uses(s, x->keys);
    upload_log(s, x, "came");
    serve_schedule(s);
    return true;
}

bool serve_upload_finish(serve *s, serve_item *x, serve_error *e)
{
    const uint32_t missing = serve_missing(x);
    char path[SERVE_ROOM];
    int failed;

    if (missing > 0)
        return serve_refuse(e, 409, "send the missing pieces",
                            "%u of %u pieces are missing", missing,
                            x->pieces);
    failed = serve_pieces_settle(x);
    if (failed != 0)
        return serve_refuse_system(e, "putting pieces together", failed);
    serve_path(path, SERVE_UPLOAD, x->id, x->of_job ? "in.vct" : "eval.keys");
    return serve_check_head(s, x, path, e)
           && (x->of_job ? upload_to_job : upload_to_keys)(s, x, e);
}
