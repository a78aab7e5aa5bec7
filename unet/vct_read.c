/* vct_read.c -- files of ciphertexts, read one ciphertext at a time.
 *
 * The format and the contracts are in unet.h.  The reader believes nothing:
 * the length of the file is compared with what the head promises before
 * anything is allocated by it, the head has a digest, every ciphertext is
 * checked by ckks_ct_load and against the plan.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vct.h"

struct unet_reader {
    FILE *file;
    char *path;
    uint64_t bytes;         /* of the file                                   */
    uint64_t left;          /* bytes not yet read                            */
    uint64_t objects;       /* ciphertexts not yet read                      */
    unet_info info;
    unet_job job;
    bool with_plan;
    bool skipped;           /* some were passed over: a part's name is none  */
    uint8_t name[UNET_ID];  /* of a part's ciphertexts so far                */
    int level;              /* of the ciphertexts                            */
    double scale;
    uint8_t *buffer;
    size_t capacity;
};

static ckks_status vct_read(unet_reader *r, uint8_t *out, size_t size)
{
    if (size > r->left)
        return nn_fail(CKKS_EFORMAT, "%s ends in the middle: %llu bytes left, "
                       "%zu wanted", r->path, (unsigned long long)r->left,
                       size);
    errno = 0;
    if (fread(out, 1, size, r->file) != size)
        return uni_vct_fail("reading", r->path, errno);
    r->left -= size;
    return CKKS_OK;
}

static ckks_status vct_check_head(const unet_reader *r, const uint8_t *head)
{
    if (memcmp(head, "VVCT", 4) != 0)
        return nn_fail(CKKS_EFORMAT, "%s is not a file of ciphertexts",
                       r->path);
    if (head[4] != VCT_VERSION)
        return nn_fail(CKKS_EFORMAT, "%s has version %d of the format, not %d: "
                       "encrypt the images anew", r->path, head[4],
                       VCT_VERSION);
    if (head[5] != UNET_INPUT && head[5] != UNET_OUTPUT)
        return nn_fail(CKKS_EFORMAT, "%s is of kind %d, not 1 or 2", r->path,
                       head[5]);
    if (head[6] > (head[5] == UNET_OUTPUT) || head[7] != 0
        || uni_vct_load(head + 60, 4) != 0)
        return nn_fail(CKKS_EFORMAT, "%s: a byte that must be 0 is not",
                       r->path);
    return CKKS_OK;
}

/* What the head promises against the length of the file: the rest of the head,
 * a byte and its length for every ciphertext, the name of a part's. */
static ckks_status vct_check_length(unet_reader *r)
{
    const unet_info *info = &r->info;
    const uint64_t rest = uni_vct_head(info->images, info->marked) - VCT_HEAD
                          + VCT_DIGEST + (info->marked ? UNET_ID : 0);

    r->objects = (uint64_t)info->part.count * info->ciphertexts;
    if (r->left < rest || (r->left - rest) / (VCT_LENGTH + 1) < r->objects)
        return nn_fail(CKKS_EFORMAT, "%s is too short for %lu images in %llu "
                       "ciphertexts: %llu bytes", r->path,
                       (unsigned long)info->images,
                       (unsigned long long)r->objects,
                       (unsigned long long)r->bytes);
    return CKKS_OK;
}

