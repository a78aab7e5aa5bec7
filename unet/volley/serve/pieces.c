/* pieces.c -- pieces of an upload, from the line to the disk.
 *
 * A piece that is not there is written to its place in the file, and counts
 * when byte K of `have` says so, both synced.  One that is there, or is being
 * sent over another connection, goes to a file beside it, which takes its place
 * when the upload is finished: so a piece that was acknowledged is never half
 * overwritten.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* fdatasync                                 */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"

/* Of libckks's objects and of files of ciphertexts (serial.h, vct.h). */
enum { HEAD_BYTES = 40 };

uint64_t serve_piece_size(const serve_item *x, uint32_t k)
{
    return k + 1 < x->pieces ? x->piece
                             : x->bytes - (uint64_t)k * x->piece;
}

uint32_t serve_missing(const serve_item *x)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < x->pieces; k++)
        n += !(x->have[k] & (SERVE_HAVE | SERVE_AGAIN));
    return n;
}

static const char *piece_file(const serve_item *x)
{
    return x->of_job ? "in.vct" : "eval.keys";
}

static const char *piece_again(char out[SERVE_ROOM], const serve_item *x,
                               uint32_t k)
{
    char name[32];

    snprintf(name, sizeof name, "%u.again", k);
    return serve_path(out, SERVE_UPLOAD, x->id, name);
}

/* ---- what it begins with ------------------------------------------------- */

static uint64_t head_word(const uint8_t *p)
{
    uint64_t x = 0;

    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

static bool head_keys(const serve_model *m, const serve_item *x,
                      const uint8_t *head, serve_error *e)
{
    static const char way[] = "send the file eval.keys, made for the plan of "
                              "this model";

    if (memcmp(head, "VLLY\1", 5) != 0)
        return serve_refuse(e, 422, way, "this is no file of keys");
    if (head[5] != VOLLEY_KEYS)
        return serve_refuse(e, 422, head[5] == VOLLEY_SK
                            ? "keep this file: it is the secret key; make new "
                              "ones, and send eval.keys alone" : way,
                            "this is an object of kind %d, not evaluation keys "
                            "(%d)", head[5], VOLLEY_KEYS);
    if (head_word(head + 8) != x->bytes)
        return serve_refuse(e, 422, way, "the file says it has %llu bytes, the "
                            "upload has %llu",
                            (unsigned long long)head_word(head + 8),
                            (unsigned long long)x->bytes);
    if (memcmp(head + 24, m->context, sizeof m->context) != 0)
        return serve_refuse(e, 422, way, "these keys are of another plan than "
                            "that of %s", m->name);
    return true;
}

static bool head_inputs(const serve_model *m, const uint8_t *head,
                        serve_error *e)
{
    static const char way[] = "encrypt the images for the plan of this model";

    if (memcmp(head, "VVCT", 4) != 0 || head[5] != UNET_INPUT)
        return serve_refuse(e, 422, way, "this is no file of encrypted "
                            "images");
    if (memcmp(head + 8, m->name_of_plan, UNET_ID) != 0)
        return serve_refuse(e, 422, way, "these images are encrypted for "
                            "another plan than that of %s", m->name);
    return true;
}

bool serve_check_head(const serve *s, const serve_item *x, const char *path,
                      serve_error *e)
{
    const serve_model *m = serve_model_find(s, x->model);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t head[HEAD_BYTES];
    const ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);

    if (fd >= 0)
        (void)close(fd);
    if (n != HEAD_BYTES)
        return serve_refuse_system(e, "reading what came", EIO);
    if (m == NULL)
        return serve_refuse(e, 409, "GET /v1/models lists what is",
                            "%s is served no longer", x->model);
    return x->of_job ? head_inputs(m, head, e) : head_keys(m, x, head, e);
}

/* ---- on its way ---------------------------------------------------------- */

