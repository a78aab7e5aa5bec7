/* vct_write.c -- files of ciphertexts, written one ciphertext at a time.
 *
 * The format and the contracts are in unet.h; files by their paths are
 * vct_file.c's.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vct.h"

struct unet_writer {
    unet_sink sink;             /* path in place of its name                 */
    ckks_file *file;            /* that the sink writes to; NULL: another    */
    char *path;                 /* what messages call it                     */
    bool open;                  /* not finished, nothing has failed          */
    uint64_t bytes, objects;
    bool marked;
    uint8_t name[UNET_ID];      /* of a part's ciphertexts so far            */
    uint8_t *buffer;
    size_t capacity;
};

static ckks_status vct_write(unet_writer *w, const uint8_t *in, size_t size)
{
    ckks_status s = w->sink.write(w->sink.user, in, size);

    if (s == CKKS_OK)
        w->bytes += size;
    else
        w->open = false;
    return s;
}

static ckks_status vct_write_head(unet_writer *w, const unet_info *info,
                                  const unet_job *job)
{
    const size_t size = uni_vct_head(job->images, info->marked);
    uint8_t *head = calloc(1, size + VCT_DIGEST);
    ckks_status s;

    if (head == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images", job->images);
    memcpy(head, "VVCT", 4);
    head[4] = VCT_VERSION;
    head[5] = (uint8_t)info->kind;
    head[6] = info->marked ? 1 : 0;
    memcpy(head + 8, info->plan, UNET_ID);
    memcpy(head + 24, info->request, UNET_ID);
    uni_vct_store(head + 40, job->images, 4);
    uni_vct_store(head + 44, info->sets, 4);
    uni_vct_store(head + 48, info->ciphertexts, 4);
    uni_vct_store(head + 52, info->part.first, 4);
    uni_vct_store(head + 56, info->part.count, 4);
    for (size_t i = 0; i < job->images; i++) {
        uint8_t *entry = head + VCT_HEAD + VCT_ENTRY * i;

        uni_vct_store(entry, (uint64_t)job->size[i].height, 4);
        uni_vct_store(entry + 4, (uint64_t)job->size[i].width, 4);
    }
    if (info->marked)
        memcpy(head + size - UNET_ID, info->mark, UNET_ID);
    ckks_blake2b(head + size, VCT_DIGEST, head, size, NULL, 0);
    s = vct_write(w, head, size + VCT_DIGEST);
    free(head);
    return s;
}

ckks_status uni_writer_check(const unet_info *info)
{
    if ((info->part.count >= 1 || info->marked)
        && info->part.count <= info->sets
        && info->part.first <= info->sets - info->part.count)
        return CKKS_OK;
    return nn_fail(CKKS_EARG, "%zu sets from number %zu on, of %lu",
                   info->part.count, info->part.first,
                   (unsigned long)info->sets);
}

ckks_status uni_writer_to(unet_writer **out, const unet_sink *sink,
                          ckks_file *file, const unet_info *info,
                          const unet_job *job)
{
    unet_writer *w = calloc(1, sizeof *w);
    char *name = uni_vct_name(sink->name, "");
    ckks_status s;

    if (w == NULL || name == NULL) {
        ckks_file_clear(&file);
        free(w);
        free(name);
        return nn_fail(CKKS_EMEM, "no memory to write %s", sink->name);
    }
    w->sink = *sink;
    w->file = file;
    w->path = name;
    w->open = true;
    w->objects = (uint64_t)info->part.count * info->ciphertexts;
    w->marked = info->marked != 0;
    memcpy(w->name, info->mark, UNET_ID);
    s = vct_write_head(w, info, job);
    if (s != CKKS_OK) {
        unet_writer_clear(&w);
        return s;
    }
    *out = w;
    return CKKS_OK;
}

ckks_status uni_writer_info(unet_info *out, const nn_plan *p,
                            const unet_job *job, unet_kind kind,
                            const uint8_t request[UNET_ID],
                            const unet_part *part, const char *name)
{
    unet_info info = { .kind = (int)kind };
    ckks_status s;

    if (p == NULL || job == NULL || request == NULL || job->images == 0)
        return nn_fail(CKKS_EARG, "%s: null pointer", name);
    if (kind != UNET_INPUT && kind != UNET_OUTPUT)
        return nn_fail(CKKS_EARG, "%s: kind %d", name, (int)kind);
    if (job->sets > UINT32_MAX)
        return nn_fail(CKKS_EARG, "%zu sets do not fit a file", job->sets);
    s = nn_plan_fingerprint(info.plan, p);
    if (s != CKKS_OK)
        return s;
    memcpy(info.request, request, UNET_ID);
    info.images = (uint32_t)job->images;
    info.sets = (uint32_t)job->sets;
    info.ciphertexts = (uint32_t)uni_vct_per_set(p, kind);
    info.part.count = job->sets;
    if (part != NULL)
        info.part = *part;
    *out = info;
    return CKKS_OK;
}

ckks_status unet_writer_to(unet_writer **out, const unet_sink *sink,
                           const nn_plan *p, const unet_job *job,
                           unet_kind kind, const uint8_t request[UNET_ID],
                           const unet_part *part)
{
    unet_info info;
    ckks_status s;

    if (out == NULL || sink == NULL || sink->write == NULL
        || sink->name == NULL)
        return nn_fail(CKKS_EARG, "unet_writer_to: null pointer");
    s = uni_writer_info(&info, p, job, kind, request, part, "unet_writer_to");
    if (s == CKKS_OK)
        s = uni_writer_check(&info);
    return s == CKKS_OK ? uni_writer_to(out, sink, NULL, &info, job) : s;
}

/* The ciphertext that lies in the buffer behind the room for its length. */
static ckks_status vct_put(unet_writer *w, size_t size)
{
    ckks_status s;

    uni_vct_store(w->buffer, size, VCT_LENGTH);
    s = vct_write(w, w->buffer, size + VCT_LENGTH);
    if (s != CKKS_OK)
        return s;
    if (w->marked)
        uni_vct_chain(w->name, w->buffer + VCT_LENGTH, size);
    w->objects--;
    return CKKS_OK;
}

ckks_status uni_writer_bytes(unet_writer *w, const uint8_t *in, size_t size)
{
    ckks_status s = uni_vct_room(&w->buffer, &w->capacity, size + VCT_LENGTH);

    if (s != CKKS_OK)
        return s;
    memcpy(w->buffer + VCT_LENGTH, in, size);
    return vct_put(w, size);
}

ckks_status unet_writer_put(unet_writer *w, const ckks_ct *ct)
{
    size_t size;
    ckks_status s;

    if (w == NULL || ct == NULL)
        return nn_fail(CKKS_EARG, "unet_writer_put: null pointer");
    if (!w->open)
        return nn_fail(CKKS_EARG, "%s is finished, or writing it has failed",
                       w->path);
    if (w->objects == 0)
        return nn_fail(CKKS_EARG, "%s: more ciphertexts than promised",
                       w->path);
    size = ckks_ct_size(ct);
    s = uni_vct_room(&w->buffer, &w->capacity, size + VCT_LENGTH);
    if (s != CKKS_OK)
        return s;
    s = ckks_ct_save(w->buffer + VCT_LENGTH, size, ct);
    if (s != CKKS_OK)
        return nn_relay(s, w->path);
    return vct_put(w, size);
}

ckks_status unet_writer_finish(unet_writer *w, uint64_t *bytes)
{
    ckks_status s;

    if (w == NULL || !w->open)
        return nn_fail(CKKS_EARG, "unet_writer_finish: nothing is open");
    if (w->objects != 0)
        return nn_fail(CKKS_EARG, "%s: %llu ciphertexts are missing", w->path,
                       (unsigned long long)w->objects);
    s = w->marked ? vct_write(w, w->name, UNET_ID) : CKKS_OK;
    w->open = false;
    if (s == CKKS_OK && w->file != NULL)
        s = nn_relay(ckks_file_finish(&w->file), NULL);
    if (s != CKKS_OK)
        return s;
    if (bytes != NULL)
        *bytes = w->bytes;
    return CKKS_OK;
}

void unet_writer_clear(unet_writer **w)
{
    if (w == NULL || *w == NULL)
        return;
    ckks_file_clear(&(*w)->file);
    free((*w)->path);
    free((*w)->buffer);
    free(*w);
    *w = NULL;
}
