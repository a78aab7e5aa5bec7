/* serial_data.c -- plaintexts and ciphertexts as bytes.
 *
 * Read first: serial.h.  Every loader works in one order: the frame; the
 * fields against the context; from these the size, against the bytes given;
 * only then memory; the words, each against its prime; last the output.
 *
 * Fields behind the frame (offsets from there):
 *
 *   plaintext    0 u32 level, 4 u32 zero, 8 f64 scale, 16 limbs
 *   ciphertext   0 u32 degree, 4 u32 level, 8 f64 scale, 16 u32 seeded (0 or
 *                1), 20 u32 zero, 24 seed if seeded; then the limbs of c_0,
 *                and of c_1, c_2 unless seeded
 */
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "bytes/serial.h"
#include "scheme/check.h"
#include "scheme/key.h"

static double load_double(const uint8_t *b)
{
    uint64_t word = cki_load64(b);
    double x;

    memcpy(&x, &word, sizeof x);
    return x;
}

static void store_double(uint8_t *b, double x)
{
    uint64_t word;

    memcpy(&word, &x, sizeof word);
    cki_store64(b, word);
}

static ckks_status check_scale(const ckks_ctx *ctx, int level, double scale,
                               const char *name)
{
    if (!isfinite(scale) || scale < 1)
        return cki_fail(CKKS_EFORMAT, "%s: field 'scale' is %g, not a number "
                        ">= 1", name, scale);
    if (!cki_scale_fits(ctx, level, scale))
        return cki_fail(CKKS_EFORMAT, "%s: field 'scale' is 2^%.3f; at level "
                        "%d it must stay below 2^%.3f", name, log2(scale),
                        level, ctx->log_q[level] - 1);
    return CKKS_OK;
}

enum { PT_FIELDS = 16, CT_FIELDS = 24 };

static uint64_t pt_size(const ckks_ctx *ctx, int level)
{
    return CKI_HEAD + PT_FIELDS + cki_limbs_size(ctx, level);
}

size_t ckks_pt_size(const ckks_pt *pt)
{
    if (cki_check_pt(pt, "ckks_pt_size") != CKKS_OK)
        return 0;
    return (size_t)pt_size(pt->ctx, pt->level);
}

ckks_status ckks_pt_save(uint8_t *out, size_t size, const ckks_pt *pt)
{
    ckks_status s = cki_check_pt(pt, "ckks_pt_save");

    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_pt_size(pt), "ckks_pt_save");
    if (s != CKKS_OK)
        return s;
    cki_head_write(out, size, CKI_KIND_PT, pt->ctx);
    cki_store32(out + CKI_HEAD, (uint32_t)pt->level);
    cki_store32(out + CKI_HEAD + 4, 0);
    store_double(out + CKI_HEAD + 8, pt->scale);
    cki_limbs_write(out + CKI_HEAD + PT_FIELDS, pt->limb, pt->level, pt->ctx);
    cki_head_seal(out, size);
    return CKKS_OK;
}

ckks_status ckks_pt_load(ckks_pt *out, const ckks_ctx *ctx, const uint8_t *in,
                         size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_pt_load";
    const uint8_t *b;
    ckks_pt made;
    double scale;
    int level;
    ckks_status s;

    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_head_read(in, size, CKI_KIND_PT, PT_FIELDS, ctx, name);
    if (s != CKKS_OK)
        return s;
    b = in + CKI_HEAD;
    scale = load_double(b + 8);
    s = cki_check_field(cki_load32(b), 0, (uint64_t)ctx->num_primes - 1,
                        "level", name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load32(b + 4), 0, 0, "zero", name);
    if (s == CKKS_OK)
        s = check_scale(ctx, (int)cki_load32(b), scale, name);
    if (s != CKKS_OK)
        return s;
    level = (int)cki_load32(b);
    s = cki_check_size(size, pt_size(ctx, level), name);
    if (s == CKKS_OK)
        s = cki_pt_new(&made, ctx, level, scale, name);
    if (s != CKKS_OK)
        return s;
    b += PT_FIELDS;
    s = cki_limbs_read(made.limb, &b, level, ctx, "the polynomial", name);
    if (s != CKKS_OK) {
        ckks_pt_clear(&made);
        return s;
    }
    cki_pt_give(out, &made);
    return CKKS_OK;
}

