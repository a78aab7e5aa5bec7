/* combine.c -- integer combinations of many ciphertexts.
 *
 * Read first: docs/11-layers.md.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scheme/check.h"

static ckks_status check_block(const ckks_block *b, size_t at, size_t n_out,
                               size_t n_in, uint8_t *seen, bool sums,
                               const char *name)
{
    if (b->index == NULL || b->weight == NULL || b->rows == 0
        || b->terms == 0 || b->first > n_out || b->rows > n_out - b->first)
        return cki_fail(CKKS_EARG, "%s: block %zu: %zu terms, outputs %zu + "
                        "%zu of %zu", name, at, b->terms, b->first, b->rows,
                        n_out);
    for (size_t k = 0; k < b->terms; k++)
        if (b->index[k] < 0 || (size_t)b->index[k] >= n_in)
            return cki_fail(CKKS_EARG, "%s: block %zu, term %zu: input %ld of "
                            "%zu", name, at, k, (long)b->index[k], n_in);
    for (size_t r = 0; r < b->rows; r++) {
        const int32_t *w = b->weight + r * b->terms;
        uint64_t sum = 0;

        for (size_t k = 0; sums && k < b->terms; k++)
            sum += (uint64_t)(w[k] < 0 ? -(int64_t)w[k] : w[k]);
        if (sum >> 28 != 0)
            return cki_fail(CKKS_EARG, "%s: output %zu: weights add up to %llu "
                            "in absolute value, not below 2^28", name,
                            b->first + r, (unsigned long long)sum);
        if (seen[b->first + r]++ != 0)
            return cki_fail(CKKS_EARG, "%s: output %zu stands in two blocks",
                            name, b->first + r);
    }
    return CKKS_OK;
}

ckks_status cki_check_combined(const ckks_ct *const *in, size_t n_in,
                               double scale, const char *name)
{
    ckks_status s = CKKS_OK;

    for (size_t k = 0; k < n_in && s == CKKS_OK; k++) {
        s = cki_check_ct(in[k], name);
        if (s == CKKS_OK && in[k]->degree != 1)
            s = cki_fail(CKKS_EARG, "%s: input %zu has degree %d, not 1", name,
                         k, in[k]->degree);
        if (s == CKKS_OK && in[k]->ctx != in[0]->ctx)
            s = cki_fail(CKKS_ECTX, "%s: input %zu comes from another context",
                         name, k);
        if (s == CKKS_OK && in[k]->level != in[0]->level)
            s = cki_fail(CKKS_ELEVEL, "%s: levels differ: input 0 %d, input "
                         "%zu %d", name, in[0]->level, k, in[k]->level);
    }
    if (s == CKKS_OK)
        s = cki_check_scale_room(in[0]->ctx, in[0]->level, scale, name);
    return s;
}

ckks_status cki_check_blocks(ckks_ct *const *out, size_t n_out,
                             const ckks_block *block, size_t n_blocks,
                             size_t n_in, uint8_t *seen, bool sums,
                             const char *name)
{
    ckks_status s = CKKS_OK;

    for (size_t b = 0; b < n_blocks && s == CKKS_OK; b++)
        s = check_block(&block[b], b, n_out, n_in, seen, sums, name);
    for (size_t k = 0; k < n_out && s == CKKS_OK; k++) {
        if (out[k] == NULL)
            s = cki_fail(CKKS_EARG, "%s: output %zu is null", name, k);
        else if (seen[k] == 0)
            s = cki_fail(CKKS_EARG, "%s: output %zu stands in no block", name,
                         k);
        else
            for (size_t j = 0; j < k && s == CKKS_OK; j++)
                if (out[j] == out[k])
                    s = cki_fail(CKKS_EARG, "%s: outputs %zu and %zu are one "
                                 "object", name, j, k);
    }
    return s;
}

static const char name[] = "ckks_combine";

/* Limb after limb; each has its own pointers and its own work. */
static void run(ckks_ct *made, size_t n_out, const ckks_ct *const *in,
                size_t n_in, const ckks_block *block, size_t n_blocks,
                uint64_t **pointers, char *work, size_t work_size)
{
    const ckks_ctx *ctx = in[0]->ctx;
    const int limbs = in[0]->level + 1;

    CKI_PARALLEL
    for (int k = 0; k < 2 * limbs; k++) {
        CKI_NEAREST;
        int part = k / limbs, i = k % limbs;
        uint64_t **to = pointers + (size_t)k * (n_out + n_in);
        const uint64_t **from = (const uint64_t **)(void *)(to + n_out);

        for (size_t j = 0; j < n_out; j++)
            to[j] = cki_ct_limb(&made[j], part, i);
        for (size_t j = 0; j < n_in; j++)
            from[j] = cki_ct_limb(in[j], part, i);
        ctx->rns.kernel->combine(to, from, n_in, block, n_blocks, ctx->n,
                                 &ctx->rns.mod[i],
                                 work + (size_t)k * work_size);
    }
}

