/* vct_read.c -- files of ciphertexts, read one ciphertext at a time.
 *
 * The format and the contracts are in unet.h; the head is vct_head.c's.  The
 * reader believes nothing: every ciphertext is checked by ckks_ct_load and
 * against the plan.
 */
#include <stdlib.h>
#include <string.h>

#include "vct_read.h"

/* Behind the last ciphertext: nothing, or what names a part's. */
static ckks_status vct_read_end(unet_reader *r)
{
    uint8_t name[UNET_ID];
    const uint64_t more = r->info.marked ? UNET_ID : 0;
    ckks_status s = CKKS_OK;

    if (r->left > more)
        return nn_fail(CKKS_EFORMAT, "%s: %llu bytes too many at the end",
                       r->path, (unsigned long long)(r->left - more));
    s = uni_vct_bytes(r, name, (size_t)more);
    if (s == CKKS_OK && more > 0 && !r->skipped
        && memcmp(name, r->name, UNET_ID) != 0)
        s = nn_fail(CKKS_EFORMAT, "%s: the digest of its ciphertexts is "
                    "wrong: the file is damaged: evaluate it anew", r->path);
    return s;
}

ckks_status uni_reader_from(unet_reader **out, const unet_source *source,
                            void (*close)(void *user), const nn_plan *p,
                            unet_kind kind)
{
    unet_reader *r = calloc(1, sizeof *r);
    char *name = uni_vct_name(source->name, "");
    ckks_status s;

    if (r == NULL || name == NULL) {
        if (close != NULL)
            close(source->user);
        free(r);
        free(name);
        return nn_fail(CKKS_EMEM, "no memory to read %s", source->name);
    }
    r->source = *source;
    r->close = close;
    r->path = name;
    r->bytes = r->left = source->size;
    s = uni_vct_begin(r, p, kind);
    if (s == CKKS_OK && r->objects == 0)
        s = vct_read_end(r);
    if (s != CKKS_OK) {
        unet_reader_close(&r);
        return s;
    }
    *out = r;
    return CKKS_OK;
}

ckks_status unet_reader_from(unet_reader **out, const unet_source *source,
                             const nn_plan *p, unet_kind kind)
{
    if (out == NULL || source == NULL || source->read == NULL
        || source->name == NULL)
        return nn_fail(CKKS_EARG, "unet_reader_from: null pointer");
    if (kind != UNET_INPUT && kind != UNET_OUTPUT)
        return nn_fail(CKKS_EARG, "unet_reader_from: kind %d", (int)kind);
    return uni_reader_from(out, source, NULL, p, kind);
}

void unet_reader_close(unet_reader **r)
{
    if (r == NULL || *r == NULL)
        return;
    if ((*r)->close != NULL)
        (*r)->close((*r)->source.user);
    unet_job_clear(&(*r)->job);
    free((*r)->path);
    free((*r)->buffer);
    free(*r);
    *r = NULL;
}

const unet_job *unet_reader_job(const unet_reader *r)
{
    return &r->job;
}

uint64_t unet_reader_bytes(const unet_reader *r)
{
    return r->bytes;
}

uint64_t unet_reader_at(const unet_reader *r)
{
    return r->bytes - r->left;
}

void unet_reader_info(unet_info *out, const unet_reader *r)
{
    *out = r->info;
}

/* The length in front of a ciphertext, within the file. */
static ckks_status vct_length(uint64_t *size, unet_reader *r)
{
    uint8_t length[VCT_LENGTH];
    ckks_status s = uni_vct_bytes(r, length, sizeof length);

    if (s != CKKS_OK)
        return s;
    *size = uni_vct_load(length, VCT_LENGTH);
    if (*size > r->left)
        return nn_fail(CKKS_EFORMAT, "%s: a ciphertext of %llu bytes, and "
                       "%llu are left", r->path, (unsigned long long)*size,
                       (unsigned long long)r->left);
    return CKKS_OK;
}

