/* file.c -- files, written whole or not at all; file_read.c reads them.
 *
 * POSIX; left out of a MINIMAL build.  Writing never leaves a half-written
 * file under the name asked for: the bytes go to PATH.tmp-XXXXXX, which is
 * renamed to PATH when the system says that all of them are on disk.  The
 * names under way stand in a table, so that a program that is told to end can
 * remove them: the one writable thing here, and the reason for atomics.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* fsync, fchmod, lstat, clock_gettime       */
#endif

#include "bytes/file.h"

#ifndef CKKS_MINIMAL

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const ckks_memory plain_memory;          /* the default allocator     */

/* ---- places ------------------------------------------------------------- */

/* A link is refused, not followed: who can put one into a folder would choose
 * where a secret key goes.  Nor is it replaced: the file it leads to would
 * silently stay what it was. */
static ckks_status place_check(const char *name, const char *path)
{
    struct stat st;

    if (path == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? CKKS_OK
                               : cki_file_fail(name, "writing", path, errno);
    if (S_ISREG(st.st_mode))
        return CKKS_OK;
    if (S_ISDIR(st.st_mode))
        return cki_file_fail(name, "writing", path, EISDIR);
    if (S_ISLNK(st.st_mode))
        return cki_fail(CKKS_EIO, "%s: writing %s: it is a symbolic link; name "
                        "the file it leads to", name, path);
    return cki_fail(CKKS_EIO, "%s: writing %s: not a regular file", name, path);
}

ckks_status ckks_file_check(const char *path)
{
    return place_check("ckks_file_check", path);
}

/* ---- names under way ---------------------------------------------------- */

struct ckks_file {
    int fd;
    char *path, *temporary;     /* temporary[0] 0: there is none             */
    size_t length;              /* of path                                   */
    uint64_t bytes;             /* put so far                                */
    unsigned mode;
};

static const char file_suffix[] = ".tmp-XXXXXX";

enum { FILE_UNDER_WAY = 64 };
static _Atomic(const char *) file_under_way[FILE_UNDER_WAY];
_Static_assert(ATOMIC_POINTER_LOCK_FREE == 2, "handlers of signals read them");

/* A file beyond the table's room is written all the same, unknown to
 * ckks_file_abandon. */
static void name_enter(const char *temporary)
{
    for (int i = 0; i < FILE_UNDER_WAY; i++) {
        const char *none = NULL;

        if (atomic_compare_exchange_strong(&file_under_way[i], &none,
                                           temporary))
            return;
    }
}

static void name_leave(const char *temporary)
{
    for (int i = 0; i < FILE_UNDER_WAY; i++) {
        const char *own = temporary;

        if (atomic_compare_exchange_strong(&file_under_way[i], &own, NULL))
            return;
    }
}

/* Runs inside handlers of signals: unlink and lock-free atomics alone. */
void ckks_file_abandon(void)
{
    const int e = errno;

    for (int i = 0; i < FILE_UNDER_WAY; i++) {
        const char *temporary = atomic_load(&file_under_way[i]);

        if (temporary != NULL)
            (void)unlink(temporary);
    }
    errno = e;
}

/* Six letters that another try or process will hardly choose: clock, process
 * and a counter, mixed (splitmix64). */
static void name_choose(char *six, int try)
{
    static const char letter[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    struct timespec t = {0};
    uint64_t x;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    x = (uint64_t)t.tv_nsec ^ (uint64_t)t.tv_sec << 30
      ^ (uint64_t)getpid() << 20 ^ (uint64_t)try << 50 ^ (uintptr_t)six;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    for (int i = 0; i < 6; i++, x /= 36)
        six[i] = letter[x % 36];
}

/* The temporary file, entered before it is there: a signal finds it at any
 * moment.  0, or the errno of the failure. */
static int file_create(ckks_file *f)
{
    int e = EEXIST;

    for (int try = 0; try < 100 && e == EEXIST; try++) {
        name_choose(f->temporary + f->length + 5, try);
        name_enter(f->temporary);
        f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                     0600);
        e = f->fd >= 0 ? 0 : errno;
        if (e != 0)
            name_leave(f->temporary);
    }
    if (e != 0)
        f->temporary[0] = '\0';
    return e;
}

/* ---- writing ------------------------------------------------------------ */

/* Frees what there is of a file; the temporary one goes. */
static void file_drop(ckks_file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->temporary != NULL && f->temporary[0] != '\0') {
        (void)unlink(f->temporary);
        name_leave(f->temporary);
    }
    cki_free(&plain_memory, f->path, f->length + 1);
    cki_free(&plain_memory, f->temporary, f->length + sizeof file_suffix);
    cki_free(&plain_memory, f, sizeof *f);
}

void ckks_file_clear(ckks_file **f)
{
    if (f == NULL || *f == NULL)
        return;
    file_drop(*f);
    *f = NULL;
}

