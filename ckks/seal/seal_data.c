/* seal_data.c -- SEAL's parameters, plaintexts and ciphertexts.
 *
 * Read first: seal.h; docs/interop.md.  The order of work of a loader is that
 * of serial_data.c.
 *
 * Parameters: header, 16 u8 scheme (2), 17 u64 N, 25 u64 K, K moduli, modulus
 * 0; a modulus is a header and a u64.  The last of the K primes is special.
 */
#include "seal/seal.h"

#include <string.h>

#include "base/bytes.h"
#include "bytes/serial.h"

enum { PARAM_FIELDS = 33, MODULUS = 24, SCHEME_CKKS = 2, MAX_K = 64 };

static ckks_status check_out(const void *out, const ckks_ctx *ctx,
                             const uint8_t *in, const char *name)
{
    if (out == NULL || ctx == NULL || in == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    return cki_seal_check_ctx(ctx, name);
}

/* ---- parameters --------------------------------------------------------- */

static uint64_t params_bytes(uint64_t k)
{
    return PARAM_FIELDS + MODULUS * (k + 1);
}

size_t ckks_seal_params_size(const ckks_ctx *ctx)
{
    if (cki_seal_check_ctx(ctx, "ckks_seal_params_size") != CKKS_OK)
        return 0;
    return (size_t)params_bytes((uint64_t)ctx->num_primes + 1);
}

ckks_status ckks_seal_params_save(uint8_t *out, size_t size,
                                  const ckks_ctx *ctx)
{
    static const char name[] = "ckks_seal_params_save";
    ckks_status s = cki_seal_check_ctx(ctx, name);

    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_seal_params_size(ctx), name);
    if (s != CKKS_OK)
        return s;
    cki_seal_head_write(out, size);
    out[16] = SCHEME_CKKS;
    cki_store64(out + 17, ctx->n);
    cki_store64(out + 25, (uint64_t)ctx->num_primes + 1);
    out += PARAM_FIELDS;
    for (int t = 0; t <= ctx->num_primes + 1; t++) {
        out = cki_seal_head_write(out, MODULUS);
        cki_store64(out, t <= ctx->num_primes ? ctx->rns.mod[t].p : 0);
        out += 8;
    }
    return CKKS_OK;
}

static uint64_t modulus(const uint8_t *in, uint64_t t)
{
    return cki_load64(in + PARAM_FIELDS + MODULUS * t + CKI_SEAL_HEAD);
}

/* Modulus t of k, the one behind them being 0.  A prime up to 61 would be a
 * size in ckks_params. */
static ckks_status modulus_check(const uint8_t *in, uint64_t t, uint64_t k,
                                 uint64_t n, const char *name)
{
    const uint64_t q = modulus(in, t);
    ckks_status s = cki_seal_head_expect(in + PARAM_FIELDS + MODULUS * t,
                                         MODULUS, MODULUS, "a modulus", name);

    if (s != CKKS_OK)
        return s;
    if (t == k)
        return cki_check_field(q, 0, 0, "plain_modulus", name);
    if (q <= CKKS_MAX_BITS || q >> 60 != 0 || q % (2 * n) != 1
        || !cki_is_prime(q))
        return cki_fail(CKKS_EFORMAT, "%s: modulus %llu is %llu, no prime = 1 "
                        "mod %llu above %d and below 2^60", name,
                        (unsigned long long)t, (unsigned long long)q,
                        (unsigned long long)(2 * n), CKKS_MAX_BITS);
    for (uint64_t i = 0; i < t; i++)
        if (modulus(in, i) == q)
            return cki_fail(CKKS_EFORMAT, "%s: moduli %llu and %llu are both "
                            "%llu", name, (unsigned long long)i,
                            (unsigned long long)t, (unsigned long long)q);
    return CKKS_OK;
}

static ckks_status params_fields(const uint8_t *in, size_t size,
                                 const char *name)
{
    uint64_t whole, n, k;
    ckks_status s = cki_seal_head_read(&whole, in, size, "parameters", name);

    if (s == CKKS_OK)
        s = cki_check_size(size, whole, name);
    if (s == CKKS_OK && size < PARAM_FIELDS)
        s = cki_fail(CKKS_EFORMAT, "%s: %zu bytes, fewer than its fields' %d",
                     name, size, PARAM_FIELDS);
    if (s == CKKS_OK && in[16] != SCHEME_CKKS)
        s = cki_fail(CKKS_EFORMAT, "%s: scheme %d%s, not 2 (CKKS)", name,
                     in[16], in[16] == 1 ? " (BFV)"
                             : in[16] == 3 ? " (BGV)" : "");
    if (s != CKKS_OK)
        return s;
    n = cki_load64(in + 17);
    k = cki_load64(in + 25);
    s = cki_check_field(n, (uint64_t)1 << CKKS_MIN_LOG_N,
                        (uint64_t)1 << CKKS_MAX_LOG_N, "poly_modulus_degree",
                        name);
    if (s == CKKS_OK && (n & (n - 1)) != 0)
        s = cki_fail(CKKS_EFORMAT, "%s: poly_modulus_degree %llu is no power "
                     "of two", name, (unsigned long long)n);
    if (s == CKKS_OK)
        s = cki_check_field(k, 2, MAX_K, "number of primes", name);
    if (s == CKKS_OK)
        s = cki_check_size(size, params_bytes(k), name);
    for (uint64_t t = 0; t <= k && s == CKKS_OK; t++)
        s = modulus_check(in, t, k, n, name);
    return s;
}