/* What one call keeps: made (n_out), pointers (2 limbs, n_out + n_in), seen
 * (n_out). */
typedef struct scratch {
    char  *base;
    size_t size;
    ckks_ct *made;
    uint64_t **pointers;
    uint8_t *seen;
} scratch;

static ckks_status scratch_init(scratch *w, const ckks_ctx *ctx, int level,
                                size_t n_out, size_t n_in)
{
    size_t made_size = n_out * sizeof *w->made;
    size_t pointer_size = 2 * (size_t)(level + 1) * (n_out + n_in)
                          * sizeof *w->pointers;

    w->size = made_size + pointer_size + n_out;
    w->base = cki_alloc(&ctx->memory, w->size);
    if (w->base == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        w->size);
    memset(w->base, 0, w->size);
    w->made = (ckks_ct *)(void *)w->base;
    w->pointers = (uint64_t **)(void *)(w->base + made_size);
    w->seen = (uint8_t *)w->base + made_size + pointer_size;
    return CKKS_OK;
}

ckks_status ckks_combine(ckks_ct *const *out, size_t n_out,
                         const ckks_ct *const *in, size_t n_in,
                         const ckks_block *block, size_t n_blocks,
                         double scale)
{
    CKI_NEAREST;
    CKI_PIN(scale);
    const ckks_ctx *ctx;
    scratch w = { 0 };
    char *work = NULL;
    size_t size = 0, limbs;
    ckks_status s;

    if (out == NULL || in == NULL || block == NULL || n_in == 0
        || n_out == 0)
        return cki_fail(CKKS_EARG, "%s: null pointer, no inputs or no outputs",
                        name);
    s = cki_check_combined(in, n_in, scale, name);
    if (s != CKKS_OK)
        return s;
    ctx = in[0]->ctx;
    limbs = 2 * (size_t)(in[0]->level + 1);
    s = scratch_init(&w, ctx, in[0]->level, n_out, n_in);
    if (s != CKKS_OK)
        return s;
    s = cki_check_blocks(out, n_out, block, n_blocks, n_in, w.seen, true,
                         name);
    if (s == CKKS_OK) {
        size = ctx->rns.kernel->combine_work(n_in, block, n_blocks);
        size = (size + 63) / 64 * 64;
        work = cki_alloc(&ctx->memory, limbs * size);
        if (work == NULL)
            s = cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                         limbs * size);
    }
    for (size_t k = 0; k < n_out && s == CKKS_OK; k++)
        s = cki_ct_new(&w.made[k], ctx, 1, in[0]->level, scale, name);
    if (s == CKKS_OK) {
        run(w.made, n_out, in, n_in, block, n_blocks, w.pointers, work,
            size);
        for (size_t k = 0; k < n_out; k++)
            cki_ct_give(out[k], &w.made[k]);
    }
    for (size_t k = 0; k < n_out; k++)
        ckks_ct_clear(&w.made[k]);
    cki_free(&ctx->memory, work, limbs * size);
    cki_free(&ctx->memory, w.base, w.size);
    return s;
}
