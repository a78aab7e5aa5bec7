/* vct.c -- files of ciphertexts: what reading (vct_read.c) and writing
 * (vct_write.c) share. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vct.h"

ckks_status uni_vct_fail(const char *doing, const char *path, int e)
{
    return nn_fail(CKKS_EIO, "%s %s: %s", doing, path,
                   strerror(e != 0 ? e : EIO));
}

ckks_status uni_vct_other_plan(const char *path, const uint8_t is[UNET_ID],
                               const uint8_t want[UNET_ID], const char *name)
{
    char hex[2][2 * UNET_ID + 1];

    for (int i = 0; i < UNET_ID; i++) {
        snprintf(hex[0] + 2 * i, 3, "%02x", is[i]);
        snprintf(hex[1] + 2 * i, 3, "%02x", want[i]);
    }
    return nn_fail(CKKS_EFORMAT, "%s was made for another plan: %s, this one "
                   "is %s (%s): take the plan that encrypt had (--plan, or the "
                   "same --aim and --images)", path, hex[0], hex[1], name);
}

uint64_t uni_vct_load(const uint8_t *b, int bytes)
{
    uint64_t x = 0;

    for (int i = 0; i < bytes; i++)
        x |= (uint64_t)b[i] << 8 * i;
    return x;
}

void uni_vct_store(uint8_t *b, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        b[i] = (uint8_t)(x >> 8 * i);
}

ckks_status uni_vct_sizes(unet_job *job, const uint8_t *table,
                          const char *path)
{
    job->size = malloc(job->images * sizeof *job->size);
    if (job->size == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images", job->images);
    for (size_t i = 0; i < job->images; i++) {
        const uint8_t *entry = table + VCT_ENTRY * i;
        uint64_t height = uni_vct_load(entry, 4);
        uint64_t width = uni_vct_load(entry + 4, 4);

        if (height < 1 || height > NN_MAX_SIDE || width < 1
            || width > NN_MAX_SIDE)
            return nn_fail(CKKS_EFORMAT, "%s: image %zu of %llux%llu pixels",
                           path, i + 1, (unsigned long long)height,
                           (unsigned long long)width);
        job->size[i].height = (int)height;
        job->size[i].width = (int)width;
    }
    return CKKS_OK;
}

void uni_vct_chain(uint8_t name[UNET_ID], const uint8_t *in, size_t size)
{
    uint8_t key[UNET_ID];

    memcpy(key, name, UNET_ID);
    ckks_blake2b(name, UNET_ID, in, size, key, UNET_ID);
}

char *uni_vct_name(const char *path, const char *suffix)
{
    size_t a = strlen(path), b = strlen(suffix);
    char *name = malloc(a + b + 1);

    if (name != NULL) {
        memcpy(name, path, a);
        memcpy(name + a, suffix, b + 1);
    }
    return name;
}

void uni_wipe(void *p, size_t size)
{
    volatile uint8_t *b = p;

    for (size_t i = 0; p != NULL && i < size; i++)
        b[i] = 0;
}

ckks_status uni_vct_room(uint8_t **buffer, size_t *capacity, size_t size)
{
    uint8_t *more;

    if (size <= *capacity)
        return CKKS_OK;
    more = realloc(*buffer, size);
    if (more == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu bytes", size);
    *buffer = more;
    *capacity = size;
    return CKKS_OK;
}

int uni_vct_per_set(const nn_plan *p, unet_kind kind)
{
    return kind == UNET_INPUT ? nn_plan_inputs(p) : nn_plan_outputs(p);
}

uint64_t uni_vct_most(const ckks_ctx *ctx)
{
    return 4096 + (uint64_t)16 * 2 * ckks_ctx_slots(ctx)
                  * (uint64_t)(ckks_ctx_top_level(ctx) + 1);
}

ckks_status uni_vct_check(const ckks_ct *ct, const char *path, int level,
                          double scale)
{
    const double ratio = ct->scale / scale;

    if (ct->degree != 1 || ct->level != level)
        return nn_fail(CKKS_EFORMAT, "%s: a ciphertext of degree %d, level "
                       "%d; the plan says 1, %d", path, ct->degree, ct->level,
                       level);
    if (!(ratio > 1 - 0x1p-32 && ratio < 1 + 0x1p-32))
        return nn_fail(CKKS_EFORMAT, "%s: a ciphertext of scale %.17g; the "
                       "plan says %.17g", path, ct->scale, scale);
    return CKKS_OK;
}