bool serve_piece_open(serve *s, serve_piece *p, serve_item *x, uint32_t k,
                      serve_error *e)
{
    char path[SERVE_ROOM], id[SERVE_ID + 1];

    memset(p, 0, sizeof *p);
    p->k = k;
    p->fd = -1;
    p->again = (x->have[k] & (SERVE_HAVE | SERVE_CLAIMED)) != 0;
    if (p->again && !serve_room(s, x->owner, serve_piece_size(x, k), e))
        return false;
    if (p->again && !serve_draw(id))
        return serve_refuse_system(e, "a piece", EIO);
    if (p->again) {
        snprintf(p->temporary, sizeof p->temporary, "%u.%.8s.new", k, id);
        p->fd = open(serve_path(path, SERVE_UPLOAD, x->id, p->temporary),
                     O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    } else {
        p->fd = open(serve_path(path, SERVE_UPLOAD, x->id, piece_file(x)),
                     O_RDWR | O_CLOEXEC);
    }
    if (p->fd < 0)
        return serve_refuse_system(e, "a piece", errno);
    p->item = x;
    x->users++;
    if (!p->again)
        x->have[k] |= SERVE_CLAIMED;
    return true;
}

/* The upload may have been finished over another connection: what is late
 * must not touch it. */
static bool piece_wanted(const serve_piece *p, serve_error *e)
{
    return (!p->item->gone && p->item->kind == SERVE_UPLOAD)
           || serve_refuse(e, 404, "begin another", "the upload is finished "
                           "or gone");
}

bool serve_piece_put(serve_piece *p, const char *data, size_t size,
                     serve_error *e)
{
    const uint64_t from = p->again ? 0 : (uint64_t)p->k * p->item->piece;

    if (!piece_wanted(p, e))
        return false;
    if (size > serve_piece_size(p->item, p->k) - p->got)
        return serve_refuse(e, 413, "send the piece as long as it is",
                            "piece %u has %llu bytes, more came", p->k,
                            (unsigned long long)
                                serve_piece_size(p->item, p->k));
    while (size > 0) {
        const ssize_t n = pwrite(p->fd, data, size, (off_t)(from + p->got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return serve_refuse_system(e, "writing a piece",
                                       n < 0 ? errno : ENOSPC);
        data += n;
        size -= (size_t)n;
        p->got += (uint64_t)n;
    }
    return true;
}

/* Bytes of `have` for the pieces first..last; 0, or an errno. */
static int piece_mark(const serve_item *x, uint32_t first, uint32_t last)
{
    static const uint8_t one = SERVE_HAVE;
    char path[SERVE_ROOM];
    const int fd = open(serve_path(path, SERVE_UPLOAD, x->id, "have"),
                        O_WRONLY | O_CLOEXEC);
    int e = fd < 0 ? errno : 0;

    for (uint32_t k = first; fd >= 0 && k <= last && e == 0; k++)
        if (pwrite(fd, &one, 1, (off_t)k) != 1)
            e = errno != 0 ? errno : EIO;
    if (fd >= 0 && e == 0 && fsync(fd) != 0)
        e = errno;
    if (fd >= 0)
        (void)close(fd);
    return e;
}

/* Into its place, or beside it; 0, or an errno. */
static int piece_keep(serve_piece *p)
{
    serve_item *x = p->item;
    char path[SERVE_ROOM], folder[SERVE_ROOM], new[SERVE_ROOM];
    int e = fdatasync(p->fd) == 0 ? 0 : errno;

    piece_again(path, x, p->k);
    serve_path(new, SERVE_UPLOAD, x->id, p->temporary);
    if (e == 0 && p->again && rename(new, path) != 0)
        e = errno;
    if (e != 0)
        return e;
    if (p->again) {
        p->temporary[0] = '\0';
        if (!(x->have[p->k] & SERVE_AGAIN))
            x->held += serve_piece_size(x, p->k);
        x->have[p->k] |= SERVE_AGAIN;
        return serve_sync(serve_path(folder, SERVE_UPLOAD, x->id, NULL));
    }
    e = piece_mark(x, p->k, p->k);
    if (e == 0 && (x->have[p->k] & SERVE_AGAIN)) {
        (void)unlink(path);
        x->held -= serve_piece_size(x, p->k);
        x->have[p->k] &= (uint8_t)~SERVE_AGAIN;
    }
    if (e == 0)
        x->have[p->k] |= SERVE_HAVE;
    return e;
}

/* Of the first piece: what the file begins with. */
static bool piece_head(const serve *s, const serve_piece *p, serve_error *e)
{
    char path[SERVE_ROOM];

    return p->k != 0
           || serve_check_head(s, p->item,
                               serve_path(path, SERVE_UPLOAD, p->item->id,
                                          p->again ? p->temporary
                                                   : piece_file(p->item)),
                               e);
}

bool serve_piece_end(serve *s, serve_piece *p, serve_error *e)
{
    int failed;

    if (!piece_wanted(p, e))
        return false;
    if (p->got != serve_piece_size(p->item, p->k))
        return serve_refuse(e, 422, "send the piece as long as it is",
                            "%llu bytes of piece %u came, it has %llu",
                            (unsigned long long)p->got, p->k,
                            (unsigned long long)
                                serve_piece_size(p->item, p->k));
    if (!piece_head(s, p, e))
        return false;
    failed = piece_keep(p);
    if (failed != 0)
        return serve_refuse_system(e, "keeping a piece", failed);
    p->item->expires = (int64_t)time(NULL) + SERVE_UPLOAD_AGE;
    return true;
}

void serve_piece_clear(serve_piece *p)
{
    char path[SERVE_ROOM];

    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
    if (p->item == NULL)
        return;
    if (p->temporary[0] != '\0')
        (void)unlink(serve_path(path, p->item->kind, p->item->id,
                                p->temporary));
    if (!p->again && p->item->have != NULL)
        p->item->have[p->k] &= (uint8_t)~SERVE_CLAIMED;
    serve_release(p->item);
    p->item = NULL;
}

/* ---- at the end ---------------------------------------------------------- */

static int piece_copy(int to, const serve_item *x, uint32_t k)
{
    static char room[1 << 18];
    char path[SERVE_ROOM];
    const int from = open(piece_again(path, x, k), O_RDONLY | O_CLOEXEC);
    const uint64_t size = serve_piece_size(x, k);
    int e = from < 0 ? errno : 0;

    for (uint64_t at = 0; at < size && e == 0;) {
        const ssize_t n = read(from, room, sizeof room);
        const off_t place = (off_t)((uint64_t)k * x->piece + at);

        if (n <= 0 || at + (uint64_t)n > size)
            e = n < 0 ? errno : EIO;
        else if (pwrite(to, room, (size_t)n, place) != n)
            e = errno != 0 ? errno : EIO;
        else
            at += (uint64_t)n;
    }
    if (from >= 0)
        (void)close(from);
    return e;
}

int serve_pieces_settle(serve_item *x)
{
    char path[SERVE_ROOM];
    bool any = false;
    int fd, e = 0;

    for (uint32_t k = 0; k < x->pieces; k++)
        any = any || (x->have[k] & SERVE_AGAIN);
    if (!any)
        return 0;
    fd = open(serve_path(path, SERVE_UPLOAD, x->id, piece_file(x)),
              O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    for (uint32_t k = 0; k < x->pieces && e == 0; k++)
        if (x->have[k] & SERVE_AGAIN)
            e = piece_copy(fd, x, k);
    if (e == 0 && fsync(fd) != 0)
        e = errno;
    (void)close(fd);
    if (e == 0)
        e = piece_mark(x, 0, x->pieces - 1);
    for (uint32_t k = 0; k < x->pieces && e == 0; k++)
        if (x->have[k] & SERVE_AGAIN) {
            (void)unlink(piece_again(path, x, k));
            x->have[k] = SERVE_HAVE;
        }
    if (e == 0)
        x->held = x->bytes;
    return e;
}
