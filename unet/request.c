/* request.c -- what the owner keeps of an upload, to recognise its result.
 *
 * The contracts are in unet.h.  The file, all numbers little-endian:
 *
 *   "VREQ", version 1, three zeros; identity, plan (16 bytes each); images I,
 *   sets, ciphertexts a set, 0 (4 bytes each); height, width of every image (4
 *   bytes each); 16 bytes a ciphertext of the upload; 16 bytes a set; BLAKE2b-
 *   128 of everything before (for damage only).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vct.h"

enum { REQUEST_HEAD = 56, REQUEST_VERSION = 1 };

/* Bytes of a note; no more than 64 bits for sets < 2^32, inputs <= 2^20. */
static uint64_t request_size(const unet_job *job, uint32_t inputs)
{
    return REQUEST_HEAD + (uint64_t)VCT_ENTRY * job->images
           + UNET_ID * (uint64_t)job->sets * ((uint64_t)inputs + 1)
           + VCT_DIGEST;
}

/* folder/IDENTITY.req; malloc. */
static char *request_path(const char *folder, const uint8_t id[UNET_ID])
{
    char name[2 * UNET_ID + 6] = "/";

    for (int i = 0; i < UNET_ID; i++)
        snprintf(name + 1 + 2 * i, 3, "%02x", id[i]);
    memcpy(name + 1 + 2 * UNET_ID, ".req", 5);
    return uni_vct_name(folder, name);
}

ckks_status uni_request_init(unet_request *out, const nn_plan *p,
                             const unet_job *job)
{
    unet_request r = {0};
    ckks_status s = unet_job_init(&r.job, p, job->size, job->images);

    if (s == CKKS_OK)
        s = nn_plan_fingerprint(r.plan, p);
    if (s != CKKS_OK) {
        unet_request_clear(&r);
        return s;
    }
    r.inputs = (uint32_t)nn_plan_inputs(p);
    r.upload = calloc(r.job.sets, (size_t)r.inputs * UNET_ID);
    r.answer = calloc(r.job.sets, UNET_ID);
    if (r.upload == NULL || r.answer == NULL) {
        unet_request_clear(&r);
        return nn_fail(CKKS_EMEM, "no memory for a request of %zu sets",
                       job->sets);
    }
    *out = r;
    return CKKS_OK;
}

static void request_fill(uint8_t *b, const unet_request *r)
{
    const size_t up = r->job.sets * r->inputs * UNET_ID;
    const size_t back = r->job.sets * UNET_ID;
    uint8_t *start = b;

    memcpy(b, "VREQ", 4);
    b[4] = REQUEST_VERSION;
    memcpy(b + 8, r->id, UNET_ID);
    memcpy(b + 24, r->plan, UNET_ID);
    uni_vct_store(b + 40, r->job.images, 4);
    uni_vct_store(b + 44, r->job.sets, 4);
    uni_vct_store(b + 48, r->inputs, 4);
    b += REQUEST_HEAD;
    for (size_t i = 0; i < r->job.images; i++, b += VCT_ENTRY) {
        uni_vct_store(b, (uint64_t)r->job.size[i].height, 4);
        uni_vct_store(b + 4, (uint64_t)r->job.size[i].width, 4);
    }
    memcpy(b, r->upload, up);
    memcpy(b + up, r->answer, back);
    b += up + back;
    ckks_blake2b(b, VCT_DIGEST, start, (size_t)(b - start), NULL, 0);
}

size_t unet_request_size(const unet_request *r)
{
    uint64_t size;

    if (r == NULL || r->upload == NULL || r->answer == NULL)
        return 0;
    size = request_size(&r->job, r->inputs);
    return size <= SIZE_MAX ? (size_t)size : 0;
}

ckks_status unet_request_bytes(uint8_t *out, size_t size,
                               const unet_request *r)
{
    const size_t want = unet_request_size(r);

    if (out == NULL || want == 0)
        return nn_fail(CKKS_EARG, "unet_request_bytes: null pointer");
    if (size != want)
        return nn_fail(CKKS_EARG, "unet_request_bytes: room for %zu bytes, the "
                       "request has %zu", size, want);
    memset(out, 0, size);
    request_fill(out, r);
    return CKKS_OK;
}

ckks_status unet_request_save(const char *folder, const unet_request *r)
{
    const size_t size = unet_request_size(r);
    ckks_status s;
    uint8_t *data;
    char *path;

    if (folder == NULL || size == 0)
        return nn_fail(CKKS_EARG, "unet_request_save: null pointer");
    path = request_path(folder, r->id);
    data = malloc(size);
    if (path == NULL || data == NULL)
        s = nn_fail(CKKS_EMEM, "no memory for a request of %zu bytes", size);
    else
        s = unet_request_bytes(data, size, r);
    if (s == CKKS_OK)
        s = nn_relay(ckks_file_write(path, data, size, 0600), NULL);
    free(path);
    free(data);
    return s;
}

/* The head and the size of a file against each other and the plan: images and
 * their sizes into *job. */