/* Passes over bytes, no more than are left. */
static ckks_status vct_pass(unet_reader *r, uint64_t bytes)
{
    uint8_t piece[4096];
    ckks_status s = CKKS_OK;

    if (r->source.skip != NULL) {
        s = r->source.skip(r->source.user, bytes);
        if (s == CKKS_OK)
            r->left -= bytes;
        return s;
    }
    for (uint64_t n; bytes > 0 && s == CKKS_OK; bytes -= n) {
        n = bytes < sizeof piece ? bytes : sizeof piece;
        s = uni_vct_bytes(r, piece, (size_t)n);
    }
    return s;
}

ckks_status unet_reader_skip(unet_reader *r, size_t sets)
{
    uint64_t objects, size;
    ckks_status s = CKKS_OK;

    if (r == NULL || r->objects % r->info.ciphertexts != 0
        || sets > r->objects / r->info.ciphertexts)
        return nn_fail(CKKS_EARG, "unet_reader_skip: %zu sets, or not between "
                       "sets", sets);
    objects = (uint64_t)sets * r->info.ciphertexts;
    r->skipped = r->skipped || objects > 0;
    for (; objects > 0 && s == CKKS_OK; objects--) {
        s = vct_length(&size, r);
        if (s == CKKS_OK)
            s = vct_pass(r, size);
        if (s == CKKS_OK)
            r->objects--;
    }
    return s;
}

/* The next ciphertext's bytes, at most so many, into the buffer; behind the
 * last one the file must end. */
static ckks_status vct_next(size_t *size, unet_reader *r, uint64_t most)
{
    uint64_t n = 0;
    ckks_status s;

    if (r->objects == 0)
        return nn_fail(CKKS_EARG, "%s: all ciphertexts are read", r->path);
    s = vct_length(&n, r);
    if (s != CKKS_OK)
        return s;
    if (n > most)
        return nn_fail(CKKS_EFORMAT, "%s: a ciphertext of %llu bytes; none has "
                       "more than %llu", r->path, (unsigned long long)n,
                       (unsigned long long)most);
    s = uni_vct_room(&r->buffer, &r->capacity, (size_t)n + 1);
    if (s == CKKS_OK)
        s = uni_vct_bytes(r, r->buffer, (size_t)n);
    if (s != CKKS_OK)
        return s;
    if (r->info.marked)
        uni_vct_chain(r->name, r->buffer, (size_t)n);
    *size = (size_t)n;
    return CKKS_OK;
}

ckks_status uni_reader_bytes(const uint8_t **out, size_t *size,
                             unet_reader *r)
{
    ckks_status s = vct_next(size, r, r->bytes);

    if (s == CKKS_OK && r->objects == 1)
        s = vct_read_end(r);
    if (s == CKKS_OK) {
        r->objects--;
        *out = r->buffer;
    }
    return s;
}

void uni_reader_rest(unet_reader *r)
{
    free(r->buffer);
    r->buffer = NULL;
    r->capacity = 0;
}

ckks_status unet_reader_next(ckks_ct *out, unet_reader *r,
                             const ckks_ctx *ctx)
{
    ckks_ct ct = {0};
    size_t size = 0;
    ckks_status s;

    if (out == NULL || r == NULL || ctx == NULL || !r->with_plan)
        return nn_fail(CKKS_EARG, "unet_reader_next: null pointer, or opened "
                       "without a plan");
    s = vct_next(&size, r, uni_vct_most(ctx));
    if (s != CKKS_OK)
        return s;
    s = ckks_ct_load(&ct, ctx, r->buffer, size);
    if (s != CKKS_OK)
        return nn_relay(s, r->path);
    s = uni_vct_check(&ct, r->path, r->level, r->scale);
    if (s == CKKS_OK && r->objects == 1)
        s = vct_read_end(r);
    if (s == CKKS_OK) {
        r->objects--;
        ckks_ct_swap(out, &ct);
    }
    ckks_ct_clear(&ct);
    return s;
}
