/* web_files.c -- POSIX's files for the module, straight on what wasi.mjs has:
 * one root that is always there, no links, no rights, no buffers.  wasi-libc's
 * own look for the folder that a path begins with, and know more kinds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

/* Folder "/", of which every path is a part. */
enum { ROOT = 3, FOLLOW = __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW };

/* 0, or -1 and errno, whose numbers are those of WASI. */
static int done(__wasi_errno_t e)
{
    if (e == 0)
        return 0;
    errno = e;
    return -1;
}

/* ---- one file ------------------------------------------------------------ */

int open(const char *path, int flags, ...)
{
    __wasi_fd_t fd;

    return done(__wasi_path_open(ROOT, FOLLOW, path,
                                 (__wasi_oflags_t)(flags >> 12 & 0xfff), 0, 0,
                                 (__wasi_fdflags_t)(flags & 0xfff), &fd)) != 0
           ? -1 : (int)fd;
}

int close(int fd)
{
    return done(__wasi_fd_close((__wasi_fd_t)fd));
}

ssize_t read(int fd, void *out, size_t n)
{
    const __wasi_iovec_t v = { out, n };
    __wasi_size_t got;

    return done(__wasi_fd_read((__wasi_fd_t)fd, &v, 1, &got)) != 0
           ? -1 : (ssize_t)got;
}

ssize_t write(int fd, const void *in, size_t n)
{
    const __wasi_ciovec_t v = { in, n };
    __wasi_size_t put;

    return done(__wasi_fd_write((__wasi_fd_t)fd, &v, 1, &put)) != 0
           ? -1 : (ssize_t)put;
}

int fsync(int fd)
{
    return done(__wasi_fd_sync((__wasi_fd_t)fd));
}

int unlink(const char *path)
{
    return done(__wasi_path_unlink_file(ROOT, path));
}

int rename(const char *from, const char *to)
{
    return done(__wasi_path_rename(ROOT, from, ROOT, to));
}

/* ---- what is there ------------------------------------------------------- */

/* Kind and size; the rest is not asked for. */
static int stat_take(struct stat *out, __wasi_errno_t e,
                     const __wasi_filestat_t *from)
{
    if (done(e) != 0)
        return -1;
    memset(out, 0, sizeof *out);
    out->st_size = (off_t)from->size;
    out->st_mode = from->filetype == __WASI_FILETYPE_REGULAR_FILE ? S_IFREG
                   : from->filetype == __WASI_FILETYPE_DIRECTORY ? S_IFDIR
                   : S_IFCHR;
    return 0;
}

int stat(const char *restrict path, struct stat *restrict out)
{
    __wasi_filestat_t from;
    const __wasi_errno_t e = __wasi_path_filestat_get(ROOT, FOLLOW, path,
                                                      &from);

    return stat_take(out, e, &from);
}

int lstat(const char *restrict path, struct stat *restrict out)
{
    return stat(path, out);
}

int fstat(int fd, struct stat *out)
{
    __wasi_filestat_t from;
    const __wasi_errno_t e = __wasi_fd_filestat_get((__wasi_fd_t)fd, &from);

    return stat_take(out, e, &from);
}

/* An entry with its name, as WASI gives it and as readdir does. */
struct _DIR {
    int fd;
    __wasi_dircookie_t next;
    void *entry;                /* the last one; malloc                      */
};

DIR *opendir(const char *path)
{
    DIR *d = calloc(1, sizeof *d);

    if (d == NULL)
        return NULL;
    d->fd = open(path, O_RDONLY | O_DIRECTORY);
    if (d->fd >= 0)
        return d;
    free(d);
    return NULL;
}

int closedir(DIR *d)
{
    const int code = close(d->fd);

    free(d->entry);
    free(d);
    return code;
}

/* Asked twice: for the length of a name, then for the name. */
struct dirent *readdir(DIR *d)
{
    const __wasi_fd_t fd = (__wasi_fd_t)d->fd;
    const __wasi_dircookie_t from = d->next;
    __wasi_dirent_t head;
    __wasi_size_t got;
    struct dirent *e;
    size_t n;
    char *text;

    if (done(__wasi_fd_readdir(fd, (uint8_t *)&head, sizeof head, from,
                               &got)) != 0 || got < sizeof head)
        return NULL;
    n = sizeof head + head.d_namlen;
    text = realloc(d->entry, n + sizeof *e + 1);
    if (text == NULL)
        return NULL;
    d->entry = text;
    if (done(__wasi_fd_readdir(fd, (uint8_t *)text, n, from, &got)) != 0
        || got < n)
        return NULL;
    d->next = head.d_next;
    e = d->entry;
    memmove(e->d_name, text + sizeof head, head.d_namlen);
    e->d_name[head.d_namlen] = '\0';
    e->d_ino = head.d_ino;
    e->d_type = head.d_type;
    return e;
}

/* ---- streams ------------------------------------------------------------- */

/* Every call goes to the file. */
struct _IO_FILE {
    int fd;
};

FILE *fdopen(int fd, const char *mode)
{
    FILE *f = malloc(sizeof *f);

    (void)mode;
    if (f != NULL)
        f->fd = fd;
    return f;
}

int fclose(FILE *f)
{
    const int code = close(f->fd);

    free(f);
    return code;
}

int fflush(FILE *f)
{
    (void)f;
    return 0;
}

/* size is 1 at every place. */
size_t fread(void *restrict out, size_t size, size_t n, FILE *restrict f)
{
    const ssize_t got = read(f->fd, out, size * n);

    return got > 0 ? (size_t)got / size : 0;
}

size_t fwrite(const void *restrict in, size_t size, size_t n, FILE *restrict f)
{
    const ssize_t put = write(f->fd, in, size * n);

    return put > 0 ? (size_t)put / size : 0;
}

int fseeko(FILE *f, off_t by, int from)
{
    __wasi_filesize_t at;

    return done(__wasi_fd_seek((__wasi_fd_t)f->fd, by, (__wasi_whence_t)from,
                               &at));
}

/* ---- the process --------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *out)
{
    __wasi_timestamp_t t;

    (void)clock;
    if (done(__wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 1, &t)) != 0)
        return -1;
    out->tv_sec = (time_t)(t / 1000000000);
    out->tv_nsec = (long)(t % 1000000000);
    return 0;
}

/* There is no environment. */
char *getenv(const char *name)
{
    (void)name;
    return NULL;
}