static ckks_status file_open(ckks_file **out, const char *name,
                             const char *path, unsigned mode)
{
    const size_t length = strlen(path);
    ckks_file *f;
    ckks_status s = place_check(name, path);
    int e;

    if (s != CKKS_OK)
        return s;
    f = cki_alloc(&plain_memory, sizeof *f);
    if (f == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory", name);
    f->fd = -1;
    f->bytes = 0;
    f->length = length;
    f->mode = mode;
    f->path = cki_alloc(&plain_memory, length + 1);
    f->temporary = cki_alloc(&plain_memory, length + sizeof file_suffix);
    if (f->path == NULL || f->temporary == NULL) {
        if (f->temporary != NULL)
            f->temporary[0] = '\0';
        file_drop(f);
        return cki_fail(CKKS_EMEM, "%s: no memory for a name of %zu bytes",
                        name, length + sizeof file_suffix);
    }
    memcpy(f->path, path, length + 1);
    memcpy(f->temporary, path, length);
    memcpy(f->temporary + length, file_suffix, sizeof file_suffix);
    e = file_create(f);
    if (e != 0) {
        file_drop(f);
        return cki_file_fail(name, "writing", path, e);
    }
    *out = f;
    return CKKS_OK;
}

/* 0, or the errno of the failure.  A write that gives no bytes and no reason
 * counts as a full disk. */
static int file_put(ckks_file *f, const uint8_t *data, size_t size)
{
    const size_t piece = (size_t)1 << 30;       /* some systems take < 2^31  */

    while (size > 0) {
        ssize_t put = write(f->fd, data, size < piece ? size : piece);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? errno : ENOSPC;
        data += put;
        size -= (size_t)put;
    }
    return 0;
}

/* The same at an offset; the next bytes go to the end again. */
static int file_put_at(ckks_file *f, uint64_t at, const uint8_t *data,
                       size_t size)
{
    int e = lseek(f->fd, (off_t)at, SEEK_SET) < 0 ? errno : 0;

    if (e == 0)
        e = file_put(f, data, size);
    return lseek(f->fd, (off_t)f->bytes, SEEK_SET) < 0 && e == 0 ? errno : e;
}

/* Onto the disk and under its name; 0, or the errno of the first failure. */
static int file_place(ckks_file *f)
{
    int e = fchmod(f->fd, (mode_t)f->mode) == 0 && fsync(f->fd) == 0 ? 0
                                                                     : errno;

    if (close(f->fd) != 0 && e == 0)
        e = errno;
    f->fd = -1;
    if (e == 0 && rename(f->temporary, f->path) != 0)
        e = errno;
    if (e == 0) {
        name_leave(f->temporary);
        f->temporary[0] = '\0';
    }
    return e;
}

ckks_status ckks_file_open(ckks_file **out, const char *path, unsigned mode)
{
    static const char name[] = "ckks_file_open";

    if (out == NULL || path == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (mode > 0777)
        return cki_fail(CKKS_EARG, "%s: mode %#o, not 0..0777", name, mode);
    return file_open(out, name, path, mode);
}

ckks_status ckks_file_put(ckks_file *f, const uint8_t *data, size_t size)
{
    static const char name[] = "ckks_file_put";
    int e;

    if (f == NULL || (data == NULL && size > 0))
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    e = file_put(f, data, size);
    if (e == 0)
        f->bytes += size;
    return e == 0 ? CKKS_OK : cki_file_fail(name, "writing", f->path, e);
}

ckks_status ckks_file_put_at(ckks_file *f, uint64_t at, const uint8_t *data,
                             size_t size)
{
    static const char name[] = "ckks_file_put_at";
    int e;

    if (f == NULL || (data == NULL && size > 0))
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (at > f->bytes || size > f->bytes - at)
        return cki_fail(CKKS_EARG, "%s: %zu bytes at %llu, the file has %llu",
                        name, size, (unsigned long long)at,
                        (unsigned long long)f->bytes);
    e = file_put_at(f, at, data, size);
    return e == 0 ? CKKS_OK : cki_file_fail(name, "writing", f->path, e);
}

ckks_status ckks_file_finish(ckks_file **f)
{
    static const char name[] = "ckks_file_finish";
    ckks_status s;
    int e;

    if (f == NULL || *f == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    e = file_place(*f);
    s = e == 0 ? CKKS_OK : cki_file_fail(name, "writing", (*f)->path, e);
    ckks_file_clear(f);
    return s;
}

ckks_status ckks_file_write(const char *path, const uint8_t *data, size_t size,
                            unsigned mode)
{
    static const char name[] = "ckks_file_write";
    ckks_file *f = NULL;
    ckks_status s;
    int e;

    if (path == NULL || (data == NULL && size > 0))
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (mode > 0777)
        return cki_fail(CKKS_EARG, "%s: mode %#o, not 0..0777", name, mode);
    s = file_open(&f, name, path, mode);
    if (s != CKKS_OK)
        return s;
    e = file_put(f, data, size);
    if (e == 0)
        e = file_place(f);
    file_drop(f);
    return e == 0 ? CKKS_OK : cki_file_fail(name, "writing", path, e);
}

#endif
