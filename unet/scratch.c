/* scratch.c -- a file without a name beside a result.  Contracts in scratch.h. */
#include "scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vct.h"

static ckks_status scratch_fail(const char *doing, const uni_scratch *s, int e)
{
    return nn_fail(CKKS_EIO, "%s the scratch file in %s: %s%s", doing,
                   s->folder, strerror(e != 0 ? e : EIO),
                   e == ENOSPC || e == EDQUOT
                       ? "; a plan with more --memory needs less of it" : "");
}

/* The folder of a path, with room for a name behind it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t size = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    char *folder = malloc(size + 2);

    if (folder == NULL)
        return NULL;
    memcpy(folder, path, size);
    memcpy(folder + size, size == 0 ? "." : "", size == 0 ? 2 : 1);
    return folder;
}

ckks_status uni_scratch_open(uni_scratch *out, const char *out_path)
{
    static const char name[] = "/.volley-scratch-XXXXXX";
    uni_scratch s = { .fd = -1, .folder = folder_of(out_path) };
    char *path = s.folder == NULL ? NULL
                                  : malloc(strlen(s.folder) + sizeof name);
    ckks_status st = CKKS_OK;

    if (path == NULL) {
        st = nn_fail(CKKS_EMEM, "no memory for a path");
    } else {
        memcpy(path, s.folder, strlen(s.folder));
        memcpy(path + strlen(s.folder), name, sizeof name);
        s.fd = mkstemp(path);                   /* for the owner alone       */
        if (s.fd < 0 || unlink(path) != 0)
            st = scratch_fail("making", &s, errno);
    }
    free(path);
    if (st == CKKS_OK)
        *out = s;
    else
        uni_scratch_close(&s);
    return st;
}

static ckks_status scratch_write(void *user, uint64_t at, const void *in,
                                 size_t size)
{
    const uni_scratch *s = user;
    const char *from = in;

    while (size > 0) {
        const ssize_t n = pwrite(s->fd, from, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return scratch_fail("writing", s, n < 0 ? errno : EIO);
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return CKKS_OK;
}

static ckks_status scratch_read(void *user, uint64_t at, void *out, size_t size)
{
    const uni_scratch *s = user;
    char *to = out;

    while (size > 0) {
        const ssize_t n = pread(s->fd, to, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return scratch_fail("reading", s, n < 0 ? errno : EIO);
        to += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return CKKS_OK;
}

nn_scratch uni_scratch_of(uni_scratch *s)
{
    return (nn_scratch){ scratch_write, scratch_read, s };
}

void uni_scratch_close(uni_scratch *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s->folder);
    *s = (uni_scratch){ .fd = -1 };
}
