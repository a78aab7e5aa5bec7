/* file_write.c -- files of ciphertexts, written one ciphertext at a time.
 *
 * The format and the contracts are in unet.h.  No half-written file ever has
 * the name asked for: the bytes go to a temporary name beside it, which is
 * renamed when all of them are on disk.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vct.h"

struct unet_writer {
    FILE *file;
    char *path, *temporary;
    uint64_t bytes, objects;
    uint8_t *buffer;
    size_t capacity;
};

static ckks_status vct_write(unet_writer *w, const uint8_t *in, size_t size)
{
    errno = 0;
    if (fwrite(in, 1, size, w->file) != size)
        return uni_vct_fail("writing", w->path, errno);
    w->bytes += size;
    return CKKS_OK;
}

static ckks_status vct_write_head(unet_writer *w, const nn_plan *p,
                                  const unet_job *job, unet_kind kind,
                                  const uint8_t request[UNET_ID],
                                  const unet_part *part)
{
    const size_t size = VCT_HEAD + VCT_ENTRY * job->images;
    uint8_t *head = calloc(1, size + VCT_DIGEST);
    ckks_status s;

    if (head == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images", job->images);
    memcpy(head, "VVCT", 4);
    head[4] = VCT_VERSION;
    head[5] = (uint8_t)kind;
    nn_plan_fingerprint(head + 8, p);
    memcpy(head + 24, request, UNET_ID);
    uni_vct_store(head + 40, job->images, 4);
    uni_vct_store(head + 44, job->sets, 4);
    uni_vct_store(head + 48, (uint64_t)uni_vct_per_set(p, kind), 4);
    uni_vct_store(head + 52, part->first, 4);
    uni_vct_store(head + 56, part->count, 4);
    for (size_t i = 0; i < job->images; i++) {
        uint8_t *entry = head + VCT_HEAD + VCT_ENTRY * i;

        uni_vct_store(entry, (uint64_t)job->size[i].height, 4);
        uni_vct_store(entry + 4, (uint64_t)job->size[i].width, 4);
    }
    ckks_blake2b(head + size, VCT_DIGEST, head, size, NULL, 0);
    s = vct_write(w, head, size + VCT_DIGEST);
    free(head);
    return s;
}

/* The temporary file.  A name that is there and no regular file (a device, a
 * folder) would be replaced, so it is refused. */
static ckks_status vct_create(unet_writer *w)
{
    struct stat st;
    int fd;

    if (stat(w->path, &st) == 0 && !S_ISREG(st.st_mode))
        return nn_fail(CKKS_EIO, "writing %s: not a regular file", w->path);
    fd = mkstemp(w->temporary);
    if (fd < 0) {
        int e = errno;

        w->temporary[0] = '\0';
        return uni_vct_fail("writing", w->path, e);
    }
    w->file = fdopen(fd, "wb");
    if (w->file == NULL) {
        (void)close(fd);
        return nn_fail(CKKS_EMEM, "no memory to write %s", w->path);
    }
    return CKKS_OK;
}

ckks_status unet_writer_open(unet_writer **out, const char *path,
                             const nn_plan *p, const unet_job *job,
                             unet_kind kind, const uint8_t request[UNET_ID],
                             const unet_part *part)
{
    unet_part all = {0};
    unet_writer *w;
    ckks_status s;

    if (out == NULL || path == NULL || p == NULL || job == NULL
        || request == NULL || job->images == 0)
        return nn_fail(CKKS_EARG, "unet_writer_open: null pointer");
    if (kind != UNET_INPUT && kind != UNET_OUTPUT)
        return nn_fail(CKKS_EARG, "unet_writer_open: kind %d", (int)kind);
    if (job->sets > UINT32_MAX)
        return nn_fail(CKKS_EARG, "%zu sets do not fit a file", job->sets);
    all.count = job->sets;
    part = part != NULL ? part : &all;
    if (part->count < 1 || part->count > job->sets
        || part->first > job->sets - part->count)
        return nn_fail(CKKS_EARG, "%zu sets from number %zu on, of %zu",
                       part->count, part->first, job->sets);
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return nn_fail(CKKS_EMEM, "no memory to write %s", path);
    w->path = uni_vct_name(path, "");
    w->temporary = uni_vct_name(path, ".tmp-XXXXXX");
    w->objects = (uint64_t)part->count * (uint64_t)uni_vct_per_set(p, kind);
    s = w->path != NULL && w->temporary != NULL ? vct_create(w)
        : nn_fail(CKKS_EMEM, "no memory to write %s", path);
    if (s == CKKS_OK)
        s = vct_write_head(w, p, job, kind, request, part);
    if (s != CKKS_OK) {
        unet_writer_clear(&w);
        return s;
    }
    *out = w;
    return CKKS_OK;
}

ckks_status unet_writer_put(unet_writer *w, const ckks_ct *ct)
{
    size_t size;
    ckks_status s;

    if (w == NULL || ct == NULL)
        return nn_fail(CKKS_EARG, "unet_writer_put: null pointer");
    if (w->objects == 0)
        return nn_fail(CKKS_EARG, "%s: more ciphertexts than promised",
                       w->path);
    size = ckks_ct_size(ct);
    s = uni_vct_room(&w->buffer, &w->capacity, size + VCT_LENGTH);
    if (s != CKKS_OK)
        return s;
    uni_vct_store(w->buffer, size, VCT_LENGTH);
    s = ckks_ct_save(w->buffer + VCT_LENGTH, size, ct);
    if (s != CKKS_OK)
        return nn_fail(s, "%s: %s", w->path, ckks_last_error());
    s = vct_write(w, w->buffer, size + VCT_LENGTH);
    if (s == CKKS_OK)
        w->objects--;
    return s;
}

ckks_status unet_writer_finish(unet_writer *w, uint64_t *bytes)
{
    int fd, e = 0;

    if (w == NULL || w->file == NULL)
        return nn_fail(CKKS_EARG, "unet_writer_finish: nothing is open");
    if (w->objects != 0)
        return nn_fail(CKKS_EARG, "%s: %llu ciphertexts are missing", w->path,
                       (unsigned long long)w->objects);
    fd = fileno(w->file);
    if (fflush(w->file) != 0 || fchmod(fd, 0644) != 0 || fsync(fd) != 0)
        e = errno != 0 ? errno : EIO;
    if (fclose(w->file) != 0 && e == 0)
        e = errno;
    w->file = NULL;
    if (e == 0 && rename(w->temporary, w->path) != 0)
        e = errno;
    if (e != 0)
        return uni_vct_fail("writing", w->path, e);
    w->temporary[0] = '\0';
    if (bytes != NULL)
        *bytes = w->bytes;
    return CKKS_OK;
}

void unet_writer_clear(unet_writer **w)
{
    if (w == NULL || *w == NULL)
        return;
    if ((*w)->file != NULL)
        (void)fclose((*w)->file);
    if ((*w)->temporary != NULL && (*w)->temporary[0] != '\0')
        (void)unlink((*w)->temporary);
    free((*w)->path);
    free((*w)->temporary);
    free((*w)->buffer);
    free(*w);
    *w = NULL;
}
