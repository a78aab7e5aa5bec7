/* vct_write.c -- files of ciphertexts, written one ciphertext at a time.
 *
 * The format and the contracts are in unet.h.  No half-written file ever has
 * the name asked for: ckks_file_open and what follows it see to that.
 */
#include <stdlib.h>
#include <string.h>

#include "vct.h"

struct unet_writer {
    ckks_file *file;            /* NULL: none, or finished                   */
    char *path;
    uint64_t bytes, objects;
    uint8_t *buffer;
    size_t capacity;
};

static ckks_status vct_write(unet_writer *w, const uint8_t *in, size_t size)
{
    ckks_status s = ckks_file_put(w->file, in, size);

    if (s != CKKS_OK)
        return nn_fail(s, "%s", ckks_last_error());
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
    s = nn_plan_fingerprint(head + 8, p);
    if (s != CKKS_OK) {
        free(head);
        return s;
    }
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
    w->objects = (uint64_t)part->count * (uint64_t)uni_vct_per_set(p, kind);
    s = w->path != NULL ? ckks_file_open(&w->file, path, 0644) : CKKS_EMEM;
    if (s != CKKS_OK)
        (void)nn_fail(s, "%s", w->path != NULL ? ckks_last_error()
                                               : "no memory for a name");
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
    ckks_status s;

    if (w == NULL || w->file == NULL)
        return nn_fail(CKKS_EARG, "unet_writer_finish: nothing is open");
    if (w->objects != 0)
        return nn_fail(CKKS_EARG, "%s: %llu ciphertexts are missing", w->path,
                       (unsigned long long)w->objects);
    s = ckks_file_finish(&w->file);
    if (s != CKKS_OK)
        return nn_fail(s, "%s", ckks_last_error());
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
