/* join.c -- the parts of one result to the whole: what is given is bytes, what
 * is written is bytes.  Contract in unet.h.
 *
 * Heads are held against each other, lengths against the files, ciphertexts
 * against the digest of their part; what they mean is looked at by whoever
 * decrypts.
 */
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "vct.h"

typedef struct join_work {
    uni_part *part;             /* shape (parts)                             */
    size_t parts;
    unet_job job;               /* images of the first one                   */
    unet_writer *writer;
    const unet_progress *progress;
} join_work;

/* A part of a result, as evaluate writes them. */
static ckks_status join_open(unet_reader **out, uni_part *part)
{
    ckks_status s = unet_reader_open(out, part->path, NULL, UNET_OUTPUT);

    if (s != CKKS_OK)
        return s;
    unet_reader_info(&part->info, *out);
    if (part->info.kind != UNET_OUTPUT)
        return nn_fail(CKKS_EPARAM, "%s holds inputs, not results: evaluate "
                       "makes them", part->path);
    if (!part->info.marked)
        return nn_fail(CKKS_EPARAM, "%s is no part that can be joined: those "
                       "are written by volley evaluate --part", part->path);
    return CKKS_OK;
}

static ckks_status join_images(unet_job *out, const unet_job *job)
{
    out->size = malloc(job->images * sizeof *out->size);
    if (out->size == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images", job->images);
    memcpy(out->size, job->size, job->images * sizeof *out->size);
    out->images = job->images;
    return CKKS_OK;
}

/* Head i: the first says what the result is, the others go with it. */
static ckks_status join_head(join_work *w, size_t i)
{
    unet_reader *reader = NULL;
    ckks_status s = join_open(&reader, &w->part[i]);

    if (s == CKKS_OK && i == 0)
        s = join_images(&w->job, unet_reader_job(reader));
    if (s == CKKS_OK)
        s = uni_parts_agree(&w->part[0], &w->job, &w->part[i],
                            unet_reader_job(reader));
    unet_reader_close(&reader);
    return s;
}

static ckks_status join_begin(join_work *w, const char *path)
{
    unet_info info = w->part[0].info;

    info.part = (unet_part){ 0, info.sets };
    info.marked = 0;
    return uni_writer_open(&w->writer, path, &info, &w->job);
}

static ckks_status join_sets(join_work *w, unet_reader *reader,
                             const unet_info *info)
{
    const uint8_t *bytes;
    size_t size;
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < info->part.count && s == CKKS_OK; i++) {
        if (w->progress != NULL && w->progress->set != NULL)
            w->progress->set(w->progress->step.user, info->part.first + i,
                             info->sets);
        for (uint32_t k = 0; k < info->ciphertexts && s == CKKS_OK; k++) {
            s = uni_reader_bytes(&bytes, &size, reader);
            if (s == CKKS_OK)
                s = uni_writer_bytes(w->writer, bytes, size);
        }
    }
    return s;
}

/* All sets of a file, which must be what it was. */
static ckks_status join_file(join_work *w, const uni_part *part)
{
    uni_part now = { .path = part->path };
    unet_reader *reader = NULL;
    ckks_status s = join_open(&reader, &now);

    if (s == CKKS_OK && (now.info.part.first != part->info.part.first
                         || now.info.part.count != part->info.part.count))
        s = nn_fail(CKKS_EIO, "%s has changed while it was read", part->path);
    if (s == CKKS_OK)
        s = uni_parts_agree(part, &w->job, &now, unet_reader_job(reader));
    if (s == CKKS_OK)
        s = join_sets(w, reader, &now.info);
    unet_reader_close(&reader);
    return s;
}

static ckks_status join_all(join_work *w, const char *path, uint64_t *bytes)
{
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < w->parts && s == CKKS_OK; i++)
        s = join_head(w, i);
    if (s == CKKS_OK)
        s = uni_parts_whole(w->part, w->parts, w->part[0].info.sets);
    if (s == CKKS_OK)
        s = join_begin(w, path);
    for (size_t i = 0; i < w->parts && s == CKKS_OK; i++)
        s = join_file(w, &w->part[i]);
    if (s == CKKS_OK)
        s = unet_writer_finish(w->writer, bytes);
    unet_writer_clear(&w->writer);
    return s;
}

ckks_status unet_join(const char *out_path, unet_joined *done,
                      const char *const *path, size_t paths,
                      const unet_progress *progress)
{
    join_work w = { .parts = paths, .progress = progress };
    unet_joined did = { .parts = paths };
    ckks_status s;

    if (out_path == NULL || path == NULL || paths == 0)
        return nn_fail(CKKS_EARG, "unet_join: null pointer, or no file");
    for (size_t i = 0; i < paths; i++)
        if (path[i] == NULL)
            return nn_fail(CKKS_EARG, "unet_join: null pointer");
    w.part = calloc(paths, sizeof *w.part);
    if (w.part == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu files", paths);
    for (size_t i = 0; i < paths; i++)
        w.part[i].path = path[i];
    s = join_all(&w, out_path, &did.bytes);
    if (s == CKKS_OK && done != NULL) {
        did.images = w.job.images;
        did.sets = w.part[0].info.sets;
        memcpy(did.request, w.part[0].info.request, UNET_ID);
        *done = did;
    }
    unet_job_clear(&w.job);
    free(w.part);
    return s;
}
