/* serial.c -- the frame of stored objects, and packed limbs.
 *
 * Read first: serial.h, checksum.h, bits.h; docs/conventions.md, "Bytes".
 */
#include "bytes/serial.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "bytes/checksum.h"

enum { FORMAT_VERSION = 1, FLAG_INSECURE = 1 };
enum { CHECKSUM_NONE = 0, CHECKSUM_XXH64 = 1 };
enum { AT_VERSION = 4, AT_KIND = 5, AT_CHECKSUM_KIND = 6, AT_FLAGS = 7,
       AT_SIZE = 8, AT_CHECKSUM = 16, AT_FINGERPRINT = 24 };

static const uint8_t magic[4] = { 'V', 'L', 'L', 'Y' };

/* ---- checksum ----------------------------------------------------------- */

static const uint8_t checksum_written = CHECKSUM_XXH64;

void cki_checksum_start(cki_checksum *c, const uint8_t *in, size_t size)
{
    static const uint8_t zero[8];

    VERIFY(size >= CKI_HEAD);
    cki_checksum_init(c);
    cki_checksum_update(c, in, AT_CHECKSUM);
    cki_checksum_update(c, zero, sizeof zero);
    cki_checksum_update(c, in + AT_FINGERPRINT, size - AT_FINGERPRINT);
}

/* Of the object as if its checksum field were 0. */
static uint64_t checksum(const uint8_t *in, size_t size)
{
    cki_checksum c;

    cki_checksum_start(&c, in, size);
    return cki_checksum_digest(&c);
}

/* ---- the frame ---------------------------------------------------------- */

void cki_head_write(uint8_t *out, uint64_t size, cki_kind kind,
                    const ckks_ctx *ctx)
{
    VERIFY(size >= CKI_HEAD);
    memcpy(out, magic, sizeof magic);
    out[AT_VERSION] = FORMAT_VERSION;
    out[AT_KIND] = (uint8_t)kind;
    out[AT_CHECKSUM_KIND] = checksum_written;
    out[AT_FLAGS] = ctx->security == CKKS_INSECURE ? FLAG_INSECURE : 0;
    cki_store64(out + AT_SIZE, size);
    cki_store64(out + AT_CHECKSUM, 0);
    memcpy(out + AT_FINGERPRINT, ctx->fingerprint, 16);
}

void cki_head_seal_with(uint8_t *out, uint64_t sum)
{
    cki_store64(out + AT_CHECKSUM, sum);
}

void cki_head_seal(uint8_t *out, size_t size)
{
    cki_head_seal_with(out, checksum(out, size));
}

/* What does not depend on a context. */
static ckks_status head_check(const uint8_t *in, uint64_t size, cki_kind kind,
                              const char *name)
{
    if (memcmp(in, magic, sizeof magic) != 0)
        return cki_fail(CKKS_EFORMAT, "%s: starts with bytes %02x %02x %02x "
                        "%02x, not with \"VLLY\"", name, in[0], in[1], in[2],
                        in[3]);
    if (in[AT_VERSION] != FORMAT_VERSION)
        return cki_fail(CKKS_EFORMAT, "%s: format version %d; this library "
                        "reads %d", name, in[AT_VERSION], FORMAT_VERSION);
    if (in[AT_KIND] != kind)
        return cki_fail(CKKS_EFORMAT, "%s: object of kind %d, want %d", name,
                        in[AT_KIND], (int)kind);
    if (in[AT_CHECKSUM_KIND] > CHECKSUM_XXH64)
        return cki_fail(CKKS_EFORMAT, "%s: checksum of kind %d, not 0 or 1",
                        name, in[AT_CHECKSUM_KIND]);
    if (in[AT_FLAGS] > FLAG_INSECURE)
        return cki_fail(CKKS_EFORMAT, "%s: flags %#x, of which only %#x are "
                        "known", name, in[AT_FLAGS], FLAG_INSECURE);
    if (cki_load64(in + AT_SIZE) != size)
        return cki_fail(CKKS_EFORMAT, "%s: size field %llu, but %llu bytes "
                        "given", name,
                        (unsigned long long)cki_load64(in + AT_SIZE),
                        (unsigned long long)size);
    return CKKS_OK;
}

static ckks_status head_check_context(const uint8_t *in, const ckks_ctx *ctx,
                                      const char *name)
{
    int insecure = ctx->security == CKKS_INSECURE;

    if (memcmp(in + AT_FINGERPRINT, ctx->fingerprint, 16) != 0)
        return cki_fail(CKKS_EFORMAT, "%s: made in another context: "
                        "fingerprint %016llx..., the context's %016llx...",
                        name,
                        (unsigned long long)cki_load64(in + AT_FINGERPRINT),
                        (unsigned long long)cki_load64(ctx->fingerprint));
    if ((in[AT_FLAGS] & FLAG_INSECURE) != insecure)
        return cki_fail(CKKS_EFORMAT, "%s: flag 'insecure' is %d, the "
                        "context's is %d", name, in[AT_FLAGS] & FLAG_INSECURE,
                        insecure);
    return CKKS_OK;
}