ckks_status ckks_seal_params_load(ckks_params *out, const uint8_t *in,
                                  size_t size)
{
    static const char name[] = "ckks_seal_params_load";
    ckks_params p = { .num_special = 1, .generator = 3,
                      .uncentred_digits = 1 };
    const uint8_t *b;
    ckks_status s;

    if (out == NULL || in == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = params_fields(in, size, name);
    if (s != CKKS_OK)
        return s;
    while ((uint64_t)1 << p.log_n < cki_load64(in + 17))
        p.log_n++;
    p.num_primes = p.dnum = (int)cki_load64(in + 25) - 1;
    b = in + PARAM_FIELDS + CKI_SEAL_HEAD;
    for (int t = 0; t < p.num_primes; t++, b += MODULUS)
        p.primes[t] = cki_load64(b);
    p.special[0] = cki_load64(b);
    *out = p;
    return CKKS_OK;
}

/* ---- plaintexts --------------------------------------------------------- */

size_t ckks_seal_pt_size(const ckks_pt *pt)
{
    if (cki_check_pt(pt, "ckks_seal_pt_size") != CKKS_OK
        || cki_seal_check_ctx(pt->ctx, "ckks_seal_pt_size") != CKKS_OK)
        return 0;
    return (size_t)cki_seal_plain_size(pt->ctx, pt->level + 1);
}

ckks_status ckks_seal_pt_save(uint8_t *out, size_t size, const ckks_pt *pt)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_pt_save";
    ckks_status s = cki_check_pt(pt, name);

    if (s == CKKS_OK)
        s = cki_seal_check_ctx(pt->ctx, name);
    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_seal_pt_size(pt), name);
    if (s == CKKS_OK)
        cki_seal_plain_write(out, pt->limb, pt->level + 1, pt->scale, pt->ctx);
    return s;
}

ckks_status ckks_seal_pt_load(ckks_pt *out, const ckks_ctx *ctx,
                              const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_pt_load", what[] = "plaintext";
    cki_seal_view v;
    ckks_pt made;
    ckks_status s = check_out(out, ctx, in, name);

    if (s == CKKS_OK)
        s = cki_seal_plain_check(&v, in, size, false, ctx, what, name);
    if (s == CKKS_OK)
        s = cki_check_size(size, v.size, name);
    if (s == CKKS_OK)
        s = cki_pt_new(&made, ctx, v.primes - 1, v.scale, name);
    if (s != CKKS_OK)
        return s;
    s = cki_seal_words_read(cki_seal_dense(made.limb, v.primes, ctx), &v, ctx,
                            what, name);
    if (s != CKKS_OK) {
        ckks_pt_clear(&made);
        return s;
    }
    cki_pt_give(out, &made);
    return CKKS_OK;
}

/* ---- ciphertexts -------------------------------------------------------- */

size_t ckks_seal_ct_size(const ckks_ct *ct)
{
    if (cki_check_ct(ct, "ckks_seal_ct_size") != CKKS_OK
        || cki_seal_check_ctx(ct->ctx, "ckks_seal_ct_size") != CKKS_OK)
        return 0;
    return (size_t)cki_seal_cipher_size(ct->ctx, ct->degree + 1,
                                        ct->level + 1);
}

ckks_status ckks_seal_ct_save(uint8_t *out, size_t size, const ckks_ct *ct)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_ct_save";
    ckks_status s = cki_check_ct(ct, name);

    if (s == CKKS_OK)
        s = cki_seal_check_ctx(ct->ctx, name);
    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_seal_ct_size(ct), name);
    if (s == CKKS_OK)
        cki_seal_cipher_write(
            out, cki_seal_dense(ct->limb, ct->level + 1, ct->ctx),
            ct->degree + 1, ct->level + 1, ct->scale, ct->ctx);
    return s;
}

ckks_status ckks_seal_ct_load(ckks_ct *out, const ckks_ctx *ctx,
                              const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_ct_load", what[] = "ciphertext";
    cki_seal_view v;
    ckks_ct made;
    ckks_status s = check_out(out, ctx, in, name);

    if (s == CKKS_OK)
        s = cki_seal_cipher_check(&v, in, size, false, ctx, what, name);
    if (s == CKKS_OK)
        s = cki_check_size(size, v.size, name);
    if (s == CKKS_OK)
        s = cki_ct_new(&made, ctx, v.parts - 1, v.primes - 1, v.scale, name);
    if (s != CKKS_OK)
        return s;
    s = cki_seal_words_read(cki_seal_dense(made.limb, v.primes, ctx), &v, ctx,
                            what, name);
    if (s != CKKS_OK) {
        ckks_ct_clear(&made);
        return s;
    }
    cki_ct_give(out, &made);
    return CKKS_OK;
}
