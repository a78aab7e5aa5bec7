/* file_read.c -- files, read whole.  POSIX; left out of a MINIMAL build.
 * file.c writes them. */
#include "bytes/file.h"

#ifndef CKKS_MINIMAL

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const ckks_memory read_memory;           /* the default allocator     */

ckks_status cki_file_fail(const char *name, const char *what, const char *path,
                          int error)
{
    return cki_fail(CKKS_EIO, "%s: %s %s: %s", name, what, path,
                    strerror(error));
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
        return cki_file_fail(name, "reading", path, errno);
    if (!S_ISREG(st.st_mode))
        return cki_fail(CKKS_EIO, "%s: %s is not a regular file", name, path);
    if (st.st_size < 0 || (uint64_t)st.st_size > max_size)
        return cki_fail(CKKS_EIO, "%s: %s has %lld bytes, more than the %zu "
                        "allowed", name, path, (long long)st.st_size,
                        max_size);
    n = (size_t)st.st_size;
    data = cki_alloc(&read_memory, n > 0 ? n : 1);
    if (data == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, n);
    e = read_all(fd, data, n);
    if (e != 0) {
        ckks_file_free(data, n);
        return cki_file_fail(name, "reading", path, e);
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
        return cki_file_fail("ckks_file_read", "opening", path, errno);
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
    cki_free(&read_memory, data, size > 0 ? size : 1);
}

#endif
