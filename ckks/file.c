/* file.c -- layer 5: whole files, read and written in one piece.
 *
 * POSIX; left out of a MINIMAL build.  Writing never leaves a half-written
 * file under the name asked for: the bytes go to PATH.tmp-XXXXXX, which is
 * renamed to PATH when the system says that all of them are on disk.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* mkstemp, fsync, fchmod                    */
#endif

#include "ground.h"

#ifndef CKKS_MINIMAL

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const ckks_memory plain_memory;          /* the default allocator     */

static ckks_status file_fail(const char *name, const char *what,
                             const char *path, int error)
{
    return cki_fail(CKKS_EIO, "%s: %s %s: %s", name, what, path,
                    strerror(error));
}

/* 0, or the errno of the failure.  A write that gives no bytes and no reason
 * counts as a full disk. */
static int write_all(int fd, const uint8_t *data, size_t size)
{
    const size_t piece = (size_t)1 << 30;       /* some systems take < 2^31  */

    while (size > 0) {
        ssize_t put = write(fd, data, size < piece ? size : piece);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? errno : ENOSPC;
        data += put;
        size -= (size_t)put;
    }
    return 0;
}

/* Fills and closes fd; 0, or the errno of the first failure. */
static int fill_and_close(int fd, const uint8_t *data, size_t size,
                          unsigned mode)
{
    int e = fchmod(fd, (mode_t)mode) == 0 ? 0 : errno;

    if (e == 0)
        e = write_all(fd, data, size);
    if (e == 0 && fsync(fd) != 0)
        e = errno;
    if (close(fd) != 0 && e == 0)
        e = errno;
    return e;
}

/* 0, or the errno of why the name cannot be given to a new file: a device, a
 * folder or a pipe stands there. */
static int replaceable(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT ? 0 : errno;
    if (S_ISREG(st.st_mode))
        return 0;
    return S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
}

ckks_status ckks_file_write(const char *path, const uint8_t *data, size_t size,
                            unsigned mode)
{
    static const char name[] = "ckks_file_write";
    static const char suffix[] = ".tmp-XXXXXX";
    size_t length;
    char *temporary;
    int fd, e;

    if (path == NULL || (data == NULL && size > 0))
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (mode > 0777)
        return cki_fail(CKKS_EARG, "%s: mode %#o, not 0..0777", name, mode);
    length = strlen(path);
    temporary = cki_alloc(&plain_memory, length + sizeof suffix);
    if (temporary == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for a name of %zu bytes",
                        name, length + sizeof suffix);
    memcpy(temporary, path, length);
    memcpy(temporary + length, suffix, sizeof suffix);
    e = replaceable(path);
    fd = e == 0 ? mkstemp(temporary) : -1;
    if (fd < 0) {
        e = e == 0 ? errno : e;
    } else {
        e = fill_and_close(fd, data, size, mode);
        if (e == 0 && rename(temporary, path) != 0)
            e = errno;
        if (e != 0)
            (void)unlink(temporary);
    }
    cki_free(&plain_memory, temporary, length + sizeof suffix);
    return e == 0 ? CKKS_OK : file_fail(name, "writing", path, e);
}

/* 0, or an errno.  Bytes missing or left over: the file changed. */
static int read_all(int fd, uint8_t *data, size_t size)
{
    const size_t piece = (size_t)1 << 30;
    uint8_t more;

    while (size > 0) {
        ssize_t got = read(fd, data, size < piece ? size : piece);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : EIO;
        data += got;
        size -= (size_t)got;
    }
    for (;;) {
        ssize_t got = read(fd, &more, 1);

        if (got < 0 && errno == EINTR)
            continue;
        return got == 0 ? 0 : got < 0 ? errno : EIO;
    }
}

/* The rest of reading, fd open; the caller closes it. */
static ckks_status read_open(uint8_t **out, size_t *size, int fd,
                             const char *path, size_t max_size)
{
    static const char name[] = "ckks_file_read";
    struct stat st;
    uint8_t *data;
    size_t n;
    int e;

    if (fstat(fd, &st) != 0)
        return file_fail(name, "reading", path, errno);
    if (!S_ISREG(st.st_mode))
        return cki_fail(CKKS_EIO, "%s: %s is not a regular file", name, path);
    if (st.st_size < 0 || (uint64_t)st.st_size > max_size)
        return cki_fail(CKKS_EIO, "%s: %s has %lld bytes, more than the %zu "
                        "allowed", name, path, (long long)st.st_size,
                        max_size);
    n = (size_t)st.st_size;
    data = cki_alloc(&plain_memory, n > 0 ? n : 1);
    if (data == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, n);
    e = read_all(fd, data, n);
    if (e != 0) {
        ckks_file_free(data, n);
        return file_fail(name, "reading", path, e);
    }
    *out = data;
    *size = n;
    return CKKS_OK;
}

ckks_status ckks_file_read(uint8_t **out, size_t *size, const char *path,
                           size_t max_size)
{
    ckks_status s;
    int fd;

    if (out == NULL || size == NULL || path == NULL)
        return cki_fail(CKKS_EARG, "ckks_file_read: null pointer");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);     /* pipes: refused */
    if (fd < 0)
        return file_fail("ckks_file_read", "opening", path, errno);
    s = read_open(out, size, fd, path, max_size);
    (void)close(fd);
    return s;
}

/* Wipes: the bytes may be a secret key. */
void ckks_file_free(uint8_t *data, size_t size)
{
    if (data == NULL)
        return;
    cki_wipe(data, size);
    cki_free(&plain_memory, data, size > 0 ? size : 1);
}

#endif
