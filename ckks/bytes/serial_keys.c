/* serial_keys.c -- secret and public keys as bytes.
 *
 * Read first: serial.h, key.h.  The order of work of a loader is that of
 * serial_data.c.  Random halves are not stored: their seeds are.
 *
 * Fields behind the frame (offsets from there):
 *
 *   secret key   coefficients, two bits each, the first one lowest: c + 1 for
 *                c in -1, 0, 1
 *   public key   0 seed, 32 limbs of b over all primes
 */
#include <string.h>

#include "base/bytes.h"
#include "bytes/serial.h"
#include "scheme/key.h"

/* ---- secret key --------------------------------------------------------- */

size_t ckks_sk_size(const ckks_sk *sk)
{
    return sk == NULL ? 0 : CKI_HEAD + sk->ctx->n / 4;
}

ckks_status ckks_sk_save(uint8_t *out, size_t size, const ckks_sk *sk)
{
    CKI_NEAREST;
    static const char name[] = "ckks_sk_save";
    ckks_status s;

    if (sk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_check_room(out, size, ckks_sk_size(sk), name);
    if (s != CKKS_OK)
        return s;
    cki_head_write(out, size, CKI_KIND_SK, sk->ctx);
    for (size_t i = 0; i < sk->ctx->n / 4; i++) {
        const int8_t *c = sk->coeff + 4 * i;

        out[CKI_HEAD + i] = (uint8_t)((c[0] + 1) | (c[1] + 1) << 2
                                      | (c[2] + 1) << 4 | (c[3] + 1) << 6);
    }
    cki_head_seal(out, size);
    return CKKS_OK;
}

/* Time depends on n only.  False if a code is 3. */
static bool unpack_ternary(int8_t *out, const uint8_t *in, size_t n)
{
    unsigned bad = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned code = in[i / 4] >> 2 * (i % 4) & 3u;

        out[i] = (int8_t)((int)code - 1);
        bad |= code & code >> 1;                    /* 1 only for code 3     */
    }
    return bad == 0;
}

ckks_status ckks_sk_load(ckks_sk **out, const ckks_ctx *ctx,
                         const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_sk_load";
    ckks_sk *made;
    ckks_status s;

    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_head_read(in, size, CKI_KIND_SK, 0, ctx, name);
    if (s == CKKS_OK)
        s = cki_check_size(size, CKI_HEAD + ctx->n / 4, name);
    if (s == CKKS_OK)
        s = cki_sk_new(&made, ctx, name);
    if (s != CKKS_OK)
        return s;
    if (!unpack_ternary(made->coeff, in + CKI_HEAD, ctx->n)) {
        ckks_sk_clear(&made);                       /* wipes                 */
        return cki_fail(CKKS_EFORMAT, "%s: one of %zu coefficients has code "
                        "3, not 0..2", name, ctx->n);
    }
    cki_sk_expand(made);
    ckks_sk_clear(out);
    *out = made;
    return CKKS_OK;
}

/* ---- public key --------------------------------------------------------- */

ckks_status cki_no_seed(const char *what, const char *name)
{
    return cki_fail(CKKS_EARG, "%s: %s was read from a file of SEAL: its "
                    "random half has no seed of %d bytes; write it with "
                    "ckks_seal_..._save", name, what, CKKS_SEED_BYTES);
}

static uint64_t pk_size(const ckks_ctx *ctx)
{
    uint64_t size = CKI_HEAD + CKKS_SEED_BYTES;

    for (int t = 0; t < ctx->num_primes + ctx->num_special; t++)
        size += cki_limb_size(ctx, t);
    return size;
}

size_t ckks_pk_size(const ckks_pk *pk)
{
    return pk == NULL || pk->seedless ? 0 : (size_t)pk_size(pk->ctx);
}

ckks_status ckks_pk_save(uint8_t *out, size_t size, const ckks_pk *pk)
{
    CKI_NEAREST;
    static const char name[] = "ckks_pk_save";
    const ckks_ctx *ctx;
    uint8_t *b;
    ckks_status s;

    if (pk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (pk->seedless)
        return cki_no_seed("the public key", name);
    ctx = pk->ctx;
    s = cki_check_room(out, size, ckks_pk_size(pk), name);
    if (s != CKKS_OK)
        return s;
    cki_head_write(out, size, CKI_KIND_PK, ctx);
    memcpy(out + CKI_HEAD, pk->seed, CKKS_SEED_BYTES);
    b = out + CKI_HEAD + CKKS_SEED_BYTES;
    for (int t = 0; t < ctx->num_primes + ctx->num_special; t++)
        b = cki_limb_write(b, pk->limb + (size_t)t * ctx->n, t, ctx);
    cki_head_seal(out, size);
    return CKKS_OK;
}

ckks_status ckks_pk_load(ckks_pk **out, const ckks_ctx *ctx,
                         const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_pk_load";
    const uint8_t *b;
    ckks_pk *made;
    ckks_status s;

    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_head_read(in, size, CKI_KIND_PK, CKKS_SEED_BYTES, ctx, name);
    if (s == CKKS_OK)
        s = cki_check_size(size, pk_size(ctx), name);
    if (s == CKKS_OK)
        s = cki_pk_new(&made, ctx, name);
    if (s != CKKS_OK)
        return s;
    memcpy(made->seed, in + CKI_HEAD, CKKS_SEED_BYTES);
    b = in + CKI_HEAD + CKKS_SEED_BYTES;
    for (int t = 0; t < ctx->num_primes + ctx->num_special && s == CKKS_OK;
         t++)
        s = cki_limb_read(made->limb + (size_t)t * ctx->n, &b, t, ctx, "b",
                          name);
    if (s != CKKS_OK) {
        ckks_pk_clear(&made);
        return s;
    }
    cki_pk_expand(made);
    ckks_pk_clear(out);
    *out = made;
    return CKKS_OK;
}
