/* disk.c -- names and folders of the store; what is said to be on disk is. */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* getentropy                                */
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve.h"

const char *const serve_folder[SERVE_KINDS] = { "uploads", "keys", "jobs" };

bool serve_is_id(const char *text)
{
    return strspn(text, "0123456789abcdef") == SERVE_ID
           && text[SERVE_ID] == '\0';
}

bool serve_draw(char id[SERVE_ID + 1])
{
    uint8_t bytes[SERVE_ID / 2];

    if (getentropy(bytes, sizeof bytes) != 0)
        return false;
    volley_hex(id, bytes);
    return true;
}

const char *serve_path(char out[SERVE_ROOM], serve_kind kind, const char *id,
                       const char *file)
{
    snprintf(out, SERVE_ROOM, "%s/%.32s%s%s", serve_folder[kind], id,
             file != NULL ? "/" : "", file != NULL ? file : "");
    return out;
}

int serve_sync(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int e = fd < 0 ? errno : 0;

    if (fd < 0)
        return e;
    /* a file system whose folders cannot be synced says EINVAL */
    if (fsync(fd) != 0 && errno != EINVAL)
        e = errno;
    (void)close(fd);
    return e;
}

int serve_put(const char *path, const char *folder, const void *data,
              size_t size)
{
    errno = 0;
    if (ckks_file_write(path, data, size, 0600) != CKKS_OK)
        return errno != 0 ? errno : EIO;
    return serve_sync(folder);
}

void serve_remove(const char *folder)
{
    DIR *d = opendir(folder);

    if (d == NULL)
        return;
    for (const struct dirent *x; (x = readdir(d)) != NULL;)
        if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
            (void)unlinkat(dirfd(d), x->d_name, 0);
    (void)closedir(d);
    (void)rmdir(folder);
}

uint64_t serve_held(const char *folder)
{
    DIR *d = opendir(folder);
    uint64_t sum = 0;
    struct stat st;

    if (d == NULL)
        return 0;
    for (const struct dirent *x; (x = readdir(d)) != NULL;)
        if (fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
            && S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
    (void)closedir(d);
    return sum;
}
