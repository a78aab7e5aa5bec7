/* partial.c -- sets of a result that is not yet whole.  Contracts and format in
 * partial.h. */
#include "partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vct.h"

enum { PARTIAL_HEAD = 24, PARTIAL_RECORD = 8 + UNET_ID, PARTIAL_VERSION = 1 };

struct uni_partial {
    int fd;
    char *path;
    const nn_plan *plan;
    const ckks_ctx *ctx;
    uint8_t mark[UNET_ID];
    uint64_t bytes;         /* of the file                                   */
    uint64_t at;            /* whole records end there                       */
    uint64_t sets;          /* whole records up to there                     */
    uint64_t there;         /* whole records when it was opened              */
    bool ended;             /* no other is looked for                        */
    uint8_t *buffer;        /* a record, its set's number in place of the
                               length and behind the digest                  */
    size_t capacity;
};

/* ---- bytes --------------------------------------------------------------- */

static ckks_status partial_read(uint8_t *out, const uni_partial *w,
                                uint64_t at, size_t size)
{
    while (size > 0) {
        const ssize_t n = pread(w->fd, out, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return uni_vct_fail("reading", w->path, n < 0 ? errno : EIO);
        out += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return CKKS_OK;
}

static ckks_status partial_write(const uni_partial *w, uint64_t at,
                                 const uint8_t *in, size_t size)
{
    while (size > 0) {
        const ssize_t n = pwrite(w->fd, in, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return uni_vct_fail("writing", w->path, n < 0 ? errno : EIO);
        in += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return CKKS_OK;
}

/* Of the set's number and its ciphertexts, which lie side by side. */
static void partial_digest(uint8_t out[UNET_ID], const uni_partial *w,
                           const uint8_t *in, size_t size)
{
    ckks_blake2b(out, UNET_ID, in, size, w->mark, UNET_ID);
}

/* ---- one record ---------------------------------------------------------- */

/* The record at w->at into the buffer, behind its set's number; *size: of its
 * ciphertexts; *whole: its digest fits. */
static ckks_status partial_record(bool *whole, size_t *size, uni_partial *w)
{
    const uint64_t most = (uint64_t)nn_plan_outputs(w->plan)
                          * (VCT_LENGTH + uni_vct_most(w->ctx));
    uint8_t head[PARTIAL_RECORD], digest[UNET_ID];
    const uint64_t left = w->bytes - w->at;
    uint64_t n;
    ckks_status s;

    *whole = false;
    if (left < PARTIAL_RECORD)
        return CKKS_OK;
    s = partial_read(head, w, w->at, PARTIAL_RECORD);
    if (s != CKKS_OK)
        return s;
    n = uni_vct_load(head, 8);
    if (n > most || n > left - PARTIAL_RECORD)
        return CKKS_OK;
    *size = (size_t)n;
    s = uni_vct_room(&w->buffer, &w->capacity, 8 + *size);
    if (s != CKKS_OK)
        return s;
    uni_vct_store(w->buffer, w->sets, 8);
    s = partial_read(w->buffer + 8, w, w->at + PARTIAL_RECORD, *size);
    if (s != CKKS_OK)
        return s;
    partial_digest(digest, w, w->buffer, 8 + *size);
    *whole = memcmp(digest, head + 8, UNET_ID) == 0;
    return CKKS_OK;
}

/* The ciphertexts of a record, as those of any file. */
static bool partial_parse(ckks_ct *ct, const uni_partial *w,
                          const uint8_t *in, size_t size)
{
    const int count = nn_plan_outputs(w->plan);
    size_t at = 0;
    bool fits = true;

    for (int k = 0; k < count && fits; k++) {
        const uint64_t n = size - at < VCT_LENGTH ? UINT64_MAX
                           : uni_vct_load(in + at, VCT_LENGTH);

        at += VCT_LENGTH;
        fits = n != UINT64_MAX && n <= size - at
               && ckks_ct_load(&ct[k], w->ctx, in + at, (size_t)n) == CKKS_OK
               && uni_vct_check(&ct[k], w->path, w->plan->out_level,
                                w->plan->out_scale) == CKKS_OK;
        at += (size_t)n;
    }
    if (fits && at == size)
        return true;
    for (int k = 0; k < count; k++)
        ckks_ct_clear(&ct[k]);
    return false;
}

/* ---- opening ------------------------------------------------------------- */

static ckks_status partial_fresh(uni_partial *w)
{
    uint8_t head[PARTIAL_HEAD] = "VPRT";

    head[4] = PARTIAL_VERSION;
    memcpy(head + 8, w->mark, UNET_ID);
    if (ftruncate(w->fd, 0) != 0)
        return uni_vct_fail("writing", w->path, errno);
    w->bytes = w->at = PARTIAL_HEAD;
    w->ended = true;
    return partial_write(w, 0, head, sizeof head);
}

/* Whole records, as far as digests tell. */
static ckks_status partial_count(uni_partial *w)
{
    bool whole = true;
    size_t size = 0;
    ckks_status s = CKKS_OK;

    while (whole && s == CKKS_OK) {
        s = partial_record(&whole, &size, w);
        if (s == CKKS_OK && whole) {
            w->at += PARTIAL_RECORD + size;
            w->sets++;
        }
    }
    w->there = w->sets;
    w->sets = 0;
    w->at = PARTIAL_HEAD;
    return s;
}

/* What is there: nothing, a result of this mark, or of another. */
static ckks_status partial_begin(uni_partial *w, bool *other)
{
    uint8_t head[PARTIAL_HEAD] = {0};
    ckks_status s;

    if (w->bytes == 0)
        return partial_fresh(w);
    s = w->bytes < PARTIAL_HEAD ? CKKS_OK
        : partial_read(head, w, 0, PARTIAL_HEAD);
    if (s != CKKS_OK)
        return s;
    if (memcmp(head, "VPRT", 4) != 0)
        return nn_fail(CKKS_EFORMAT, "%s is there and no part of a result: "
                       "name another output, or remove it", w->path);
    if (head[4] != PARTIAL_VERSION || uni_vct_load(head + 5, 3) != 0
        || memcmp(head + 8, w->mark, UNET_ID) != 0) {
        *other = true;
        return partial_fresh(w);
    }
    w->at = PARTIAL_HEAD;
    return partial_count(w);
}

/* A regular file of nobody else. */
static ckks_status partial_take(uni_partial *w)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat st;

    w->fd = open(w->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
                 | O_NONBLOCK, 0644);
    if (w->fd < 0)
        return uni_vct_fail("writing", w->path, errno);
    if (fstat(w->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return nn_fail(CKKS_EIO, "writing %s: not a regular file", w->path);
    if (fcntl(w->fd, F_SETLK, &lock) != 0)
        return nn_fail(CKKS_EIO, "another evaluation is writing %s", w->path);
    w->bytes = (uint64_t)st.st_size;
    return CKKS_OK;
}

ckks_status uni_partial_open(uni_partial **out, bool *other,
                             const char *out_path,
                             const uint8_t mark[UNET_ID], const nn_plan *p,
                             const ckks_ctx *ctx)
{
    uni_partial *w = calloc(1, sizeof *w);
    ckks_status s;

    *other = false;
    if (w == NULL || (w->path = uni_vct_name(out_path, ".partial")) == NULL) {
        free(w);
        return nn_fail(CKKS_EMEM, "no memory to write %s", out_path);
    }
    w->plan = p;
    w->ctx = ctx;
    memcpy(w->mark, mark, UNET_ID);
    s = partial_take(w);
    if (s == CKKS_OK)
        s = partial_begin(w, other);
    if (s != CKKS_OK) {             /* whatever it is, it stays              */
        if (w->fd >= 0)
            (void)close(w->fd);
        free(w->buffer);
        free(w->path);
        free(w);
        return s;
    }
    *out = w;
    return CKKS_OK;
}

void uni_partial_close(uni_partial **partial, bool done)
{
    uni_partial *w = *partial;

    if (w == NULL)
        return;
    if (done || w->sets + w->there == 0)
        (void)remove(w->path);
    (void)close(w->fd);
    free(w->path);
    free(w->buffer);
    free(w);
    *partial = NULL;
}

size_t uni_partial_sets(const uni_partial *w)
{
    return (size_t)w->there;
}

/* ---- sets ---------------------------------------------------------------- */

ckks_status uni_partial_next(ckks_ct *ct, bool *found, uni_partial *w)
{
    size_t size = 0;
    ckks_status s;

    *found = false;
    if (w->ended)
        return CKKS_OK;
    s = partial_record(found, &size, w);
    if (s != CKKS_OK)
        return s;
    *found = *found && partial_parse(ct, w, w->buffer + 8, size);
    if (*found) {
        w->at += PARTIAL_RECORD + size;
        w->sets++;
        return CKKS_OK;
    }
    w->ended = true;
    w->bytes = w->at;
    return ftruncate(w->fd, (off_t)w->at) == 0 ? CKKS_OK
           : uni_vct_fail("writing", w->path, errno);
}

ckks_status uni_partial_put(uni_partial *w, const ckks_ct *ct)
{
    const int count = nn_plan_outputs(w->plan);
    size_t size = 8, at = 8;
    uint8_t head[PARTIAL_RECORD];
    ckks_status s;

    for (int k = 0; k < count; k++)
        size += VCT_LENGTH + ckks_ct_size(&ct[k]);
    s = uni_vct_room(&w->buffer, &w->capacity, size);
    if (s != CKKS_OK)
        return s;
    uni_vct_store(w->buffer, w->sets, 8);
    for (int k = 0; k < count && s == CKKS_OK; k++) {
        const size_t n = ckks_ct_size(&ct[k]);

        uni_vct_store(w->buffer + at, n, VCT_LENGTH);
        s = nn_relay(ckks_ct_save(w->buffer + at + VCT_LENGTH, n, &ct[k]),
                     w->path);
        at += VCT_LENGTH + n;
    }
    if (s != CKKS_OK)
        return s;
    uni_vct_store(head, size - 8, 8);
    partial_digest(head + 8, w, w->buffer, size);
    s = partial_write(w, w->at + PARTIAL_RECORD, w->buffer + 8, size - 8);
    if (s == CKKS_OK)               /* last: a record is whole or is none    */
        s = partial_write(w, w->at, head, sizeof head);
    if (s != CKKS_OK)
        return s;
    w->at += PARTIAL_RECORD + size - 8;
    w->bytes = w->at;
    w->sets++;
    return CKKS_OK;
}
