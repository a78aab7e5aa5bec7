/* vct_write.c -- files of ciphertexts, written one ciphertext at a time.
 *
 * The format and the contracts are in unet.h.  No half-written file ever has
 * the name asked for: ckks_file_open and what follows it see to that.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vct.h"

struct unet_writer {
    ckks_file *file;            /* NULL: none, or finished                   */
    char *path;
    uint64_t bytes, objects;
    bool marked;
    uint8_t name[UNET_ID];      /* of a part's ciphertexts so far            */
    uint8_t *buffer;
    size_t capacity;
};

static ckks_status vct_write(unet_writer *w, const uint8_t *in, size_t size)
{
    ckks_status s = ckks_file_put(w->file, in, size);

    if (s != CKKS_OK)
        return nn_relay(s, NULL);
    w->bytes += size;
    return CKKS_OK;
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

ckks_status uni_writer_open(unet_writer **out, const char *path,
                            const unet_info *info, const unet_job *job)
{
    unet_writer *w;
    ckks_status s;

    if ((info->part.count < 1 && !info->marked)
        || info->part.count > info->sets
        || info->part.first > info->sets - info->part.count)
        return nn_fail(CKKS_EARG, "%zu sets from number %zu on, of %lu",
                       info->part.count, info->part.first,
                       (unsigned long)info->sets);
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return nn_fail(CKKS_EMEM, "no memory to write %s", path);
    w->path = uni_vct_name(path, "");
    w->objects = (uint64_t)info->part.count * info->ciphertexts;
    w->marked = info->marked != 0;
    memcpy(w->name, info->mark, UNET_ID);
    s = w->path != NULL
        ? nn_relay(ckks_file_open(&w->file, path, 0644), NULL)
        : nn_fail(CKKS_EMEM, "no memory for a name");
    if (s == CKKS_OK)
        s = vct_write_head(w, info, job);
    if (s != CKKS_OK) {
        unet_writer_clear(&w);
        return s;
    }
    *out = w;
    return CKKS_OK;
}

ckks_status unet_writer_open(unet_writer **out, const char *path,
                             const nn_plan *p, const unet_job *job,
                             unet_kind kind, const uint8_t request[UNET_ID],
                             const unet_part *part)
{
    unet_info info = { .kind = (int)kind };
    ckks_status s;

    if (out == NULL || path == NULL || p == NULL || job == NULL
        || request == NULL || job->images == 0)
        return nn_fail(CKKS_EARG, "unet_writer_open: null pointer");
    if (kind != UNET_INPUT && kind != UNET_OUTPUT)
        return nn_fail(CKKS_EARG, "unet_writer_open: kind %d", (int)kind);
    if (job->sets > UINT32_MAX)
        return nn_fail(CKKS_EARG, "%zu sets do not fit a file", job->sets);
    s = nn_plan_fingerprint(info.plan, p);
    if (s != CKKS_OK)
        return s;
    memcpy(info.request, request, UNET_ID);
    info.sets = (uint32_t)job->sets;
    info.ciphertexts = (uint32_t)uni_vct_per_set(p, kind);
    info.part.count = job->sets;
    if (part != NULL)
        info.part = *part;
    return uni_writer_open(out, path, &info, job);
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

    if (w == NULL || w->file == NULL)
        return nn_fail(CKKS_EARG, "unet_writer_finish: nothing is open");
    if (w->objects != 0)
        return nn_fail(CKKS_EARG, "%s: %llu ciphertexts are missing", w->path,
                       (unsigned long long)w->objects);
    s = w->marked ? vct_write(w, w->name, UNET_ID) : CKKS_OK;
    if (s == CKKS_OK)
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
