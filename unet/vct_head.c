/* vct_head.c -- the head of a file of ciphertexts.
 *
 * The format is in unet.h.  Nothing it says is believed: what it promises is
 * compared with the length of the file before anything is allocated by it, it
 * has a digest, and what a plan says goes before what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "vct_read.h"

ckks_status uni_vct_bytes(unet_reader *r, uint8_t *out, size_t size)
{
    ckks_status s;

    if (size > r->left)
        return nn_fail(CKKS_EFORMAT, "%s ends in the middle: %llu bytes left, "
                       "%zu wanted", r->path, (unsigned long long)r->left,
                       size);
    s = r->source.read(r->source.user, out, size);
    if (s == CKKS_OK)
        r->left -= size;
    return s;
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
    s = uni_vct_bytes(r, head, VCT_HEAD);
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
    s = uni_vct_bytes(r, all + VCT_HEAD, size + VCT_DIGEST - VCT_HEAD);
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

ckks_status uni_vct_begin(unet_reader *r, const nn_plan *p, unet_kind kind)
{
    uint8_t head[VCT_HEAD] = {0};
    ckks_status s = vct_read_head(r, head);

    if (s == CKKS_OK)
        s = vct_read_table(r, head);
    return s == CKKS_OK && p != NULL ? vct_check_plan(r, p, kind) : s;
}
