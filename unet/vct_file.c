/* vct_file.c -- files of ciphertexts by their paths: files as sources and as
 * sinks.  Contracts in unet.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vct.h"

/* ---- reading ------------------------------------------------------------- */

typedef struct vct_file {
    FILE *file;
    uint64_t bytes;
    char path[];
} vct_file;

static ckks_status vct_file_read(void *user, uint8_t *out, size_t size)
{
    vct_file *f = user;

    errno = 0;
    return fread(out, 1, size, f->file) == size ? CKKS_OK
           : uni_vct_fail("reading", f->path, errno);
}

static ckks_status vct_file_skip(void *user, uint64_t bytes)
{
    vct_file *f = user;

    return fseeko(f->file, (off_t)bytes, SEEK_CUR) == 0 ? CKKS_OK
           : uni_vct_fail("reading", f->path, errno);
}

static void vct_file_close(void *user)
{
    vct_file *f = user;

    (void)fclose(f->file);
    free(f);
}

/* Only a regular file has a length to compare with. */
static ckks_status vct_file_open(vct_file *f)
{
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return uni_vct_fail("opening", f->path, errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return nn_fail(CKKS_EIO, "%s is not a regular file", f->path);
    }
    f->bytes = (uint64_t)st.st_size;
    f->file = fdopen(fd, "rb");
    if (f->file == NULL) {
        (void)close(fd);
        return nn_fail(CKKS_EMEM, "no memory to read %s", f->path);
    }
    return CKKS_OK;
}

ckks_status unet_reader_open(unet_reader **out, const char *path,
                             const nn_plan *p, unet_kind kind)
{
    unet_source source = { vct_file_read, vct_file_skip, NULL, 0, path };
    vct_file *f;
    size_t length;
    ckks_status s;

    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "unet_reader_open: null pointer");
    if (kind != UNET_INPUT && kind != UNET_OUTPUT)
        return nn_fail(CKKS_EARG, "unet_reader_open: kind %d", (int)kind);
    length = strlen(path) + 1;
    f = malloc(sizeof *f + length);
    if (f == NULL)
        return nn_fail(CKKS_EMEM, "no memory to read %s", path);
    memcpy(f->path, path, length);
    s = vct_file_open(f);
    if (s != CKKS_OK) {
        free(f);
        return s;
    }
    source.user = f;
    source.size = f->bytes;
    return uni_reader_from(out, &source, vct_file_close, p, kind);
}

/* ---- writing ------------------------------------------------------------- */

/* No half-written file ever has the name asked for: ckks_file_open and what
 * follows it see to that. */
static ckks_status vct_file_write(void *user, const uint8_t *in, size_t size)
{
    return nn_relay(ckks_file_put(user, in, size), NULL);
}

ckks_status uni_writer_open(unet_writer **out, const char *path,
                            const unet_info *info, const unet_job *job)
{
    ckks_file *file = NULL;
    unet_sink sink = { vct_file_write, NULL, path };
    ckks_status s = uni_writer_check(info);

    if (s == CKKS_OK)
        s = nn_relay(ckks_file_open(&file, path, 0644), NULL);
    if (s != CKKS_OK)
        return s;
    sink.user = file;
    return uni_writer_to(out, &sink, file, info, job);
}

ckks_status unet_writer_open(unet_writer **out, const char *path,
                             const nn_plan *p, const unet_job *job,
                             unet_kind kind, const uint8_t request[UNET_ID],
                             const unet_part *part)
{
    unet_info info;
    ckks_status s;

    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "unet_writer_open: null pointer");
    s = uni_writer_info(&info, p, job, kind, request, part,
                        "unet_writer_open");
    return s == CKKS_OK ? uni_writer_open(out, path, &info, job) : s;
}