static uint64_t ct_size(const ckks_ctx *ctx, int degree, int level,
                        bool seeded)
{
    uint64_t part = cki_limbs_size(ctx, level);

    return CKI_HEAD + CT_FIELDS
           + (seeded ? CKKS_SEED_BYTES + part
                     : (uint64_t)(degree + 1) * part);
}

size_t ckks_ct_size(const ckks_ct *ct)
{
    if (cki_check_ct(ct, "ckks_ct_size") != CKKS_OK)
        return 0;
    return (size_t)ct_size(ct->ctx, ct->degree, ct->level, ct->seeded != 0);
}

ckks_status ckks_ct_save(uint8_t *out, size_t size, const ckks_ct *ct)
{
    uint8_t *b;
    int parts;
    ckks_status s = cki_check_ct(ct, "ckks_ct_save");

    if (s == CKKS_OK && ct->seeded && ct->degree != 1)
        s = cki_fail(CKKS_EARG, "ckks_ct_save: seeded, but of degree %d",
                     ct->degree);
    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_ct_size(ct), "ckks_ct_save");
    if (s != CKKS_OK)
        return s;
    cki_head_write(out, size, CKI_KIND_CT, ct->ctx);
    b = out + CKI_HEAD;
    cki_store32(b, (uint32_t)ct->degree);
    cki_store32(b + 4, (uint32_t)ct->level);
    store_double(b + 8, ct->scale);
    cki_store32(b + 16, ct->seeded != 0);
    cki_store32(b + 20, 0);
    b += CT_FIELDS;
    if (ct->seeded) {
        memcpy(b, ct->seed, CKKS_SEED_BYTES);
        b += CKKS_SEED_BYTES;
    }
    parts = ct->seeded ? 1 : ct->degree + 1;
    for (int k = 0; k < parts; k++)
        b = cki_limbs_write(b, cki_ct_limb(ct, k, 0), ct->level, ct->ctx);
    cki_head_seal(out, size);
    return CKKS_OK;
}

/* Fields of a ciphertext, b behind the frame; made gets all but memory. */
static ckks_status ct_check_fields(ckks_ct *made, const uint8_t *b,
                                   const ckks_ctx *ctx, const char *name)
{
    const uint32_t degree = cki_load32(b), level = cki_load32(b + 4);
    const uint32_t seeded = cki_load32(b + 16);
    double scale = load_double(b + 8);
    ckks_status s = cki_check_field(degree, 1, 2, "degree", name);

    if (s == CKKS_OK)
        s = cki_check_field(level, 0, (uint64_t)ctx->num_primes - 1, "level",
                            name);
    if (s == CKKS_OK)
        s = check_scale(ctx, (int)level, scale, name);
    if (s == CKKS_OK)
        s = cki_check_field(seeded, 0, degree == 1, "seeded", name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load32(b + 20), 0, 0, "zero", name);
    if (s != CKKS_OK)
        return s;
    made->degree = (int)degree;
    made->level = (int)level;
    made->scale = scale;
    made->seeded = (int)seeded;
    return CKKS_OK;
}

ckks_status ckks_ct_load(ckks_ct *out, const ckks_ctx *ctx, const uint8_t *in,
                         size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_ct_load";
    static const char *const part[] = { "c_0", "c_1", "c_2" };
    const uint8_t *b;
    ckks_ct made, f = { 0 };
    ckks_status s;

    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_head_read(in, size, CKI_KIND_CT, CT_FIELDS, ctx, name);
    if (s == CKKS_OK)
        s = ct_check_fields(&f, in + CKI_HEAD, ctx, name);
    if (s == CKKS_OK)
        s = cki_check_size(size, ct_size(ctx, f.degree, f.level,
                                         f.seeded != 0), name);
    if (s == CKKS_OK)
        s = cki_ct_new(&made, ctx, f.degree, f.level, f.scale, name);
    if (s != CKKS_OK)
        return s;
    b = in + CKI_HEAD + CT_FIELDS;
    if (f.seeded) {
        made.seeded = 1;
        memcpy(made.seed, b, CKKS_SEED_BYTES);
        b += CKKS_SEED_BYTES;
    }
    for (int k = 0; k <= (f.seeded ? 0 : f.degree) && s == CKKS_OK; k++)
        s = cki_limbs_read(cki_ct_limb(&made, k, 0), &b, f.level, ctx,
                           part[k], name);
    if (s != CKKS_OK) {
        ckks_ct_clear(&made);
        return s;
    }
    if (f.seeded)
        cki_ct_expand(&made);
    cki_ct_give(out, &made);
    return CKKS_OK;
}