static ckks_status request_head(unet_job *job, const uint8_t *b, size_t size,
                                const char *path, const nn_plan *p)
{
    uint8_t plan[UNET_ID], digest[VCT_DIGEST];
    uint64_t images, left = size;
    ckks_status s;

    if (left < REQUEST_HEAD + VCT_DIGEST || memcmp(b, "VREQ", 4) != 0
        || b[4] != REQUEST_VERSION || uni_vct_load(b + 5, 3) != 0
        || uni_vct_load(b + 52, 4) != 0)
        return nn_fail(CKKS_EFORMAT, "%s is not the note of a request", path);
    ckks_blake2b(digest, VCT_DIGEST, b, size - VCT_DIGEST, NULL, 0);
    if (memcmp(digest, b + size - VCT_DIGEST, VCT_DIGEST) != 0)
        return nn_fail(CKKS_EFORMAT, "%s: its digest is wrong: the file is "
                       "damaged", path);
    s = nn_plan_fingerprint(plan, p);
    if (s != CKKS_OK)
        return s;
    if (memcmp(plan, b + 24, UNET_ID) != 0)
        return uni_vct_other_plan(path, b + 24, plan, p->name);
    left -= REQUEST_HEAD + VCT_DIGEST;
    images = uni_vct_load(b + 40, 4);
    if (images < 1 || images > UNET_MAX_IMAGES || left / VCT_ENTRY < images)
        return nn_fail(CKKS_EFORMAT, "%s: %llu images in %zu bytes", path,
                       (unsigned long long)images, size);
    job->images = (size_t)images;
    return uni_vct_sizes(job, b + REQUEST_HEAD, path);
}

static ckks_status request_parse(unet_request *out, const uint8_t *b,
                                 size_t size, const char *path,
                                 const nn_plan *p)
{
    const uint32_t in = (uint32_t)nn_plan_inputs(p);
    unet_job job = {0}, whole = {0};
    unet_request r = {0};
    ckks_status s = request_head(&job, b, size, path, p);

    if (s == CKKS_OK)
        s = unet_job_init(&whole, p, job.size, job.images);
    if (s == CKKS_OK && (whole.sets > size || size != request_size(&whole, in)
                         || uni_vct_load(b + 44, 4) != whole.sets
                         || uni_vct_load(b + 48, 4) != in))
        s = nn_fail(CKKS_EFORMAT, "%s: %zu bytes; its images need %zu sets of "
                    "%lu ciphertexts, 16 bytes each", path, size, whole.sets,
                    (unsigned long)in);
    if (s == CKKS_OK)
        s = uni_request_init(&r, p, &whole);
    if (s == CKKS_OK) {
        const uint8_t *rows = b + REQUEST_HEAD + VCT_ENTRY * r.job.images;
        const size_t up = r.job.sets * r.inputs * UNET_ID;

        memcpy(r.id, b + 8, UNET_ID);
        memcpy(r.upload, rows, up);
        memcpy(r.answer, rows + up, r.job.sets * UNET_ID);
        unet_request_clear(out);
        *out = r;
        memset(&r, 0, sizeof r);
    }
    unet_request_clear(&r);
    unet_job_clear(&job);
    unet_job_clear(&whole);
    return s;
}

ckks_status unet_request_parse(unet_request *out, const uint8_t *in,
                               size_t size, const nn_plan *p)
{
    ckks_status s;

    if (out == NULL || in == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "unet_request_parse: null pointer");
    s = nn_plan_check(p);
    return s == CKKS_OK ? request_parse(out, in, size, "what was kept", p) : s;
}

static ckks_status request_read(unet_request *out, const char *path,
                                const char *folder, const char *vct,
                                const uint8_t id[UNET_ID], const nn_plan *p)
{
    uint8_t *data = NULL;
    size_t size = 0;
    struct stat st;
    ckks_status s;

    if (stat(path, &st) != 0)
        return nn_fail(CKKS_EPARAM, "%s answers request %02x%02x%02x%02x, "
                       "which is none of those in %s", vct, id[0], id[1],
                       id[2], id[3], folder);
    s = ckks_file_read(&data, &size, path, (size_t)1 << 30);
    if (s != CKKS_OK)
        return nn_relay(s, NULL);
    s = request_parse(out, data, size, path, p);
    ckks_file_free(data, size);
    if (s == CKKS_OK && memcmp(out->id, id, UNET_ID) != 0)
        s = nn_fail(CKKS_EFORMAT, "%s is of another request than its name "
                    "says", path);
    return s;
}

ckks_status unet_request_load(unet_request *out, const char *folder,
                              const char *vct, const nn_plan *p)
{
    unet_reader *reader = NULL;
    unet_request r = {0};
    unet_info info;
    char *path;
    ckks_status s;

    if (out == NULL || folder == NULL || vct == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "unet_request_load: null pointer");
    s = unet_reader_open(&reader, vct, p, UNET_OUTPUT);
    if (s != CKKS_OK)
        return s;
    unet_reader_info(&info, reader);
    unet_reader_close(&reader);
    path = request_path(folder, info.request);
    s = path == NULL ? nn_fail(CKKS_EMEM, "no memory for a name")
                     : request_read(&r, path, folder, vct, info.request, p);
    free(path);
    if (s != CKKS_OK) {
        unet_request_clear(&r);
        return s;
    }
    unet_request_clear(out);
    *out = r;
    return CKKS_OK;
}

void unet_request_forget(unet_request *r)
{
    if (r != NULL && r->answer != NULL)
        memset(r->answer, 0, r->job.sets * UNET_ID);
}

void unet_request_clear(unet_request *r)
{
    if (r == NULL)
        return;
    unet_job_clear(&r->job);
    free(r->upload);
    free(r->answer);
    memset(r, 0, sizeof *r);
}