/* The head without the table, and the table's size against the file's. */
static ckks_status vct_read_head(unet_reader *r, uint8_t head[VCT_HEAD])
{
    unet_info *info = &r->info;
    ckks_status s;

    if (r->left < VCT_HEAD)
        return nn_fail(CKKS_EFORMAT, "%s is not a file of ciphertexts: it has "
                       "%llu bytes", r->path, (unsigned long long)r->left);
    s = vct_read(r, head, VCT_HEAD);
    if (s == CKKS_OK)
        s = vct_check_head(r, head);
    if (s != CKKS_OK)
        return s;
    info->kind = head[5];
    memcpy(info->plan, head + 8, sizeof info->plan);
    memcpy(info->request, head + 24, sizeof info->request);
    info->images = (uint32_t)uni_vct_load(head + 40, 4);
    info->sets = (uint32_t)uni_vct_load(head + 44, 4);
    info->ciphertexts = (uint32_t)uni_vct_load(head + 48, 4);
    info->part.first = (size_t)uni_vct_load(head + 52, 4);
    info->part.count = (size_t)uni_vct_load(head + 56, 4);
    info->marked = head[6];
    info->bytes = r->bytes;
    if (info->images < 1 || info->images > UNET_MAX_IMAGES || info->sets < 1
        || info->ciphertexts < 1)
        return nn_fail(CKKS_EFORMAT, "%s: %lu images in %lu sets of %lu "
                       "ciphertexts", r->path, (unsigned long)info->images,
                       (unsigned long)info->sets,
                       (unsigned long)info->ciphertexts);
    if ((info->part.count < 1 && !info->marked)
        || info->part.count > info->sets
        || info->part.first > info->sets - info->part.count)
        return nn_fail(CKKS_EFORMAT, "%s: %zu sets from number %zu on, of %lu",
                       r->path, info->part.count, info->part.first,
                       (unsigned long)info->sets);
    return vct_check_length(r);
}

