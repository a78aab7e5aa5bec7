/* mend.c -- frames, sizes and checksums of libckks's objects put right, so that
 * changes of the fields behind them reach the loader.
 */
#include "base/bytes.h"
#include "fuzz.h"
#include "objects.h"

static const ckks_ctx *ctx_of(const fuzz_input *in)
{
    return fuzz_world_at(in->variant % FUZZ_OBJECT_CONTEXTS)->ctx;
}

/* The frame as save writes it, but for the kind of checksum: odd, XXH64. */
void fuzz_frame(fuzz_input *in, cki_kind kind)
{
    uint8_t sum;

    if (in->size < CKI_HEAD)
        fuzz_resize(in, CKI_HEAD);
    sum = in->data[FUZZ_AT_SUM];
    cki_head_write(in->data, in->size, kind, ctx_of(in));
    if (sum & 1)
        cki_head_seal(in->data, in->size);
    else
        in->data[FUZZ_AT_SUM] = 0;
}

static int level_of(const fuzz_input *in, const uint8_t *at)
{
    const uint32_t level = cki_load32(at);
    const int top = ckks_ctx_top_level(ctx_of(in));

    return level <= (uint32_t)top ? (int)level : top;
}

void fuzz_mend_pt(fuzz_input *in)
{
    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < CKI_HEAD + 16)
        fuzz_resize(in, CKI_HEAD + 16);
    fuzz_resize(in, CKI_HEAD + 16
                    + cki_limbs_size(ctx_of(in),
                                     level_of(in, in->data + CKI_HEAD)));
    fuzz_frame(in, CKI_KIND_PT);
}

void fuzz_mend_ct(fuzz_input *in)
{
    const uint8_t *b;
    size_t part, parts;

    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < CKI_HEAD + 24)
        fuzz_resize(in, CKI_HEAD + 24);
    b = in->data + CKI_HEAD;
    part = cki_limbs_size(ctx_of(in), level_of(in, b + 4));
    parts = cki_load32(b) == 2 ? 3 : 2;
    fuzz_resize(in, CKI_HEAD + 24 + (cki_load32(b + 16) == 1
                                         ? CKKS_SEED_BYTES + part
                                         : parts * part));
    fuzz_frame(in, CKI_KIND_CT);
}

void fuzz_mend_sk(fuzz_input *in)
{
    if (!(in->flags & FUZZ_MEND))
        return;
    fuzz_resize(in, CKI_HEAD + ctx_of(in)->n / 4);
    fuzz_frame(in, CKI_KIND_SK);
}

void fuzz_mend_pk(fuzz_input *in)
{
    const ckks_ctx *ctx = ctx_of(in);
    size_t size = CKI_HEAD + CKKS_SEED_BYTES;

    if (!(in->flags & FUZZ_MEND))
        return;
    for (int t = 0; t < ctx->num_primes + ctx->num_special; t++)
        size += cki_limb_size(ctx, t);
    fuzz_resize(in, size);
    fuzz_frame(in, CKI_KIND_PK);
}

void fuzz_mend_keys(fuzz_input *in)
{
    const ckks_ctx *ctx = ctx_of(in);
    size_t count, size, special = 0;

    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < CKI_HEAD + 8)
        fuzz_resize(in, CKI_HEAD + 8);
    count = cki_load32(in->data + CKI_HEAD);
    count = count <= 8 ? count : 1;
    size = CKI_HEAD + 8 + 48 * count;
    if (in->size < size)
        fuzz_resize(in, size);
    for (int t = 0; t < ctx->num_special; t++)
        special += cki_limb_size(ctx, ctx->num_primes + t);
    for (size_t i = 0; i < count; i++) {
        int level = level_of(in, in->data + CKI_HEAD + 8 + 48 * i + 8);

        size += (size_t)(level / ctx->alpha + 1)
                * (special + cki_limbs_size(ctx, level));
    }
    fuzz_resize(in, size);
    fuzz_frame(in, CKI_KIND_KEYS);
}
