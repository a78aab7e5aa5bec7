/* seal.c -- headers, levels and fields of SEAL's files.
 *
 * Read first: seal.h; docs/interop.md.  No number of a file is multiplied or
 * allocated: each is compared with the one the context gives.
 */
#include "seal/seal.h"

#include <math.h>
#include <string.h>

#include "base/blake2.h"
#include "base/bytes.h"
#include "bytes/serial.h"
#include "scheme/check.h"

/* SEAL 4.4 reads files of 4.1, the least version tried. */
enum { MAJOR = 4, MINOR_WRITTEN = 1, MINOR_READ = 4 };
enum { SEAL_CKKS = 2, SEAL_BLAKE2XB = 1, SEED_SIZE = 81, MAX_SEAL_BITS = 60,
       MAX_SEAL_PRIMES = 64 };

/* ---- contexts ----------------------------------------------------------- */

ckks_status cki_seal_check_ctx(const ckks_ctx *ctx, const char *name)
{
    if (ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (ctx->generator != 3 || ctx->num_special != 1 || ctx->alpha != 1
        || !ctx->uncentred)
        return cki_fail(CKKS_EPARAM, "%s: the context has generator %d, %d "
                        "special primes, %d primes a digit, %s digits; SEAL "
                        "has 3, 1, 1, uncentred", name, ctx->generator,
                        ctx->num_special, ctx->alpha,
                        ctx->uncentred ? "uncentred" : "centred");
    if (ctx->num_primes + 1 > MAX_SEAL_PRIMES)
        return cki_fail(CKKS_EPARAM, "%s: %d primes; SEAL takes %d", name,
                        ctx->num_primes + 1, MAX_SEAL_PRIMES);
    for (int t = 0; t <= ctx->num_primes; t++)
        if (ctx->rns.mod[t].bits > MAX_SEAL_BITS)
            return cki_fail(CKKS_EPARAM, "%s: prime %d has %d bits; SEAL takes "
                            "%d", name, t, ctx->rns.mod[t].bits,
                            MAX_SEAL_BITS);
    return CKKS_OK;
}

void cki_seal_id(uint8_t out[CKI_SEAL_ID], const ckks_ctx *ctx, int primes)
{
    uint8_t text[8 * (3 + MAX_SEAL_PRIMES)], *b = text;

    cki_store64(b, SEAL_CKKS);
    cki_store64(b + 8, ctx->n);
    b += 16;
    for (int t = 0; t < primes; t++, b += 8)
        cki_store64(b, ctx->rns.mod[t].p);
    cki_store64(b, 0);                      /* the plain modulus             */
    ckks_blake2b(out, CKI_SEAL_ID, text, (size_t)(b + 8 - text), NULL, 0);
}

/* ---- headers ------------------------------------------------------------ */

uint8_t *cki_seal_head_write(uint8_t *out, uint64_t size)
{
    static const uint8_t start[8] = { 0x5e, 0xa1, CKI_SEAL_HEAD, MAJOR,
                                      MINOR_WRITTEN, 0, 0, 0 };

    memcpy(out, start, sizeof start);
    cki_store64(out + 8, size);
    return out + CKI_SEAL_HEAD;
}

ckks_status cki_seal_head_read(uint64_t *size, const uint8_t *in, size_t left,
                               const char *what, const char *name)
{
    if (left < CKI_SEAL_HEAD)
        return cki_fail(CKKS_EFORMAT, "%s: %s: %zu bytes, fewer than the %d of "
                        "a header", name, what, left, CKI_SEAL_HEAD);
    if (in[0] != 0x5e || in[1] != 0xa1 || in[2] != CKI_SEAL_HEAD)
        return cki_fail(CKKS_EFORMAT, "%s: %s: starts with %02x %02x %02x, not "
                        "with SEAL's 5e a1 10", name, what, in[0], in[1],
                        in[2]);
    if (in[3] != MAJOR || in[4] > MINOR_READ)
        return cki_fail(CKKS_EFORMAT, "%s: %s: of SEAL %d.%d; this library "
                        "reads %d.0 to %d.%d", name, what, in[3], in[4],
                        MAJOR, MAJOR, MINOR_READ);
    if (in[5] != 0)
        return cki_fail(CKKS_EFORMAT, "%s: %s: compressed (mode %d, %s); save "
                        "it with compr_mode_type::none", name, what, in[5],
                        in[5] == 1 ? "zlib" : in[5] == 2 ? "zstd" : "unknown");
    if (in[6] != 0 || in[7] != 0)
        return cki_fail(CKKS_EFORMAT, "%s: %s: bytes 6 and 7 are %02x %02x, "
                        "not 0", name, what, in[6], in[7]);
    *size = cki_load64(in + 8);
    if (*size < CKI_SEAL_HEAD || *size > left)
        return cki_fail(CKKS_EFORMAT, "%s: %s: size field %llu, but %zu bytes "
                        "are left", name, what, (unsigned long long)*size,
                        left);
    return CKKS_OK;
}

ckks_status cki_seal_head_expect(const uint8_t *in, size_t left, uint64_t want,
                                 const char *what, const char *name)
{
    uint64_t size;
    ckks_status s = cki_seal_head_read(&size, in, left, what, name);

    if (s == CKKS_OK && size != want)
        s = cki_fail(CKKS_EFORMAT, "%s: %s: size field %llu; the fields ask "
                     "for %llu", name, what, (unsigned long long)size,
                     (unsigned long long)want);
    return s;
}

/* An array of count words with count < 2^40 from the context. */
static ckks_status array_check(const uint8_t *in, size_t left, uint64_t count,
                               const char *what, const char *name)
{
    ckks_status s = cki_seal_head_expect(in, left, 24 + 8 * count, what, name);

    return s == CKKS_OK ? cki_check_field(cki_load64(in + 16), count, count,
                                          "count of the words", name) : s;
}

/* ---- fields ------------------------------------------------------------- */

static double seal_load_double(const uint8_t *b)
{
    uint64_t word = cki_load64(b);
    double x;

    memcpy(&x, &word, sizeof x);
    return x;
}

static void seal_store_double(uint8_t *b, double x)
{
    uint64_t word;

    memcpy(&word, &x, sizeof word);
    cki_store64(b, word);
}

/* The number of primes a parms_id stands for. */
static ckks_status id_check(int *primes, const uint8_t *in, bool key,
                            const ckks_ctx *ctx, const char *what,
                            const char *name)
{
    const int all = ctx->num_primes + 1;
    uint8_t id[CKI_SEAL_ID];

    for (int k = 1; k <= all; k++) {
        cki_seal_id(id, ctx, k);
        if (memcmp(id, in, sizeof id) != 0)
            continue;
        if (key != (k == all))
            return cki_fail(CKKS_EFORMAT, "%s: %s: parms_id of %d primes%s; "
                            "want %s %d", name, what, k,
                            k == all ? ", the key level" : "",
                            key ? "the key level," : "at most",
                            key ? all : all - 1);
        *primes = k;
        return CKKS_OK;
    }
    return cki_fail(CKKS_EFORMAT, "%s: %s: parms_id %016llx... is of no level "
                    "of the context: other parameters", name, what,
                    (unsigned long long)cki_load64(in));
}

/* A key has scale 1; of the rest ours is the stricter rule of ckks.h. */
static ckks_status scale_check(const cki_seal_view *v, bool key,
                               const ckks_ctx *ctx, const char *what,
                               const char *name)
{
    const double scale = v->scale;

    if (!isfinite(scale) || scale < 1 || (key && scale > 1))
        return cki_fail(CKKS_EFORMAT, "%s: %s: field 'scale' is %g, not a "
                        "number %s 1", name, what, scale, key ? "=" : ">=");
    if (!key && !cki_scale_fits(ctx, v->primes - 1, scale))
        return cki_fail(CKKS_EFORMAT, "%s: %s: field 'scale' is 2^%.3f; with "
                        "%d primes it must stay below 2^%.3f", name, what,
                        log2(scale), v->primes,
                        ctx->log_q[v->primes - 1] - 1);
    return CKKS_OK;
}

static uint64_t words_of(const ckks_ctx *ctx, int parts, int primes)
{
    return (uint64_t)parts * (uint64_t)primes * ctx->n;
}

uint64_t cki_seal_plain_size(const ckks_ctx *ctx, int primes)
{
    return CKI_SEAL_PLAIN + 8 * words_of(ctx, 1, primes);
}

uint64_t cki_seal_cipher_size(const ckks_ctx *ctx, int parts, int primes)
{
    return CKI_SEAL_CIPHER + 8 * words_of(ctx, parts, primes);
}

ckks_status cki_seal_plain_check(cki_seal_view *out, const uint8_t *in,
                                 size_t left, bool key, const ckks_ctx *ctx,
                                 const char *what, const char *name)
{
    cki_seal_view v = { .parts = 1 };
    uint64_t count;
    ckks_status s = cki_seal_head_read(&v.size, in, left, what, name);

    if (s == CKKS_OK && v.size < CKI_SEAL_PLAIN)
        s = cki_fail(CKKS_EFORMAT, "%s: %s: %llu bytes, fewer than its fields' "
                     "%d", name, what, (unsigned long long)v.size,
                     CKI_SEAL_PLAIN);
    if (s == CKKS_OK)
        s = id_check(&v.primes, in + 16, key, ctx, what, name);
    if (s != CKKS_OK)
        return s;
    count = words_of(ctx, 1, v.primes);
    v.scale = seal_load_double(in + 56);
    s = cki_check_field(cki_load64(in + 48), count, count, "coeff_count", name);
    if (s == CKKS_OK)
        s = scale_check(&v, key, ctx, what, name);
    if (s == CKKS_OK)
        s = cki_seal_head_expect(in, left, cki_seal_plain_size(ctx, v.primes),
                                 what, name);
    if (s == CKKS_OK)
        s = array_check(in + 64, (size_t)v.size - 64, count, "its words",
                        name);
    if (s != CKKS_OK)
        return s;
    v.words = in + CKI_SEAL_PLAIN;
    *out = v;
    return CKKS_OK;
}

/* Where the seed must stand behind the words of c_0. */
static ckks_status seed_check(const uint8_t *in, size_t left, const char *name)
{
    ckks_status s = cki_seal_head_expect(in, left, SEED_SIZE, "the seed", name);

    if (s == CKKS_OK && in[16] != SEAL_BLAKE2XB)
        s = cki_fail(CKKS_EFORMAT, "%s: seed for generator %d%s; this library "
                     "has 1 (BLAKE2Xb) only", name, in[16],
                     in[16] == 2 ? " (SHAKE256)" : "");
    return s;
}

/* The array behind the fields: all polynomials, or c_0 and a seed. */
static ckks_status cipher_words(cki_seal_view *v, const uint8_t *in,
                                size_t left, const ckks_ctx *ctx,
                                const char *what, const char *name)
{
    const uint64_t part = words_of(ctx, 1, v->primes);
    const bool seeded = v->parts == 2 && cki_load64(in + 105) == part;
    const uint64_t count = seeded ? part : (uint64_t)v->parts * part;
    const uint64_t end = CKI_SEAL_CIPHER + 8 * count;
    ckks_status s = cki_seal_head_expect(in, left, end + seeded * SEED_SIZE,
                                         what, name);

    if (s == CKKS_OK)
        s = array_check(in + 89, (size_t)end - 89, count, "its words", name);
    if (s == CKKS_OK && seeded)
        s = seed_check(in + end, SEED_SIZE, name);
    if (s != CKKS_OK)
        return s;
    v->words = in + CKI_SEAL_CIPHER;
    v->seed = seeded ? in + end + CKI_SEAL_HEAD + 1 : NULL;
    return CKKS_OK;
}

ckks_status cki_seal_cipher_check(cki_seal_view *out, const uint8_t *in,
                                  size_t left, bool key, const ckks_ctx *ctx,
                                  const char *what, const char *name)
{
    cki_seal_view v = { .parts = 2 };
    const uint64_t n = ctx->n;
    ckks_status s = cki_seal_head_read(&v.size, in, left, what, name);

    if (s == CKKS_OK && v.size < CKI_SEAL_CIPHER)
        s = cki_fail(CKKS_EFORMAT, "%s: %s: %llu bytes, fewer than its fields' "
                     "%d", name, what, (unsigned long long)v.size,
                     CKI_SEAL_CIPHER);
    if (s == CKKS_OK)
        s = id_check(&v.primes, in + 16, key, ctx, what, name);
    if (s == CKKS_OK)
        s = cki_check_field(in[48], 1, 1, "is_ntt_form", name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load64(in + 49), 2, key ? 2 : 3, "size", name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load64(in + 57), n, n, "poly_modulus_degree",
                            name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load64(in + 65), (uint64_t)v.primes,
                            (uint64_t)v.primes, "coeff_modulus_size", name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load64(in + 81), 1, 1, "correction_factor",
                            name);
    if (s != CKKS_OK)
        return s;
    v.parts = (int)cki_load64(in + 49);
    v.scale = seal_load_double(in + 73);
    s = scale_check(&v, key, ctx, what, name);
    if (s == CKKS_OK)
        s = cipher_words(&v, in, left, ctx, what, name);
    if (s == CKKS_OK)
        *out = v;
    return s;
}

/* ---- objects ------------------------------------------------------------ */

static void seal_words_write(uint8_t *out, const cki_seal_rows *from,
                             int parts, int primes, const ckks_ctx *ctx)
{
    const uint64_t count = words_of(ctx, parts, primes);

    out = cki_seal_head_write(out, 24 + 8 * count);
    cki_store64(out, count);
    for (int k = 0; k < parts; k++)
        for (int t = 0; t < primes; t++)
            for (size_t i = 0; i < ctx->n; i++)
                cki_store64(out += 8, cki_seal_row(from, k, t)[i]);
}

uint8_t *cki_seal_plain_write(uint8_t *out, const uint64_t *limb, int primes,
                              double scale, const ckks_ctx *ctx)
{
    uint64_t size = cki_seal_plain_size(ctx, primes);
    uint64_t *words = (uint64_t *)(uintptr_t)limb;      /* read only         */
    const cki_seal_rows from = cki_seal_dense(words, primes, ctx);

    cki_seal_head_write(out, size);
    cki_seal_id(out + 16, ctx, primes);
    cki_store64(out + 48, words_of(ctx, 1, primes));
    seal_store_double(out + 56, scale);
    seal_words_write(out + 64, &from, 1, primes, ctx);
    return out + size;
}

uint8_t *cki_seal_cipher_write(uint8_t *out, cki_seal_rows from, int parts,
                               int primes, double scale, const ckks_ctx *ctx)
{
    uint64_t size = cki_seal_cipher_size(ctx, parts, primes);

    cki_seal_head_write(out, size);
    cki_seal_id(out + 16, ctx, primes);
    out[48] = 1;
    cki_store64(out + 49, (uint64_t)parts);
    cki_store64(out + 57, ctx->n);
    cki_store64(out + 65, (uint64_t)primes);
    seal_store_double(out + 73, scale);
    cki_store64(out + 81, 1);
    seal_words_write(out + 89, &from, parts, primes, ctx);
    return out + size;
}