/* The table of sizes and the digest, into the job. */
static ckks_status vct_read_table(unet_reader *r, const uint8_t *head)
{
    const size_t images = r->info.images;
    const size_t size = uni_vct_head(images, r->info.marked);
    uint8_t *all = malloc(size + VCT_DIGEST), digest[VCT_DIGEST];
    ckks_status s;

    if (all == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images", images);
    memcpy(all, head, VCT_HEAD);
    s = vct_read(r, all + VCT_HEAD, size + VCT_DIGEST - VCT_HEAD);
    if (s == CKKS_OK) {
        ckks_blake2b(digest, VCT_DIGEST, all, size, NULL, 0);
        if (memcmp(digest, all + size, VCT_DIGEST) != 0)
            s = nn_fail(CKKS_EFORMAT, "%s: the digest of its head is wrong: "
                        "the file is damaged", r->path);
    }
    if (s == CKKS_OK) {
        if (r->info.marked)
            memcpy(r->info.mark, all + size - UNET_ID, UNET_ID);
        memcpy(r->name, r->info.mark, UNET_ID);
        r->job.images = images;
        s = uni_vct_sizes(&r->job, all + VCT_HEAD, r->path);
    }
    free(all);
    return s;
}

/* The head against the plan; the job gets its tiles. */
static ckks_status vct_check_plan(unet_reader *r, const nn_plan *p,
                                  unet_kind kind)
{
    static const char *const name[] = { "", "inputs", "results" };
    const unet_info *info = &r->info;
    uint8_t want[16];
    unet_job job = {0};
    ckks_status s;

    if (info->kind != (int)kind)
        return nn_fail(CKKS_EFORMAT, "%s holds %s, not %s", r->path,
                       name[info->kind], name[kind]);
    s = nn_plan_fingerprint(want, p);
    if (s != CKKS_OK)
        return s;
    if (memcmp(want, info->plan, sizeof want) != 0)
        return uni_vct_other_plan(r->path, info->plan, want, p->name);
    s = unet_job_init(&job, p, r->job.size, r->job.images);
    if (s != CKKS_OK)
        return nn_fail(s == CKKS_EMEM ? s : CKKS_EFORMAT, "%s: %s", r->path,
                       nn_last_error());
    unet_job_clear(&r->job);
    r->job = job;
    if (job.sets != info->sets
        || info->ciphertexts != (uint32_t)uni_vct_per_set(p, kind))
        return nn_fail(CKKS_EFORMAT, "%s: %lu sets of %lu ciphertexts, its "
                       "images need %zu of %d", r->path,
                       (unsigned long)info->sets,
                       (unsigned long)info->ciphertexts, job.sets,
                       uni_vct_per_set(p, kind));
    /* A limb takes more than a byte a word. */
    if (r->left / (2 * p->layout.slots) < r->objects)
        return nn_fail(CKKS_EFORMAT, "%s is too short for %llu ciphertexts: "
                       "%llu bytes", r->path, (unsigned long long)r->objects,
                       (unsigned long long)r->bytes);
    r->level = kind == UNET_INPUT ? p->in_level : p->out_level;
    r->scale = kind == UNET_INPUT ? p->in_scale : p->out_scale;
    r->with_plan = true;
    return CKKS_OK;
}

/* Only a regular file has a length to compare with. */
static ckks_status vct_open_file(unet_reader *r)
{
    int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return uni_vct_fail("opening", r->path, errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return nn_fail(CKKS_EIO, "%s is not a regular file", r->path);
    }
    r->bytes = r->left = (uint64_t)st.st_size;
    r->file = fdopen(fd, "rb");
    if (r->file == NULL) {
        (void)close(fd);
        return nn_fail(CKKS_EMEM, "no memory to read %s", r->path);
    }
    return CKKS_OK;
}

/* Behind the last ciphertext: nothing, or what names a part's. */
static ckks_status vct_read_end(unet_reader *r)
{
    uint8_t name[UNET_ID];
    const uint64_t more = r->info.marked ? UNET_ID : 0;
    ckks_status s = CKKS_OK;

    if (r->left > more)
        return nn_fail(CKKS_EFORMAT, "%s: %llu bytes too many at the end",
                       r->path, (unsigned long long)(r->left - more));
    s = vct_read(r, name, (size_t)more);
    if (s == CKKS_OK && more > 0 && !r->skipped
        && memcmp(name, r->name, UNET_ID) != 0)
        s = nn_fail(CKKS_EFORMAT, "%s: the digest of its ciphertexts is "
                    "wrong: the file is damaged: evaluate it anew", r->path);
    return s;
}

ckks_status unet_reader_open(unet_reader **out, const char *path,
                             const nn_plan *p, unet_kind kind)
{
    uint8_t head[VCT_HEAD] = {0};
    unet_reader *r;
    ckks_status s;

    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "unet_reader_open: null pointer");
    if (kind != UNET_INPUT && kind != UNET_OUTPUT)
        return nn_fail(CKKS_EARG, "unet_reader_open: kind %d", (int)kind);
    r = calloc(1, sizeof *r);
    if (r == NULL || (r->path = uni_vct_name(path, "")) == NULL) {
        free(r);
        return nn_fail(CKKS_EMEM, "no memory to read %s", path);
    }
    s = vct_open_file(r);
    if (s == CKKS_OK)
        s = vct_read_head(r, head);
    if (s == CKKS_OK)
        s = vct_read_table(r, head);
    if (s == CKKS_OK && p != NULL)
        s = vct_check_plan(r, p, kind);
    if (s == CKKS_OK && r->objects == 0)
        s = vct_read_end(r);
    if (s != CKKS_OK) {
        unet_reader_close(&r);
        return s;
    }
    *out = r;
    return CKKS_OK;
}

void unet_reader_close(unet_reader **r)
{
    if (r == NULL || *r == NULL)
        return;
    if ((*r)->file != NULL)
        (void)fclose((*r)->file);
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
    ckks_status s = vct_read(r, length, sizeof length);

    if (s != CKKS_OK)
        return s;
    *size = uni_vct_load(length, VCT_LENGTH);
    if (*size > r->left)
        return nn_fail(CKKS_EFORMAT, "%s: a ciphertext of %llu bytes, and "
                       "%llu are left", r->path, (unsigned long long)*size,
                       (unsigned long long)r->left);
    return CKKS_OK;
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
        if (s == CKKS_OK && fseeko(r->file, (off_t)size, SEEK_CUR) != 0)
            s = uni_vct_fail("reading", r->path, errno);
        if (s == CKKS_OK) {
            r->left -= size;
            r->objects--;
        }
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
        s = vct_read(r, r->buffer, (size_t)n);
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