ckks_status cki_head_sum(const uint8_t *in, uint64_t sum, const char *name)
{
    const uint64_t got = cki_load64(in + AT_CHECKSUM);
    const uint64_t want = in[AT_CHECKSUM_KIND] == CHECKSUM_XXH64 ? sum : 0;

    if (got != want)
        return cki_fail(CKKS_EFORMAT, "%s: checksum field %016llx, the bytes "
                        "give %016llx: damaged", name,
                        (unsigned long long)got, (unsigned long long)want);
    return CKKS_OK;
}

ckks_status cki_head_begin(const uint8_t *in, size_t have, uint64_t size,
                           cki_kind kind, size_t fields, const ckks_ctx *ctx,
                           const char *name)
{
    ckks_status s;

    if (in == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (have < CKI_HEAD + fields)
        return cki_fail(CKKS_EFORMAT, "%s: %zu bytes, fewer than the %zu of "
                        "frame and fields", name, have, CKI_HEAD + fields);
    s = head_check(in, size, kind, name);
    return s == CKKS_OK && ctx != NULL ? head_check_context(in, ctx, name) : s;
}

ckks_status cki_head_read(const uint8_t *in, size_t size, cki_kind kind,
                          size_t fields, const ckks_ctx *ctx,
                          const char *name)
{
    ckks_status s = cki_head_begin(in, size, size, kind, fields, ctx, name);

    if (s != CKKS_OK)
        return s;
    return cki_head_sum(in, in[AT_CHECKSUM_KIND] == CHECKSUM_XXH64
                                ? checksum(in, size) : 0, name);
}

/* ---- checks all objects share ------------------------------------------- */

ckks_status cki_check_room(const uint8_t *out, size_t size, size_t want,
                           const char *name)
{
    if (out == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (size != want)
        return cki_fail(CKKS_EARG, "%s: buffer of %zu bytes, the object has "
                        "%zu", name, size, want);
    return CKKS_OK;
}

ckks_status cki_check_size(uint64_t size, uint64_t want, const char *name)
{
    if (size != want)
        return cki_fail(CKKS_EFORMAT, "%s: %llu bytes; the fields ask for "
                        "%llu", name, (unsigned long long)size,
                        (unsigned long long)want);
    return CKKS_OK;
}

ckks_status cki_check_field(uint64_t got, uint64_t low, uint64_t high,
                            const char *field, const char *name)
{
    if (got < low || got > high)
        return cki_fail(CKKS_EFORMAT, "%s: field '%s' is %llu, not in "
                        "%llu..%llu", name, field, (unsigned long long)got,
                        (unsigned long long)low, (unsigned long long)high);
    return CKKS_OK;
}

/* ---- limbs -------------------------------------------------------------- */

size_t cki_limb_size(const ckks_ctx *ctx, int t)
{
    return cki_bits_size(ctx->n, ctx->rns.mod[t].bits);
}

uint8_t *cki_limb_write(uint8_t *out, const uint64_t *limb, int t,
                        const ckks_ctx *ctx)
{
    VERIFY_BELOW(limb, ctx->n, ctx->rns.mod[t].p);
    cki_bits_pack(out, limb, ctx->n, ctx->rns.mod[t].bits);
    return out + cki_limb_size(ctx, t);
}

ckks_status cki_limb_read(uint64_t *limb, const uint8_t **in, int t,
                          const ckks_ctx *ctx, const char *part,
                          const char *name)
{
    const cki_mod *m = &ctx->rns.mod[t];
    const int rest = (int)(ctx->n * (size_t)m->bits % 8);
    size_t i = cki_bits_unpack(limb, *in, ctx->n, m->bits, m->p);

    if (i < ctx->n)
        return cki_fail(CKKS_EFORMAT, "%s: %s: word %zu of the limb of prime "
                        "%d is not below %llu", name, part, i, t,
                        (unsigned long long)m->p);
    *in += cki_limb_size(ctx, t);
    if (rest != 0 && (*in)[-1] >> rest != 0)
        return cki_fail(CKKS_EFORMAT, "%s: %s: the last byte %#x of the limb "
                        "of prime %d has more than %d bits", name, part,
                        (*in)[-1], t, rest);
    return CKKS_OK;
}

uint64_t cki_limbs_size(const ckks_ctx *ctx, int level)
{
    uint64_t size = 0;

    for (int i = 0; i <= level; i++)
        size += cki_limb_size(ctx, i);
    return size;
}

uint8_t *cki_limbs_write(uint8_t *out, const uint64_t *limb, int level,
                         const ckks_ctx *ctx)
{
    for (int i = 0; i <= level; i++)
        out = cki_limb_write(out, limb + (size_t)i * ctx->n, i, ctx);
    return out;
}

ckks_status cki_limbs_read(uint64_t *limb, const uint8_t **in, int level,
                           const ckks_ctx *ctx, const char *part,
                           const char *name)
{
    ckks_status s = CKKS_OK;

    for (int i = 0; i <= level && s == CKKS_OK; i++)
        s = cki_limb_read(limb + (size_t)i * ctx->n, in, i, ctx, part, name);
    return s;
}
